#!/usr/bin/env python3
"""Saves from GPU memory beside what others take for the same bytes.

    gpu_bench.py FOLDER BYTES RUNS COMMAND...

COMMAND starts gpu.c, which waits for orders. In each run all of them are taken once,
each time in another order: a bare copy to pinned memory and back, a save and a
restore of ours, and where PyTorch sees the GPU torch.save and
torch.distributed.checkpoint of tensors of the same size, made durable as a save is.
One JSON object a line: the median in GB/s, the lowest and the highest, and the ratio
to the copy of the same run.
"""

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time

REGIONS = 8


class Ours:
    def __init__(self, command):
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        if self.child.stdout.readline().strip() != "ready":
            sys.exit("gpu_bench: gpu did not start")

    def take(self, order):
        self.child.stdin.write(order + "\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline()
        if not answer:
            sys.exit(f"gpu_bench: gpu died at {order}")
        return float(answer)

    def end(self):
        self.child.stdin.close()
        return self.child.wait()


def sync_tree(folder):
    """fsync of each file and folder."""
    for path, _, names in os.walk(folder):
        for name in names + ["."]:
            fd = os.open(os.path.join(path, name), os.O_RDONLY)
            os.fsync(fd)
            os.close(fd)


class Torch:
    """The same bytes as tensors; None in place of a peer that is not there."""

    def __init__(self, folder, size):
        import torch
        import torch.distributed.checkpoint as dcp
        self.torch, self.dcp = torch, dcp
        if not torch.cuda.is_available():
            raise ImportError("PyTorch sees no GPU")
        self.folder = os.path.join(folder, "torch")
        each = size // REGIONS
        self.state = {
            f"region{i}": torch.randint(0, 256, (each,), dtype=torch.uint8,
                                        device="cuda")
            for i in range(REGIONS)}

    def timed(self, save):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.mkdir(self.folder)
        self.torch.cuda.synchronize()
        begun = time.monotonic()
        save()
        sync_tree(self.folder)
        took = time.monotonic() - begun
        shutil.rmtree(self.folder)
        return took

    def save(self):
        path = os.path.join(self.folder, "state.pt")
        return self.timed(lambda: self.torch.save(self.state, path))

    def checkpoint(self):
        return self.timed(
            lambda: self.dcp.save(self.state, checkpoint_id=self.folder))

    def version(self):
        return self.torch.__version__


def main():
    folder, size, runs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    ours = Ours(sys.argv[4:])
    what = {"gpu_copy": lambda: ours.take("copy"),
            "gpu_back": lambda: ours.take("back"),
            "gpu_save_tmpfs": lambda: ours.take("save"),
            "gpu_restore_tmpfs": lambda: ours.take("restore")}
    extra = {}
    try:
        torch = Torch(folder, size)
        what["torch_save_tmpfs"] = torch.save
        what["torch_checkpoint_tmpfs"] = torch.checkpoint
        extra["torch"] = torch.version()
    except ImportError as why:
        print(f"gpu_bench: without PyTorch: {why}", file=sys.stderr)
    values = {name: [] for name in what}
    for run in range(runs + 1):
        names = list(what)
        random.Random(run).shuffle(names)
        if run == 0:    # a restore wants a save before it; not counted
            names = list(what)
        for name in names:
            value = size / what[name]() / 1e9
            if run > 0:
                values[name].append(value)
    ours.end()
    for name, got in values.items():
        base = "gpu_back" if "restore" in name else "gpu_copy"
        line = {"name": name, "ranks": 1, "bytes": size,
                "value": round(statistics.median(got), 3), "unit": "GB/s",
                "low": round(min(got), 3), "high": round(max(got), 3),
                "runs": runs}
        if name != base and name != "gpu_back":
            line["against"] = base
            line["ratio"] = round(statistics.median(
                a / b for a, b in zip(got, values[base])), 3)
        if name.startswith("torch"):
            line.update(extra)
        print(json.dumps(line))


if __name__ == "__main__":
    main()
