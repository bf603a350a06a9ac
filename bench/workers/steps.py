"""How much CPU each uninterrupted step of zippy's takes: python steps.py ELEMENTS. Prints a JSON object of lists, longest first, in us.

Run as a file, with the tree of zippy's that is measured in PYTHONPATH. A step is a turn of one command, or what a server does between two
turns. CPU and not time, because what the machine does to a process in between is no step of its.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from zippy._core.callback_transport import CallbackTransport
from zippy._core.session import Core, Session

KEPT = 10  # of each event, the longest
EXPIRE_US = 1000  # as in zippy.server.server
COMPACT_US = 500
SECOND = 1_000_000


def encoded(*words: object) -> bytes:
    """A request."""
    texts = [str(word).encode() for word in words]
    return b"*%d\r\n" % len(texts) + b"".join(b"$%d\r\n%s\r\n" % (len(text), text) for text in texts)


FILLS: dict[str, Callable[[int], bytes]] = {
    "list": lambda i: encoded("RPUSH", "list", f"item:{i:016d}"),
    "hash": lambda i: encoded("HSET", "hash", f"field:{i:08d}", f"value:{i:010d}"),
    "set": lambda i: encoded("SADD", "set", f"member:{i:08d}"),
    "sorted set": lambda i: encoded("ZADD", "zset", i * 7919 % 1_000_003, f"member:{i:08d}"),
    "stream": lambda i: encoded("XADD", "stream", f"{i + 1}-1", "field", f"value:{i:010d}"),
    "strings": lambda i: encoded("SET", f"key:{i:012d}", "x" * 16),
    "expiring": lambda i: encoded("SET", f"key:{i:012d}", "x" * 16, "EX", 10),
}


class Rig:
    """A core without a server around it, whose steps are taken one by one."""

    def __init__(self) -> None:
        self.core = Core(16, 1)
        self.session = Session(self.core, CallbackTransport(lambda session: session.take_output(), lambda session: None))
        self.took: list[int] = []
        self.further: list[Callable[[], object]] = []
        self.core.free_between_turns(self.further.append)

    def step(self, act: Callable[[], object]) -> object:
        """Does something, and the end of its turn; notes its nanoseconds."""
        before = time.thread_time_ns()
        value = act()
        self.core.end_turn()
        self.took.append(time.thread_time_ns() - before)
        return value

    def command(self, request: bytes) -> None:
        """A turn of one command."""
        self.step(lambda: self.session.feed(request))

    def rest(self) -> None:
        """All that is left to be done between turns."""
        while self.further:
            self.step(self.further.pop())
        while self.step(lambda: self.core.compact(COMPACT_US)):
            pass

    def fill(self, kind: str, count: int) -> None:
        """Elements, a turn each."""
        for i in range(count):
            self.command(FILLS[kind](i))

    def longest(self) -> list[float]:
        """What was noted since the last time."""
        took = sorted(self.took, reverse=True)[:KEPT]
        self.took.clear()
        return [nanoseconds / 1e3 for nanoseconds in took]


def streams(rig: Rig, count: int) -> dict[str, list[float]]:
    """A stream at its worst, in blocks of one entry, that is trimmed or deleted; and what is pending in a group."""
    found = {}
    rig.core.set_setting("stream-node-max-entries", 1)
    for event, words in (
        ("DEL of a stream", ("DEL", "stream")),
        ("XTRIM MAXLEN 0", ("XTRIM", "stream", "MAXLEN", 0)),
        ("XTRIM MINID of all", ("XTRIM", "stream", "MINID", count + 2)),
        ("XTRIM MAXLEN of a half", ("XTRIM", "stream", "MAXLEN", count // 2)),
    ):
        rig.fill("stream", count)
        rig.longest()
        rig.command(encoded(*words))
        rig.rest()
        found[event] = rig.longest()
        rig.command(encoded("DEL", "stream"))
        rig.rest()
    rig.core.set_setting("stream-node-max-entries", 100)
    rig.fill("stream", count)
    for words in (("XGROUP", "DESTROY", "stream", "group"), ("XGROUP", "DELCONSUMER", "stream", "group", "reader")):
        rig.command(encoded("XGROUP", "CREATE", "stream", "group", 0))
        rig.command(encoded("XREADGROUP", "GROUP", "group", "reader", "COUNT", count, "STREAMS", "stream", ">"))
        rig.rest()
        rig.longest()
        rig.command(encoded(*words))
        rig.rest()
        found[f"{words[0]} {words[1]} with all pending"] = rig.longest()
        rig.command(encoded("XGROUP", "DESTROY", "stream", "group"))
    rig.command(encoded("DEL", "stream"))
    rig.rest()
    return found


def measure(count: int) -> dict[str, list[float]]:
    """The events of the pauses part, with so many elements."""
    rig = Rig()
    found = {}
    rig.fill("strings", count)
    found["a table grows from nothing"] = rig.longest()
    for mode in ("ASYNC", "SYNC"):
        rig.command(encoded("FLUSHALL", mode))
        rig.rest()
        found[f"FLUSHALL {mode}"] = rig.longest()
        rig.fill("strings", count)
        rig.longest()
    rig.command(encoded("FLUSHALL"))
    rig.rest()
    for kind, key in (("list", "list"), ("hash", "hash"), ("set", "set"), ("sorted set", "zset")):
        rig.fill(kind, count)
        found[f"a {kind} grows"] = rig.longest()
        rig.command(encoded("DEL", key))
        rig.rest()
        found[f"DEL of a {kind}"] = rig.longest()
    found |= streams(rig, count)
    now = int(time.time()) * SECOND
    rig.core.set_clock(now)
    rig.fill("expiring", count)
    rig.longest()
    rig.core.set_clock(now + 11 * SECOND)
    while rig.step(lambda: rig.core.expire(EXPIRE_US)):
        pass
    rig.rest()
    found["all keys expire in one second"] = rig.longest()
    return found


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
