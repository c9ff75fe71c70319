"""Hostile manifests. See hostile.py."""
import copy
import json

from hostile import BIG, MANIFEST, SHARD, Case, digest, dump, seal


def fields(base):
    """Each member of the manifest's header, missing and in every wrong form."""
    wrong = {"negative": -1, "beyond-int64": BIG, "float": 1.0, "null": None,
             "string": "1", "list": [1], "object": {}, "true": True,
             "2^31": 1 << 31, "2^53": 1 << 53, "max": BIG - 1}
    fits = {("restart", "2^31"), ("restart", "2^53"), ("restart", "max"),
            ("time", "2^31"), ("time", "2^53"), ("time", "max"),
            ("elapsed_ns", "2^31"), ("elapsed_ns", "2^53"),
            ("elapsed_ns", "max"), ("bandwidth", "2^31"),
            ("bandwidth", "2^53"), ("bandwidth", "max")}
    for key in ("format", "sequence", "step", "ranks", "restart", "time",
                "elapsed_ns", "bytes", "bandwidth", "block"):
        for how, value in wrong.items():
            newer = key == "format" and how in ("2^31", "2^53", "max")
            yield "%s-%s" % (key, how), {key: value}, (key, how) in fits, newer
    for key in ("version", "cause", "job", "hash"):
        for how, value in {"number": 1, "null": None, "list": []}.items():
            yield "%s-%s" % (key, how), {key: value}, False, False
    for how, value in {"null": None, "list": [], "string": "x", "number": {
            "a": 1}, "deeper": {"a": {"b": "c"}}}.items():
        yield "meta-" + how, {"meta": value}, False, False
    for how, value in {"md5": "md5", "empty": ""}.items():
        yield "hash-" + how, {"hash": value}, False, False
    for how, value in {"2": 2, "0": 0}.items():
        yield "format-" + how, {"format": value}, False, value > 1
    yield "bytes-one-more", {"bytes": base.manifest["bytes"] + 1}, False, False
    yield "another-sequence", {"sequence": 2}, False, False
    yield "another-step", {"step": 11}, False, False
    yield "a-member-more", {"later": [1, {"x": None}]}, True, False
    yield "strings-that-a-terminal-obeys", {
        "cause": "\x1b[2J", "job": "\x1b]0;x\x07", "version": "\u202e"
        }, True, False


def pieces(base):
    """What is wrong with one piece: a function that changes it."""
    region = ("array", "T")
    edits = {"rank-0": ("rank", 0), "rank-2": ("rank", 2),
             "rank-negative": ("rank", -1), "rank-2^31": ("rank", 1 << 31),
             "rank-string": ("rank", "1"), "bytes-0": ("bytes", 0),
             "bytes-negative": ("bytes", -1), "bytes-max": ("bytes", BIG - 1),
             "bytes-beyond": ("bytes", BIG), "bytes-float": ("bytes", 1e3),
             "hash-short": ("hash", "00"), "hash-long": ("hash", "0" * 33),
             "hash-upper": ("hash", "A" * 32), "hash-null": ("hash", None),
             "content-none": ("content", ""), "regions-null": ("regions", None),
             "regions-object": ("regions", {}), "regions-of-null":
             ("regions", [None]), "files-null": ("files", None),
             "files-of-lists": ("files", [[]]), "files-string": ("files", "x")}
    for name, (key, value) in edits.items():
        yield name, lambda p, k=key, v=value: p.update({k: v})
    for name in ("../x", "/etc/passwd", "..", ".", "", "a/b", "a\\b", "@x",
                 "a\x1b[31m", "a\n", "\u00e4", "x" * 201, 5, None):
        label = repr(name)[:14].replace("/", "|")
        yield "file-name-" + label, \
            lambda p, n=name: p["files"][0].update(name=n)
        yield "array-name-" + label, \
            lambda p, n=name: p["regions"][0].update(array=n)
    boxes = {"start-negative": ("start", [-1, 0]), "start-out": ("start",
             [9, 0]), "local-out": ("local", [5, 6]), "local-negative":
             ("local", [-4, 6]), "local-max": ("local", [BIG - 1, 6]),
             "start-short": ("start", [4]), "start-none": ("start", []),
             "shape-none": ("shape", []), "shape-9": ("shape", [1] * 9),
             "shape-overflow": ("shape", [BIG - 1, BIG - 1]),
             "shape-null": ("shape", None), "shape-float":
             ("shape", [8.0, 6]), "shape-beyond": ("shape", [BIG, 6]),
             "dtype-other": ("dtype", "F63"), "dtype-null": ("dtype", None)}
    for name, (key, value) in boxes.items():
        yield "box-" + name, \
            lambda p, k=key, v=value: p["regions"][0].update({k: v})
    owners = {"null": None, "list": [[4, 0], [4, 6]], "without-local":
              {"start": [4, 0]}, "outside": {"start": [3, 0], "local": [4, 6]},
              "too-long": {"start": [4, 0], "local": [BIG - 1, 6]},
              "short": {"start": [4], "local": [4]}, "beyond":
              {"start": [BIG, 0], "local": [4, 6]}}
    for name, own in owners.items():
        yield "own-" + name, lambda p, o=own: p["regions"][0].update(own=o)
    yield "replicated-number", lambda p: p["regions"][0].update(replicated=1)
    private = {"private": "p", "dtype": "U8", "count": 1}
    for name, count in {"negative": -1, "max": BIG - 1, "beyond": BIG,
                        "float": 1.0, "string": "1", "more-than-the-shard":
                        1 << 40}.items():
        yield "count-" + name, lambda p, c=count: p["regions"].append(
            dict(private, count=c))
    yield "region-twice", lambda p: p["regions"].append(p["regions"][0])
    yield "region-out-of-order", lambda p: p["regions"].append(
        dict(private, private="A"))
    yield "region-without-kind", lambda p: p["regions"][0].pop(region[0])
    yield "file-twice", lambda p: p["files"].append(p["files"][0])
    yield "file-bytes-negative", lambda p: p["files"][0].update(bytes=-1)
    yield "file-bytes-max", lambda p: p["files"][0].update(bytes=BIG - 1)
    yield "file-shared-number", lambda p: p["files"][0].update(shared=0)
    yield "file-hash-none", lambda p: p["files"][0].pop("hash")


