#!/usr/bin/env python3
"""The pages and the guide say what the sources do. Runs in the build folder;
`srcdir` is the top of the sources."""
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = os.environ.get("srcdir") or os.path.join(os.path.dirname(__file__),
                                                  "..", "..")
TOOL = os.path.abspath("rallypoint")
MAKE = os.path.abspath("tests/unit/make_ckpt")
PAGES = ["rallypoint.1", "rallypoint.3", "rallypoint.7"]


def source(*parts):
    with open(os.path.join(SOURCE, *parts)) as file:
        return file.read()


def page(name):
    """Without roff's escapes."""
    text = source("runtime", "doc", name)
    return text.replace("\\-", "-").replace("\\e", "\\")


def tool(*words):
    return subprocess.run([TOOL, *words], check=True, text=True,
                          capture_output=True).stdout


def has(name):
    return importlib.util.find_spec(name) is not None


class Pages(unittest.TestCase):
    def test_options(self):
        text = page("rallypoint.7")
        options = json.loads(tool("options", "--json"))["options"]
        for o in options:
            doc = o["doc"][0].upper() + o["doc"][1:]
            entry = '.TP\n.BR %s " (" %s )\n%s, default %s.\n%s.\n' % (
                o["key"], o["environment"], o["kind"],
                o["default"] or "none", doc)
            self.assertIn(entry, text)
        self.assertEqual(set(re.findall(r'" (RALLY_\w+) \)\n\S+, default',
                                        text)),
                         {o["environment"] for o in options})

    def test_codes(self):
        text = page("rallypoint.7")
        codes = re.findall(r"(RALLY_E\w+) = (\d+),",
                           source("include", "rallypoint.h"))
        self.assertGreater(len(codes), 20)
        for name, number in codes:
            self.assertIn('.BR %s " (" %s )\n' % (number, name), text)
        self.assertEqual(len(re.findall(r'" \(" RALLY_E[A-Z]+ \)\n[A-Z]',
                                        text)), len(codes))

    def test_calls(self):
        calls = set(re.findall(r"^(?:int|const char \*)\s*(rally_\w+)\(",
                               source("include", "rallypoint.h"), re.M))
        self.assertGreater(len(calls), 15)
        text = page("rallypoint.3")
        for call in calls:
            self.assertRegex(text, r"\b%s\b" % call)
        self.assertLessEqual(set(re.findall(r"\brally_\w+", text)),
                             calls | {"rally_point"})

    def test_commands(self):
        text = page("rallypoint.1")
        commands = re.findall(r"^  (\w+) ", tool("--help"), re.M)
        self.assertGreater(len(commands), 5)
        for command in commands:
            self.assertRegex(text, r"\n\.SY rallypoint\n\.B %s\n" % command)
            for option in re.findall(r"--[a-z-]+", tool(command, "--help")):
                self.assertIn(option, text)

    def test_version(self):
        version = tool("--version").strip()
        for name in PAGES:
            self.assertIn('"%s"' % version, page(name).splitlines()[0])

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_roff(self):
        for name in PAGES:
            path = os.path.join(SOURCE, "runtime", "doc", name)
            got = subprocess.run(["groff", "-man", "-Tascii", "-ww", "-z",
                                  path], text=True, capture_output=True)
            self.assertEqual((got.returncode, got.stderr), (0, ""))


class Guide(unittest.TestCase):
    def setUp(self):
        self.text = source("runtime", "doc", "guide.md")

    def test_events(self):
        words = source("runtime", "flow", "words.c")
        events = set(re.findall(r'\btell\(rp, "(\w+)"', words))
        events |= set(re.findall(r'\brecord\(rp, "(\w+)"', words))
        events |= set(re.findall(r'\? "(\w+)" : "(\w+)"', words)[0])
        events.add(re.search(r'RP_EVENT_COMMIT "(\w+)"',
                             source("runtime", "data", "event.h"))[1])
        table = self.text.split("### events.jsonl")[1].split("##")[0]
        told = set()
        for row in re.findall(r"^\| (`.*?) \|", table, re.M):
            told |= set(re.findall(r"`(\w+)`", row))
        self.assertEqual(told, events)

    def test_members_of_the_manifest(self):
        table = self.text.split("### manifest.json")[1].split("##")[0]
        told = set(re.findall(r"`(\w+)`", table))
        top = tempfile.mkdtemp(prefix="rally-doc-")
        self.addCleanup(shutil.rmtree, top)
        subprocess.run([MAKE, top, "1", "5"], check=True)
        with open(os.path.join(top, "0001-step-5", "manifest.json")) as file:
            manifest = json.load(file)
        names = set(manifest)
        for shard in manifest["shards"]:
            names |= set(shard)
            for entry in shard["regions"] + shard["files"]:
                names |= set(entry)
        self.assertEqual(names - told, set())

    def test_links(self):
        for target in re.findall(r"\]\(([^)#]+)\)", self.text):
            path = os.path.join(SOURCE, "runtime", "doc", target)
            self.assertTrue(os.path.exists(path), target)

    @unittest.skipUnless(has("numpy"), "numpy is not installed")
    def test_python(self):
        """The guide's own code, on a folder of make_ckpt's."""
        import numpy as np
        blocks = re.findall(r"```python\n(.*?)```", self.text, re.S)
        top = tempfile.mkdtemp(prefix="rally-doc-")
        self.addCleanup(shutil.rmtree, top)
        subprocess.run([MAKE, top, "7", "5"], check=True)
        folder = os.path.join(top, "0007-step-5")
        shard = os.path.join(folder, "rank-00001-of-00002.safetensors")
        want = 5000.0 + np.arange(48).reshape(8, 6)
        scope = {"json": json, "np": np}
        exec(blocks[2], scope)
        self.assertTrue((scope["tensor"](shard, "T") == want[4:]).all())
        self.assertEqual(list(scope["tensor"](shard, "count@rank-00001")),
                         [3, 1, 4])
        if not has("safetensors"):
            self.skipTest("safetensors is not installed")
        code = blocks[1].replace("ckpt/0007-step-1207", folder)
        exec(code, scope)
        self.assertTrue((scope["T"] == want).all())
        code = blocks[0].replace(
            "ckpt/0007-step-1207/rank-00003-of-00008.safetensors", shard)
        code = code.replace("seeds@rank-00003", "count@rank-00001")
        scope["print"] = lambda *values: None
        exec(code, scope)
        self.assertTrue((scope["part"] == want[4:]).all())


if __name__ == "__main__":
    unittest.main()
