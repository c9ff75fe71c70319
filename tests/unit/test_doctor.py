#!/usr/bin/env python3
"""The commands `rallypoint doctor` and `rallypoint sbatch`, with a scontrol that
is made up. Runs in the build folder."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOL = os.path.abspath("rallypoint")
MAKE = os.path.abspath("tests/unit/make_ckpt")
GUIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     "../../runtime/doc/guide.md")
EARG, EIO, USAGE, EREQUEUE = 65, 69, 64, 80

CONFIG = """Configuration data as of 2031-01-02T03:04:05
AuthInfo                = socket=/run/m.sock,cred_expire=7
JobFileAppend           = 0
JobRequeue              = 1
KillWait                = 30 sec
MpiDefault              = {mpi}
PreemptMode             = REQUEUE
PreemptType             = preempt/partition_prio
ProctrackType           = proctrack/cgroup
RequeueExit             = 3,81-82
SLURM_VERSION           = 23.11.4

Cgroup Support Configuration:
SignalChildrenProcesses = {children}
"""

PARTITIONS = {
    "low": "Default=YES GraceTime=20 MaxTime=1-00:00:00 PreemptMode=REQUEUE",
    "lowc": "Default=NO GraceTime=20 MaxTime=UNLIMITED PreemptMode=CANCEL",
    "low0": "Default=NO GraceTime=0 MaxTime=UNLIMITED PreemptMode=REQUEUE",
    "cancel0": "Default=NO GraceTime=0 MaxTime=UNLIMITED PreemptMode=CANCEL",
    "high": "Default=NO GraceTime=0 MaxTime=UNLIMITED PreemptMode=OFF",
    "gang": "Default=NO GraceTime=0 MaxTime=60 PreemptMode=GANG,SUSPEND",
}

JOB = """JobId=12 JobName=x Requeue=0
   JobState=RUNNING Reason=None Dependency=(null)
   Requeue={requeue} Restarts=0 BatchFlag={batch} Reboot=0 ExitCode=0:0
   RunTime=00:00:01 TimeLimit=02:00:00 TimeMin=N/A
   StartTime=2031-01-02T03:04:05 EndTime=2031-01-02T05:04:05
   PreemptTime=None
   Partition=lowc AllocNode:Sid=localhost:3600
   NumNodes=2 NumCPUs=1
   Command=/x Requeue=0
   WorkDir={dir}
"""

GOOD = """#!/bin/bash
#SBATCH --ntasks=4 -N 2
#SBATCH --time=30
#SBATCH --requeue
#SBATCH --open-mode=append
export RALLY_EVERY=10m
srun ./solver -c /nowhere/ckpt
"""


class Doctor(unittest.TestCase):
    def setUp(self):
        # /tmp is a finding of its own
        self.top = tempfile.mkdtemp(prefix="rally-doctor-", dir=".")
        self.addCleanup(shutil.rmtree, self.top)
        self.top = os.path.abspath(self.top)
        self.bin = os.path.join(self.top, "bin")
        os.mkdir(self.bin)
        self.slurm()

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.top, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def slurm(self, mpi="pmix", children="no", requeue=1, batch=1, script=GOOD):
        """A scontrol that answers from files."""
        for name in PARTITIONS:
            self.write("part-" + name, "PartitionName=%s %s Nodes=n[1-2]\n" %
                       (name, PARTITIONS[name]))
        self.write("config", CONFIG.format(mpi=mpi, children=children))
        self.write("job", JOB.format(requeue=requeue, batch=batch,
                                     dir=self.top))
        self.write("jobscript", script)
        self.write("bin/scontrol", """#!/bin/sh
cd %s
case "$*" in
"show config") cat config ;;
"show partition") cat part-* ;;
"show partition "*) cat "part-$3" 2>/dev/null ||
	{ echo "Partition $3 not found"; exit 1; } ;;
