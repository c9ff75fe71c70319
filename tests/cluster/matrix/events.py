"""What happens to jobs. Each function strikes the jobs of one batch, which
share a pair of nodes and have all come to their first step."""
import re
import time

import job as jobs
import slurm


def nap(dice, least, most):
    time.sleep(dice.uniform(least, most))


def struck_now(batch):
    for job in batch:
        job.fired = time.time()


def preempt(cluster, batch, nodes, dice):
    """A job of the partition above takes their nodes whole."""
    nap(dice, 0.5, 3)
    struck_now(batch)
    return urgent(cluster, nodes, 3)


def urgent(cluster, nodes, seconds):
    return cluster.run("sbatch", "--parsable", "-p", "high", "-N",
                       str(len(nodes)), "--exclusive", "-w", ",".join(nodes),
                       "-o", "/dev/null", "-J", "urgent", "--wrap",
                       "exec sleep %d" % seconds) is not None


def suspend(cluster, batch, nodes, dice):
    nap(dice, 0.5, 3)
    struck_now(batch)
    ok = urgent(cluster, nodes, 6)
    seen = slurm.until(15, lambda: all(
        cluster.state(job.id) == "SUSPENDED" for job in batch))
    for job in batch if not seen else []:
        job.notes.append("was never SUSPENDED")
    return ok


def limit(cluster, batch, nodes, dice):
    """Nothing but time."""
    struck_now(batch)
    return True


def each(batch, dice, strike):
    """One after another, at moments of its own."""
    for job in batch:
        nap(dice, 0.2, 1.5)
        job.fired = time.time()
        strike(job)
    return True


def cancel(cluster, batch, nodes, dice):
    return each(batch, dice, lambda job: cluster.run("scancel", job.id))


def cancel_step(cluster, batch, nodes, dice):
    return each(batch, dice, lambda job: cluster.run("scancel",
                                                     job.id + ".0"))


def node_down(cluster, batch, nodes, dice):
    """The second node loses power, and boots ten seconds later."""
    nap(dice, 2, 4)
    struck_now(batch)
    cluster.shell("lose_node", nodes[1])
    time.sleep(10)
    cluster.shell("back_node", nodes[1])
    return True


def drain(cluster, batch, nodes, dice):
    nap(dice, 0.5, 3)
    struck_now(batch)
    cluster.run("scontrol", "update", "nodename=" + ",".join(nodes),
                "state=drain", "reason=test")
    time.sleep(3)
    for job in batch:
        job.notes.append("drained nodes: " + cluster.run(
            "sinfo", "-h", "-n", ",".join(nodes), "-o", "%T"))
    slurm.until(60, lambda: all(cluster.state(job.id) in slurm.OVER
                                for job in batch))
    cluster.run("scontrol", "update", "nodename=" + ",".join(nodes),
                "state=resume")
    return True


def requeue_in_save(cluster, batch, nodes, dice):
    """An operator's requeue, in the middle of a periodic save."""
    def strike(job):
        slurm.until(30, lambda: "a slow save" in job.log(), 0.1)
        nap(dice, 0.2, 1.0)
        job.fired = time.time()
        cluster.run("scontrol", "requeue", job.id)
    for job in batch:
        strike(job)
    return True


def preempted(cluster, job):
    text = cluster.run("scontrol", "-o", "show", "job", job.id) or ""
    return re.search(r"PreemptTime=\d", text)


def away(cluster, batch, nodes, dice, seconds):
    """The controller goes between the signal and the requeue: the save takes
    long."""
    nap(dice, 1, 3)
    struck_now(batch)
    urgent(cluster, nodes, 3)
    slurm.until(5, lambda: all(preempted(cluster, job) for job in batch), 0.1)
    cluster.shell("stop_ctld")
    for job in batch:
        if any(e["event"] == "stopped" for e in job.events("")):
            job.notes.append("the controller went too late")
    time.sleep(seconds)
    cluster.shell("start_ctld")
    return True


def away_10s(*arguments):
    return away(*arguments, 10)


def away_to_the_end(*arguments):
    return away(*arguments, 30)


EVENTS = {"preempt": preempt, "suspend": suspend, "limit": limit,
          "limit-signal": limit, "cancel": cancel, "cancel-step": cancel_step,
          "node-down": node_down, "drain": drain,
          "requeue-in-save": requeue_in_save,
          "requeue-in-long-save": requeue_in_save, "away-10s": away_10s,
          "away-to-the-end": away_to_the_end}


# How long until all is over, from the event on.
def patience(job):
    return 2 * job.steps * jobs.DELAY_US / 1e6 + job.cell.grace + 90
