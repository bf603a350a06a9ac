"""A server in this process, on an engine that may be used in process at the same time: for code that wants an address."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from types import ModuleType
from typing import Any
from urllib.parse import quote

from zippy.functions import Function
from zippy.inprocess.door import Door, listeners_of
from zippy.inprocess.engine import Engine, as_text, host_of, parse_given
from zippy.setting_types import SettingError
from zippy.settings import Value, find_setting

Given = str | int | bool
ANYWHERE = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::*": "::1", "::": "::1"}


class Server:
    """Where an engine is served; closed at the end of a `with`, by close(), with its engine, or with the process.

    engine: what is served, a zippy.Engine.
    """

    def __init__(self, engine: Engine, door: Door, owns_engine: bool) -> None:
        self.engine = engine
        self._door = door
        self._owns_engine = owns_engine
        settings = host_of(engine).settings
        addresses: Any = settings.value("bind")
        places = [place for place in door.listeners.sockets if place.kind == "tcp"] or list(door.listeners.sockets)
        host = addresses[0].removeprefix("-")
        self._host = ANYWHERE.get(host, host) if places else ""
        self._port = places[0].port if places else 0
        self._scheme = "rediss" if places and places[0].kind == "tls" else "redis"
        self._unix_path = door.listeners.unix_path
        self._password = settings.text("requirepass")

    @property
    def host(self) -> str:
        """The address to connect to, "" where there is a Unix socket alone."""
        return self._host

    @property
    def port(self) -> int:
        """The TCP port, 0 where there is a Unix socket alone."""
        return self._port

    @property
    def unix_path(self) -> str:
        """The absolute path of the Unix socket, "" if there is none."""
        return self._unix_path

    @property
    def url(self) -> str:
        """As redis.Redis.from_url takes it, with the password that there was at the start: redis://:password@host:port/0, or unix:///path
        where there is a Unix socket alone."""
        login = f":{quote(self._password, safe='')}@" if self._password else ""
        if not self._port:
            return f"unix://{login}{quote(self._unix_path)}"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{self._scheme}://{login}{host}:{self._port}/0"

    def __repr__(self) -> str:
        where = f"{self._host}:{self._port}" if self._port else self._unix_path
        return f"<zippy server at {where}{', closed' if self._door.ended else ''}>"

    def _close(self) -> None:
        self._door.close()
        if self._owns_engine:
            self.engine.close()


class ThreadServer(Server):
    """A server in a thread of its own."""

    def close(self) -> None:
        """Ends all connections through the server, and waits for its thread; may be called twice.

        An engine that was made for it is closed, too (OSError: it cannot be saved); one that was given stays.
        """
        self._close()

    def __enter__(self) -> ThreadServer:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class LoopServer(Server):
    """A server in the event loop that was running when it was made."""

    async def close(self) -> None:
        """Ends all connections through the server; may be called twice. See ThreadServer.close."""
        self._close()
        # what asyncio closes it closes in its next round
        await asyncio.sleep(0)

    async def __aenter__(self) -> LoopServer:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


def values_of_sockets(engine: Engine, given: dict[str, Given]) -> dict[str, Value]:
    """The values of settings that are given; ValueError for one that is none."""
    values = {}
    for name, value in given.items():
        setting = find_setting(name.replace("_", "-"))
        assert setting is not None
        values[setting.name] = parse_given(host_of(engine).settings, setting, name, value)
    return values


def is_of_sockets(name: str) -> bool:
    """Whether a setting is a server's alone, and not one of an engine."""
    setting = find_setting(name.replace("_", "-"))
    return setting is not None and setting.socket


def engine_with(engine: Engine, given: dict[str, Given]) -> Engine:
    """An engine that was given, with these settings from now on; ValueError for what CONFIG SET refuses."""
    pairs = [(name.replace("_", "-"), as_text(value)) for name, value in given.items()]
    try:
        if pairs:
            with engine.lock:
                host_of(engine).settings.set_many(pairs, trusted=True)
    except SettingError as error:
        raise ValueError(str(error)) from None
    return engine


def opened(
    loop: asyncio.AbstractEventLoop,
    port: int | None,
    host: str,
    engine: Engine | None,
    path: str | os.PathLike[str] | None,
    functions: Iterable[ModuleType | Function],
    settings: dict[str, Given],
) -> tuple[Engine, Door]:
    """An engine and a door of it that is open in a loop; see serve."""
    sockets: dict[str, Given] = {"port": port or 0, "bind": host}
    sockets.update({name: value for name, value in settings.items() if is_of_sockets(name)})
    others: dict[str, Any] = {name: value for name, value in settings.items() if not is_of_sockets(name)}
    if engine is not None and (path is not None or functions):
        raise ValueError("path and functions are those of an engine that is made, and one was given")
    served = Engine(path, functions=functions, **others) if engine is None else engine_with(engine, others)
    try:
        door = Door(host_of(served), loop, listeners_of(host_of(served)), keeps_time=True)
        values = values_of_sockets(served, sockets)
        door.open(values, any_port=port == 0)
    except SettingError as error:
        if engine is None:
            served.close()
        raise ValueError(str(error)) from None
    except BaseException:
        if engine is None:
            served.close()
        raise
    # who drops everything but the address has a server until the process ends
    door.holds = served
    return served, door


def serve(
    port: int | None = 0,
    *,
    host: str = "127.0.0.1",
    engine: Engine | None = None,
    path: str | os.PathLike[str] | None = None,
    functions: Iterable[ModuleType | Function] = (),
    **settings: Given,
) -> ThreadServer:
    """Serves an engine from a thread of its own, for code that wants an address: every Redis client can connect, and the engine may be used
    in process at the same time. It is closed at the end of a `with`, by close(), with the engine, or with the process.

    port: the TCP port; 0: one that is free; None: no TCP, but a Unix socket: serve(None, unixsocket="/tmp/zippy.sock").
    host: the addresses to listen on, with spaces between.
    engine: what is served; None: a new one, which is closed with the server.
    path, functions: of the new engine, as zippy.Engine takes them.
    settings: the engine's and a server's (requirepass, unixsocket, unixsocketperm, tls_port, maxclients, timeout ...), as in a
    configuration file, with underscores for dashes. On an engine that was given, what is the engine's stays as it is set.

    ValueError: a wrong setting. OSError: an address cannot be had, or files of TLS. RuntimeError: the engine is served already, or this
    is a forked child. ConnectionError: it is closed. zippy.FolderError: the folder cannot be opened.
    """
    loop = asyncio.new_event_loop()
    try:
        served, door = opened(loop, port, host, engine, path, functions, settings)
    except BaseException:
        loop.close()
        raise
    door.run_in_thread()
    return ThreadServer(served, door, engine is None)


async def serve_async(
    port: int | None = 0,
    *,
    host: str = "127.0.0.1",
    engine: Engine | None = None,
    path: str | os.PathLike[str] | None = None,
    functions: Iterable[ModuleType | Function] = (),
    **settings: Given,
) -> LoopServer:
    """Serves an engine in the running event loop: `async with await zippy.serve_async() as server`, or until `await server.close()`.

    Arguments and errors are those of zippy.serve. A loop that ends before the server is closed leaves its clients without an answer.
    """
    return LoopServer(*opened(asyncio.get_running_loop(), port, host, engine, path, functions, settings), engine is None)
