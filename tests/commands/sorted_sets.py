"""What the tests of the sorted set group share."""

from __future__ import annotations

from tests.replies import (
    array,
    bulk,
)
from tests.resp import RawClient, Reply

LONG = b"x" * 65
"""Too long for a listpack."""
NO_RANGE = Reply("-", b"ERR min or max is not a float")
NO_LEX_RANGE = Reply("-", b"ERR min or max not valid string range item")
NO_KEYS = Reply("-", b"ERR numkeys should be greater than 0")
LIMIT_ALONE = Reply("-", b"ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
LEX_SCORES = Reply("-", b"ERR syntax error, WITHSCORES not supported in combination with BYLEX")


def double(text: str) -> Reply:
    """A double as RESP3 has it."""
    return Reply(",", text.encode())


def words(text: str) -> Reply:
    """An array of bulk strings."""
    return array(*(bulk(word) for word in text.split()))


def pairs(text: str) -> Reply:
    """RESP3's array of members with scores, from "a 1 b 2"."""
    items = text.split()
    return array(*(array(bulk(a), double(b)) for a, b in zip(items[::2], items[1::2], strict=True)))


def run(raw: RawClient, command: str) -> Reply:
    """A command whose words have no spaces; "" stands for no bytes."""
    return raw(*(b"" if word == '""' else word for word in command.split()))


def content(raw: RawClient, key: str) -> str:
    """Members and scores, as "a 1 b 2"."""
    return b" ".join(raw("ZRANGE", key, 0, -1, "WITHSCORES").plain()).decode()
