"""Servers with each of the ways to serve a connection, and the mark of tests that need much memory or time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import servers
from tests.servers import ServerProcess

TRANSPORTS = ["auto", "asyncio"]  # values of io-transport: the reactor where there is one, asyncio's own


def pytest_configure(config: pytest.Config) -> None:
    """`-m "not alone"` leaves these out; with pytest-xdist, `--dist loadgroup` runs them one after another."""
    config.addinivalue_line("markers", "alone: needs gigabytes or thousands of files; not beside others of its kind")
    config.addinivalue_line("markers", "xdist_group(name): pytest-xdist's")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them into one group of pytest-xdist's."""
    for item in items:
        if item.get_closest_marker("alone"):
            item.add_marker(pytest.mark.xdist_group("alone"))


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], ServerProcess]]:
    """served(io_transport): the one zippy of this session that serves connections like this."""
    running: dict[str, ServerProcess] = {}

    def get(transport: str) -> ServerProcess:
        if transport not in running or not running[transport].alive():
            folder = tmp_path_factory.mktemp(transport)
            running[transport] = servers.start_server(config={"io-transport": transport}, folder=folder)
        return running[transport]

    yield get
    for process in running.values():
        process.stop()


@pytest.fixture(params=TRANSPORTS)
def server(request: pytest.FixtureRequest, served: Callable[[str], ServerProcess]) -> ServerProcess:
    """The server under test, with both transports."""
    return served(request.param)


@pytest.fixture(params=[*TRANSPORTS, "oracle"])
def either(request: pytest.FixtureRequest, served: Callable[[str], ServerProcess]) -> ServerProcess:
    """The same, and the oracle: what is expected is what Redis does."""
    if request.param == "oracle":
        oracle: ServerProcess = request.getfixturevalue("oracle")
        return oracle
    return served(request.param)


@pytest.fixture(params=TRANSPORTS)
def start_server(request: pytest.FixtureRequest, start_server: Callable[..., ServerProcess]) -> Callable[..., ServerProcess]:
    """Another zippy for this test, with both transports."""

    def start(*args: str, config: dict[str, Any] | None = None, **options: Any) -> ServerProcess:
        return start_server(*args, config={"io-transport": request.param} | (config or {}), **options)

    return start
