#!/usr/bin/env python3
"""`rallypoint run` without Slurm: who gets a signal, who is shielded from it, and
how it ends. Runs in the build folder."""
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TOOL = os.path.abspath("rallypoint")
LIMIT = 20

# A rank: unblocks and catches as the library does, tells each signal in a file,
# and ends at a SIGTERM.
RANK = """
import os, signal, sys, time
path, status, late, slow = sys.argv[1], *map(float, sys.argv[2:])
ended = []
def tell(text):
    with open(path, "a") as file:
        file.write(text + "\\n")
def on_signal(number, frame):
    tell(signal.Signals(number).name)
    if number == signal.SIGTERM:
        ended.append(number)
time.sleep(late)
numbers = [signal.SIGTERM, signal.SIGUSR1]
for number in numbers:
    signal.signal(number, on_signal)
signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
tell("ready %d %d" % (os.getppid(), os.getpid()))
while not ended:
    time.sleep(0.02)
time.sleep(slow)
tell("leaves")
sys.exit(int(status))
"""


class Run(unittest.TestCase):
    def setUp(self):
        self.top = tempfile.TemporaryDirectory(prefix="rally-run-")
        self.addCleanup(self.top.cleanup)
        self.rank_py = os.path.join(self.top.name, "rank.py")
        self.file = os.path.join(self.top.name, "said")
        with open(self.rank_py, "w") as file:
            file.write(RANK)

    def rank(self, status=0, late=0, slow=0, file=None):
        return "%s %s %s %d %g %g" % (sys.executable, self.rank_py,
                                      file or self.file, status, late, slow)

    def start(self, *words, **more):
        process = subprocess.Popen([TOOL, "run", *words], text=True,
                                   stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, **more)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def said(self, file=None):
        try:
            with open(file or self.file) as lines:
                return lines.read().split("\n")[:-1]
        except FileNotFoundError:
            return []

    def wait_for(self, what, seconds=LIMIT):
        end = time.monotonic() + seconds
        while not what():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.02)

    def ready(self, lines=1, file=None):
        self.wait_for(lambda: len(self.said(file)) >= lines)

    def runs(self, process, name):
        """Waits until COMMAND is this."""
        def is_there():
            path = "/proc/%d/task/%d/children" % (process.pid, process.pid)
            with open(path) as file:
                for child in file.read().split():
                    with open("/proc/%s/comm" % child) as comm:
                        return comm.read() == name + "\n"
        self.wait_for(is_there)

    def end(self, process):
        out, err = process.communicate(timeout=LIMIT)
        return process.returncode, out, err

    def test_exit_status(self):
        for text, status in ("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137), \
                            ("kill -INT $$", 130):
            self.assertEqual(self.end(self.start("sh", "-c", text)),
                             (status, "", ""))

    def test_no_such_command(self):
        status, out, err = self.end(self.start("rally-nosuch"))
        self.assertEqual(status, 127)
        self.assertEqual(err, "rallypoint: run: rally-nosuch can't be started:"
                              " No such file or directory\n")
        status, out, err = self.end(self.start(self.rank_py))
        self.assertEqual(status, 126)

    def test_usage(self):
        for words in [], ["--"], ["--nosuch", "true"], ["--patience"], \
                     ["--patience", "soon", "true"]:
            status, out, err = self.end(self.start(*words))
            self.assertEqual((status, out), (64, ""), words)
            self.assertRegex(err, "^rallypoint: run: .*--help`\n$")
        status, out, err = self.end(self.start("--help"))
        self.assertEqual((status, err), (0, ""))
        # COMMAND's options are its own
        status, out, err = self.end(self.start("echo", "--patience", "-h"))
        self.assertEqual((status, out), (0, "--patience -h\n"))

    def test_environment_and_mask(self):
        text = ["grep", "-h", "SigBlk:", "/proc/self/status"]
        blocked = sum(1 << (n - 1) for n in (signal.SIGTERM, signal.SIGUSR1,
                                             signal.SIGUSR2))
        masks = [int(out.split()[1], 16) for out in (
            subprocess.run(text, text=True, capture_output=True).stdout,
            self.end(self.start(*text))[1])]
        self.assertEqual(masks[1], masks[0] | blocked)
        status, out, err = self.end(self.start("env", env={
            **os.environ, "OMPI_MCA_plm_slurm_args": "--mem=0"}))
        lines = out.splitlines()
        self.assertIn("RALLYPOINT_RUN=1", lines)
        self.assertIn("OMPI_MCA_orte_launch_agent=%s run orted" %
                      os.path.realpath(TOOL), lines)
        self.assertIn("OMPI_MCA_plm_slurm_args=--mem=0 --job-name=orted",
                      lines)
        status, out, err = self.end(self.start("env", env={
            **os.environ, "OMPI_MCA_orte_launch_agent": "mine"}))
        self.assertIn("OMPI_MCA_orte_launch_agent=mine\n", out)
        self.assertNotIn("plm_slurm_args", out)

    def test_a_rank_behind_a_shell(self):
        process = self.start("bash", "-c", self.rank(3) + "; rc=$?; "
                             "echo shell lives; exit $rc")
        self.ready()
        process.send_signal(signal.SIGTERM)
        status, out, err = self.end(process)
        self.assertEqual((status, out), (3, "shell lives\n"))
        self.assertEqual(self.said()[1:], ["SIGTERM", "leaves"])
        self.assertRegex(err, r"SIGTERM handed on to 1 process \(")

    def test_the_whole_group_is_signalled(self):
        """As slurmstepd does with proctrack/linuxproc."""
        process = self.start("bash", "-c", self.rank(3) + "; exit $?",
                             start_new_session=True)
        self.ready()
        os.killpg(process.pid, signal.SIGTERM)
        self.assertEqual(self.end(process)[0], 3)

    def test_a_rank_that_still_starts(self):
        process = self.start("bash", "-c", self.rank(4, late=1.5) + "; exit $?")
        self.runs(process, "bash")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.end(process)[0], 4)
        self.assertEqual(self.said()[1:], ["SIGTERM", "leaves"])

    def test_usr1_and_then_term(self):
        process = self.start("bash", "-c", self.rank(5) + "; exit $?")
        self.ready()
        process.send_signal(signal.SIGUSR1)
        self.ready(2)
        process.send_signal(signal.SIGUSR2)	# not caught
        time.sleep(0.5)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        status, out, err = self.end(process)
        self.assertEqual(status, 5)
        self.assertEqual(self.said()[1:], ["SIGUSR1", "SIGTERM",
                                            "leaves"])

    def test_nobody_hears_usr2(self):
        process = self.start("--patience", "0.3", "sleep", "3")
        self.runs(process, "sleep")
        time.sleep(0.5)
        process.send_signal(signal.SIGUSR2)
        self.assertEqual(self.end(process), (0, "", "rallypoint: run: no "
                         "process of sleep catches SIGUSR2; it is dropped\n"))

    def test_nobody_hears_term(self):
        process = self.start("--patience", "0.5", "bash", "-c",
                             "sleep 1000 & wait")
        self.runs(process, "bash")
        time.sleep(0.7)
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        status, out, err = self.end(process)
        self.assertLess(time.monotonic() - begin, 4)
        self.assertEqual((status, err), (143, "rallypoint: run: no process of "
                         "bash catches SIGTERM; it is ended\n"))

    def test_one_that_ignores_hangup_is_killed(self):
        process = self.start("--patience", "0.1", "nohup", "sleep", "1000")
        self.runs(process, "sleep")
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.end(process)[0], 143)
        self.assertTrue(4 < time.monotonic() - begin < LIMIT)

    def test_nested(self):
        """Each hands it on to what is below itself: once is enough."""
        process = self.start("bash", "-c", "%s run bash -c '%s; exit $?'; "
                             "exit $?" % (TOOL, self.rank(6)))
        self.ready()
        process.send_signal(signal.SIGTERM)
        status, out, err = self.end(process)
        self.assertEqual((status, self.said()[1:]), (6, ["SIGTERM", "leaves"]))
        self.assertEqual(err.count("handed on to 1 process"), 2)

    def test_below_one_that_hears_nobody_is_told(self):
        inner = os.path.join(self.top.name, "inner")
        text = ("import signal, subprocess, sys, time\n"
                "signal.signal(signal.SIGUSR1, lambda *_: print('outer',"
                " flush=True))\n"
                "signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])\n"
                "child = subprocess.Popen(%r.split())\n"
                "time.sleep(1.5)\nchild.terminate()\nchild.wait()\n"
                % self.rank(file=inner))
        process = self.start(sys.executable, "-c", text)
        self.ready(file=inner)
        process.send_signal(signal.SIGUSR1)
        status, out, err = self.end(process)
        self.assertEqual((status, out), (0, "outer\n"))
        self.assertEqual(self.said(inner)[1:], ["SIGTERM", "leaves"])

    def test_a_storm(self):
        process = self.start("bash", "-c", self.rank(7) + "; exit $?")
        self.ready()
        for _ in range(2000):
            process.send_signal(signal.SIGUSR1)
        process.send_signal(signal.SIGTERM)
        status, out, err = self.end(process)
        self.assertEqual(status, 7)
        self.assertIn("SIGTERM", self.said())
        self.assertLess(len(err.splitlines()), 4)

    def test_an_orphan_is_found_and_waited_for(self):
        """Its launcher has left before it has saved."""
        process = self.start("bash", "-c", "%s >/dev/null 2>&1 & until grep -qs"
                             " TERM %s; do sleep 0.1; done" %
                             (self.rank(slow=2), self.file))
        self.ready()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.end(process)[0], 0)
        self.assertEqual(self.said()[1:], ["SIGTERM", "leaves"])

    def test_a_stranger_is_not_waited_for(self):
        process = self.start("bash", "-c", "sleep 30 >/dev/null 2>&1 & echo $!")
        status, out, err = self.end(process)
        os.kill(int(out), signal.SIGKILL)
        self.assertEqual((status, err), (0, ""))

    def test_interrupt_from_a_process(self):
        process = self.start("sleep", "1000")
        self.runs(process, "sleep")
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.end(process), (130, "", ""))

    def test_interrupt_from_the_terminal(self):
        """COMMAND has it already: not twice."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execv(TOOL, [TOOL, "run", "bash", "-c", "trap 'echo told' INT; "
                            "echo ready; for i in 1 2 3 4 5; do sleep 0.3; "
                            "done; exit 9"])
        out = b""
        while b"ready" not in out:
            out += os.read(fd, 1000)
        os.write(fd, b"\x03")
        try:
            while piece := os.read(fd, 1000):
                out += piece
        except OSError:		# the other end is closed
            pass
        os.close(fd)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 9)
        self.assertEqual(out.count(b"told"), 1, out)

    def test_a_shell_that_clears_its_mask(self):
        """dash does: it dies of the signal, its rank is adopted."""
        process = self.start("sh", "-c", self.rank(slow=1) + "; exit $?",
                             start_new_session=True)
        self.ready()
        os.killpg(process.pid, signal.SIGTERM)
        self.assertIn(self.end(process)[0], (0, 143))
        self.assertEqual(self.said()[-1], "leaves")

    def test_command_goes_with_the_shim(self):
        process = self.start("bash", "-c", self.rank() + "; exit $?")
        self.ready()
        shell, rank = map(int, self.said()[0].split()[1:])
        self.addCleanup(os.kill, rank, signal.SIGKILL)
        process.kill()
        process.wait(LIMIT)
        self.wait_for(lambda: not self.lives(shell))

    @staticmethod
    def lives(pid):
        try:
            with open("/proc/%d/status" % pid) as file:
                return "State:\tZ" not in file.read()
        except FileNotFoundError:
            return False


if __name__ == "__main__":
    unittest.main()
