"""Which Python function answers which command; the modules of this package register theirs when imported."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from zippy._core.session import Core, Session

# handler(session, args): args is the whole request, the command's name first. Returns a value of zippy/_core/resp/kinds.py, or a coroutine
# of one.
Handler = Callable[["Session", list[bytes]], Any | Coroutine[Any, Any, Any]]
AnyHandler = TypeVar("AnyHandler", bound=Handler)

HANDLERS: dict[str, Handler] = {}


def command(name: str) -> Callable[[AnyHandler], AnyHandler]:
    """Registers the decorated function as the handler of `name`, for example "config|get"."""

    def register(handler: AnyHandler) -> AnyHandler:
        HANDLERS[name] = handler
        return handler

    return register


def bind_all(core: Core) -> None:
    """Binds what is registered to a core."""
    for name, handler in HANDLERS.items():
        core.bind(name, handler)
