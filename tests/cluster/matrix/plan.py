"""Which cells there are, and the slice of them that a short run takes.

A cell is a situation that a job can be in: the site's preemption, how the
program is launched, what kind of job it is, and what happens to it.
"""
import collections
import itertools
import random

# PreemptMode and GraceTime of a partition; `up --also NAME:MODE:GRACE`.
SITES = [("REQUEUE", 0), ("REQUEUE", 5), ("REQUEUE", 20),
         ("CANCEL", 0), ("CANCEL", 5), ("CANCEL", 20)]
LAUNCHES = ["srun", "srun-exec", "srun-shell", "mpirun-1", "mpirun-2",
            "run-mpirun", "run-srun"]
KINDS = ["plain", "array-task", "array-first"]

Cell = collections.namedtuple("Cell", "mode grace launch kind event cluster")

# What happens, on which cluster, by which launches, and whether a short run
# takes it. Sites and kinds are the plainest ones here.
SINGLES = [
    ("suspend", "gang", ["srun", "mpirun-1"], True),
    ("preempt", "main", ["halves", "two-steps", "two-steps-left"], True),
    ("limit", "main", ["srun", "mpirun-1"], True),
    ("limit-signal", "main", ["srun", "srun-shell"], True),
    ("cancel", "main", ["srun", "srun-shell", "mpirun-2"], True),
    ("cancel-step", "main", ["srun"], True),
    ("node-down", "main", ["srun", "mpirun-2"], True),
    ("drain", "main", ["srun"], True),
    ("requeue-in-save", "main", ["slow-save"], True),
    ("requeue-in-long-save", "main", ["slow-save"], True),
    ("away-10s", "away1", ["slow-save"], True),
    ("away-to-the-end", "away2", ["slow-save"], True),
]


def partition(cell):
    return "%s%d" % (cell.mode[0].lower(), cell.grace)


def name(cell):
    return "%s/%s/%s/%s" % (site(cell), cell.launch, cell.kind, cell.event)


def site(cell):
    return "%s-%d" % (cell.mode, cell.grace) if cell.mode != "SUSPEND" \
        else cell.mode


def preemptions():
    return [Cell(mode, grace, launch, kind, "preempt", "main")
            for (mode, grace), launch, kind
            in itertools.product(SITES, LAUNCHES, KINDS)]


def singles(long):
    cells = []
    for event, cluster, launches, short in SINGLES:
        mode = ("SUSPEND", 0) if event == "suspend" else ("REQUEUE", 20)
        if long or short:
            cells += [Cell(*mode, launch, "plain", event, cluster)
                      for launch in (launches if long else launches[:1] +
                                     launches[1:] * (event == "preempt"))]
    return cells


def pairs(cell):
    values = [("mode", cell.mode), ("grace", cell.grace),
              ("launch", cell.launch), ("kind", cell.kind)]
    return set(itertools.combinations(values, 2))


def pairwise(cells, seed):
    """So many of the cells that each pair of values is in one of them: always
    the one with the most pairs that are not covered yet, the seed decides
    between equals."""
    dice = random.Random("pairwise %s" % seed)
    rest = dice.sample(cells, len(cells))
    wanted = set().union(*map(pairs, cells)) if cells else set()
    taken = []
    while wanted:
        best = max(rest, key=lambda cell: len(pairs(cell) & wanted))
        taken.append(best)
        rest.remove(best)
        wanted -= pairs(best)
    return taken


def cells(long, seed, with_run):
    """What is run, and what is not as there is no `rallypoint run`."""
    chosen = preemptions() if long else pairwise(preemptions(), seed)
    chosen += singles(long)
    left = [c for c in chosen if c.launch.startswith("run-") and not with_run]
    return [c for c in chosen if c not in left], left


def batches(cells, size):
    """Cells that share a pair of nodes: with one GraceTime, so that the job
    which preempts them gets the nodes from all at once. What harms a node has
    it alone. The slowest come first."""
    alone = {"node-down", "drain", "suspend", "away-10s", "away-to-the-end"}
    groups = collections.OrderedDict()
    for cell in cells:
        key = (cell.cluster, cell.event == "preempt", cell.grace)
        if cell.event in alone:
            key += (name(cell),)
        elif cell.event.startswith("limit"):
            key += ("limit",)
        groups.setdefault(key, []).append(cell)
    out = []
    for group in groups.values():
        out += [group[i:i + size] for i in range(0, len(group), size)]
    return sorted(out, key=lambda b: (not b[0].event.startswith("limit"),
                                      b[0].event != "node-down", -b[0].grace))
