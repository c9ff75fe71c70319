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

    def test_links(self):
        for page in ("guide.md", "manifest.md", "interop.md"):
            text = source("runtime", "doc", page)
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
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


class Manifest(unittest.TestCase):
    """Its page, its schema and the sources."""

    def setUp(self):
        self.text = source("runtime", "doc", "manifest.md")
        self.schema = json.loads(source("runtime", "doc",
                                        "manifest.schema.json"))

    def members(self, heading):
        """Those that the section's table has a row for."""
        section = re.split(r"^##", self.text.split("\n%s\n" % heading)[1],
                           flags=re.M)[0]
        return set(re.findall(r"^\| `(\w+)` \|", section, re.M))

    def test_members(self):
        parts = self.schema["$defs"]
        self.assertEqual(self.members("## manifest.json"),
                         set(self.schema["properties"]))
        for heading, part in (("### A piece", "piece"),
                              ("### An array's box", "box"),
                              ("### A file of the program's", "file")):
            self.assertEqual(self.members(heading),
                             set(parts[part]["properties"]), heading)
        for member in parts["private"]["properties"]:
            self.assertIn("`%s`" % member, self.text)

    def test_members_that_are_written(self):
        top = tempfile.mkdtemp(prefix="rally-doc-")
        self.addCleanup(shutil.rmtree, top)
        subprocess.run([MAKE, top, "1", "5"], check=True)
        with open(os.path.join(top, "0001-step-5", "manifest.json")) as file:
            manifest = json.load(file)
        self.assertLessEqual(set(manifest), self.members("## manifest.json"))
        for shard in manifest["shards"]:
            self.assertLessEqual(set(shard), self.members("### A piece"))
            for box in shard["regions"]:
                self.assertLessEqual(set(box),
                                     self.members("### An array's box"))
            for file in shard["files"]:
                self.assertLessEqual(
                    set(file), self.members("### A file of the program's"))

    def test_bounds(self):
        header = source("include", "rallypoint.h")
        parts = self.schema["$defs"]
        types = re.findall(r'\{ "(\w+)", \d \}',
                           source("runtime", "data", "dtype.c"))
        self.assertGreater(len(types), 10)
        self.assertEqual(set(parts["dtype"]["enum"]), set(types))
        for name in types:
            self.assertIn("`%s`" % name, self.text.split("### Types")[1])
        self.assertEqual(parts["extents"]["maxItems"], int(
            re.search(r"RALLY_MAX_DIMS (\d+)", header)[1]))
        self.assertEqual(parts["name"]["maxLength"], int(
            re.search(r"RALLY_MAX_NAME (\d+)", header)[1]))
        self.assertEqual(self.schema["properties"]["format"]["const"], int(
            re.search(r"RP_MANIFEST_FORMAT (\d+)",
                      source("runtime", "data", "manifest.h"))[1]))

    def test_numbers_of_shards(self):
        header = source("runtime", "data", "shard.h")
        for name in ("ALIGN", "SMALL", "HEADER_MAX"):
            number = re.search(r"RP_SHARD_%s (\d+)" % name, header)[1]
            self.assertIn(number, self.text.split("## A shard")[1])


if __name__ == "__main__":
    unittest.main()
