"""An engine inside of the caller's process: the server's commands without sockets or processes, kept in a folder if that is wished."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

from zippy._core.local import Direct, execute, execute_many
from zippy.functions import Function, functions_of
from zippy.inprocess.host import Host
from zippy.inprocess.state import Snapshot, put_snapshot, take_snapshot
from zippy.persistence.folder_lock import FolderError
from zippy.setting_types import Setting, SettingError, parse
from zippy.settings import SETTINGS, Settings, Value, find_setting

NO_SERVER = "an engine in process has no sockets, replicas or process for it; zippy-server has"
NO_FOLDER = "an engine in process without a folder keeps no files; Engine(path=...) and zippy-server do"
OWN_FOLDER = "the folder of an engine in process is its path, for as long as it lives"
NO_FORK = "an engine in process does not fork its caller: it saves beside the traffic (walk)"
NO_COMMANDS = "an engine in process begins its log with a snapshot: commands in its place need a fork, and it does not fork its caller"
IN_A_FOLDER = {"appendonly": "yes", "save": "", "snapshot-method": "walk"}
"""What an engine with a folder begins with. With `appendonly no` and no save points given, those of a server are in force: what is written
is to be kept."""


def open_folder(path: str | os.PathLike[str]) -> Path:
    """The folder's absolute path; the folder itself is made if it is not there. FolderError when there can be none."""
    if not os.fspath(path):
        raise ValueError("path='': a store is kept in a folder that is named; the working folder is '.'")
    folder = Path(os.path.abspath(os.fspath(path)))
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError:
        raise FolderError(f"{folder} is no folder") from None
    except OSError as error:
        raise FolderError(f"Cannot make the folder {folder}: {error.strerror}") from None
    return folder


def refusal(setting: Setting, value: Value, has_folder: bool) -> str:
    """Why an engine in process cannot honour a value of a setting, "" if it can."""
    if setting.name == "snapshot-method" and has_folder:
        return "" if value == "walk" else NO_FORK
    if setting.name == "dir" and has_folder:
        return OWN_FOLDER
    if setting.name == "aof-use-rdb-preamble" and has_folder:
        return "" if value else NO_COMMANDS
    if setting.kept and not has_folder:
        return NO_FOLDER
    return NO_SERVER if setting.served else ""


def refuse_changes(settings: Settings, has_folder: bool) -> None:
    """Has CONFIG SET refuse what cannot be honoured."""

    def listener(setting: Setting) -> None:
        def refuse(value: Value) -> None:
            reason = refusal(setting, value, has_folder)
            if reason:
                raise SettingError(reason)

        settings.on_change(setting.name, refuse)

    for setting in SETTINGS:
        if setting.served or setting.kept or setting.name == "aof-use-rdb-preamble":
            listener(setting)


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
        text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
        try:
            # as a configuration file does, which may also set what cannot be changed later
            parsed = parse(setting, text, settings.value(setting.name))
        except SettingError as error:
            raise ValueError(f"{name}={value!r}: {error}") from None
        reason = refusal(setting, parsed, folder is not None)
        if reason and parsed != settings.value(setting.name):
            raise ValueError(f"{name}={value!r}: {reason}")
        settings.put(setting, parsed)
    if folder is not None:
        place(settings, folder, "save" in names)
    refuse_changes(settings, folder is not None)
    return settings


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
    is killed, and SIGTERM does no less unless it is caught, leaves what was written until then: all that was answered with appendfsync
    always, all but the last tenth of a second with others, and without a log what was saved last.
    zippy.FolderError says why it cannot be opened, zippy.FolderInUse by whom it is used. None: nothing is kept.

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

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        functions: Iterable[ModuleType | Function] = (),
        **settings: str | int | bool,
    ) -> None:
        folder = None if path is None else open_folder(path)
        self._host = Host(chosen_settings(settings, folder))
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

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def host_of(engine: Engine) -> Host:
    """What an engine is made of, for the clients of this package."""
    return engine._host
