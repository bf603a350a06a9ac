"""Client-side caching against its promise: a cache that drops what it is told to drop never holds anything but what the server holds.

Clients in every mode read into caches of their own, and everybody writes, flushes, swaps databases, lets keys expire and runs out of
memory, several commands a turn. At the end of each turn every cache is compared with the server.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from tests.resp import Reply, encode, parse
from zippy._core.callback_transport import CallbackTransport
from zippy._core.session import Core, Session

START_US = 1_900_000_000_000_000
KEYS = [b"%s%d" % (letter, number) for letter in (b"a", b"b", b"ab") for number in range(3)]
MODES: list[tuple[bytes, ...]] = [
    (), (), (b"NOLOOP",), (b"OPTIN",), (b"OPTOUT",), (b"BCAST",), (b"BCAST", b"NOLOOP"), (b"BCAST", b"PREFIX", b"a", b"PREFIX", b"b0"),
]  # fmt: skip


@dataclass
class Sent:
    """A command that a client sent: the key that it read, whether the value is kept, and the key that it wrote."""

    reads: bytes | None = None
    kept: bool = False
    writes: bytes | None = None


@dataclass
class Cache:
    """A client with a cache, as a library has it: it keeps what is tracked, and drops what it is told of or writes itself."""

    core: Core
    session: Session = field(init=False)
    stream: bytes = b""
    waiting: list[Sent] = field(default_factory=list)
    values: dict[bytes, object] = field(default_factory=dict)
    mode: tuple[bytes, ...] | None = None
    caching: bytes | None = None

    def __post_init__(self) -> None:
        self.session = Session(self.core, CallbackTransport(self.take, lambda session: session.close()))
        self.session.protocol = 3

    def take(self, session: Session) -> None:
        """The transport."""
        self.stream += session.take_output()

    def send(self, *args: bytes) -> None:
        """Sends a command, whose turn goes on."""
        reads = args[1] if args[0] == b"GET" else None
        writes = args[1] if args[0] in (b"SET", b"DEL", b"PEXPIRE", b"APPEND") else None
        self.waiting.append(Sent(reads, reads is not None and self.keeps(reads), writes))
        if args[:2] == (b"CLIENT", b"CACHING"):
            self.caching = args[2]
        elif args[0] != b"CLIENT":
            self.caching = None
        self.session.feed(encode(args))

    def keeps(self, key: bytes) -> bool:
        """Whether what is read now will be told of when it changes."""
        if self.mode is None:
            return False
        prefixes = [word for before, word in zip(self.mode, self.mode[1:], strict=False) if before == b"PREFIX"]
        if prefixes:
            return key.startswith(tuple(prefixes))
        return (self.caching == b"YES") if b"OPTIN" in self.mode else (self.caching != b"NO")

    def track(self, mode: tuple[bytes, ...] | None, redirect: Cache | None = None) -> None:
        """Begins to track in another mode, with an empty cache."""
        self.send(b"CLIENT", b"TRACKING", b"OFF")
        self.values.clear()
        self.mode = mode
        if mode is not None:
            words = (b"REDIRECT", b"%d" % redirect.session.id) if redirect else ()
            self.send(b"CLIENT", b"TRACKING", b"ON", *words, *mode)

    def hear(self, own: bool) -> list[Reply]:
        """Goes through what was sent: replies are kept, and what is said to be invalid is dropped, if it is said to itself. All pushes."""
        pushes = []
        at = 0
        while at < len(self.stream):
            reply, at = parse(self.stream, at)
            if reply.kind == ">":
                pushes.append(reply)
                if own:
                    self.drop(reply)
                continue
            sent = self.waiting.pop(0)
            assert not reply.is_error or reply.value.startswith(b"OOM"), reply
            if sent.writes is not None:
                self.values.pop(sent.writes, None)
            if sent.reads is not None and sent.kept:
                self.values[sent.reads] = reply.value
        self.stream = b""
        return pushes

    def drop(self, push: Reply) -> None:
        """What the server has said."""
        kind, keys = push.value
        assert kind.value == b"invalidate"
        if keys.is_null:
            self.values.clear()
        for key in keys.value or ():
            self.values.pop(key.value, None)


class Driver:
    """Draws turns, has them run, and compares."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.core = Core(2, seed)
        self.now = START_US
        self.core.set_clock(self.now)
        self.observer = Cache(self.core)
        self.caches = [Cache(self.core) for _ in range(4)]
        self.redirected: dict[int, Cache] = {}
        self.history: list[object] = []
        self.compared = 0

    def say(self, cache: Cache, *args: bytes) -> None:
        """Has a client send a command."""
        self.history.append((self.caches.index(cache) if cache in self.caches else "observer", args))
        cache.send(*args)

    def end_turn(self) -> None:
        """Ends the turn and has everybody read what came. What is said in another's place is passed on when that one has its replies."""
        self.core.end_turn()
        pushes = {id(cache): cache.hear(self.redirected.get(id(cache)) is cache) for cache in (self.observer, *self.caches)}
        for cache in self.caches:
            for push in pushes[id(self.redirected.get(id(cache), cache))]:
                cache.drop(push)

    def turn(self) -> None:
        """A few commands of a few clients in one turn."""
        for _ in range(self.random.choice((1, 1, 2, 5))):
            self.command(self.random.choice(self.caches))
        self.end_turn()
        self.event()
        self.compare()

    def command(self, cache: Cache) -> None:
        """A command of one client."""
        draw, key = self.random.random(), self.random.choice(KEYS)
        if draw < 0.45:
            if cache.mode is not None and self.random.random() < 0.5 and cache.mode and cache.mode[0] in (b"OPTIN", b"OPTOUT"):
                self.say(cache, b"CLIENT", b"CACHING", b"YES" if cache.mode[0] == b"OPTIN" else b"NO")
            self.say(cache, b"GET", key)
        elif draw < 0.75:
            self.write(cache, key)
        elif draw < 0.85:
            self.write(self.observer, key)
        elif draw < 0.9:
            self.change_mode(cache)
        elif draw < 0.93:
            self.say(cache, b"ECHO", key)
        elif draw < 0.96:
            self.say(self.observer, self.random.choice((b"FLUSHDB", b"FLUSHALL")), b"ASYNC")
        else:
            self.say(self.observer, b"SWAPDB", b"0", b"1")

    def write(self, cache: Cache, key: bytes) -> None:
        """A change of one key."""
        value = b"%d" % self.random.randrange(1000)
        forms: list[tuple[bytes, ...]] = [
            (b"SET", key, value), (b"SET", key, value), (b"SET", key, value, b"PX", b"%d" % self.random.choice((1, 50, 500))),
            (b"DEL", key), (b"APPEND", key, b"x"), (b"PEXPIRE", key, b"100"),
        ]  # fmt: skip
        self.say(cache, *self.random.choice(forms))

    def change_mode(self, cache: Cache) -> None:
        """Another mode, perhaps with another client that is told."""
        other = self.random.choice(self.caches) if self.random.random() < 0.3 else None
        mode = self.random.choice(MODES) if self.random.random() < 0.9 else None
        self.history.append((self.caches.index(cache), "tracks", mode, other and self.caches.index(other)))
        # what is on its way is for the old mode
        self.end_turn()
        cache.track(mode, other)
        self.redirected[id(cache)] = other or cache
        self.end_turn()

    def event(self) -> None:
        """Something that no client does."""
        draw = self.random.random()
        if draw < 0.2:
            self.now += self.random.choice((1, 50, 501)) * 1000
            self.core.set_clock(self.now)
            self.history.append(("clock", self.now))
        elif draw < 0.3:
            self.core.expire(1000)
        elif draw < 0.35:
            self.core.set_setting("tracking-table-max-keys", self.random.choice((1, 3, 100)))
        elif draw < 0.4:
            self.core.set_setting("maxmemory-policy", 1)
            self.core.set_setting("maxmemory", self.random.choice((0, 0, 1)))
        elif draw < 0.45:
            self.core.cron()

    def compare(self) -> None:
        """Each cache with the server. A read comes across keys whose time is over, and tells of them."""
        for key in KEYS:
            self.observer.send(b"GET", key)
        self.core.end_turn()
        replies, at = [], 0
        while at < len(self.observer.stream):
            reply, at = parse(self.observer.stream, at)
            if reply.kind != ">":
                replies.append(reply.value)
        held = dict(zip(KEYS, replies[-len(KEYS) :], strict=True))
        self.end_turn()
        for number, cache in enumerate(self.caches):
            self.compared += len(cache.values)
            stale = {key: (value, held[key]) for key, value in cache.values.items() if value != held[key]}
            assert not stale, f"client {number} ({cache.mode}) holds {stale} after\n" + "\n".join(map(str, self.history[-40:]))


@pytest.mark.parametrize("seed", range(8))
def test_no_cache_is_stale(seed: int) -> None:
    """Whatever the modes."""
    driver = Driver(seed)
    for _ in range(300):
        driver.turn()
    assert driver.compared > 300
