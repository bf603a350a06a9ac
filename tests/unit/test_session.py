"""Sessions of a core: long transactions of commands in Python, and failures that one client alone pays for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from tests.resp import request
from tests.servers import free_port
from tests.unit.peer import Peer
from zippy._core.callback_transport import CallbackTransport
from zippy._core.ground.glob import is_pattern
from zippy._core.introspection import about_commands, engine_stats, valid_name
from zippy._core.resp.kinds import OK, Later
from zippy._core.resp.values import Vocabulary, Words
from zippy._core.session import Core, Session
from zippy._core.users import set_default_password
from zippy.server.server import Server
from zippy.settings import Settings

MANY = 100_000
ASKED = request("CONFIG", "GET", "hz")


def transaction(count: int) -> bytes:
    """CONFIG GET so many times, in MULTI and EXEC."""
    return request("MULTI") + ASKED * count + request("EXEC")


def replies(count: int) -> bytes:
    """What it is answered with when CONFIG GET replies OK."""
    return b"+OK\r\n" + b"+QUEUED\r\n" * count + b"*%d\r\n" % count + b"$1\r\n1\r\n" * count


async def until(condition: Callable[[], Any]) -> None:
    """Lets the loop run until the condition holds."""
    for _ in range(1_000_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise TimeoutError


@pytest.fixture
def core() -> Core:
    """A core without a server; CONFIG GET replies "1"."""
    core = Core(1, 1)
    core.bind("config|get", lambda session, args: "1")
    core.log_exception = lambda text, **_: None
    return core


def feed(peer: Peer, data: bytes) -> bytes:
    """What has come when the turn of this input is over."""
    peer.sent = b""
    peer.session.feed(data)
    peer.core.end_turn()
    return peer.sent


class TestTransactionOfPythonCommands:
    """EXEC runs any number of commands whose handlers are in Python: one after the other, not one inside of the other."""

    def test_functions(self, core: Core) -> None:
        assert feed(Peer(core), transaction(MANY)) == replies(MANY)

    def test_pipeline(self, core: Core) -> None:
        """Without MULTI too, and what follows is still run."""
        assert feed(Peer(core), ASKED * MANY + request("PING")) == b"$1\r\n1\r\n" * MANY + b"+PONG\r\n"

    def test_coroutines(self, core: Core) -> None:
        """One that waits cannot: nobody may come between the commands of a transaction."""

        async def later() -> str:
            return "1"

        core.bind("config|get", lambda session, args: later())
        refused = b"-ERR this command waits, and cannot be run inside of another one\r\n"
        assert feed(Peer(core), transaction(2)).endswith(b"*2\r\n" + refused * 2)

    def test_closed_in_the_middle(self, core: Core) -> None:
        """A handler closes its own client: the transaction is run as a whole all the same, and what follows is not."""
        called = 0

        def handler(session: Session, args: Words) -> Any:
            nonlocal called
            called += 1
            if called == MANY // 2:
                session.close()
            return "1"

        core.bind("config|get", handler)
        peer = Peer(core)
        peer.session.feed(transaction(MANY) + ASKED)
        core.end_turn()
        assert called == MANY
        assert not peer.session.id


class TestWords:
    """What a handler in Python is given of a request is looked at where it lies, and is there as long as the handler is at work."""

    REQUEST = (b"CONFIG", b"GET", b"a", b"", b"\0\xff", b"last")

    def seen(self, core: Core, look: Callable[[Words], Any]) -> Any:
        """What a look at the words gives."""
        found: list[Any] = []

        def handler(session: Session, args: Words) -> Any:
            found.append(look(args))
            return OK

        core.bind("config|get", handler)
        assert feed(Peer(core), request(*self.REQUEST)) == b"+OK\r\n"
        return found[0]

    def test_as_a_list(self, core: Core) -> None:
        words = list(self.REQUEST)
        assert self.seen(core, list) == words
        assert self.seen(core, len) == len(words)
        assert self.seen(core, lambda args: [args[i] for i in range(-len(words), len(words))]) == words * 2
        places = (None, *range(-8, 9))
        slices = [slice(*three) for three in product(places, places, (None, -3, -1, 1, 2))]
        assert self.seen(core, lambda args: [args[some] for some in slices]) == [words[some] for some in slices]
        assert self.seen(core, lambda args: b"a" in args and b"b" not in args)

    @pytest.mark.parametrize(("place", "error"), [(6, IndexError), (-7, IndexError), ("x", TypeError), (slice(0, 1, 0), ValueError)])
    def test_wrong_place(self, core: Core, place: Any, error: type[Exception]) -> None:
        def look(args: Words) -> None:
            with pytest.raises(error):
                args[place]

        self.seen(core, look)

    def test_gone(self, core: Core) -> None:
        """Whoever keeps them longer is told so, whatever the memory holds by then."""
        words = self.seen(core, lambda args: args)
        for look in (list, lambda words: words[0], lambda words: about_commands(core, words, 0, str)):
            with pytest.raises(RuntimeError, match="gone"):
                look(words)

    @pytest.mark.parametrize("words", [
        (), (b"PORT", b"port", b"Save"), (b"", b"none", b"por", b"ports", b"x" * 63, b"x" * 64, b"x" * 1000, b"sav\xe9", b"\xd0ort"),
        (b"*", b"ho?t", b"[a", b"none[", b"\\", b"x" * 100 + b"*"),
    ])  # fmt: skip
    def test_vocabulary(self, core: Core, words: tuple[bytes, ...]) -> None:
        """What CONFIG GET can mean by its arguments."""
        names = {b"port", b"save", b"x" * 63}
        core.bind("config|get", lambda session, args: Vocabulary(names).among(args, 2))
        expected = [word for word in words if word.lower() in names or is_pattern(word)]
        assert feed(Peer(core), request("CONFIG", "GET", "none", *words)) == request(*expected)

    @pytest.mark.parametrize("name", [b"", b"Port", b"x" * 64])
    def test_no_name(self, name: bytes) -> None:
        with pytest.raises(ValueError, match=str(name)):
            Vocabulary([b"port", name])

    def test_answered_later(self, core: Core) -> None:
        """Where the reply comes later, they stay."""
        kept: list[tuple[Words, Later]] = []

        def handler(session: Session, args: Words) -> Any:
            kept.append((args, Later()))
            return kept[-1][1]

        core.bind("config|get", handler)
        peers = Peer(core), Peer(core)
        for peer in peers:
            assert feed(peer, request(*self.REQUEST)) == b""
        for peer, (words, later) in zip(peers, kept, strict=True):
            assert list(words) == list(self.REQUEST) and words[-1] == b"last" and words[2:4] == [b"a", b""]
            assert about_commands(core, words, 0, str) == ["config", "get", None, None, None, None]
            later.answer(words[2])
            core.end_turn()
            assert peer.sent == b"$1\r\na\r\n"

    def test_coroutine(self, core: Core) -> None:
        """The same with one that is awaited, which begins when the handler has returned."""

        async def handler(session: Session, args: Words) -> Any:
            return list(args)

        async def run() -> bytes:
            core.bind("config|get", handler)
            peer = Peer(core)
            peer.session.feed(request(*self.REQUEST))
            await until(lambda: core.end_turn() or peer.sent)
            return peer.sent

        assert asyncio.run(run()) == request(*self.REQUEST)


class TestOneFails:
    """An exception on one client's account closes that client; the others are served."""

    def test_output(self, core: Core) -> None:
        """Output that its transport cannot take."""

        def fail(session: Session) -> None:
            raise MemoryError

        logged: list[str] = []
        core.log_exception = lambda text, **_: logged.append(text)
        first, last = Peer(core), Peer(core)
        failing = Session(core, CallbackTransport(fail, lambda session: session.close()), b"somewhere:1")
        for session in (first.session, failing, last.session):
            session.feed(request("PING"))
        core.end_turn()
        assert first.sent == last.sent == b"+PONG\r\n"
        assert failing.id == 0
        assert len(logged) == 1 and "addr=somewhere:1" in logged[0]
        assert first("PING") == b"+PONG\r\n"

    def test_awaited_handler(self, core: Core) -> None:
        """A value that is no reply, from a coroutine."""

        async def nothing() -> object:
            return object()

        async def run() -> None:
            core.bind("config|get", lambda session, args: nothing())
            peer = Peer(core)
            peer.session.feed(ASKED)
            await until(lambda: not peer.session.id)

        asyncio.run(run())

    def test_input(self, caplog: pytest.LogCaptureFixture) -> None:
        """Of many sockets that became readable at once, the input of some fails; their edges are told only once."""

        async def run() -> list[bytes]:
            settings = Settings()
            settings.set("port", str(free_port()))
            settings.set("save", "")
            server = Server(settings)
            server.core.bind("lolwut", lambda session, args: object())
            await server.start()
            loop = asyncio.get_running_loop()
            socks = [socket.create_connection(("127.0.0.1", server.settings.integer("port"))) for _ in range(9)]
            for sock in socks:
                sock.setblocking(False)
                await loop.sock_sendall(sock, request("PING"))
                assert await loop.sock_recv(sock, 100) == b"+PONG\r\n"
            # the loop does not run before all of them have something
            for place, sock in enumerate(socks):
                sock.send(request("PING") if place % 3 else request("LOLWUT"))
            got = [await asyncio.wait_for(loop.sock_recv(sock, 100), 60) for sock in socks]
            for sock in socks:
                sock.close()
            await server.stop()
            return got

        assert asyncio.run(run()) == [b"", b"+PONG\r\n", b"+PONG\r\n"] * 3
        assert len([record for record in caplog.records if "could not be served" in record.getMessage()]) == 3


