"""Keys on their way to another server: what it is sent, and what comes of its replies, however they come."""

from __future__ import annotations

import pytest

from tests.resp import request
from tests.unit.peer import Peer
from zippy._core.session import Core, blocks_left_behind
from zippy._core.testing import mem_shim
from zippy._core.testing.mem_shim import fail_allocations
from zippy._core.transfer import Transfer


@pytest.fixture
def peer() -> Peer:
    """A client with the keys a, b and c."""
    peer = Peer(Core(1, 1))
    peer("SET a 1", "SET b 2", "SET c 3")
    return peer


def restores(orders: bytes) -> list[bytes]:
    """The keys that are restored."""
    words = orders.split(b"\r\n")
    return [words[at + 2] for at, word in enumerate(words) if word.startswith(b"RESTORE")]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_replies_in_pieces(peer: Peer, size: int) -> None:
    """Each key goes whose own reply was no error; the first error is kept."""
    transfer = Transfer(peer.session, [b"a", b"no", b"b", b"c", b"a"], False)
    assert restores(transfer.take(False)) == [b"a", b"b", b"c"]
    transfer.expect(2)
    replies = b"+OK\r\n+OK\r\n+OK\r\n-BUSYKEY there is one\r\n-ERR second\r\n"
    done = [transfer.receive(replies[at : at + size]) for at in range(0, len(replies), size)]
    assert done == [False] * (len(done) - 1) + [True]
    assert (transfer.error, transfer.surplus) == (b"BUSYKEY there is one", False)
    assert transfer.delete() == 2
    assert peer("EXISTS a b c") == b":2\r\n"
    transfer.end()


def test_refused_at_the_door(peer: Peer) -> None:
    """Where AUTH or SELECT failed, what came after it counts for nothing."""
    transfer = Transfer(peer.session, [b"a", b"b"], False)
    transfer.take(False)
    transfer.expect(2)
    assert transfer.receive(b"-WRONGPASS\r\n+OK\r\n+OK\r\n+OK\r\n")
    assert transfer.error == b"WRONGPASS"
    assert transfer.delete() == 2
    assert peer("EXISTS a b") == b":2\r\n"
    transfer.end()


def test_another_connection(peer: Peer) -> None:
    """What came over the first one is forgotten, half a reply among it."""
    transfer = Transfer(peer.session, [b"a", b"b"], False)
    transfer.take(False)
    transfer.expect(1)
    assert not transfer.receive(b"+OK\r\n+OK\r\n-ER")
    transfer.expect(0)
    assert not transfer.receive(b"-ERR\r\n")
    assert transfer.receive(b"+OK\r\n")
    assert transfer.error == b"ERR"
    assert transfer.delete() == 1
    assert peer("EXISTS a") == b":1\r\n"
    transfer.end()


def test_more_than_replies(peer: Peer) -> None:
    transfer = Transfer(peer.session, [b"a"], False)
    transfer.take(False)
    transfer.expect(0)
    assert transfer.receive(b"+OK\r\n+OK\r\n")
    assert transfer.surplus
    assert transfer.delete() == 0
    transfer.end()


def test_endless_reply(peer: Peer) -> None:
    """It is not kept."""
    transfer = Transfer(peer.session, [b"a"], False)
    transfer.take(False)
    transfer.expect(0)
    for _ in range(4):
        assert not transfer.receive(b"x" * 16384)
    with pytest.raises(ValueError, match="65536"):
        transfer.receive(b"x")
    transfer.end()


@pytest.mark.parametrize("in_cluster", [False, True])
def test_gone_meanwhile(peer: Peer, in_cluster: bool) -> None:
    """A key that was sent and then deleted is deleted there, and one that was changed is sent once more; in a cluster both ask."""
    transfer = Transfer(peer.session, [b"a", b"b", b"c"], in_cluster)
    orders = transfer.take(False)
    assert orders.count(b"RESTORE-ASKING") == (3 if in_cluster else 0)
    transfer.expect(0)
    peer("DEL a", "APPEND b x")
    assert transfer.receive(b"+OK\r\n" * 3)
    assert transfer.delete() == 2
    orders = transfer.take(True)
    deletion = (request("ASKING") if in_cluster else b"") + request("DEL", "a")
    assert orders.startswith(deletion)
    assert restores(orders) == [b"b"]
    assert orders.endswith(request("REPLACE").removeprefix(b"*1\r\n"))
    transfer.expect(0)
    assert transfer.receive(b"+OK\r\n" * (3 if in_cluster else 2))
    assert transfer.delete() == 0
    assert peer("EXISTS a b c") == b":0\r\n"
    transfer.end()


@pytest.mark.skipif(not mem_shim.DEBUG, reason="only a debug build can make the allocator fail")
def test_want_of_memory(peer: Peer) -> None:
    """Whatever there is no memory for, the keys stay until the whole way is gone."""
    replies = b"+OK\r\n" * 3
    peer("XADD stream 1-1 f v", "APPEND b x")
    for calls in range(100):
        fail_allocations(calls)
        transfer = None
        try:
            transfer = Transfer(peer.session, [b"a", b"b", b"stream"], False)
            orders = transfer.take(False)
            transfer.expect(0)
            assert [transfer.receive(replies[at : at + 4]) for at in range(0, len(replies), 4)][-1]
            left = transfer.delete()
        except MemoryError:
            assert peer("EXISTS a b stream") == b":3\r\n"
        else:
            assert (left, restores(orders)) == (0, [b"a", b"b", b"stream"])
            assert peer("EXISTS a b stream") == b":0\r\n"
            break
        finally:
            fail_allocations(0, 0)
            if transfer is not None:
                transfer.end()
    assert 3 < calls < 99


def test_left_undone() -> None:
    """Nothing stays of a transfer that nobody ends."""
    peer = Peer(Core(1, 1))
    peer("SET a 1")
    transfer = Transfer(peer.session, [b"a"], False)
    transfer.take(False)
    transfer.expect(0)
    transfer.receive(b"+O")
    del transfer
    del peer
    assert blocks_left_behind() == 0
