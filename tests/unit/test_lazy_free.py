"""Freeing in steps: who waits for it and who does not, with each step taken by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from tests.resp import request
from tests.unit.peer import Peer
from zippy._core.introspection import client_stats, memory_stats, used_memory
from zippy._core.session import Core
from zippy._core.testing.mem_shim import SANITIZED, kept, release, resident, spare
from zippy._core.users import define_all_users

KEYS = 10_000
LARGE = 20_000  # elements of one value
MOST = 16 << 20  # bytes that may wait to be freed whatever else there is


class Rig:
    """A core whose steps of freeing wait to be taken."""

    def __init__(self) -> None:
        self.core = Core(16, 1)
        self.steps: list[Callable[[], object]] = []
        self.core.free_between_turns(self.steps.append)

    def step(self) -> bool:
        """Takes the next step and ends the turn that it may have begun; False when there is none."""
        if not self.steps:
            return False
        self.steps.pop(0)()
        self.core.end_turn()
        return True

    def steps_until_answered(self, peer: Peer) -> int:
        """How many steps are taken before the peer hears something."""
        count = 0
        while not peer.sent:
            assert self.step()
            count += 1
        return count

    def fill(self, peer: Peer) -> None:
        """Many keys in database 0."""
        peer(*(f"SET key:{i} x" for i in range(KEYS)))


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    for session in list(made.core.sessions.values()):
        session.close()


@pytest.mark.parametrize("command", ["FLUSHALL", "FLUSHALL SYNC", "FLUSHDB", "FLUSHDB sync"])
def test_the_one_who_flushes_waits_and_nobody_else(rig: Rig, command: str) -> None:
    peer, other = Peer(rig.core), Peer(rig.core)
    empty = used_memory(rig.core)[0]
    rig.fill(peer)
    assert peer(command, "PING") == b""
    assert other("DBSIZE", "SET a 1") == b":0\r\n+OK\r\n"
    assert client_stats(rig.core)["blocked_clients"] == 1
    assert rig.steps_until_answered(peer) > 3
    assert peer.sent == b"+OK\r\n+PONG\r\n"
    assert used_memory(rig.core)[0] < empty + KEYS
    assert client_stats(rig.core)["blocked_clients"] == 0
    assert other("GET a") == b"$1\r\n1\r\n"


def test_few_keys_with_large_values(rig: Rig) -> None:
    peer = Peer(rig.core)
    peer(f"RPUSH list {' '.join('x' * 30 for _ in range(LARGE))}", f"SADD set {' '.join(map(str, range(LARGE)))} x")
    assert peer("FLUSHALL SYNC") == b""
    assert rig.steps_until_answered(peer) > 5
    assert peer.sent == b"+OK\r\n"


def test_nothing_to_wait_for(rig: Rig) -> None:
    peer = Peer(rig.core)
    assert peer("SET a 1", "FLUSHALL SYNC", "FLUSHDB SYNC") == b"+OK\r\n+OK\r\n+OK\r\n"


def test_a_syntax_error_waits_for_nothing(rig: Rig) -> None:
    peer = Peer(rig.core)
    rig.fill(peer)
    assert peer("FLUSHALL ASYNC", "FLUSHALL x") == b"+OK\r\n-ERR syntax error\r\n"
    assert peer("FLUSHALL ASYNC x") == b"-ERR syntax error\r\n"


def test_async_waits_for_nothing(rig: Rig) -> None:
    peer = Peer(rig.core)
    rig.fill(peer)
    assert peer("FLUSHALL ASYNC") == b"+OK\r\n"
    rig.fill(peer)
    rig.core.set_setting("lazyfree-lazy-user-flush", 1)
    assert peer("FLUSHALL") == b"+OK\r\n"
    # what others left to be freed is waited for, too
    assert peer("FLUSHALL SYNC") == b""
    while rig.step():
        pass
    assert peer.sent == b"+OK\r\n"


def test_a_transaction_waits_for_nothing(rig: Rig) -> None:
    peer = Peer(rig.core)
    empty = used_memory(rig.core)[0]
    rig.fill(peer)
    assert peer("MULTI", "FLUSHALL SYNC", "EXEC") == b"+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n"
    assert used_memory(rig.core)[0] < empty + KEYS


def test_nobody_can_unblock_it(rig: Rig) -> None:
    peer, other = Peer(rig.core), Peer(rig.core)
    rig.fill(peer)
    peer("FLUSHALL")
    for reason in ("TIMEOUT", "ERROR"):
        assert other(f"CLIENT UNBLOCK {peer.session.id} {reason}") == b":0\r\n"
    while rig.step():
        pass
    assert peer.sent == b"+OK\r\n"


@pytest.mark.parametrize("mode", ["OFF", "SKIP"])
def test_no_answer_to_who_wants_none(rig: Rig, mode: str) -> None:
    peer = Peer(rig.core)
    rig.fill(peer)
    assert peer(f"CLIENT REPLY {mode}", "FLUSHALL", "CLIENT REPLY ON", "PING") == b""
    assert rig.steps_until_answered(peer) > 3
    assert peer.sent == b"+OK\r\n+PONG\r\n"


def test_it_goes_while_it_waits(rig: Rig) -> None:
    peer, second, other = (Peer(rig.core) for _ in range(3))
    rig.fill(peer)
    peer("FLUSHALL")
    second("FLUSHALL")
    peer.session.close()
    assert client_stats(rig.core)["blocked_clients"] == 1
    while rig.step():
        pass
    assert second.sent == b"+OK\r\n"
    assert client_stats(rig.core)["blocked_clients"] == 0
    assert other("PING") == b"+PONG\r\n"


def test_no_step_frees_a_sorted_set_at_once(rig: Rig) -> None:
    peer = Peer(rig.core)
    peer(f"ZADD z {' '.join(f'{i} member:{i}' for i in range(LARGE))}")
    most = used_memory(rig.core)[0] // 5
    assert peer("DEL z") == b":1\r\n"
    before = used_memory(rig.core)[0]
    while rig.step():
        assert before - used_memory(rig.core)[0] < most
        before = used_memory(rig.core)[0]
    assert peer("FLUSHALL SYNC") == b"+OK\r\n"


def test_what_others_delete_later_is_not_waited_for(rig: Rig) -> None:
    peer, other = Peer(rig.core), Peer(rig.core)
    large = f"SADD set {' '.join(map(str, range(LARGE)))} x"
    rig.fill(peer)
    peer(large)
    assert peer("FLUSHALL") == b""
    for _ in range(2000):
        if peer.sent:
            break
        # more than one step frees
        other(large, "DEL set")
        rig.step()
    assert peer.sent == b"+OK\r\n"
    assert memory_stats(rig.core)["freed_later"][0] > 10


def test_each_of_those_who_wait_hears_when_its_part_is_free(rig: Rig) -> None:
    first, second = Peer(rig.core), Peer(rig.core)
    rig.fill(first)
    first("FLUSHALL")
    rig.fill(second)
    second("FLUSHALL")
    assert rig.steps_until_answered(first) > 3
    assert second.sent == b""
    assert rig.steps_until_answered(second) > 3


def test_who_makes_garbage_pays_for_it(rig: Rig) -> None:
    """No step is taken here at all."""
    peer = Peer(rig.core)
    peer(*(f"SADD set {' '.join(f'member:{i}' for i in range(first, first + LARGE))}" for first in range(0, 5 * LARGE, LARGE)))
    alive = used_memory(rig.core)[0]
    for _ in range(20):
        peer(*["SUNIONSTORE copy set"] * 2)
        assert used_memory(rig.core)[0] < MOST + 4 * alive
    assert peer("SCARD copy") == b":%d\r\n" % (5 * LARGE)


def test_a_transaction_pays_too(rig: Rig) -> None:
    peer = Peer(rig.core)
    peer(*(f"SADD set {' '.join(f'member:{i}' for i in range(first, first + LARGE))}" for first in range(0, 5 * LARGE, LARGE)))
    alive = used_memory(rig.core)[0]
    peer("MULTI", *["SUNIONSTORE copy set"] * 20, "EXEC")
    assert used_memory(rig.core)[0] < MOST + 4 * alive


def test_flushing_over_and_over_does_not_pile_up(rig: Rig) -> None:
    peer = Peer(rig.core)
    most = 0
    for _ in range(60):
        rig.fill(peer)
        peer(*(f"SET long:{i} {'x' * 200}" for i in range(KEYS // 4)), "FLUSHALL ASYNC")
        most = max(most, used_memory(rig.core)[0])
    assert most < 2 * MOST


@pytest.mark.skipif(SANITIZED, reason="every block is malloc's own in a sanitizer build")
def test_long_strings_leave_in_steps(rig: Rig) -> None:
    """One that is freed is no step's work, but what is kept of many is bounded: they wait for one another."""
    peer = Peer(rig.core)
    release()
    rig.core.set_clock(10**15)
    empty = used_memory(rig.core)[0]
    peer(*(f"SETRANGE long:{i} {64 << 20} x" for i in range(8)))
    peer("DEL " + " ".join(f"long:{i}" for i in range(8)))
    held = [resident()]
    while rig.step():
        held.append(resident())
    # a step is a thousand items of 64 KiB
    assert len(held) > 5
    assert all(before - after < 65 << 20 for before, after in pairwise(held))
    assert used_memory(rig.core)[0] < empty + KEYS
    assert kept() <= 128 << 20
    rig.core.set_clock(10**15 + 10_000_000)
    peer("PING")
    while rig.step():
        pass
    assert kept() == 0


