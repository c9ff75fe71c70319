"""What `rallypoint doctor` says of a cell's script, against what came of it.

Asked before the event, of the script alone. Its words are the judge of cells
that Slurm makes impossible: one that is lost must have been called so.
"""
import json
import subprocess

import job as jobs

EVENTS = {"preempt": "preemption", "suspend": "preemption",
          "limit": "time_limit", "limit-signal": "time_limit",
          "cancel": "cancel", "node-down": "node_failure", "drain": "drain",
          "requeue-in-save": "requeue", "requeue-in-long-save": "requeue",
          # back within the grace: a preemption as any other
          "away-10s": "preemption", "away-to-the-end": "controller_away"}


def has_command(tools, word):
    """Whether the command knows a verb."""
    text = subprocess.run([tools.command, "--help"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=10,
                          stdin=subprocess.DEVNULL).stdout
    return any(line.split()[:1] == [word] for line in text.splitlines())


def ask(job, cluster):
    """The whole answer, or None with a note in the job. Exit status 1 is an
    answer too: it has found problems."""
    try:
        got = subprocess.run(
            [job.tools.command, "doctor", "--json", job.path("job.sh")],
            cwd=job.folder, env=cluster.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=60)
        if got.returncode in (0, 1):
            return json.loads(got.stdout)
        job.notes.append("doctor: exit %d: %s" % (got.returncode, got.stderr))
    except (ValueError, subprocess.TimeoutExpired) as error:
        job.notes.append("doctor: %s" % error)
    return None


def word_for(answer, cell):
    event = EVENTS.get(cell.event)
    for entry in (answer or {}).get("outcomes", []):
        if entry.get("event") == event:
            return entry
    return None


def seen(got):
    """An outcome in the doctor's terms."""
    if got["saved"]:
        saved = "yes"
    elif got["lost"] or got["restarts"]:
        saved = "periodic"
    else:
        saved = "no"
    return saved, "yes" if got["restarts"] else "no"


def excused(job, got):
    """What no doctor can know beforehand."""
    if job.cell.event == "requeue-in-long-save":
        return "the save was made longer than KillWait"
    if job.cell.launch == "mpirun-2" and got["saved"] and \
            got["saved_step"] % jobs.EVERY == 0:
        return "it stopped where a periodic save had just been"
    return None


def differs(job, entry, got):
    """A sentence where the doctor's word is not what was seen, or None."""
    saved, again = seen(got)
    if (entry["saved"], entry["again"]) == (saved, again):
        return None
    why = excused(job, got)
    if why:
        job.notes.append("not held against the doctor: " + why)
        return None
    return "the doctor said saved %s, again %s (%s); seen: saved %s, again " \
           "%s" % (entry["saved"], entry["again"], entry.get("words", ""),
                   saved, again)
