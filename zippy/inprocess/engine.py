"""An engine inside of the caller's process: the server's commands without sockets, processes or files."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import NoReturn

from zippy._core.local import Direct, execute, execute_many
from zippy.functions import Function, functions_of
from zippy.inprocess.host import Host
from zippy.inprocess.state import Snapshot, put_snapshot, take_snapshot
from zippy.setting_types import SettingError, parse
from zippy.settings import SETTINGS, Settings, Value, find_setting


def refuse_setting(_: Value) -> NoReturn:
    """A setting that a server alone can honour was to be changed."""
    raise SettingError("an engine in process has no files, sockets or replicas for it; zippy-server has")


def chosen_settings(given: Mapping[str, str | int | bool]) -> Settings:
    """Settings as Engine takes them, no snapshots among them unless asked for; ValueError for a name or value that there is none of."""
    settings = Settings()
    settings.set("save", "")
    for name, value in given.items():
        setting = find_setting(name.replace("_", "-"))
        if setting is None:
            raise ValueError(f"there is no setting {name!r}")
        text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
        try:
            # as a configuration file does, which may also set what cannot be changed later
            parsed = parse(setting, text, settings.value(setting.name))
            if setting.served and parsed != settings.value(setting.name):
                refuse_setting(parsed)
        except SettingError as error:
            raise ValueError(f"{name}={value!r}: {error}") from None
        settings.put(setting, parsed)
    for setting in SETTINGS:
        if setting.served:
            settings.on_change(setting.name, refuse_setting)
    return settings


class Engine:
    """One data store in memory, gone with the object. May be used by several threads; each call holds `lock`.

    A forked child has a copy of the memory, in whatever state other threads had it: there every use is a RuntimeError.

    functions: modules or single functions in Python that FCALL can call (see zippy.functions).

    settings: names and values as in a configuration file, with underscores for dashes: Engine(maxmemory="100mb").
    A wrong one is a ValueError, and so is one that needs a server, such as dir, appendonly, save or port: nothing is kept in files.

    execute("SET", "key", 1) runs one command and returns its reply: None, int, float, bool, bytes, and lists, dicts and sets of them
    (RESP3's kinds; simple strings are bytes too). Arguments are bytes, str (sent as UTF-8), int or float. An error is raised as ReplyError,
    a wrong type of argument as TypeError. It runs what a script may run: what waits for other clients gets the answer of one whose time is
    over, and what changes a connection (MULTI, SUBSCRIBE, CLIENT ...) is refused: a client's connection is for that. SELECT holds for all
    callers.

    execute_many([("SET", "key", 1), ("GET", "key")]) runs many in one turn, with nobody between, and returns a list of replies, ReplyErrors
    among them.
    """

    execute = execute
    execute_many = execute_many

    def __init__(self, *, functions: Iterable[ModuleType | Function] = (), **settings: str | int | bool) -> None:
        self._host = Host(chosen_settings(settings))
        found = functions_of(functions)
        if found:
            self._host.server.add_functions(found)
        self._direct = Direct(self._host)

    @property
    def lock(self) -> threading.RLock:
        """Held by each call; hold it to make several calls with nobody between."""
        return self._host.lock

    def snapshot(self) -> Snapshot:
        """All that is in the engine now: every database with its expiries, and libraries of functions. For restore."""
        return take_snapshot(self._host)

    def restore(self, snapshot: Snapshot) -> None:
        """Puts back what was there at a snapshot, of this engine or another one of this process, as FLUSHALL and loading it would.

        Connections and subscriptions stay, and so do scripts that EVALSHA knows. Keys keep the moments at which they expire, and are left
        out when these are over. A transaction that watches a key fails if the key was there or is there now; who is blocked goes on
        waiting, also for a list that has just come back. Some microseconds a key, in which nobody is served. RuntimeError where an
        append-only file is kept.
        """
        put_snapshot(self._host, snapshot)

    def close(self) -> None:
        """Ends all connections; may be called twice. Those who wait on one get a ConnectionError."""
        self._host.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def host_of(engine: Engine) -> Host:
    """What an engine is made of, for the clients of this package."""
    return engine._host
