"""Long replies and requests go in pieces: a client that is as fast as the server does not have it to itself."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.waiting import wait_until
from zippy._core.introspection import engine_stats
from zippy._core.reactor import Reactor, available
from zippy._core.replicas import Replicas
from zippy._core.session import Core, Session

SIZE = 3 << 20
PIECE = 256 * 1024


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.SelectorEventLoop()
    yield made
    made.close()


def pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a TCP connection, that of the accepted one not blocking. Linux takes SIZE bytes on the way that nobody has read."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        here = socket.create_connection(listening.getsockname())
        there, _ = listening.accept()
    here.settimeout(10)
    there.setblocking(False)
    return here, there


def hear(client: socket.socket, turn: Callable[[], object]) -> bytes:
    """What a client is sent; turns are taken until something is there."""

    def is_there() -> bool:
        turn()
        return bool(select.select([client], [], [], 0)[0])

    wait_until(is_there)
    return client.recv(100)


def sent_by(core: Core) -> int:
    """Bytes of output."""
    sent = engine_stats(core)["total_net_output_bytes"]
    assert isinstance(sent, int)
    return sent


def read_by(core: Core) -> int:
    """Bytes of input."""
    read = engine_stats(core)["total_net_input_bytes"]
    assert isinstance(read, int)
    return read


@pytest.mark.skipif(not available(), reason="this system has no poll set that the reactor knows")
def test_a_turn_sends_a_part(loop: asyncio.AbstractEventLoop) -> None:
    """A pass sends 256 KiB at most, though the socket takes more; the rest follows, and no event has to tell."""
    core = Core(1, 1)
    reactor = Reactor(core, loop)
    clients = []
    for _ in range(2):
        here, there = pair()
        link = reactor.link(there.detach())
        link.start(Session(core, link))
        clients.append(here)
    greedy, other = clients
    other.sendall(b"SETRANGE big %d x\r\n" % (SIZE - 1))
    assert hear(other, reactor.run_passes) == b":%d\r\n" % SIZE
    before = sent_by(core)
    greedy.sendall(b"GET big\r\n")
    while sent_by(core) == before:
        reactor.run_passes()
    assert sent_by(core) - before <= PIECE
    other.sendall(b"PING\r\n")
    left = SIZE + len(b"$%d\r\n\r\n" % SIZE)
    greedy.setblocking(False)

    def turn() -> None:
        loop.call_soon(loop.stop)
        loop.run_forever()

    while left:
        turn()
        # what is on its way need not be here yet
        with suppress(BlockingIOError):
            left -= len(greedy.recv(2 * SIZE))
    assert hear(other, turn) == b"+PONG\r\n"
    reactor.close()
    greedy.close()
    other.close()


@pytest.mark.skipif(not available(), reason="this system has no poll set that the reactor knows")
def test_a_turn_sends_a_part_of_what_follows(loop: asyncio.AbstractEventLoop) -> None:
    """Also where more is written whenever all has been sent, as a copy for a replica is."""
    core = Core(1, 1)
    reactor = Reactor(core, loop)
    relay = Replicas(core, lambda session: None)
    here, there = pair()
    link = reactor.link(there.detach())
    session = Session(core, link)
    link.start(session)
    session.on_sent = lambda session: relay.write(session, bytes(PIECE // 4))
    here.sendall(b"PING\r\n")
    wait_until(lambda: reactor.run_passes() or sent_by(core))
    before = sent_by(core)
    assert before <= PIECE
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert before < sent_by(core) <= 2 * PIECE
    reactor.close()
    here.close()


@pytest.mark.skipif(not available(), reason="this system has no poll set that the reactor knows")
def test_a_full_socket(loop: asyncio.AbstractEventLoop) -> None:
    """What it does not take waits until an event tells that there is room, the first time and later."""
    core = Core(1, 1)
    reactor = Reactor(core, loop)
    here, there = pair()
    link = reactor.link(there.detach())
    link.start(Session(core, link))
    size = 64 << 20

    def turn() -> None:
        loop.call_soon(loop.stop)
        loop.run_forever()

    here.sendall(b"SETRANGE big %d x\r\n" % (size - 1))
    assert hear(here, turn) == b":%d\r\n" % size
    here.setblocking(False)
    for _ in range(2):
        begin = sent_by(core)
        here.send(b"GET big\r\n")
        before = -1
        while before != sent_by(core) or before == begin:
            before = sent_by(core)
            for _ in range(10):
                turn()
        left = size + len(b"$%d\r\n\r\n" % size)
        assert before - begin < left
        while left:
            turn()
            with suppress(BlockingIOError):
                left -= len(here.recv(1 << 20))
    reactor.close()
    here.close()


@pytest.mark.skipif(not available(), reason="this system has no poll set that the reactor knows")
def test_a_turn_reads_a_part(loop: asyncio.AbstractEventLoop) -> None:
    """Also where the rest of the last turn's is looked at again and more comes in this one."""
    core = Core(1, 1)
    reactor = Reactor(core, loop)
    here, there = pair()
    link = reactor.link(there.detach())
    link.start(Session(core, link))
    here.setblocking(False)
    here.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % (512 << 20))

    def turn() -> bool:
        """Whether enough was read; more is sent before."""
        with suppress(BlockingIOError):
            here.send(b"x" * SIZE)
        before = read_by(core)
        reactor.run_passes()
        assert read_by(core) - before <= PIECE
        return before > 4 * SIZE

    wait_until(turn)
    reactor.close()
    here.close()
