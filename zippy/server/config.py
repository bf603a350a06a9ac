"""CONFIG: the settings from outside."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from zippy._core.introspection import redact, reset_stats
from zippy._core.resp.kinds import OK, ReplyError
from zippy.config_file import rewrite_file
from zippy.server.arguments import syntax_error, text
from zippy.server.registry import command
from zippy.settings import SettingError, find_setting

if TYPE_CHECKING:
    from zippy._core.session import Session


def is_local(session: Session) -> bool:
    """The client sits on this machine: it came over a Unix socket, from the loopback interface, or from within the process."""
    address = session.state.address if session.state is not None else ""
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


def permits(session: Session, setting: str) -> bool:
    """What a setting of the kind no | yes | local allows this client."""
    choice = session.core.server.settings.text(setting)
    return bool(choice == "yes" or (choice == "local" and is_local(session)))


@command("config|get")
def config_get(session: Session, args: list[bytes]) -> Any:
    """CONFIG GET parameter [parameter ...]."""
    return session.core.server.settings.match([text(pattern) for pattern in args[2:]])


@command("config|set")
def config_set(session: Session, args: list[bytes]) -> Any:
    """CONFIG SET parameter value [parameter value ...]. Sets all or none."""
    if len(args) % 2:
        raise syntax_error()
    for place in range(2, len(args), 2):
        setting = find_setting(text(args[place]))
        if setting is not None and setting.type == "secret":
            redact(session, place + 1)
    pairs = [(text(args[place]), text(args[place + 1])) for place in range(2, len(args), 2)]
    try:
        session.core.server.settings.set_many(pairs, trusted=permits(session, "enable-protected-configs"))
    except SettingError as error:
        raise ReplyError(f"ERR {error}") from None
    return OK


@command("config|resetstat")
def config_resetstat(session: Session, args: list[bytes]) -> Any:
    """CONFIG RESETSTAT."""
    reset_stats(session.core)
    session.core.server.meter.reset()
    return OK


@command("config|rewrite")
def config_rewrite(session: Session, args: list[bytes]) -> Any:
    """CONFIG REWRITE."""
    server = session.core.server
    if server.config_path is None:
        raise ReplyError("ERR The server is running without a config file")
    try:
        rewrite_file(server.config_path, server.settings, {name: lines() for name, lines in server.config_lines.items()})
    except OSError as error:
        raise ReplyError(f"ERR Rewriting config file: {error.strerror}") from None
    return OK
