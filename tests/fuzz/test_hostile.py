#!/usr/bin/env python3
"""Feeds every hostile folder of hostile.py to `rallypoint verify`, `ls`, `show`,
`cat`, `diff`, `export` and, where there is a claim, `prune`: none may crash, hang, or take more memory
than its input warrants; what is bad is named and never called ok. A line for
each family. Uses the build with ASan and UBSan where $BUILD/sanitize has it."""
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import hostile

OK, ECORRUPT, EVERSION, EOWNED = 0, 75, 85, 78
SECONDS = 20
MEMORY = 512 << 20	# the largest hostile file of JSON has 4 MB


class Tool:
    def __init__(self, build):
        path = os.path.join(build, "sanitize", "rallypoint")
        self.sanitized = os.access(path, os.X_OK)
        self.path = path if self.sanitized else os.path.join(build,
                                                             "rallypoint")
        self.env = dict(os.environ, UBSAN_OPTIONS="print_stacktrace=1",
                        ASAN_OPTIONS="exitcode=99:hard_rss_limit_mb=%d:"
                        "max_allocation_size_mb=256" % (MEMORY >> 20))

        # ASan's shadow takes terabytes of addresses: it counts pages itself.
        limit = "" if self.sanitized else "ulimit -v %d && " % (MEMORY >> 10)
        self.command = ["/bin/sh", "-c", limit + 'exec "$0" "$@"', self.path]

    def run(self, *words):
        return subprocess.run([*self.command, *words], capture_output=True,
                              timeout=SECONDS, env=self.env)


def tame(raw):
    """Nothing that a terminal would obey."""
    text = raw.decode("utf-8")
    return all(c == "\n" or (c >= " " and not "\x7f" <= c <= "\x9f" and
                             c != "\u202e") for c in text)


def expect(what, condition, got):
    if not condition:
        raise AssertionError("%s: status %d, %s%s" % (
            what, got.returncode, got.stdout.decode(errors="replace")[-600:],
            got.stderr.decode(errors="replace")[-600:]))


def check_verify(tool, case, dir):
    got = tool.run("verify", "--json", dir)
    good = [OK] if case.bad is None else [ECORRUPT]
    if case.newer:
        good = [EVERSION]
    if case.gone is not None:
        good = [case.gone]
    expect("verify", got.returncode in good and tame(got.stderr), got)
    if case.gone is None:
        document = json.loads(got.stdout)
        one, = document["checkpoints"]
        expect("verify's ok", one["ok"] == document["ok"] ==
               (case.bad is None), got)
        if case.bad is not None:
            expect("the file's name", any(case.bad in problem for problem in
                                          one["problems"]), got)
    got = tool.run("verify", dir)
    expect("verify as text", got.returncode in good and tame(got.stdout), got)


def check_ls(tool, case, dir):
    got = tool.run("ls", "--json", dir)
    expect("ls", got.returncode == OK, got)
    document = json.loads(got.stdout)
    expect("ls's mark", document["finished"] == case.finished, got)
    if case.bad == hostile.MANIFEST:
        expect("ls's error", hostile.MANIFEST in
               document["checkpoints"][0]["error"], got)
    got = tool.run("ls", dir)
    expect("ls as text", got.returncode == OK and tame(got.stdout) and
           tame(got.stderr), got)


def check_show(tool, case, dir):
    for words in (["--json"], []):
        got = tool.run("show", dir, *words)
        if case.gone is not None:
            good = [83]
        elif case.bad is None:
            good = [OK]
        elif case.bad == hostile.SHARD and not case.name.startswith(
                "shard-bytes/"):
            # Private regions stand in the shards' headers.
            good = [ECORRUPT, 69]
        elif case.bad != hostile.MANIFEST:
            good = [OK]
        else:
            good = [EVERSION] if case.newer else [ECORRUPT, 69]
        expect("show", got.returncode in good, got)
        expect("show's words", tame(got.stdout) and tame(got.stderr), got)
        if got.returncode not in (OK, 83):
            expect("the file's name", case.bad.encode() in got.stderr, got)
        if words and case.gone is None and case.bad != hostile.MANIFEST:
            json.loads(got.stdout)


def check_prune(tool, case, dir):
    got = tool.run("prune", dir, "--keep", "1", "--dry-run")
    expect("prune", got.returncode in (OK, EOWNED) and tame(got.stderr), got)


def check_reading(tool, base, case, dir):
    """What is bad is not read as if it were good, and leaves no output."""
    out = dir + "-out"
    for words in (["cat", dir, "T"], ["diff", dir, base.path, "T"],
                  ["export", dir, "-o", out], ["export", dir, "T", "-o",
                                               out + ".safetensors"]):
        got = tool.run(*words)
        damaged = [ECORRUPT, 69, 77, 83, EVERSION]
        if case.bad in (hostile.SHARD, hostile.MANIFEST) or case.gone is not None:
            good = damaged
        else:
            good = [OK, 1, 65, 77, 83]
        expect(" ".join(words), got.returncode in good, got)
        expect("their words", tame(got.stderr) and tame(got.stdout), got)
        if words[0] == "export":
            expect("the output", os.path.exists(words[-1]) ==
                   (got.returncode == OK), got)
            shutil.rmtree(words[-1], ignore_errors=True)
            if os.path.exists(words[-1]):
                os.unlink(words[-1])


def check(tool, base, case, dir):
    hostile.make(base, case, dir)
    check_verify(tool, case, dir)
    check_ls(tool, case, dir)
    check_show(tool, case, dir)
    check_reading(tool, base, case, dir)
    if case.owner:
        check_prune(tool, case, dir)


def attempt(tool, base, case, dir):
    """None, or what went wrong."""
    try:
        check(tool, base, case, dir)
    except subprocess.TimeoutExpired as error:
        return str(error)
    except (AssertionError, ValueError, KeyError) as error:
        return "%s: %s" % (type(error).__name__, error)
    finally:
        shutil.rmtree(dir, ignore_errors=True)
    return None


def main():
    build = os.environ.get("BUILD", "build")
    tool = Tool(build)
    make_ckpt = os.path.join(build, "tests/unit/make_ckpt")
    if not os.access(make_ckpt, os.X_OK):
        sys.exit("test_hostile.py: there is no %s" % make_ckpt)
    families = {}
    with tempfile.TemporaryDirectory(prefix="rally-hostile-") as top, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        subprocess.run([make_ckpt, os.path.join(top, "sound"), "1", "10"],
                       check=True)
        base = hostile.Base(os.path.join(top, "sound", "0001-step-10"))

        def one(numbered):
            number, case = numbered
            return case, attempt(tool, base, case,
                                 os.path.join(top, str(number)))

        for case, why in pool.map(one, enumerate(hostile.cases(base))):
            count = families.setdefault(case.family, [0, 0])
            count[1 if why else 0] += 1
            if why:
                print("    %s: %s" % (case.name, why))
    for family, (good, bad) in families.items():
        print("%s: %s: %d of %d files" % (
            "FAIL" if bad else "PASS", family, good, good + bad))
    print("%d files, %s" % (sum(map(sum, families.values())), tool.path))
    return any(bad for _, bad in families.values())


if __name__ == "__main__":
    sys.exit(main())
