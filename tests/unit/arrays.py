"""What make_arrays writes, and readers of what `rallypoint export` makes of it that
know nothing of numpy."""
import ast
import json
import math
import os
import struct
import subprocess

from test_tool import TOOL, Folder

MAKE = os.path.abspath("tests/unit/make_arrays")
EARG, EIO, ECORRUPT, ELAYOUT, EABSENT, USAGE = 65, 69, 75, 77, 83, 64

CODES = {"BOOL": "B", "U8": "B", "I8": "b", "U16": "H", "I16": "h", "U32": "I",
         "I32": "i", "U64": "Q", "I64": "q", "F8_E4M3": "B", "F8_E5M2": "B",
         "F16": "H", "BF16": "H", "F32": "f", "F64": "d"}
DESCR = {"BOOL": "|b1", "U8": "|u1", "I8": "|i1", "U16": "<u2", "I16": "<i2",
         "U32": "<u4", "I32": "<i4", "U64": "<u8", "I64": "<i8",
         "F8_E4M3": "|u1", "F8_E5M2": "|u1", "F16": "<f2", "BF16": "<u2",
         "F32": "<f4", "F64": "<f8"}
SHAPES = {"cube": ("F64", (5, 4, 3)), "wide": ("F64", (3, 4001)),
          "grid": ("I32", (9, 8)), "halo": ("F32", (12, 5)),
          "odd": ("F64", (6,)), "none": ("F32", (0, 4))}
SHAPES.update(("a_" + dtype, (dtype, (7, 10))) for dtype in CODES)
ODD = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 0.1]


def size_of(dtype):
    return struct.calcsize("<" + CODES[dtype])


def element(name, k):
    """As a number; of what C has no type for, its bits."""
    dtype = SHAPES[name][0]
    if name == "odd":
        return ODD[k]
    if dtype in ("F32", "F64"):
        return k + 0.25
    if dtype == "BOOL":
        return k % 2
    if size_of(dtype) == 1 or dtype in ("F16", "BF16"):
        return k % 100
    return k


def content(name):
    dtype, shape = SHAPES[name]
    n = math.prod(shape)
    return struct.pack("<%d%s" % (n, CODES[dtype]),
                       *(element(name, k) for k in range(n)))


def seeds(rank):
    return struct.pack("<%dQ" % (rank + 2),
                       *(1000 * rank + i for i in range(rank + 2)))


def read_npy(path):
    """(descr, shape, bytes)"""
    with open(path, "rb") as file:
        whole = file.read()
    assert whole[:8] == b"\x93NUMPY\x01\x00", whole[:8]
    length, = struct.unpack("<H", whole[8:10])
    text = whole[10:10 + length]
    assert (10 + length) % 64 == 0 and text.endswith(b"\n"), text
    head = ast.literal_eval(text.decode())
    assert set(head) == {"descr", "fortran_order", "shape"}, head
    assert head["fortran_order"] is False
    return head["descr"], head["shape"], whole[10 + length:]


def no_duplicates(pairs):
    assert len(dict(pairs)) == len(pairs), "a name stands twice"
    return dict(pairs)


def read_safetensors(path):
    """(metadata, {name: (dtype, shape, bytes)} in the order of the bytes), by the
    format's rules."""
    with open(path, "rb") as file:
        whole = file.read()
    length, = struct.unpack("<Q", whole[:8])
    text, data = whole[8:8 + length], whole[8 + length:]
    assert length <= 100_000_000 and text.startswith(b"{"), text[:20]
    head = json.loads(text, object_pairs_hook=no_duplicates)
    metadata, at, tensors = head.pop("__metadata__"), 0, {}
    assert all(isinstance(value, str) for value in metadata.values())
    for name, tensor in sorted(head.items(),
                               key=lambda item: item[1]["data_offsets"]):
        begin, end = tensor["data_offsets"]
        assert begin == at, (name, "a hole or an overlap")
        assert end - begin == (math.prod(tensor["shape"]) *
                               size_of(tensor["dtype"])), name
        assert (8 + length + begin) % size_of(tensor["dtype"]) == 0, name
        tensors[name] = (tensor["dtype"], tuple(tensor["shape"]),
                         data[begin:end])
        at = end
    assert at == len(data), "bytes behind the last tensor"
    return metadata, tensors


class Arrays(Folder):
    def arrays(self, ranks, *changes, dir=None, sequence=1, step=10):
        """The checkpoint's directory."""
        dir = dir or self.dir
        subprocess.run([MAKE, dir, str(sequence), str(step), str(ranks),
                        *changes], check=True)
        return os.path.join(dir, "%04d-step-%d" % (sequence, step))

    def out(self, name):
        return os.path.join(self.top, name)

    def left(self):
        """What is there besides the checkpoints."""
        return sorted(set(os.listdir(self.top)) - {"ckpt", "other"})

    def peak(self, *words):
        """Runs the command: its exit status, and its memory in bytes."""
        child = subprocess.Popen([TOOL, *map(str, words)],
                                 stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        return child.returncode, usage.ru_maxrss * 1024

    def damage(self, ckpt, rank, ranks):
        """One bit of a shard's data, in its first block."""
        path = os.path.join(ckpt, "rank-%05d-of-%05d.safetensors" %
                            (rank, ranks))
        with open(path, "rb") as file:
            start = 8 + struct.unpack("<Q", file.read(8))[0]
        self.flip(path, start)
        return path
