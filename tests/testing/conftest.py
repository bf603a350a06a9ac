"""Fixtures: an engine, and who waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import zippy
from tests.waiting import blocked, wait_until


@pytest.fixture
def engine() -> Iterator[zippy.Engine]:
    """An engine, closed with the test."""
    with zippy.Engine() as engine:
        yield engine


def wait_until_blocked(engine: zippy.Engine, count: int = 1) -> None:
    """Waits until so many clients are blocked."""
    wait_until(lambda: blocked(engine) == count)