def test_a_short_string_is_freed_at_once(rig: Rig) -> None:
    peer = Peer(rig.core)
    empty = used_memory(rig.core)[0]
    peer(f"SETRANGE short {3 << 20} x", "DEL short")
    assert used_memory(rig.core)[0] < empty + KEYS


@pytest.mark.skipif(SANITIZED, reason="every block is malloc's own in a sanitizer build")
def test_a_part_of_what_was_freed_is_kept_for_a_while(rig: Rig) -> None:
    """Ten seconds long."""
    peer = Peer(rig.core)
    rig.core.set_clock(10**15)
    release()
    for _ in range(10):
        peer("RPUSH kept " + " ".join(f"element:{i}" for i in range(LARGE)))
    peer("COPY kept copy")
    peer("DEL copy")
    while rig.step():
        pass
    assert 0 < spare() <= resident() - spare()
    rig.core.set_clock(10**15 + 9_999_999)
    peer("PING")
    assert not rig.steps
    rig.core.set_clock(10**15 + 10_000_000)
    peer("PING")
    while rig.step():
        pass
    assert spare() == 0


@pytest.mark.parametrize("word", ["", "ASYNC", "SYNC"])
def test_scripts_are_flushed_in_steps(word: str) -> None:
    """But by SYNC at once."""
    rig = Rig()
    peer = Peer(rig.core)
    begun = used_memory(rig.core)[0]
    peer(*(f"SCRIPT LOAD return({i})" for i in range(KEYS)))
    used = [used_memory(rig.core)[0]]
    peer(f"SCRIPT FLUSH {word}".strip(), "EVAL return(1) 0")
    assert peer.sent.endswith(b"+OK\r\n:1\r\n")
    used.append(used_memory(rig.core)[0])
    while rig.step():
        used.append(used_memory(rig.core)[0])
    parts = sorted(before - after for before, after in pairwise(used))
    if word == "SYNC":
        assert parts[-1] > (used[0] - begun) // 2
    else:
        assert len(parts) > KEYS // 2000
        # a step of Lua's collector is a millisecond's part
        assert parts[-1] < (used[0] - begun) * 4 // 5
    assert used[-1] - begun < (used[0] - begun) // 10


