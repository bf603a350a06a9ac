"""MIGRATE out of a slot that moves, while clients go on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.servers import ZIPPY, Start, is_well
from tests.commands.test_generic_migrate import Meanwhile, Target
from tests.waiting import wait_until


@pytest.fixture
def target() -> Iterator[Target]:
    """Where the keys go."""
    target = Target()
    yield target
    target.listener.close()


def test_deleted_and_written_again(start: Start, target: Target) -> None:
    """A key that is deleted while it is sent is this node's until it has gone there too: what is written to it then is not lost."""
    source, other = start(ZIPPY), start(ZIPPY)
    source.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    source.meet(other)
    wait_until(lambda: other.id in source.nodes() and is_well(source), 30)
    source("SET", "{slot}key", "old")
    assert source.ask("CLUSTER", "SETSLOT", source("CLUSTER", "KEYSLOT", "slot"), "MIGRATING", other.id).value == b"OK"
    told = []

    def does() -> None:
        words = (["DEL", "{slot}key"], ["GET", "{slot}key"], ["EXISTS", "{slot}none"], ["MGET", "{slot}key", "{slot}none"])
        told.extend([source.ask(*request).value for request in (*words, ["SET", "{slot}key", "new"])])

    Meanwhile(target, does)
    assert source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 9000, "KEYS", "{slot}key", "{slot}none").value == b"OK"
    deleted, got, asked, some, put = told
    assert (deleted, got, put) == (1, None, b"OK")
    assert asked.startswith(b"ASK ")
    assert some.startswith(b"TRYAGAIN ")
    assert b"new" in target.got[-1]
    assert b"REPLACE" in target.got[-1]
    assert source.ask("GET", "{slot}key").value.startswith(b"ASK ")
