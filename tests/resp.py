"""A small RESP2/RESP3 client that keeps what the wire said: each reply carries its kind, so a test can tell a simple
string from a bulk string and a null bulk from a null array, which client libraries hide.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, NamedTuple

Arg = bytes | str | int | float

PATIENCE = 30.0
"""Seconds that a reply may take where the machine has much else to do."""


class ProtocolError(Exception):
    """The peer sent bytes that are not RESP, or not in its canonical form."""


class ConnectionClosed(Exception):
    """The peer closed the connection while a reply was awaited."""


class Reply(NamedTuple):
    """One reply. `kind` is RESP's type byte as text, or "$-1" and "*-1" for RESP2's two nulls ("_" is RESP3's).

    `value`: bytes for + - $ ! = ( and , (as sent); int for ":"; bool for "#"; None for nulls; a tuple of replies for
    * ~ >; a tuple of pairs of replies for %; (pairs, reply) for an attribute "|".
    """

    kind: str
    value: Any

    def plain(self) -> Any:
        """The reply as plain Python data: bytes, int, float, bool, None, list, set-like lists and dicts; errors stay bytes."""
        if self.kind in "*~>":
            return [item.plain() for item in self.value]
        if self.kind == "%":
            return {key.plain(): value.plain() for key, value in self.value}
        if self.kind == ",":
            return float(self.value)
        if self.kind == "(":
            return int(self.value)
        if self.kind == "|":
            return self.value[1].plain()
        return self.value

    @property
    def is_error(self) -> bool:
        """True for a simple or a bulk error."""
        return self.kind in "-!"

    @property
    def is_null(self) -> bool:
        """True for each of the three nulls."""
        return self.kind in ("$-1", "*-1", "_")


SIMPLE = {ord("+"): "+", ord("-"): "-", ord(","): ",", ord("("): "("}
BULK = {ord("$"): "$", ord("!"): "!", ord("="): "="}
AGGREGATE = {ord("*"): "*", ord("~"): "~", ord(">"): ">"}


class Incomplete(Exception):
    """More bytes are needed to finish the reply."""


def parse(data: bytes | bytearray, start: int) -> tuple[Reply, int]:
    """Read one reply from `data` at `start`: the reply and the position after it. Raises Incomplete or ProtocolError."""
    end = data.find(b"\r\n", start)
    if end < 0:
        raise Incomplete
    kind = data[start]
    line = bytes(data[start + 1 : end])
    position = end + 2
    if kind in BULK:
        return parse_bulk(data, BULK[kind], line, position)
    if kind == 58:  # ":"
        return Reply(":", canonical_int(line)), position
    if kind in SIMPLE:
        return Reply(SIMPLE[kind], line), position
    if kind in AGGREGATE:
        return parse_items(data, AGGREGATE[kind], line, position)
    if kind == 37:  # "%"
        pairs, position = parse_pairs(data, canonical_int(line), position)
        return Reply("%", pairs), position
    if kind == 95 and line == b"":  # "_"
        return Reply("_", None), position
    if kind == 35 and line in (b"t", b"f"):  # "#"
        return Reply("#", line == b"t"), position
    if kind == 124:  # "|"
        pairs, position = parse_pairs(data, canonical_int(line), position)
        reply, position = parse(data, position)
        return Reply("|", (pairs, reply)), position
    raise ProtocolError(f"not a reply: {bytes(data[start : start + 60])!r}")


def canonical_int(line: bytes) -> int:
    """The integer in `line`, which has to be written the one canonical way (no plus sign, no leading zeros)."""
    try:
        number = int(line)
    except ValueError:
        raise ProtocolError(f"not an integer: {line!r}") from None
    if b"%d" % number != line:
        raise ProtocolError(f"not a canonical integer: {line!r}")
    return number


def parse_bulk(data: bytes | bytearray, kind: str, line: bytes, position: int) -> tuple[Reply, int]:
    """Read the body of a bulk reply whose length line was `line`."""
    length = canonical_int(line)
    if length == -1 and kind == "$":
        return Reply("$-1", None), position
    if length < 0:
        raise ProtocolError(f"bad bulk length: {line!r}")
    end = position + length
    if len(data) < end + 2:
        raise Incomplete
    if data[end : end + 2] != b"\r\n":
        raise ProtocolError(f"bulk of {length} bytes does not end in CRLF")
    return Reply(kind, bytes(data[position:end])), end + 2


def parse_items(data: bytes | bytearray, kind: str, line: bytes, position: int) -> tuple[Reply, int]:
    """Read the elements of an array, set or push whose length line was `line`."""
    length = canonical_int(line)
    if length == -1 and kind == "*":
        return Reply("*-1", None), position
    if length < 0:
        raise ProtocolError(f"bad length: {line!r}")
    items = []
    for _ in range(length):
        item, position = parse(data, position)
        items.append(item)
    return Reply(kind, tuple(items)), position


def parse_pairs(data: bytes | bytearray, length: int, position: int) -> tuple[tuple[tuple[Reply, Reply], ...], int]:
    """Read `length` pairs of replies."""
    if length < 0:
        raise ProtocolError(f"bad map length: {length}")
    pairs = []
    for _ in range(length):
        key, position = parse(data, position)
        value, position = parse(data, position)
        pairs.append((key, value))
    return tuple(pairs), position


def to_bytes(arg: Arg) -> bytes:
    """An argument as the bytes that go over the wire."""
    if isinstance(arg, bytes):
        return arg
    return str(arg).encode() if not isinstance(arg, str) else arg.encode()


def encode(args: tuple[Arg, ...] | list[Arg]) -> bytes:
    """A command as a RESP array of bulk strings."""
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        data = to_bytes(arg)
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def request(*words: Arg) -> bytes:
    """A command as it goes over the wire."""
    return encode(words)


class RawClient:
    """One connection: `client("SET", "a", 1)` sends a command and returns its typed reply."""

    def __init__(self, host: str, port: int, timeout: float = PATIENCE) -> None:
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.position = 0

    def __call__(self, *args: Arg) -> Reply:
        self.send(*args)
        return self.read()

    def send(self, *args: Arg) -> None:
        """Send one command and don't wait for its reply."""
        self.socket.sendall(encode(args))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def read(self, timeout: float | None = None) -> Reply:
        """The next reply or push, within `timeout` seconds where that is given. Raises TimeoutError, ConnectionClosed or ProtocolError."""
        if timeout is not None:
            before = self.socket.gettimeout()
            self.socket.settimeout(timeout)
            try:
                return self.read()
            finally:
                self.socket.settimeout(before)
        while True:
            try:
                if self.position < len(self.buffer):
                    reply, self.position = parse(self.buffer, self.position)
                    return reply
            except Incomplete:
                pass
            self.fill()

    def fill(self) -> None:
        """Wait for more bytes."""
        if self.position:
            del self.buffer[: self.position]
            self.position = 0
        try:
            data = self.socket.recv(1 << 20)
        except ConnectionError as error:
            raise ConnectionClosed(str(error)) from None
        if not data:
            raise ConnectionClosed("the peer closed the connection")
        self.buffer += data

    def read_until(self, fence: bytes) -> list[Reply]:
        """Send `PING fence` and return everything that came before its reply: the pushes that were on their way."""
        self.send("PING", fence)
        answers = (
            Reply("$", fence),
            Reply("*", (Reply("$", b"pong"), Reply("$", fence))),
        )
        replies = []
        while (reply := self.read()) not in answers:
            replies.append(reply)
        return replies

    def info(self, *sections: str) -> dict[str, str]:
        """What INFO says, by field."""
        lines = self("INFO", *sections).value.decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def is_closed(self, timeout: float = 20.0) -> bool:
        """True when the peer closes the connection within `timeout` seconds; replies on the way are dropped."""
        try:
            while True:
                self.read(timeout)
        except ConnectionClosed:
            return True
        except TimeoutError:
            return False

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


Connect = Callable[[], RawClient]
