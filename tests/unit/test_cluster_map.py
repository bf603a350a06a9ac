"""What a node's core does when slots change their owner: who waits is told, what is lost goes in steps, use is counted by slot."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.resp import request
from tests.unit.peer import Peer
from zippy._core.cluster import MINE, NOBODYS, OTHERS, PRIMARYS, SLOTS, ClusterMap, key_slot
from zippy._core.replicas import Replicas
from zippy._core.session import Core, blocks_left_behind

SLOT = key_slot(b"{a}")


class Node:
    """A core with all slots, and who does its work between turns."""

    def __init__(self) -> None:
        self.core = Core(1, 1)
        self.slots = ClusterMap(self.core)
        self.slots.enable()
        self.slots.set_node(0, b"here:1", b"here:2")
        self.slots.set_node(7, b"there:1", b"there:2")
        self.slots.assign(0, SLOTS - 1, 0, MINE)
        self.slots.set_state(True, False, True)
        self.later: list[Callable[[], object]] = []

    def peer(self) -> Peer:
        """A client."""
        return Peer(self.core)

    def told(self, peer: Peer) -> bytes:
        """What a client has been sent, unasked."""
        peer.sent = b""
        self.core.end_turn()
        return peer.sent


@pytest.fixture
def node() -> Node:
    return Node()


def test_enable_is_for_the_beginning() -> None:
    core = Core(1, 1)
    slots = ClusterMap(core)
    assert not slots.enabled
    with pytest.raises(ValueError, match="no node"):
        slots.assign(0, 1, 0, MINE)
    Peer(core)("SET a b")
    with pytest.raises(ValueError, match="data already"):
        slots.enable()


@pytest.mark.parametrize("slot", [-1, SLOTS])
def test_no_such_slot(node: Node, slot: int) -> None:
    for ask in (node.slots.count, node.slots.owner, node.slots.settle, node.slots.flush, lambda slot: node.slots.keys(slot, 1)):
        with pytest.raises(ValueError, match="no slot"):
            ask(slot)
    with pytest.raises(ValueError, match="no slot"):
        node.slots.assign(slot, slot, 0, MINE)
    for index, kind in ((-1, MINE), (65535, MINE), (0, -1), (0, NOBODYS + 1)):
        with pytest.raises(ValueError, match="no node"):
            node.slots.assign(0, 0, index, kind)
    with pytest.raises(ValueError, match="no node"):
        node.slots.set_node(65535, b"", b"")


def test_keys(node: Node) -> None:
    peer = node.peer()
    peer(*(f"SET {{a}}{n} x" for n in range(100)), "SET b x")
    assert node.slots.count(SLOT) == 100
    assert set(node.slots.keys(SLOT, 1000)) == {b"{a}%d" % n for n in range(100)}
    assert len(node.slots.keys(SLOT, 10)) == len(set(node.slots.keys(SLOT, 10))) == 10
    assert node.slots.keys(SLOT, 0) == node.slots.keys(SLOT, -1) == node.slots.keys(0, 10) == []
    assert node.slots.owner(SLOT) == (0, MINE)
    peer("FLUSHALL")
    assert node.slots.count(SLOT) == 0


def test_endpoints(node: Node) -> None:
    """The latest place of a node is told; of one that is not known it is a question mark."""
    peer = node.peer()
    node.slots.assign(SLOT, SLOT, 7, OTHERS)
    assert peer("GET {a}") == b"-MOVED %d there:1\r\n" % SLOT
    node.slots.set_node(7, b"?:3", b"?:4")
    assert peer("GET {a}") == b"-MOVED %d ?:3\r\n" % SLOT
    node.slots.assign(SLOT, SLOT, 5, OTHERS)
    assert peer("GET {a}") == b"-MOVED %d ?:0\r\n" % SLOT


class TestWhoWaits:
    """Clients that are blocked on keys, when their slot changes."""

    @pytest.mark.parametrize("command", ["BLPOP {a}x 0", "XREAD BLOCK 0 STREAMS {a}x $", "BZPOPMIN {a}x {a}y 0"])
    def test_another_has_the_slot(self, node: Node, command: str) -> None:
        peer = node.peer()
        assert peer(command) == b""
        node.slots.assign(SLOT + 1, SLOTS - 1, 7, OTHERS)
        assert node.told(peer) == b""
        node.slots.assign(SLOT, SLOT, 7, OTHERS)
        assert node.told(peer) == b"-MOVED %d there:1\r\n" % SLOT
        assert peer("PING") == b"+PONG\r\n"

    def test_nobody_has_the_slot(self, node: Node) -> None:
        peer = node.peer()
        peer("BLPOP {a}x 0")
        node.slots.assign(SLOT, SLOT, 0, NOBODYS)
        assert node.told(peer) == b"-CLUSTERDOWN Hash slot not served\r\n"

    def test_cluster_is_down(self, node: Node) -> None:
        """Though reads are served: the write that it waits for will not come."""
        peer = node.peer()
        peer("BLPOP {a}x 0")
        node.slots.set_state(False, True, True)
        assert node.told(peer) == b"-CLUSTERDOWN The cluster is down\r\n"

    def test_slot_comes_in(self, node: Node) -> None:
        """Who said ASKING waits for what the importing node gets."""
        peer = node.peer()
        node.slots.assign(SLOT, SLOT, 7, OTHERS)
        node.slots.import_(SLOT, 7)
        assert peer("ASKING", "BLPOP {a}x 0") == b"+OK\r\n"
        node.slots.assign(SLOT, SLOT, 7, OTHERS)
        assert node.told(peer) == b""
        node.slots.settle(SLOT)
        assert node.told(peer) == b"-MOVED %d there:1\r\n" % SLOT

    def test_reads_of_a_replica(self, node: Node) -> None:
        reader, other = node.peer(), node.peer()
        reader("READONLY", "XREAD BLOCK 0 STREAMS {a}x $")
        other("XREAD BLOCK 0 STREAMS {a}x $")
        node.slots.assign(SLOT, SLOT, 7, PRIMARYS)
        assert node.told(reader) == b""
        assert other.sent == b"-MOVED %d there:1\r\n" % SLOT

    def test_waits_for_no_key(self, node: Node) -> None:
        """Who is paused, or has no blocked command, hears nothing."""
        peer = node.peer()
        peer("CLIENT PAUSE 100000")
        peer("BLPOP {a}x 0")
        node.slots.assign(SLOT, SLOT, 7, OTHERS)
        assert node.told(peer) == b""


class TestShardChannels:
    """Subscribers of a slot that changes its owner."""

    @pytest.mark.parametrize("protocol", [2, 3])
    def test_lost(self, node: Node, protocol: int) -> None:
        peer, other = node.peer(), node.peer()
        peer.session.protocol = protocol
        peer("SSUBSCRIBE {a}x {a}y", "SSUBSCRIBE b")
        other("SSUBSCRIBE {a}x")
        other.sent = b""
        node.slots.assign(SLOT, SLOT, 7, OTHERS)
        kind = b"*" if protocol == 2 else b">"
        ends = [b"%b3\r\n$12\r\nsunsubscribe\r\n$4\r\n{a}%b\r\n:%d\r\n" % (kind, name, left) for name, left in ((b"x", 2), (b"y", 1))]
        told = node.told(peer)
        assert told in (b"".join(ends), b"".join(ends[::-1]).replace(b":1", b":n").replace(b":2", b":1").replace(b":n", b":2"))
        assert other.sent == b"*3\r\n$12\r\nsunsubscribe\r\n$4\r\n{a}x\r\n:0\r\n"
        # it is in no subscribed mode any more
        assert other("GET b") == b"$-1\r\n"
        assert node.peer()("PUBSUB SHARDCHANNELS") == b"*1\r\n$1\r\nb\r\n"

    @pytest.mark.parametrize("kind", [MINE, PRIMARYS])
    def test_kept(self, node: Node, kind: int) -> None:
        peer = node.peer()
        peer("SSUBSCRIBE {a}x")
        node.slots.assign(SLOT, SLOT, 7, kind)
        assert node.told(peer) == b""


class TestFlush:
    """Keys of a slot that was lost."""

    def test_in_steps(self, node: Node) -> None:
        """Between turns, and with nobody there to do that at once."""
        peer = node.peer()
        peer(*(f"SET {{a}}{n} x" for n in range(2000)), "SET b x")
        node.core.free_between_turns(node.later.append)
        node.slots.assign(SLOT, SLOT, 7, OTHERS)
        node.slots.flush(SLOT)
        node.slots.flush(SLOT)
        assert node.slots.flushing and len(node.later) == 1
        steps = 0
        while node.slots.flushing:
            before = node.slots.count(SLOT)
            node.later.pop(0)()
            assert 0 < before - node.slots.count(SLOT) < 250
            steps += 1
        assert steps >= 8
        assert peer("DBSIZE") == b":1\r\n"
        node.core.free_between_turns(None)
        peer("SET b x")
        node.slots.flush(key_slot(b"b"))
        assert peer("DBSIZE") == b":0\r\n"

    def test_what_it_brings(self, node: Node) -> None:
        """DEL for replicas and files; watchers and who tracks keys hear of it, events do not."""
        relay = Replicas(node.core, lambda: None)
        relay.begin()
        peer, watcher, tracker, listener = (node.peer() for _ in range(4))
        peer("SET {a}x 1")
        node.core.set_setting("notify-keyspace-events", 0xFFF)
        watcher("WATCH {a}x")
        tracker.session.protocol = 3
        tracker("CLIENT TRACKING ON", "GET {a}x")
        listener("PSUBSCRIBE *")
        before = relay.offset
        node.slots.assign(SLOT, SLOT, 7, OTHERS)
        node.slots.flush(SLOT)
        assert node.told(tracker) == b">2\r\n$10\r\ninvalidate\r\n*1\r\n$4\r\n{a}x\r\n"
        assert node.told(listener) == b""
        assert relay.offset - before == len(request("DEL", "{a}x"))
        assert watcher("MULTI", "PING", "EXEC") == b"+OK\r\n+QUEUED\r\n*-1\r\n"

    @pytest.mark.parametrize("comes_back", [
        lambda slots: slots.assign(SLOT, SLOT, 0, MINE), lambda slots: slots.import_(SLOT, 7),
    ])  # fmt: skip
    def test_slot_comes_back(self, node: Node, comes_back: Callable[[ClusterMap], None]) -> None:
        """Before it is flushed to its end: what is put then stays."""
        node.core.free_between_turns(node.later.append)
        peer = node.peer()
        peer(*(f"SET {{a}}{n} x" for n in range(1000)))
        node.slots.assign(SLOT, SLOT, 7, OTHERS)
        node.slots.flush(SLOT)
        comes_back(node.slots)
        assert not node.slots.flushing
        assert peer("DBSIZE", "ASKING", "SET {a}new 1") == b":0\r\n+OK\r\n+OK\r\n"
        while node.later:
            node.later.pop(0)()
        assert node.slots.keys(SLOT, 10) == [b"{a}new"]


class TestList:
    """Keys of a slot that are taken away as they are listed, as a slot that moves has them."""

    def test_all_come(self, node: Node) -> None:
        """Those, too, that are put meanwhile, before and behind where the list is."""
        peer = node.peer()
        peer(*(f"SET {{a}}{n} x" for n in range(2000)))
        there = {b"{a}%d" % n for n in range(2000)}
        for turn in range(399):
            keys = node.slots.keys(SLOT, 10)
            assert 10 <= len(set(keys)) == len(keys) or set(keys) == there
            assert set(keys) <= there
            peer(*(f"DEL {key.decode()}" for key in keys), *(f"SET {{a}}new{turn * 5 + n} x" for n in range(5)))
            there = there - set(keys) | {b"{a}new%d" % (turn * 5 + n) for n in range(5)}
        assert set(node.slots.keys(SLOT, 10_000)) == there
        assert len(there) == 2000 + 399 * 5 - 399 * 10

    def test_what_is_gone_costs_nothing(self, node: Node) -> None:
        """The last keys of many are listed as fast as the first."""

        def seconds() -> float:
            began = time.perf_counter()
            node.slots.keys(SLOT, 10)
            return time.perf_counter() - began

        peer = node.peer()
        peer(*(f"SET {{a}}{n} x" for n in range(200_000)))
        first = min(seconds() for _ in range(200))
        while node.slots.count(SLOT) > 100_000:
            peer("DEL " + " ".join(key.decode() for key in node.slots.keys(SLOT, 1000)))
        assert min(seconds() for _ in range(200)) < 5 * first


class TestUse:
    def test_counted(self, node: Node) -> None:
        peer = node.peer()
        peer("SET {a} 1")
        assert node.slots.stats(SLOT) == (1, 0, 0, 0)
        node.slots.count_use(True)
        peer("GET {a}", "PING", "GET {a}")
        keys, us, bytes_in, bytes_out = node.slots.stats(SLOT)
        assert (keys, bytes_in, bytes_out) == (1, 2 * len(request("GET", "{a}")), 2 * len(b"$1\r\n1\r\n"))
        assert us >= 0
        peer("MULTI", "GET {a}", "EXEC")
        node.slots.reset_stats()
        assert node.slots.stats(SLOT) == (1, 0, 0, 0)
        peer("GET {a}")
        assert node.slots.stats(SLOT)[2] == len(request("GET", "{a}"))
        node.slots.count_use(False)
        assert node.slots.stats(SLOT) == (1, 0, 0, 0)


def test_scan_of_one_slot(node: Node) -> None:
    """A pattern with a tag has that slot scanned alone; SCAN of all gives each key."""
    peer = node.peer()
    peer(*(f"SET {{a}}{n} x" for n in range(30)), *(f"SET b{n} x" for n in range(3000)))
    found, cursor, steps = set[bytes](), b"0", 0
    while cursor != b"0" or not steps:
        reply = peer(f"SCAN {cursor.decode()} MATCH {{a}}*").split(b"\r\n")
        cursor = reply[2]
        found |= {line for line in reply[3:] if line.startswith(b"{a}")}
        steps += 1
    assert found == {b"{a}%d" % n for n in range(30)}
    assert steps < 10
    assert peer("KEYS {a}1?").startswith(b"*10\r\n")


def test_reset_ends_it(node: Node) -> None:
    """RESET takes READONLY and ASKING back."""
    peer = node.peer()
    node.slots.assign(SLOT, SLOT, 7, PRIMARYS)
    assert peer("READONLY", "GET {a}") == b"+OK\r\n$-1\r\n"
    peer.session.reset()
    assert peer("GET {a}") == b"-MOVED %d there:1\r\n" % SLOT


def test_nothing_is_left_behind() -> None:
    before = blocks_left_behind()
    node = Node()
    peer = node.peer()
    peer(*(f"SET k{n} x" for n in range(1000)))
    node.slots.count_use(True)
    peer.session.close()
    del node, peer
    assert blocks_left_behind() == before


def test_what_was_taken_does_not_move() -> None:
    """A slot that was moving and is another node's now is asked for there, as any other of its slots."""
    node = Node()
    node.slots.migrate(SLOT, 7)
    peer = node.peer()
    assert peer("GET {a}") == b"-ASK %d there:1\r\n" % SLOT
    node.slots.assign(SLOT, SLOT, 7, OTHERS)
    assert peer("GET {a}") == b"-MOVED %d there:1\r\n" % SLOT


def test_asking_in_a_transaction() -> None:
    """ASKING that EXEC runs holds for nothing."""
    node = Node()
    node.slots.assign(SLOT, SLOT, 7, OTHERS)
    node.slots.import_(SLOT, 7)
    peer = node.peer()
    peer("MULTI", "ASKING", "EXEC")
    assert peer("GET {a}") == b"-MOVED %d there:1\r\n" % SLOT
    peer("ASKING")
    assert peer("GET {a}") == b"$-1\r\n"


def test_a_spoiled_transaction() -> None:
    """EXEC of a transaction that is spoiled says so, whatever has become of its slots."""
    node = Node()
    peer = node.peer()
    peer("MULTI", "GET {a}", "GET")
    node.slots.assign(SLOT, SLOT, 7, OTHERS)
    assert peer("EXEC").startswith(b"-EXECABORT")
