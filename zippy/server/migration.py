"""MIGRATE: keys go to another server, over connections that are kept for a few seconds.

The loop goes on meanwhile. A key that was changed while it was sent is sent once more; if that happens again, clients' writes wait for the
answer.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from zippy._core.resp.kinds import ReplyError, Simple
from zippy._core.session import Core, Session
from zippy._core.transfer import Transfer, hide_words
from zippy.server.arguments import integer, syntax_error, text
from zippy.server.registry import command
from zippy.settings import Settings

KEPT_SECONDS = 10.0
KEPT = 64  # connections
LINE = 64 * 1024  # bytes of a reply at most
DEFAULT_TIMEOUT = 1.0  # seconds, where none is given
FREE_ROUNDS = 2  # in which other clients may write to the keys
ROUNDS = 16
OK = Simple("OK")
KEYS_AND_KEY = "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"
CONNECTING = "IOERR error or timeout connecting to the client"
WRITING = "IOERR error or timeout writing to target instance"
READING = "IOERR error or timeout reading to target instance"


@dataclass
class Request:
    """What was asked for."""

    host: str
    port: int
    database: int
    timeout: float  # seconds
    keys: list[bytes]
    copy: bool = False
    replace: bool = False
    login: list[bytes] = field(default_factory=list)  # of AUTH
    secrets: int = 0  # where these words are in the command


@dataclass
class Link:
    """A connection to another server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    database: int = -1  # that is selected


def read_request(args: list[bytes]) -> Request:
    """The command's words; ReplyError when they make no sense."""
    request = Request(text(args[1]), number(args[2]), 0, 0, [args[3]])
    at = 6
    while at < len(args):
        word, left = args[at].lower(), len(args) - at - 1
        if word == b"copy":
            request.copy = True
        elif word == b"replace":
            request.replace = True
        elif word in (b"auth", b"auth2") and left >= (1 if word == b"auth" else 2):
            request.secrets = at + 1
            at += 1 if word == b"auth" else 2
            request.login = args[request.secrets : at + 1]
        elif word == b"keys":
            if args[3]:
                raise ReplyError(KEYS_AND_KEY)
            request.keys = args[at + 1 :]
            break
        else:
            raise syntax_error()
        at += 1
    timeout = integer(args[5])
    request.timeout = timeout / 1000 if timeout > 0 else DEFAULT_TIMEOUT
    request.database = integer(args[4])
    return request


def number(word: bytes) -> int:
    """A port; what is none is 0, where nobody answers."""
    return int(word) if word.isdigit() and len(word) < 6 and int(word) < 65536 else 0


