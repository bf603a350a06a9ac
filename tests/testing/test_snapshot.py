"""Engine.snapshot and Engine.restore."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

import zippy
from tests.persistence.encodings import fill
from tests.testing.conftest import wait_until_blocked

LIBRARY = "#!lua name=lib\nredis.register_function('one', function() return 1 end)"


def test_many_times(engine: zippy.Engine) -> None:
    """Each restore gives what was there, whatever has happened since."""
    r = zippy.connect(engine)
    r.set("a", 1)
    r.rpush("list", "x", "y")
    taken = engine.snapshot()
    for _ in range(3):
        r.delete("a")
        r.rpush("list", "z")
        r.set("new", 1)
        engine.restore(taken)
        assert sorted(r.keys()) == [b"a", b"list"]
        assert r.get("a") == b"1"
        assert r.lrange("list", 0, -1) == [b"x", b"y"]


def test_databases_and_expiry(engine: zippy.Engine) -> None:
    zippy.connect(engine, db=9).set("a", 1, exat=4_000_000_000)
    zippy.connect(engine).hset("h", "f", 1)
    engine.execute("HEXPIREAT", "h", 4_000_000_000, "FIELDS", 1, "f")
    taken = engine.snapshot()
    engine.execute("FLUSHALL")
    engine.restore(taken)
    assert zippy.connect(engine, db=9).expiretime("a") == 4_000_000_000
    assert engine.execute("HEXPIRETIME", "h", "FIELDS", 1, "f") == [4_000_000_000]


def test_all_types() -> None:
    """Every value is what it was."""
    engine = zippy.Engine(enable_debug_command="yes")
    r = zippy.connect(engine, single_connection_client=True)
    fill(r.execute_command, fields_expire=True)  # type: ignore[arg-type]  # it is called as a client is
    digest, taken = r.execute_command("DEBUG", "DIGEST"), engine.snapshot()
    with zippy.Engine(enable_debug_command="yes") as other:
        other.restore(taken)
        assert zippy.connect(other).execute_command("DEBUG", "DIGEST") == digest


def test_expired_meanwhile(engine: zippy.Engine) -> None:
    """The moment of expiry is what is kept, and not the time that was left."""
    engine.execute("SET", "a", 1, "EX", 60)
    engine.execute("SET", "b", 1)
    taken = engine.snapshot()
    with zippy.testing.Clock() as clock:
        clock.advance(61)
        engine.restore(taken)
        assert engine.execute("KEYS", "*") == [b"b"]
    engine.restore(taken)
    assert engine.execute("DBSIZE") == 2


def test_functions_and_scripts(engine: zippy.Engine) -> None:
    """Libraries are part of it; the scripts that EVALSHA knows are not, and stay."""
    r = zippy.connect(engine)
    r.function_load(LIBRARY)
    taken = engine.snapshot()
    sha = r.script_load("return 7")
    r.function_flush()
    engine.restore(taken)
    assert r.fcall("one", 0) == 1
    assert r.evalsha(sha, 0) == 7


def test_another_engine(engine: zippy.Engine) -> None:
    engine.execute("SET", "a", 1)
    with zippy.Engine() as other:
        other.restore(engine.snapshot())
        assert other.execute("GET", "a") == b"1"


def test_nothing(engine: zippy.Engine) -> None:
    empty = engine.snapshot()
    engine.execute("SET", "a", 1)
    engine.restore(empty)
    assert engine.execute("DBSIZE") == 0


def test_connections_stay(engine: zippy.Engine) -> None:
    """So do their databases, names and subscriptions."""
    r = zippy.connect(engine, db=2, client_name="me")
    listener = r.pubsub(ignore_subscribe_messages=True)
    listener.subscribe("news")
    listener.get_message()
    me = r.client_id()
    engine.restore(engine.snapshot())
    r.publish("news", "x")
    assert listener.get_message(timeout=10)["data"] == b"x"
    assert r.client_id() == me


@pytest.mark.parametrize("key", ["gone", "back", "new"])
def test_watched(engine: zippy.Engine, key: str) -> None:
    """A transaction fails if the key that it watches was there or is there now."""
    r = zippy.connect(engine)
    r.mset({"back": 1, "new": 1})
    taken = engine.snapshot()
    r.delete("new")
    r.set("gone", 1)
    with r.pipeline() as pipeline:
        pipeline.watch(key)
        engine.restore(taken)
        pipeline.multi()
        pipeline.set("z", 1)
        with pytest.raises(redis.WatchError):
            pipeline.execute()


def test_unwatched(engine: zippy.Engine) -> None:
    r = zippy.connect(engine)
    taken = engine.snapshot()
    with r.pipeline() as pipeline:
        pipeline.watch("a")
        engine.restore(taken)
        pipeline.multi()
        pipeline.set("z", 1)
        assert pipeline.execute() == [True]


def test_blocked(engine: zippy.Engine) -> None:
    """Who is blocked goes on waiting, and is served by the next push."""
    engine.execute("RPUSH", "list", "old")
    taken = engine.snapshot()
    engine.execute("DEL", "list")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(zippy.connect(engine).blpop, ["list"], 0)
        wait_until_blocked(engine)
        engine.restore(taken)
        wait_until_blocked(engine)
        engine.execute("RPUSH", "list", "new")
        assert waiting.result(5) == (b"list", b"old")


def test_client_side_caching(engine: zippy.Engine) -> None:
    """Who has keys cached hears that all have changed."""
    r = zippy.connect(engine, protocol=3)
    connection = r.connection_pool.get_connection()
    connection.send_command("CLIENT", "TRACKING", "ON", "BCAST")
    connection.read_response()
    told: list[object] = []
    connection._parser.set_invalidation_push_handler(told.append)
    engine.restore(engine.snapshot())
    connection.send_command("PING")
    connection.read_response()
    assert told == [[b"invalidate", None]]


def test_from_inside_of_a_command() -> None:
    """A function in Python cannot take away what the command that calls it works on."""
    engine: zippy.Engine

    @zippy.function
    def undo(call: object, keys: list[bytes], args: list[bytes]) -> None:
        engine.restore(engine.snapshot())

    with zippy.Engine(functions=[undo]) as engine, pytest.raises(redis.ResponseError, match="a command is being run"):
        zippy.connect(engine).fcall("undo", 0)


def test_shown(engine: zippy.Engine) -> None:
    assert repr(engine.snapshot()).startswith("<zippy snapshot of ")


def test_store_in_a_folder(tmp_path: Path) -> None:
    """Its files would not have what is put back."""
    with zippy.Engine() as other, zippy.Engine(tmp_path) as engine:
        engine.execute("SET", "a", 1)
        with pytest.raises(RuntimeError, match="kept in a folder"):
            engine.restore(other.snapshot())
        other.restore(engine.snapshot())
        assert other.execute("GET", "a") == b"1"
