"""Damage to the bus's messages, guided by coverage: libFuzzer, through atheris, keeps what reaches new code and harms it further.

    python -m tests.cluster.fuzz CORPUS -max_total_time=3600

An input's first byte chooses the link that the rest comes by: a stranger's, a node's, one to a node or one to whom the node gets to know.
The folder CORPUS begins with good messages of every kind and with some of real nodes. What has to hold is in `damage`.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["zippy.cluster"]):
    from tests.cluster.damage import LINKS, ROUNDS, Victim, harmed, message
from tests.cluster.recorded import RECORDED
from tests.fuzz.coverage import fuzz

SEEDS = 400


class Target:
    """What libFuzzer calls with one input after the other, some of them for the same node."""

    def __init__(self) -> None:
        self.turn = 0
        self.victim = Victim()

    def seeds(self, corpus: Path) -> None:
        """Writes what an empty corpus begins with."""
        source = Random(1)
        for place, body in enumerate([*(data for _, _, data in RECORDED), *(message(source) for _ in range(SEEDS))]):
            (corpus / f"seed{place}").write_bytes(bytes((place % LINKS,)) + body)

    def __call__(self, data: bytes) -> None:
        if len(data) < 2:
            return
        self.turn += 1
        if self.turn % ROUNDS == 0:
            self.victim = Victim()
        self.victim.take(data[0] % LINKS, data[1:])

    def mutate(self, data: bytes, most: int, seed: int) -> bytes:
        """libFuzzer's own changes, with the right length at times, or another harmed message behind this one."""
        source = Random(seed)
        if len(data) < 2 or source.random() < 0.6:
            changed = bytearray(atheris.Mutate(data, most))
            if len(changed) > 9 and source.random() < 0.7:
                changed[5:9] = (len(changed) - 1).to_bytes(4, "big")
            return bytes(changed)
        return (data + harmed(source) if source.random() < 0.5 else data[:1] + harmed(source))[:most]


if __name__ == "__main__":
    fuzz(Target())
