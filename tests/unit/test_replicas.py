"""The relay of a core: a primary's stream that ends anywhere is gone on with where it was left, so that nothing is lost or run twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.resp import request
from tests.unit.peer import Peer
from zippy._core.callback_transport import CallbackTransport
from zippy._core.replicas import Replicas
from zippy._core.session import Core, Session

UNITS = [
    request("SELECT", "1"),
    request("INCR", "once"),
    request("MULTI") + request("INCR", "in") + request("SELECT", "0") + request("INCR", "in") + request("EXEC"),
    request("INCR", "once"),
    request("PING"),
    request("APPEND", "text", "x" * 200),
    request("MULTI") + request("APPEND", "text", "y") + request("EXEC"),
]
STREAM = b"".join(UNITS)
ENDS = [sum(map(len, UNITS[:count])) for count in range(len(UNITS) + 1)]


class Follower:
    """A core that follows a primary."""

    def __init__(self) -> None:
        self.core = Core(2, 1)
        self.relay = Replicas(self.core, lambda: None)
        self.relay.keep(1 << 20)
        self.relay.begin()
        self.db = 0
        self.session: Session | None = None

    def follow(self) -> None:
        """Takes the stream up."""
        self.session = Session(self.core, CallbackTransport(lambda _: None, lambda _: None))
        self.relay.follow(self.session, self.db)

    def leave(self) -> int:
        """The stream ends; how far it was."""
        assert self.session is not None
        self.db = self.relay.select
        self.relay.unfollow()
        self.session.close()
        return self.relay.offset

    def data(self) -> bytes:
        """What there is."""
        peer = Peer(self.core)
        return peer("GET once", "GET in", "GET text", "SELECT 1", "GET once", "GET in", "GET text")


def whole() -> bytes:
    """What there is when nothing happens."""
    follower = Follower()
    follower.follow()
    follower.relay.feed(STREAM)
    assert follower.leave() == len(STREAM)
    return follower.data()


@given(st.lists(st.integers(1, len(STREAM)), max_size=6), st.integers(1, 60))
def test_ends_anywhere(ends: list[int], step: int) -> None:
    """The offset is the end of the last command that has been run, and of no part of a transaction; the rest is sent again from there."""
    follower = Follower()
    at = 0
    for end in [*sorted(ends), len(STREAM)]:
        follower.follow()
        for begin in range(at, end, step):
            follower.relay.feed(STREAM[begin : min(begin + step, end)])
        at = follower.leave()
        assert at == max(place for place in ENDS if place <= max(end, at))
    assert follower.data() == whole()


def test_transaction_under_way() -> None:
    """What came before it counts at once, though it came with it."""
    follower = Follower()
    follower.follow()
    follower.relay.feed(UNITS[1] + UNITS[2][:40])
    assert follower.relay.offset == len(UNITS[1])
    follower.relay.feed(UNITS[2][40:] + UNITS[3][:5])
    assert follower.relay.offset == len(UNITS[1]) + len(UNITS[2])


def test_primary_says_what_expires() -> None:
    """A key or a field whose time is over is there for the primary's commands until the primary deletes it, and for nobody else."""
    follower = Follower()
    follower.core.set_clock(1_000_000)
    follower.follow()
    follower.relay.set_role(True, True, False, True)
    peer = Peer(follower.core)
    follower.relay.feed(request("SET", "gone", "a", "PXAT", "2000") + request("SET", "kept", "a", "PXAT", "2000"))
    follower.relay.feed(request("HSET", "hash", "a", "1", "b", "2") + request("HPEXPIREAT", "hash", "2000", "FIELDS", "1", "a"))
    follower.core.set_clock(3_000_000)
    assert peer("GET gone", "DBSIZE", "HGET hash a") == b"$-1\r\n:3\r\n$-1\r\n"
    follower.relay.feed(request("APPEND", "kept", "b") + request("PERSIST", "kept") + request("DEL", "gone"))
    follower.relay.feed(request("HINCRBY", "hash", "a", "1") + request("HPERSIST", "hash", "FIELDS", "1", "a"))
    assert peer("GET kept", "DBSIZE", "HGET hash a") == b"$2\r\nab\r\n:2\r\n$1\r\n2\r\n"
