"""How a connection becomes a client: whether there is a place for it, whether it may come in, and how its socket is set up."""

from __future__ import annotations

import contextlib
import logging
import socket
from typing import Any

from zippy._core.session import Core, Session, Transport
from zippy.server.access import Access, is_loopback
from zippy.server.clients import ClientState, text_address
from zippy.settings import Settings

log = logging.getLogger("zippy")

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
        local = text_address(self.name_of(transport.get_extra_info("sockname"), is_unix))
        has_place = stream in self.arriving
        # from now on it is counted as a client alone
        self.arriving.discard(stream)
        refusal = TOO_MANY if not has_place and self.is_full() else self.access.refusal(peer, is_unix)
        if refusal:
            self.core.count_rejected()
            transport.write(refusal)
            transport.close()
            return None
        address = local if is_unix else text_address(peer)
        if not is_unix and is_loopback(peer):
            self.unpace(sock)
        state = ClientState(address, local, sock.fileno(), is_tls)
        session = Session(self.core, stream, address.encode(), state, is_unix, is_tls)
        if is_tls:
            self.access.trust_certificate(session, transport)
        return session

    def name_of(self, name: Any, is_unix: bool) -> Any:
        """A socket's own name, a path as it was asked for."""
        return self.asked_for.get(name, name) if is_unix else name

    def is_full(self) -> bool:
        """Whether there is no place for another client; connections whose handshakes are not done have one each."""
        return len(self.core.sessions) + len(self.arriving) >= self.settings.integer("maxclients")

    def tune(self, listener: socket.socket) -> None:
        """Sets up a listening socket, so that each connection of its comes with no-delay and keepalive set already."""
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        interval = self.settings.integer("tcp-keepalive")
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, interval > 0)
        if not interval:
            return
        for option, value in (("TCP_KEEPIDLE", interval), ("TCP_KEEPINTVL", max(interval // 3, 1)), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, option):
                listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

    def unpace(self, sock: socket.socket) -> None:
        """Sets plain congestion control, where no packet can be lost: a system that paces by default (bbr) would set a timer a reply."""
        if hasattr(socket, "TCP_CONGESTION"):
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")

    def log_limit(self, session: Session, reason: str) -> None:
        """Notes that a client is closed for being too large."""
        log.warning("Client closed: id=%d addr=%s, %s", session.id, session.state.address if session.state else "", reason)
