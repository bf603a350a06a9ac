"""What of zippy's commands is later than the oracle, a Redis 8.2.3, by the versions that their specs name."""

from __future__ import annotations

from dataclasses import replace

from zippy.commandspec import Argument, CommandSpec

ORACLE = (8, 2, 3)


def is_known(since: str | None) -> bool:
    """Whether the oracle has what is there since this version."""
    return since is None or tuple(int(part) for part in since.split(".")) <= ORACLE


def known_arguments(arguments: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Those that the oracle has, at all depths."""
    return tuple(replace(one, arguments=known_arguments(one.arguments)) for one in arguments if is_known(one.since))


def as_known(spec: CommandSpec) -> CommandSpec:
    """The spec without what is later than the oracle."""
    history = tuple(entry for entry in spec.history if is_known(entry[0]))
    return replace(spec, arguments=known_arguments(spec.arguments), history=history)
