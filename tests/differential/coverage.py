"""What of the commands' syntax no template ever writes: commands, subcommands and options, held against zippy's own table."""

from __future__ import annotations

from collections.abc import Iterator

from tests.differential.groups import GROUPS
from tests.differential.values import Source
from tests.since import as_known, is_known
from zippy.commandspec import COMMANDS
from zippy.commandspec.spec import Argument

COVERED = {"string", "bitmap", "hyperloglog", "list", "set", "sorted-set", "geo", "hash", "stream", "generic", "transactions", "pubsub"}
"""The groups of the table whose every option is to be compared, as far as the oracle has it."""

APART = {"MIGRATE"}
"""Compared by tests of their own, since it takes a third server: tests/commands/test_generic_migrate.py."""


def tokens(arguments: tuple[Argument, ...]) -> Iterator[str]:
    """All the literal words of a command's syntax."""
    for argument in arguments:
        if argument.token:
            yield argument.token.upper()
        yield from tokens(argument.arguments)


def written(count: int) -> dict[str, set[str]]:
    """For each command (a subcommand is "config|set") the words that `count` steps of each group gave it, in capitals."""
    words: dict[str, set[str]] = {}
    for group in GROUPS.values():
        for unit in group.units(Source(f"coverage {group.name}", group.key_type, True, group.clock), count):
            for step in unit.steps:
                texts = [arg.decode("latin-1").upper() for arg in step.args]
                words.setdefault(texts[0], set()).update(texts[1:])
                if len(texts) > 1:
                    words.setdefault(f"{texts[0]}|{texts[1]}", set()).update(texts[2:])
    return words


def gaps(count: int) -> list[str]:
    """What is never written: "GETEX PERSIST" for an option, "OBJECT|HELP" for a command."""
    words = written(count)
    missing = []
    for command in (as_known(one) for parent in COMMANDS for one in (parent, *parent.subcommands)):
        name = command.name.upper()
        if command.group not in COVERED or name in APART or not is_known(command.since):
            continue
        if name not in words:
            missing.append(name)
        else:
            missing += [f"{name} {token}" for token in tokens(command.arguments) if token not in words[name]]
    return missing
