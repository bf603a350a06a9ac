"""What the reactor accepts: the connection's descriptor, its addresses, and who has it after a fork."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import wait_until
from zippy._core.reactor import Link, Reactor, available, somebody_waits
from zippy._core.session import Core, Session
from zippy.server.admission import PLAIN, Admission
from zippy.server.parts import Parts
from zippy.settings import Settings

pytestmark = pytest.mark.skipif(not available(), reason="this system has no poll set that the reactor knows")
WAYS = [pytest.param(socket.AF_INET, "127.0.0.1", "{}", id="IPv4"), pytest.param(socket.AF_INET6, "::1", "[{}]", id="IPv6")]


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    loop = asyncio.SelectorEventLoop()
    made = Reactor(Core(1, 1), loop)
    yield made
    made.close()
    loop.close()


def listening(family: int, address: object) -> socket.socket:
    """A socket that listens and does not block."""
    sock = socket.socket(family)
    try:
        sock.bind(address)
    except OSError:
        sock.close()
        pytest.skip("this machine has no such address")
    sock.listen()
    sock.setblocking(False)
    return sock


def accepted(reactor: Reactor, listener: socket.socket, unpaces: bool = False) -> Link:
    """The connection that is on its way."""
    link = wait_until(lambda: reactor.accept(listener.fileno(), unpaces))
    assert isinstance(link, Link)
    return link


def hear(client: socket.socket, reactor: Reactor) -> bytes:
    """What a client is sent."""

    def is_there() -> bool:
        reactor.run_passes()
        return bool(select.select([client], [], [], 0)[0])

    wait_until(is_there)
    return client.recv(100)


def algorithm(fd: int) -> bytes:
    """The congestion control of a connection."""
    with socket.socket(fileno=os.dup(fd)) as sock:
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")


@pytest.mark.parametrize(("family", "host", "form"), WAYS)
def test_addresses(reactor: Reactor, family: int, host: str, form: str) -> None:
    with listening(family, (host, 0)) as listener:
        assert reactor.accept(listener.fileno()) is None and not somebody_waits(listener.fileno())
        with socket.create_connection((host, listener.getsockname()[1]), timeout=10) as client:
            wait_until(lambda: somebody_waits(listener.fileno()))
            link = accepted(reactor, listener)
            assert link.peer == f"{form.format(host)}:{client.getsockname()[1]}".encode()
            assert link.local_address() == f"{form.format(host)}:{listener.getsockname()[1]}"
            assert link.is_local and not link.is_unix
            assert not os.get_blocking(link.fd) and not os.get_inheritable(link.fd)
            assert reactor.accept(listener.fileno()) is None
            link.close()
            assert (link.fd, link.local_address()) == (-1, "")
            assert client.recv(1) == b""


@pytest.mark.parametrize(("family", "host", "form"), WAYS)
def test_what_all_of_a_listener_have_reached(family: int, host: str, form: str) -> None:
    settings = Settings()
    parts = Parts(settings)
    admission = Admission(parts.core, settings, parts.access)
    with listening(family, (host, 0)) as listener:
        assert admission.reached(listener) == f"{form.format(host)}:{listener.getsockname()[1]}"
    with listening(family, ("0.0.0.0" if family == socket.AF_INET else "::", 0)) as listener:
        assert admission.reached(listener) == ""


def test_unix_socket(reactor: Reactor, tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with listening(socket.AF_UNIX, path) as listener, socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        link = accepted(reactor, listener)
        assert (link.peer, link.local_address(), link.is_local, link.is_unix) == (b"", "", True, True)
        link.close()


def test_last_words(reactor: Reactor) -> None:
    """Who is not served is told why; who is not told anything any more does no harm."""
    with listening(socket.AF_INET, ("127.0.0.1", 0)) as listener:
        for stays in (True, False):
            with socket.create_connection(listener.getsockname(), timeout=10) as client:
                link = accepted(reactor, listener)
                if not stays:
                    client.close()
                link.write(b"-no\r\n")
                link.write(b"-no\r\n")
                link.close()
                assert not stays or client.recv(100) == b"-no\r\n" * 2


def test_failure(reactor: Reactor) -> None:
    """What is no listening socket is an error, with the system's words."""
    with socket.socket() as sock, pytest.raises(OSError, match=os.strerror(errno.EINVAL)) as caught:
        reactor.accept(sock.fileno())
    assert caught.value.errno == errno.EINVAL


def test_a_link_that_nobody_has(reactor: Reactor) -> None:
    """Its descriptor is closed with it."""
    with listening(socket.AF_INET, ("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname(), timeout=10) as client:
        accepted(reactor, listener)
        assert client.recv(1) == b""


@pytest.mark.skipif(not hasattr(socket, "TCP_CONGESTION"), reason="congestion control cannot be chosen here")
def test_congestion_control(reactor: Reactor) -> None:
    """A connection over the loopback is not paced: by the listener's choice where that listens there alone, else by its own."""
    settings = Settings()
    parts = Parts(settings)
    admission = Admission(parts.core, settings, parts.access)
    with listening(socket.AF_INET, ("127.0.0.1", 0)) as listener:
        admission.tune(listener)
        assert not admission.paces(listener)
        with socket.create_connection(listener.getsockname(), timeout=10):
            link = accepted(reactor, listener, admission.paces(listener))
            assert algorithm(link.fd) in PLAIN
            link.close()
    with listening(socket.AF_INET, ("0.0.0.0", 0)) as listener:
        inherited = algorithm(listener.fileno())
        admission.tune(listener)
        assert algorithm(listener.fileno()) == inherited
        assert admission.paces(listener) == (inherited not in PLAIN)
        for unpaces, expected in ((True, b"reno"), (False, inherited)):
            with socket.create_connection(("127.0.0.1", listener.getsockname()[1])):
                link = accepted(reactor, listener, unpaces)
                assert algorithm(link.fd) == expected
                link.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_after_a_fork(reactor: Reactor) -> None:
    """A child that closes its copies leaves the parent's connections as they are, and keeps none of them open."""
    with listening(socket.AF_INET, ("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname(), timeout=10) as client:
        link = accepted(reactor, listener)
        link.start(Session(reactor.core, link))
        told, tells = os.pipe()
        waits, ends = os.pipe()
        child = os.fork()
        if not child:
            reactor.forget()
            os.write(tells, b"x")
            os.read(waits, 1)
            os._exit(0)
        try:
            assert os.read(told, 1) == b"x"
            client.sendall(b"PING\r\n")
            assert hear(client, reactor) == b"+PONG\r\n"
            reactor.close()
            assert client.recv(1) == b""
        finally:
            os.write(ends, b"x")
            os.waitpid(child, 0)
            for fd in (told, tells, waits, ends):
                os.close(fd)
