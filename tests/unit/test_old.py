#!/usr/bin/env python3
"""The command on the checkpoints that older versions wrote, and on one of a newer
format. Runs in the build folder; `srcdir` is the top of the sources."""
import json
import os
import subprocess
import unittest

SOURCE = os.environ.get("srcdir") or os.path.join(os.path.dirname(__file__),
                                                  "..", "..")
OLD = os.path.join(SOURCE, "tests", "old")
TOOL = os.path.abspath("rallypoint")
EVERSION = 85


def tool(*words):
    return subprocess.run([TOOL, *words], text=True, capture_output=True,
                          timeout=60)


def older():
    return sorted(name for name in os.listdir(OLD) if name[0].isdigit())


class Older(unittest.TestCase):
    def test_they_are_there(self):
        self.assertGreaterEqual(older(), ["2026-11-23", "2026-11-28"])

    def test_verify(self):
        for name in older():
            got = tool("verify", os.path.join(OLD, name))
            self.assertEqual((got.returncode, got.stderr), (0, ""))
            self.assertIn("0000-step-12: ok", got.stdout)
            self.assertNotIn("warning", got.stdout)

    def test_show(self):
        for name in older():
            got = tool("show", "--json", os.path.join(OLD, name))
            self.assertEqual((got.returncode, got.stderr), (0, ""))
            shown = json.loads(got.stdout)
            self.assertEqual((shown["step"], shown["ranks"]), (12, 3))
            self.assertEqual(shown["meta"], {"case": "tube"})
            self.assertEqual({a["name"]: (a["dtype"], a["shape"])
                              for a in shown["arrays"]},
                             {"rows": ("F64", [7, 5]), "halo": ("U16", [9]),
                              "columns": ("I32", [4, 6]),
                              "last": ("F32", [2, 2, 2])})
            self.assertEqual({p["name"]: (p["dtype"], p["count_min"],
                                          p["count_max"], p["ranks"])
                              for p in shown["private"]},
                             {"own": ("I64", 2, 4, 3),
                              "nothing": ("U8", 0, 0, 3)})
            self.assertEqual({f["name"]: (f["scope"], f["files"])
                              for f in shown["files"]},
                             {"log": ("private", 3),
                              "restart": ("shared", 1)})


class Newer(unittest.TestCase):
    def test_refused_by_name(self):
        dir = os.path.join(OLD, "newer")
        path = os.path.join(dir, "0001-step-12", "manifest.json")
        said = "%s: format 2 is newer than 1" % path
        got = tool("show", dir)
        self.assertEqual(got.returncode, EVERSION)
        self.assertIn(said, got.stderr)
        got = tool("verify", dir)
        self.assertEqual(got.returncode, EVERSION)
        self.assertIn(said, got.stdout)
        self.assertIn("newer rallypoint", got.stderr)
        one, = json.loads(tool("verify", "--json", dir).stdout)["checkpoints"]
        self.assertEqual((one["state"], one["ok"]), ("newer", False))
        one, = json.loads(tool("ls", "--json", dir).stdout)["checkpoints"]
        self.assertEqual(one["code"], EVERSION)
        self.assertIn(said, one["error"])


if __name__ == "__main__":
    unittest.main()
