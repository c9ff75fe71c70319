#!/usr/bin/env python3
"""`rallypoint cat`: slices as numpy has them, and values as they were. Runs in the build
folder."""
import itertools
import math
import os
import shutil
import struct
import subprocess
import sys
import unittest

from arrays import (EABSENT, EARG, ECORRUPT, ELAYOUT, MAKE, SHAPES, USAGE, Arrays,
                    element)
from test_tool import TOOL


def e4m3(bits):
    if bits & 0x7f == 0x7f:
        return math.nan
    mantissa, exponent = bits & 7, bits >> 3 & 15
    value = (mantissa / 8 * 2 ** -6 if exponent == 0
             else (1 + mantissa / 8) * 2 ** (exponent - 7))
    return -value if bits >> 7 else value


DECODE = {"F8_E4M3": e4m3,
          "F8_E5M2": lambda b: struct.unpack("<e", struct.pack("<H", b << 8))[0],
          "F16": lambda b: struct.unpack("<e", struct.pack("<H", b))[0],
          "BF16": lambda b: struct.unpack("<f", struct.pack("<I", b << 16))[0]}


def single(value):
    """As an F32 has it: 9 digits are enough for that."""
    return repr(struct.unpack("<f", struct.pack("<f", value))[0])


class Cat(Arrays):
    def again(self, ranks, *changes):
        """In place of what was there."""
        shutil.rmtree(self.dir, ignore_errors=True)
        self.arrays(ranks, *changes)

    def cat(self, word, *more):
        return self.good("cat", self.dir, word, *more)

    def values(self, word, *more):
        return [float(t) for t in self.cat(word, *more).split()]

    def expected(self, name, *slices):
        """What the slices of all dimensions take."""
        _, shape = SHAPES[name]
        picks = [range(n)[s] if isinstance(s, slice) else [range(n)[s]]
                 for n, s in zip(shape, slices)]
        out = []
        for index in itertools.product(*picks):
            k = 0
            for n, i in zip(shape, index):
                k = k * n + i
            out.append(element(name, k))
        return out


class Slices(Cat):
    def test_as_numpy(self):
        self.arrays(3)
        s = slice
        everything = s(None)
        for text, name, *slices in (
                ("[2,1,0]", "cube", 2, 1, 0), ("[-1,-1,-1]", "cube", -1, -1, -1),
                ("[1:3,0,:]", "cube", s(1, 3), 0, everything),
                ("[:,1]", "cube", everything, 1, everything),
                ("[...,2]", "cube", everything, everything, 2),
                ("[1,...,2]", "cube", 1, everything, 2),
                ("[1,2,0,...]", "cube", 1, 2, 0),
                ("[...]", "cube", everything, everything, everything),
                ("", "cube", everything, everything, everything),
                ("[::2, 1:, ::1]", "cube",
                 s(None, None, 2), s(1, None), everything),
                ("[-2:,-3:-1]", "cube", s(-2, None), s(-3, -1), everything),
                ("[3:100]", "cube", s(3, 100), everything, everything),
                ("[-100:1]", "cube", s(-100, 1), everything, everything),
                ("[4:2]", "cube", s(4, 2), everything, everything),
                ("[1,3990:]", "wide", 1, s(3990, None)),
                ("[:,::1000]", "wide", everything, s(None, None, 1000)),
                ("[1::2,5:4000:77]", "wide", s(1, None, 2), s(5, 4000, 77)),
                ("[4,5]", "grid", 4, 5), ("[:,3]", "grid", everything, 3),
                ("[2:10:3,1:8:6]", "grid", s(2, 10, 3), s(1, 8, 6)),
                ("[3:5]", "halo", s(3, 5), everything),
                ("", "none", everything, everything)):
            for chunk in ("1k", "64m"):
                with self.subTest((name, text, chunk)):
                    self.assertEqual(
                        self.values(name + text, "--chunk", chunk),
                        [float(v) for v in self.expected(name, *slices)])

    def test_lines(self):
        self.arrays(3)
        self.assertEqual(self.cat("grid[1:3,2:5]"), "10 11 12\n18 19 20\n")
        self.assertEqual(self.cat("grid[1,2:5]"), "10\n11\n12\n")
        self.assertEqual(self.cat("grid[1:3,2]"), "10\n18\n")
        self.assertEqual(self.cat("grid[1,2]"), "10\n")
        self.assertEqual(self.cat("cube[:2,:2,:2]"),
                         "0.25 1.25\n3.25 4.25\n\n12.25 13.25\n15.25 16.25\n")
        self.assertEqual(self.cat("cube[4:2]"), "")
        # The lines are the same, whatever the pieces.
        self.assertEqual(self.cat("wide", "--chunk", "1k"), self.cat("wide"))

    def test_no_slices(self):
        self.arrays(3)
        for text, sentence in (
                ("cube[5]", "index 5 of dimension 0, which is 5 long"),
                ("cube[0,-5]", "index -5 of dimension 1"),
                ("cube[1,1,1,1]", "more than the 3 dimensions"),
                ("cube[1,1,1,...,1]", "more than the 3 dimensions"),
                ("cube[...,...]", "neither an index nor"),
                ("cube[]", "neither"), ("cube[1,]", "neither"),
                ("cube[a]", "'a'"), ("cube[1.5]", "'1.5'"), ("cube[1 2]", "'1 2'"),
                ("cube[1:2:3:4]", "'1:2:3:4'"), ("cube[::0]", "the step is 0"),
                ("cube[::-1]", "the step is -1"),
                ("cube[99999999999999999999]", "neither"),
                ("cube[%s]" % ("1" * 500), "neither"),
                ("none[0]", "index 0 of dimension 0, which is 0 long")):
            with self.subTest(text):
                got = self.bad(EARG, "cat", self.dir, text)
                self.assertIn(sentence, got.stderr)
                self.assertIn(text[:4], got.stderr)
                self.assertEqual((got.stdout, got.stderr.count("\n")), ("", 1))

    def test_names(self):
        self.arrays(3)
        for word in ("nope", "nope[1]", "[1]", "cube[1", "cube]", "cube[1]]"):
            with self.subTest(word):
                self.bad(EARG if word == "cube[1]]" else EABSENT, "cat",
                         self.dir, word)
        for words in ([], [self.dir], [self.dir, "cube", "grid"],
                      [self.dir, "cube", "--rank", "-1"],
                      [self.dir, "cube", "--rank", "x"],
                      [self.dir, "cube", "-o", "x"]):
            with self.subTest(words):
                self.bad(USAGE, "cat", *words)


