"""Transactions for tests that tell times: while one runs no time passes."""

from __future__ import annotations

import redis

from tests.replies import OK, QUEUED
from tests.resp import RawClient, Reply


def at_once(r: redis.Redis, *commands: tuple[object, ...]) -> list[object]:
    """The replies to commands within a transaction."""
    with r.pipeline() as pipe:
        for command in commands:
            pipe.execute_command(*command)
        replies: list[object] = pipe.execute()
    return replies


def in_transaction(raw: RawClient, *commands: str) -> list[Reply]:
    """The same over a raw connection, of commands whose words have no spaces."""
    assert raw("MULTI") == OK
    for command in commands:
        assert raw(*command.split()) == QUEUED
    return list(raw("EXEC").value)
