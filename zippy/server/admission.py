"""How a connection becomes a client: whether there is a place for it, whether it may come in, and how its socket is set up."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from typing import Any

from zippy._core.client_list import ClientState
from zippy._core.reactor import Link, address_of
from zippy._core.session import Core, Session, Transport
from zippy.server.access import Access, is_loopback
from zippy.server.clients import text_address
from zippy.settings import Settings

log = logging.getLogger("zippy")

PLAIN = {b"reno", b"cubic"}  # congestion control that never paces
ANY = {"0.0.0.0", "::"}  # hosts that stand for all addresses of the machine
TOO_MANY = b"-ERR max number of clients reached\r\n"


class Admission:
    """The places of a core's clients."""

    def __init__(self, core: Core, settings: Settings, access: Access) -> None:
        self.core = core
        self.settings = settings
        self.access = access
        self.arriving: set[Transport] = set()  # accepted, but no client yet: their handshakes are not done
        self.asked_for: dict[str, str] = {}  # paths of Unix sockets, by what the system was given in their place
        core.on_limit = self.log_limit

    def admit(self, stream: Transport, transport: Any, is_tls: bool) -> Session | None:
        """Admits a new connection: its session, or None when it was turned away. stream: drives the session; transport: asyncio's
        interface."""
        sock = transport.get_extra_info("socket")
        # whoever is gone already has no peer name any more
        peer = transport.get_extra_info("peername")
        is_unix = sock.family == socket.AF_UNIX
        is_local = is_unix or is_loopback(peer)
        has_place = stream in self.arriving
        # from now on it is counted as a client alone
        self.arriving.discard(stream)
        if self.refuses(transport, is_local, has_place or not self.is_full(self.limit())):
            return None
        local = self.unix_address(sock) if is_unix else text_address(transport.get_extra_info("sockname"))
        if is_local and not is_unix:
            self.unpace(sock)
        address = local if is_unix else text_address(peer)
        session = Session(self.core, stream, os.fsencode(address), ClientState(local, sock.fileno(), is_tls), is_unix, is_tls)
        if is_tls:
            self.access.trust_certificate(session, transport)
        return session

    def admit_link(self, link: Link, limit: int, reached: str) -> Session | None:
        """As admit, for a connection that the reactor has accepted. limit: how many clients there may be; reached: of its listener."""
        if self.refuses(link, link.is_local, not self.is_full(limit)):
            return None
        if link.is_unix:
            return Session(self.core, link, os.fsencode(reached), ClientState(reached, link.fd), True)
        return Session(self.core, link, link.peer or b"", ClientState(reached or link.local_address, link.fd))

    def refuses(self, transport: Any, is_local: bool, has_place: bool) -> bool:
        """Whether a connection is turned away, which is told why and closed then. transport: its write and close, as asyncio's."""
        refusal = self.access.refusal(is_local) if has_place else TOO_MANY
        if refusal is None:
            return False
        self.core.count_rejected()
        transport.write(refusal)
        transport.close()
        return True

    def unix_address(self, sock: socket.socket) -> str:
        """The address of those who come over a Unix socket: its path, as it was asked for, and 0; "" for a socket of another kind."""
        if sock.family != socket.AF_UNIX:
            return ""
        name = sock.getsockname()
        return text_address(self.asked_for.get(name, name))

    def reached(self, listener: socket.socket) -> str:
        """The address that whoever comes over a listening socket has reached; "" where that may be any of the machine's."""
        if listener.family == socket.AF_UNIX:
            return self.unix_address(listener)
        # so that nobody has to ask the system for each of ten thousand clients, which takes longer than the rest of CLIENT LIST
        return "" if listener.getsockname()[0] in ANY else address_of(listener.fileno())

    def limit(self) -> int:
        """How many clients there may be."""
        return self.settings.integer("maxclients")

    def is_full(self, limit: int) -> bool:
        """Whether there are as many clients as there may be; connections whose handshakes are not done have a place each."""
        return len(self.core.sessions) + len(self.arriving) >= limit

    def tune(self, listener: socket.socket) -> None:
        """Sets up a listening socket, so that each connection of its comes with no-delay and keepalive set already, and plain congestion
        control where all peers are on this machine."""
        if is_loopback(listener.getsockname()) and self.paces(listener):
            self.unpace(listener)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        interval = self.settings.integer("tcp-keepalive")
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, interval > 0)
        if not interval:
            return
        for option, value in (("TCP_KEEPIDLE", interval), ("TCP_KEEPINTVL", max(interval // 3, 1)), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, option):
                listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

    def paces(self, listener: socket.socket) -> bool:
        """Whether connections of a listening socket come with congestion control that may pace them."""
        if not hasattr(socket, "TCP_CONGESTION"):
            return False
        try:
            return listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0") not in PLAIN
        except OSError:
            return False

    def unpace(self, sock: socket.socket) -> None:
        """Sets plain congestion control, where no packet can be lost: a system that paces by default (bbr) would set a timer a reply."""
        if hasattr(socket, "TCP_CONGESTION"):
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")

    def log_limit(self, session: Session, reason: str) -> None:
        """Notes that a client is closed for being too large."""
        log.warning("Client closed: id=%d addr=%s, %s", session.id, session.address(), reason)
