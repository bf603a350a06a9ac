"""Scripts that run for long: others are told, and may end them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.replies import OK, bulk, error
from tests.resp import ConnectionClosed, RawClient, Reply, request
from tests.servers import ServerProcess, start_server
from tests.waiting import wait_until

BUSY = error("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.")
KILLED = b"ERR Script killed by user with SCRIPT KILL..."
LOOPS = [
    "while true do end",
    "while true do redis.call('GET', 'k') end",
    "while true do pcall(function() while true do end end) end",
    "while true do pcall(error) end",
    "local function f() while true do pcall(f) end end f()",
    "coroutine.wrap(function() while true do end end)()",
    "string.find(('a'):rep(40), ('a*'):rep(40) .. 'b')",
    "while true do string.rep('x', 1e6) end",
    "local t = {} while true do t[#t % 1000 + 1] = {} end",
    "while true do xpcall(error, function() end) end",
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that soon calls a script slow, and that serves connections by the reactor: asyncio's can't be looked at meanwhile."""
    process = start_server(config={"busy-reply-threshold": 20}, folder=tmp_path)
    yield process
    process.stop()


def begin(server: ServerProcess, body: str) -> RawClient:
    """The client whose script has been found to run for long."""
    client = server.client()
    client.send("EVAL", body, 0)
    other = server.client()
    deadline = time.monotonic() + 20
    while other("PING") != BUSY:
        assert time.monotonic() < deadline
    other.close()
    return client


@pytest.mark.parametrize("body", LOOPS)
def test_is_killed(server: ServerProcess, body: str) -> None:
    client = begin(server, body)
    other = server.client()
    assert other("GET", "k") == BUSY
    assert other("SCRIPT", "KILL") == OK
    reply = client.read()
    assert reply.is_error and reply.value.startswith(KILLED)
    assert other("PING") == Reply("+", b"PONG")
    assert other("EVAL", "return 1", 0) == Reply(":", 1)


def test_one_that_has_written_goes_on(server: ServerProcess) -> None:
    client = begin(server, "redis.call('SET', 'k', 1) while true do end")
    other = server.client()
    assert other("SCRIPT", "KILL").value.startswith(b"UNKILLABLE ")
    assert other("SHUTDOWN") == BUSY
    other.send("SHUTDOWN", "NOSAVE")
    with pytest.raises((ConnectionClosed, ConnectionError)):
        other.read()
    assert server.process is not None and server.process.wait(20) == 0
    client.close()


def test_replies_before_it_are_whole(server: ServerProcess) -> None:
    """What the caller asked for before, in the same moment, waits for the script: its own reply comes behind, an error too."""
    client, other = server.client(), server.client()
    other("SET", "k", "x" * 20_000)
    client.send_bytes(request("GET", "k") + request("EVAL", "while true do end", 0) + request("PING"))
    wait_until(lambda: other("SCRIPT", "KILL") == OK)
    assert client.read() == bulk("x" * 20_000)
    assert client.read().value.startswith(KILLED)
    assert client.read() == Reply("+", b"PONG")


def test_clients_before_and_after(server: ServerProcess) -> None:
    """Who asked in the same moment, and who comes later, is told; the caller's own further commands wait."""
    client = begin(server, "while true do end")
    client.send("PING")
    other = server.client()
    assert other("MULTI") == OK
    assert other("GET", "k") == BUSY
    assert other("EXEC").value.startswith(b"EXECABORT ")
    assert other("SCRIPT", "KILL") == OK
    assert client.read().is_error
    assert client.read() == Reply("+", b"PONG")


def test_caller_goes_away(server: ServerProcess) -> None:
    begin(server, "while true do end").close()
    other = server.client()
    assert other("SCRIPT", "KILL") == OK
    assert other("PING") == Reply("+", b"PONG")


def test_log_tells_of_it(server: ServerProcess) -> None:
    begin(server, "redis.log(redis.LOG_WARNING, 'from', 'the script') while true do end")
    assert server.client()("SCRIPT", "KILL") == OK
    assert "# from the script" in server.log()
    assert "Slow script detected" in server.log()
    assert "SCRIPT KILL ends it" in server.log()


def test_log_tells_of_a_function(server: ServerProcess) -> None:
    client = server.client()
    client("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() while true do end end)")
    client.send("FCALL", "f", 0)
    other = server.client()
    wait_until(lambda: other("FUNCTION", "KILL") == OK)
    assert client.read().is_error
    assert "FUNCTION KILL ends it" in server.log()
