"""Damage guided by coverage: libFuzzer, through atheris, keeps what reaches new code and harms it further.

    ZIPPY_FUZZ=1 ZIPPY_DEBUG=1 CC=clang python setup.py build_ext --inplace
    LD_PRELOAD=$(python -c 'import atheris; print(atheris.path())')/asan_with_fuzzer.so \\
    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 python -m tests.persistence.fuzz CORPUS -max_total_time=3600

An input's first byte chooses what the rest is: the body of a value, restored under default limits or small ones and then worked with, a
file from after its magic to before its end, or a string that may be a HyperLogLog. The folder CORPUS begins with the bodies of all types
and encodings, with a file and with HyperLogLogs.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import atheris

import zippy
from tests.fuzz.coverage import fuzz
from tests.persistence.damage import BLOAT, SLOW, Campaign, Found, damaged, hyperloglogs, make_file
from zippy._core import snapshot
from zippy._core.introspection import memory_stats
from zippy.inprocess.engine import host_of

MAGIC = 9  # bytes of a file's start
KINDS = 4
FILE = 2
HYPERLOGLOG = 3


class Target:
    """What libFuzzer calls with one input after the other."""

    def __init__(self) -> None:
        self.campaigns = [Campaign(zippy.Engine(), 1) for _ in range(FILE)]
        for small, campaign in enumerate(self.campaigns):
            campaign.limits(bool(small))
        self.bodies = self.campaigns[0].bodies
        self.files = zippy.Engine()
        self.connection = zippy.connect(self.files)
        self.file = make_file("noeviction")

    def seeds(self, corpus: Path) -> None:
        """Writes what an empty corpus begins with."""
        for place, body in enumerate(self.bodies):
            for small in range(FILE):
                (corpus / f"body{place}.{small}").write_bytes(bytes((small,)) + body)
        (corpus / "file").write_bytes(bytes((FILE,)) + self.file[MAGIC:-MAGIC])
        for place, text in enumerate(hyperloglogs(self.campaigns[0].r)):
            (corpus / f"hyperloglog{place}").write_bytes(bytes((HYPERLOGLOG,)) + text)

    def __call__(self, data: bytes) -> None:
        if len(data) < 2:
            return
        kind = data[0] % KINDS
        if kind == FILE:
            self.load(data[1:])
            return
        if kind == HYPERLOGLOG:
            self.campaigns[0].count(data[1:])
            return
        campaign = self.campaigns[kind]
        # the order of the commands belongs to the input
        campaign.source.seed(data)
        campaign.one(data[1:])

    def load(self, middle: bytes) -> None:
        """Loads a file; it is refused at one of its own offsets, or taken."""
        data = self.file[:MAGIC] + middle + b"\xff" + bytes(8)
        began = time.thread_time()
        try:
            snapshot.load_bytes(host_of(self.files).core, data)
        except snapshot.SnapshotError as error:
            if not 0 <= error.offset <= len(data):
                raise Found(f"offset {error.offset}") from None
        used = memory_stats(host_of(self.files).core)["used"]
        self.connection.flushall()
        if used > BLOAT or time.thread_time() - began > SLOW:
            raise Found("bloats or hangs")

    def mutate(self, data: bytes, most: int, seed: int) -> bytes:
        """libFuzzer's own changes, or those that know of lengths and types."""
        source = random.Random(seed)
        if len(data) < 2 or source.random() < 0.5:
            return bytes(atheris.Mutate(data, most))
        return (data[:1] + damaged(source, [data[1:], data[1:], source.choice(self.bodies)]))[:most]


if __name__ == "__main__":
    fuzz(Target())
