"""The request parser: commands come out as they went in, whatever the cuts between reads and however many are asked for at a time."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zippy._core.testing.parser_shim import RequestParser

LARGE = 32 * 1024  # bytes from which on an argument gets a block of its own
ARGUMENTS = st.one_of(st.binary(max_size=12), st.sampled_from([b"", b"\r\n", b"$3\r\n", b"*1\r\n", b"x" * 5000, b"\r\n" * LARGE]))
COMMANDS = st.lists(st.lists(ARGUMENTS, min_size=1, max_size=5), max_size=60)


def encode(command: list[bytes]) -> bytes:
    """The command as a client sends it."""
    return b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in command)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """data cut at these places."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(places)]


@settings(max_examples=300, deadline=None)
@given(COMMANDS, st.lists(st.integers(0, 1 << 30), max_size=12), st.sampled_from([1, 3, 1000]), st.booleans(), st.booleans())
def test_commands_come_back(commands: list[list[bytes]], cuts: list[int], most: int, unread: bool, takes_blocks: bool) -> None:
    parser = RequestParser()
    parser.takes_blocks = takes_blocks
    data = b"".join(encode(command) for command in commands)
    got: list[list[bytes]] = []
    for piece in pieces(data, cuts):
        some, sizes = parser.feed(piece, most, unread)
        assert sizes == [len(encode(command)) for command in some]
        got += some
    while len(got) < len(commands):
        got += parser.feed(b"", most)[0]
    assert got == commands
    assert parser.pending() == 0
    assert parser.held() == 0


@pytest.mark.parametrize("cut", range(1, 60))
def test_every_cut(cut: int) -> None:
    commands = [[b"SET", b"key", b"value"], [b"PING"], [b"GET", b"k" * 10]]
    data = b"".join(encode(command) for command in commands)
    parser = RequestParser()
    assert parser.feed(data[:cut])[0] + parser.feed(data[cut:])[0] == commands


@settings(max_examples=100)
@given(st.lists(st.sampled_from([b"PING", b'SET a "b c"', b"*1\r\n$4\r\nPING", b"GET 'x'"]), max_size=40), st.integers(0, 1 << 20))
def test_inline_requests_among_others(requests: list[bytes], cut: int) -> None:
    want = {b"PING": [b"PING"], b'SET a "b c"': [b"SET", b"a", b"b c"], b"*1\r\n$4\r\nPING": [b"PING"], b"GET 'x'": [b"GET", b"x"]}
    data = b"".join(request + b"\r\n" for request in requests)
    parser = RequestParser()
    got = [command for piece in pieces(data, [cut]) for command in parser.feed(piece)[0]]
    assert got == [want[request] for request in requests]


@settings(max_examples=300)
@given(
    st.binary(max_size=80) | st.text(alphabet="*$0123456789-\r\n'\"abc ", max_size=60).map(str.encode),
    st.lists(st.integers(0, 80), max_size=4),
)
def test_any_bytes(data: bytes, cuts: list[int]) -> None:
    whole = RequestParser().feed(data)[0]
    parser = RequestParser()
    cut_up: list[object] = []
    for piece in pieces(data, cuts):
        cut_up += parser.feed(piece)[0]
        if cut_up and isinstance(cut_up[-1], str):
            break
    assert cut_up == whole


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"*x\r\n", "Protocol error: invalid multibulk length"),
        (b"*2147483648\r\n", "Protocol error: invalid multibulk length"),
        (b"*1\r\n+a\r\n", "Protocol error: expected '$', got '+'"),
        (b"*1\r\n$-1\r\n", "Protocol error: invalid bulk length"),
        (b"*1\r\n$01\r\n", "Protocol error: invalid bulk length"),
        (b"*1\r\n$1001\r\n", "Protocol error: invalid bulk length"),
        (b"*1\r\n$123456789012\r\n", "Protocol error: invalid bulk length"),
        (b"*" + b"1" * 70_000, "Protocol error: too big mbulk count string"),
        (b"*1\r\n$" + b"1" * 70_000, "Protocol error: too big bulk count string"),
        (b"a" * 70_000, "Protocol error: too big inline request"),
        (b'SET "a\r\n', "Protocol error: unbalanced quotes in request"),
    ],
)
def test_errors(data: bytes, error: str) -> None:
    assert RequestParser(1000).feed(encode([b"PING"]) * 3 + data)[0] == [[b"PING"]] * 3 + [error]