class Values(Cat):
    def test_types(self):
        self.arrays(3)
        for name, (dtype, shape) in SHAPES.items():
            if not name.startswith("a_"):
                continue
            want = self.expected(name, slice(None), slice(None))
            if dtype in DECODE:
                want = [DECODE[dtype](bits) for bits in want]
            got = self.cat(name).split()
            if dtype == "F64":
                self.assertEqual([float(t) for t in got], want, name)
            self.assertEqual([single(float(t)) for t in got],
                             [single(v) for v in want], name)
            if dtype[0] in "BIU" and dtype != "BF16":
                self.assertEqual(got, [str(v) for v in want])

    def test_all_bits_of_small_floats(self):
        """Each of the 256 of a byte."""
        for dtype in ("F8_E4M3", "F8_E5M2"):
            name = "a_" + dtype
            for first in range(0, 256, 70):
                self.again(1, *("%s[%d]=%d" % (name, i, first + i)
                                for i in range(min(70, 256 - first))))
                got = self.values(name)
                for i in range(min(70, 256 - first)):
                    want = DECODE[dtype](first + i)
                    self.assertEqual(single(got[i]), single(want),
                                     (dtype, first + i))

    def test_halves(self):
        """Subnormal, infinite, and not a number."""
        bits = [0x0001, 0x03ff, 0x0400, 0x3c01, 0x7bff, 0x7c00, 0xfc00, 0x7c01,
                0x8000, 0xfe00, 0x7f80, 0xff80, 0x7f81, 0x007f, 0x0080, 0xc2f7]
        for dtype in ("F16", "BF16"):
            self.again(2, *("a_%s[%d]=%d" % (dtype, i, b)
                            for i, b in enumerate(bits)))
            got = self.values("a_" + dtype + "[:2]")
            self.assertEqual([single(v) for v in got[:len(bits)]],
                             [single(DECODE[dtype](b)) for b in bits], dtype)

    def test_exact(self):
        """What is printed, read again, is what was stored."""
        numbers = [0.1, 1 / 3, 1e-310, 1.7976931348623157e308, -2.5, 1e22, 123456789]
        self.arrays(2, *("a_F64[%d]=%.17g" % (i, v) for i, v in enumerate(numbers)),
                    *("a_F32[%d]=%.17g" % (i, v) for i, v in enumerate(numbers)
                      if abs(v) < 1e38),
                    "a_I64[0]=-9223372036854775808", "a_I8[0]=-128", "a_I16[0]=-32768",
                    "a_I32[0]=-2147483648", "a_U64[0]=9223372036854774784")
        self.assertEqual(self.values("a_F64[0,:7]"), numbers)
        for i, value in enumerate(numbers):
            if abs(value) < 1e38:
                single = struct.unpack("<f", struct.pack("<f", value))[0]
                text = self.cat("a_F32[0,%d]" % i)
                self.assertEqual(struct.pack("<f", float(text)),
                                 struct.pack("<f", single))
        self.assertEqual([self.cat("a_%s[0,0]" % t) for t in
                          ("I64", "I8", "I16", "I32", "U64")],
                         ["-9223372036854775808\n", "-128\n", "-32768\n",
                          "-2147483648\n", "9223372036854774784\n"])
        self.assertEqual(self.cat("odd"), "nan\ninf\n-inf\n-0\n"
                         "4.9406564584124654e-324\n0.10000000000000001\n")

    def test_json(self):
        self.arrays(2)
        got = self.good_json("cat", self.dir, "grid[1:3,2:4]")
        self.assertEqual(got, {"name": "grid", "dtype": "I32", "shape": [2, 2],
                               "values": [10, 11, 18, 19]})
        got = self.good_json("cat", self.dir, "odd")
        self.assertEqual(got["values"], ["nan", "inf", "-inf", -0.0, 5e-324, 0.1])
        got = self.good_json("cat", self.dir, "none")
        self.assertEqual((got["shape"], got["values"]), ([0, 4], []))
        got = self.good_json("cat", self.dir, "grid[1,1]")
        self.assertEqual((got["shape"], got["values"]), ([], [9]))

    def test_private(self):
        ckpt = self.arrays(3)
        self.assertEqual(self.cat("seeds", "--rank", 2), "2000\n2001\n2002\n2003\n")
        self.assertEqual(self.cat("seeds[-1]", "--rank", 1), "1002\n")
        self.assertEqual(self.cat("one", "--rank", 2), "-7\n")
        for words, status, sentence in (
                (["seeds"], EARG, "private to 3 ranks, the first of them 0"),
                (["one"], EARG, "private to 1 rank, the first of them 2"),
                (["one", "--rank", 0], EABSENT, "rank 0 of 3 has no 'one'"),
                (["seeds", "--rank", 3], EABSENT, "rank 3 of 3"),
                (["seeds[5]", "--rank", 0], EARG, "index 5"),
                (["cube", "--rank", 0], EARG, "is a global array")):
            with self.subTest(words):
                got = self.bad(status, "cat", ckpt, *words)
                self.assertIn(sentence, got.stderr)

    def test_a_large_private_region_in_pieces(self):
        self.make(5)
        n = (5 << 19) + 1
        self.assertEqual(
            self.values("big[::100000]", "--rank", 1, "--chunk", "64k"),
            [(i * 7 + 1) & 255 for i in range(0, n, 100000)])
        got = self.cat("big", "--rank", 1, "--chunk", "1m").split()
        self.assertEqual(got, [str((i * 7 + 1) & 255) for i in range(n)])


