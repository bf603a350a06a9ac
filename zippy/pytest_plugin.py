"""Fixtures for tests that need a Redis; pytest finds them wherever zippy is installed.

`zippy_engine`, `zippy_client` and `zippy_async_client` are one engine in process, new for each test. `zippy_server` is a server process
of its own for the whole test run, for code that wants an address. Nothing is imported before a fixture is asked for.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

import zippy

if TYPE_CHECKING:
    import redis
    import redis.asyncio

READY_SECONDS = 30.0


@dataclass(frozen=True)
class ServerAddress:
    """Where a server listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """As redis.Redis.from_url takes it."""
        return f"redis://{self.host}:{self.port}/0"


@pytest.fixture
def zippy_engine() -> Iterator[zippy.Engine]:
    """An engine with nothing in it, gone after the test."""
    with zippy.Engine() as engine:
        yield engine


@pytest.fixture
def zippy_client(zippy_engine: zippy.Engine) -> Iterator[redis.Redis]:
    """A redis.Redis on `zippy_engine`."""
    client: redis.Redis = zippy.connect(zippy_engine)
    yield client
    client.close()


@pytest.fixture
def zippy_async_client(zippy_engine: zippy.Engine) -> redis.asyncio.Redis:
    """A redis.asyncio.Redis on `zippy_engine`; its connections end with the engine."""
    client: redis.asyncio.Redis = zippy.connect_async(zippy_engine)
    return client


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(process: subprocess.Popen[bytes], address: ServerAddress) -> None:
    """Returns when the server accepts connections; RuntimeError when it does not come up."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            socket.create_connection((address.host, address.port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"zippy did not start at {address.url}") from None
        time.sleep(0.02)


@pytest.fixture(scope="session")
def zippy_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerAddress]:
    """The address of a server that runs while the tests do: `host`, `port` and `url`. It keeps nothing on disk."""
    address = ServerAddress("127.0.0.1", free_port())
    folder = tmp_path_factory.mktemp("zippy")
    command = [sys.executable, "-m", "zippy", "--port", str(address.port), "--save", "", "--dir", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until_ready(process, address)
        yield address
    finally:
        process.kill()
        process.wait()
