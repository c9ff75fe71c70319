#!/usr/bin/env python3
"""Hostile checkpoint folders, around a sound one that make_ckpt wrote.

    hostile.py list BASE            the names
    hostile.py make BASE NAME DIR   one of them, to be looked at

BASE is a checkpoint (.../0001-step-10). A case replaces some of its files, or
puts others beside it; its name says what is wrong. Sums and checksums are made
to match wherever that is possible, so that they are not what finds it. The same
cases come out every time. test_hostile.py feeds each to the command."""
import copy
import ctypes
import json
import os
import shutil
import struct
import sys

SHARD = "rank-00001-of-00002.safetensors"
MANIFEST = "manifest.json"
BIG = 1 << 63
HEADER_MAX = 100_000_000


class Sum(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


XXH = ctypes.CDLL("libxxhash.so.0").XXH3_128bits
XXH.restype, XXH.argtypes = Sum, [ctypes.c_char_p, ctypes.c_size_t]


def digest(data):
    got = XXH(data, len(data))
    return struct.pack(">QQ", got.high, got.low)


def dump(value):
    return json.dumps(value, separators=(",", ":")).encode()


class Case:
    """`files` maps paths below the folder to bytes, or to a function that
    makes something else there; `bad` is the file that a finding must name, None
    where the checkpoint itself is fine."""

    def __init__(self, name, files, bad, **more):
        self.name, self.files, self.bad = name, files, bad
        self.family = name.split("/")[0]
        self.newer = more.get("newer", False)   # may be told as newer
        self.finished = more.get("finished")    # the mark that ls tells
        self.owner = more.get("owner", False)   # prune must look at it
        self.gone = more.get("gone")            # no checkpoint is there, and
                                                # verify's exit status


class Base:
    """The sound checkpoint, its second shard cut down to what is small."""

    def __init__(self, path):
        self.path, self.name = path, os.path.basename(path)
        with open(os.path.join(path, MANIFEST), "rb") as file:
            self.manifest = json.load(file)
        del self.manifest["checksum"]
        with open(os.path.join(path, SHARD), "rb") as file:
            whole = file.read()
        size = struct.unpack("<Q", whole[:8])[0]
        head = json.loads(whole[8:8 + size])
        begin, end = head["T"]["data_offsets"]
        self.array = whole[8 + size + begin:8 + size + end]
        self.meta = {key: head["__metadata__"][key]
                     for key in ("rank", "ranks", "step")}
        self.piece = self.manifest["shards"][1]
        self.piece["regions"] = self.piece["regions"][:1]

    def header(self):
        """Of T, its pad, the hash table and its pad."""
        end = len(self.array)
        return {"__metadata__": dict(self.meta),
                "T": tensor("F64", [4, 6], 0, end),
                "@pad-00001@rank-00001": tensor("U8", [4096 - end], end, 4096),
                "@hash@rank-00001": tensor("U8", [1, 16], 4096, 4112),
                "@pad-00003@rank-00001": tensor("U8", [4080], 4112, 8192)}

    def data(self):
        body = self.array.ljust(4096, b"\0")
        return body + digest(body).ljust(4096, b"\0")

    def shard(self, text, data=None, length=None):
        """A file of this header; `length` is what its first 8 bytes claim."""
        if data is None:
            data = self.data()
        if length is None:
            length = len(text)
        return struct.pack("<Q", length) + text + data

    def seal(self, manifest):
        """The manifest's bytes, its checksum right."""
        return seal(dump(manifest)[:-1])

    def with_shard(self, shard, tail=4096):
        """A manifest that believes this shard: header, table and pad."""
        m = copy.deepcopy(self.manifest)
        piece = m["shards"][1]
        m["bytes"] += len(shard) - piece["bytes"]
        piece["bytes"] = len(shard)
        if len(shard) < len(self.array):    # else it is the manifest that lies
            piece["regions"] = []
        split = max(len(shard) - tail, 0)
        head = shard[:max(split - 4096, 0)]
        piece["hash"] = digest(head + shard[split:]).hex()
        piece["content"] = digest(shard[split:split + 16]).hex()
        return {SHARD: shard, MANIFEST: self.seal(m)}


def seal(body):
    return body + b'\n, "checksum": "%s" }\n' % digest(body).hex().encode()


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def cases(base):
    """All of them, in families. The modules import this one."""
    import hostile_beside
    import hostile_manifests
    import hostile_shards
    for module in (hostile_shards, hostile_manifests, hostile_beside):
        yield from module.cases(base)


def make(base, case, dir):
    """The folder of a case: the sound checkpoint by hard links, then what the
    case has in its place."""
    target = os.path.join(dir, base.name)
    os.makedirs(dir)
    if case.gone is None:
        shutil.copytree(base.path, target, copy_function=os.link)
    for name, content in case.files.items():
        path = os.path.normpath(os.path.join(target, name))
        if os.path.lexists(path):
            os.unlink(path)
        if callable(content):
            content(path)
        else:
            with open(path, "wb") as file:
                file.write(content)


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("list", "make"):
        sys.exit(__doc__)
    base = Base(sys.argv[2])
    for case in cases(base):
        if sys.argv[1] == "list":
            print(case.name)
        elif case.name == sys.argv[3]:
            make(base, case, sys.argv[4])


if __name__ == "__main__":
    main()
