"""A replica's link to a primary that is made up, in simulated time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.replication.damage import HELLO, ID, OTHER, Peer, Victim, copies
from tests.resp import request
from zippy.replication import follower

FULL = HELLO + b"+FULLRESYNC %b 7\r\n" % ID


@pytest.fixture
def victim() -> Iterator[Victim]:
    """A server with some data."""
    made = Victim()
    yield made
    made.close()


def followed(victim: Victim, answer: bytes) -> Peer:
    """Has the server follow a primary that answers so; the connection."""
    peers: list[Peer] = []

    def accept(end: object) -> Peer:
        peers.append(Peer())
        return peers[-1]

    victim.network.listeners[OTHER] = accept
    victim.call("REPLICAOF", OTHER, 6379)
    victim.run()
    assert peers[0].end is not None
    peers[0].end.write(answer)
    return peers[0]


def sized(copy: bytes) -> bytes:
    """A copy of known length, in a primary's words."""
    return FULL + b"$%d\r\n" % len(copy) + copy


def test_second_thoughts(victim: Victim) -> None:
    """Whoever is not to be followed any more before the connection was begun is not connected to."""
    connected: list[str] = []
    for host in (OTHER, "10.0.0.8"):
        victim.network.listeners[host] = lambda end: connected.append(end.host) or Peer()
    victim.call("MULTI")
    victim.call("REPLICAOF", OTHER, 6379)
    victim.call("REPLICAOF", "10.0.0.8", 6379)
    victim.call("EXEC")
    victim.run()
    assert connected == ["10.0.0.8"]


def test_half_a_copy(victim: Victim) -> None:
    """What was loaded of a copy that turns out to be damaged does not stay: nobody has ever had this data."""
    copy = copies()[0]
    followed(victim, sized(copy[:-20]))
    victim.run()
    assert victim.server.replication.follower is not None and not victim.server.replication.follower.partial
    assert victim.call("DBSIZE") == b":0\r\n"
    victim.call("REPLICAOF", "NO", "ONE")
    assert victim.call("DBSIZE") == b":0\r\n"


def test_damaged_copy_aside(victim: Victim) -> None:
    """One that is loaded aside takes nothing away."""
    victim.call("CONFIG", "SET", "repl-diskless-load", "swapdb")
    before = victim.call("DBSIZE")
    followed(victim, sized(copies()[0][:-20]))
    victim.run()
    assert victim.call("DBSIZE") == before != b":0\r\n"


def test_setting_that_changes_meanwhile(victim: Victim, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy that is loaded aside has the server's own replicas come again, whatever the setting is in the end."""
    monkeypatch.setattr(follower, "STEP", 10)
    victim.call("CONFIG", "SET", "repl-diskless-load", "swapdb")
    primary = followed(victim, sized(copies()[1]))
    victim.run()
    replica = Peer()
    victim.network.loop.run_until_complete(victim.network.connect(lambda: replica, "10.0.0.8", victim.server.node.host, 6379))
    assert replica.end is not None and primary.end is not None
    replica.end.write(request("PSYNC", "?", "-1"))
    victim.run(0.3)
    primary.end.abort()
    del victim.network.listeners[OTHER]
    again = Peer()
    victim.network.listeners[OTHER] = lambda end: again
    victim.run(0.3)
    assert again.end is not None
    victim.network.turn_seconds = 0.001
    again.end.write(sized(copies()[0]))
    while not victim.server.is_loading:
        victim.run(0.001)
    assert not replica.lost
    victim.call("CONFIG", "SET", "repl-diskless-load", "disabled")
    victim.run()
    assert not victim.server.is_loading and replica.lost
