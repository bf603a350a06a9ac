"""An expired entry that nobody may delete yet, as in CLIENT PAUSE: who writes its key finds it absent, and one entry is left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.peer import Peer
from zippy._core.session import Core
from zippy.server.server import Server
from zippy.settings import Settings, find_setting

NOW = 1_700_000_000_000_000  # us
MS = 1000
PUTS = [
    "SET k new", "SET k new PX 100000", "SET k new KEEPTTL", "SETNX k new", "SETEX k 100 new", "GETSET k new", "MSET k new", "MSETNX k new",
    "APPEND k new", "INCR k", "INCRBYFLOAT k 1.5", "SETRANGE k 2 new", "SETBIT k 9 1", "BITOP OR k text", "LPUSH k new",
    "BITFIELD k SET u8 0 1",
    "HSET k f new", "SADD k new", "ZADD k 1 new", "SMOVE set k 1", "LMOVE list k LEFT LEFT", "SORT list STORE k", "SUNIONSTORE k set",
    "ZUNIONSTORE k 1 zset", "ZRANGESTORE k zset 0 -1", "RENAME text k", "RENAMENX text k", "COPY text k",
]  # fmt: skip


@pytest.fixture
def peer() -> Iterator[Peer]:
    core = Core(16, 1)
    core.set_clock(NOW)
    made = Peer(core)
    made("SADD set 1 2", "RPUSH list 1 2", "ZADD zset 1 a", "SET text 1")
    yield made
    made.session.close()


def count(peer: Peer) -> int:
    """How many entries there are, each of which is a key of its own."""
    entries = int(peer("DBSIZE")[1:])
    assert peer("KEYS *").startswith(b"*%d\r\n" % entries)
    return entries


@pytest.mark.parametrize("command", PUTS)
@pytest.mark.parametrize("old", ["SET k old PX 5", "SADD k old"])
def test_a_write_in_a_pause(peer: Peer, old: str, command: str) -> None:
    peer(old, "PEXPIRE k 5")
    peer.core.set_clock(NOW + 20 * MS)
    said = peer("MULTI", "CLIENT PAUSE 50 WRITE", command, "EXISTS k", "EXEC")
    assert b"\r\n-ERR" not in said and b"WRONGTYPE" not in said and said.endswith(b":1\r\n")
    assert peer("DBSIZE") == (b":4\r\n" if command.startswith("RENAME") else b":5\r\n")
    assert peer("CLIENT UNPAUSE", "DEL k", "EXISTS k") == b"+OK\r\n:1\r\n:0\r\n"
    assert count(peer) == (3 if command.startswith("RENAME") else 4)


def test_it_stays_where_nothing_is_put(peer: Peer) -> None:
    peer("SET k old PX 5")
    peer.core.set_clock(NOW + 20 * MS)
    assert peer("MULTI", "CLIENT PAUSE 50 WRITE", "LPOP k", "PERSIST k", "GET k", "EXEC").endswith(b"*4\r\n+OK\r\n$-1\r\n:0\r\n$-1\r\n")
    assert peer("DBSIZE", "CLIENT UNPAUSE", "GET k", "DBSIZE") == b":5\r\n+OK\r\n$-1\r\n:4\r\n"


def test_a_pause_ends_with_the_first_command_after_it(peer: Peer) -> None:
    peer("SET k old PX 5", "CLIENT PAUSE 50 WRITE")
    peer.core.set_clock(NOW + 60 * MS)
    # nobody woke the core: the command itself sees that the time is over
    assert peer("LPOP k", "DBSIZE", "SET k new", "GET k", "DBSIZE") == b"$-1\r\n:4\r\n+OK\r\n$3\r\nnew\r\n:5\r\n"


def test_who_was_held_goes_on_when_another_finds_the_pause_over(peer: Peer) -> None:
    held = Peer(peer.core)
    peer("CLIENT PAUSE 50 WRITE")
    assert held("SET k held") == b""
    peer.core.set_clock(NOW + 60 * MS)
    assert peer("GET text") == b"$1\r\n1\r\n"
    assert held.sent == b"+OK\r\n"
    held.session.close()


@pytest.mark.parametrize("command", ["SUNIONSTORE k set", "SORT list STORE k", "BITOP OR k text", "ZRANGESTORE k zset 0 -1"])
def test_what_is_stored_over_an_expired_key_is_new(peer: Peer, command: str) -> None:
    listener = Peer(peer.core)
    peer.core.set_setting("notify-keyspace-events", 1 << 1 | 1 << 8 | 1 << 14 | 1 << 15)
    listener("PSUBSCRIBE *")
    peer("SET k old PX 5")
    peer.core.set_clock(NOW + 20 * MS)
    listener.sent = b""
    peer(command)
    assert [word for word in (b"expired", b"new", b"overwritten") if b"__:" + word in listener.sent] == [b"expired", b"new"]
    listener.session.close()


def test_populate_in_a_pause() -> None:
    server = Server(Settings())
    server.settings.put(find_setting("enable-debug-command"), "yes")
    server.core.set_clock(NOW)
    peer = Peer(server.core)
    peer("SET key:1 old PX 5", "CLIENT PAUSE 50 WRITE")
    server.core.set_clock(NOW + 20 * MS)
    assert peer("DEBUG POPULATE 3", "DEBUG VERIFY", "DBSIZE") == b"+OK\r\n+OK\r\n:3\r\n"
    assert peer("GET key:1", "CLIENT UNPAUSE", "DEL key:1", "EXISTS key:1") == b"$7\r\nvalue:1\r\n+OK\r\n:1\r\n:0\r\n"
    peer.session.close()
