"""As much of the protocol as a load generator needs: commands to bytes, and replies read and thrown away."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator

Word = bytes | str | int
BATCH = 500  # commands a write; a server answers so many within its output buffer


class ErrorReply(Exception):
    """The server answered with an error."""


def request(*words: Word) -> bytes:
    """A command as RESP."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class Connection:
    """A blocking connection to a server on loopback."""

    def __init__(self, port: int, timeout: float = 120.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.replies = self.socket.makefile("rb", 1 << 16)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; again if need be."""
        self.replies.close()
        self.socket.close()

    def __call__(self, *words: Word) -> object:
        """Sends a command and returns its reply: int, bytes, None or a list of those. Raises ErrorReply."""
        self.socket.sendall(request(*words))
        return self.read()

    def read(self) -> object:
        """The next reply. An error inside of an array is returned, not raised."""
        line = self.replies.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if kind == b"-":
            raise ErrorReply(rest.decode())
        if kind == b"$":
            length = int(rest)
            return None if length < 0 else self.replies.read(length + 2)[:-2]
        if kind in b"*>~":
            return None if rest == b"-1" else [self.read() for _ in range(int(rest))]
        if kind == b"%":
            return [self.read() for _ in range(2 * int(rest))]
        raise ConnectionError(f"not a reply: {line!r}")

    def send_all(self, batches: Iterable[tuple[int, bytes]]) -> int:
        """Sends batches of (number of commands, their bytes), waiting for each one's replies; returns the number of commands."""
        sent = 0
        for count, data in batches:
            self.socket.sendall(data)
            for _ in range(count):
                self.read()
            sent += count
        return sent


def batched(requests: Iterable[bytes], size: int = BATCH) -> Iterator[tuple[int, bytes]]:
    """Commands in batches for Connection.send_all."""
    batch: list[bytes] = []
    for one in requests:
        batch.append(one)
        if len(batch) == size:
            yield size, b"".join(batch)
            batch.clear()
    if batch:
        yield len(batch), b"".join(batch)