@pytest.mark.parametrize("nothing", [b"\r\n", b"*0\r\n", b"*0\r\n\r\n", b"\n", b"*-1\r\n", b"\r\n*-1\r\n\n*0\r\n"])
@pytest.mark.parametrize("cut", range(1, 9))
def test_what_asks_for_nothing_is_passed_over(nothing: bytes, cut: int) -> None:
    data = nothing * 5 + encode([b"GET", b"a"]) + nothing * 3 + b"PING x\r\n" + nothing * 2 + encode([b"SET", b"\r\n", b"*0\r\n"]) + nothing
    want = [[b"GET", b"a"], [b"PING", b"x"], [b"SET", b"\r\n", b"*0\r\n"]]
    for first in range(cut):
        parser = RequestParser()
        places = range(first, len(data), cut)
        assert [command for piece in pieces(data, list(places)) for command in parser.feed(piece)[0]] == want


def test_an_error_is_judged_by_the_limits_that_hold_when_its_turn_comes() -> None:
    parser = RequestParser()
    parser.limit(10, 16)
    data = encode([b"AUTH", b"x"]) + encode([b"SET", b"k", b"v" * 100])
    assert parser.feed(data, most=1)[0] == [[b"AUTH", b"x"]]
    parser.limit(1000, 1000)
    assert parser.feed(b"")[0] == [[b"SET", b"k", b"v" * 100]]
    parser.limit(10, 16)
    assert parser.feed(encode([b"a"] * 11))[0] == ["Protocol error: unauthenticated multibulk length"]


@pytest.mark.parametrize(("length", "kind"), [(17, "unauthenticated"), (1000, "unauthenticated"), (1001, "invalid")])
def test_what_nobody_may_send_is_no_question_of_passwords(length: int, kind: str) -> None:
    parser = RequestParser(1000)
    parser.limit(10, 16)
    assert parser.feed(b"*1\r\n$%d\r\n" % length)[0] == [f"Protocol error: {kind} bulk length"]


def test_a_command_of_many_arguments_over_many_reads() -> None:
    command = [b"MSET", *(b"%d" % i for i in range(50_000))]
    data = encode([b"PING"]) + encode(command)
    parser = RequestParser()
    got = [one for at in range(0, len(data), 1000) for one in parser.feed(data[at : at + 1000])[0]]
    assert got == [[b"PING"], command]
    assert parser.held() == 0


def test_a_packet_costs_the_same_whatever_came_before() -> None:
    """Arguments that earlier reads brought are not touched again until their command is complete: once each way, however many reads."""
    parser = RequestParser()
    count = 20_000
    parser.feed(b"*%d\r\n" % (2 * count) + b"$1\r\na\r\n" * count)
    before = parser.moved()
    for _ in range(count - 1):
        assert parser.feed(b"$1\r\nb\r\n") == ([], [])
    assert parser.moved() - before == count - 1
    commands, _ = parser.feed(b"$1\r\nc\r\n")
    assert commands == [[b"a"] * count + [b"b"] * (count - 1) + [b"c"]]
    assert parser.moved() <= 2 * 2 * count
    # nothing is moved in a command that one read brings
    before = parser.moved()
    parser.feed(encode([b"x"] * 1000))
    assert parser.moved() == before


