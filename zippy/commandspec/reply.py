"""From a CommandSpec to what COMMAND INFO and COMMAND DOCS reply, as plain lists and dicts that any reply writer can take."""

from __future__ import annotations

from typing import TypeAlias

from zippy._core.resp.kinds import OrderedSet, Simple
from zippy.commandspec.spec import Argument, CommandSpec, Index, KeySpec, Range

Reply: TypeAlias = "str | int | list[Reply] | dict[str, Reply] | OrderedSet"


def _simple_set(words: tuple[str, ...], prefix: str = "") -> OrderedSet:
    return OrderedSet(Simple(prefix + word) for word in words)


def _begin_search(spec: KeySpec) -> dict[str, Reply]:
    if spec.begin is None:
        return {"type": "unknown", "spec": {}}
    if isinstance(spec.begin, Index):
        return {"type": "index", "spec": {"index": spec.begin.position}}
    return {"type": "keyword", "spec": {"keyword": spec.begin.keyword, "startfrom": spec.begin.start}}


def _find_keys(spec: KeySpec) -> dict[str, Reply]:
    find = spec.find
    if find is None:
        return {"type": "unknown", "spec": {}}
    if isinstance(find, Range):
        return {"type": "range", "spec": {"lastkey": find.last, "keystep": find.step, "limit": find.limit}}
    return {"type": "keynum", "spec": {"keynumidx": find.count_at, "firstkey": find.first, "keystep": find.step}}


def _key_spec(spec: KeySpec) -> dict[str, Reply]:
    notes: dict[str, Reply] = {} if spec.notes is None else {"notes": spec.notes}
    return notes | {"flags": _simple_set(spec.flags), "begin_search": _begin_search(spec), "find_keys": _find_keys(spec)}


def info_reply(spec: CommandSpec) -> list[Reply]:
    """The ten items that COMMAND INFO gives for one command; without subcommands the last one is an empty set, as Redis 8.2 does."""
    return [
        spec.name,
        spec.arity,
        _simple_set(spec.flags),
        spec.first_key,
        spec.last_key,
        spec.key_step,
        _simple_set(spec.categories, "@"),
        OrderedSet(spec.tips),
        OrderedSet(_key_spec(key) for key in spec.keys),
        [info_reply(subcommand) for subcommand in spec.subcommands] or OrderedSet(),
    ]


def _argument(argument: Argument) -> dict[str, Reply]:
    reply: dict[str, Reply] = {"name": argument.name, "type": argument.type}
    if argument.type not in ("oneof", "block"):
        reply["display_text"] = argument.display or argument.name
    if argument.key_spec is not None:
        reply["key_spec_index"] = argument.key_spec
    if argument.token is not None:
        reply["token"] = argument.token
    if argument.since is not None:
        reply["since"] = argument.since
    if argument.deprecated_since is not None:
        reply["deprecated_since"] = argument.deprecated_since
    if argument.flags:
        reply["flags"] = _simple_set(argument.flags)
    if argument.arguments:
        reply["arguments"] = [_argument(child) for child in argument.arguments]
    return reply


def docs_reply(spec: CommandSpec) -> dict[str, Reply]:
    """The map that COMMAND DOCS gives for one command, without the command's name around it; absent parts are left out."""
    reply: dict[str, Reply] = {"summary": spec.summary, "since": spec.since, "group": spec.group}
    if spec.complexity is not None:
        reply["complexity"] = spec.complexity
    if spec.doc_flags:
        reply["doc_flags"] = _simple_set(spec.doc_flags)
    if spec.deprecated_since is not None:
        reply["deprecated_since"] = spec.deprecated_since
    if spec.replaced_by is not None:
        reply["replaced_by"] = spec.replaced_by
    if spec.history:
        reply["history"] = OrderedSet([version, change] for version, change in spec.history)
    if spec.arguments:
        reply["arguments"] = [_argument(argument) for argument in spec.arguments]
    if spec.subcommands:
        reply["subcommands"] = {subcommand.name: docs_reply(subcommand) for subcommand in spec.subcommands}
    return reply
