#!/usr/bin/env python3
"""test_schema.py RALLYPOINT SCHEMA CHECKPOINT... - manifests against the schema

Each checkpoint's manifest must be of the schema, and hold no member that it does not
name. Then every member of the first one and of the last is taken out, given values of
other types and out of its bounds, and members that nobody knows are added: what the
schema refuses the command must refuse, and the other way round but for what manifest.md
says that a schema can't. Hashes and sums must be as it says, too. Prints PASS or FAIL
for each case.
"""
import json
import os
import subprocess
import sys
import tempfile
import traceback

import jsonschema
import xxhash

import manifest as m

BIG = 1 << 63
ECORRUPT, EVERSION = 75, 85
WRONG = {"null": None, "true": True, "negative": -1, "half": 0.5, "text": "x",
         "empty": "", "list": [], "object": {}, "beyond": BIG, "zero": 0,
         "below": -BIG - 1, "of-null": [None], "slash": "a/b", "dot": ".a",
         "quote": 'a"b', "back": "a\\b", "at": "a@b", "umlaut": "\u00e4",
         "line": "a\n", "long": "n" * 201, "200": "n" * 200, "33": "0" * 33,
         "upper": "A" * 32, "nine": [0] * 9, "one": [0]}
TOOL = SCHEMA = None


def is_valid(document):
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(document)


def closed(schema):
    """The schema of what this version writes: no further members."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    copied = {key: closed(part) for key, part in schema.items()}
    if copied.get("type") == "object" and "properties" in copied:
        copied["additionalProperties"] = False
    return copied


def name_of(document, number=0):
    """Of the checkpoint's directory, as the manifest says where it may."""
    sequence, step = document.get("sequence"), document.get("step")
    if type(sequence) is not int or not 0 <= sequence < BIG:
        sequence = number
    if type(step) is not int or not -BIG <= step < BIG:
        step = 0
    return "%04d-step-%d" % (sequence, step)


def codes(texts):
    """What the command makes of each of these (name, manifest): 0 or a code."""
    with tempfile.TemporaryDirectory(prefix="rally-schema-") as dir:
        for name, text in texts:
            os.mkdir(os.path.join(dir, name))
            with open(os.path.join(dir, name, m.NAME), "wb") as file:
                file.write(text)
        got = subprocess.run([TOOL, "ls", "--json", dir], text=True, check=True,
                             capture_output=True, timeout=300)
    seen = {c["name"]: c for c in json.loads(got.stdout)["checkpoints"]}
    for c in seen.values():
        assert "code" not in c or "/%s: " % m.NAME in c["error"], c["error"]
    return [seen[name].get("code", 0) for name, _ in texts]


def edits(value, label, put):
    """(label, document) for each edit at or below a value; put(v) is the document
    with v in its place."""
    if isinstance(value, dict):
        yield label + "+later", put({**value, "later": [1, {"x": None}]})
        for key in value:
            yield "%s.%s-" % (label, key), put(
                {k: v for k, v in value.items() if k != key})
            yield from edits(value[key], "%s.%s" % (label, key),
                             lambda v, key=key: put({**value, key: v}))
    if isinstance(value, list) and value:
        yield from edits(value[0], label + "[]", lambda v: put([v] + value[1:]))
    for how, wrong in WRONG.items() if label else ():
        if json.dumps(wrong) != json.dumps(value):
            yield "%s=%s" % (label, how), put(wrong)


def with_all(folder):
    """A manifest that has each member that there is."""
    document = m.read(folder)
    document["meta"] = {"case": "tube"}
    box = document["shards"][0]["regions"][0]
    box["own"] = {"start": box["start"], "local": box["local"]}
    box["replicated"] = True
    return document


def numbered(document):
    """(label, document, directory) of all edits, as checkpoints of one folder."""
    for i, (label, changed) in enumerate(edits(document, "", lambda v: v), 1000):
        if label.startswith(".checksum"):
            continue    # text_of() makes it
        if not label.startswith(".sequence"):
            changed = {**changed, "sequence": i}
        yield label, changed, name_of(changed, i)


def case_the_schema_is_one(folders):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def case_valid(folders):
    for folder in folders:
        jsonschema.Draft202012Validator(SCHEMA).validate(m.read(folder))


