"""What the set, hash and geo groups tell replicas and the AOF: what was drawn, and outcomes instead of sums."""

from __future__ import annotations

import pytest

from tests.resp import parse
from zippy._core.testing.engine_shim import RecordingEngine

ITSELF = "itself"


@pytest.fixture
def engine() -> RecordingEngine:
    """An engine with a few sets, a hash and a point."""
    engine = RecordingEngine()
    engine.call("SADD", "one", "a")
    engine.call("SADD", "s", *range(5))
    engine.call("SADD", "x", "x", 1, 2)
    engine.call("HSET", "h", "a", 1, "b", 2)
    engine.call("GEOADD", "p", 1, 1, "a")
    return engine


@pytest.mark.parametrize(
    ("command", "told", "changes"),
    [
        ("SADD s 1 7", ITSELF, 1),
        ("SADD s 1", None, 0),
        ("SREM s 1 2 9", ITSELF, 2),
        ("SREM s 9", None, 0),
        ("SMOVE s x 3", ITSELF, 2),
        ("SMOVE s x 9", None, 0),
        ("SPOP one", "SREM one a", 1),
        ("SPOP one 1", "DEL one", 1),
        ("SPOP s 9", "DEL s", 5),
        ("SPOP s 0", None, 0),
        ("SPOP missing", None, 0),
        ("SINTERSTORE d s x", ITSELF, 1),
        ("SDIFFSTORE d x x", None, 0),
        ("SDIFFSTORE s x x", ITSELF, 1),
        ("SUNIONSTORE d s x", ITSELF, 1),
        ("HSET h a 1 c 2", ITSELF, 2),
        ("HMSET h a 1", ITSELF, 1),
        ("HSETNX h a 2", None, 0),
        ("HSETNX h c 2", ITSELF, 1),
        ("HDEL h a c", ITSELF, 1),
        ("HDEL h c", None, 0),
        ("HGETDEL h FIELDS 3 a c a", "HDEL h a c a", 1),
        ("HGETDEL h FIELDS 1 c", None, 0),
        ("HINCRBY h a 5", ITSELF, 1),
        ("HINCRBYFLOAT h a 0.50", "HSET h a 1.5", 1),
        ("HRANDFIELD h 1", None, 0),
        ("GEOADD g 13.361389 38.115556 a", "zadd g 3479099956230698 a", 1),
        ("GEOADD g NX ch 13.361389 38.115556 a 0 0 b", "zadd g NX ch 3479099956230698 a 3377699720527872 b", 2),
        ("GEOADD g CH CH CH CH CH 180 85.05112878 a", "zadd g CH CH CH CH CH 13510798882111488 a", 1),
        ("GEOADD g " + " ".join(f"0 0 {i}" for i in range(9)), "zadd g " + " ".join(f"3377699720527872 {i}" for i in range(9)), 9),
        ("GEOADD g XX 1 1 a", None, 0),
        ("GEOADD g 1 100 a", None, 0),
        ("GEOSEARCHSTORE d p FROMLONLAT 1 1 BYRADIUS 1 km", ITSELF, 1),
        ("GEOSEARCHSTORE s none FROMLONLAT 1 1 BYRADIUS 1 km", ITSELF, 1),
        ("GEORADIUS p 1 1 1 km STORE d STOREDIST d", ITSELF, 1),
        ("GEORADIUS p 1 1 1 km", None, 0),
    ],
)
def test_told(engine: RecordingEngine, command: str, told: str | None, changes: int) -> None:
    """Each command, what it is told as, and by how much rdb_changes_since_last_save moves."""
    words = command.split(" ")
    _, propagated, moved = engine.call(*words)
    expected = [] if told is None else [[word.encode() for word in (words if told == ITSELF else told.split(" "))]]
    assert propagated == expected
    assert moved == changes


def test_lazy_deletion(engine: RecordingEngine) -> None:
    """With lazyfree-lazy-server-del a set popped whole is unlinked."""
    engine.set_lazy_server_del(True)
    assert engine.call("SPOP", "s", 5)[1] == [[b"UNLINK", b"s"]]


@pytest.mark.parametrize(("members", "count"), [(400, 300), (3000, 20), (3000, 2000), (3000, 2950)])
@pytest.mark.parametrize("prefix", ["", "m"])
def test_what_was_popped(engine: RecordingEngine, members: int, count: int, prefix: str) -> None:
    """The members told are those replied, at most 1024 in one SREM."""
    engine.call("SADD", "many", *(f"{prefix}{n}" for n in range(members)))
    reply, propagated, moved = engine.call("SPOP", "many", count)
    requests = propagated if len(propagated) == 1 else propagated[1:-1]
    assert all(request[:2] == [b"SREM", b"many"] and len(request) <= 1026 for request in requests)
    assert len(requests) == (count + 1023) // 1024
    assert [member for request in requests for member in request[2:]] == parse(reply, 0)[0].plain()
    assert moved == count
