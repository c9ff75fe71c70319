"""What lies beside shards and manifests: claims, marks, events, other kinds of
files, other names. See hostile.py."""
import os

from hostile import BIG, MANIFEST, SHARD, Case, dump


def links_to(target):
    return lambda path: os.symlink(target, path)


def texts():
    """Small files that are no JSON object of ours."""
    yield from {"empty": b"", "nul": b"\0", "zeros": bytes(4096),
                "cut": b'{"job":"1', "list": b"[]", "number": b"7",
                "not-utf-8": b'{"job":"\xff"}', "word": b"nobody\n",
                "deep": b"[" * 4000, "too-long": b" " * 5000 + b"{}",
                "a-gigabyte": lambda path: sparse(path, 1 << 30)}.items()


def sparse(path, size):
    with open(path, "wb") as file:
        file.truncate(size)


def owners():
    claim = {"job": "88", "restart": 0, "host": "elsewhere", "pid": 12,
             "started": 34}
    for key, bad in {"job": ["88; x", "-1", "--all", "8" * 3000, 88, None,
                             "\x1b[2J"], "restart": [-1, BIG, 0.5, "0"],
                     "host": ["\x1b]0;x\x07", "a b", None, "\u202e"],
                     "pid": [0, -1, BIG, 1 << 80, "12"],
                     "started": [-1, BIG, None]}.items():
        for n, value in enumerate(bad):
            yield "%s-%d" % (key, n), dump(dict(claim, **{key: value}))
        yield "without-" + key, dump({k: v for k, v in claim.items()
                                      if k != key})
    yield "job-twice", dump(claim)[:-1] + b',"job":"1"}'
    yield "nul-behind", dump(claim) + b"\0"
    yield "link", links_to("events.jsonl")
    yield "folder", os.mkdir
    yield "fifo", os.mkfifo


def marks():
    """And what ls may tell of each."""
    for n, value in enumerate([12, None, "12; x", "\x1b[2J", "1" * 100, [],
                               "-1", "1_2_3"]):
        yield "job-%d" % n, dump({"job": value, "step": 5}), None
    for n, value in enumerate([1.0, "5", None, BIG, [], 1 << 80]):
        yield "step-%d" % n, dump({"job": "12", "step": value}), None
    yield "job-twice", b'{"job":"12","job":"12","step":5}', None
    yield "link", links_to("events.jsonl"), None
    yield "folder", os.mkdir, None
    yield "fifo", os.mkfifo, None
    yield "sound", b'{"job":"12","step":-5}', {"job": "12", "step": -5}
    yield "sound-outside", b'{"job":"","step":0}', {"job": "", "step": 0}


def events():
    """No checkpoint is there: verify's exit status tells of a commit."""
    line = b'{"event":"committed","job":"","restart":0}\n'
    fresh, vanished, unreadable = 0, 76, 69
    yield from (
        ("none", b"", fresh), ("zeros", bytes(100000), fresh),
        ("a-gigabyte-of-zeros", lambda path: sparse(path, 1 << 30), fresh),
        ("one-long-line", b"x" * 10000000, fresh),
        ("quoted", dump({"text": '"event":"committed"'}), fresh),
        ("another", b'{"event":"committed_not"}\n', fresh),
        ("torn", line[:18], fresh), ("sound", line, vanished),
        ("zeros-before", bytes(4095) + line, vanished),
        ("line-before", b"x" * 5000000 + line, vanished),
        ("torn-before", b'{"event":"comm' + line, vanished),
        ("not-utf-8-before", b"\xff" * 4090 + line, vanished),
        ("folder", os.mkdir, unreadable),
        ("fifo", os.mkfifo, unreadable),
        ("link-to-itself", links_to("events.jsonl"), unreadable))


def kinds():
    """Something else under the name of a file of the checkpoint's."""
    for name in (SHARD, MANIFEST, "files/restart", "files/rank-00001/log"):
        short = name.replace("/", "|")
        yield short + "-folder", {name: os.mkdir}, name
        yield short + "-fifo", {name: os.mkfifo}, name
        yield short + "-link-to-nothing", {name: links_to("nothing")}, name
        yield short + "-link-to-itself", {
            name: links_to(os.path.basename(name))}, name
        yield short + "-link-to-zeros", {name: links_to("/dev/zero")}, name
        yield short + "-gigabytes", {
            name: lambda path: sparse(path, 3 << 30)}, name


def names():
    """Beside the checkpoint, and none themselves."""
    for n, name in enumerate((
            "00001-step-10", "1-step-10", "0001-step-010", "0001-step-",
            "-001-step-1", "0002-step-9223372036854775808", "0002-step-1x",
            "9999999999999999999-step-1", "0002-step- 1", "0002-step-+1",
            "0002-step-1\x1b[31m", "0x02-step-1", "0002-STEP-1")):
        yield "folder-%d" % n, {"../" + name: os.mkdir}
    yield "a-file", {"../0002-step-2": b""}
    yield "a-link", {"../0002-step-2": links_to("0001-step-10")}
    yield "a-leftover", {"../.partial-0002-1-x": os.mkdir}
    yield "trash", {"../.trash-x": os.mkdir}


def cases(base):
    for name, text in list(texts()) + list(owners()):
        yield Case("owner/" + name, {"../.owner": text}, None, owner=True)
    for name, text in texts():
        yield Case("finished/" + name, {"../.finished": text}, None)
    for name, text, mark in marks():
        yield Case("finished/" + name, {"../.finished": text}, None,
                   finished=mark)
    for name, text, status in events():
        yield Case("events/" + name, {"../events.jsonl": text}, None,
                   gone=status)
    for name, files, bad in kinds():
        yield Case("kind/" + name, files, bad)
    for name, files in names():
        yield Case("name/" + name, files, None)
