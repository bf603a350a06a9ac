"""Which Python function answers which command.

A handler is marked where it is written, with `@command("config|get")`: a method of the part of the server that it needs, or a function
where the session and its core are enough. It takes the session and the whole request, the command's name first, and returns a value of
zippy/_core/resp/kinds.py (Later: it comes later), or a coroutine of one. `bind` hands the handlers of such a part, or of a module, to a
core.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cache
from types import FunctionType, ModuleType
from typing import Any, TypeAlias, TypeVar

from zippy._core.resp.values import Words
from zippy._core.session import Core, Session

Handler: TypeAlias = Callable[[Session, Words], Any]
Namespace: TypeAlias = Hashable  # a module or a class
Method: TypeAlias = Callable[[Any, Session, Words], Any]
Marked = TypeVar("Marked", bound=Handler | Method)
Mark = TypeVar("Mark")

COMMANDS: dict[object, str] = {}  # the command of each function that was marked


def command(name: str) -> Callable[[Marked], Marked]:
    """Marks the decorated function or method as the handler of `name`, for example "config|get"."""

    def mark(function: Marked) -> Marked:
        COMMANDS[function] = name
        return function

    return mark


def namespace_of(owner: object) -> Any:
    """Where the functions of a module or an object are found: in itself, or in its class."""
    return owner if isinstance(owner, ModuleType) else type(owner)


def marked_in(namespace: Namespace, marks: Mapping[object, Mark]) -> tuple[tuple[str, Mark], ...]:
    """The functions in a namespace that have a mark, by their names there, and what it says."""
    return tuple((name, marks[found]) for name, found in vars(namespace).items() if isinstance(found, FunctionType) and found in marks)


@cache
def commands_in(namespace: Namespace) -> tuple[tuple[str, str], ...]:
    """The handlers in a namespace and their commands; looked for once, since each engine in process asks for the same."""
    return marked_in(namespace, COMMANDS)


def bind(core: Core, *owners: object) -> None:
    """Binds what is marked in modules and objects to the commands of a core."""
    for owner in owners:
        for handler, name in commands_in(namespace_of(owner)):
            core.bind(name, getattr(owner, handler))
