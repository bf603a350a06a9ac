"""Replies as tests write them down: the ones that many commands give, and how to make the others."""

from __future__ import annotations

from tests.resp import RawClient, Reply

OK = Reply("+", b"OK")
QUEUED = Reply("+", b"QUEUED")
NIL = Reply("$-1", None)
NIL3 = Reply("_", None)
NIL_ARRAY = Reply("*-1", None)
EMPTY = Reply("*", ())
SYNTAX = Reply("-", b"ERR syntax error")
NOT_AN_INTEGER = Reply("-", b"ERR value is not an integer or out of range")
NOT_A_FLOAT = Reply("-", b"ERR value is not a valid float")
NOT_POSITIVE = Reply("-", b"ERR value is out of range, must be positive")
WRONG_TYPE = Reply("-", b"WRONGTYPE Operation against a key holding the wrong kind of value")


def bulk(text: bytes | str) -> Reply:
    """A bulk string."""
    return Reply("$", text.encode() if isinstance(text, str) else text)


def integer(n: int) -> Reply:
    """An integer."""
    return Reply(":", n)


def array(*items: Reply) -> Reply:
    """An array."""
    return Reply("*", items)


def bulks(*words: bytes) -> Reply:
    """An array of bulk strings."""
    return array(*map(bulk, words))


def error(text: str) -> Reply:
    """An error."""
    return Reply("-", text.encode())


def wrong_arguments(command: str) -> Reply:
    """The error about a command with too many or too few words."""
    return error(f"ERR wrong number of arguments for '{command}' command")


def encoding(raw: RawClient, key: str) -> bytes:
    """What OBJECT ENCODING says."""
    text: bytes = raw("OBJECT", "ENCODING", key).value
    return text
