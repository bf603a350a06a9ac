"""Fixtures for tests that need a Redis; pytest finds them wherever zippy is installed.

`zippy_engine`, `zippy_client` and `zippy_async_client` are one engine in process, new for each test, with the settings of a marker
`@pytest.mark.zippy(maxmemory="1mb")`; a project that wants another scope has a fixture of its own by the name of `zippy_engine`, which
the others then use. `zippy_session_engine` lives as long as the test run. `zippy_clock`, `zippy_patch` and `zippy_faults` are what
zippy.testing has. `zippy_server` is a server process of its own for the whole test run, for code that wants an address, and
`zippy_server_factory` starts more of them. Workers of pytest-xdist are processes: each has its own of everything. Nothing is imported
before a fixture is asked for.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import zippy

if TYPE_CHECKING:
    import redis
    import redis.asyncio

    from zippy.testing.clock import Clock
    from zippy.testing.faults import Faults
    from zippy.testing.redirect import Patch
    from zippy.testing.relay import ServerFaults

READY_SECONDS = 30.0
TRIES = 3


class ServerAddress:
    """Where a server listens, and the process that does; it ends with the test run, with stop, or at the end of a `with`."""

    def __init__(self, process: subprocess.Popen[bytes], host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._process = process

    @property
    def url(self) -> str:
        """As redis.Redis.from_url takes it."""
        return f"redis://{self.host}:{self.port}/0"

    def stop(self) -> None:
        """Ends the server; may be called twice."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> ServerAddress:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def pytest_configure(config: pytest.Config) -> None:
    """Declares the marker."""
    config.addinivalue_line("markers", "zippy(**settings): settings of the engine that zippy_engine makes for this test")


def settings_of(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the markers of a test say, the nearest one last."""
    settings: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("zippy"))):
        settings.update(marker.kwargs)
    return settings


@pytest.fixture
def zippy_engine(request: pytest.FixtureRequest) -> Iterator[zippy.Engine]:
    """An engine with nothing in it, gone after the test; its settings are those of the test's marker `zippy`."""
    with zippy.Engine(**settings_of(request)) as engine:
        yield engine


@pytest.fixture(scope="session")
def zippy_session_engine() -> Iterator[zippy.Engine]:
    """An engine for the whole test run, one in each of pytest-xdist's workers; snapshot and restore keep tests apart."""
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


@pytest.fixture
def zippy_clock() -> Iterator[Clock]:
    """Time that the test moves, of all engines in this process: advance(seconds), freeze(), unfreeze(); see zippy.testing.Clock."""
    with zippy.testing.Clock() as clock:
        yield clock


@pytest.fixture
def zippy_patch(zippy_engine: zippy.Engine) -> Iterator[Patch]:
    """Leads every redis-py client that is made in this test to `zippy_engine`: see zippy.testing.patch."""
    with zippy.testing.patch(zippy_engine) as patch:
        yield patch


@pytest.fixture
def zippy_faults(zippy_engine: zippy.Engine) -> Iterator[Faults]:
    """Lets commands of `zippy_engine`'s clients fail, hang or lose their connection: see zippy.testing.Faults."""
    with zippy.testing.Faults(zippy_engine) as faults:
        yield faults


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_ready(process: subprocess.Popen[bytes], port: int) -> bool:
    """Waits until the server answers; False when it does not come up."""
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process.poll() is None
        time.sleep(0.02)
    return False


def start_server(folder: Path, settings: dict[str, str | int | bool]) -> ServerAddress:
    """A server on a port that is free; RuntimeError, with what it said, when it does not start."""
    options = ["--save", "", "--dir", str(folder)]
    for name, value in settings.items():
        options += [f"--{name.replace('_', '-')}", ("yes" if value else "no") if isinstance(value, bool) else str(value)]
    for _ in range(TRIES):
        # by the time it binds, somebody else can have taken the port
        port = free_port()
        with (folder / "log").open("wb") as log:
            command = [sys.executable, "-m", "zippy", "--port", str(port), *options]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if is_ready(process, port):
            return ServerAddress(process, "127.0.0.1", port)
        process.kill()
        process.wait()
    raise RuntimeError(f"zippy did not start: {(folder / 'log').read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="session")
def zippy_server_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., ServerAddress]]:
    """Starts a server of its own with settings as keywords, zippy_server_factory(maxmemory="10mb"), and returns its address.

    It ends with the test run, or, as in `with zippy_server_factory() as server`, sooner. It keeps nothing on disk unless told to.
    """
    with contextlib.ExitStack() as servers:

        def start(**settings: str | int | bool) -> ServerAddress:
            return servers.enter_context(start_server(tmp_path_factory.mktemp("zippy"), settings))

        yield start


@pytest.fixture(scope="session")
def zippy_server(zippy_server_factory: Callable[..., ServerAddress]) -> ServerAddress:
    """The address of a server that runs while the tests do: `host`, `port` and `url`. It keeps nothing on disk."""
    return zippy_server_factory()


@pytest.fixture
def zippy_server_faults(zippy_server: ServerAddress) -> Iterator[ServerFaults]:
    """Lets commands of `zippy_server` fail for clients of this `url`, or `host` and `port`: see zippy.testing.ServerFaults."""
    with zippy.testing.ServerFaults(zippy_server) as faults:
        yield faults
