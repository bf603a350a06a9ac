"""Reply kinds that plain Python values do not tell apart.

A Python handler answers with None, bool, int, float, bytes or str (bulk strings), list or tuple (arrays), dict (maps), set or frozenset
(sets), or one of these.
"""

from __future__ import annotations

from collections.abc import Callable


class Simple(str):
    """A simple string: +OK."""

    __slots__ = ()


class Verbatim(str):
    """A verbatim string of kind txt; a bulk string in RESP2."""

    __slots__ = ()


class Push(list):  # type: ignore[type-arg]
    """An out-of-band message; an array in RESP2."""

    __slots__ = ()


class Pairs(list):  # type: ignore[type-arg]
    """A map given as a list of (key, value) pairs, for keys that repeat or cannot be hashed."""

    __slots__ = ()


class OrderedSet(tuple):  # type: ignore[type-arg]
    """A set whose items have an order, or cannot be hashed; an array in RESP2."""

    __slots__ = ()


class Raw(bytes):
    """Bytes that are RESP already."""


class NullArray:
    """*-1, or the null of RESP3."""


class NoReply:
    """Nothing is written: the handler has answered in another way, or the command has no reply."""


class Later:
    """A reply that its handler does not have yet: who has it calls `answer`, between two turns. The client's further input waits."""

    __slots__ = ("at_end", "deliver")

    def __init__(self) -> None:
        self.deliver: Callable[[object], object] | None = None  # set by who was given this in the place of a reply
        self.at_end: Callable[[], object] | None = None  # set by who gave it: called once, when it is answered or cancelled

    def answer(self, value: object) -> None:
        """Gives the reply; nothing if the client is gone, or has it."""
        deliver = self.deliver
        self.cancel()
        if deliver is not None:
            deliver(value)

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        at_end, self.at_end, self.deliver = self.at_end, None, None
        if at_end is not None:
            at_end()


class ReplyError(Exception):
    """An error reply; raised by a handler, or a value inside an array. Its text begins with the code: "ERR ..."."""


OK = Simple("OK")
NULL_ARRAY = NullArray()
NO_REPLY = NoReply()
