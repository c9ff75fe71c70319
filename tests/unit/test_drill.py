#!/usr/bin/env python3
"""`rallypoint drill` with made-up commands of Slurm's: what it refuses, and what
it finds wrong. Runs in the build folder."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

TOOL = os.path.abspath("rallypoint")
USAGE, REFUSED, EIO, WRONG, EABSENT = 64, 66, 69, 81, 83

RECORD = """JobId=12 JobName=x
   UserId=me(%(uid)d) GroupId=me(0) MCS_label=N/A
   JobState=%(state)s Reason=None Dependency=(null)
   Requeue=%(requeue)d Restarts=0 BatchFlag=%(batch)d Reboot=0 ExitCode=0:0
   StartTime=1700000000 EndTime=1800000000 Deadline=N/A
   NumNodes=2 NumCPUs=4 NumTasks=4 CPUs/Task=1
   Command=/x
   WorkDir=%(dir)s
"""


def event(name, restart=0, job="12", **more):
    return json.dumps({"time": "2026-01-01T00:00:00Z", "event": name,
                       "job": job, "restart": restart, **more},
                      separators=(",", ":")) + "\n"


OPENED = event("opened", ranks=4)
SAVED = event("committed", sequence=1, step=40, cause="stop", bytes=1000,
              elapsed_ns=1000000)
STOP = event("verdict", cause="stop", step=40, point=41)
REQUEUED = event("requeued", by="scontrol")
AGAIN = event("opened", 1, ranks=4)
RESUMED = event("resumed", 1, sequence=1, step=40)


class Drill(unittest.TestCase):
    def setUp(self):
        top = tempfile.TemporaryDirectory(prefix="rally-drill-")
        self.addCleanup(top.cleanup)
        self.top = top.name
        os.mkdir(self.path("ckpt"))
        self.write("ckpt/events.jsonl", event("opened", job="11") + OPENED)
        self.record()
        self.write("scontrol", '#!/bin/sh\necho "$*" >>%s/asked\n'
                   '[ $1 = show ] && exec cat %s/record\n'
                   'cat %s/then >>%s/ckpt/events.jsonl\n' % ((self.top,) * 4))
        self.write("scancel", '#!/bin/sh\necho "scancel $*" >>%s/asked\n'
                   'cat %s/then >>%s/ckpt/events.jsonl\n' % ((self.top,) * 3))
        self.write("srun", '#!/bin/sh\nexit 0\n')

    def path(self, name):
        return os.path.join(self.top, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        os.chmod(self.path(name), 0o755)

    def record(self, uid=None, state="RUNNING", requeue=1, batch=1):
        self.write("record", RECORD % {
            "uid": os.getuid() if uid is None else uid, "state": state,
            "requeue": requeue, "batch": batch, "dir": self.top})

    def drill(self, *words):
        got = subprocess.run(
            [TOOL, "drill", *words, "12"], text=True, capture_output=True,
            timeout=60, env={**os.environ, "PATH": self.top + ":" +
                             os.environ["PATH"]})
        return got.returncode, got.stdout, got.stderr

    def wrong(self, *events, words=()):
        self.write("then", "".join(events))
        status, out, err = self.drill("--json", "--timeout", "1", *words)
        self.assertEqual(err, "")
        got = json.loads(out)
        self.assertEqual((status, got["ok"]), (WRONG, False), out)
        return got["wrong"]

    def test_all_well(self):
        self.write("then", event("finished", job="11") + STOP + SAVED +
                   REQUEUED + AGAIN + RESUMED)
        status, out, err = self.drill()
        self.assertEqual((status, err), (0, ""))
        lines = out.splitlines()
        self.assertEqual(lines[0], "job 12: scancel --signal=TERM 12")
        self.assertRegex(lines[2], r"^  saved +0\.\d\d s  step 40: 1\.0 kB in "
                         r"0\.001 s at 1\.0 MB/s$")
        self.assertRegex(lines[5], r"^  resumed +\d\.\d\d s  step 40$")
        self.assertEqual(lines[6:], ["as it should be"])
        self.write("ckpt/events.jsonl", OPENED)
        status, out, err = self.drill("--json", "--signal", "sigusr1")
        got = json.loads(out)
        self.assertEqual((status, got["ok"], got["wrong"], got["bytes"],
                          got["bytes_per_second"]), (0, True, [], 1000,
                                                     1000000))
        self.assertEqual(got["command"], "scancel --signal=USR1 12")

    def test_requeue(self):
        self.write("then", STOP + SAVED + event("not_requeued") + AGAIN +
                   RESUMED)
        self.assertEqual(self.drill("--requeue")[0], 0)
        with open(self.path("asked")) as file:
            self.assertIn("requeue 12\n", file)

    def test_wrong(self):
        self.assertEqual(self.wrong(STOP, SAVED, REQUEUED, AGAIN,
                                    event("fresh", 1)),
                         ["the next start did not resume (fresh) "])
        self.write("ckpt/events.jsonl", OPENED)
        self.assertEqual(self.wrong(STOP, SAVED, REQUEUED, AGAIN,
                                    event("resumed", 1, step=20)),
                         ["saved step 40, resumed at step 20"])
        self.write("ckpt/events.jsonl", OPENED)
        self.assertEqual(self.wrong(STOP, SAVED, SAVED, REQUEUED,
                                    event("opened", 2),
                                    event("resumed", 2, step=40)),
                         ["saved 2 times", "2 restarts, not one"])
        self.write("ckpt/events.jsonl", OPENED)
        self.assertIn("nothing was saved", self.wrong(
            STOP, event("error", text="no space"), REQUEUED, AGAIN,
            event("resumed", 1, step=20)))
        self.write("ckpt/events.jsonl", OPENED)
        self.assertEqual(self.wrong(STOP, SAVED, event(
            "not_requeued", answer="denied", detail="by me")),
            ["it was not requeued: denied by me", "it has not started again"])
        self.write("ckpt/events.jsonl", OPENED)
        self.assertEqual(self.wrong()[:2], ["the time is up after 1 s",
                                            "the ranks did not agree to stop"])

    def test_a_job_that_ends(self):
        self.record()
        self.write("then", STOP)
        self.write("scancel", '#!/bin/sh\nsed -i s/RUNNING/FAILED/ %s/record\n'
                   % self.top)
        status, out, err = self.drill()
        self.assertEqual(status, WRONG)
        self.assertIn("WRONG: it has not started again", out)

    def test_a_job_that_is_forgotten(self):
        self.write("scontrol", '#!/bin/sh\n[ -e %s/gone ] || exec cat %s/record'
                   '\necho "slurm_load_jobs error: Invalid job id specified" >&2'
                   '\nexit 1\n' % ((self.top,) * 2))
        self.write("scancel", "#!/bin/sh\n: >%s/gone\n" % self.top)
        status, out, err = self.drill("--json", "--timeout", "50")
        self.assertEqual((status, err), (WRONG, ""))
        self.assertEqual(json.loads(out)["wrong"],
                         ["the ranks did not agree to stop",
                          "nothing was saved", "it has not started again"])

    def test_not_agreed(self):
        self.assertEqual(self.wrong(SAVED, REQUEUED, AGAIN, RESUMED),
                         ["the ranks did not agree to stop"])

    def test_not_started(self):
        self.write("then", STOP + SAVED + REQUEUED)
        status, out, err = self.drill("--timeout", "1")
        self.assertEqual((status, err), (WRONG, ""))
        self.assertRegex(out, r"\n  started +-\n")

    def test_dry_run_json(self):
        status, out, err = self.drill("--json", "--dry-run")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(json.loads(out), {
            "job": "12", "folder": self.path("ckpt"),
            "command": "scancel --signal=TERM 12"})

    def test_a_task_by_its_own_id(self):
        """The library calls job 12, task 3 of array 10, 10_3."""
        with open(self.path("record")) as file:
            text = file.read()
        self.write("record", text.replace(
            "JobId=12 ", "JobId=12 ArrayJobId=10 ArrayTaskId=3 "))
        self.write("ckpt/events.jsonl", event("opened", job="10_3"))
        self.write("then", (STOP + SAVED + REQUEUED + AGAIN +
                            RESUMED).replace('"12"', '"10_3"'))
        status, out, err = self.drill()
        self.assertEqual((status, err), (0, ""))
        self.assertIn("job 10_3: scancel --signal=TERM 10_3\n", out)

    def test_refused(self):
        for record, words in (({"uid": 4711}, "somebody else's"),
                              ({"state": "PENDING"}, "is not running"),
                              ({"batch": 0}, "no batch job"),
                              ({"requeue": 0}, "may not be requeued")):
            self.record(**record)
            status, out, err = self.drill()
            self.assertEqual((status, out), (REFUSED, ""))
            self.assertIn(words, err)
        with open(self.path("asked")) as file:
            self.assertEqual(set(file), {"show job 12\n"})

    def test_force(self):
        self.record(requeue=0)
        self.assertIn("the ranks did not agree to stop",
                      self.wrong(words=["--force"]))

    def test_which_folder(self):
        os.rename(self.path("ckpt"), self.path("elsewhere"))
        status, out, err = self.drill()
        self.assertEqual(status, EABSENT)
        self.assertIn("give the job's checkpoint folder with --folder", err)
        self.assertEqual(self.drill("--dry-run", "--folder",
                                    self.path("elsewhere")),
                         (0, "job 12: scancel --signal=TERM 12\n", ""))

    def test_a_rank_that_is_nowhere(self):
        status, out, err = self.drill("--rank", "9")
        self.assertEqual(status, EABSENT)
        self.assertIn("no process of job 12 is rank 9", err)

    def test_rank_of_this_cluster(self):
        """Two clusters on one machine number their jobs alike."""
        code = ("import signal, sys; "
                "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); "
                "print(flush=True); signal.pause()")
        ranks = {}
        for cluster in "here", "there":
            env = dict(os.environ, SLURM_JOB_ID="987654", SLURM_PROCID="3",
                       SLURM_CONF="/" + cluster)
            ranks[cluster] = subprocess.Popen(
                [sys.executable, "-c", code], env=env, stdout=subprocess.PIPE)
            self.addCleanup(ranks[cluster].stdout.close)
            self.addCleanup(ranks[cluster].wait)
            self.addCleanup(ranks[cluster].kill)
            ranks[cluster].stdout.readline()
        out = subprocess.run([TOOL, "drill", "--here", "--rank", "3", "987654"],
                             env=dict(os.environ, SLURM_CONF="/here"),
                             capture_output=True, text=True, timeout=30)
        self.assertEqual((out.returncode, out.stdout), (0, "signalled 1\n"))
        self.assertEqual(ranks["here"].wait(10), 7)
        self.assertIsNone(ranks["there"].poll())

    def test_slurm_says_no(self):
        self.write("scancel", "#!/bin/sh\necho 'scancel: error: no' >&2\n"
                   "exit 1\n")
        self.assertEqual(self.drill()[::2], (EIO, "rallypoint: drill: scancel:"
                                             " scancel: error: no\n"))

    def test_slurm_says_nothing(self):
        self.write("scancel", "#!/bin/sh\nexit 3\n")
        status, _, err = self.drill()
        self.assertEqual((status, err), (EIO, "rallypoint: drill: scancel: it "
                                         "failed without a word\n"))

    def test_usage(self):
        for words in ["--rank", "x"], ["--all", "--requeue"], \
                     ["--signal", "NOSUCH"], ["--timeout", "soon"], \
                     ["--nosuch"], ["one", "two"]:
            status, out, err = self.drill(*words)
            self.assertEqual((status, out), (USAGE, ""), words)
            self.assertRegex(err, "^rallypoint: drill: .*--help`\n$")


if __name__ == "__main__":
    unittest.main()
