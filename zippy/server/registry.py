"""Which Python function answers which command.

A handler is marked where it is written, with `@command("config|get")`: a method of the part of the server that it needs, or a function
where the session and its core are enough. It takes the session and the whole request, the command's name first, and returns a value of
zippy/_core/resp/kinds.py (Later: it comes later), or a coroutine of one. `bind` hands the handlers of such a part, or of a module, to a
core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any, TypeAlias, TypeVar

from zippy._core.session import Core, Session

Handler: TypeAlias = Callable[[Session, list[bytes]], Any]
Method: TypeAlias = Callable[[Any, Session, list[bytes]], Any]
Marked = TypeVar("Marked", bound=Handler | Method)

COMMANDS: dict[object, str] = {}  # the command of each function that was marked


def command(name: str) -> Callable[[Marked], Marked]:
    """Marks the decorated function or method as the handler of `name`, for example "config|get"."""

    def mark(function: Marked) -> Marked:
        COMMANDS[function] = name
        return function

    return mark


def functions_of(owner: object) -> Iterator[tuple[FunctionType, Any]]:
    """The functions that a module or an object's class has, each as it is written and as it is to be called."""
    for name, found in list(vars(owner if isinstance(owner, ModuleType) else type(owner)).items()):
        if isinstance(found, FunctionType):
            yield found, getattr(owner, name)


def bind(core: Core, *owners: object) -> None:
    """Binds what is marked in modules and objects to the commands of a core."""
    for owner in owners:
        for function, handler in functions_of(owner):
            if function in COMMANDS:
                core.bind(COMMANDS[function], handler)
