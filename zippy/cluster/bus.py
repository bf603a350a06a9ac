"""The bus: connections between nodes, each way one, as asyncio protocols."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Protocol, cast

from zippy.cluster.message import Frames, MessageError
from zippy.cluster.node import Link

log = logging.getLogger("zippy")

ANY_ADDRESS = {"*": "0.0.0.0", "::*": "::"}
BACKLOG = 511


class Owner(Protocol):
    """Who the bus works for."""

    def accepted(self, peer_ip: str) -> Link:
        """Another node has made a connection."""

    def opened(self, link: Link) -> None:
        """A connection of ours is there."""

    def lost(self, link: Link) -> None:
        """A connection is gone, or could not be had."""

    def received(self, link: Link, messages: list[bytes], local_ip: str) -> None:
        """Whole messages have come. MessageError: one is none."""

    def knows(self, id: str) -> bool:
        """Whether this is a node's id."""


class Connection(asyncio.Protocol):
    """One connection. link: whose it is, None: another node makes it."""

    def __init__(self, bus: Bus, link: Link | None) -> None:
        self.bus = bus
        self.link = link
        self.frames = Frames(bus.owner.knows)
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        # uvloop's are no asyncio.Transport
        self.transport = stream = cast(asyncio.Transport, transport)
        if self.bus.closed:
            stream.abort()
            return
        if self.link is None:
            self.link = self.bus.owner.accepted(address_of(stream, "peername"))
            self.bus.connections[self.link] = self
        elif self.bus.connections.get(self.link) is self:
            self.bus.owner.opened(self.link)
        else:
            stream.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes of the other node."""
        link, transport = self.link, self.transport
        if link is None or transport is None or self.bus.connections.get(link) is not self:
            return
        try:
            self.bus.owner.received(link, self.frames.feed(data), address_of(transport, "sockname"))
        except MessageError as error:
            log.warning("Bad message on the cluster bus from %s, the link is closed: %s", address_of(transport, "peername"), error)
            self.bus.drop(link)

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        if self.link is not None and self.bus.connections.get(self.link) is self:
            self.bus.drop(self.link)

    @property
    def unsent(self) -> int:
        """Bytes that the system has not taken yet."""
        return self.transport.get_write_buffer_size() if self.transport is not None else 0


class Bus:
    """All connections of one node."""

    def __init__(self, owner: Owner, context: Callable[[bool], ssl.SSLContext | None]) -> None:
        self.owner = owner
        self.context = context  # TLS's, for the server's side or the other one; None: connections are plain
        self.connections: dict[Link, Connection] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.sockets: list[socket.socket] = []
        self.servers: list[asyncio.Server] = []
        self.closed = False

    def bind(self, addresses: list[str], port: int) -> None:
        """Has the system take connections, which wait until they are served. OSError when an address cannot be had."""
        for address in addresses:
            host = address.removeprefix("-")
            try:
                found = socket.getaddrinfo(ANY_ADDRESS.get(host, host), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
                self.sockets += [socket.create_server(place, family=family, backlog=BACKLOG) for family, _, _, _, place in found]
            except OSError:
                if not address.startswith("-"):
                    raise

    async def serve(self) -> None:
        """Serves connections."""
        loop = asyncio.get_running_loop()
        for sock in self.sockets:
            server = await loop.create_server(lambda: Connection(self, None), sock=sock, backlog=BACKLOG, ssl=self.context(True))
            self.servers.append(server)

    def open(self, link: Link, ip: str, port: int, bind: str) -> None:
        """Begins to connect."""
        connection = self.connections[link] = Connection(self, link)
        task = asyncio.get_running_loop().create_task(self.connect(connection, ip, port, bind), name="zippy-cluster-link")
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def connect(self, connection: Connection, ip: str, port: int, bind: str) -> None:
        """Connects."""
        local = (bind, 0) if bind else None
        try:
            await asyncio.get_running_loop().create_connection(lambda: connection, ip, port, local_addr=local, ssl=self.context(False))
        except (OSError, UnicodeError) as error:
            log.debug("Unable to connect to Cluster Node [%s]:%d -> %s", ip, port, error)
            if connection.link is not None and self.connections.get(connection.link) is connection:
                self.drop(connection.link)

    def send(self, link: Link, data: bytes) -> None:
        """Sends bytes."""
        connection = self.connections.get(link)
        if connection is not None and connection.transport is not None:
            connection.transport.write(data)

    def close(self, link: Link) -> None:
        """Ends a connection, and tells nobody."""
        connection = self.connections.pop(link, None)
        if connection is not None and connection.transport is not None:
            connection.transport.abort()

    def drop(self, link: Link) -> None:
        """Ends a connection."""
        self.close(link)
        self.owner.lost(link)

    def stop(self) -> None:
        """Ends everything."""
        self.closed = True
        for server in self.servers:
            server.close()
        for task in self.tasks:
            task.cancel()
        for link in list(self.connections):
            self.close(link)


def address_of(transport: asyncio.Transport, what: str) -> str:
    """The address of one end of a connection."""
    found = transport.get_extra_info(what)
    return str(found[0]) if isinstance(found, tuple) else ""