class TestStranger:
    """A client that has not authenticated."""

    @pytest.mark.parametrize(("size", "kept"), [((1 << 20) - 20_000, True), ((1 << 20) + 20_000, False)])
    def test_input_while_it_waits(self, core: Core, size: int, kept: bool) -> None:
        """In CLIENT PAUSE not even AUTH is run; what comes behind it may be a megabyte, as in Redis."""
        set_default_password(core, b"secret")
        core.set_clock(1_000_000_000_000_000)
        admin = Peer(core)
        assert admin("CLIENT PAUSE 1000") == b"+OK\r\n"
        reasons: list[str] = []
        core.on_limit = lambda session, reason: reasons.append(reason)
        stranger = Session(core, CallbackTransport(lambda session: None, lambda session: session.close()))
        stranger.feed(request("AUTH", "x"))
        for _ in range(size // 10_000):
            stranger.feed(b"PING xxx\r\n" * 1000)
            core.end_turn()
        assert bool(stranger.id) == kept
        assert engine_stats(core)["client_query_buffer_limit_disconnections"] == len(reasons) == int(not kept)
        # others may send more
        admin.session.feed(request("PING") + b"PING xxx\r\n" * 300_000)
        core.end_turn()
        assert admin.session.id
        core.set_clock(0)


def test_names_are_printable() -> None:
    """Each byte at each place among others, which are looked at eight at once."""
    for size in range(18):
        assert valid_name(b"!" * size)
        for place, byte in product(range(size), range(256)):
            name = bytearray(b"~" * size)
            name[place] = byte
            assert valid_name(bytes(name)) == (33 <= byte <= 126)
