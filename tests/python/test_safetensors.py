#!/usr/bin/env python3
"""test_safetensors.py CHECKPOINT PAGE [look] - shards as the safetensors package and
numpy see them

CHECKPOINT was written by tests/mpi/write_types on 4 ranks; that program's head
says with which values. PAGE is interop.md, whose columns for these releases must say
of each type what is seen here; with `look` they are printed instead. Prints PASS, FAIL
or SKIP for each case.
"""
import json
import os
import sys
import traceback

import numpy as np
import safetensors
import xxhash
from safetensors import safe_open

import manifest
import table
from shard import SIZES, Shard
from values import (BITS, LARGE, NOT_IN_NUMPY, NUMPY, RANKS, array, cube, even,
                    owned, pattern, private, small)

ALIGN, SMALL = 4096, 65536
BLOCK = 1 << 20


def paths(folder):
    return [os.path.join(folder, f"rank-{r:05d}-of-{RANKS:05d}.safetensors")
            for r in range(RANKS)]


def same(got, expected, what):
    assert got.dtype == expected.dtype, f"{what}: {got.dtype}"
    assert got.shape == expected.shape, f"{what}: {got.shape}"
    assert got.tobytes() == expected.tobytes(), f"{what}: the values differ"


def load(path):
    """All tensors of a shard that numpy has a type for, by safetensors."""
    with safe_open(path, framework="numpy") as shard:
        names = list(shard.keys())
        dtypes = {n: shard.get_slice(n).get_dtype() for n in names}
        return names, {n: shard.get_tensor(n) for n in names
                       if dtypes[n] in NUMPY}


def case_opens(folder):
    for rank, path in enumerate(paths(folder)):
        names, tensors = load(path)
        assert set(names) == set(Shard(path).tensors), "names differ"
        with safe_open(path, framework="numpy") as shard:
            meta = shard.metadata()
        assert (meta["step"], meta["rank"], meta["ranks"]) == \
            ("120", str(rank), str(RANKS))
        assert len(tensors) > 2 * len(NUMPY)


