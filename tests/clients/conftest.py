"""Fixtures: a server with a Unix socket beside its port, and redis-py connected to it in each way."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio

import zippy
from tests import servers
from tests.conftest import Address, given_address
from tests.servers import ServerProcess


@pytest.fixture(scope="session")
def unix_socket(request: pytest.FixtureRequest) -> Iterator[str]:
    """A path for a socket, short enough for every system; or where the server named by --host/--port has its own."""
    given = given_address(request.config)
    if given is not None:
        with Address(*given).client() as client:
            yield client("CONFIG", "GET", "unixsocket").plain()[1].decode()
        return
    with tempfile.TemporaryDirectory(prefix="zippy-") as folder:
        yield os.path.join(folder, "s")


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, unix_socket: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess | Address]:
    """zippy on a port and a Unix socket, or the server that --host/--port names."""
    given = given_address(request.config)
    if given is not None:
        yield Address(*given)
        return
    process = servers.start_server("--unixsocket", unix_socket, folder=tmp_path_factory.mktemp("server"))
    yield process
    process.stop()


@pytest.fixture
def url(server: ServerProcess | Address) -> str:
    """The server's address, with no keys behind it."""
    with server.client() as client:
        client("FLUSHALL")
    return f"redis://{server.host}:{server.port}/0"


@pytest.fixture(params=["tcp", "unix", "inprocess"])
def transport(request: pytest.FixtureRequest) -> str:
    """How redis-py reaches zippy."""
    return str(request.param)


@pytest.fixture
def address(transport: str, protocol: int, server: ServerProcess | Address, unix_socket: str) -> dict[str, Any]:
    """redis-py's options that lead to an empty server over `transport`; {"engine": engine} for the one in process."""
    if transport == "inprocess":
        return {"engine": zippy.Engine(), "protocol": protocol}
    with server.client() as client:
        client("FLUSHALL")
    if transport == "unix" and not unix_socket:
        pytest.skip("the server named by --host/--port has no Unix socket")
    where = {"host": server.host, "port": server.port} if transport == "tcp" else {"unix_socket_path": unix_socket}
    return {**where, "protocol": protocol}


def without_announcements() -> dict[str, Any]:
    """Switches announcements of maintenance off: with them redis-py 7.4 and 8.0 refuse RESP3 over a Unix socket, to a real Redis too."""
    if importlib.util.find_spec("redis.maint_notifications") is None:
        return {}
    return {"maint_notifications_config": importlib.import_module("redis.maint_notifications").MaintNotificationsConfig(enabled=False)}


def over_unix_socket(unix_socket_path: str, **options: Any) -> redis.Redis:
    """redis.Redis(unix_socket_path=...) without announcements, an option that it does not hand on itself."""
    kind = redis.UnixDomainSocketConnection
    pool = redis.ConnectionPool(connection_class=kind, path=unix_socket_path, **{**without_announcements(), **options})
    return redis.Redis(connection_pool=pool)


@pytest.fixture
def connect(address: dict[str, Any], transport: str) -> Iterator[Callable[..., redis.Redis]]:
    """connect(**options): one more redis.Redis on the same server, closed with the test."""
    clients: list[redis.Redis] = []

    def another(**options: Any) -> redis.Redis:
        make = {"inprocess": zippy.connect, "unix": over_unix_socket, "tcp": redis.Redis}[transport]
        clients.append(make(**{"decode_responses": True, **address, **options}))
        return clients[-1]

    yield another
    for client in clients:
        client.close()


@pytest.fixture
def r(connect: Callable[..., redis.Redis]) -> redis.Redis:
    """A client whose replies are decoded."""
    return connect()


AsyncTest = Callable[[Callable[..., redis.asyncio.Redis]], Coroutine[Any, Any, None]]


@pytest.fixture
def run(address: dict[str, Any]) -> Callable[[AsyncTest], None]:
    """run(test): awaits test(connect) in a loop of its own, then closes what connect(**options) made."""

    async def body(test: AsyncTest) -> None:
        clients: list[redis.asyncio.Redis] = []

        def connect(**options: Any) -> redis.asyncio.Redis:
            make = zippy.connect_async if "engine" in address else redis.asyncio.Redis
            clients.append(make(**{"decode_responses": True, **address, **options}))
            return clients[-1]

        try:
            await asyncio.wait_for(test(connect), 60)
        finally:
            for client in clients:
                await client.aclose()

    return lambda test: asyncio.run(body(test))


@pytest.fixture
def here() -> Path:
    """This folder."""
    return Path(__file__).parent
