"""Parser and engine: a thousand commands a call, so that what Python adds is small. Divide by a thousand for the cost of one."""

from __future__ import annotations

from typing import Any

import pytest

from bench.loads import BY_NAME, RANDOM, Load, number
from bench.micro.conftest import Feed
from bench.wire import Word, batched, request

COMMANDS = 1000
INPUT = {
    "inline": b"PING\r\n" * COMMANDS,
    "one word": request("PING") * COMMANDS,
    "three words": request("SET", "key", "value") * COMMANDS,
    "a hundred words": request("DEL", *(f"key:{i}" for i in range(99))) * (COMMANDS // 10),
    "64 KiB value": request("SET", "key", "x" * 65536) * (COMMANDS // 100),
}
LOADS = [one for one in BY_NAME.values() if not one.inline and not one.subscribers and one.weight <= 10]


def filled(word: Word, i: int, keys: int) -> Word:
    """The word with a number in the place of __rand_int__."""
    return word.replace(RANDOM, number(i * 7919 % keys)) if isinstance(word, str) else word


def commands(load: Load) -> bytes:
    """A thousand of the load's commands, or batches of commands, with other keys each."""
    return b"".join(request(*(filled(word, i, load.keys) for word in words)) for i in range(COMMANDS) for words in load.commands)


@pytest.mark.parametrize("name", INPUT)
def test_parser(benchmark: Any, feed: Feed, name: str) -> None:
    """Input of different shapes, into commands that do little."""
    benchmark(feed, INPUT[name])


@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.name)
def test_command(benchmark: Any, feed: Feed, load: Load) -> None:
    """The loads of the cpu part, without sockets. What pops finds something for the first runs only, so few are made."""
    data = commands(load)

    def setup() -> None:
        feed(request("FLUSHALL"))
        for _, chunk in batched(load.prepare(COMMANDS)):
            feed(chunk)

    benchmark.pedantic(feed, args=(data,), setup=setup, rounds=20)
