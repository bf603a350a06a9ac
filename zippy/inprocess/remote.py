"""What Engine.execute is where another process has the store: commands in a transaction over its socket, so that none of them waits and
nobody comes between, with replies as Engine.execute gives them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
from collections.abc import Sequence
from typing import Any

from zippy._core.resp.kinds import ReplyError
from zippy.commandspec import find_command

REFUSED = "ERR Engine.execute runs what a script may run, and nothing in a CLIENT PAUSE"
Words = tuple[bytes, ...]


def word(value: object) -> bytes:
    """An argument as bytes; TypeError when it is of no kind that an argument may be."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(value).encode()
    raise TypeError(f"an argument is bytes, str, int or float, not {type(value).__name__}")


def request(words: Sequence[bytes]) -> bytes:
    """A command as it is sent."""
    return b"*%d\r\n" % len(words) + b"".join([b"$%d\r\n%b\r\n" % (len(each), each) for each in words])


def may_run(words: Words) -> bool:
    """Whether a script may run the command; one that is not known is the engine's to refuse."""
    names = [each.decode(errors="replace") for each in words[:2]]
    spec = (find_command("|".join(names)) if len(names) > 1 else None) or find_command(names[0])
    return spec is None or "noscript" not in spec.flags


class Remote:
    """A connection to the process that has the store. ConnectionError when it ends; then it is closed."""

    def __init__(self, connection: socket.socket, database: int, password: str) -> None:
        self.connection = connection
        self.replies = connection.makefile("rb")
        self.database = database
        self.send([b"HELLO", b"3"] + ([b"AUTH", b"default", password.encode()] if password else []))
        self.send([b"SELECT", b"%d" % database])
        for _ in range(2):
            greeting = self.read()
            if isinstance(greeting, ReplyError):
                self.close()
                raise greeting

    def is_alive(self) -> bool:
        """Whether the other end is there: nothing comes unasked but the end."""
        try:
            return not select.select([self.connection], [], [], 0)[0]
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        """Ends the connection; may be called twice."""
        with contextlib.suppress(OSError):
            self.replies.close()
        self.connection.close()

    def run(self, commands: list[Words]) -> list[Any]:
        """The values of the commands, run in one turn, ReplyErrors among them."""
        values: dict[int, Any] = {place: ReplyError(REFUSED) for place, words in enumerate(commands) if not may_run(words)}
        while len(values) < len(commands):
            left = [place for place in range(len(commands)) if place not in values]
            if self.transact(left, commands, values):
                break
        return [values[place] for place in range(len(commands))]

    def transact(self, places: list[int], commands: list[Words], values: dict[int, Any]) -> bool:
        """Runs the commands at these places; False when none was run, since some were refused: those have their values then."""
        self.send([b"MULTI"], *[commands[place] for place in places], [b"EXEC"])
        self.read()
        refused = {place: reply for place in places if isinstance(reply := self.read(), ReplyError)}
        result = self.read()
        if refused:
            values.update(refused)
            return False
        if isinstance(result, ReplyError):
            values.update(dict.fromkeys(places, result))
            return True
        values.update(zip(places, result, strict=True))
        for place in places:
            if commands[place][0].lower() == b"select" and not isinstance(values[place], ReplyError):
                self.database = int(commands[place][1])
        return True

    def send(self, *requests: Sequence[bytes]) -> None:
        """Sends requests. ConnectionError when that cannot be."""
        try:
            self.connection.sendall(b"".join([request(words) for words in requests]))
        except OSError as error:
            self.close()
            raise ConnectionError(f"the store's owner is gone: {error.strerror or error}") from None

    def read(self) -> Any:
        """One reply. ConnectionError when the connection ends first."""
        try:
            return self.read_value()
        except (OSError, ValueError):
            self.close()
            raise ConnectionError("the store's owner is gone") from None

    def read_value(self) -> Any:
        """A value of RESP3. OSError or ValueError when the connection has ended."""
        line = self.replies.readline()
        if not line.endswith(b"\r\n"):
            raise OSError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        kind, text = line[:1], line[1:-2]
        if kind in b"+":
            return text
        if kind in b"-":
            return ReplyError(text.decode(errors="surrogateescape"))
        if kind in b":":
            return int(text)
        if kind in b",":
            return float(text)
        if kind in b"#":
            return text == b"t"
        if kind in b"_":
            return None
        if kind in b"$=!":
            data = self.read_bytes(int(text))
            return data if kind == b"$" else data[4:] if kind == b"=" else ReplyError(data.decode(errors="surrogateescape"))
        if kind in b"(":
            return int(text)
        return self.read_items(kind, int(text))

    def read_bytes(self, size: int) -> bytes:
        """So many bytes and the end of their line."""
        data = self.replies.read(size + 2)
        if len(data) != size + 2:
            raise OSError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        return data[:-2]

    def read_items(self, kind: bytes, count: int) -> Any:
        """A list, a set or a dict."""
        if kind == b"%":
            return {hashable(self.read_value()): self.read_value() for _ in range(count)}
        items = [self.read_value() for _ in range(count)]
        return set(map(hashable, items)) if kind == b"~" else items


def hashable(value: Any) -> Any:
    """A value as a key of a dict or a member of a set."""
    return tuple(map(hashable, value)) if isinstance(value, list) else value
