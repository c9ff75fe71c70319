"""manifest.json: read with its checksum, and written with one that fits."""
import json
import os

import xxhash

NAME = "manifest.json"
TAIL = 52		# the checksum's line
BLOCK = 1 << 20


def digest(body):
    return xxhash.xxh3_128_hexdigest(body)


def read(folder):
    with open(os.path.join(folder, NAME), "rb") as file:
        text = file.read()
    manifest = json.loads(text)
    assert manifest["checksum"] == digest(text[:-TAIL]), folder
    return manifest


def seal(body):
    """`body`: bytes of a JSON object without the brace that closes it."""
    return body + b'\n, "checksum": "%s" }\n' % digest(body).encode()


def text_of(manifest):
    """Its bytes, with a checksum made anew."""
    body = {k: v for k, v in manifest.items() if k != "checksum"}
    return seal(json.dumps(body, indent=1).encode()[:-2])
