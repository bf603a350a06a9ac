"""The table of all commands, put together from the files of their groups."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from zippy.commandspec.groups import GROUPS
from zippy.commandspec.spec import CommandSpec


def specs_of_groups() -> Iterator[CommandSpec]:
    """The specs of all files."""
    for group in GROUPS:
        yield from import_module(f"zippy.commandspec.{group}").COMMANDS


COMMANDS = tuple(specs_of_groups())

_BY_NAME = {spec.name: spec for command in COMMANDS for spec in (command, *command.subcommands)}


def find_command(name: str) -> CommandSpec | None:
    """The spec called `name` in any letter case (`get`, `client|kill`), or None."""
    return _BY_NAME.get(name.lower())
