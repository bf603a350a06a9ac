"""Commands of a server's clients that fail because a test wants them to: over a socket what test_faults holds for engines in process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
import redis.asyncio
import redis.asyncio.retry
from redis.backoff import NoBackoff
from redis.retry import Retry

import zippy
from tests.resp import RawClient, Reply, request
from tests.waiting import wait_until
from zippy.testing import ServerFaults

OK = Reply("+", b"OK")


@pytest.fixture
def server() -> Iterator[zippy.Server]:
    """A server."""
    with zippy.serve() as server:
        yield server


@pytest.fixture
def faults(server: zippy.Server) -> Iterator[ServerFaults]:
    """Faults in front of it."""
    with ServerFaults(server) as faults:
        yield faults


@pytest.fixture
def client(faults: ServerFaults) -> Iterator[redis.Redis]:
    """A client that does not try again."""
    with redis.Redis.from_url(faults.url, retry=Retry(NoBackoff(), 0)) as client:
        client.ping()
        yield client


@pytest.fixture
def raw(faults: ServerFaults) -> Iterator[RawClient]:
    """A client that shows what is sent."""
    with RawClient(faults.host, faults.port) as raw:
        yield raw


class TestError:
    """Errors in the place of answers."""

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("LOADING Redis is loading the dataset in memory", redis.BusyLoadingError),
            ("READONLY You can't write against a read only replica.", redis.ReadOnlyError),
            ("MOVED 3999 127.0.0.1:6381", redis.ResponseError),
            ("MINE of my own", redis.ResponseError),
        ],
    )
    def test_next(self, client: redis.Redis, faults: ServerFaults, text: str, kind: type[Exception]) -> None:
        fault = faults.error(text, "SET")
        with pytest.raises(kind):
            client.set("a", 1)
        assert client.get("a") is None
        assert fault.hits == 1
        assert client.set("a", 1)

    @pytest.mark.parametrize("resp", [2, 3])
    def test_among_others(self, raw: RawClient, faults: ServerFaults, resp: int) -> None:
        """Answers stay in order, whatever is in them."""
        raw("HELLO", resp)
        faults.error("ERR second", "INCR", nth=2)
        data = b"-ERR unknown command 'x'\r\n" * 1000
        raw.send_bytes(request("SET", "data", data) + request("INCR", "a") * 3 + request("GET", "data") + request("PING"))
        answers = [raw.read() for _ in range(6)]
        assert answers[:4] == [OK, Reply(":", 1), Reply("-", b"ERR second"), Reply(":", 2)]
        assert answers[4:] == [Reply("$", data), Reply("+", b"PONG")]

    def test_in_a_transaction(self, raw: RawClient, faults: ServerFaults) -> None:
        """A command that cannot be queued lets EXEC fail, as everywhere."""
        faults.error("OOM x", "INCR")
        assert [raw("MULTI"), raw("INCR", "a")] == [OK, Reply("-", b"OOM x")]
        assert raw("EXEC").value.startswith(b"EXECABORT")
        assert raw("GET", "a") == Reply("$-1", None)

    def test_in_pieces(self, raw: RawClient, faults: ServerFaults) -> None:
        """Requests are put together again."""
        faults.error("ERR x", "SET", nth=2)
        for byte in request("SET", "a", "value") * 2 + b"PING\r\n":
            raw.send_bytes(bytes([byte]))
        assert [raw.read(), raw.read(), raw.read()] == [OK, Reply("-", b"ERR x"), Reply("+", b"PONG")]

    def test_every_one(self, client: redis.Redis, faults: ServerFaults) -> None:
        fault = faults.error("READONLY x", "SET", times=None)
        for _ in range(3):
            with pytest.raises(redis.ReadOnlyError):
                client.set("a", 1)
        fault.release()
        assert client.set("a", 1)

    def test_subscribers(self, client: redis.Redis, faults: ServerFaults) -> None:
        """Messages pass, before and after."""
        with client.pubsub(ignore_subscribe_messages=True) as listener:
            listener.subscribe("news")
            assert listener.get_message(timeout=5) is None
            faults.error("ERR x", "GET")
            with pytest.raises(redis.ResponseError):
                client.get("a")
            client.publish("news", "y")
            assert listener.get_message(timeout=5)["data"] == b"y"

    def test_asyncio(self, faults: ServerFaults) -> None:
        async def use() -> None:
            async with redis.asyncio.Redis.from_url(faults.url, retry=redis.asyncio.retry.Retry(NoBackoff(), 0)) as client:
                faults.error("OOM x", "SET")
                with pytest.raises(redis.ResponseError, match="x"):
                    await client.set("a", 1)
                assert await client.set("a", 1)
                faults.disconnect("INCRBY", after=True)
                with pytest.raises(redis.ConnectionError):
                    await client.incr("a")
                assert await client.get("a") == b"2"

        asyncio.run(use())


class TestHang:
    """Commands that wait."""

    def test_released(self, client: redis.Redis, faults: ServerFaults) -> None:
        fault = faults.hang("SET")
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(client.set, "a", 1)
            wait_until(lambda: fault.hits)
            assert client.get("a") is None
            fault.release()
            assert waiting.result(10) is True

    def test_client_that_gives_up(self, raw: RawClient, faults: ServerFaults, server: zippy.Server) -> None:
        """Its command is never run."""
        fault = faults.hang("SET")
        raw.send("SET", "a", 1)
        wait_until(lambda: fault.hits)
        raw.close()
        wait_until(lambda: not faults._lines)  # the relay hears of it
        fault.release()
        assert server.engine.execute("GET", "a") is None


class TestDisconnect:
    """Connections that are lost."""

    @pytest.mark.parametrize("after", [False, True])
    def test_place(self, raw: RawClient, faults: ServerFaults, server: zippy.Server, after: bool) -> None:
        """What was answered before is received, and nothing else."""
        faults.disconnect("INCR", nth=2, after=after)
        raw.send_bytes(request("INCR", "a") * 3)
        assert raw.read() == Reply(":", 1)
        assert raw.is_closed()
        assert server.engine.execute("GET", "a") == (b"2" if after else b"1")

    @pytest.mark.parametrize("after", [False, True])
    def test_redis_py(self, client: redis.Redis, faults: ServerFaults, after: bool) -> None:
        faults.disconnect("INCRBY", after=after)
        with pytest.raises(redis.ConnectionError):
            client.incr("a")
        assert client.get("a") == (b"1" if after else None)


class TestUse:
    """Begin and end."""

    def test_end(self, server: zippy.Server) -> None:
        with ServerFaults(server) as faults:
            client = redis.Redis.from_url(faults.url, retry=Retry(NoBackoff(), 0))
            faults.error("ERR x", "SET", times=None)
            client.ping()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        with pytest.raises(RuntimeError, match="between"):
            faults.hang()

    def test_server_that_goes(self, faults: ServerFaults, raw: RawClient, server: zippy.Server) -> None:
        assert raw("PING") == Reply("+", b"PONG")
        server.close()
        assert raw.is_closed()

    def test_no_server(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))

            class Nobody:
                host, port = free.getsockname()

            with pytest.raises(OSError, match="refused"), ServerFaults(Nobody()):
                pass
