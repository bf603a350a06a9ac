"""COMMAND: what the table of commands says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from zippy._core.ground.glob import fitting
from zippy._core.resp.kinds import OrderedSet, ReplyError, Simple
from zippy.commandspec import COMMANDS, CommandSpec, find_command
from zippy.commandspec.keys import Key, KeysUnknown, has_keys, request_keys
from zippy.commandspec.reply import docs_reply, info_reply
from zippy.server.arguments import syntax_error, text
from zippy.server.registry import command

if TYPE_CHECKING:
    from zippy._core.session import Session


def all_specs() -> Iterator[CommandSpec]:
    """Every command and subcommand."""
    for spec in COMMANDS:
        yield spec
        yield from spec.subcommands


NAMES = tuple(spec.name.encode() for spec in all_specs())


@command("command")
def command_all(session: Session, args: list[bytes]) -> Any:
    """COMMAND."""
    return [info_reply(spec) for spec in COMMANDS]


@command("command|count")
def command_count(session: Session, args: list[bytes]) -> Any:
    """COMMAND COUNT."""
    return len(COMMANDS)


@command("command|info")
def command_info(session: Session, args: list[bytes]) -> Any:
    """COMMAND INFO [name ...]."""
    if len(args) == 2:
        return command_all(session, args)
    found = [find_command(text(name)) for name in args[2:]]
    return [None if spec is None else info_reply(spec) for spec in found]


@command("command|docs")
def command_docs(session: Session, args: list[bytes]) -> Any:
    """COMMAND DOCS [name ...]."""
    if len(args) == 2:
        return {spec.name: docs_reply(spec) for spec in COMMANDS}
    found = [find_command(text(name)) for name in args[2:]]
    return {spec.name: docs_reply(spec) for spec in found if spec is not None}


@command("command|list")
def command_list(session: Session, args: list[bytes]) -> Any:
    """COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]."""
    if len(args) == 2:
        return [spec.name for spec in all_specs()]
    if len(args) != 5 or args[2].lower() != b"filterby":
        raise syntax_error()
    kind = args[3].lower()
    if kind == b"module":
        return []
    if kind == b"aclcat":
        category = text(args[4]).lower()
        return [spec.name for spec in all_specs() if category in spec.categories]
    if kind == b"pattern":
        return fitting(args[4], NAMES, ignore_case=True)
    raise syntax_error()


def keys_of(words: list[bytes]) -> list[Key]:
    """The keys of a request, or why there are none as an error reply."""
    spec = find_command(text(words[0]))
    if spec is not None and spec.subcommands and len(words) > 1:
        spec = find_command(f"{spec.name}|{text(words[1])}")
    if spec is None:
        raise ReplyError("ERR Invalid command specified")
    if not has_keys(spec):
        raise ReplyError("ERR The command has no key arguments")
    if len(words) != spec.arity if spec.arity > 0 else len(words) < -spec.arity:
        raise ReplyError("ERR Invalid number of arguments specified for command")
    try:
        return request_keys(spec, words)
    except KeysUnknown:
        if "no_mandatory_keys" in spec.flags:
            return []
        raise ReplyError("ERR Invalid arguments specified for command") from None


@command("command|getkeys")
def command_getkeys(session: Session, args: list[bytes]) -> Any:
    """COMMAND GETKEYS command [argument ...]."""
    return [args[2 + key.place] for key in keys_of(args[2:])]


@command("command|getkeysandflags")
def command_getkeysandflags(session: Session, args: list[bytes]) -> Any:
    """COMMAND GETKEYSANDFLAGS command [argument ...]."""
    return [[args[2 + key.place], OrderedSet(Simple(flag) for flag in key.flags)] for key in keys_of(args[2:])]
