#!/usr/bin/env python3
"""test_export.py RALLYPOINT CHECKPOINT - what `rallypoint export` makes, as numpy,
h5py and safetensors see it

CHECKPOINT was written by tests/mpi/write_types on 4 ranks; that program's head says with
which values. Prints PASS, FAIL or SKIP for each case.
"""
import os
import subprocess
import sys
import tempfile
import traceback

import numpy as np
from safetensors import safe_open

from shard import SIZES
from values import LARGE, NUMPY, RANKS, array, cube, private

try:
    import h5py
except ImportError:
    h5py = None


class NoHDF5(Exception):
    pass


def same(got, expected, what):
    assert got.dtype == expected.dtype, f"{what}: {got.dtype}"
    assert got.shape == expected.shape, f"{what}: {got.shape}"
    assert got.tobytes() == expected.tobytes(), f"{what}: the values differ"


def export(tool, checkpoint, out, *words):
    got = subprocess.run([tool, "export", checkpoint, "-o", out, *words],
                         text=True, capture_output=True, timeout=120)
    if "built without HDF5" in got.stderr:
        raise NoHDF5("rallypoint was built without it")
    assert got.returncode == 0, got.stderr
    return out


def case_npy(tool, checkpoint, top):
    out = export(tool, checkpoint, os.path.join(top, "all/"), "--private")
    for dtype in SIZES:
        same(np.load(os.path.join(out, f"a_{dtype}.npy")), array(dtype),
             f"a_{dtype}")
        for rank in range(RANKS):
            name = f"p_{dtype}.rank-{rank:05d}"
            got = np.load(os.path.join(out, f"{name}.npy"))
            same(got, private(dtype, rank), name)
    same(np.load(os.path.join(out, "cube.npy")), cube(), "cube")
    i = np.arange(LARGE, dtype=np.int64)
    same(np.load(os.path.join(out, "large.rank-00002.npy"), mmap_mode="r"),
         (i * 7 + i // 1000 + 2).astype(np.uint8), "large")
    assert np.load(os.path.join(out, "empty.rank-00000.npy")).shape == (0,)


def case_safetensors(tool, checkpoint, top):
    out = export(tool, checkpoint, os.path.join(top, "m.safetensors"), "--private")
    with safe_open(out, framework="numpy") as merged:
        assert merged.metadata()["step"] == "120", merged.metadata()
        assert merged.metadata()["ranks"] == str(RANKS)
        names = set(merged.keys())
        for dtype in SIZES:
            assert f"p_{dtype}.rank-00003" in names
            assert merged.get_slice(f"a_{dtype}").get_dtype() == dtype
            assert merged.get_slice(f"a_{dtype}").get_shape() == [7, 10]
            if dtype in NUMPY:
                same(merged.get_tensor(f"a_{dtype}"), array(dtype), dtype)
        same(merged.get_tensor("cube"), cube(), "cube")


def widened(dtype):
    """The values of an array's bits, as h5py reads them: in the next type of numpy's."""
    bits = array(dtype)
    if dtype == "BF16":
        return (bits.astype(np.uint32) << 16).view(np.float32)
    if dtype == "F8_E5M2":
        return (bits.astype(np.uint16) << 8).view(np.float16)
    return bits


def case_h5(tool, checkpoint, top):
    for chunk in ("1k", "64m"):
        out = export(tool, checkpoint, os.path.join(top, "x.h5"), "--private",
                     "--force", "--chunk", chunk)
        with h5py.File(out, "r") as file:
            assert (file.attrs["step"], file.attrs["ranks"]) == (120, RANKS)
            assert file.attrs["sequence"] == 0
            assert file.attrs["checkpoint"] == "0000-step-120"
            for dtype in SIZES:
                data = file[f"a_{dtype}"]
                assert data.attrs["dtype"] == dtype
                same(data[...], widened(dtype), f"a_{dtype}")
                assert data[3, 4] == widened(dtype)[3, 4]
            same(file["cube"][...], cube(), "cube")
            i = np.arange(LARGE, dtype=np.int64)
            same(file["large.rank-00001"][...],
                 (i * 7 + i // 1000 + 1).astype(np.uint8), "large")
            assert file["empty.rank-00003"].shape == (0,)
            assert file["cube"].chunks is None


def main():
    tool, checkpoint = sys.argv[1:]
    failed = 0
    for name, case in list(globals().items()):
        if not name.startswith("case_"):
            continue
        try:
            if name == "case_h5" and h5py is None:
                raise NoHDF5("h5py is not installed")
            with tempfile.TemporaryDirectory() as top:
                case(tool, checkpoint, top)
            print(f"PASS: export {name[5:]}")
        except NoHDF5 as why:
            print(f"SKIP: export {name[5:]}: {why}")
        except Exception:  # a case may fail in any way; the next one runs
            traceback.print_exc()
            print(f"FAIL: export {name[5:]}")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
