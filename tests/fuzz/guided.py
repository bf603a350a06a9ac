"""Damage to users' rules and to scripts, guided by coverage: libFuzzer, through atheris, keeps what reaches new code and harms it further.

    ZIPPY_FUZZ=1 ZIPPY_DEBUG=1 CC=clang python setup.py build_ext --inplace
    LD_PRELOAD=$(python -c 'import atheris; print(atheris.path())')/asan_with_fuzzer.so \\
    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 python -m tests.fuzz.guided CORPUS -max_total_time=3600

An input's first byte chooses what the rest is: rules for ACL SETUSER, one a line, a script for EVAL, or a library for FUNCTION LOAD. The
folder CORPUS begins with what the differential tests say, and with selectors and patterns that are as deep and as long as they may be.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import atheris

from tests.differential.groups import acl, functions, scripting
from tests.differential.values import Source
from tests.fuzz.coverage import fuzz
from zippy._core.testing.engine_shim import RecordingEngine

RULES, SCRIPT, LIBRARY = range(3)
TURNS = 500
"""Inputs after which there is an engine anew."""
LONG_MS = 300
"""What a script may take."""
PREPARATION: tuple[tuple[bytes, ...], ...] = (
    (b"SET", b"s0", b"short"), (b"RPUSH", b"l0", b"a", b"b"), (b"SADD", b"x0", b"a", b"b"), (b"ZADD", b"z0", b"1", b"a", b"2", b"b"),
    (b"HSET", b"h0", b"f", b"v"), (b"XADD", b"t0", b"1-1", b"f", b"v"),
)  # fmt: skip


def text(source: Source, kind: int) -> bytes:
    """What an input of a kind says when nothing harms it."""
    if kind == RULES:
        return b"\n".join(word for _ in range(source.random.randint(1, 6)) for word in acl.rules(source))
    if kind == SCRIPT:
        return scripting.script(source).encode("latin-1")
    return functions.library(source)


def large_rules() -> list[bytes]:
    """Many selectors, long patterns, patterns that match in many ways."""
    return [
        b"\n".join(b"(+get ~%d:*)" % i for i in range(200)), b"~" + b"a*" * 500, b"~" + b"[" * 1000, b"(" * 1000, b"%RW~" + b"\\" * 999,
        b"(" + b" ".join(b"(+@all)" for _ in range(100)) + b")", b"&" + b"?*" * 400, b"+config|" + b"get" * 400,
        b"~[^" + b"a-" * 500 + b"]", b"\n".join(b"+get|%d" % i for i in range(100)), b"#" + b"a" * 64, b">" + b"p" * 5000,
        b"\n".join(b"~k%d*" % i for i in range(300)),
    ]  # fmt: skip


class Target:
    """What libFuzzer calls with one input after the other."""

    def __init__(self) -> None:
        self.turn = 0
        self.engine = self.prepared()

    def prepared(self) -> RecordingEngine:
        """An engine with a key of each type."""
        engine = RecordingEngine()
        engine.end_long_scripts(LONG_MS)
        for words in PREPARATION:
            engine.call(*words)
        return engine

    def seeds(self, corpus: Path) -> None:
        """Writes what an empty corpus begins with."""
        source = Source(1, "string", False)
        bodies = [bytes((kind,)) + text(source, kind) for kind in (RULES, SCRIPT, LIBRARY) for _ in range(400)]
        bodies += [bytes((RULES,)) + rules for rules in large_rules()]
        for place, body in enumerate(bodies):
            (corpus / f"seed{place}").write_bytes(body)

    def __call__(self, data: bytes) -> None:
        if len(data) < 2:
            return
        self.turn += 1
        if self.turn % TURNS == 0:
            assert self.engine.fault() is None
            assert self.engine.close() == 0
            self.engine = self.prepared()
        kind, body, run = data[0] % 3, data[1:], self.engine.call
        if kind == RULES:
            rules = body.split(b"\n")
            run(b"ACL", b"SETUSER", b"someone", *rules)
            run(b"ACL", b"GETUSER", b"someone")
            run(b"ACL", b"LIST")
            for words in ((b"GET", rules[0]), (b"SORT", b"l0", b"BY", rules[-1], b"GET", b"s*"), (b"PUBLISH", rules[-1], b"m")):
                run(b"ACL", b"DRYRUN", b"someone", *words)
            run(b"ACL", b"DELUSER", b"someone")
        elif kind == SCRIPT:
            run(b"EVAL", body, b"2", b"s0", b"l0", b"3", b"a")
        else:
            run(b"FUNCTION", b"LOAD", b"REPLACE", body)
            for name in functions.FUNCTIONS:
                run(b"FCALL", name, b"1", b"s0", b"a")
            run(b"FUNCTION", b"LIST", b"WITHCODE")
            run(b"FUNCTION", b"FLUSH", b"SYNC")
        if self.engine.reply_failed:
            self.engine.reconnect()

    def mutate(self, data: bytes, most: int, seed: int) -> bytes:
        """libFuzzer's own changes, or a piece that means something in the place of another."""
        random = Random(seed)
        if len(data) < 2 or random.random() < 0.6:
            return bytes(atheris.Mutate(data, most))
        piece = text(Source(seed, "string", False), data[0] % 3)
        start = random.randrange(len(piece) + 1)
        piece = piece[start : random.randint(start, len(piece))]
        at = random.randint(1, len(data))
        return (data[:at] + piece + data[at + random.choice((0, 0, len(piece), random.randrange(40))) :])[:most]


if __name__ == "__main__":
    fuzz(Target())
