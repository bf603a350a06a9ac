"""Expiry of elements: what is told of it, the index that finds values by it, and expiry in steps, with a clock that is set."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.unit.peer import Peer
from zippy._core.introspection import keyspace, keyspace_fault
from zippy._core.session import Core
from zippy._core.testing.engine_shim import RecordingEngine

NOW = 1_700_000_000_000  # ms
SOON = NOW + 5
FAR = NOW + 1_000_000
ITSELF = "itself"


@pytest.fixture(params=[0, 128])
def engine(request: pytest.FixtureRequest) -> RecordingEngine:
    """An engine with a hash h, as a table and as a listpack: of a and b the time is over, of c it is not, d has none."""
    engine = RecordingEngine(NOW)
    engine.set_compact_limits(request.param, 64)
    engine.call("HSET", "h", "a", 1, "b", 2, "c", 3, "d", 4)
    engine.call("HPEXPIREAT", "h", SOON, "FIELDS", 1, "b")
    engine.call("HPEXPIREAT", "h", SOON - 1, "FIELDS", 1, "a")
    engine.call("HPEXPIREAT", "h", FAR, "FIELDS", 1, "c")
    engine.set_clock(SOON + 1)
    return engine


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("HGET h a", ["HDEL h a"]),
        ("HMGET h a b c", ["MULTI", "HDEL h a", "HDEL h b", "EXEC"]),
        ("HEXISTS h b", ["HDEL h b"]),
        ("HRANDFIELD h", ["HDEL h a b"]),
        ("HGETALL h", []),
        ("HTTL h FIELDS 1 a", []),
        ("HSET h a 5", [ITSELF]),
        ("HSETNX h a 5", ["MULTI", "HDEL h a", ITSELF, "EXEC"]),
        ("HINCRBY h a 5", ["MULTI", "HDEL h a", ITSELF, "EXEC"]),
        ("HINCRBYFLOAT h a 5", ["MULTI", "HDEL h a", "HSET h a 5", "EXEC"]),
        ("HINCRBYFLOAT h c 5", ["HSETEX h KEEPTTL FIELDS 1 c 8"]),
        ("HINCRBYFLOAT h d 5", ["HSET h d 9"]),
        ("HDEL h a", [ITSELF]),
        ("HGETDEL h FIELDS 2 a c", ["MULTI", "HDEL h a", "HDEL h a c", "EXEC"]),
        ("HPEXPIRE h 4 NX FIELDS 3 c d x", [f"HPEXPIREAT h {SOON + 5} FIELDS 1 d"]),
        ("HEXPIRE h 0 FIELDS 2 c d", ["HDEL h c d"]),
        ("HEXPIRE h 0 FIELDS 1 x", []),
        ("HPERSIST h FIELDS 2 a c", [ITSELF]),
        ("HPERSIST h FIELDS 2 a d", []),
        ("HGETEX h PX 4 FIELDS 2 a c", ["MULTI", "HDEL h a", f"HPEXPIREAT h {SOON + 5} FIELDS 2 a c", "EXEC"]),
        ("HGETEX h PERSIST FIELDS 2 c d", ["HPERSIST h FIELDS 2 c d"]),
        ("HGETEX h PERSIST FIELDS 1 d", []),
        ("HGETEX h PXAT 1 FIELDS 2 c d", ["HDEL h c d"]),
        ("HSETEX h PX 4 FIELDS 1 a 1", [f"HSETEX h PXAT {SOON + 5} FIELDS 1 a 1"]),
        ("HSETEX h KEEPTTL FIELDS 1 a 1", [ITSELF]),
        ("HSETEX h PXAT 1 FIELDS 2 a 1 c 2", ["HDEL h a c"]),
        ("HSETEX h FXX FIELDS 1 a 1", ["HDEL h a"]),
        ("HSETEX h FNX PX 4 FIELDS 1 a 1", ["MULTI", "HDEL h a", f"HSETEX h FNX PXAT {SOON + 5} FIELDS 1 a 1", "EXEC"]),
    ],
)
def test_told(engine: RecordingEngine, command: str, told: list[str]) -> None:
    """What replicas and the log get: moments instead of times, and the removal of what has expired."""
    _, propagated, _ = engine.call(*command.split(" "))
    assert [b" ".join(words).decode() for words in propagated] == [command if line == ITSELF else line for line in told]
    assert engine.fault() is None


def test_nothing_is_left(engine: RecordingEngine) -> None:
    """Of the index of a value, when the value goes, by whatever way."""
    engine.call("COPY", "h", "g")
    engine.call("SET", "g", "x")
    engine.call("RENAME", "h", "i")
    engine.call("MOVE", "i", 1)
    assert engine.fault() is None
    engine.call("SELECT", 1)
    engine.call("DUMP", "i")
    engine.call("FLUSHALL")
    assert engine.fault() is None
    assert engine.close() == 0


class Model:
    """Hashes as dicts of field to (value, moment or -1), and what each command makes of them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = NOW
        self.hashes: dict[str, dict[str, tuple[str, int]]] = {}

    def moment(self) -> int:
        """In some ms, now and then long past."""
        return self.now + self.random.choice([-50, 1, 2, 3, 10, 10, 10, 500])

    def command(self) -> tuple[object, ...]:
        """The next command; the model has done it."""
        key = self.random.choice(["h", "g"])
        fields = [f"f{self.random.randrange(40)}" for _ in range(self.random.choice([1, 1, 3, 12]))]
        found = self.hashes.get(key, {})
        way = self.random.randrange(7)
        if way == 0:
            self.hashes[key] = found | dict.fromkeys(fields, ("s", -1))
            return ("HSET", key, *(word for field in fields for word in (field, "s")))
        if way == 1:
            value, moment = self.random.choice(["v", "w" * 30]), self.moment()
            self.hashes[key] = found | dict.fromkeys(fields, (value, moment))
            self.expel(key, moment, fields)
            return ("HSETEX", key, "PXAT", moment, "FIELDS", len(fields), *(word for field in fields for word in (field, value)))
        if way == 2:
            value = self.random.choice(["v", "w" * 30])
            self.hashes[key] = found | {field: (value, found.get(field, ("", -1))[1]) for field in fields}
            return ("HSETEX", key, "KEEPTTL", "FIELDS", len(fields), *(word for field in fields for word in (field, value)))
        if way == 3:
            moment = self.moment()
            found.update({field: (found[field][0], moment) for field in fields if field in found})
            self.expel(key, moment, fields)
            return ("HPEXPIREAT", key, moment, "FIELDS", len(fields), *fields)
        if way == 4:
            found.update({field: (found[field][0], -1) for field in fields if field in found and not self.over(found[field])})
            return ("HPERSIST", key, "FIELDS", len(fields), *fields)
        if way == 5:
            for field in fields:
                if field in found and self.over(found[field]):
                    del found[field]
            self.drop(key)
            return ("HMGET", key, *fields)
        for field in fields:
            found.pop(field, None)
        self.drop(key)
        return ("HDEL", key, *fields)

    def over(self, field: tuple[str, int]) -> bool:
        """Whether its time is over."""
        return 0 <= field[1] < self.now

    def expel(self, key: str, moment: int, fields: list[str]) -> None:
        """Removes fields that got a moment that has passed."""
        if moment <= self.now:
            for field in fields:
                self.hashes.get(key, {}).pop(field, None)
            self.drop(key)

    def drop(self, key: str) -> None:
        """Deletes an empty hash."""
        if not self.hashes.get(key):
            self.hashes.pop(key, None)

    def seen(self, key: str) -> dict[str, tuple[str, int]]:
        """What can be read of a hash."""
        return {field: pair for field, pair in self.hashes.get(key, {}).items() if not self.over(pair)}


