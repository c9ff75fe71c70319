"""Hostile shards. See hostile.py."""
import struct

from hostile import BIG, HEADER_MAX, SHARD, Case, dump, tensor


def shard_entries(base):
    """Values of one tensor that are none, and texts in place of it."""
    bad = {"shape-negative": ["F64", [-4, -6]], "shape-short": ["F64", [4, 5]],
           "shape-long": ["F64", [4, 7]], "shape-float": ["F64", [4.0, 6]],
           "shape-string": ["F64", ["4", 6]], "shape-null": ["F64", None],
           "shape-number": ["F64", 24], "shape-object": ["F64", {"0": 4}],
           "shape-nested": ["F64", [[4, 6]]], "shape-bool": ["F64", [True, 24]],
           "shape-9-dims": ["F64", [1] * 7 + [4, 6]],
           "shape-1000-dims": ["F64", [1] * 998 + [4, 6]],
           "shape-overflow": ["F64", [1 << 32, 1 << 32, 24]],
           "shape-overflow-to-24": ["U8", [(1 << 32) + 1, 1 << 32, 192]],
           "shape-huge": ["F64", [BIG - 1, 6]],
           "shape-beyond-int64": ["F64", [BIG, 0]],
           "shape-zero-with-overflow": ["F64", [0, BIG - 1, BIG - 1]],
           "dtype-unknown": ["C64", [4, 6]],
           "dtype-lower-case": ["f64", [4, 6]],
           "dtype-empty": ["", [4, 6]], "dtype-number": [15, [4, 6]],
           "dtype-other-size": ["F32", [4, 6]], "dtype-null": [None, [4, 6]]}
    for name, (dtype, shape) in bad.items():
        head = base.header()
        head["T"].update(dtype=dtype, shape=shape)
        yield "shard-tensor/" + name, dump(head)
    offsets = {"negative": [-192, 0], "backwards": [192, 0], "hole": [1, 193],
               "before": [-1, 191], "short": [0, 191], "long": [0, 193],
               "outside": [1 << 40, (1 << 40) + 192], "one": [192],
               "three": [0, 192, 192], "none": [], "float": [0.0, 192],
               "string": ["0", 192], "null": None, "object": {"0": 192},
               "end-int64": [BIG - 193, BIG - 1], "beyond-int64": [0, BIG],
               "far-beyond": [0, 1 << 200], "exponent": [0, 1.92e2],
               "over-the-pad": [4, 196], "over-the-table": [4096, 4288]}
    for name, value in offsets.items():
        head = base.header()
        head["T"]["data_offsets"] = value
        yield "shard-tensor/offsets-" + name, dump(head)
    for name, value in {"null": None, "number": 5, "list": [], "string": "T",
                        "empty": {}}.items():
        head = base.header()
        head["T"] = value
        yield "shard-tensor/is-" + name, dump(head)
    for key in ("dtype", "shape", "data_offsets"):
        head = base.header()
        del head["T"][key]
        yield "shard-tensor/without-" + key, dump(head)


def shard_layouts(base):
    """Entries that are sound one by one, and not together."""
    def changed(name, *drop, **add):
        head = base.header()
        for key in drop:
            del head[key]
        head.update({key.replace("__", "@"): v for key, v in add.items()})
        return "shard-layout/" + name, dump(head)

    table, last = "@hash@rank-00001", "@pad-00003@rank-00001"
    one = tensor("U8", [16], 4096, 4112)
    yield changed("no-table", table)
    yield changed("table-is-plain", table, x=one)
    yield changed("no-last-pad", last)
    yield changed("no-tensor", "T")
    yield changed("nothing-but-metadata", "T", table, last,
                  "@pad-00001@rank-00001")
    yield changed("outside-of-the-full-file",
                  x=tensor("U8", [64], 1 << 20, (1 << 20) + 64))
    yield changed("outside-by-2^62", x=tensor("U8", [64], 1 << 62,
                                              (1 << 62) + 64))
    yield changed("over-the-last-pad", x=tensor("U8", [64], 4200, 4264))
    yield changed("over-the-table", x=one)
    yield changed("twice-the-same-bytes", x=tensor("F64", [4, 6], 0, 192))
    yield changed("data-behind-the-table", last,
                  x=tensor("U8", [4080], 4112, 8192))
    yield changed("empty-outside", x=tensor("U8", [0], 9000, 9000))
    for name, value in {"of-another-rank": ("@hash@rank-00000", [1, 16]),
                        "of-one-dim": (table, [16]), "8-wide": (table, [2, 8]),
                        "of-three-dims": (table, [1, 1, 16]),
                        "without-rank": ("@hash@", [1, 16])}.items():
        head = base.header()
        del head[table]
        head[value[0]] = tensor("U8", value[1], 4096, 4112)
        yield "shard-layout/table-" + name, dump(head)
    for name, rows in (("too-long", 2), ("too-short", 0), ("to-the-end", 255)):
        head = base.header()
        end = 4096 + 16 * rows
        head[table] = tensor("U8", [rows, 16], 4096, end)
        head[last] = tensor("U8", [8192 - end], end, 8192)
        yield "shard-layout/table-" + name, dump(head)


def shard_metas(base):
    values = {"rank": ["0", "2", "-1", "1.0", "", " 1", "1 ", "0x1", "1e0",
                       "99999999999999999999", 1, None, [], True],
              "ranks": ["0", "1", "-2", "2147483648", "", 2, None],
              "step": ["", "x", "10x", "9223372036854775808", 10, None]}
    for key, bad in values.items():
        for n, value in enumerate(bad):
            head = base.header()
            head["__metadata__"][key] = value
            yield "shard-meta/%s-%d-%s" % (key, n, str(value)[:8]), dump(head)
        head = base.header()
        del head["__metadata__"][key]
        yield "shard-meta/without-" + key, dump(head)
    for name, value in {"list": [], "null": None, "string": "x"}.items():
        head = base.header()
        head["__metadata__"] = value
        yield "shard-meta/is-" + name, dump(head)


