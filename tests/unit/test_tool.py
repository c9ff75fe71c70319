#!/usr/bin/env python3
"""The command `rallypoint`, on folders that make_ckpt writes: what it tells of
good ones, and that it finds every kind of damage. Runs in the build folder."""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

TOOL = os.path.abspath("rallypoint")
MAKE = os.path.abspath("tests/unit/make_ckpt")
SHARD = "rank-00001-of-00002.safetensors"
USAGE, ECORRUPT, EVANISHED, EOWNED, EABSENT, EIO = 64, 75, 76, 78, 83, 69


def run(*words, **more):
    return subprocess.run([TOOL, *map(str, words)], text=True,
                          capture_output=True, timeout=60, **more)


class Folder(unittest.TestCase):
    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="rally-tool-")
        self.addCleanup(shutil.rmtree, self.top)
        self.dir = os.path.join(self.top, "ckpt")

    def make(self, *steps):
        for n, step in enumerate(steps, 1):
            subprocess.run([MAKE, self.dir, str(n), str(step)], check=True)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def good(self, *words):
        got = run(*words)
        self.assertEqual((got.returncode, got.stderr), (0, ""), got)
        return got.stdout

    def good_json(self, *words):
        return json.loads(self.good(*words, "--json"))

    def bad(self, status, *words):
        got = run(*words)
        self.assertEqual(got.returncode, status, got)
        self.assertTrue(got.stderr.startswith("rallypoint: "), got.stderr)
        return got

    def flip(self, path, at):
        with open(path, "r+b") as file:
            file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))


