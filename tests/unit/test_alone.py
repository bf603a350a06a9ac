"""Commands of replication on an engine in process."""

from __future__ import annotations

import pytest
import redis

import zippy


def test_alone() -> None:
    """Nobody is waited for, whatever is asked for; who is to be followed is refused by a text that says where that is."""
    client = zippy.connect()
    assert client.execute_command("WAIT", 3, 0) == 0
    assert client.execute_command("ROLE") == [b"master", 0, []]
    for words, error in (
        (("WAIT", "x", 1), "not an integer"),
        (("WAIT", 1, -1), "timeout is negative"),
        (("REPLICAOF", "127.0.0.1", 6379), "follows nobody"),
        (("PSYNC", "?", -1), "follows nobody"),
    ):
        with pytest.raises(redis.exceptions.ResponseError, match=error):
            client.execute_command(*words)
    client.close()
