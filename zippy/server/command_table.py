"""COMMAND: what the table of commands says."""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any

from zippy import commandspec
from zippy._core.introspection import about_commands, commands_there
from zippy._core.resp.kinds import Raw
from zippy._core.resp.values import Words, encoded
from zippy._core.session import Session
from zippy.server.registry import command


def replies() -> Any:
    """The module that makes replies of specs, loaded with the first of them: see zippy/commandspec."""
    return import_module("zippy.commandspec.reply")


@functools.cache
def info_of(name: str, protocol: int) -> Raw:
    """What COMMAND INFO replies for a command that there is. Kept by its lower case name: made anew, all of them take some milliseconds."""
    spec = commandspec.find_command(name)
    assert spec is not None
    return encoded(replies().info_reply(spec), protocol)


@functools.cache
def docs_of(name: str, protocol: int) -> Raw:
    """The same of COMMAND DOCS, for a command that there is."""
    spec = commandspec.find_command(name)
    assert spec is not None
    return encoded(replies().docs_reply(spec), protocol)


@command("command")
def command_all(session: Session, args: Words) -> Any:
    """COMMAND."""
    return [info_of(name, session.protocol) for name in commands_there(session.core)]


@command("command|info")
def command_info(session: Session, args: Words) -> Any:
    """COMMAND INFO [command-name [command-name ...]]."""
    if len(args) == 2:
        return command_all(session, args)
    protocol = session.protocol
    return about_commands(session.core, args, 2, lambda name: info_of(name, protocol))


@command("command|docs")
def command_docs(session: Session, args: Words) -> Any:
    """COMMAND DOCS [command-name [command-name ...]]."""
    if len(args) == 2:
        return {name: docs_of(name, session.protocol) for name in commands_there(session.core)}
    return {name: docs_of(name, session.protocol) for name in about_commands(session.core, args, 2, str) if name is not None}
