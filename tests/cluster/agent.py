#!/usr/bin/env python3
"""A launcher in the style of torchrun's agent: starts a worker, hands SIGTERM on
to it, and kills it if it has not ended in time. torchrun waits 30 s.

    agent.py SECONDS COMMAND [ARGUMENT...]
"""
import signal
import subprocess
import sys


class Told(Exception):
    pass


def on_term(number, frame):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # Slurm sends it twice
    raise Told


signal.signal(signal.SIGTERM, on_term)
worker = subprocess.Popen(sys.argv[2:])
try:
    sys.exit(worker.wait())
except Told:
    worker.terminate()
    try:
        worker.wait(float(sys.argv[1]))
    except subprocess.TimeoutExpired:
        print("agent: the worker is killed", file=sys.stderr, flush=True)
        worker.kill()
        worker.wait()
    sys.exit(1)
