#!/usr/bin/env python3
"""`rallypoint diff`: what differs is found and told, whatever the numbers of ranks; what
does not is known by the hashes alone. Runs in the build folder."""
import json
import os
import shutil
import subprocess
import sys
import unittest

from arrays import (EABSENT, ECORRUPT, EIO, ELAYOUT, MAKE, SHAPES, USAGE, Arrays)
from test_tool import MAKE as MAKE_CKPT, run

LIMIT = 256 << 20


class Diff(Arrays):
    def setUp(self):
        super().setUp()
        self.other = os.path.join(self.top, "other")

    def pair(self, ranks_a, ranks_b, *changes):
        self.arrays(ranks_a)
        self.arrays(ranks_b, *changes, dir=self.other, sequence=2, step=11)

    def make_at(self, dir, step):
        subprocess.run([MAKE_CKPT, dir, "1", str(step)], check=True)

    def diff(self, status, *names):
        """The entries by name, or, of what is private, name and rank."""
        got = run("diff", self.dir, self.other, *names)
        self.assertEqual((got.returncode, got.stderr), (status, ""), got)
        got = run("diff", self.dir, self.other, *names, "--json")
        self.assertEqual((got.returncode, got.stderr), (status, ""), got)
        answer = json.loads(got.stdout)
        self.assertEqual(answer["same"], status == 0)
        return {(e["name"], e["rank"]) if "rank" in e else e["name"]: e
                for e in answer["entries"]}

    def text(self, status, *words):
        got = run("diff", self.dir, self.other, *words)
        self.assertEqual((got.returncode, got.stderr), (status, ""), got)
        return got.stdout

    def cut_off(self, ckpt, ranks):
        """Makes the data of all shards unreadable, but not header and hashes."""
        for rank in range(ranks):
            self.damage(ckpt, rank, ranks)


class Same(Diff):
    def test_by_hash(self):
        """Of another step; and no data are read."""
        self.pair(3, 3)
        self.cut_off(self.path("0001-step-10"), 3)
        got = self.diff(0)
        self.assertEqual({e["state"] for e in got.values()}, {"same"})
        self.assertEqual({e["by"] for e in got.values()}, {"hash"})
        self.assertEqual(set(got), set(SHAPES) | {("seeds", 0), ("seeds", 1),
                                                  ("seeds", 2), ("one", 2)})
        self.assertEqual(got["cube"]["elements"], 60)
        text = self.text(0)
        self.assertIn("step 10, 3 ranks", text)
        self.assertIn("step 11, 3 ranks", text)
        self.assertTrue(text.endswith("the same: 25 of 25, 25 of them by their "
                                      "hashes\n"), text)

    def test_across_ranks(self):
        for ranks in (1, 2, 8):
            with self.subTest(ranks):
                shutil.rmtree(self.dir, ignore_errors=True)
                shutil.rmtree(self.other, ignore_errors=True)
                self.pair(3, ranks)
                got = self.diff(0)
                self.assertEqual({e["state"] for n, e in got.items()
                                  if n in SHAPES}, {"same"})
                self.assertEqual(got["cube"]["by"], "value")
                for name in ("seeds", "one"):
                    self.assertEqual(got[name]["state"], "not_compared")
        self.assertIn("seeds: private to ranks, of which there are 3 and 8: not "
                      "compared", self.text(0))

    def test_with_itself(self):
        self.make(5)
        self.other = self.dir
        got = self.diff(0)
        self.assertEqual(got["restart"]["kind"], "file")
        self.assertEqual(got[("log", 1)]["state"], "same")

    def test_zero_extents(self):
        self.pair(3, 2)
        self.assertEqual(self.diff(0, "none")["none"]["elements"], 0)


