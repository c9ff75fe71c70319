#!/usr/bin/env python3
"""`rallypoint export`: what it writes is what was stored, from any number of ranks and
in pieces of any size; and it leaves nothing half-done behind. Runs in the build
folder."""
import os
import signal
import struct
import subprocess
import sys
import time
import unittest

from arrays import (DESCR, EABSENT, EARG, ECORRUPT, EIO, ELAYOUT, MAKE, SHAPES,
                    USAGE, Arrays, content, read_npy, read_safetensors, seeds,
                    size_of)
from test_tool import TOOL, run

LIMIT = 256 << 20


def by_default():
    """Whoever runs the tests may have them ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Writing(Arrays):
    def check_npy(self, path, name):
        dtype, shape = SHAPES[name]
        descr, got, data = read_npy(path)
        self.assertEqual((descr, got), (DESCR[dtype], shape), name)
        self.assertEqual(data, content(name), name)

    def test_one_array_as_npy(self):
        for ranks in (1, 3, 8):
            ckpt = self.arrays(ranks, dir=self.out("ckpt%d" % ranks))
            for name in ("a_F64", "cube", "wide", "grid", "halo", "none", "odd"):
                with self.subTest((ranks, name)):
                    out = self.out("x.npy")
                    got = self.good("export", ckpt, name, "-o", out, "--force")
                    self.assertIn("1 array, ", got)
                    self.check_npy(out, name)

    def test_all_arrays_as_a_folder(self):
        self.arrays(3)
        got = run("export", self.dir, "-o", self.out("all/"))
        self.assertEqual(got.returncode, 0, got)
        self.assertEqual(sorted(os.listdir(self.out("all"))),
                         sorted(name + ".npy" for name in SHAPES))
        for name in SHAPES:
            self.check_npy(os.path.join(self.out("all"), name + ".npy"), name)
        self.assertIn("left out: 2 names private to ranks", got.stdout)
        # What numpy has no name for is warned of.
        for name in ("a_BF16", "a_F8_E4M3", "a_F8_E5M2"):
            self.assertIn("'%s'" % name, got.stderr)
        self.assertEqual(got.stderr.count("\n"), 3)

    def test_pieces_of_any_size(self):
        """A row of `wide` is 32 KB: it is cut in both dimensions."""
        self.arrays(4)
        for chunk in ("1k", "4k", "33000", "40k", "96m"):
            for name in ("wide", "cube", "grid", "halo"):
                with self.subTest((chunk, name)):
                    self.good("export", self.dir, name, "-o", self.out("x.npy"),
                              "--chunk", chunk, "--force")
                    self.check_npy(self.out("x.npy"), name)

    def test_safetensors(self):
        self.arrays(3)
        for chunk in ("1k", "64m"):
            self.good("export", self.dir, "-o", self.out("m.safetensors"),
                      "--private", "--chunk", chunk, "--force")
            metadata, tensors = read_safetensors(self.out("m.safetensors"))
            for name, (dtype, shape) in SHAPES.items():
                self.assertEqual(tensors.pop(name),
                                 (dtype, shape, content(name)), name)
            for rank in range(3):
                self.assertEqual(tensors.pop("seeds.rank-%05d" % rank),
                                 ("U64", (rank + 2,), seeds(rank)))
            self.assertEqual(tensors, {"one.rank-00002": ("I16", (1,), b"\xf9\xff")})
            self.assertEqual((metadata["step"], metadata["sequence"],
                              metadata["ranks"], metadata["meta.case"]),
                             ("10", "1", "3", "tube \u00e4"))

    def test_order_of_safetensors(self):
        """Sorted: the widest types first, of one width by name."""
        self.arrays(2)
        self.good("export", self.dir, "-o", self.out("m.safetensors"))
        _, tensors = read_safetensors(self.out("m.safetensors"))
        names = [n for n in tensors if n != "none"]    # it has no bytes
        self.assertEqual(names, sorted(names, key=lambda n: (
            -size_of(tensors[n][0]), n)))

    def test_h5(self):
        """tests/python reads it; here, that it is one and leaves nothing."""
        self.arrays(2)
        out = self.out("x.h5")
        got = run("export", self.dir, "-o", out)
        if "built without HDF5" in got.stderr:
            self.assertEqual((got.returncode, self.left()), (EARG, []))
            self.skipTest("built without HDF5")
        self.assertEqual(got.returncode, 0, got)
        self.assertIn("'a_F8_E4M3'", got.stderr)
        self.assertEqual(got.stderr.count("\n"), 1)
        with open(out, "rb") as file:
            data = file.read()
        self.assertEqual(data[:8], b"\x89HDF\r\n\x1a\n")
        for name in SHAPES:
            if name != "none":
                self.assertIn(content(name), data, name)
        self.assertEqual(self.left(), ["x.h5"])

    def test_private_regions(self):
        ckpt = self.arrays(3)
        self.good("export", ckpt, "seeds", "-o", self.out("p"))
        self.assertEqual(sorted(os.listdir(self.out("p"))),
                         ["seeds.rank-%05d.npy" % r for r in range(3)])
        for rank in range(3):
            self.assertEqual(
                read_npy(os.path.join(self.out("p"),
                                      "seeds.rank-%05d.npy" % rank)),
                ("<u8", (rank + 2,), seeds(rank)))
        self.good("export", ckpt, "one", "-o", self.out("one.npy"))
        self.assertEqual(read_npy(self.out("one.npy")), ("<i2", (1,), b"\xf9\xff"))

    def test_a_large_private_region_in_pieces(self):
        """That of make_ckpt is 2.5 MiB."""
        self.make(7)
        self.good("export", self.dir, "big", "-o", self.out("p/"), "--chunk", "64k")
        for rank in range(2):
            got = read_npy(os.path.join(self.out("p"),
                                        "big.rank-%05d.npy" % rank))
            n = (5 << 19) + rank
            self.assertEqual(got, ("|u1", (n,), bytes(
                (i * 7 + rank) & 255 for i in range(n))))

    def test_json(self):
        ckpt = self.arrays(2)
        got = self.good_json("export", self.dir, "cube", "seeds", "-o",
                             self.out("x/"))
        self.assertEqual((got["format"], got["left_out"], got["checkpoint"]),
                         ("npy", 0, ckpt))
        self.assertEqual(got["items"][0], {
            "name": "cube", "as": "cube", "dtype": "F64", "shape": [5, 4, 3],
            "bytes": 480})
        self.assertEqual([i.get("rank") for i in got["items"]], [None, 0, 1])
        got = self.good_json("export", self.dir, "-o", self.out("m.safetensors"))
        self.assertEqual((got["left_out"], len(got["items"])), (2, len(SHAPES)))

    def test_which_checkpoint(self):
        """A folder stands for its newest one; the directory of one, also under
        another name, for that one."""
        first = self.arrays(2, "cube[0]=1")
        self.arrays(3, "cube[0]=2", sequence=2)
        moved = self.out("moved")
        os.rename(self.arrays(3, "cube[0]=3", sequence=3), moved)
        for path, value in ((self.dir, 2), (first, 1), (first + "/", 1),
                            (moved, 3)):
            self.good("export", path, "cube", "-o", self.out("x.npy"), "--force")
            data = read_npy(self.out("x.npy"))[2]
            self.assertEqual(struct.unpack("<d", data[:8])[0], value, path)
        os.rename(first, self.path("0005-step-10"))
        self.bad(ECORRUPT, "export", self.path("0005-step-10"), "cube", "-o",
                 self.out("y.npy"))
        self.bad(EIO, "export", self.out("absent"), "-o", self.out("y/"))
        os.mkdir(self.out("empty"))
        self.bad(EABSENT, "export", self.out("empty"), "-o", self.out("y/"))

    def test_bounded_memory(self):
        """320 MiB, in rows of 512 KiB, by the default pieces."""
        self.arrays(2, "huge=640")
        outs = [self.out("x.npy"), self.out("x.safetensors")]
        if "built without" not in run("export", self.dir, "cube", "-o",
                                      self.out("y.h5")).stderr:
            outs.append(self.out("x.h5"))
        for out in outs:
            status, peak = self.peak("export", self.dir, "huge", "-o", out)
            self.assertEqual(status, 0)
            self.assertLess(peak, LIMIT, out)
            self.assertGreater(os.path.getsize(out), 320 << 20)
            with open(out, "rb") as file:
                file.seek(-8, os.SEEK_END)
                self.assertEqual(struct.unpack("<d", file.read(8)),
                                 (640 * 65536 - 1 + 0.25,))
            os.unlink(out)


class Refusing(Arrays):
    def refuse(self, status, sentence, *words, left=()):
        got = self.bad(status, "export", *words)
        self.assertIn(sentence, got.stderr)
        self.assertEqual(self.left(), sorted(left))

    def test_never_over_a_file(self):
        self.arrays(2)
        out = self.out("x.npy")
        with open(out, "w") as file:
            file.write("mine")
        self.refuse(EARG, "is there already", self.dir, "cube", "-o", out,
                    left=["x.npy"])
        with open(out) as file:
            self.assertEqual(file.read(), "mine")
        self.good("export", self.dir, "cube", "-o", out, "--force")
        self.assertEqual(read_npy(out)[1], (5, 4, 3))

    def test_force_replaces_its_own_kind_alone(self):
        self.arrays(2)
        os.mkdir(self.out("x.npy"))
        self.refuse(EARG, "no regular file", self.dir, "cube", "-o",
                    self.out("x.npy"), "--force", left=["x.npy"])
        self.good("export", self.dir, "-o", self.out("all/"), "cube", "grid")
        self.good("export", self.dir, "-o", self.out("all/"), "wide", "--force")
        self.assertEqual(os.listdir(self.out("all")), ["wide.npy"])
        with open(os.path.join(self.out("all"), "thesis.tex"), "w"):
            pass
        self.refuse(EARG, "'thesis.tex'", self.dir, "cube", "-o",
                    self.out("all/"), "--force", left=["all", "x.npy"])
        self.assertEqual(sorted(os.listdir(self.out("all"))),
                         ["thesis.tex", "wide.npy"])
        os.remove(os.path.join(self.out("all"), "thesis.tex"))
        os.mkdir(os.path.join(self.out("all"), "folder.npy"))
        self.refuse(EARG, "'folder.npy'", self.dir, "cube", "-o",
                    self.out("all/"), "--force", left=["all", "x.npy"])
        self.assertEqual(sorted(os.listdir(self.out("all"))),
                         ["folder.npy", "wide.npy"])
        os.symlink("all", self.out("link.npy"))
        self.refuse(EARG, "no regular file", self.dir, "cube", "-o",
                    self.out("link.npy"), "--force",
                    left=["all", "link.npy", "x.npy"])

    def test_names_and_formats(self):
        self.arrays(2)
        for words, status, sentence in (
                (["nope", "-o", "x.npy"], EABSENT, "the name 'nope'"),
                (["cube", "nope", "-o", "x/"], EABSENT, "the name 'nope'"),
                (["cube", "grid", "-o", "x.npy"], EARG, "holds one array"),
                (["-o", "x.npy"], EARG, "holds one array"),
                (["seeds", "-o", "x.npy"], EARG, "holds one array"),
                (["cube", "-o", "x.dat"], EARG, "what is it to be"),
                (["cube", "-o", "no/x.npy"], EIO, "No such file"),
                (["cube", "-o", "no/x/"], EIO, "No such file")):
            with self.subTest(words):
                words[-1] = self.out(words[-1])
                self.refuse(status, sentence, self.dir, *words)

    def test_nothing_to_export(self):
        self.arrays(2, *(name + "=drop" for name in SHAPES))
        self.refuse(EABSENT, "--private", self.dir, "-o", self.out("x/"))
        self.good("export", self.dir, "-o", self.out("x/"), "--private")
        self.assertEqual(len(os.listdir(self.out("x"))), 3)

    def test_usage(self):
        for words in (["a", "-o"], ["a"], ["-o", "x"], ["a", "-o", ""],
                      ["a", "-o", "x", "--chunk", "0"],
                      ["a", "-o", "x", "--chunk", "1g"],
                      ["a", "-o", "x", "--chunk", "1q"],
                      ["a", "-o", "x", "--keep", "1"],
                      ["a", "-o", "x", "--rank", "1"]):
            with self.subTest(words):
                got = self.bad(USAGE, "export", *words)
                self.assertEqual(got.stderr.count("\n"), 1)

    def test_damage(self):
        """One clear error, and no output."""
        ckpt = self.arrays(2)
        path = self.damage(ckpt, 1, 2)
        for out in ("x.npy", "x.safetensors", "x/", "x.h5"):
            with self.subTest(out):
                got = run("export", ckpt, "wide", "-o", self.out(out))
                if "built without HDF5" in got.stderr:
                    continue
                self.assertEqual(got.returncode, ECORRUPT, got)
                self.assertEqual(got.stderr.count("\n"), 1)
                self.assertIn("block 0", got.stderr)
                self.assertIn(os.path.basename(path), got.stderr)
                self.assertEqual(self.left(), [])

    def test_truncated_and_absent_shards(self):
        ckpt = self.arrays(2)
        path = os.path.join(ckpt, "rank-00000-of-00002.safetensors")
        os.truncate(path, os.path.getsize(path) - 4096)
        self.refuse(ECORRUPT, "bytes long", ckpt, "cube", "-o",
                    self.out("x.npy"))
        os.truncate(path, 0)
        self.refuse(ECORRUPT, "bytes long", ckpt, "cube", "-o",
                    self.out("x.npy"))
        os.unlink(path)
        self.refuse(EIO, "No such file", ckpt, "cube", "-o", self.out("x.npy"))

    def test_manifests(self):
        ckpt = self.arrays(2)
        self.flip(os.path.join(ckpt, "manifest.json"), 300)
        self.refuse(ECORRUPT, "checksum", ckpt, "cube", "-o", self.out("x.npy"))
        self.refuse(ECORRUPT, "checksum", self.dir, "cube", "-o",
                    self.out("x.npy"))

    def test_halos_that_differ(self):
        """Ranks that disagree are told, unless one answers for the element."""
        self.arrays(3, "halo[20]=77@1")    # row 4 is rank 1's, and in 0's halo
        self.refuse(ELAYOUT, "halo", self.dir, "halo", "-o", self.out("x.npy"))
        self.arrays(3, "halo[20]=77@1", "own=yes", sequence=2)
        self.good("export", self.dir, "halo", "-o", self.out("x.npy"))
        data = read_npy(self.out("x.npy"))[2]
        self.assertEqual(struct.unpack("<60f", data)[20], 77)

    def test_a_full_disk(self):
        """A file may have 1 MiB here, but the array is larger."""
        self.arrays(1, "huge=4")
        for out in ("x.npy", "x.safetensors", "x/"):
            got = subprocess.run(
                ["sh", "-c", 'ulimit -f 1024; trap "" XFSZ; exec "$@"', "sh",
                 TOOL, "export", self.dir, "huge", "-o", self.out(out)],
                text=True, capture_output=True)
            self.assertEqual(got.returncode, EIO, got)
            self.assertIn("File too large", got.stderr)
            self.assertEqual(self.left(), [])

    def test_a_full_disk_under_h5(self):
        self.arrays(1, "huge=4")
        got = subprocess.run(
            ["sh", "-c", 'ulimit -f 1024; trap "" XFSZ; exec "$@"', "sh", TOOL,
             "export", self.dir, "huge", "-o", self.out("x.h5")],
            text=True, capture_output=True)
        if "built without HDF5" in got.stderr:
            self.skipTest("built without HDF5")
        self.assertEqual(got.returncode, EIO, got)
        self.assertIn("HDF5 could not write huge", got.stderr)
        self.assertEqual(self.left(), [])

    def test_interrupted(self):
        """A signal ends it as ever, but nothing is left."""
        self.arrays(1, "huge=600")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            child = subprocess.Popen([TOOL, "export", self.dir, "huge", "-o",
                                      self.out("x.npy"), "--chunk", "4k"],
                                     stderr=subprocess.DEVNULL,
                                     preexec_fn=by_default)
            while not self.left() and child.poll() is None:
                time.sleep(0.001)
            self.assertNotIn("x.npy", self.left(), "it was too quick")
            child.send_signal(number)
            self.assertEqual(child.wait(60), -number)
            self.assertEqual(self.left(), [])


if __name__ == "__main__":
    if not os.access(MAKE, os.X_OK):
        sys.exit("test_export.py: run it in the build folder, after `make check`")
    unittest.main()
