"""Loading the commands of a log into a core: whole, cut and damaged ones."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.resp import request
from zippy._core.append_load import AppendError, RequestLoader
from zippy._core.introspection import internal_session, is_loading
from zippy._core.session import Core


class Loaded:
    """A core that loads logs."""

    def __init__(self) -> None:
        self.core = Core(16, 1)
        self.session = internal_session(self.core)

    def load(self, data: bytes, at: int = 0) -> RequestLoader:
        """Loads through a session of its own."""
        session = internal_session(self.core)
        loader = RequestLoader(session)
        try:
            loader.load(data, at)
        finally:
            session.close()
        return loader

    def __call__(self, *words: object) -> bytes:
        """A command's reply."""
        self.session.feed(request(*words))
        self.core.end_turn()
        return self.session.take_output()

    def problem(self, data: bytes) -> AppendError:
        """What is wrong with a log."""
        with pytest.raises(AppendError) as raised:
            self.load(data)
        return raised.value


def test_loads() -> None:
    core = Loaded()
    data = b"#TS:1\r\n" + request("SELECT", 3) + request("SET", "a", 1) + b"#TS:2\r\n#anything\r\n" + request("INCR", "a") + b"#TS:3\r\n"
    loader = core.load(data)
    assert (loader.requests, loader.refused, loader.good) == (3, 0, len(data))
    core("SELECT", 3)
    assert core("GET", "a") == b"$1\r\n2\r\n"
    assert core("DBSIZE") == b":1\r\n"


def test_begins_where_it_is_told() -> None:
    core = Loaded()
    assert core.load(b"REDIS" + request("SET", "a", 1), 5).requests == 1
    assert core.load(b"", 0).requests == 0
    assert core("GET", "a") == b"$1\r\n1\r\n"


def test_a_transaction_is_loaded_whole_or_not_at_all() -> None:
    core = Loaded()
    head = request("SET", "b", 1)
    data = head + request("MULTI") + request("INCR", "a") + request("INCR", "a") + request("EXEC")
    for size in range(len(head) + 1, len(data)):
        problem = core.problem(data[:size])
        assert (problem.torn, problem.offset) == (True, len(head))
        assert core("GET", "a") == b"$-1\r\n"
    core.load(data)
    assert core("GET", "a") == b"$1\r\n2\r\n"


def test_commands_that_are_refused_are_counted() -> None:
    core = Loaded()
    loader = core.load(request("SET", "a", "x") + request("LPUSH", "a", 1) + request("EXEC") + request("SET", "a"))
    assert (loader.requests, loader.refused) == (4, 3)


def test_it_is_no_longer_loading_afterwards() -> None:
    core = Loaded()
    core.problem(b"?")
    assert not is_loading(core.core)


@pytest.mark.parametrize(
    ("damage", "at", "text"),
    [
        (b"?", 0, "no command begins here"),
        (b"*x\r\n", 0, "a number is malformed"),
        (b"*\r\n", 0, "a number is malformed"),
        (b"*-1\r\n", 0, "a number is malformed"),
        (b"*0\r\n", 0, "a command has no words"),
        (b"*1\n", 0, "a number is malformed"),
        (b"*1\rx", 0, "a line has no end"),
        (b"*9999999999999\r\n", 0, "a number is malformed"),
        (b"*1\r\n?", 0, "a word of the command has no length"),
        (b"*1\r\n$99999999999999999999\r\n", 0, "a number is malformed"),
        (b"*1\r\n$1\r\nxyz", 0, "a word of the command is longer than its length says"),
        (request("MULTI") + request("SET", "a", 1) + request("MULTI"), 42, "a transaction begins within another one"),
        (request("NOSUCH", 1), 0, "zippy does not know the command b'NOSUCH'"),
    ],
)
def test_damage(damage: bytes, at: int, text: str) -> None:
    head = request("SET", "before", 1)
    core = Loaded()
    problem = core.problem(head + damage)
    assert (problem.torn, problem.offset, problem.problem) == (False, len(head) + at, text)
    assert core("GET", "before") == b"$1\r\n1\r\n"


def test_a_length_that_was_changed_is_no_torn_end() -> None:
    """Cutting it off would lose everything that follows."""
    core = Loaded()
    head, many = request("SET", "a", 1), b"".join(request("INCR", "a") for _ in range(9))
    for bad in (b"*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$9999\r\n2\r\n", b"*9\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n"):
        for inside in (b"", request("MULTI")):
            problem = core.problem(head + inside + bad + many)
            assert not problem.torn
    assert core("GET", "a") == b"$1\r\n1\r\n"
    # a value may look like commands
    assert core.problem(head + request("SET", "b", request("PING") * 5 + b"x" * 100)[:-60]).torn


COMMAND = st.sampled_from(
    [
        ("SET", "a", 1),
        ("INCR", "a"),
        ("RPUSH", "l", b"\x00\r\n", "*1", "$2"),
        ("HSET", "h", "f", "v" * 70),
        ("ZADD", "z", 1, "a"),
        ("SELECT", 2),
        ("DEL", "a", "l"),
        ("MULTI",),
        ("EXEC",),
    ]
)


def dump(core: Loaded) -> list[Any]:
    """What two databases hold."""
    found: list[Any] = []
    for db in (0, 2):
        core("SELECT", db)
        found += [core("GET", "a"), core("LRANGE", "l", 0, -1), core("HGETALL", "h"), core("ZRANGE", "z", 0, -1), core("DBSIZE")]
    return found


@settings(max_examples=150)
@given(st.lists(COMMAND, max_size=12), st.integers(0, 2**31), st.booleans())
def test_whatever_is_cut_or_changed_is_loaded_up_to_a_border_or_refused(commands: list[Any], seed: int, flip: bool) -> None:
    chance = random.Random(seed)
    data = bytearray(b"".join(request(*words) for words in commands))
    if not data:
        return
    if flip:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    else:
        del data[chance.randrange(len(data)) :]
    core = Loaded()
    try:
        core.load(bytes(data))
    except AppendError as error:
        assert 0 <= error.offset <= len(data)
        if error.torn:
            # what comes before the torn end is what would have been loaded of a file that ends there
            other = Loaded()
            other.load(bytes(data[: error.offset]))
            assert dump(other) == dump(core)


@settings(max_examples=300)
@given(st.lists(st.sampled_from([b"*", b"$", b"1", b"3", b"\r\n", b"\r", b"\n", b"SET", b"a", b"#", b"MULTI", b"-"]), max_size=30))
def test_bytes_that_are_nearly_commands(parts: list[bytes]) -> None:
    core = Loaded()
    data = b"".join(parts)
    try:
        core.load(data)
    except AppendError as error:
        assert 0 <= error.offset <= len(data)