def case_private(folder):
    for rank, path in enumerate(paths(folder)):
        _, tensors = load(path)
        for dtype in NUMPY:
            same(tensors[f"p_{dtype}@rank-{rank:05d}"], private(dtype, rank),
                 f"rank {rank} p_{dtype}")
        i = np.arange(LARGE, dtype=np.int64)
        same(tensors[f"large@rank-{rank:05d}"],
             (i * 7 + i // 1000 + rank).astype(np.uint8), "large")
        assert tensors[f"empty@rank-{rank:05d}"].shape == (0,)


def assemble(folder, name):
    """The global array, out of all boxes; each element from exactly one."""
    whole = count = None
    for path in paths(folder):
        shard, (_, tensors) = Shard(path), load(path)
        info, box = shard.info[name], tensors[name]
        if whole is None:
            whole = np.zeros(info["global_shape"], box.dtype)
            count = np.zeros(info["global_shape"], int)
        assert list(whole.shape) == info["global_shape"]
        where = tuple(slice(o, o + n) for o, n in
                      zip(info["saved_offsets"], box.shape))
        whole[where] = box
        count[where] += 1
    assert (count == 1).all(), f"{name}: elements are missing or twice there"
    return whole


def case_arrays(folder):
    for dtype in NUMPY:
        same(assemble(folder, f"a_{dtype}"), array(dtype), f"a_{dtype}")
    same(assemble(folder, "cube"), cube(), "cube")


def case_replicated(folder):
    """Stored once, in slices or by one rank."""
    same(assemble(folder, "even"), even(), "even")
    same(assemble(folder, "small"), small(), "small")


def case_owned(folder):
    """Of boxes that overlap, by the manifest, the part that each answers for."""
    whole = np.zeros(12, np.int16)
    for path, piece in zip(paths(folder), manifest.read(folder)["shards"]):
        box, = [b for b in piece["regions"] if b["array"] == "owned"]
        (at,), (n,) = box["own"]["start"], box["own"]["local"]
        first = at - box["start"][0]
        whole[at:at + n] = load(path)[1]["owned"][first:first + n]
    same(whole, owned(), "owned")


def case_bits_without_numpy_type(folder):
    for rank, path in enumerate(paths(folder)):
        shard = Shard(path)
        for dtype in NOT_IN_NUMPY:
            kind = BITS[SIZES[dtype]]
            name = f"p_{dtype}@rank-{rank:05d}"
            assert shard.tensors[name]["dtype"] == dtype
            same(np.frombuffer(shard.bytes_of(name), kind),
                 private(dtype, rank), name)
            first, rows = 7 * rank // 4, 7 * (rank + 1) // 4 - 7 * rank // 4
            k = 10 * first + np.arange(10 * rows)
            same(np.frombuffer(shard.bytes_of(f"a_{dtype}"), kind),
                 pattern(dtype, k), f"a_{dtype}")


def mapped(path, name):
    """A tensor by numpy alone, without a copy; None where it has no such type."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(size))[name]
    begin, end = entry["data_offsets"]
    if entry["dtype"] not in NUMPY:
        return None
    return np.memmap(path, NUMPY[entry["dtype"]], "r", 8 + size + begin,
                     tuple(entry["shape"]))


def case_numpy_alone(folder):
    for dtype in NUMPY:
        parts = [mapped(path, f"a_{dtype}") for path in paths(folder)]
        same(np.concatenate(parts), array(dtype), f"a_{dtype}")
        for rank, path in enumerate(paths(folder)):
            same(mapped(path, f"p_{dtype}@rank-{rank:05d}"),
                 private(dtype, rank), f"p_{dtype}")


def by_safetensors(folder, dtype):
    """"yes" where it gives the array's values, or the error that it has."""
    try:
        parts = []
        for path in paths(folder):
            with safe_open(path, framework="numpy") as shard:
                parts.append(shard.get_tensor(f"a_{dtype}"))
    except Exception as error:  # a type that it has not may be anything
        return "no: " + type(error).__name__
    same(np.concatenate(parts), array(dtype), f"a_{dtype}")
    return "yes"


def by_numpy(folder, dtype):
    return "no: its bits alone" if mapped(paths(folder)[0], f"a_{dtype}") is None \
        else "yes"


def columns(folder):
    return {f"safetensors {safetensors.__version__}":
            {t: by_safetensors(folder, t) for t in SIZES},
            f"numpy {np.__version__}": {t: by_numpy(folder, t) for t in SIZES}}


def case_types_as_told(folder):
    for column, seen in columns(folder).items():
        table.check(sys.argv[2], column, seen)


def case_layout_rules(folder):
    seen = set()
    for path in paths(folder):
        shard, at = Shard(path), 0
        assert shard.start % ALIGN == 0, "the data begin unaligned"
        assert os.path.getsize(path) == shard.start + len(shard.data)
        for name, tensor in shard.in_order():
            begin, end = tensor["data_offsets"]
            elements = int(np.prod(tensor["shape"], dtype=np.int64))
            assert begin == at, f"{name}: a hole or an overlap at {at}"
            assert end - begin == elements * SIZES[tensor["dtype"]], name
            align = ALIGN if end - begin >= SMALL else SIZES[tensor["dtype"]]
            assert begin % align == 0, f"{name} begins unaligned"
            at = end
        assert at == len(shard.data), "bytes behind the last tensor"
        for name in shard.tensors:
            assert "@" not in name or name not in seen, \
                f"{name} stands in two shards"
            seen.add(name)


def case_sharding_info(folder):
    for path in paths(folder):
        shard = Shard(path)
        assert set(shard.info) == set(shard.tensors), \
            "DCP_SHARDING_INFO does not list every tensor"
        for name, info in shard.info.items():
            shape = shard.tensors[name]["shape"]
            assert info["logical_fqn"] == name
            assert len(info["saved_offsets"]) == len(shape)
            for offset, n, whole in zip(info["saved_offsets"], shape,
                                        info["global_shape"]):
                assert 0 <= offset and offset + n <= whole, name


def case_hash_table(folder):
    for rank, path in enumerate(paths(folder)):
        shard = Shard(path)
        name = f"@hash@rank-{rank:05d}"
        begin = shard.tensors[name]["data_offsets"][0]
        blocks = [shard.data[at:min(at + BLOCK, begin)]
                  for at in range(0, begin, BLOCK)]
        assert len(blocks) > 3
        assert shard.bytes_of(name) == \
            b"".join(xxhash.xxh3_128_digest(b) for b in blocks)


def main():
    failed = 0
    if sys.argv[3:] == ["look"]:
        print(json.dumps(columns(sys.argv[1]), indent=1))
        return 0
    for name, case in list(globals().items()):
        if not name.startswith("case_"):
            continue
        try:
            case(sys.argv[1])
            print(f"PASS: safetensors {name[5:]}")
        except Exception:  # a case may fail in any way; the next one runs
            traceback.print_exc()
            print(f"FAIL: safetensors {name[5:]}")
            failed = 1
    print(f"SKIP: safetensors values of {', '.join(NOT_IN_NUMPY)}: numpy has "
          "no such types, their bits are compared instead")
    return failed


if __name__ == "__main__":
    sys.exit(main())
