"""The HELP subcommands, written from the table of commands."""

from __future__ import annotations

from functools import cache, lru_cache, partial
from importlib import import_module
from typing import Any

from zippy import commandspec
from zippy._core.resp.kinds import Raw, Simple
from zippy._core.resp.values import Words, encoded
from zippy._core.session import Core, Session
from zippy.server.arguments import text
from zippy.server.registry import Handler


def help_lines(container: str, entries: list[tuple[str, str]]) -> list[Simple]:
    """The reply to "container HELP": entries are a subcommand with its arguments, and what it does."""
    lines = [f"{container.upper()} <subcommand> [<argument> ...], the subcommand being one of:"]
    for shown, summary in [*entries, ("HELP", "Show these lines.")]:
        lines += [shown, f"    {summary}"]
    return [Simple(line) for line in lines]


def container_help(name: str, session: Session, args: Words) -> Any:
    """The handler of every container's HELP."""
    return help_reply(name, text(args[0]), session.protocol)


@lru_cache(maxsize=64)
def help_reply(name: str, given: str, protocol: int) -> Raw:
    """What a container's HELP answers to who gave the container's name so."""
    syntax = import_module("zippy.commandspec.syntax").syntax
    container = commandspec.find_command(name)
    assert container is not None
    entries = []
    for spec in container.subcommands:
        word = spec.name.partition("|")[2]
        if word != "help":
            entries.append((f"{word.upper()} {syntax(spec)}".rstrip(), spec.summary))
    return encoded(help_lines(given, sorted(entries)), protocol)


@cache
def help_of(names: tuple[str, ...]) -> dict[str, Handler]:
    """The handler of each HELP among the names of commands."""
    return {name: partial(container_help, name.removesuffix("|help")) for name in names if name.endswith("|help")}


def bind_help(core: Core) -> None:
    """Binds a handler to each HELP of the table."""
    for name, handler in help_of(core.command_names).items():
        core.bind(name, handler)
