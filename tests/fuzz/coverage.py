"""What targets of a fuzzer guided by coverage share: libFuzzer's command line, through atheris."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

import atheris


class Target(Protocol):
    """What is harmed."""

    def seeds(self, corpus: Path) -> None:
        """Writes what an empty corpus begins with."""

    def __call__(self, data: bytes) -> None:
        """Takes one input; an exception is a finding."""

    def mutate(self, data: bytes, most: int, seed: int) -> bytes:
        """An input changed, at most so many bytes."""


def fuzz(target: Target) -> None:
    """Does what the command line says, with seeds in the first folder it names. Ends the process."""
    folders = [Path(word) for word in sys.argv[1:] if not word.startswith("-")]
    for corpus in folders[:1]:
        if not corpus.is_file():
            corpus.mkdir(exist_ok=True)
            target.seeds(corpus)
    atheris.Setup(sys.argv, target, custom_mutator=target.mutate)
    atheris.Fuzz()