def held(engine: RecordingEngine, key: str) -> dict[str, tuple[str, int]]:
    """What can be read of a hash of an engine's."""
    words = [word.decode() for word in engine.call("HGETALL", key)[0].split(b"\r\n")[2::2]]
    values = dict(zip(words[::2], words[1::2], strict=True))
    if not values:
        return {}
    moments = engine.call("HPEXPIRETIME", key, "FIELDS", len(values), *values)[0].split(b"\r\n")[1:-1]
    return {field: (value, int(moment[1:])) for (field, value), moment in zip(values.items(), moments, strict=True)}


@pytest.mark.parametrize("limit", [0, 8, 128])
@pytest.mark.parametrize("seed", range(4))
def test_against_a_model(limit: int, seed: int) -> None:
    """Any commands in any order; the tables never contradict each other."""
    engine, model = RecordingEngine(NOW), Model(seed * 1000 + limit)
    engine.set_compact_limits(limit, 20)
    for _ in range(1500):
        engine.call(*model.command())
        if model.random.random() < 0.3:
            # nobody has a field in its very last ms, which HPEXPIRETIME passes over
            model.now += model.random.choice([4, 5, 11])
            for found in model.hashes.values():
                for field in [field for field, pair in found.items() if pair[1] == model.now]:
                    del found[field]
            engine.set_clock(model.now)
            for key in ("h", "g"):
                engine.call("HDEL", key, *(field for field in map("f{}".format, range(40)) if field not in model.hashes.get(key, {})))
                model.drop(key)
        assert engine.fault() is None
        for key in ("h", "g"):
            assert held(engine, key) == model.seen(key)
            assert int(engine.call("HLEN", key)[0][1:-2]) == len(model.hashes.get(key, {}))
    assert engine.close() == 0


