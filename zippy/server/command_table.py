"""COMMAND: what the table of commands says."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import Any

from zippy import commandspec
from zippy._core.introspection import about_commands, commands_there, may_wait
from zippy._core.resp.kinds import Raw
from zippy._core.resp.values import Words, encoded
from zippy._core.session import Session
from zippy.commandspec.groups import is_made, steps
from zippy.server.key_sizes import OthersTurn
from zippy.server.registry import command

STEP = 32  # commands whose replies are made at a time


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


_made: set[tuple[Callable[[str, int], Raw], int]] = set()  # what makes replies, and protocols: those of all commands are there


def when_made(session: Session, make: Callable[[str, int], Raw] | None, answer: Callable[[], Any]) -> Any:
    """The answer, for which the table of commands and `make`'s replies of all commands are needed, if it is given: the first time, they
    are made in steps with others' turns in between, if this command can wait."""
    made = is_made() if make is None else (make, session.protocol) in _made
    return answer() if made or not may_wait(session) else answer_when_made(session, make, answer)


async def answer_when_made(session: Session, make: Callable[[str, int], Raw] | None, answer: Callable[[], Any]) -> Any:
    """The same, later."""
    protocol = session.protocol
    for _ in steps():
        await OthersTurn()
    if make is not None:
        for place, name in enumerate(commands_there(session.core), 1):
            make(name, protocol)
            if place % STEP == 0:
                await OthersTurn()
        _made.add((make, protocol))
    return answer()


@command("command")
def command_all(session: Session, args: Words) -> Any:
    """COMMAND."""
    protocol = session.protocol
    return when_made(session, info_of, lambda: [info_of(name, protocol) for name in commands_there(session.core)])


@command("command|info")
def command_info(session: Session, args: Words) -> Any:
    """COMMAND INFO [command-name [command-name ...]]."""
    if len(args) == 2:
        return command_all(session, args)
    protocol = session.protocol
    return when_made(session, None, lambda: about_commands(session.core, args, 2, lambda name: info_of(name, protocol)))


@command("command|docs")
def command_docs(session: Session, args: Words) -> Any:
    """COMMAND DOCS [command-name [command-name ...]]."""
    protocol = session.protocol
    if len(args) == 2:
        return when_made(session, docs_of, lambda: {name: docs_of(name, protocol) for name in commands_there(session.core)})
    return when_made(session, None, lambda: docs_of_some(session, args, protocol))


def docs_of_some(session: Session, args: Words, protocol: int) -> dict[str, Raw]:
    """What COMMAND DOCS replies for the commands that were named."""
    return {name: docs_of(name, protocol) for name in about_commands(session.core, args, 2, str) if name is not None}
