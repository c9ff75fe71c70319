"""What became of a cell: from the job's record, its event files, its result.

    saved          the state at the stop is committed
    resumed_step   where the next start went on
    restarts       how often Slurm has started it again
    right          the result is the undisturbed run's, to the bit
    lost           not at its end, and nothing brings it back
"""
import re

import plan
import slurm

# After these the job is to come to its right end without anybody's help.
COMES_BACK = {"preempt", "limit", "limit-signal", "node-down",
              "requeue-in-save", "requeue-in-long-save", "away-10s"}
UNHARMED = {"suspend", "drain"}
CANCELLED = {"cancel"}
# Launches under which nothing that Slurm does keeps a save from being made.
GOOD = {"srun", "srun-exec", "run-mpirun", "run-srun", "halves", "two-steps",
        "slow-save"}


def steps_of(events, name, **more):
    return [e["step"] for e in events if e["event"] == name
            and all(e.get(k) == v for k, v in more.items())]


def first_stop(events):
    """Step of the first stop, and whether it is committed: by a save, or by
    the one before it, which was of the same step."""
    committed = None
    for e in events:
        if e["event"] in ("committed", "current"):
            committed = e["step"]
        elif e["event"] == "stopped":
            return e["step"], committed == e["step"]
    return None, False


def mixture(events):
    """What a restore has found must be what was committed last, or a
    checkpoint whose line could not be written any more."""
    last = None
    for e in events:
        if e["event"] == "committed":
            last = e["sequence"], e["step"]
        elif e["event"] == "resumed":
            now = e["sequence"], e["step"]
            if last is not None and now != last and now[0] != last[0] + 1:
                return "resumed from step %d (sequence %d), committed last " \
                       "was step %d (sequence %d)" % (now[1], now[0],
                                                      last[1], last[0])
            last = now
        elif e["event"] == "fresh" and last is not None:
            return "a fresh start after a commit"
    return None


def signal_step(events):
    for e in events:
        if e["event"] == "signal":
            return e["step"]
    return None


def joined(values):
    """One value, or one for each part of the job."""
    return values[0] if len(values) == 1 else values


def last_words(job):
    """The last sentence about the requeue, else about what went wrong."""
    lines = re.findall(r"^rallypoint: (.*)$", job.log(), re.M)
    for pattern in ("requeued|HELD", "could not|error|no answer"):
        for line in reversed(lines):
            if re.search(pattern, line):
                return line
    return ""


def outcome(job, cluster, whole):
    events = [job.events(part) for part in job.parts]
    stops = [first_stop(e) for e in events]
    resumed = [(steps_of(e, "resumed") + [None])[0] for e in events]
    record = cluster.record(job.id)
    state = record.get("JobState", "")
    right = job.is_right(whole)
    cell = job.cell
    return {
        "cell": plan.name(cell), "site": plan.site(cell),
        "launch": cell.launch, "kind": cell.kind, "event": cell.event,
        "saved": all(saved for _, saved in stops),
        "saved_step": joined([step for step, saved in stops]),
        "signal_step": joined([signal_step(e) for e in events]),
        "committed_steps": joined([steps_of(e, "committed")[-3:]
                                   for e in events]),
        "requeued": sum(e["event"] == "requeued" for e in events[0]),
        "resumed_step": joined(resumed),
        "restarts": record.get("Restarts", 0), "state": state,
        "exit": record.get("ExitCode", ""),
        "right": right,
        "lost": not right and state in slurm.OVER,
        "words": last_words(job), "notes": job.notes,
        "record": cluster.history(job.id),
    }


def of_array(job, cluster):
    """An array's id is that of its last task too: a requeue by it would bring
    all tasks back, those that have ended as well."""
    own, other = cluster.record(job.id), cluster.record(job.sibling)
    if (own.get("JobId") == job.id.split("_")[0]) != \
            (job.cell.kind == "array-first"):
        return ["the array's id is another task's than was meant"]
    if other.get("Restarts") != 0 or other.get("JobState") != "COMPLETED":
        return ["the array's other task is %s after %s restarts" % (
            other.get("JobState"), other.get("Restarts"))]
    return []


def faults(job, cluster, got):
    """Sentences about what must not be, whatever anybody has said before."""
    event, bad = job.cell.event, []
    if job.sibling:
        bad += of_array(job, cluster)
    for part in job.parts:
        mixed = mixture(job.events(part))
        if mixed:
            bad.append(mixed)
    # Each start has a time limit of its own.
    stops = sum(e["event"] == "stopped" for e in job.events(job.parts[0]))
    if got["restarts"] > (stops if event.startswith("limit") else 1):
        bad.append("started again %d times for one event" % got["restarts"])
    if event in CANCELLED and (got["restarts"] or got["state"] != "CANCELLED"):
        bad.append("cancelled, and is %s after %d restarts" %
                   (got["state"], got["restarts"]))
    if event in UNHARMED and (got["restarts"] or not got["right"]):
        bad.append("unharmed, but %s after %d restarts" %
                   (got["state"], got["restarts"]))
    if got["state"] == "COMPLETED" and not got["right"] and \
            all(job_finished(job, part) for part in job.parts):
        bad.append("finished with another result")
    if event in COMES_BACK and job.cell.launch in GOOD:
        if not got["saved"] and event not in ("node-down",
                                              "requeue-in-long-save"):
            bad.append("not saved, though it could have been")
        if got["lost"]:
            bad.append("lost (%s), though it could have been saved" %
                       got["state"])
    if not got["right"] and not got["lost"] and event not in CANCELLED:
        bad.append("came to no end, is %s (%s)" % (got["state"] or "unknown",
                                                   got["words"]))
    return bad


def job_finished(job, part):
    return any(e["event"] == "finished" for e in job.events(part))