def assert_freed_in_steps(rig: Rig, begun: int) -> None:
    """All that was made since `begun` bytes were used goes, and no step frees much of it."""
    used = [used_memory(rig.core)[0]]
    while rig.step():
        used.append(used_memory(rig.core)[0])
    parts = [before - after for before, after in pairwise(used)]
    assert len(parts) > 3
    assert max(parts) < (used[0] - begun) * 4 // 5
    assert used[-1] - begun < (used[0] - begun) // 10


WATCHED = " ".join(f"key:{i}" for i in range(KEYS))


@pytest.mark.parametrize("end", ["UNWATCH", "DISCARD", "EXEC", ""])
def test_watches_end_in_steps(rig: Rig, end: str) -> None:
    """But what they mean ends at once."""
    peer, other = Peer(rig.core), Peer(rig.core)
    begun = used_memory(rig.core)[0]
    peer(f"WATCH {WATCHED}")
    if end in ("DISCARD", "EXEC"):
        peer("MULTI")
    if end:
        peer(end)
    else:
        peer.session.close()
    assert client_stats(rig.core)["watching_clients"] == 0
    other(*(f"SET key:{i} x" for i in range(0, KEYS, 100)), "FLUSHALL")
    rig.core.set_clock(10**15)
    assert_freed_in_steps(rig, begun)
    assert client_stats(rig.core)["total_watched_keys"] == 0