class Looking(Folder):
    def test_ls(self):
        self.make(100, -7, 300)
        os.mkdir(self.path(".partial-0004-0"))
        os.mkdir(self.path("0009-step-junk"))
        open(self.path("0008-step-8"), "w").close()
        with open(self.path(".finished"), "w") as file:
            file.write('{"job":"12","step":301}\n')
        lines = self.good("ls", self.dir).splitlines()
        self.assertEqual(lines[0].split()[:4], "SEQ STEP RANKS BYTES".split())
        self.assertEqual([line.split()[:3] for line in lines[1:4]],
                         [["3", "300", "2"], ["2", "-7", "2"],
                          ["1", "100", "2"]])
        self.assertEqual(len({line.index("4711") for line in lines[1:4]}), 1)
        self.assertIn("1 partial directory", lines[4])
        self.assertIn("finished at step 301 by job 12", lines[5])
        got = self.good_json("ls", self.dir)
        self.assertEqual([c["step"] for c in got["checkpoints"]],
                         [300, -7, 100])
        self.assertEqual((got["leftovers"], got["pools"]), (1, 0))
        self.assertEqual(got["finished"], {"job": "12", "step": 301})
        self.assertEqual(got["checkpoints"][0]["restart"], 1)

    def test_pruned_shards_that_are_kept(self):
        """They are nobody's fault, and go where no run uses the folder."""
        self.make(1)
        os.mkdir(self.path(".pool-0000"))
        open(self.path(".pool-0000", SHARD), "w").close()
        text = self.good("ls", self.dir)
        self.assertIn("for the next save to write over", text)
        self.assertNotIn("crash", text)
        got = self.good_json("ls", self.dir)
        self.assertEqual((got["leftovers"], got["pools"]), (0, 1))
        text = self.good("prune", self.dir, "--keep", 1, "--dry-run")
        self.assertIn("would remove pruned shards", text)
        self.assertTrue(os.path.exists(self.path(".pool-0000")))
        got = self.good_json("prune", self.dir, "--keep", 1)
        self.assertEqual((got["leftovers"], got["pools"]), (0, 1))
        self.assertFalse(os.path.exists(self.path(".pool-0000")))

    def test_ls_of_nothing(self):
        os.mkdir(self.dir)
        self.assertIn("holds no checkpoint", self.good("ls", self.dir))
        self.assertEqual(self.good_json("ls", self.dir)["checkpoints"], [])
        self.bad(EIO, "ls", self.path("absent"))

    def test_ls_goes_on_behind_a_bad_manifest(self):
        self.make(1, 2)
        os.truncate(self.path("0002-step-2", "manifest.json"), 0)
        got = run("ls", self.dir)
        self.assertEqual(got.returncode, 0)
        self.assertIn("empty or cut short", got.stderr)
        self.assertEqual(len(got.stdout.splitlines()), 3)
        got = self.good_json("ls", self.dir)["checkpoints"]
        self.assertEqual(got[0]["code"], ECORRUPT)
        self.assertNotIn("error", got[1])

    def test_show(self):
        self.make(1, 2)
        text = self.good("show", self.dir)
        self.assertIn("0002-step-2", text)
        self.assertRegex(text, r"T +F64 +\[8,6\] +2 +384 B")
        self.assertRegex(text, r"big +U8 +2621440 to 2621441 +2 ")
        self.assertRegex(text, r"count +I32 +3 +1 +12 B")
        self.assertRegex(text, r"log +private +2 ")
        self.assertRegex(text, r"restart +shared +1 ")
        self.assertIn("tube \\x1b[31m\u00e4", text)
        self.assertNotIn("\x1b", text)

    def test_show_json(self):
        self.make(1, 2)
        for which in ("1", "0001", "0001-step-1"):
            got = self.good_json("show", self.dir, which)
            self.assertEqual((got["sequence"], got["step"]), (1, 1))
        self.assertEqual(got["meta"], {"case": "tube \x1b[31m\u00e4"})
        self.assertEqual(got["arrays"], [
            {"name": "T", "dtype": "F64", "shape": [8, 6], "boxes": 2,
             "bytes": 384}])
        self.assertEqual([p["name"] for p in got["private"]],
                         ["big", "count"])
        self.assertEqual(got["private"][0]["count_max"], 2621441)
        self.assertEqual(got["bytes"],
                         sum(s["bytes"] for s in got["shards"]) +
                         sum(f["bytes"] for f in got["files"]))
        self.bad(EABSENT, "show", self.dir, "3")
        self.bad(EABSENT, "show", self.dir, "1x")
        self.bad(EABSENT, "show", self.dir, "0002-step-1")

    def test_a_shard_is_a_safetensors_file(self):
        self.make(5)
        with open(self.path("0001-step-5", SHARD), "rb") as file:
            size = struct.unpack("<Q", file.read(8))[0]
            head = json.loads(file.read(size))
            data = file.read()
        self.assertEqual((8 + size) % 4096, 0)
        info = json.loads(head["__metadata__"]["DCP_SHARDING_INFO"])
        del head["__metadata__"]
        self.assertEqual(set(info), set(head))
        self.assertEqual(info["T"]["saved_offsets"], [4, 0])
        self.assertEqual(info["T"]["global_shape"], [8, 6])
        begin, end = head["T"]["data_offsets"]
        self.assertEqual(struct.unpack("<24d", data[begin:end]),
                         tuple(5000.0 + 24 + i for i in range(24)))
        begin, end = head["count@rank-00001"]["data_offsets"]
        self.assertEqual(struct.unpack("<3i", data[begin:end]), (3, 1, 4))
        at = 0
        for name, tensor in sorted(head.items(),
                                   key=lambda t: t[1]["data_offsets"]):
            self.assertEqual(tensor["data_offsets"][0], at)
            at = tensor["data_offsets"][1]
            if at - tensor["data_offsets"][0] >= 65536:
                self.assertEqual(tensor["data_offsets"][0] % 4096, 0)
        self.assertEqual(at, len(data))

    def test_options(self):
        got = {o["key"]: o for o in self.good_json("options")["options"]}
        self.assertEqual(got["every_steps"]["environment"],
                         "RALLY_EVERY_STEPS")
        self.assertEqual(got["keep"]["default"], "2")
        text = self.good("options")
        for key in got:
            self.assertRegex(text, "(?m)^%s " % key)

    def test_topo(self):
        env = dict(os.environ, SLURM_PROCID="3", SLURMD_NODENAME="n7",
                   HWLOC_SYNTHETIC="numa:2 core:4 pu:2", HWLOC_THISSYSTEM="0")
        env.pop("OMPI_COMM_WORLD_RANK", None)
        text = run("topo", env=env).stdout
        self.assertEqual(text, "n7 task 3: not bound, may use 0-15 "
                         "(8 of 8 cores, on several of 2 NUMA nodes)\n")
        got = run("topo", "--json", env=env).stdout
        self.assertEqual(got.count("\n"), 1)
        got = json.loads(got)
        self.assertEqual((got["host"], got["task"], got["cores"],
                          got["numa_nodes"], got["bound"], got["numa_node"]),
                         ("n7", 3, 8, 2, False, None))

    def test_usage(self):
        for words in ([], ["frob"], ["ls"], ["ls", ""], ["ls", "a", "b"],
                      ["show", "a", "1", "2"], ["ls", "--frob", "a"],
                      ["ls", "--keep", "1", "a"], ["prune", "a"],
                      ["prune", "--keep"], ["prune", "a", "--keep", "0"],
                      ["prune", "a", "--keep", "-1"],
                      ["prune", "a", "--keep", "1x"], ["pin"],
                      ["prune", "a", "--keep", "1", "--keep-every", "0"],
                      ["ls", "a", "--keep-every", "1"], ["unpin", "a", "1", "2"], ["topo", "x"],
                      ["options", "x"], ["verify", "-x", "a"]):
            with self.subTest(words):
                got = self.bad(USAGE, *words)
                self.assertEqual(got.stdout, "")
                self.assertEqual(got.stderr.count("\n"), 1)
        self.assertRegex(self.good("--version"), r"^rallypoint \d+\.\d+\.\d+")
        for command in ("ls", "show", "verify", "prune", "pin", "unpin", "topo",
                        "options"):
            self.assertIn(command, self.good("--help"))
            self.assertIn("usage: rallypoint " + command,
                          self.good(command, "--help"))

    def test_a_full_disk_is_no_success(self):
        self.make(1)
        for more in ([], ["--json"]):
            with open("/dev/full", "w") as full:
                got = subprocess.run([TOOL, "ls", self.dir, *more],
                                     stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(got.returncode, EIO)


class Verifying(Folder):
    def setUp(self):
        super().setUp()
        self.make(1, 2, 3)
        self.victim = self.path("0002-step-2")

    def finds(self, *sentences):
        """Only the victim is bad, and all sentences are said of it."""
        got = self.bad(ECORRUPT, "verify", self.dir)
        lines = got.stdout.splitlines()
        self.assertTrue(lines[0].startswith("0003-step-3: ok"), lines)
        self.assertEqual(lines[1], "0002-step-2: BAD")
        self.assertTrue(lines[-1].startswith("0001-step-1: ok"), lines)
        for sentence in sentences:
            self.assertIn(sentence, got.stdout)
        self.assertEqual(len(lines), 3 + len(sentences), lines)
        got = json.loads(run("verify", self.dir, "--json").stdout)
        self.assertEqual([c["ok"] for c in got["checkpoints"]],
                         [True, False, True])
        self.assertFalse(got["ok"])
        self.bad(ECORRUPT, "verify", self.dir, 2)
        self.good("verify", self.dir, 3)

    def test_whole(self):
        lines = self.good("verify", self.dir).splitlines()
        self.assertEqual([line.split(",")[0] for line in lines],
                         ["0003-step-3: ok", "0002-step-2: ok",
                          "0001-step-1: ok"])
        got = self.good_json("verify", self.dir)
        self.assertTrue(got["ok"])
        self.assertEqual(got["checkpoints"][0]["warnings"], [])
        self.bad(EABSENT, "verify", self.dir, 9)

    def test_flipped_bytes_everywhere(self):
        """Header, first and last byte of each block, hash table, last pad."""
        shard = os.path.join(self.victim, SHARD)
        with open(shard, "rb") as file:
            size = 8 + struct.unpack("<Q", file.read(8))[0]
            head = json.loads(file.read(size - 8))
        table = head["@hash@rank-00001"]["data_offsets"]
        self.assertEqual(head["@hash@rank-00001"]["shape"], [3, 16])
        block = 1 << 20
        places = {0: "header", 9: "header", size - 1: "header",
                  size: "block 0", size + block - 1: "block 0",
                  size + block: "block 1", size + 2 * block: "block 2",
                  size + table[0] - 1: "block 2",
                  size + table[0]: "do not match",
                  size + table[1] - 1: "do not match", -1: "do not match"}
        for at, sentence in places.items():
            with self.subTest(at):
                self.flip(shard, at)
                got = self.bad(ECORRUPT, "verify", self.dir, 2)
                self.assertIn(SHARD, got.stdout)
                self.assertIn(sentence, got.stdout)
                self.flip(shard, at)
        self.good("verify", self.dir)

    def test_a_flipped_byte(self):
        self.flip(os.path.join(self.victim, SHARD), 100000)
        self.finds("block 0")

    def test_all_that_is_bad_is_named(self):
        self.flip(os.path.join(self.victim, SHARD), 100000)
        os.unlink(os.path.join(self.victim, SHARD.replace("1-of", "0-of")))
        os.truncate(os.path.join(self.victim, "files/restart"), 3)
        self.finds("block 0", "No such file", "3 bytes long")

    def test_truncated(self):
        shard = os.path.join(self.victim, SHARD)
        os.truncate(shard, os.path.getsize(shard) - 1)
        self.finds("bytes long, the manifest says")

    def test_too_long(self):
        with open(os.path.join(self.victim, SHARD), "ab") as file:
            file.write(b"\0")
        self.finds("bytes long, the manifest says")

    def test_a_file_of_the_programs(self):
        self.flip(os.path.join(self.victim, "files/rank-00001/log"), 2)
        self.finds("rank-00001/log: it does not match its hash")

    def test_manifests(self):
        manifest = os.path.join(self.victim, "manifest.json")
        os.truncate(manifest, 0)
        self.finds("empty or cut short")
        os.unlink(manifest)
        self.finds("manifest.json: No such file")
        os.symlink("../0003-step-3/manifest.json", manifest)
        self.finds("manifest.json: Too many levels")
        os.unlink(manifest)
        shutil.copy(self.path("0003-step-3", "manifest.json"), manifest)
        self.finds("it is the manifest of sequence 3")

    def test_flipped_byte_of_the_manifest(self):
        self.flip(os.path.join(self.victim, "manifest.json"), 200)
        self.finds("checksum does not match")

    def test_swapped_manifests(self):
        one = self.path("0001-step-1", "manifest.json")
        two = self.path("0002-step-2", "manifest.json")
        for old, new in ((one, one + ".x"), (two, one), (one + ".x", two)):
            os.rename(old, new)
        got = self.bad(ECORRUPT, "verify", self.dir)
        self.assertEqual(got.stdout.count("BAD"), 2)

    def test_swapped_shards(self):
        """Each is sound in itself."""
        names = [os.path.join(self.victim, SHARD.replace("1-of", n + "-of"))
                 for n in "012"]
        for old, new in ((1, 2), (0, 1), (2, 0)):
            os.rename(names[old], names[new])
        self.bad(ECORRUPT, "verify", self.dir, 2)

    def test_a_shard_of_another_checkpoint(self):
        shutil.copy(self.path("0003-step-3", SHARD), self.victim)
        self.finds("do not match the manifest")

    def test_strangers_are_warned_of(self):
        for name in ("core.1", "files/x\x1b]0;y", "files/rank-00000/old"):
            open(os.path.join(self.victim, name), "w").close()
        os.mkdir(os.path.join(self.victim, "rank-00000"))
        text = self.good("verify", self.dir)
        self.assertEqual(text.count("warning: "), 4)
        self.assertIn("files/x\\x1b]0;y", text)
        self.assertNotIn("\x1b", text)
        self.assertEqual(len(self.good_json("verify", self.dir)
                             ["checkpoints"][1]["warnings"]), 4)

    def test_a_link_to_a_good_shard_is_not_followed(self):
        shard = os.path.join(self.victim, SHARD)
        os.rename(shard, self.path("elsewhere"))
        os.symlink("../elsewhere", shard)
        self.finds("Too many levels")

    def test_a_fifo_does_not_hang(self):
        shard = os.path.join(self.victim, SHARD)
        os.unlink(shard)
        os.mkfifo(shard)
        self.finds("not a regular file")

    def test_vanished(self):
        for name in os.listdir(self.dir):
            if name[0] == "0":
                shutil.rmtree(self.path(name))
        self.bad(EVANISHED, "verify", self.dir)
        self.assertIn("are gone", self.good("ls", self.dir))
        os.unlink(self.path("events.jsonl"))
        self.assertIn("no checkpoint", self.good("verify", self.dir))


class Pruning(Folder):
    def setUp(self):
        super().setUp()
        self.make(1, 2, 3, 4)
        os.mkdir(self.path(".partial-0005-0"))
        open(self.path(".partial-0005-0", "x"), "w").close()
        os.mkdir(self.path(".trash-0000"))

    def left(self):
        return sorted(n for n in os.listdir(self.dir) if n != "events.jsonl")

    def names(self, *numbers):
        return ["000%d-step-%d" % (n, n) for n in numbers]

    def claim(self, **more):
        with open("/proc/self/stat") as file:
            started = int(file.read().rsplit(")", 1)[1].split()[19])
        claim = dict(job="", restart=0, host=os.uname().nodename,
                     pid=os.getpid(), started=started)
        claim.update(more)
        with open(self.path(".owner"), "w") as file:
            json.dump(claim, file)

    def test_keep(self):
        text = self.good("prune", self.dir, "--keep", 2)
        self.assertEqual(self.left(), self.names(3, 4))
        for line in ("keeps 0004-step-4", "removed 0001-step-1",
                     "removed 2 partial directories"):
            self.assertIn(line, text)
        with open(self.path("events.jsonl")) as file:
            last = json.loads(file.readlines()[-1])
        self.assertEqual((last["event"], last["count"]), ("pruned", 2))
        got = self.good_json("prune", "--keep", 2, self.dir)
        self.assertEqual(got["removed"], [])
        self.assertEqual(got["kept"], self.names(4, 3))
        self.good("verify", self.dir)

    def test_pins(self):
        """They stay, count for nothing, and are shown."""
        self.assertEqual(self.good("pin", self.dir, 2), "pinned 0002-step-2\n")
        got = self.good_json("pin", self.dir)
        self.assertEqual((got["name"], got["pinned"]), ("0004-step-4", True))
        lines = self.good("ls", self.dir).splitlines()
        self.assertEqual([line.endswith("pinned") for line in lines[1:5]],
                         [True, False, True, False])
        got = self.good_json("ls", self.dir)["checkpoints"]
        self.assertEqual([c["pinned"] for c in got],
                         [True, False, True, False])
        self.assertNotIn("manifest", self.good("verify", self.dir))
        text = self.good("prune", self.dir, "--keep", 1)
        self.assertEqual(self.left(), self.names(2, 3, 4))
        self.assertIn("keeps 0002-step-2 (pinned)", text)
        self.assertIn("keeps 0003-step-3\n", text)
        self.assertEqual(self.good("unpin", self.dir, "0002-step-2"),
                         "unpinned 0002-step-2\n")
        self.assertFalse(self.good_json("unpin", self.dir, 4)["pinned"])
        got = self.good_json("prune", self.dir, "--keep", 1)
        self.assertEqual((got["kept"], got["pinned"]), (self.names(4), []))
        self.assertEqual(self.left(), self.names(4))
        self.bad(EABSENT, "pin", self.dir, 2)
        self.bad(EIO, "pin", self.path("absent"))

    def test_pinned_while_owned(self):
        self.claim()
        self.good("pin", self.dir, 1)
        self.assertTrue(os.path.exists(self.path("0001-step-1", "pin")))

    def test_every(self):
        """The first of each two steps; where that is not whole the next."""
        got = self.good_json("prune", self.dir, "--keep=1", "--keep-every=2",
                             "--dry-run")
        self.assertEqual((got["kept"], got["pinned"], got["removed"]),
                         (self.names(4, 2), self.names(2), self.names(3, 1)))
        os.truncate(self.path("0002-step-2", SHARD), 5000)
        got = json.loads(run("prune", self.dir, "--keep", 1, "--keep-every",
                             2, "--json").stdout)
        self.assertEqual((got["kept"], got["pinned"]),
                         (self.names(4, 3), self.names(3)))
        self.assertEqual(self.left(), self.names(3, 4))
        self.assertTrue(os.path.exists(self.path("0003-step-3", "pin")))
        self.good("prune", self.dir, "--keep", 1)
        self.assertEqual(self.left(), self.names(3, 4))

    def test_only_pinned_ones(self):
        for number in (1, 2, 3, 4):
            self.good("pin", self.dir, number)
        self.good("prune", self.dir, "--keep", 1)
        self.assertEqual(self.left(), self.names(1, 2, 3, 4))

    def test_dry_run(self):
        before = self.left()
        got = self.good_json("prune", self.dir, "--keep=1", "--dry-run")
        self.assertEqual(got["removed"], self.names(3, 2, 1))
        self.assertEqual((got["leftovers"], got["dry_run"]), (2, True))
        self.assertEqual(self.left(), before)

    def test_a_bad_one_takes_no_good_ones_place(self):
        os.truncate(self.path("0004-step-4", SHARD), 5000)
        got = run("prune", self.dir, "--keep", 1)
        self.assertEqual(got.returncode, 0)
        self.assertIn("0004-step-4 is not whole", got.stderr)
        self.assertEqual(self.left(), self.names(3))

    def test_bytes_are_read_where_asked_for(self):
        self.flip(self.path("0004-step-4", SHARD), 100000)
        run("prune", self.dir, "--keep", 2)
        self.assertEqual(self.left(), self.names(3, 4))
        run("prune", self.dir, "--keep", 1, "--verify")
        self.assertEqual(self.left(), self.names(3))

    def test_nothing_goes_where_all_are_bad(self):
        for name in self.names(1, 2, 3, 4):
            os.unlink(self.path(name, "manifest.json"))
        before = self.left()
        self.bad(ECORRUPT, "prune", self.dir, "--keep", 1)
        self.assertEqual(self.left(), before)

    def test_refused_while_owned(self):
        before = self.left() + [".owner"]
        self.claim()
        got = self.bad(EOWNED, "prune", self.dir, "--keep", 1)
        self.assertIn("nothing was removed", got.stderr)
        self.assertIn("pid %d" % os.getpid(), got.stderr)
        self.assertEqual(self.left(), sorted(before))
        self.claim(host="elsewhere")
        self.bad(EOWNED, "prune", self.dir, "--keep", 1)
        self.assertEqual(self.left(), sorted(before))
        self.claim(started=1)
        self.good("prune", self.dir, "--keep", 1)
        self.assertEqual(self.left(), self.names(4))

    def test_a_job_that_slurm_knows(self):
        """Of another host: only Slurm can tell whether it is over."""
        commands = os.path.join(self.top, "bin")
        os.mkdir(commands)
        answer = os.path.join(commands, "scontrol")
        env = dict(os.environ, PATH=commands + ":" + os.environ["PATH"])
        for words, status in (("JobId=88 JobState=RUNNING Reason=None",
                               EOWNED), ("", EOWNED), (None, 0)):
            with open(answer, "w") as file:
                file.write("#!/bin/sh\n")
                if words is None:
                    file.write("echo slurm_load_jobs error: "
                               "Invalid job id specified >&2; exit 1\n")
                else:
                    file.write("echo '%s'\n" % words)
            os.chmod(answer, 0o755)
            self.claim(job="88", host="elsewhere")
            got = run("prune", self.dir, "--keep", 3, env=env)
            self.assertEqual(got.returncode, status, got)
        self.assertEqual(self.left(), self.names(2, 3, 4))

    def test_absent(self):
        self.bad(EIO, "prune", self.path("absent"), "--keep", 1)


if __name__ == "__main__":
    if not os.access(MAKE, os.X_OK):
        sys.exit("test_tool.py: run it in the build folder, after `make "
                 "check`")
    unittest.main()
