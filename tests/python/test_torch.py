#!/usr/bin/env python3
"""test_torch.py FOLDER STATE PAGE [look] - PyTorch reads our checkpoints by itself

FOLDER, and FOLDER-TYPE for each type, were written by `tests/mpi/write_types FOLDER
each` on 4 ranks, STATE by tests/mpi/write_state on 3; their heads say with which values.
torch.distributed.checkpoint's HuggingFaceStorageReader loads each global array into
DTensors on 2 ranks (gloo, on this machine), split by rows and by columns, and into a
plain tensor of one process: all bits are compared. PAGE is interop.md, whose column
for this torch must say of each type what is seen here; with `look` the column is
printed instead. Prints PASS, FAIL or SKIP for each case.
"""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import traceback

import numpy as np

import table
from shard import SIZES
from values import array, cube, even, small

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
try:
    from torch.distributed.tensor import DTensor, Shard
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.checkpoint import HuggingFaceStorageReader
except ImportError:
    HuggingFaceStorageReader = None

TYPES = {"BOOL": "bool", "U8": "uint8", "I8": "int8", "U16": "uint16",
         "I16": "int16", "U32": "uint32", "I32": "int32", "U64": "uint64",
         "I64": "int64", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2",
         "F16": "float16", "BF16": "bfloat16", "F32": "float32",
         "F64": "float64"}
# Those that must come through in every release that has the reader.
SAFE = {"U8", "I8", "I16", "I32", "I64", "F16", "BF16", "F32", "F64"}
VERSION = torch.__version__.split("+")[0]


def wanted():
    """{array: (torch's dtype, bits of its global array)}"""
    arrays = {"a_" + t: (getattr(torch, name), array(t))
              for t, name in TYPES.items()}
    arrays["cube"] = (torch.float64, cube())
    arrays["even"] = (torch.float64, even())
    arrays["small"] = (torch.int32, small())
    return arrays


def bits_of(tensor):
    return tensor.detach().contiguous().view(torch.uint8).numpy().tobytes()


