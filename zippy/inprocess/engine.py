"""An engine inside of the caller's process: the server's commands without sockets or processes, kept in a folder if that is wished."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from zippy._core.local import Direct, execute, execute_many
from zippy.functions import Function, functions_of
from zippy.inprocess.host import Host
from zippy.inprocess.refusals import refusal
from zippy.inprocess.state import Snapshot, put_snapshot, take_snapshot
from zippy.persistence.folder_lock import FolderError
from zippy.setting_types import Setting, SettingError, parse
from zippy.settings import Settings, Value, find_setting

if TYPE_CHECKING:
    from pathlib import Path

IN_A_FOLDER = {"appendonly": "yes", "save": "", "snapshot-method": "walk"}
"""What an engine with a folder begins with. With `appendonly no` and no save points given, those of a server are in force: what is written
is to be kept."""


def open_folder(path: str | os.PathLike[str]) -> Path:
    """The folder's absolute path; the folder itself is made if it is not there. FolderError when there can be none."""
    if not os.fspath(path):
        raise ValueError("path='': a store is kept in a folder that is named; the working folder is '.'")
    # a store in memory does without
    folder: Path = import_module("pathlib").Path(os.path.abspath(os.fspath(path)))
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError:
        raise FolderError(f"{folder} is no folder") from None
    except OSError as error:
        raise FolderError(f"Cannot make the folder {folder}: {error.strerror}") from None
    return folder


def chosen_settings(given: Mapping[str, str | int | bool], folder: Path | None = None) -> Settings:
    """Settings as Engine takes them, in this folder; ValueError for a name or value that there is none of."""
    settings = Settings()
    names = {name.replace("_", "-").lower(): name for name in given}
    for name, text in IN_A_FOLDER.items() if folder else (("save", ""),):
        settings.set(name, text)
    for plain, name in names.items():
        value = given[name]
        setting = find_setting(plain)
        if setting is None:
            raise ValueError(f"there is no setting {name!r}")
        parsed = parse_given(settings, setting, name, value)
        reason = refusal(setting, parsed, folder is not None)
        if reason and parsed != settings.value(setting.name):
            raise ValueError(f"{name}={value!r}: {reason}")
        settings.put(setting, parsed)
    if folder is not None:
        place(settings, folder, "save" in names)
    return settings


def parse_given(settings: Settings, setting: Setting, name: str, value: str | int | bool) -> Value:
    """The value of a setting that was given by this name in Python; ValueError says what is wrong with it."""
    try:
        # as a configuration file does, which may also set what cannot be changed later
        return parse(setting, as_text(value), settings.value(setting.name))
    except SettingError as error:
        raise ValueError(f"{name}={value!r}: {error}") from None


def as_text(value: str | int | bool) -> str:
    """A value as a configuration file has it."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def place(settings: Settings, folder: Path, has_points: bool) -> None:
    """Puts the folder into the settings, and save points where nothing else would keep what is written."""
    for name, value in (("dir", str(folder)), ("save", None)):
        setting = find_setting(name)
        assert setting is not None
        if value is not None:
            settings.put(setting, value)
        elif not has_points and not settings.flag("appendonly"):
            settings.put(setting, setting.default)


class Engine:
    """One data store in memory, gone with the object. May be used by several threads; each call holds `lock`.

    A forked child has a copy of the memory, in whatever state other threads had it: there every use is a RuntimeError.

    path: a folder that the store is kept in, made if it is not there: loaded now, written while the store is used, and saved when it is
    closed, collected, or the process ends. It has the files of a server, which may be started on it afterwards, and the reverse: an
    append-only file that is on disk within a second (appendonly yes, appendfsync everysec), unless settings say otherwise. A process that
    is killed, and SIGTERM does no less unless it is caught, loses nothing that was answered with appendfsync always, a second at most with
    everysec, and without a log what was not saved.
    zippy.FolderError says why it cannot be opened, zippy.FolderInUse by whom it is used. None: nothing is kept.

    share: other processes that name the folder with share=True, too, use the store as if it were their own: through a Unix socket in the
    folder, which only this user may open. When the owner goes, one of those who are left opens the store as soon as it needs it, with its
    own settings and functions. `lock`, snapshot and what settings and functions say are the owner's alone, and a forked child is another
    process. A command that is under way when the owner goes raises a ConnectionError, and may have been carried out.

    functions: modules or single functions in Python that FCALL can call (see zippy.functions).

    settings: names and values as in a configuration file, with underscores for dashes: Engine(maxmemory="100mb").
    A wrong one is a ValueError, and so is one that needs a server, such as port, or a folder where there is none, such as save.

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
    _is_shared = False

    def __new__(cls, path: str | os.PathLike[str] | None = None, *, share: bool = False, **_: Any) -> Engine:
        """What is shared is an engine that may be another process's."""
        if not share:
            return object.__new__(cls)
        if path is None:
            raise ValueError("share=True: what is shared is a store in a folder, by its path")
        # who shares nothing need not load what shares it
        made: Engine = object.__new__(import_module("zippy.inprocess.shared").SharedEngine)
        return made

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        share: bool = False,
        functions: Iterable[ModuleType | Function] = (),
        **settings: str | int | bool,
    ) -> None:
        folder = None if path is None else open_folder(path)
        self._host = Host(chosen_settings(settings, folder), folder is not None)
        found = functions_of(functions)
        if found:
            self._host.server.add_functions(found)
        if folder is not None:
            self._host.open()
            # the host does not end by itself: its thread has it
            weakref.finalize(self, self._host.abandon).atexit = False
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
        waiting, also for a list that has just come back. Some microseconds a key, in which nobody is served. RuntimeError where the
        store is kept in a folder.
        """
        put_snapshot(self._host, snapshot)

    def close(self, save: bool | None = None) -> None:
        """Saves, if the store is kept, and ends all connections; may be called twice. Those who wait on one get a ConnectionError.

        save: as SHUTDOWN's SAVE (True) and NOSAVE (False); None: a snapshot is saved if there are save points. The append-only file is
        complete whatever it says. OSError: what was to be saved cannot be, and the engine stays open.
        """
        self._host.close(save)

    @property
    def _is_closed(self) -> bool:
        return self._host.closed

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def is_closed(engine: Engine) -> bool:
    """Whether an engine has been closed, or its store had to end."""
    return engine._is_closed


def is_shared(engine: Engine) -> bool:
    """Whether the store of an engine may be in another process: then it is a SharedEngine."""
    return engine._is_shared


def host_of(engine: Engine) -> Host:
    """What an engine is made of, for the clients of this package."""
    return engine._host
