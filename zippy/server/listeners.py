"""Where clients connect: TCP, TLS and Unix sockets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
from typing import TYPE_CHECKING, Any

from zippy._core.transport import StreamProtocol
from zippy.server.clients import text_address

if TYPE_CHECKING:
    from zippy.server.server import Server

log = logging.getLogger("zippy")


class Listeners:
    """All listening sockets of a server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.settings = server.settings
        self.tcp: list[asyncio.Server] = []
        self.tls: list[asyncio.Server] = []
        self.unix: asyncio.Server | None = None
        self.unix_path = ""

    def protocol(self) -> StreamProtocol:
        """A protocol for one new connection."""
        return StreamProtocol(self.server)

    async def open(self) -> None:
        """Opens what the settings ask for. OSError when an address cannot be had; nothing stays open then."""
        try:
            port = self.settings.integer("port")
            if port:
                self.tcp = await self.open_port(port, None)
            tls_port = self.settings.integer("tls-port")
            if tls_port:
                self.tls = await self.open_port(tls_port, self.tls_context())
            path = self.settings.text("unixsocket")
            if path:
                await self.open_unix(path)
        except BaseException:
            await self.close()
            raise

    async def open_port(self, port: int, context: ssl.SSLContext | None) -> list[asyncio.Server]:
        """Listens on every address of `bind`; one with a leading "-" may be missing from the machine."""
        loop = asyncio.get_running_loop()
        servers = []
        addresses: Any = self.settings.value("bind")
        for bind in addresses:
            optional = bind.startswith("-")
            host = bind.removeprefix("-")
            host = {"*": "0.0.0.0", "::*": "::"}.get(host, host)
            try:
                servers.append(
                    await loop.create_server(self.protocol, host, port, backlog=self.settings.integer("tcp-backlog"), ssl=context, reuse_address=True)
                )
            except OSError as error:
                if optional:
                    continue
                for opened in servers:
                    opened.close()
                raise OSError(error.errno, f"Could not create server TCP listening socket {host}:{port}: {error.strerror or error}") from error
        return servers

    async def open_unix(self, path: str) -> None:
        """Listens on a Unix socket; a file left by a dead server is replaced."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        loop = asyncio.get_running_loop()
        self.unix = await loop.create_unix_server(self.protocol, path, backlog=self.settings.integer("tcp-backlog"))
        self.unix_path = path
        mode = self.settings.integer("unixsocketperm")
        if mode:
            os.chmod(path, mode)

    def describe(self) -> str:
        """The addresses as key=value facts for the log."""
        facts = [f"tcp={text_address(sock.getsockname())}" for server in self.tcp for sock in server.sockets]
        facts += [f"tls={text_address(sock.getsockname())}" for server in self.tls for sock in server.sockets]
        if self.unix_path:
            facts.append(f"unix={self.unix_path}")
        return " ".join(facts)

    def tls_context(self) -> ssl.SSLContext:
        """The context of the tls-* settings."""
        get = self.settings.text
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(get("tls-cert-file"), get("tls-key-file") or None, get("tls-key-file-pass") or None)
        if get("tls-ca-cert-file") or get("tls-ca-cert-dir"):
            context.load_verify_locations(get("tls-ca-cert-file") or None, get("tls-ca-cert-dir") or None)
        wanted = get("tls-auth-clients")
        context.verify_mode = {"no": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL}.get(wanted, ssl.CERT_REQUIRED)
        if get("tls-ciphers"):
            context.set_ciphers(get("tls-ciphers"))
        return context

    def tune(self, transport: Any, is_unix: bool) -> None:
        """Sets keepalive and no-delay on a new connection."""
        sock = transport.get_extra_info("socket")
        if sock is None or is_unix:
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        interval = self.settings.integer("tcp-keepalive")
        if not interval:
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (("TCP_KEEPIDLE", interval), ("TCP_KEEPINTVL", max(interval // 3, 1)), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, option):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

    async def close(self) -> None:
        """Stops listening and removes the Unix socket."""
        for server in (*self.tcp, *self.tls, *([self.unix] if self.unix else [])):
            server.close()
        self.tcp, self.tls, self.unix = [], [], None
        if self.unix_path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.unix_path)
            self.unix_path = ""