def test_a_large_argument_of_several_reads_is_received_into_a_block_of_its_own() -> None:
    parser = RequestParser()
    small, large = b"s" * (LARGE - 1), b"l" * LARGE
    data = encode([b"MSET", b"a", small, b"b", large, large, b"d"])
    for at in range(0, len(data), 1000):
        commands, sizes = parser.feed(data[at : at + 1000])
    assert commands == [[b"MSET", b"a", small, b"b", large, large, b"d"]]
    assert sizes == [len(data)]
    assert parser.in_blocks == [4, 5]
    assert parser.held() == 0


def test_what_one_read_brings_is_not_copied_to_a_block() -> None:
    parser = RequestParser()
    assert parser.feed(encode([b"SET", b"k", b"v" * LARGE]))[0] == [[b"SET", b"k", b"v" * LARGE]]
    assert parser.in_blocks == []


def test_a_command_with_blocks_that_was_not_run_is_returned_again() -> None:
    """CLIENT PAUSE puts it back; its bytes are not where they would be parsed again."""
    parser = RequestParser()
    commands = [[b"SET", b"k", b"v" * LARGE], [b"GET", b"k"], [b"SET", b"l", b"w" * LARGE]]
    data = b"".join(encode(command) for command in commands)
    cut = LARGE // 2
    assert parser.feed(data[:cut])[0] == []
    assert parser.feed(data[cut : len(data) - cut], most=0)[0] == []
    assert parser.put_back(b"") == commands[0]
    assert parser.pending() == len(data) - cut
    assert parser.feed(b"", most=1)[0] == commands[:1]
    assert parser.feed(data[len(data) - cut :])[0] == commands[1:]
    assert parser.held() == 0


@pytest.mark.parametrize("second", [[b"a", b"b"], [b"", b"\0"], [b"x" * LARGE, b"y" * LARGE]])
def test_the_command_behind_one_with_a_block_has_its_own_arguments(second: list[bytes]) -> None:
    parser = RequestParser()
    first = [b"SET", b"v" * LARGE]
    data = encode(first) + encode(second)
    assert parser.feed(data[:100])[0] + parser.feed(data[100:])[0] == [first, second]


def test_who_announces_much_gets_little() -> None:
    parser = RequestParser()
    parser.feed(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % (500 << 20))
    assert parser.held() < 5 << 20
    brought = 0
    while brought < 64 << 20:
        # what one turn copies, and takes new memory for, is bounded
        room = parser.read_room()
        assert 0 < room <= 1 << 18
        parser.feed(b"x" * room)
        brought += room
    kept, taken = parser.kept()
    assert brought <= kept <= brought + 100
    assert kept <= taken <= 2 * kept + (5 << 20)


def test_many_short_arguments_are_read_a_bounded_part_at_a_time() -> None:
    """They take longer to parse than to read."""
    parser = RequestParser()
    parser.feed(b"*1000000\r\n" + b"$1\r\nx\r\n" * 100_000)
    for _ in range(16):
        room = parser.read_room()
        assert 0 < room <= 1 << 18
        parser.feed((b"$1\r\nx\r\n" * room)[:room // 7 * 7])


def test_a_block_has_room_for_twice_what_has_arrived() -> None:
    parser = RequestParser()
    parser.feed(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % (500 << 20))
    sizes = set()
    while parser.kept()[0] < 48 << 20:
        parser.feed(b"x" * parser.read_room())
        have, room = parser.kept()
        assert have <= room <= 2 * have + (1 << 16)
        sizes.add(room >> 20)
    # it grows by doubling, not each time that a little arrives
    assert len(sizes) < 10


def test_a_block_that_is_complete_is_no_larger_than_its_argument() -> None:
    """Whoever takes it over keeps all of it."""
    parser = RequestParser()
    size = (5 << 20) + 1
    data = encode([b"SET", b"k", b"v" * size])
    for at in range(0, len(data) - 1, 1 << 18):
        parser.feed(data[at : min(at + (1 << 18), len(data) - 1)])
    assert size <= parser.kept()[1] < size + (1 << 16)
