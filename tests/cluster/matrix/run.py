#!/usr/bin/env python3
"""run.py WORK BUILD CLUSTER=FOLDER... - runs the cells of the matrix

On the private clusters main, gang, away1 and away2, which are up already. Prints
"PASS: cell (what)" and "FAIL: cell: why" lines, and writes a JSON line for each
cell to WORK/cells.jsonl. RUN_LONG=1 takes all cells, else a pairwise slice; SEED
draws moments and the slice; CELLS, a regular expression, takes those it finds.
"""
import json
import os
import queue
import random
import re
import subprocess
import sys
import threading
import time

import doctor
import events
import job as jobs
import outcome
import plan
import slurm

BESIDE = 5      # jobs that share a pair of nodes
FINAL_S = 9     # after which a job that is over does not come back


class Matrix:
    def __init__(self, work, build, clusters):
        self.work = work
        self.seed = os.environ.get("SEED", "1")
        self.long = os.environ.get("RUN_LONG", "0") == "1"
        self.tools = jobs.Tools(build)
        self.clusters = {name: slurm.Cluster(folder, self.say)
                         for name, folder in clusters}
        self.with_doctor = doctor.has_command(self.tools, "doctor")
        self.with_run = doctor.has_command(self.tools, "run")
        self.whole = {}
        self.failed = 0
        self.lock = threading.Lock()
        self.lines = open(os.path.join(work, "cells.jsonl"), "w")

    def say(self, text):
        print("%s matrix: %s" % (time.strftime("%H:%M:%S"), text),
              file=sys.stderr, flush=True)

    # -- what must come out ---------------------------------------------------

    def undisturbed(self, all_cells):
        """Results of runs that nobody stops, by program and steps."""
        cluster = self.clusters["main"]
        folder = os.path.join(self.work, "whole")
        os.makedirs(folder)
        steps = sorted(set(map(jobs.steps_of, all_cells)))
        wanted = [("heat", self.tools.heat, n, [""]) for n in steps]
        if any(c.launch == "halves" for c in all_cells):
            wanted.append(("halves", self.tools.halves, jobs.STEPS,
                           ["0", "1"]))
        for program, path, n, parts in wanted:
            name = "%s-%d" % (program, n)
            size = ["-n", "64"] if program == "heat" else []
            cluster.run("srun", "-N", "2", "-n", "4", path, *size, "-s",
                        str(n), "-c", "ckpt-" + name, "-o", name + "-",
                        cwd=folder, timeout=90)
            for part in parts:
                with open(os.path.join(folder, name + "-" + part), "rb") as f:
                    self.whole["%s%s-%d" % (program, part, n)] = f.read()

    # -- one batch ------------------------------------------------------------

    def batch(self, cells, nodes, index):
        cluster = self.clusters[cells[0].cluster]
        dice = random.Random("%s %s" % (self.seed, plan.name(cells[0])))
        batch, answers = [], {}
        for cell in cells:
            folder = os.path.join(self.work, plan.name(cell).replace("/", "."))
            job = jobs.Job(cell, folder, nodes, self.tools)
            job.write(plan.partition(cell))
            if self.with_doctor:
                answers[job] = doctor.ask(job, cluster)
            if job.submit(cluster):
                batch.append(job)
            else:
                self.report(cell, None, ["it could not be submitted"])
        started = slurm.until(90, lambda: all(j.starts() for j in batch))
        for job in batch if not started else []:
            if not job.starts():
                job.notes.append("had not started at the event")
        for event in dict.fromkeys(job.cell.event for job in batch):
            events.EVENTS[event](cluster, [job for job in batch
                                           if job.cell.event == event],
                                 nodes, dice)
        self.await_end(cluster, batch)
        for job in batch:
            got = outcome.outcome(job, cluster, self.whole)
            bad = outcome.faults(job, cluster, got)
            bad += self.second_opinion(job, got, answers.get(job))
            self.report(job.cell, got, bad)
            if got["state"] not in slurm.OVER:
                cluster.run("scancel", job.id)

    def await_end(self, cluster, batch):
        """Until each is at its end for good: a job that has failed or was
        cancelled might still come back."""
        over = {}

        def settled():
            for job in batch:
                if cluster.state(job.id) not in slurm.OVER:
                    over.pop(job, None)
                elif job not in over:
                    over[job] = time.monotonic()
            return all(job in over and (job.is_right(self.whole) or
                                        time.monotonic() - over[job] > FINAL_S)
                       for job in batch)
        slurm.until(max(map(events.patience, batch), default=0), settled, 0.5)

    def second_opinion(self, job, got, answer):
        if not self.with_doctor or job.cell.event not in doctor.EVENTS:
            return []
        entry = doctor.word_for(answer, job.cell)
        if entry is None:
            return ["the doctor said nothing of %s" % job.cell.event]
        got["doctor"] = {k: entry.get(k) for k in ("saved", "again", "words")}
        got["findings"] = [f.get("id") for f in answer.get("findings", [])]
        difference = doctor.differs(job, entry, got)
        return [difference] if difference else []

    # -- words ------------------------------------------------------------------

    def report(self, cell, got, bad):
        got = got or {"cell": plan.name(cell)}
        got["faults"] = bad
        got["seed"] = self.seed
        with self.lock:
            self.lines.write(json.dumps(got) + "\n")
            self.lines.flush()
            if bad:
                self.failed += 1
                print("FAIL: %s: %s (SEED=%s)" % (got["cell"], "; ".join(bad),
                                                  self.seed), flush=True)
                for when, words in got.get("record", []):
                    print("    %6.1f s  %s" % (when, words), flush=True)
                if got.get("notes"):
                    print("    " + "; ".join(got["notes"]), flush=True)
            else:
                print("PASS: %s (%s)" % (got["cell"], summary(got)),
                      flush=True)

    def about(self):
        """What the page tells of the run."""
        cluster = self.clusters["main"]
        with open(os.path.join(cluster.folder, "slurm.conf")) as file:
            proctrack = re.search(r"^ProctrackType=(\S+)", file.read(), re.M)
        return {"date": time.strftime("%Y-%m-%d", time.gmtime()),
                "slurm": version(cluster.run("scontrol", "--version")),
                "openmpi": version(cluster.run("mpirun", "--version")),
                "proctrack": proctrack.group(1), "seed": self.seed,
                "long": self.long, "ranks": "two or four",
                "every": jobs.EVERY}

    # -- all of it ------------------------------------------------------------

    def lane(self, todo, nodes):
        while True:
            try:
                index, cells = todo.get_nowait()
            except queue.Empty:
                return
            try:
                self.batch(cells, nodes, index)
            except Exception as error:      # one batch, not the others
                for cell in cells:
                    self.report(cell, None, ["%s: %s" % (
                        type(error).__name__, error)])

    def run(self):
        chosen, left = plan.cells(self.long, self.seed, self.with_run)
        only = os.environ.get("CELLS")
        if only:
            chosen = [c for c in chosen if re.search(only, plan.name(c))]
            left = []
        if not self.with_doctor:
            print("SKIP: the doctor's word: there is no `rallypoint doctor`")
        if left:
            print("SKIP: %d cells: there is no `rallypoint run`" % len(left))
        for cell in left:
            self.lines.write(json.dumps({"cell": plan.name(cell),
                                         "not_run": True}) + "\n")
        self.undisturbed(chosen)
        self.lines.write(json.dumps({"run": self.about()}) + "\n")
        queues, threads = {}, []
        for index, cells in enumerate(plan.batches(chosen, BESIDE)):
            queues.setdefault(cells[0].cluster,
                              queue.Queue()).put((index, cells))
        for name, todo in queues.items():
            nodes = self.clusters[name].nodes()
            for i in range(0, len(nodes) - 1, 2):
                threads.append(threading.Thread(
                    target=self.lane, args=(todo, nodes[i:i + 2]),
                    daemon=True))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for cluster in self.clusters.values():
            cluster.close()
        self.say("%d cells, %d failed" % (len(chosen), self.failed))
        return 1 if self.failed else 0


def version(text):
    found = re.search(r"\d+(\.\d+)+", text or "")
    return found.group(0) if found else "unknown"


def summary(got):
    words = []
    if got["saved"]:
        words.append("saved at step %s" % got["saved_step"])
    if got["resumed_step"] not in (None, [None, None]):
        words.append("resumed at %s" % got["resumed_step"])
    words.append(got["state"])
    if not got["right"]:
        words.append(got["words"] or "no result")
    return ", ".join(words)


def main():
    work, build = sys.argv[1:3]
    clusters = [word.split("=", 1) for word in sys.argv[3:]]
    sys.exit(Matrix(work, build, clusters).run())


if __name__ == "__main__":
    main()
