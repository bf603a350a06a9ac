"""The rows by which the core reads options, held against the commands' syntax."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest

from zippy._core.commands.args import OPTION_ROWS
from zippy.commandspec.rows import all_rows
from zippy.commandspec.spec import Argument, CommandSpec

EACH_KEY = -1  # arguments: as many as there are keys

# Words that a command reads only to refuse them in an error of its own; they are no part of its syntax
REFUSED = {
    "bitfield_ro": {"set": 3, "incrby": 3, "overflow": 1, "wrap": 0, "sat": 0, "fail": 0},
    "geosearchstore": {"withcoord": 0, "withdist": 0, "withhash": 0},
    "xread": {"group": 2, "noack": 0, "claim": 1},
    "zrangebylex": {"withscores": 0},
    "zrevrange": {"limit": 2},
    "zrevrangebylex": {"withscores": 0},
}

IN_THE_CORE = {spec.name: spec for _, spec in all_rows() if spec.handler is not None}


for handler in [str(spec.handler) for spec in IN_THE_CORE.values()]:
    import_module("zippy._core.commands." + handler.split(".")[0])  # which makes the tables that stand in it


def words_behind(argument: Argument) -> int:
    """How many words belong to an option, behind its own."""
    if argument.type == "pure-token":
        return 0
    if argument.type == "block":
        return len([child for child in argument.arguments if child.token is None])
    return EACH_KEY if "multiple" in argument.flags and "multiple_token" not in argument.flags else 1


def options(arguments: tuple[Argument, ...]) -> Iterator[tuple[str, int]]:
    """Each literal word of a syntax, in lower case, with the number of words that belong to it."""
    for argument in arguments:
        if argument.token is not None:
            yield argument.token.lower(), words_behind(argument)
        yield from options(argument.arguments)


@pytest.mark.parametrize("spec", [pytest.param(spec, id=name) for name, spec in IN_THE_CORE.items()])
def test_rows_are_those_of_the_syntax(spec: CommandSpec) -> None:
    """A command reads all the words that its spec has, with as many arguments, and no others."""
    assert OPTION_ROWS.get(spec.name, {}) == dict(options(spec.arguments)) | REFUSED.get(spec.name, {})


def test_rows_are_for_known_commands() -> None:
    """A table of a command that no spec has would never be read."""
    assert sorted(set(OPTION_ROWS) - set(IN_THE_CORE)) == []
