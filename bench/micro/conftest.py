"""What the micro-benchmarks share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("pytest_benchmark", reason="pip install 'zippy[bench]'")

import zippy

Feed = Callable[[bytes], None]


@pytest.fixture
def feed() -> Iterator[Feed]:
    """A new engine's input: runs the commands in some bytes and throws the replies away."""
    with zippy.Engine() as engine:
        session = engine.channel(lambda one: one.take_output(), lambda one: None)
        yield lambda data: engine.feed(session, data)
