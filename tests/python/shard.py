"""A shard's bytes, read by the format's rules and without any library."""
import json
import struct

SIZES = {"BOOL": 1, "U8": 1, "I8": 1, "U16": 2, "I16": 2, "U32": 4, "I32": 4,
         "U64": 8, "I64": 8, "F8_E4M3": 1, "F8_E5M2": 1, "F16": 2, "BF16": 2,
         "F32": 4, "F64": 8}


def no_duplicates(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), "a name stands twice"
    return dict(pairs)


class Shard:
    def __init__(self, path):
        with open(path, "rb") as file:
            whole = file.read()
        length, = struct.unpack("<Q", whole[:8])
        assert length <= 100_000_000, "the header is too long"
        self.start = 8 + length
        text = whole[8:self.start]
        assert text.startswith(b"{")
        header = json.loads(text, object_pairs_hook=no_duplicates)
        self.metadata = header.pop("__metadata__")
        self.tensors = header
        self.data = whole[self.start:]
        self.info = json.loads(self.metadata["DCP_SHARDING_INFO"],
                               object_pairs_hook=no_duplicates)

    def bytes_of(self, name):
        begin, end = self.tensors[name]["data_offsets"]
        return self.data[begin:end]

    def in_order(self):
        """(name, tensor), by where they begin; empty ones first."""
        return sorted(self.tensors.items(),
                      key=lambda item: item[1]["data_offsets"])