class Different(Diff):
    def test_one_element(self):
        """Wherever it lies: it is named, and how far it is off."""
        cases = {"cube": (0, [0, 0, 0]), "wide": (4001 + 17, [1, 17]),
                 "grid": (37, [4, 5]), "halo": (20, [4, 0]),
                 "a_F64": (69, [6, 9])}
        for ranks in (3, 4):
            shutil.rmtree(self.dir, ignore_errors=True)
            shutil.rmtree(self.other, ignore_errors=True)
            self.pair(3, ranks, *("%s[%d]=%d" % (name, k, k + 1000)
                                  for name, (k, _) in cases.items()))
            got = self.diff(1)
            for name, (k, index) in cases.items():
                entry = got.pop(name)
                self.assertEqual(
                    (entry["state"], entry["by"], entry["differing"],
                     entry["first"], entry["not_finite"]),
                    ("different", "value", 1, index, 0), (ranks, name))
                old = k + (0 if name == "grid" else 0.25)
                self.assertEqual(entry["max_abs"], k + 1000 - old)
                self.assertEqual(entry["max_rel"], (k + 1000 - old) / (k + 1000))
            self.assertEqual({e["state"] for e in got.values()} -
                             {"not_compared"}, {"same"})

    def test_pieces_of_any_size(self):
        """Counts and the first index do not depend on them."""
        self.pair(4, 4, "wide[4000]=-1", "wide[4001]=-2", "wide[12002]=1e6")
        want = self.diff(1, "wide")["wide"]
        self.assertEqual((want["differing"], want["first"], want["max_abs"]),
                         (3, [0, 4000], 1e6 - 12002.25))
        for chunk in ("1k", "33000", "96m"):
            got = self.diff(1, "wide", "--chunk", chunk)["wide"]
            self.assertEqual(got, want)
        self.assertIn("wide: 3 of 12003 elements differ, the first at [0,4000], "
                      "max abs 987997.75, max rel ", self.text(1, "wide"))

    def test_only_what_differs_is_read(self):
        """Of ranks 0 and 1, whose columns are the same, nothing can be read."""
        self.pair(4, 4, "wide[3500]=3")
        for ckpt in (self.path("0001-step-10"),
                     os.path.join(self.other, "0002-step-11")):
            for rank in (0, 1):
                self.damage(ckpt, rank, 4)
        got = self.diff(1, "wide", "--chunk", "1k")["wide"]
        self.assertEqual((got["differing"], got["elements"], got["first"]),
                         (1, 12003, [0, 3500]))
        self.bad(ECORRUPT, "diff", self.dir, self.other, "wide")

    def test_types(self):
        """All of them, integers to their ends."""
        self.pair(2, 3, *("a_%s[5]=1" % t for t in (
            "BOOL U8 I8 U16 I16 U32 I32 U64 I64 F8_E4M3 F8_E5M2 F16 BF16 F32 "
            "F64").split() if t != "BOOL"), "a_BOOL[5]=0")
        got = self.diff(1)
        for name in SHAPES:
            if name.startswith("a_"):
                self.assertEqual((got[name]["differing"], got[name]["first"]),
                                 (1, [0, 5]), name)
        for name in "U8 I8 U16 I16 U32 I32 U64 I64".split():
            self.assertEqual(got["a_" + name]["max_abs"], 4, name)
        self.assertEqual(got["a_F8_E4M3"]["max_abs"], 4 * 2 ** -9)
        self.assertEqual(got["a_F8_E5M2"]["max_abs"],
                         (1.25 - 0.25) * 2 ** -14)
        self.assertEqual(got["a_F16"]["max_abs"], 4 * 2 ** -24)
        self.assertEqual(got["a_BF16"]["max_abs"], 4 * 2 ** -133)
        self.assertEqual(got["a_F64"]["max_abs"], 4.25)

    def test_far_apart(self):
        self.pair(1, 2, "a_I64[3]=-9223372036854775808", "a_I8[0]=-128", "a_I16[0]=-1",
                  "odd[4]=1.7e308", "odd[5]=-1.7e308")
        self.assertEqual(self.diff(1, "a_I64")["a_I64"]["max_abs"],
                         2.0 ** 63 + 3)
        self.assertEqual(self.diff(1, "a_I8")["a_I8"]["max_abs"], 128)
        self.assertEqual(self.diff(1, "a_I16")["a_I16"]["max_abs"], 1)
        self.arrays(1, "odd[4]=-1.7e308", "odd[5]=0", sequence=3)
        got = self.diff(1, "odd")["odd"]
        self.assertEqual((got["max_abs"], got["max_rel"]),
                         (sys.float_info.max, 2))

    def test_the_least_apart(self):
        self.arrays(1)
        self.arrays(1, "odd[4]=0", dir=self.other)
        got = self.diff(1, "odd")["odd"]
        self.assertEqual((got["max_abs"], got["max_rel"]), (5e-324, 1))
        self.assertIn("max abs 4.94065646e-324, max rel 1\n", self.text(1, "odd"))

    def test_bits(self):
        """The same NaN is the same, 0 and -0 are not, and no number is told of what
        is not finite."""
        self.pair(1, 2)
        self.assertEqual(self.diff(0, "odd")["odd"]["state"], "same")
        shutil.rmtree(self.other)
        self.arrays(2, "odd[3]=0", dir=self.other)
        got = self.diff(1, "odd")["odd"]
        self.assertEqual((got["differing"], got["max_abs"], got["first"]),
                         (1, 0, [3]))
        shutil.rmtree(self.other)
        self.arrays(2, "odd[0]=1", "odd[1]=nan", dir=self.other)
        got = self.diff(1, "odd")["odd"]
        self.assertEqual((got["differing"], got["not_finite"], got["max_abs"],
                          got["first"]), (2, 2, 0, [0]))
        self.assertIn("odd: 2 of 6 elements differ, the first at [0], 2 with an "
                      "infinity or a NaN\n", self.text(1, "odd"))

    def test_what_is_in_one_alone(self):
        self.pair(2, 2, "cube=drop", "grid=F32", "wide=less")
        got = self.diff(1)
        self.assertEqual(got["cube"]["state"], "only_a")
        self.assertEqual((got["grid"]["state"], got["grid"]["a"], got["grid"]["b"]),
                         ("layout", {"dtype": "I32", "shape": [9, 8]},
                          {"dtype": "F32", "shape": [9, 8]}))
        self.assertEqual(got["wide"]["state"], "layout")
        text = self.text(1)
        self.assertIn("cube: in a alone\n", text)
        self.assertIn("grid: I32 [9,8] in a, F32 [9,8] in b\n", text)
        self.assertIn("wide: F64 [3,4001] in a, F64 [2,4001] in b\n", text)
        self.assertIn("different: 3 of 24\n", text)
        self.dir, self.other = self.other, self.dir
        self.assertIn("cube: in b alone\n", self.text(1))

    def test_private(self):
        """`big`, of 2.5 MiB, stands with T in each shard: where T differs, so do the
        hashes, and it is compared by value."""
        self.make_at(self.dir, 5)
        self.make_at(self.other, 5)
        self.assertEqual(self.diff(0)[("big", 0)]["by"], "hash")
        shutil.rmtree(self.other)
        self.make_at(self.other, 6)
        got = self.diff(1)
        for rank in (0, 1):
            entry = got[("big", rank)]
            self.assertEqual((entry["state"], entry["by"], entry["elements"]),
                             ("same", "value", (5 << 19) + rank))
        self.assertEqual((got["T"]["differing"], got["T"]["max_abs"]), (48, 1000))
        self.assertEqual(self.diff(0, "big", "--chunk", "64k")[("big", 1)]["state"],
                         "same")

    def test_private_in_one_alone(self):
        self.make_at(self.dir, 5)
        self.arrays(2, dir=self.other)
        got = self.diff(1)
        self.assertEqual(got[("count", 1)]["state"], "only_a")
        self.assertEqual(got[("seeds", 1)]["state"], "only_b")
        self.assertIn("count, of rank 1: in a alone\n", self.text(1))

    def test_files(self):
        """By their hashes."""
        self.make_at(self.dir, 5)
        self.make_at(self.other, 6)
        got = self.diff(1)
        self.assertEqual(got["restart"]["state"], "different")
        self.assertEqual(got[("log", 0)]["state"], "different")
        text = self.text(1, "log", "restart")
        self.assertIn("log, a file of rank 1: the content differs\n", text)
        self.assertIn("restart, a file: the content differs\n", text)
        shutil.rmtree(self.other)
        self.arrays(3, dir=self.other)
        got = self.diff(1)
        self.assertEqual(got["restart"]["state"], "only_a")
        self.assertEqual(got["big"]["state"], "not_compared")

    def test_equal_hashes_of_other_names(self):
        """The bytes of both shards are the same, but mean something else: what a has
        as a_U64, b has as a_V64."""
        both = ["a_U64=I64", "a_I64[0]=5", "a_U64[0]=6"]
        self.arrays(1, *both)
        self.arrays(1, both[0], "a_U64=as:a_V64", "a_I64=as:a_U64", "a_U64[0]=5",
                    "a_V64[0]=6", dir=self.other)
        manifests = []
        for ckpt in (self.dir, self.other):
            with open(os.path.join(ckpt, "0001-step-10", "manifest.json")) as file:
                manifests.append(json.load(file))
        self.assertEqual(*(m["shards"][0]["content"] for m in manifests))
        got = self.diff(1, "a_U64")["a_U64"]
        self.assertEqual((got["state"], got["differing"], got["max_abs"]),
                         ("different", 1, 1))

    def test_bounded_memory(self):
        self.arrays(2, "huge=640")
        self.arrays(3, "huge=640", "huge[41943039]=1", dir=self.other)
        status, peak = self.peak("diff", self.dir, self.other, "huge")
        self.assertEqual(status, 1)
        self.assertLess(peak, LIMIT)
        got = self.diff(1, "huge")["huge"]
        self.assertEqual((got["differing"], got["first"]), (1, [639, 65535]))


