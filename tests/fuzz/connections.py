"""The fuzzer's connections: plain, over a Unix socket and over TLS; none of them ever waits for its server."""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hiredis

from tests.fuzz.words import Shared, Words

READ = 1 << 18
PATIENCE = 30.0
"""Seconds to wait for a connection; the server may be loading."""
UNSENT = 4 << 20
"""Bytes; who has so many to send is not given more."""
RESET_AT_CLOSE = struct.pack("ii", 1, 0)
VERSIONS = (b"\x0b\x00", b"\x0c\x00")
"""In the footer of what DUMP gives."""


def plain(port: int) -> socket.socket:
    """A TCP connection."""
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def local(path: Path) -> socket.socket:
    """A connection to a Unix socket."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE)
    connection.connect(str(path))
    return connection


def encrypted(port: int, authority: str) -> socket.socket:
    """A TLS connection."""
    return ssl.create_default_context(cafile=authority).wrap_socket(plain(port), server_hostname="127.0.0.1")


class Connection:
    """One client. Its commands depend on its seed alone, whatever the server answers."""

    def __init__(self, number: int, seed: str, shared: Shared, connect: Callable[[], socket.socket]) -> None:
        self.number = number
        self.words = Words(seed, shared)
        self.chance = random.Random(f"{seed} bytes")
        self.socket = connect()
        self.socket.setblocking(False)
        self.reader = hiredis.Reader(encoding=None)
        self.unsent = bytearray()
        self.slow = self.chance.random() < 0.05  # reads seldom

    def fileno(self) -> int:
        """For a selector."""
        return self.socket.fileno()

    def say(self, data: bytes) -> None:
        """Adds to what is to be sent."""
        self.unsent += data

    def write(self) -> None:
        """Sends what can be sent, now and then only the beginning. OSError: the connection has ended."""
        data = self.unsent if self.chance.random() < 0.9 else self.unsent[: self.chance.randint(0, len(self.unsent))]
        if data:
            with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                del self.unsent[: self.socket.send(data[: 1 << 20])]

    def replies(self) -> Iterator[Any]:
        """Reads what has come. OSError: the connection has ended; hiredis.ProtocolError: it is not RESP."""
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            while True:
                data = self.socket.recv(READ)
                if not data:
                    raise ConnectionResetError
                self.reader.feed(data)
                while (reply := self.reader.gets()) is not False:
                    yield reply
                if not isinstance(self.socket, ssl.SSLSocket):
                    return

    def close(self) -> None:
        """Ends the connection, at times with a reset in place of an orderly end."""
        if self.chance.random() < 0.3:
            with contextlib.suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
        self.socket.close()


def is_payload(reply: Any) -> bool:
    """Whether a reply looks like what DUMP gives."""
    return isinstance(reply, bytes) and reply[-10:-8] in VERSIONS