def manifest_texts(sound):
    body = dump(sound)[:-1]
    good = seal(body)
    for name, text in {
            "empty": b"", "blank": b" ", "newline": b"\n", "cut": good[:-1],
            "half": good[:len(good) // 2], "longer": good + b"\n",
            "twice": good + good, "checksum-wrong": good.replace(
                b'"job"', b'"jop"'), "no-checksum": body + b"}",
            "checksum-alone": seal(b""), "checksum-upper": body +
            b'\n, "checksum": "%s" }\n' % digest(body).hex().upper().encode(),
            "nul-first": b"\0" + good, "nul-last": good + b"\0",
            "zeros": bytes(len(good)), "sealed-zeros": seal(bytes(200)),
            "sealed-nothing": seal(b"{"), "sealed-list": seal(b"[1"),
            "sealed-text": seal(b"hello"), "sealed-not-utf-8": seal(
                body.replace(b'"request"', b'"\xff\xfe"')),
            "sealed-nul": seal(body.replace(b'"request"', b'"\\u0000"')),
            "sealed-twice": seal(body + b',"step":10'),
            "sealed-deep": seal(body + b',"x":' + b"[" * 1000000),
            "sealed-deep-but-sound": seal(body + b',"x":' + b"[" * 1000 +
                                          b"]" * 1000),
            "sealed-breadth": seal(body + b',"meta2":[' + b"{}," * 300000),
            "2^31-ranks": seal(body.replace(b'"ranks":2',
                                            b'"ranks":2147483647')),
            "a-million-pieces": seal(
                body[:body.index(b',"shards":[') + 11].replace(
                    b'"ranks":2', b'"ranks":1000000') +
                b"0," * 999999 + b"0]"),
            "one-piece": seal(body.replace(b'"ranks":2', b'"ranks":1')),
            "three-pieces": seal(body.replace(b'"ranks":2', b'"ranks":3')),
            }.items():
        yield "manifest-text/" + name, text


def cases(base):
    # The second shard as it was: only the manifest is another.
    whole = base.with_shard(base.shard(dump(base.header()).ljust(4088)))
    sound = json.loads(whole[MANIFEST][:-52] + b"}")

    def case(name, text, fine=False, newer=False):
        return Case(name, {SHARD: whole[SHARD], MANIFEST: text},
                    None if fine else MANIFEST, newer=newer)

    for name, change, fine, newer in fields(base):
        m = copy.deepcopy(sound)
        m.update(change)
        yield case("manifest-field/" + name, base.seal(m), fine, newer)
    for key in sound:
        m = copy.deepcopy(sound)
        del m[key]
        yield case("manifest-field/without-" + key, base.seal(m),
                   key == "bandwidth")      # older versions' have none
    for name, edit in pieces(base):
        m = copy.deepcopy(sound)
        edit(m["shards"][1])
        yield case("manifest-piece/" + name, base.seal(m))
    for name, text in manifest_texts(sound):
        yield case(name, text)