def case_no_other_members(folders):
    strict = jsonschema.Draft202012Validator(closed(SCHEMA))
    for folder in folders:
        strict.validate(m.read(folder))
    for edit, changed in edits(with_all(folders[-1]), "", lambda v: v):
        if edit.endswith("+later"):
            assert not strict.is_valid(changed), edit
            assert is_valid(changed) == (edit != ".meta+later"), edit


def hash_of_file(path):
    """Of the hashes of its blocks."""
    with open(path, "rb") as file:
        blocks = b"".join(xxhash.xxh3_128_digest(block) for block in
                          iter(lambda: file.read(m.BLOCK), b""))
    return m.digest(blocks)


def check_shard(folder, piece, ranks):
    path = "rank-%05d-of-%05d.safetensors" % (piece["rank"], ranks)
    with open(os.path.join(folder, path), "rb") as file:
        whole = file.read()
    start = 8 + int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8:start])
    begin, end = header["@hash@rank-%05d" % piece["rank"]]["data_offsets"]
    assert len(whole) == piece["bytes"]
    assert m.digest(whole[:start] + whole[start + begin:]) == piece["hash"]
    assert m.digest(whole[start + begin:start + end]) == piece["content"]


def case_hashes_and_sums(folders):
    """As manifest.md has them; m.read() looks at the checksum."""
    for folder in folders:
        document, total = m.read(folder), 0
        for piece in document["shards"]:
            check_shard(folder, piece, document["ranks"])
            total += piece["bytes"]
            for file in piece["files"]:
                dir = "files" if file["shared"] else \
                    "files/rank-%05d" % piece["rank"]
                path = os.path.join(folder, dir, file["name"])
                assert os.path.getsize(path) == file["bytes"]
                assert hash_of_file(path) == file["hash"], path
                total += file["bytes"]
        assert total == document["bytes"]


# Of the schema, and refused all the same: what manifest.md says and no schema can.
BEYOND = {
    ".bytes=zero": "the sum of all",
    ".shards[].bytes=zero": "the sum, and less than the boxes have",
    ".shards[].files=list": "the sum",
    ".shards[].files[].bytes=zero": "the sum",
    ".shards[].files[].name=text": "sorted by name",
    ".shards[].regions[].array=200": "sorted by name",
    ".shards[].regions[].array=text": "sorted by name",
    ".shards[].regions[].shape=one": "as many dimensions as the box",
    ".shards[].regions[].start=one": "as many as shape",
    ".shards[].regions[].local=one": "as many as shape",
    ".shards[].regions[].own.start=one": "as many as shape",
    ".shards[].regions[].own.local=one": "as many as shape",
    ".shards[].regions[].shape[]=zero": "start + local at most shape",
    ".shards[].regions[].local[]=zero": "own inside of the box",
}


def case_the_command_agrees(folders):
    beyond, missed, both, fine = set(), set(), 0, 0
    for folder in (folders[0], folders[-1]):
        document = with_all(folder)
        assert is_valid(document)
        assert codes([(name_of(document), m.text_of(document))]) == [0]
        cases = list(numbered(document))
        answers = codes([(name, m.text_of(d)) for _, d, name in cases])
        for (label, changed, _), code in zip(cases, answers):
            assert code in (0, ECORRUPT, EVERSION), (label, code)
            valid = is_valid(changed)
            beyond |= {label} if valid and code else set()
            missed |= {label} if not valid and not code else set()
            both += not valid and code != 0
            fine += valid and not code
    print("%d edits that both refuse, %d that both take" % (both, fine))
    assert both > 500 and fine > 20
    assert not missed, "the schema alone refuses %s" % sorted(missed)[:9]
    assert beyond == set(BEYOND), "the command alone refuses %s, and not %s" % (
        sorted(beyond - set(BEYOND))[:9], sorted(set(BEYOND) - beyond))


def main():
    global TOOL, SCHEMA
    TOOL = sys.argv[1]
    with open(sys.argv[2]) as file:
        SCHEMA = json.load(file)
    failed = 0
    for name, case in list(globals().items()):
        if not name.startswith("case_"):
            continue
        try:
            case(sys.argv[3:])
            print(f"PASS: schema {name[5:]}")
        except Exception:  # a case may fail in any way; the next one runs
            traceback.print_exc()
            print(f"FAIL: schema {name[5:]}")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