def part_of(whole, dim, rank, ranks):
    """As DTensor splits: rows are dealt by the rounded-up share."""
    share = -(-whole.shape[dim] // ranks)
    where = [slice(None)] * whole.ndim
    where[dim] = slice(rank * share, min((rank + 1) * share, whole.shape[dim]))
    return whole[tuple(where)]


def target(dtype, whole, dim, mesh, rank, ranks):
    part = part_of(whole, dim, rank, ranks)
    local = torch.zeros(part.shape, dtype=torch.uint8).to(dtype)
    if mesh is None:
        return local, part
    stride = [s // whole.itemsize for s in np.ascontiguousarray(whole).strides]
    return DTensor.from_local(local, mesh, [Shard(dim)], run_check=False,
                              shape=torch.Size(whole.shape),
                              stride=tuple(stride)), part


def load_one(path, name, dtype, whole, dim, mesh, rank, ranks):
    """"" where all bits are right, or what went wrong."""
    into, part = target(dtype, whole, dim, mesh, rank, ranks)
    try:
        dcp.load({name: into}, storage_reader=HuggingFaceStorageReader(path))
    except dcp.api.CheckpointException as error:
        return type(next(iter(error.failures.values()))[0]).__name__
    except Exception as error:  # torch's own may be of any kind
        return type(error).__name__
    local = into if mesh is None else into.to_local()
    return "" if bits_of(local) == np.ascontiguousarray(part).tobytes() \
        else "other values"


def can_open(path):
    try:
        HuggingFaceStorageReader(path).read_metadata()
    except Exception:
        return False
    return True


def checkpoint(folder):
    return os.path.join(folder, "0000-step-120")


def worker(folder, store, rank, ranks):
    """One of torch's ranks; prints {array: [outcome by rows, by columns]}: those of
    folders of their own, and as "all" what the folder of all gives."""
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    mesh, seen = None, {"all": []}
    if ranks > 1:
        dist.init_process_group("gloo", init_method="file://" + store,
                                rank=rank, world_size=ranks)
        mesh = init_device_mesh("cpu", (ranks,))
    for name, (dtype, whole) in wanted().items():
        both = [load_one(checkpoint(folder), name, dtype, whole, dim, mesh, rank,
                         ranks) for dim in range(min(whole.ndim, 2))]
        if not name.startswith("a_"):
            seen[name] = both
            continue
        seen["all"] += both if name[2:] in SAFE else []
        path = checkpoint(folder + "-" + name[2:])
        seen[name] = [load_one(path, name, dtype, whole, dim, mesh, rank, ranks)
                      for dim in (0, 1)] if can_open(path) else ["unopened"]
    print("seen " + json.dumps(seen), flush=True)
    if ranks > 1:
        dist.destroy_process_group()


def run_workers(folder, ranks):
    """{array: "" or the first thing that went wrong on any rank}"""
    with tempfile.TemporaryDirectory(prefix="rally-torch-") as top:
        store = os.path.join(top, "store")
        procs = [subprocess.Popen(
            [sys.executable, "-B", "-W", "ignore", __file__, "worker", folder,
             store, str(rank), str(ranks)], text=True,
            stdout=subprocess.PIPE) for rank in range(ranks)]
        texts = [proc.communicate(timeout=300)[0] for proc in procs]
    assert not any(proc.returncode for proc in procs), "a rank of torch failed"
    outcomes = {}
    for text in texts:
        line, = [l for l in text.splitlines() if l.startswith("seen ")]
        for name, seen in json.loads(line[5:]).items():
            wrong = [w for w in seen if w]
            outcomes[name] = outcomes.get(name) or (wrong[0] if wrong else "")
    return outcomes


def cell(folder, dtype, outcome):
    """What interop.md says of a type."""
    if outcome == "unopened":
        return "no, nor what is beside it"
    if outcome:
        return "no: " + outcome
    found = HuggingFaceStorageReader(checkpoint(folder)).read_metadata()
    told = found.state_dict_metadata["a_" + dtype].properties.dtype
    return "yes" if told == getattr(torch, TYPES[dtype]) else \
        "yes, told as " + str(told).replace("torch.", "")


class Seen:
    """What two ranks and one made of each array, looked at once."""

    def __init__(self, folder):
        self.two, self.one = run_workers(folder, 2), run_workers(folder, 1)
        self.cells = {t: cell(folder + "-" + t, t, self.two["a_" + t] or
                              self.one["a_" + t]) for t in SIZES}


def case_4_to_2(seen, page):
    assert {seen.two["a_" + t] for t in SAFE} == {""}, seen.two


def case_4_to_1(seen, page):
    assert {seen.one["a_" + t] for t in SAFE} == {""}, seen.one


def case_types_beside_each_other(seen, page):
    """Private regions, pads and hash tables of all types with them."""
    assert seen.two["all"] == seen.one["all"] == "", (seen.two, seen.one)


def case_empty_boxes(seen, page):
    """The last of the four ranks has nothing of the cube, and all but the first have
    nothing of the small one."""
    for name in ("cube", "small", "even"):
        assert seen.two[name] == seen.one[name] == "", (seen.two, seen.one)


def case_halos_and_private_memory(seen, page):
    state = {"halo": torch.zeros(9, dtype=torch.int32),
             "own@rank-00001": torch.zeros(3, dtype=torch.int64)}
    dcp.load(state, storage_reader=HuggingFaceStorageReader(
        os.path.join(sys.argv[2], "0000-step-12")))
    assert state["halo"].tolist() == [60000 + 17 * i for i in range(9)]
    assert state["own@rank-00001"].tolist() == [997, 998, 999]


def case_the_pages_code(seen, page):
    """On one rank, which finds itself by the environment, as under torchrun."""
    with open(page) as file:
        code, = re.findall(r"```python\n(.*?)```", file.read(), re.S)
    for old, new in (("8192, 4096", "7, 10"), ('"T"', '"a_F64"'),
                     ("ckpt/0007-step-1207", checkpoint(sys.argv[1]))):
        assert old in code, old
        code = code.replace(old, new)
    code += """
from values import array
assert (state["a_F64"].full_tensor().numpy() == array("F64")).all()
dist.destroy_process_group()
"""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "RANK": "0", "WORLD_SIZE": "1", "MASTER_PORT": str(port),
           "MASTER_ADDR": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo",
           "PYTHONPATH": os.path.dirname(os.path.abspath(__file__))}
    subprocess.run([sys.executable, "-B", "-W", "ignore", "-c", code], env=env,
                   check=True, timeout=300)


def case_types_as_told(seen, page):
    table.check(page, "torch " + VERSION, seen.cells)


def main():
    if sys.argv[1] == "worker":
        worker(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
        return 0
    if HuggingFaceStorageReader is None:
        print(f"SKIP: torch: {VERSION} has no HuggingFaceStorageReader")
        return 0
    seen, failed = Seen(sys.argv[1]), 0
    if sys.argv[4:] == ["look"]:
        print(VERSION, json.dumps(seen.cells, indent=1), {
            key: (seen.two[key], seen.one[key]) for key in ("all", "cube")})
        return 0
    for name, case in list(globals().items()):
        if not name.startswith("case_"):
            continue
        try:
            case(seen, sys.argv[3])
            print(f"PASS: torch {VERSION} {name[5:]}")
        except Exception:  # a case may fail in any way; the next one runs
            traceback.print_exc()
            print(f"FAIL: torch {VERSION} {name[5:]}")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
