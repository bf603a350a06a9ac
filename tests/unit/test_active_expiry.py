"""Active expiry in steps, with a clock that is set and each step taken by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.peer import Peer
from zippy._core.session import Core

KEYS = 10_000
NOW = 1_700_000_000_000_000  # us
SECOND = 1_000_000


@pytest.fixture
def peer() -> Iterator[Peer]:
    core = Core(16, 1)
    core.set_clock(NOW)
    made = Peer(core)
    yield made
    made.session.close()


def test_a_step_ends_with_its_time(peer: Peer) -> None:
    peer(*(f"SET key:{i} x EX 10" for i in range(KEYS)), "SET stays x")
    peer.core.set_clock(NOW + 11 * SECOND)
    steps = 0
    while peer.core.expire(0):
        steps += 1
        peer.core.end_turn()
    assert steps > 100
    assert peer("DBSIZE") == b":1\r\n"


def test_one_step_is_enough_where_nothing_has_expired(peer: Peer) -> None:
    peer(*(f"SET key:{i} x EX 10" for i in range(KEYS)))
    assert not peer.core.expire(60_000_000)
    peer.core.set_clock(NOW + 11 * SECOND)
    assert not peer.core.expire(60_000_000)
    assert peer("DBSIZE") == b":0\r\n"
