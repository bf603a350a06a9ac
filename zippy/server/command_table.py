"""COMMAND: what the table of commands says."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from zippy import commandspec
from zippy._core.ground.glob import fitting
from zippy._core.introspection import about_commands, commands_there
from zippy._core.resp.kinds import Raw
from zippy._core.resp.values import Words, encoded
from zippy._core.session import Session
from zippy.server.arguments import syntax_error, text
from zippy.server.registry import command


def all_specs(names: Iterable[str]) -> Iterator[commandspec.CommandSpec]:
    """Commands and their subcommands."""
    for name in names:
        spec = commandspec.find_command(name)
        assert spec is not None
        yield spec
        yield from spec.subcommands


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


@functools.cache
def list_of(names: tuple[str, ...]) -> Raw:
    """What COMMAND LIST replies where these commands are there, in both versions of the protocol."""
    return encoded([spec.name for spec in all_specs(names)], 3)


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


@command("command|list")
def command_list(session: Session, args: Words) -> Any:
    """COMMAND LIST [FILTERBY MODULE module-name | ACLCAT category | PATTERN pattern]."""
    if len(args) == 2:
        return list_of(tuple(commands_there(session.core)))
    if len(args) != 5 or args[2].lower() != b"filterby":
        raise syntax_error()
    kind = args[3].lower()
    if kind == b"module":
        return []
    if kind == b"aclcat":
        category = text(args[4]).lower()
        return [spec.name for spec in all_specs(commands_there(session.core)) if category in spec.categories]
    if kind == b"pattern":
        return fitting(args[4], tuple(spec.name.encode() for spec in all_specs(commands_there(session.core))), ignore_case=True)
    raise syntax_error()
