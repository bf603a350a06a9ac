"""What a primary knows of a replica, histories, and failovers, without a server."""

from __future__ import annotations

import pytest

from zippy._core.resp.kinds import ReplyError
from zippy._core.session import Core, Session
from zippy.replication.failover import Failover
from zippy.replication.history import NONE, History
from zippy.replication.primary import ConfError, Replica, State


class TestReplica:
    """primary.Replica."""

    def test_acknowledges(self) -> None:
        """Offsets only grow; the first acknowledgement after a copy lets the stream begin, once."""
        replica = Replica(State.ONLINE, waits_for_ack=True)
        assert not replica.is_good(0, 10)
        assert replica.acknowledge(50, None, 1.0)
        assert not replica.acknowledge(40, 30, 2.5)
        assert (replica.acked, replica.synced, replica.lag(5.0)) == (50, 30, 2)
        assert replica.is_good(12.0, 10) and not replica.is_good(14.0, 10)

    def test_says_of_itself(self) -> None:
        """REPLCONF's pairs."""
        replica = Replica()
        for pair in (("listening-port", "7"), ("ip-address", "host"), ("capa", "EOF"), ("capa", "psync2"), ("rdb-only", "1")):
            replica.configure(*pair)
        assert (replica.port, replica.address, replica.eof, replica.psync2, replica.rdb_only) == (7, "host", True, True, True)
        for text, wanted in (("", False), ("functions", True)):
            replica.configure("rdb-filter-only", text)
            assert (replica.keyless, replica.libraries) == (True, wanted)
        for pair in (
            ("listening-port", "x"),
            ("what", "1"),
            ("rdb-filter-only", "keys"),
            ("rdb-filter-only", "functions keys"),
            ("ip-address", "x" * 47),
        ):
            with pytest.raises(ConfError):
                replica.configure(*pair)


class TestHistory:
    """history.History."""

    def test_branches(self) -> None:
        """Up to where it branched off, the old name is as good as the new one."""
        history = History()
        old = history.id
        assert history.second == NONE and history.knows(old, 10**9) and not history.knows("x", 1)
        history.branch(100)
        assert history.id != old and (history.second, history.second_end) == (old, 101)
        assert history.knows(old, 101) and not history.knows(old, 102) and history.knows(history.id, 102)
        history.begin_anew()
        assert not history.knows(old, 1)


class Fake:
    """The replication that a failover needs."""

    def __init__(self) -> None:
        self.is_replica = False
        self.core = Core()
        self.replicas = [(Session(self.core, None, b"10.0.0.1:5"), Replica(State.ONLINE, port=7, acked=90))]
        self.done: list[object] = []

    def online_replicas(self) -> list[tuple[Session, Replica]]:
        """See failover.Server."""
        return self.replicas

    def address_of(self, session: Session, replica: Replica) -> str:
        """See failover.Server."""
        return session.address().partition(":")[0]

    def offset(self) -> int:
        """See failover.Server."""
        return 100

    def ask_acks(self) -> None:
        """See failover.Server."""

    def pause_writes(self, paused: bool) -> None:
        """See failover.Server."""
        self.done.append(paused)

    def hand_over(self, address: tuple[str, int]) -> None:
        """See failover.Server."""
        self.done.append(address)

    def take_back(self) -> None:
        """See failover.Server."""
        self.done.append("back")


class TestFailover:
    """failover.Failover."""

    def test_hands_over(self) -> None:
        """As soon as a replica has everything; writes wait until it has taken over."""
        fake = Fake()
        failover = Failover(fake, lambda: 0.0)
        failover.command([b"failover"])
        failover.look()
        assert failover.state == "waiting-for-sync" and fake.done == [True]
        with pytest.raises(ReplyError, match="already in progress"):
            failover.command([b"failover"])
        fake.replicas[0][1].acked = 100
        failover.look()
        assert failover.state == "failover-in-progress" and fake.done == [True, ("10.0.0.1", 7)]
        failover.answered(True)
        assert not failover.holds and fake.done[-1] is False

    def test_is_declined(self) -> None:
        """A replica that does not take over leaves all as it was."""
        fake = Fake()
        failover = Failover(fake, lambda: 0.0)
        failover.command([b"failover"])
        failover.run(("10.0.0.1", 7))
        failover.answered(False)
        assert not failover.holds and fake.done == [True, ("10.0.0.1", 7), False, "back"]

    def test_time_is_over(self) -> None:
        """Then all stays as it was, or the replica takes over without what it lacks."""
        now = 0.0
        fake = Fake()
        failover = Failover(fake, lambda: now)
        failover.command([b"failover", b"timeout", b"1000"])
        now = 2.0
        failover.cron()
        assert not failover.holds and fake.done == [True, False]
        failover.command([b"failover", b"to", b"10.0.0.1", b"7", b"force", b"timeout", b"1000"])
        now = 4.0
        failover.cron()
        assert failover.state == "failover-in-progress"
        failover.command([b"failover", b"abort"])
        assert not failover.holds and fake.done[-1] == "back"

    def test_refuses(self) -> None:
        """Whom it does not know, and force without a time."""
        failover = Failover(Fake(), lambda: 0.0)
        for words, text in (("to a 1", "not a replica"), ("force", "requires both"), ("abort", "No failover")):
            with pytest.raises(ReplyError, match=text):
                failover.command([b"failover", *words.encode().split()])
