"""Fixtures: an engine, and who waits."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

import zippy


@pytest.fixture
def engine() -> Iterator[zippy.Engine]:
    """An engine, closed with the test."""
    with zippy.Engine() as engine:
        yield engine


def wait_until_blocked(engine: zippy.Engine, count: int = 1) -> None:
    """Waits until so many clients are blocked."""
    deadline = time.monotonic() + 10
    while f"blocked_clients:{count}\r\n".encode() not in engine.execute("INFO", "clients"):
        assert time.monotonic() < deadline, "they never blocked"
        time.sleep(0.002)
