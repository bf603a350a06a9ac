"""Which settings an engine in process cannot honour, and why."""

from __future__ import annotations

from collections.abc import Callable

from zippy.setting_types import Setting, SettingError
from zippy.settings import Settings, Value

NO_SERVER = "an engine in process has no sockets, replicas or process for it; zippy-server has"
NO_SOCKETS = "an engine in process has no sockets for it, unless zippy.serve gives it some; zippy-server has"
NO_FOLDER = "an engine in process without a folder keeps no files; Engine(path=...) and zippy-server do"
OWN_FOLDER = "the folder of an engine in process is its path, for as long as it lives"
NO_FORK = "an engine in process does not fork its caller: it saves beside the traffic (walk)"
NO_COMMANDS = "an engine in process begins its log with a snapshot: commands in its place need a fork, and it does not fork its caller"


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
    if setting.socket:
        return NO_SOCKETS
    return NO_SERVER if setting.served else ""


def refuse_changes(settings: Settings, has_folder: bool, socket_refusal: Callable[[], str]) -> None:
    """Has CONFIG SET refuse what cannot be honoured. socket_refusal: why settings of sockets cannot be changed now, "" if they can."""

    def refuse(setting: Setting, value: Value) -> None:
        reason = socket_refusal() if setting.socket else refusal(setting, value, has_folder)
        if reason:
            raise SettingError(reason)

    settings.on_each_change(refuse)