class Reading(Cat):
    def test_damage(self):
        """What is printed is verified; nothing comes behind a bad block."""
        ckpt = self.arrays(3)
        path = self.damage(ckpt, 1, 3)
        self.assertEqual(self.cat("odd[5]"), "0.10000000000000001\n")
        got = self.bad(ECORRUPT, "cat", self.dir, "grid")
        self.assertEqual(got.stdout, "")
        self.assertIn(os.path.basename(path), got.stderr)
        os.truncate(path, 100)
        self.bad(ECORRUPT, "cat", self.dir, "grid")
        self.assertEqual(self.cat("odd[5]"), "0.10000000000000001\n")

    def test_a_hole(self):
        """Boxes that do not make the whole array: what is not there is told."""
        self.arrays(3, "grid=hole")
        self.assertEqual(len(self.values("grid[:8]")), 64)
        for word in ("grid", "grid[8]", "grid[-1,7]"):
            got = self.bad(ELAYOUT, "cat", self.dir, word)
            self.assertIn("grid", got.stderr)
            self.assertIn("[8:9,", got.stderr)

    def test_a_reader_that_goes(self):
        """| head: it ends at once and says nothing, whoever starts it."""
        self.arrays(1, "huge=32")
        for ignored in ("", 'trap "" PIPE; '):
            got = subprocess.run(
                ["bash", "-c", ignored + '"$@" | head -c 10; exit ${PIPESTATUS[0]}',
                 "bash", TOOL, "cat", self.dir, "huge"], text=True,
                capture_output=True, timeout=60)
            self.assertEqual((got.returncode, got.stdout, got.stderr),
                             (141, "0.25 1.25 ", ""))

    def test_a_full_disk(self):
        self.arrays(1)
        with open("/dev/full", "w") as full:
            got = subprocess.run([TOOL, "cat", self.dir, "wide"], stdout=full,
                                 stderr=subprocess.PIPE)
        self.assertEqual(got.returncode, 69)


if __name__ == "__main__":
    if not os.access(MAKE, os.X_OK):
        sys.exit("test_cat.py: run it in the build folder, after `make check`")
    unittest.main()
