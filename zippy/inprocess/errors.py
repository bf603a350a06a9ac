"""redis-py's errors with a repr that says what is wrong. redis-py's own, from version 8.1 on, is `server:ResponseError` and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_readable: dict[type[Exception], Any] = {}  # by redis-py's class


def readable_class(kind: type[Exception]) -> Any:
    """A class like redis-py's own, but for its repr."""
    if kind not in _readable:
        _readable[kind] = make_class(kind)
    return _readable[kind]


def make_class(kind: type[Exception]) -> type[Exception]:
    """See readable_class."""
    if kind.__repr__ is BaseException.__repr__:
        return kind

    def show(self: Exception) -> str:
        return f"{kind.__name__}({', '.join(map(repr, self.args))})"

    def reduce(self: Exception) -> tuple[type[Exception], tuple[Any, ...]]:
        # who pickles such an error gets redis-py's
        return kind, self.args

    members: dict[str, Any] = {
        "__doc__": kind.__doc__,
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__repr__": show,
        "__reduce__": reduce,
    }
    return type(kind.__name__, (kind,), members)


def show_errors(parser: Any) -> None:
    """Has the errors that one of redis-py's parsers makes of replies show what they say."""
    parse: Callable[[Any], Exception] = parser.parse_error

    def parse_error(response: Any) -> Exception:
        error = parse(response)
        readable = readable_class(type(error))
        if readable is not type(error):
            error.__class__ = readable
        return error

    parser.parse_error = parse_error