@pytest.fixture
def peer() -> Iterator[Peer]:
    core = Core(16, 1)
    core.set_clock(NOW * 1000)
    made = Peer(core)
    yield made
    made.session.close()


def fields(core: Core) -> int:
    """Hashes with fields that expire."""
    return sum(elements for *_, elements in keyspace(core))


def test_a_step_ends_with_its_time(peer: Peer) -> None:
    """Many fields of a hash that lives on, and many hashes."""
    for start in range(0, 20_000, 100):
        peer("HSETEX large EX 10 FIELDS 100 " + " ".join(f"f{i} x" for i in range(start, start + 100)))
    peer("HSET large stays x")
    peer(*(f"HSETEX small:{i} EX 10 FIELDS 2 a x b x" for i in range(5000)))
    assert fields(peer.core) == 5001
    peer.core.set_clock((NOW + 11_000) * 1000)
    steps = 0
    while peer.core.expire(0):
        steps += 1
        peer.core.end_turn()
        if steps % 50 == 0:
            assert keyspace_fault(peer.core) is None
    assert steps > 400
    assert peer("DBSIZE") == b":1\r\n"
    assert peer("HLEN large") == b":1\r\n"
    assert fields(peer.core) == 0


def test_a_large_hash_goes_at_once(peer: Peer) -> None:
    """All of its fields are over: it is freed later, in steps, as after UNLINK."""
    for start in range(0, 20_000, 100):
        peer("HSETEX large EX 10 FIELDS 100 " + " ".join(f"f{i} x" for i in range(start, start + 100)))
    peer.core.set_clock((NOW + 11_000) * 1000)
    # a step that has no time does one thing
    peer.core.expire(0)
    assert peer("DBSIZE") == b":0\r\n"


def test_nothing_is_looked_at_before_its_time(peer: Peer) -> None:
    peer(*(f"HSETEX small:{i} EX 10 FIELDS 2 a x b x" for i in range(5000)))
    assert not peer.core.expire(0)
    peer.core.set_clock((NOW + 9_999) * 1000)
    assert not peer.core.expire(0)
    assert fields(peer.core) == 5000
    peer.core.set_clock((NOW + 10_000) * 1000)
    assert not peer.core.expire(60_000_000)
    assert peer("DBSIZE") == b":0\r\n"


def test_in_every_database(peer: Peer) -> None:
    for database in range(16):
        peer(f"SELECT {database}", *(f"HSETEX h{i} PX 1 FIELDS 1 a x" for i in range(database)))
    assert fields(peer.core) == 120
    peer("SWAPDB 3 4", "FLUSHDB")
    peer.core.set_clock((NOW + 2) * 1000)
    assert not peer.core.expire(60_000_000)
    assert fields(peer.core) == 0
