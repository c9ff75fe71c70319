"""The job of a cell: its folder, its script, and how it is started."""
import json
import os
import re
import shlex

import plan

# 40 s: the events come when the last job of all has started.
STEPS, DELAY_US, EVERY = 400, 100000, 20
# Slurm's shortest time limit is a minute, and a job that hears of nothing must
# not come to its end within the grace.
AT_LIMIT, AT_GRACE = 650, 600
SLOW_AT, SLOW_MS = 60, 2500     # a save that can be struck
LONG_MS = 12000                 # ... and that can't be waited for
AWAY_MS = 8000                  # ... and during which the controller dies
REAL_MS = 2500                  # ... and that is longer than mpirun's patience


class Tools:
    """Paths of what the jobs run."""

    def __init__(self, build):
        self.build = build
        self.heat = self.find("examples/heat")
        self.struck = self.find("tests/cluster/struck")
        self.halves = self.find("tests/cluster/halves")
        self.command = os.path.join(build, "rallypoint")

    def find(self, path):
        folder, base = os.path.split(os.path.join(self.build, path))
        inner = os.path.join(folder, ".libs", base)
        return inner if os.path.exists(inner) else os.path.join(folder, base)


def steps_of(cell):
    if cell.event.startswith("limit"):
        return AT_LIMIT
    return AT_GRACE if cell.launch == "mpirun-1" and cell.grace == 20 else STEPS


