"""Stores in process that are used over and over leave nothing behind; leaks.py does it a million times, by hand."""

from __future__ import annotations

import pytest

from tests.clients.leaks import USES

CYCLES = {
    "connect()": 1500,
    "connect_async()": 1500,
    "mem://": 5000,
    "mem:// async": 5000,
    "file://": 60,
    "file:// async": 60,
    "a day of polling": 5000,
}
# what Python's own allocator has not used up yet when the warm-up ends; a hundred bytes a cycle, of 5000, would be as much
MOST_GROWN = 512 << 10


@pytest.mark.parametrize("name", USES)
def test_flat(name: str) -> None:
    use, _ = USES[name]
    found = use(CYCLES[name])
    assert found.grown < MOST_GROWN + 100 * found.cycles, found
    assert found.after.descriptors <= found.before.descriptors, found
    assert found.after.threads <= found.before.threads, found
