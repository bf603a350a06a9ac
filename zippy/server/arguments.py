"""Reading the arguments of commands that are answered in Python, with Redis's error texts."""

from __future__ import annotations

import re
import time

from zippy._core.resp.kinds import ReplyError
from zippy._core.resp.values import Words

INT64_MAX = 2**63 - 1
_INTEGER = re.compile(rb"0|-?[1-9][0-9]{0,18}")


def integer(argument: bytes, error: str = "ERR value is not an integer or out of range") -> int:
    """A whole number of 64 bits, written as Redis takes it; ReplyError with `error` for anything else."""
    if _INTEGER.fullmatch(argument) is None:
        raise ReplyError(error)
    value = int(argument)
    if not -INT64_MAX - 1 <= value <= INT64_MAX:
        raise ReplyError(error)
    return value


def text(argument: bytes) -> str:
    """The argument as text; bytes that are no UTF-8 survive as surrogate escapes."""
    return argument.decode("utf-8", "surrogateescape")


def repeated(argument: bytes) -> str:
    """The argument as an error repeats it: what Redis formats as a C string ends at a NUL."""
    return text(argument.partition(b"\0")[0])


def syntax_error() -> ReplyError:
    """To be raised."""
    return ReplyError("ERR syntax error")


def subcommand_error(args: Words) -> ReplyError:
    """To be raised where a container's subcommand was given too many or senseless arguments."""
    container, given = text(args[0]).upper(), repeated(args[1][:128])
    return ReplyError(f"ERR unknown subcommand or wrong number of arguments for '{given}'. Try {container} HELP.")


def timeout_of(word: bytes) -> int:
    """The milliseconds that a command waits, 0: for ever."""
    milliseconds = integer(word, "ERR timeout is not an integer or out of range")
    if milliseconds < 0:
        raise ReplyError("ERR timeout is negative")
    if milliseconds > INT64_MAX - int(time.time() * 1000):
        raise ReplyError("ERR timeout is out of range")
    return milliseconds
