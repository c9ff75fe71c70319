"""A private cluster as the cells see it: commands, and the records of its jobs."""
import os
import re
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LIB = os.path.join(os.path.dirname(HERE), "lib.sh")
OVER = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED",
        "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE"}
FIELDS = ["JobState", "Reason", "Restarts", "ExitCode", "StartTime", "EndTime",
          "PreemptTime", "Comment"]


def read_env(path):
    text = subprocess.run(["bash", "-c", ". %s && env -0" % path], check=True,
                          stdout=subprocess.PIPE, timeout=20).stdout.decode()
    return dict(pair.split("=", 1) for pair in text.split("\0") if "=" in pair)


class Cluster:
    """Reads all records twice a second, and keeps what has changed in them."""

    def __init__(self, folder, log):
        self.folder = folder
        self.env = read_env(os.path.join(folder, "env"))
        self.log = log
        self.records = {}     # "12" or "12_1" -> fields
        self.changes = {}     # the same -> [(time, fields)]
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._observe, daemon=True)
        self.thread.start()

    def nodes(self):
        with open(os.path.join(self.folder, "slurm.conf")) as file:
            return re.findall(r"^NodeName=(\S+)", file.read(), re.M)

    def close(self):
        self.stopped.set()
        self.thread.join(10)

    def run(self, *words, timeout=20, **more):
        """A command on the cluster; its output, stripped, or None."""
        try:
            got = subprocess.run(words, env=self.env, timeout=timeout,
                                 stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, **more)
        except subprocess.TimeoutExpired:
            self.log("%s: no end within %s s" % (" ".join(words), timeout))
            return None
        if got.returncode:
            self.log("%s: %s" % (" ".join(words), got.stderr.strip()))
            return None
        return got.stdout.strip()

    def shell(self, function, *arguments):
        """A function of lib.sh: lose_node, back_node, stop_ctld, start_ctld."""
        return self.run("bash", "-c", '. "%s"; "$@"' % LIB, "-", function,
                        *arguments, timeout=60)

    def _observe(self):
        env = dict(self.env, SLURM_TIME_FORMAT="%s")
        while not self.stopped.wait(0.5):
            try:
                text = subprocess.run(
                    ["scontrol", "-o", "show", "job"], env=env, text=True,
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL, timeout=30).stdout
            except subprocess.TimeoutExpired:
                continue
            for line in text.splitlines():
                self._note(line)

    def _note(self, line):
        found = dict(re.findall(r"(\w+)=(\S*)", line))
        if "JobId" not in found or not found.get("Restarts", "").isdigit():
            return
        job = found["JobId"]
        if found.get("ArrayTaskId", "").isdigit():
            job = "%s_%s" % (found["ArrayJobId"], found["ArrayTaskId"])
        fields = {key: found.get(key, "") for key in FIELDS}
        fields["JobId"] = found["JobId"]
        fields["Restarts"] = int(fields["Restarts"])
        with self.lock:
            if self.records.get(job) != fields:
                self.records[job] = fields
                self.changes.setdefault(job, []).append((time.time(), fields))

    def record(self, job):
        with self.lock:
            return dict(self.records.get(job, {}))

    def state(self, job):
        return self.record(job).get("JobState", "")

    def history(self, job):
        """[[seconds since it was first seen, "STATE REASON restarts=N ..."]]"""
        with self.lock:
            changes = list(self.changes.get(job, []))
        out = []
        for when, fields in changes:
            words = "%s %s restarts=%d exit=%s preempt=%s end=%s" % (
                fields["JobState"], fields["Reason"], fields["Restarts"],
                fields["ExitCode"], relative(fields["PreemptTime"], when),
                relative(fields["EndTime"], when))
            out.append([round(when - changes[0][0], 1), words])
        return out


def relative(text, when):
    """A time as seconds from `when`; what is further than a day is none."""
    if not text.isdigit() or abs(int(text) - when) > 86400:
        return "-"
    return "%+d" % (int(text) - int(when))


def until(seconds, check, pause=0.2):
    """Whether check() came true in time."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True