def shard_texts(base):
    """Headers that are no JSON of ours, whatever they would mean."""
    good = dump(base.header())
    entry = b'"T":' + dump(base.header()["T"])
    for name, text in {
            "name-twice": good.replace(entry, entry + b"," + entry),
            "key-twice": good.replace(b'"dtype":"F64"',
                                      b'"dtype":"F64","dtype":"F64"'),
            "metadata-twice": good[:-1] + b',"__metadata__":{}}',
            "nul-in-a-name": good.replace(b'"T"', b'"T\\u0000"'),
            "nul-in-the-text": good.replace(b'"T"', b'"T\0"'),
            "not-utf-8": good.replace(b'"T"', b'"\xff"'),
            "overlong-utf-8": good.replace(b'"T"', b'"\xc0\xaf"'),
            "half-a-surrogate": good.replace(b'"T"', b'"\\ud800"'),
            "utf-16": good.decode().encode("utf-16-le"),
            "byte-order-mark": b"\xef\xbb\xbf" + good,
            "blank-first": b" " + good, "cut": good[:-1],
            "two-objects": good + good, "comma-last": good[:-1] + b",}",
            "comment": good[:-1] + b"/**/}", "list": b"[" + good + b"]",
            "single-quotes": good.replace(b'"', b"'"), "word": b"null",
            "nul-behind": good + b"\0", "word-behind": good + b" x",
            "control-in-a-name": good.replace(b'"T"', b'"\x1b"'),
            "deep-lists": b'{"x":' + b"[" * 100000,
            "deep-objects": b'{"x":' * 100000,
            "deep-but-sound": good[:-1] + b',"x":' + b"[" * 2000 +
                              b"]" * 2000 + b"}",
            "a-million-objects": b'{"x":[' + b"{}," * 1000000 + b"0]}",
            "a-long-name": good[:-1] + b',"' + b"n" * 1000000 + b'":0}',
            "hostile-escape": good[:-1] + b',"\\u001b]0;x\\u0007":0}',
            "a-long-number": good.replace(b"192", b"1" * 100000, 1),
            "100000-names": good[:-1] + b"".join(
                b',"%d":0' % n for n in range(100000)) + b"}",
            "empty": b"{}", "spaces": b" " * 4088}.items():
        yield "shard-text/" + name, text


def shard_frames(base):
    good = base.shard(dump(base.header()).ljust(4088))
    text = good[8:4096]
    for name, length in {
            "0": 0, "1": 1, "7": 7, "one-less": 4087, "one-more": 4089,
            "all-of-the-file": len(good) - 8, "past-the-end": len(good) - 7,
            "max": HEADER_MAX, "max-and-one": HEADER_MAX + 1, "2^31": 1 << 31,
            "2^32-and-right": (1 << 32) + 4088, "2^63": BIG,
            "2^64-1": (1 << 64) - 1, "wraps-to-0": (1 << 64) - 8,
            "big-endian": struct.unpack("<Q", struct.pack(">Q", 4088))[0],
            }.items():
        yield "shard-frame/length-" + name, base.shard(text, None, length)
    for name, shard in {"empty": b"", "7-bytes": good[:7], "8-bytes": good[:8],
                        "header-alone": good[:4096], "cut": good[:-1],
                        "longer": good + b"\0", "doubled": good * 2,
                        "zeros": bytes(len(good)), "text": b"hello\n",
                        "pickle": b"\x80\x04}q\0.", "ones": b"\xff" * 4096,
                        "length-max-and-that-long": struct.pack(
                            "<Q", 4 << 20) + b" " * (4 << 20)}.items():
        yield "shard-frame/" + name, shard


def shard_bytes(base):
    """The header is sound, the manifest's sum may match, the data does not."""
    text = dump(base.header()).ljust(4088)
    data = bytearray(base.data())
    for name, at in {"first-byte": 0, "last-byte-of-T": 191, "first-pad": 200,
                     "last-of-the-block": 4095, "table": 4096,
                     "end-of-the-table": 4111}.items():
        data[at] ^= 1
        yield "shard-bytes/" + name, base.shard(text, bytes(data))
        data[at] ^= 1
    swapped = base.array[96:] + base.array[:96]
    yield "shard-bytes/rows-swapped", base.shard(
        text, swapped.ljust(4096, b"\0") + bytes(data[4096:]))
    yield "shard-bytes/table-of-zeros", base.shard(
        text, bytes(data[:4096]) + bytes(4096))


def cases(base):
    for family in (shard_entries, shard_layouts, shard_metas, shard_texts):
        for name, text in family(base):
            yield Case(name, base.with_shard(base.shard(text)), SHARD)
    for family in (shard_frames, shard_bytes):
        for name, shard in family(base):
            yield Case(name, base.with_shard(shard), SHARD)
    head = base.header()
    good = dump(head).ljust(4088)
    turned = dump(dict(reversed(head.items()))).ljust(4088)
    more = base.header()
    more["__metadata__"]["by"] = "somebody"
    more["empty"] = tensor("F64", [0, BIG - 1, BIG - 1], 192, 192)
    for name, text in {"as-it-is": good, "entries-turned": turned,
                       "unaligned": dump(head), "escapes": good.replace(
                           b'"T"', b'"\\u0054"'),
                       "more-entries": dump(more)}.items():
        yield Case("shard-fine/" + name, base.with_shard(base.shard(text)),
                   None)
