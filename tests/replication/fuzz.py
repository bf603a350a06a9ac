"""Damage to what comes by a link of replication, guided by coverage: libFuzzer, through atheris, keeps what reaches new code and harms it
further.

    ZIPPY_FUZZ=1 ZIPPY_DEBUG=1 CC=clang python setup.py build_ext --inplace
    LD_PRELOAD=$(python -c 'import atheris; print(atheris.path())')/asan_with_fuzzer.so \\
    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 python -m tests.replication.fuzz CORPUS -max_total_time=3600

An input's first byte chooses what the rest is (a handshake, PSYNC's reply, a copy in either framing, a stream, what a replica sends), the
second how the bytes are cut. The folder CORPUS begins with good ones of all kinds. What has to hold is in `damage`.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["zippy.replication", "zippy.persistence.snapshots", "zippy.persistence.background"]):
    from tests.replication.damage import KINDS, LINES, ROUNDS, Victim, good, harmed
from tests.fuzz.coverage import fuzz

SEEDS = 60  # of each kind
HEAD = 2  # bytes


class Target:
    """What libFuzzer calls with one input after the other, some of them for the same server."""

    def __init__(self) -> None:
        self.turn = 0
        self.victim = Victim()

    def seeds(self, corpus: Path) -> None:
        """Writes what an empty corpus begins with."""
        source = Random(1)
        for place in range(SEEDS * KINDS):
            (corpus / f"seed{place}").write_bytes(bytes((place % KINDS, source.randrange(256))) + good(source, place % KINDS))

    def __call__(self, data: bytes) -> None:
        if len(data) < HEAD:
            return
        self.turn += 1
        if self.turn % ROUNDS == 0:
            self.victim.close()
            self.victim = Victim()
        self.victim.take(data[0] % KINDS, data[1], data[HEAD:])

    def mutate(self, data: bytes, most: int, seed: int) -> bytes:
        """libFuzzer's own changes, a line in their midst, or something harmed in another way."""
        source = Random(seed)
        if len(data) <= HEAD or source.random() < 0.5:
            return bytes(atheris.Mutate(data, most))
        at = source.randrange(HEAD, len(data) + 1)
        if source.random() < 0.5:
            return (data[:at] + source.choice(LINES) + b"\r\n" + data[at:])[:most]
        return (data[:at] + harmed(source, data[0] % KINDS))[:most]


if __name__ == "__main__":
    fuzz(Target())
