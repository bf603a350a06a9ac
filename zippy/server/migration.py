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
from zippy._core.resp.values import Words
from zippy._core.session import Core, Session
from zippy._core.transfer import Transfer, hide_words
from zippy.server.arguments import integer, syntax_error, text
from zippy.server.registry import command
from zippy.settings import Settings

KEPT_SECONDS = 10.0
KEPT = 64  # connections
CHUNK = 64 * 1024  # bytes that are read at once
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


def read_request(args: Words) -> Request:
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


class Migration:
    """The command and its connections. context: for connections, with `tls-cluster`."""

    def __init__(self, core: Core, settings: Settings, context: Callable[[], ssl.SSLContext]) -> None:
        self.core = core
        self.settings = settings
        self.context = context
        self.idle: dict[tuple[str, int], tuple[Link, asyncio.TimerHandle]] = {}

    @command("migrate")
    def migrate(self, session: Session, args: Words) -> Any:
        """MIGRATE host port <key | empty-string> destination-db timeout [COPY] [REPLACE] [AUTH password | AUTH2 username password]
        [KEYS key [key ...]]. Propagates DEL of what has gone."""
        request = read_request(args)
        hide_words(self.core, request.secrets, len(request.login))
        transfer = Transfer(session, request.keys, self.settings.flag("cluster-enabled"))
        orders = transfer.take(request.replace)
        if not orders:
            transfer.end()
            return Simple("NOKEY")
        return self.move(request, transfer, orders)

    async def move(self, request: Request, transfer: Transfer, orders: bytes) -> Any:
        """Sends the keys until the other server has them as they are."""
        try:
            for turn in range(ROUNDS):
                await self.exchange(request, transfer, orders)
                left = 0 if request.copy else transfer.delete()
                if transfer.error is not None:
                    raise ReplyError(f"ERR Target instance replied with error: {text(transfer.error)}")
                if not left:
                    return OK
                if turn + 1 >= FREE_ROUNDS:
                    transfer.hold_writes(int(request.timeout * 1e6))
                # what was changed meanwhile is there as it was
                orders = transfer.take(True)
            raise ReplyError(WRITING)
        finally:
            transfer.end()

    # Connections

    async def exchange(self, request: Request, transfer: Transfer, orders: bytes) -> None:
        """Has the other server do it; `transfer` knows what it has replied."""
        for last in (False, True):
            link = await self.connect(request)
            try:
                await self.converse(link, request, transfer, orders)
            except TimeoutError:
                link.writer.close()
                raise ReplyError(READING) from None
            except (OSError, EOFError, ValueError):
                # a connection that was kept may have been closed long ago
                link.writer.close()
                if last:
                    raise ReplyError(READING) from None
            except BaseException:
                link.writer.close()
                raise
            else:
                if transfer.surplus:
                    link.writer.close()
                else:
                    self.keep(request, link)
                return
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
                return Link(*await asyncio.open_connection(request.host, request.port, ssl=context, limit=CHUNK))
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

    async def converse(self, link: Link, request: Request, transfer: Transfer, orders: bytes) -> None:
        """Says all of it, and reads all replies. TimeoutError, OSError, EOFError and ValueError: the connection is of no use any more."""
        before = [encoded([b"AUTH", *request.login])] if request.login else []
        if link.database != request.database:
            before.append(encoded([b"SELECT", b"%d" % request.database]))
        transfer.expect(len(before))
        link.writer.writelines([*before, orders])
        async with asyncio.timeout(request.timeout):
            await link.writer.drain()
        complete = False
        while not complete:
            async with asyncio.timeout(request.timeout):
                data = await link.reader.read(CHUNK)
            if not data:
                raise EOFError
            complete = transfer.receive(data)
        link.database = -1 if transfer.error is not None else request.database