"show job 12") cat job ;;
"write batch_script 12 -") cat jobscript ;;
*) echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1 ;;
esac
""" % self.top, 0o755)
        self.helper = self.write("bin/helper", "#!/bin/sh\nexit 1\n", 0o755)

    def run_tool(self, *words, env=None, cwd=None):
        own = {name: value for name, value in os.environ.items()
               if not name.startswith(("SLURM_", "RALLY", "OMPI_", "TORCH"))}
        own["PATH"] = self.bin + ":" + own["PATH"]
        own["RALLY_HELPER"] = self.helper
        own.update(env or {})
        return subprocess.run([TOOL, *map(str, words)], text=True,
                              capture_output=True, timeout=60, check=False,
                              env=own, cwd=cwd or self.top)

    def doctor(self, *words, status=0, **more):
        got = self.run_tool("doctor", "--json", *words, **more)
        self.assertEqual((got.returncode, got.stderr), (status, ""), got)
        return json.loads(got.stdout)

    def ids(self, answer, *severities):
        return {one["id"] for one in answer["findings"]
                if not severities or one["severity"] in severities}

    def outcome(self, answer, event):
        (one,) = [one for one in answer["outcomes"] if one["event"] == event]
        return one["saved"], one["again"]

    def bad(self, status, part, *words, **more):
        got = self.run_tool(*words, **more)
        self.assertEqual((got.returncode, got.stdout), (status, ""), got)
        self.assertEqual(got.stderr.count("\n"), 1, got.stderr)
        self.assertIn(part, got.stderr)


class TestDoctor(Doctor):
    def test_good(self):
        answer = self.doctor(self.write("job.sbatch", GOOD))
        self.assertEqual(answer["verdict"], "ok")
        self.assertEqual(self.ids(answer, "problem", "warning"), set())
        self.assertEqual(answer["job"]["launcher"], "srun")
        self.assertEqual(answer["job"]["nodes"], 2)
        self.assertEqual(answer["job"]["tasks"], 4)
        self.assertEqual(answer["job"]["partition"], "low")
        self.assertEqual(answer["job"]["time_limit_s"], 1800)
        self.assertEqual(answer["job"]["folder"], "/nowhere/ckpt")
        self.assertEqual(answer["site"]["grace_s"], 20)
        self.assertEqual(answer["site"]["kill_wait_s"], 30)
        self.assertEqual(answer["site"]["requeue_exit"], [3, 81, 82])
        self.assertEqual(answer["site"]["signal_children"], False)
        self.assertEqual([one["event"] for one in answer["outcomes"]],
                         ["preemption", "time_limit", "cancel", "node_failure",
                          "drain", "requeue", "controller_away"])
        self.assertEqual(self.outcome(answer, "preemption"), ("yes", "yes"))
        self.assertEqual(self.outcome(answer, "cancel"), ("yes", "no"))

    def test_text(self):
        path = self.write("job.sbatch", GOOD.replace("./solver",
                                                     "sh -c './solver; true'"))
        got = self.run_tool("doctor", path)
        self.assertEqual((got.returncode, got.stderr), (1, ""))
        for part in ("GraceTime 20 s", "What happens at",
                     "preemption: NOT saved, does not start again",
                     "scancel: ", "problem: sh stands between srun",
                     "mend: srun rallypoint run sh -c './solver; true'",
                     "1 problem\n"):
            self.assertIn(part, got.stdout)
        # But for those that hold the path of the script, however long that is.
        lines = got.stdout.replace(os.path.dirname(path), "").splitlines()
        self.assertLess(max(map(len, lines)), 80)

    def test_lines_of_a_text(self):
        """A line that mends can be copied, also where it is several."""
        line = "bash -c '\n  ./a\n  ./b\n'\n"
        path = self.write("job.sbatch", GOOD.replace("./solver", line))
        got = self.run_tool("doctor", path)
        self.assertIn("mend: srun rallypoint run " + line, got.stdout)
        answer = self.doctor(path, status=1)
        self.assertEqual(answer["findings"][0]["fix"] + "\n",
                         "srun rallypoint run " + line)

    def test_guide(self):
        """The guide shows what is printed."""
        with open(GUIDE, encoding="utf-8") as file:
            part = file.read().split("## 4. Ask before it happens")[1]
        blocks = part.split("```")
        script, shown = blocks[3], blocks[5]
        self.assertTrue(script.startswith("sh\n#!/bin/bash\n"))
        self.write("job.sbatch", script[3:])
        printed = self.run_tool("doctor", "job.sbatch").stdout.splitlines()
        at = 0
        for line in shown.strip("\n").splitlines():
            if line.strip() != "...":
                self.assertIn(line, printed[at:])
                at += printed[at:].index(line) + 1
        self.assertEqual(at, len(printed))

    def test_hostile_text(self):
        """What a script says does not steer the terminal."""
        path = self.write("job.sbatch", GOOD.replace("./solver",
                                                     "./s\033[31m\u202e"))
        for words in ((), ("--json",)):
            got = self.run_tool("doctor", *words, path)
            self.assertEqual(got.returncode, 0)
            self.assertNotIn("\033", got.stdout)
            self.assertNotIn("\u202e", got.stdout)

    def test_partition(self):
        path = self.write("job.sbatch", GOOD)
        answer = self.doctor("--partition", "lowc", path)
        self.assertEqual(answer["site"]["preempt_mode"], "CANCEL")
        self.assertIn("preempt-cancel", self.ids(answer))
        answer = self.doctor("--partition=high", path)
        self.assertEqual(self.outcome(answer, "preemption"), ("no", "no"))
        answer = self.doctor(self.write("p.sbatch", GOOD.replace(
            "--requeue", "--requeue -p low0,low")))
        self.assertEqual(answer["job"]["partition"], "low0")
        self.assertIn("grace-zero", self.ids(answer))
        self.bad(EARG, "partition nix", "doctor", "-p", "nix", path)
        self.bad(EARG, "no partition's name", "doctor", "-p", "-x", path)

    def test_wrapper_is_read(self):
        self.write("wrap.sh", "#!/bin/sh\nulimit -c 0\n./solver \"$@\"\n")
        path = self.write("job.sbatch", GOOD.replace("./solver", "./wrap.sh"))
        self.assertEqual(self.ids(self.doctor(path, status=1), "problem"),
                         {"wrapper-stays"})
        self.write("wrap.sh", "#!/bin/sh\nulimit -c 0\nexec ./solver \"$@\"\n")
        answer = self.doctor(path)
        self.assertEqual(answer["job"]["launcher"], "srun-exec")

    def test_signal_children(self):
        self.slurm(children="yes")
        answer = self.doctor(self.write("job.sbatch", GOOD.replace(
            "./solver", "bash -c './solver; exit $?'")))
        self.assertEqual(answer["job"]["launcher"], "srun-shell")
        self.assertIn("shell-stays", self.ids(answer, "warning"))
        self.assertEqual(self.outcome(answer, "preemption"), ("yes", "yes"))

    def test_options(self):
        path = self.write("job.sbatch", GOOD.replace("srun ", "mpirun ")
                          .replace("-N 2", "-N 1"))
        self.assertIn("mpirun", self.ids(self.doctor(path), "warning"))
        answer = self.doctor(path, status=1,
                             env={"RALLY_POLL_MPIRUN": "25s"})
        self.assertIn("told-late", self.ids(answer, "problem"))
        path = self.write("job.sbatch", GOOD.replace("10m", "soon"))
        self.assertIn("option", self.ids(self.doctor(path, status=1)))
        path = self.write("job.sbatch", GOOD.replace(
            "--ntasks=4", "--signal=USR1@60").replace("RALLY_EVERY=10m",
                                                      "RALLY_EVERY=9m "
                                                      "RALLY_STOP_SIGNALS="
                                                      "USR1"))
        answer = self.doctor(path)
        self.assertEqual(self.outcome(answer, "time_limit"), ("yes", "yes"))

    def test_folder(self):
        """The newest manifest tells how long a save takes; the folder may be
        named, or found in the script, relative to where it runs."""
        path = self.write("job.sbatch", GOOD.replace("/nowhere/ckpt", "ck"))
        subprocess.run([MAKE, os.path.join(self.top, "ck"), "1", "7"],
                       check=True)
        saved = json.loads(self.run_tool("show", "--json", "ck").stdout)
        for words in ((path,), ("--folder", os.path.join(self.top, "ck"),
                                self.write("other", GOOD)), ):
            answer = self.doctor(*words)
            self.assertIsNotNone(answer["job"]["last_save_s"], saved)
        self.assertIn("folder-relative", self.ids(self.doctor(path), "note"))
        answer = self.doctor("--folder", "/tmp/x-$SLURM_JOB_ID", path, status=1)
        self.assertEqual(self.ids(answer, "problem"), {"folder-local"})
        args = self.write("args.sbatch", GOOD.replace("-c /nowhere/ckpt",
                                                      '"$@"'))
        answer = self.doctor(args, "-c", "/nowhere/a", "--json")
        self.assertEqual(answer["job"]["folder"], "/nowhere/a")

    def test_array(self):
        path = self.write("job.sbatch", GOOD.replace("--ntasks=4",
                                                     "--array=0-9"))
        answer = self.doctor(path, status=1)
        self.assertEqual(self.ids(answer, "problem"), {"array-one-folder"})
        self.write("job.sbatch", GOOD.replace("--ntasks=4", "--array=0-9")
                   .replace("/ckpt", "/c-$SLURM_ARRAY_TASK_ID"))
        self.assertEqual(self.ids(self.doctor(path), "problem"), set())

    def test_job(self):
        for words, env in ((("--job", "12"), {}), ((), {"SLURM_JOB_ID": "12"})):
            answer = self.doctor(*words, env=env)
            self.assertEqual(answer["job"]["launcher"], "srun")
            self.assertEqual(answer["job"]["partition"], "lowc")
            self.assertEqual(answer["job"]["nodes"], 2)
            self.assertEqual(answer["job"]["time_limit_s"], 7200)
            self.assertEqual(answer["job"]["requeue"], True)
        self.slurm(requeue=0)
        answer = self.doctor("--job", "12", status=1)
        self.assertIn("no-requeue", self.ids(answer, "problem"))
        self.slurm(batch=0, script="")
        answer = self.doctor("--job=12", status=1)
        self.assertEqual(answer["job"]["launcher"], "none")
        self.assertIn("not-batch", self.ids(answer, "problem"))
        answer = self.doctor(status=1, env={"SLURM_JOB_ID": "12",
                                            "OMPI_COMM_WORLD_SIZE": "4"})
        self.assertEqual(answer["job"]["launcher"], "mpirun")
        self.bad(EARG, "job 13", "doctor", "--job", "13")
        self.bad(EARG, "no job's id", "doctor", "--job", "-x")

    def test_site(self):
        answer = self.doctor()
        self.assertIsNone(answer["job"])
        self.assertEqual(answer["outcomes"], [])
        self.assertEqual(answer["verdict"], "ok")
        got = self.run_tool("doctor", "--partition", "cancel0")
        self.assertEqual(got.returncode, 0)
        self.assertIn("preemption CANCEL", got.stdout)

    def test_no_slurm(self):
        """In a container, say: what the script alone tells is told."""
        self.write("bin/scontrol", "", 0o644)
        answer = self.doctor(self.write("job.sbatch", GOOD), status=1,
                             env={"PATH": self.bin,
                                  "RALLY_HELPER": "/nowhere/helper"})
        self.assertEqual(self.ids(answer, "problem"), {"no-slurm-commands"})
        self.assertIsNone(answer["site"]["kill_wait_s"])
        self.assertEqual(self.outcome(answer, "time_limit"), ("yes", "no"))

    def test_requeue_none(self):
        """The site is still asked."""
        path = self.write("job.sbatch", GOOD.replace(
            "RALLY_EVERY=10m", "RALLY_EVERY=10m RALLY_REQUEUE=none"))
        answer = self.doctor(path, status=1)
        self.assertEqual(self.ids(answer, "problem"), {"requeue-none"})
        self.assertEqual(answer["site"]["kill_wait_s"], 30)
        self.assertEqual(self.outcome(answer, "preemption"), ("yes", "no"))

    def test_no_helper(self):
        """It is needed in one place even where scontrol is there."""
        path = self.write("job.sbatch", GOOD)
        env = {"RALLY_HELPER": "/nowhere/helper"}
        answer = self.doctor("-p", "cancel0", path, status=1, env=env)
        self.assertEqual(self.ids(answer, "problem"), {"no-helper"})
        self.assertEqual(self.outcome(answer, "preemption"), ("yes", "no"))
        self.doctor("-p", "lowc", path, env=env)
        answer = self.doctor("-p", "cancel0", path)
        self.assertEqual(self.outcome(answer, "preemption"), ("yes", "yes"))

    def test_no_controller(self):
        self.write("bin/scontrol", "#!/bin/sh\necho 'slurm_load_ctl_conf error:"
                   " Unable to contact slurm controller (connect failure)' >&2"
                   "\nexit 1\n", 0o755)
        self.bad(EREQUEUE, "is Slurm's controller up?", "doctor",
                 self.write("job.sbatch", GOOD))

    def test_bad_input(self):
        self.bad(EIO, "nothere", "doctor", "nothere")
        self.bad(EIO, self.top, "doctor", self.top)
        self.bad(EARG, "no script", "doctor", self.write("a", "srun ./a\n"))
        self.bad(EARG, "DOS line ends", "doctor",
                 self.write("c", GOOD.replace("\n", "\r\n")))
        self.bad(EARG, "NUL", "doctor", self.write("b", "#!/bin/sh\n\0\n"))
        self.bad(USAGE, "no option", "doctor", "--nope")
        self.bad(USAGE, "no value", "doctor", "--folder")
        self.bad(USAGE, "not both", "doctor", "--job", "1", "x")
        got = self.run_tool("doctor", "--help")
        self.assertEqual((got.returncode, got.stderr), (0, ""))
        self.assertIn("usage: rallypoint doctor", got.stdout)

    @unittest.skipIf(os.geteuid() == 0, "root reads every file")
    def test_unreadable(self):
        self.bad(EIO, "Permission", "doctor", self.write("a", GOOD, 0))


class TestSbatch(Doctor):
    def test_sound_everywhere(self):
        """The doctor finds nothing wrong in what is written."""
        for name in PARTITIONS:
            for command in (("./solver", "-c", "/nowhere/c k", "a$b"),
                            ("mpirun", "-np", "4", "./solver"),
                            ("bash", "-c", "./a; ./b"),
                            ("srun", "-n", "4", "sh", "-c", "./solver")):
                got = self.run_tool("sbatch", "--partition", name, "--nodes", 2,
                                    "--ntasks", 8, "--time", "30", "--",
                                    *command)
                self.assertEqual(got.returncode, 0, got)
                answer = self.doctor(self.write("made", got.stdout))
                self.assertEqual(self.ids(answer, "problem"), set())
                warnings = {"low0": {"grace-zero"}, "cancel0": {"grace-zero"},
                            "gang": {"suspend"}}.get(name, set())
                self.assertEqual(self.ids(answer, "warning"), warnings)
                self.assertEqual(got.stderr.count("warning: "), len(warnings))
                self.assertEqual(answer["job"]["partition"], name)
                self.assertEqual(answer["job"]["nodes"], 2)
                if name not in ("high", "gang"):
                    self.assertEqual(self.outcome(answer, "preemption"),
                                     ("yes", "yes"))

    def test_what_runs(self):
        """The words arrive as they were given."""
        words = ["a b", "it's", "$HOME", "", "*", "x\ny", "-n", "#"]
        self.write("bin/srun", "#!/bin/sh\nfor w; do printf '<%s>' \"$w\"; "
                   "done\n", 0o755)
        got = self.run_tool("sbatch", "--", "./solver", *words)
        path = self.write("made", got.stdout, 0o755)
        got = subprocess.run([path], text=True, capture_output=True,
                             check=True, timeout=20,
                             env={"PATH": self.bin + ":/usr/bin:/bin"})
        self.assertEqual(got.stdout, "".join("<%s>" % word for word in
                                             ["./solver"] + words))

    def test_what_runs_mended(self):
        """... also where a better line than theirs is written."""
        for name in ("srun", "rallypoint"):
            self.write("bin/" + name, "#!/bin/sh\nprintf '%s\\0' \"${0##*/}\""
                       " \"$@\"\n", 0o755)
        run = ["rallypoint", "run"]
        for words, runs in (
                (["mpirun", "./s", "x\ny", "a\\\nb", "a  b"], run),
                (["bash", "-c", "./a\n./b \\\n c", "x"], ["srun"] + run),
                (["bash", "-c", "./a >o.$SLURM_PROCID"], ["srun"] + run),
                (["sh", "-c", "./a $SLURM_PROCID"], ["srun"] + run),
                (["sh", "-c", "./a \"$1\"", "sh", "5"], ["srun"] + run),
                (["X=1", "./s"], ["srun", "env"])):
            got = self.run_tool("sbatch", "--", *words)
            path = self.write("made", got.stdout, 0o755)
            got = subprocess.run([path], text=True, capture_output=True,
                                 check=True, timeout=20,
                                 env={"PATH": self.bin + ":/usr/bin:/bin"})
            self.assertEqual(got.stdout.split("\0")[:-1], runs + words)

    def test_lines(self):
        got = self.run_tool("sbatch", "-p", "low", "-t", "1-00:00:00", "-N", 2,
                            "-n", 8, "--folder", "/nowhere/x y", "--",
                            "./solver").stdout.splitlines()
        self.assertEqual(got[0], "#!/bin/bash")
        self.assertEqual(got[-1], "srun ./solver")
        for line in ("#SBATCH --partition=low", "#SBATCH --time=1-00:00:00",
                     "#SBATCH --nodes=2", "#SBATCH --ntasks=8",
                     "#SBATCH --requeue", "#SBATCH --open-mode=append"):
            self.assertIn(line, got)
        self.slurm(mpi="none")
        got = self.run_tool("sbatch", "--folder", "/nowhere/x y", "--",
                            "./solver").stdout
        self.assertTrue(got.endswith("\nsrun --mpi=pmix ./solver\n"))
        answer = self.doctor(self.write("made", got))
        self.assertEqual(answer["job"]["folder"], "/nowhere/x y")

    def test_problems_are_told(self):
        got = self.run_tool("sbatch", "--folder", "/tmp/x", "--time",
                            "2-00:00:00", "--", "./solver")
        self.assertEqual(got.returncode, 1)
        self.assertIn("problem: The checkpoint folder /tmp/x", got.stderr)
        self.assertIn("problem: The time limit", got.stderr)
        self.assertIn("srun ./solver", got.stdout)

    def test_file(self):
        path = os.path.join(self.top, "made")
        got = self.run_tool("sbatch", "-o", path, "--", "./solver")
        self.assertEqual((got.returncode, got.stdout, got.stderr), (0, "", ""))
        with open(path, encoding="utf-8") as file:
            before = file.read()
        self.assertIn("srun ./solver", before)
        self.bad(EARG, "--force", "sbatch", "-o", path, "--", "./other")
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), before)
        got = self.run_tool("sbatch", "-o", path, "--force", "--", "./other")
        self.assertEqual(got.returncode, 0)
        with open(path, encoding="utf-8") as file:
            self.assertIn("srun ./other", file.read())
        self.bad(EIO, "/nowhere/", "sbatch", "-o", "/nowhere/x", "--", "./a")

    def test_bad_input(self):
        self.bad(USAGE, "which command", "sbatch")
        self.bad(USAGE, "--nodes wants", "sbatch", "-N", "two", "--", "a")
        self.bad(USAGE, "--ntasks wants", "sbatch", "-n", "0", "--", "a")
        self.bad(USAGE, "--time wants", "sbatch", "-t", "5m", "--", "a")
        self.bad(USAGE, "partition's name", "sbatch", "-p", "a\nb", "--", "a")
        self.bad(USAGE, "several lines", "sbatch", "--folder", "a\nb", "--",
                 "a")
        self.bad(USAGE, "no option", "sbatch", "--nope", "--", "a")
        self.bad(EARG, "partition nix", "sbatch", "-p", "nix", "--", "a")
        self.assertEqual(self.run_tool("sbatch", "--help").returncode, 0)


if __name__ == "__main__":
    if not os.access(MAKE, os.X_OK):
        sys.exit("test_doctor.py: run it in the build folder, after `make "
                 "check`")
    unittest.main()
