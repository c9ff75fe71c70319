#!/usr/bin/env python3
"""The helper over libslurm, compiled against what Slurm 26.05 declares.

tests/lib/slurm-26.05/helper is built from the helper's sources and functions
that say on stderr what they were called with. Runs in the build folder.
"""
import json
import os
import subprocess
import unittest

HELPER = os.path.abspath("tests/lib/slurm-26.05/helper")
WHOLE = "sluid 0 job %d step 0xfffffffe component 0xfffffffe"


def ask(*args):
    """Exit status, the answer, and the lines of what libslurm was asked."""
    done = subprocess.run([HELPER, *args], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=20, check=False,
                          text=True)
    answer = json.loads(done.stdout) if done.stdout else None
    return done.returncode, answer, done.stderr.splitlines()


class NewSlurm(unittest.TestCase):
    def test_record(self):
        status, answer, asked = ask("record", "12", "steps")
        self.assertEqual(status, 0)
        self.assertEqual(asked, ["init NULL", "get_job_steps " + WHOLE % 12,
                                 "load_job " + WHOLE % 12])
        record = answer["record"]
        self.assertEqual(record["base"], "RUNNING")
        self.assertEqual(record["flags"], ["COMPLETING"])
        self.assertEqual(record["reason"], "TimeLimit")
        self.assertEqual(record["restarts"], 3)
        self.assertEqual(record["end_time"], 200)
        self.assertEqual(record["steps"], 1)

    def test_no_job(self):
        status, answer, asked = ask("record", "13")
        self.assertEqual(status, 1)
        self.assertEqual(answer["error"], "ESLURM_INVALID_JOB_ID")
        self.assertEqual(asked[1], "load_job " + WHOLE % 13)

    def test_requeue(self):
        status, answer, asked = ask("requeue", "12")
        self.assertEqual((status, answer), (0, {"ok": True}))
        self.assertEqual(asked[1:], ["requeue " + WHOLE % 12, "flags 0"])
        status, answer, asked = ask("requeue", "13")
        self.assertEqual(status, 1)
        self.assertEqual(answer["error"], "ESLURM_DISABLED")
        status, answer, asked = ask("requeue", "12_3")
        self.assertEqual((status, answer), (0, {"ok": True}))
        self.assertEqual(asked[1:], ["requeue2 12_3 flags 0"])

    def test_hold(self):
        status, _, asked = ask("hold", "12", "no step")
        self.assertEqual(status, 0)
        self.assertEqual(asked[1:], ["update_job 12: no step",
                                     "requeue " + WHOLE % 12,
                                     "flags 0x200000"])

    def test_site(self):
        status, answer, asked = ask("config")
        self.assertEqual(status, 0)
        self.assertEqual(asked, ["init NULL", "load_ctl_conf since 0",
                                 "free_conf"])
        config = answer["config"]
        self.assertEqual(config["SLURM_VERSION"], "26.05.0")
        self.assertEqual(config["PreemptMode"], "GANG,SUSPEND")
        self.assertEqual(config["KillWait"], "30 sec")
        self.assertEqual(config["OverTimeLimit"], "UNLIMITED")
        self.assertEqual(config["SignalChildrenProcesses"], "yes")
        status, answer, _ = ask("partitions")
        self.assertEqual(status, 0)
        (part,) = answer["partitions"]
        self.assertEqual(part["PartitionName"], "low")
        self.assertEqual(part["Default"], "YES")
        self.assertEqual(part["MaxTime"], "90")
        self.assertNotIn("DefaultTime", part)
        self.assertNotIn("PreemptMode", part)
        self.assertEqual(ask("partitions", "x")[1]["partitions"], [])

    def test_usage(self):
        for words in ((), ("config", "x"), ("partitions", "a", "b"),
                      ("record",), ("record", "x"), ("hold", "12")):
            status, answer, _ = ask(*words)
            self.assertEqual((status, answer), (2, None), words)


if __name__ == "__main__":
    unittest.main()
