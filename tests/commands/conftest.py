"""Fixtures of the sorted set group's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.commands import streams
from tests.commands.sorted_sets import run
from tests.commands.users import As, forget_users
from tests.listening import Listener
from tests.replies import OK, encoding
from tests.resp import Connect, RawClient


@pytest.fixture(params=["listpack", "skiplist"])
def kind(request: pytest.FixtureRequest, raw: RawClient) -> str:
    """Runs a test for each encoding, with a sorted set "z" of a 1, b 2, c 3, d 3, e 5; "s" is a string."""
    raw("CONFIG", "SET", "zset-max-listpack-entries", 128 if request.param == "listpack" else 0)
    run(raw, "ZADD z 3 d 5 e 1 a 3 c 2 b")
    run(raw, "SET s 1")
    assert encoding(raw, "z") == str(request.param).encode()
    return str(request.param)


@pytest.fixture
def lex(raw: RawClient, kind: str) -> None:
    """A sorted set "l" of a, aa, b, c with equal scores."""
    run(raw, "ZADD l 0 c 0 b 0 aa 0 a")


@pytest.fixture
def hear(raw: RawClient, connect: Connect) -> Listener:
    """Events and changes of a command."""
    return Listener(raw, connect())


@pytest.fixture
def filled(raw: RawClient) -> RawClient:
    """A connection behind which is a stream "s" with groups, in blocks of two entries; "text" is a string."""
    raw("CONFIG", "SET", "stream-node-max-entries", 2)
    for command in streams.FILLED:
        assert not streams.run(raw, command).is_error
    return raw


@pytest.fixture
def as_user(raw: RawClient, connect: Connect) -> Iterator[As]:
    """Makes users, and connections that are them; afterwards the users are gone."""
    keeper = connect()

    def make(name: str, *rules: str) -> RawClient:
        assert keeper("ACL", "SETUSER", name, "on", "nopass", *rules) == OK
        client = connect()
        assert client("AUTH", name, "any") == OK
        return client

    forget_users(keeper)
    yield make
    forget_users(keeper)
