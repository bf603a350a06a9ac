"""A data store without clients, files or commands from outside: data files are loaded into it to be examined or converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from zippy._core import snapshot
from zippy._core.callback_transport import CallbackTransport
from zippy._core.client_list import ClientState
from zippy._core.introspection import keyspace
from zippy._core.resp.kinds import ReplyError
from zippy._core.session import Session
from zippy._core.snapshot import SaveRequest
from zippy.server.parts import Parts
from zippy.setting_types import parse
from zippy.settings import Settings, find_setting
from zippy.version import REDIS_VERSION

SETTINGS = {
    "save": "",
    "databases": "16384",  # whatever the setting was where the file comes from; an empty one costs 250 bytes
    "proto-max-bulk-len": str(1 << 40),
    "client-query-buffer-limit": str(1 << 40),
}

Request = list[bytes]


class Progress:
    """Is told how far something has come; this one keeps it to itself."""

    def begin(self, what: str, total: int) -> None:
        """Begins with something that has so many steps; 0: nobody knows."""

    def at(self, done: int) -> None:
        """So many are done."""

    def end(self) -> None:
        """It has come to its end, whichever."""


class Store(Protocol):
    """What keys can be read from and written to."""

    def call(self, requests: list[Request]) -> list[Any]:
        """Runs the commands: a reply each, an error as ReplyError."""

    def databases(self) -> list[tuple[int, int]]:
        """Number and keys of each database that has keys."""


class Scratch:
    """A core that is used by one caller at a time."""

    def __init__(self) -> None:
        settings = Settings()
        for name, text in SETTINGS.items():
            setting = find_setting(name)
            assert setting is not None
            settings.put(setting, parse(setting, text, settings.value(name)))
        self.core = Parts(settings).core
        self.output = bytearray()
        self.session = Session(self.core, CallbackTransport(self.take, lambda _: None), b"scratch", ClientState(""))

    def take(self, session: Session) -> None:
        """Collects replies."""
        self.output += session.take_output()

    def call(self, requests: list[Request]) -> list[Any]:
        """See Store."""
        self.session.feed(b"".join(map(as_resp, requests)))
        self.core.end_turn()
        while not self.core.free_some():
            pass
        replies = []
        at = 0
        for _ in requests:
            reply, at = read_reply(self.output, at)
            replies.append(reply)
        self.output.clear()
        return replies

    def databases(self) -> list[tuple[int, int]]:
        """See Store."""
        return [(number, keys) for number, keys, *_ in keyspace(self.core)]

    @property
    def counts(self) -> tuple[int, int]:
        """How many keys there are, and how many of them expire."""
        found = keyspace(self.core)
        return sum(keys for _, keys, *_ in found), sum(expiring for _, _, expiring, *_ in found)

    def save(self, path: Path, as_commands: bool = False, aof_base: bool = False) -> None:
        """Writes everything to a file, on disk as a whole or not at all. OSError when that fails."""
        request = SaveRequest(str(path), REDIS_VERSION, aof_base=aof_base)
        if as_commands:
            request.write_commands(False)
        snapshot.save_here(self.core, request)

    def close(self) -> None:
        """Gives the memory back."""
        self.session.close()
        snapshot.flush(self.core)
        while not self.core.free_some():
            pass


def as_resp(request: Request) -> bytes:
    """A command as a client sends it."""
    return b"*%d\r\n" % len(request) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in request)


def read_reply(data: bytearray, at: int) -> tuple[Any, int]:
    """The RESP2 reply that begins at this byte, and where the next one does."""
    end = data.index(b"\r\n", at)
    kind, line, at = data[at : at + 1], bytes(data[at + 1 : end]), end + 2
    if kind == b"-":
        return ReplyError(line.decode(errors="replace")), at
    if kind == b"+":
        return line, at
    count = int(line)
    if kind == b":":
        return count, at
    if count < 0:
        return None, at
    if kind == b"$":
        return bytes(data[at : at + count]), at + count + 2
    items = []
    for _ in range(count):
        item, at = read_reply(data, at)
        items.append(item)
    return items, at