def test_watching_again_what_is_about_to_end(rig: Rig) -> None:
    """The same client and another one watch keys that the first one's former watches are still at."""
    peer, other, writer = (Peer(rig.core) for _ in range(3))
    peer(f"WATCH {WATCHED}", "UNWATCH")
    for _ in range(3):
        assert rig.step()
    for client in (peer, other):
        assert client("WATCH key:1 key:9000 key:9000", "MULTI", "PING") == b"+OK\r\n+OK\r\n+QUEUED\r\n"
    writer("SET key:5 x")
    assert rig.step()
    assert peer("EXEC") == b"*1\r\n+PONG\r\n"
    writer("SET key:9000 x")
    while rig.step():
        pass
    assert other("EXEC") == b"*-1\r\n"
    assert client_stats(rig.core)["total_watched_keys"] == 0


def test_who_watches_over_and_over_pays_for_it(rig: Rig) -> None:
    """No step is taken here at all."""
    peer = Peer(rig.core)
    most = 0
    for _ in range(60):
        peer(f"WATCH {WATCHED}", "UNWATCH")
        most = max(most, used_memory(rig.core)[0])
    assert most < 3 * MOST


@pytest.mark.parametrize("way", ["DELUSER", "LOAD"])
def test_users_are_deleted_in_steps(rig: Rig, way: str) -> None:
    """They are gone at once, and so are their clients."""
    peer, gone, stays = (Peer(rig.core) for _ in range(3))
    begun = used_memory(rig.core)[0]
    names = [f"user:{i}" for i in range(KEYS // 4)]
    peer(*(f"ACL SETUSER {name} on nopass ~a* ~b* +get (+set ~c*)" for name in names), "ACL SETUSER other on nopass +@all")
    gone("AUTH user:7 x")
    assert stays("AUTH other x") == b"+OK\r\n"
    if way == "LOAD":
        assert define_all_users(rig.core, b"user other on nopass +@all\n") == []
    else:
        assert peer(f"ACL DELUSER {' '.join(names)} user:3 nobody user:9") == b":%d\r\n" % len(names)
    rig.core.end_turn()
    assert gone.session.id == 0
    assert peer("ACL USERS") == b"*2\r\n$7\r\ndefault\r\n$5\r\nother\r\n"
    assert stays("ACL WHOAMI") == b"$5\r\nother\r\n"
    assert_freed_in_steps(rig, begun)


def test_a_user_with_much_is_deleted_in_steps(rig: Rig) -> None:
    peer = Peer(rig.core)
    begun = used_memory(rig.core)[0]
    peer(f"ACL SETUSER worker {' '.join(f'~pattern:{i}' for i in range(KEYS))} {' '.join(f'>word{i}' for i in range(KEYS // 10))}")
    assert peer("ACL DELUSER worker") == b":1\r\n"
    assert_freed_in_steps(rig, begun)


@pytest.mark.parametrize("word", ["", " ASYNC", " SYNC"])
def test_functions_are_flushed_in_steps(rig: Rig, word: str) -> None:
    peer = Peer(rig.core)
    begun = used_memory(rig.core)[0]
    for i in range(KEYS // 4):
        load(peer, f"#!lua name=l{i}\nredis.register_function('f{i}', function() return {i} end)")
    assert peer("FCALL f7 0") == b":7\r\n"
    assert peer("FUNCTION FLUSH" + word, "FCALL f7 0", "FUNCTION LIST") == b"+OK\r\n-ERR Function not found\r\n*0\r\n"
    load(peer, "#!lua name=l7\nredis.register_function('f7', function() return 8 end)")
    assert rig.step()
    assert peer("FCALL f7 0") == b":8\r\n"
    peer("FUNCTION FLUSH")
    assert_freed_in_steps(rig, begun)


def test_what_waits_goes_with_the_core(rig: Rig) -> None:
    """That nothing is left behind is looked at after each test."""
    peer, tracker = Peer(rig.core), Peer(rig.core)
    rig.fill(peer)
    tracker("HELLO 3", "CLIENT TRACKING ON", f"MGET {WATCHED}")
    peer(f"WATCH {WATCHED}", "UNWATCH", *(f"SCRIPT LOAD return({i})" for i in range(100)), "SCRIPT FLUSH")
    load(peer, "#!lua name=l\nredis.register_function('f', function() return 1 end)")
    peer("FUNCTION FLUSH", *(f"ACL SETUSER user:{i}" for i in range(100)), f"ACL DELUSER {' '.join(f'user:{i}' for i in range(100))}")
    peer("FLUSHALL ASYNC")
    assert rig.steps


def load(peer: Peer, code: str) -> None:
    """Loads a library of functions."""
    peer.session.feed(request("FUNCTION", "LOAD", code))
    peer.core.end_turn()
