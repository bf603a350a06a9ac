"""The in-process client: what a call costs through redis-py's interface."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import zippy


@pytest.fixture
def client() -> Iterator[Any]:
    """A redis.Redis on an engine of its own."""
    with zippy.Engine() as engine, zippy.connect(engine) as one:
        one.set("key", "value")
        yield one


def test_get(benchmark: Any, client: Any) -> None:
    """One call."""
    assert benchmark(client.get, "key") == b"value"


def test_set(benchmark: Any, client: Any) -> None:
    """One call."""
    assert benchmark(client.set, "key", "value")


def test_pipeline(benchmark: Any, client: Any) -> None:
    """A hundred GETs in one pipeline."""

    def run() -> list[Any]:
        with client.pipeline(transaction=False) as pipeline:
            for _ in range(100):
                pipeline.get("key")
            return list(pipeline.execute())

    assert len(benchmark(run)) == 100