def encoded(words: list[bytes]) -> bytes:
    """A request as it goes over the wire."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


Taken = list[tuple[bytes, int, bytes]]  # key, ms that it has to live or 0, payload


class Migration:
    """The command and its connections. context: for connections, with `tls-cluster`."""

    def __init__(self, core: Core, settings: Settings, context: Callable[[], ssl.SSLContext]) -> None:
        self.core = core
        self.settings = settings
        self.context = context
        self.idle: dict[tuple[str, int], tuple[Link, asyncio.TimerHandle]] = {}

    @command("migrate")
    def migrate(self, session: Session, args: list[bytes]) -> Any:
        """MIGRATE host port <key | empty-string> destination-db timeout [COPY] [REPLACE] [AUTH password | AUTH2 username password]
        [KEYS key [key ...]]. Propagates DEL of what has gone."""
        request = read_request(args)
        hide_words(self.core, request.secrets, len(request.login))
        transfer = Transfer(session)
        taken = transfer.take(request.keys)
        if not taken:
            transfer.end()
            return Simple("NOKEY")
        return self.move(request, transfer, taken)

    async def move(self, request: Request, transfer: Transfer, taken: Taken) -> Any:
        """Sends the keys until the other server has them as they are."""
        keys = [key for key, _, _ in taken]
        replace = request.replace
        try:
            for turn in range(ROUNDS):
                arrived, error = await self.exchange(request, self.orders(keys, taken, replace))
                keys = [] if request.copy else transfer.delete([key for key in keys if key in arrived])
                if error is not None:
                    raise ReplyError(f"ERR Target instance replied with error: {error}")
                if not keys:
                    return OK
                # what was changed meanwhile is there as it was
                replace = True
                if turn + 1 >= FREE_ROUNDS:
                    transfer.hold_writes(int(request.timeout * 1e6))
                taken = transfer.take(keys)
            raise ReplyError(WRITING)
        finally:
            transfer.end()

    def orders(self, keys: list[bytes], taken: Taken, replace: bool) -> list[tuple[bytes | None, bytes]]:
        """What has the other server hold the keys, each with its key: those that have been deleted here meanwhile are deleted there."""
        in_cluster = self.settings.flag("cluster-enabled")
        restore = b"RESTORE-ASKING" if in_cluster else b"RESTORE"
        end = [b"REPLACE"] if replace else []
        orders: list[tuple[bytes | None, bytes]] = []
        for key, ttl, payload in taken:
            orders.append((key, encoded([restore, key, b"%d" % ttl, payload, *end])))
        there = {key for key, _, _ in taken}
        for key in keys:
            if key not in there:
                orders += [(None, encoded([b"ASKING"]))] if in_cluster else []
                orders.append((key, encoded([b"DEL", key])))
        return orders

    # Connections

    async def exchange(self, request: Request, orders: list[tuple[bytes | None, bytes]]) -> tuple[set[bytes], str | None]:
        """Has the other server do it; the keys that it has done it for, and the first error that it replied with."""
        for last in (False, True):
            link = await self.connect(request)
            try:
                done = await self.converse(link, request, orders)
            except TimeoutError:
                link.writer.close()
                raise ReplyError(READING) from None
            except (OSError, EOFError):
                # a connection that was kept may have been closed long ago
                link.writer.close()
                if last:
                    raise ReplyError(READING) from None
            except BaseException:
                link.writer.close()
                raise
            else:
                self.keep(request, link)
                return done
        raise AssertionError

    async def connect(self, request: Request) -> Link:
        """A connection: one that was kept, or a new one."""
        kept = self.idle.pop((request.host, request.port), None)
        if kept is not None:
            kept[1].cancel()
            return kept[0]
        try:
            async with asyncio.timeout(request.timeout):
                context = self.context() if self.settings.flag("tls-cluster") else None
                return Link(*await asyncio.open_connection(request.host, request.port, ssl=context, limit=LINE))
        except socket.gaierror:
            raise ReplyError(CONNECTING) from None
        except (OSError, TimeoutError):
            raise ReplyError(WRITING) from None

    def keep(self, request: Request, link: Link) -> None:
        """Keeps a connection for whoever comes next; one there or too many: it is closed."""
        place = request.host, request.port
        if place in self.idle or len(self.idle) >= KEPT:
            link.writer.close()
        else:
            self.idle[place] = link, asyncio.get_running_loop().call_later(KEPT_SECONDS, self.forget, place)

    def forget(self, place: tuple[str, int]) -> None:
        """Nobody has wanted it."""
        link, _ = self.idle.pop(place)
        link.writer.close()

    async def converse(self, link: Link, request: Request, orders: list[tuple[bytes | None, bytes]]) -> tuple[set[bytes], str | None]:
        """Says all of it, and reads all replies. TimeoutError, OSError and EOFError: the connection is of no use any more."""
        before = [encoded([b"AUTH", *request.login])] if request.login else []
        if link.database != request.database:
            before.append(encoded([b"SELECT", b"%d" % request.database]))
        link.writer.writelines([*before, *(order for _, order in orders)])
        async with asyncio.timeout(request.timeout):
            await link.writer.drain()
        # each reply is read, or the next one would be taken for it
        faults = [await self.read(link, request) for _ in before]
        error = next((fault for fault in faults if fault is not None), None)
        refused = error is not None
        done: set[bytes] = set()
        for key, _ in orders:
            fault = await self.read(link, request)
            error = error or fault
            if fault is None and key is not None and not refused:
                done.add(key)
        link.database = -1 if error is not None else request.database
        return done, error

    async def read(self, link: Link, request: Request) -> str | None:
        """One reply: the text of an error, or None."""
        async with asyncio.timeout(request.timeout):
            line = await link.reader.readuntil(b"\r\n")
        return text(line[1:-2]) if line[:1] == b"-" else None