class Trouble(Diff):
    def test_damage(self):
        self.pair(2, 3, "cube[0]=7")
        path = self.damage(self.path("0001-step-10"), 1, 2)
        got = self.bad(ECORRUPT, "diff", self.dir, self.other, "wide")
        self.assertIn(os.path.basename(path), got.stderr)
        self.assertEqual((got.stdout, got.stderr.count("\n")), ("", 1))
        os.truncate(path, 5000)
        got = self.bad(ECORRUPT, "diff", self.dir, self.other)
        self.assertIn("bytes long", got.stderr)

    def test_names(self):
        self.pair(2, 3)
        got = self.bad(EABSENT, "diff", self.dir, self.other, "nope")
        self.assertIn("'nope'", got.stderr)
        got = self.bad(ELAYOUT, "diff", self.dir, self.other, "seeds")
        self.assertIn("2 and 3", got.stderr)
        self.assertEqual(set(self.diff(0, "cube", "grid")), {"cube", "grid"})
        self.bad(EIO, "diff", self.dir, self.path("absent"))
        os.mkdir(self.path("empty"))
        self.bad(EABSENT, "diff", self.path("empty"), self.dir)

    def test_usage(self):
        for words in ([], ["a"], ["a", ""], ["a", "b", "--rank", "1"],
                      ["a", "b", "-o", "x"]):
            with self.subTest(words):
                self.bad(USAGE, "diff", *words)


if __name__ == "__main__":
    if not os.access(MAKE, os.X_OK):
        sys.exit("test_diff.py: run it in the build folder, after `make check`")
    unittest.main()
