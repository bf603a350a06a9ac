"""What the micro-benchmarks share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("pytest_benchmark", reason="pip install 'zippy[bench]'")

import zippy
from zippy.inprocess.engine import host_of

Feed = Callable[[bytes], None]


@pytest.fixture
def feed() -> Iterator[Feed]:
    """A new engine's input: runs the commands in some bytes and throws the replies away."""
    with zippy.Engine() as engine:
        session = host_of(engine).channel(lambda one: one.take_output(), lambda one: None)
        yield lambda data: host_of(engine).feed(session, data)
