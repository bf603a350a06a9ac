"""Eviction in parts: how long a command is held up, who does the rest, and what is counted, with each step taken by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.peer import Peer
from tests.unit.test_lazy_free import Rig
from zippy._core.introspection import engine_stats, used_memory
from zippy.setting_types import number
from zippy.settings import find_setting

KEYS = 10_000
NOW = 1_700_000_000_000_000  # us
SECOND = 1_000_000


def policy(word: str) -> int:
    """The number that the core knows a policy by."""
    setting = find_setting("maxmemory-policy")
    assert setting is not None
    return number(setting, word)


class Limited(Rig):
    """A full core, and a client."""

    def __init__(self) -> None:
        super().__init__()
        self.core.set_clock(NOW)
        self.peer = Peer(self.core)
        self.fill(self.peer)
        while self.step():
            pass
        self.used = used_memory(self.core)[0]
        self.core.set_setting("maxmemory-policy", policy("allkeys-random"))

    def keys(self) -> int:
        """How many there are in database 0."""
        return int(self.peer("DBSIZE")[1:])

    def evicted(self) -> int:
        """evicted_keys of INFO."""
        return int(engine_stats(self.core)["evicted_keys"])

    def time_above(self) -> tuple[int, int]:
        """For how many seconds memory has been above the limit: now, and before."""
        stats = engine_stats(self.core)
        now, in_all = stats["current_eviction_exceeded_time"], stats["total_eviction_exceeded_time"]
        return now // 1000, (in_all - now) // 1000


@pytest.fixture
def rig() -> Iterator[Limited]:
    made = Limited()
    yield made
    for session in list(made.core.sessions.values()):
        session.close()


def test_a_command_evicts_a_part_and_steps_do_the_rest(rig: Limited) -> None:
    rig.core.set_setting("maxmemory-eviction-tenacity", 0)
    rig.core.set_setting("maxmemory", rig.used // 2)
    assert rig.peer("SET a 1") == b"+OK\r\n"
    assert 0 < rig.evicted() < 50
    steps = 0
    while rig.step():
        steps += 1
    assert steps > KEYS // 100
    assert used_memory(rig.core)[0] <= rig.used // 2
    assert rig.evicted() > KEYS // 4
    assert rig.keys() == KEYS + 1 - rig.evicted()


def test_a_new_limit_needs_no_command_that_asks_for_memory(rig: Limited) -> None:
    rig.core.begin_turn()
    rig.core.set_setting("maxmemory", rig.used // 2)
    rig.core.end_turn()
    while rig.step():
        pass
    assert used_memory(rig.core)[0] <= rig.used // 2


def test_without_a_time_limit_the_command_does_it_all(rig: Limited) -> None:
    rig.core.set_setting("maxmemory-eviction-tenacity", 100)
    rig.core.set_setting("maxmemory", rig.used // 2)
    assert rig.peer("SET a 1") == b"+OK\r\n"
    assert used_memory(rig.core)[0] <= rig.used // 2 + 10_000


def test_nothing_is_evicted_in_a_pause(rig: Limited) -> None:
    rig.peer("CLIENT PAUSE 5000 WRITE")
    rig.core.set_setting("maxmemory", rig.used // 2)
    rig.peer("PING")
    while rig.step():
        pass
    assert (rig.keys(), rig.evicted()) == (KEYS, 0)
    rig.core.set_clock(NOW + 6 * SECOND)
    rig.peer("PING")
    while rig.step():
        pass
    assert used_memory(rig.core)[0] <= rig.used // 2


def test_the_time_above_the_limit_is_counted(rig: Limited) -> None:
    rig.core.set_setting("maxmemory-policy", policy("noeviction"))
    rig.core.set_setting("maxmemory", rig.used // 2)
    assert rig.peer("SET a 1").startswith(b"-OOM ")
    assert rig.time_above() == (0, 0)
    rig.core.set_clock(NOW + 3 * SECOND)
    assert rig.peer("SET a 1").startswith(b"-OOM ")
    assert rig.time_above() == (3, 0)
    rig.core.set_setting("maxmemory", rig.used * 2)
    assert rig.peer("SET a 1") == b"+OK\r\n"
    assert rig.time_above() == (0, 3)
    rig.core.set_clock(NOW + 9 * SECOND)
    assert rig.peer("SET a 1") == b"+OK\r\n"
    assert rig.time_above() == (0, 3)