class Job:
    def __init__(self, cell, folder, nodes, tools):
        self.cell = cell
        self.folder = folder
        self.nodes = nodes
        self.tools = tools
        self.id = None
        self.sibling = None     # the array's other task, which ends at once
        self.fired = None       # when the event came, in seconds of the epoch
        self.notes = []
        self.parts = [""]       # suffix of each checkpoint folder and result
        if cell.launch in ("halves", "two-steps", "two-steps-left"):
            self.parts = ["0", "1"]
        self.steps = steps_of(cell)
        self.one_node = cell.launch == "mpirun-1"

    def path(self, *words):
        return os.path.join(self.folder, *words)

    # -- the script ---------------------------------------------------------

    def heat(self, part="", program=None):
        return "%s -n 64 -s %d -d %d -c ckpt%s -o field%s" % (
            program or self.tools.heat, self.steps, DELAY_US, part,
            part)

    def shell(self):
        """A shell that stays around the program."""
        return "bash -c %s" % shlex.quote(self.heat() + "; exit $?")

    def launch(self):
        run = self.tools.command + " run"
        slow = self.heat(program=self.tools.struck)
        half = "srun -n 2 -N 2 --ntasks-per-node=1 --exact %s &"
        two = half + " first=$!\n" + half + " second=$!\n" \
              "wait $first; a=$?\nwait $second; b=$?\n"
        return {
            "srun": lambda: "srun " + self.heat(),
            "srun-exec": lambda: "srun ./wrapper " + self.heat(),
            "srun-shell": lambda: "srun " + self.shell(),
            "mpirun-1": lambda: "mpirun -n 2 " + self.heat(),
            "mpirun-2": lambda: "mpirun -n 4 " + slow,
            # Without a grace the script gets SIGTERM too, and takes what it
            # has started along when it ends.
            "run-mpirun": lambda: "exec %s mpirun -n 4 %s" % (run, slow),
            "run-srun": lambda: "srun %s %s" % (run, self.shell()),
            "halves": lambda: "srun %s -s %d -d %d -c ckpt -o field" % (
                self.tools.halves, self.steps, DELAY_US),
            "two-steps": lambda: two % (self.heat("0"), self.heat("1")) +
            "[ $a != 81 ] || [ $b != 81 ] || scontrol requeue $SLURM_JOB_ID\n"
            "exit $((a > b ? a : b))",
            "two-steps-left": lambda: two % (self.heat("0"), self.heat("1")) +
            "exit $((a > b ? a : b))",
            "slow-save": lambda: "srun " + slow,
        }[self.cell.launch]()

    def head(self, partition):
        lines = ["-p " + partition, "-J m-%s" % os.path.basename(self.folder),
                 "-D " + self.folder, "-o " + self.path("log"), "--requeue",
                 "--open-mode=append", "-w " + ",".join(self.nodes)]
        lines.append("-N 1 -n 2" if self.one_node
                     else "-N 2 -n 4 --ntasks-per-node=2")
        if self.cell.kind != "plain":
            lines.append("--array=0-1")
        if self.cell.event.startswith("limit"):
            lines.append("--time=1")
        if self.cell.event == "limit-signal":
            lines.append("--signal=TERM@25")
        return ["#SBATCH " + line for line in lines]

    def task(self):
        """The task of an array that is looked at: Slurm gives the array's own
        id to the one that starts last."""
        return {"array-task": 0, "array-first": 1}.get(self.cell.kind)

    def script(self, partition):
        lines = ["#!/bin/bash"] + self.head(partition)
        if self.task() is not None:
            lines.append("[ $SLURM_ARRAY_TASK_ID = %d ] || exit 0" %
                         self.task())
        every = self.steps if self.cell.event.startswith("away") else EVERY
        lines.append("export RALLY_EVERY_STEPS=%d" % every)
        lines += ["export STRIKE=slow " + words for words in self.slow_saves()]
        return "\n".join(lines + [self.launch()]) + "\n"

    def slow_saves(self):
        """Which saves of struck take longer, in the first start."""
        if self.cell.event.startswith("away"):
            return ["STRIKE_AT=-1 STRIKE_MS=%d" % AWAY_MS]
        if self.cell.launch == "slow-save":
            return ["STRIKE_AT=%d STRIKE_MS=%d" % (
                SLOW_AT, LONG_MS if "long" in self.cell.event else SLOW_MS)]
        if self.cell.launch in ("mpirun-2", "run-mpirun"):
            return ["STRIKE_AT=-1 STRIKE_BUT=%d STRIKE_MS=%d" % (EVERY,
                                                                 REAL_MS)]
        return []

    def write(self, partition):
        """Its folder, as it is before anything has run in it."""
        if self.one_node:
            self.nodes = self.nodes[:1]
        os.makedirs(self.folder)
        with open(self.path("job.sh"), "w") as file:
            file.write(self.script(partition))
        if self.cell.launch == "srun-exec":
            with open(self.path("wrapper"), "w") as file:
                file.write('#!/bin/bash\nexec "$@"\n')
            os.chmod(self.path("wrapper"), 0o755)

    def submit(self, cluster):
        self.id = cluster.run("sbatch", "--parsable", self.path("job.sh"))
        if self.id and self.task() is not None:
            self.sibling = "%s_%d" % (self.id, 1 - self.task())
            self.id += "_%d" % self.task()
        return self.id is not None

    # -- what it has left ----------------------------------------------------

    def log(self):
        try:
            with open(self.path("log"), errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def starts(self):
        """How many starts have come to their first step, in all parts."""
        lines = re.findall(r"^\w+: .*starts at step", self.log(), re.M)
        return len(lines) // len(self.parts)

    def events(self, part):
        """Those of a checkpoint folder; a torn last line counts as none."""
        out = []
        try:
            with open(self.path("ckpt" + part, "events.jsonl")) as file:
                for line in file:
                    try:
                        out.append(json.loads(line))
                    except ValueError:
                        pass
        except OSError:
            pass
        return out

    def is_right(self, whole):
        """Whether each part's result is the undisturbed run's."""
        for part in self.parts:
            try:
                with open(self.path("field" + part), "rb") as file:
                    if file.read() != whole[self.whole_of(part)]:
                        return False
            except OSError:
                return False
        return True

    def whole_of(self, part):
        """The name of the undisturbed result that this part's must be."""
        program = "halves" + part if self.cell.launch == "halves" else "heat"
        return "%s-%d" % (program, self.steps)

    def name(self):
        return plan.name(self.cell)
