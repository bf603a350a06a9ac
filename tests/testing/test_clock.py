"""Time that a test moves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import redis
import redis.asyncio

import zippy
from tests.testing.conftest import wait_until_blocked
from zippy.testing import Clock


@pytest.fixture
def clock() -> Iterator[Clock]:
    """A clock, the system's again after the test."""
    with Clock() as clock:
        yield clock


def seconds(engine: zippy.Engine) -> float:
    """The engine's time."""
    whole, us = engine.execute("TIME")
    return int(whole) + int(us) / 1e6


class TestExpiry:
    """What expires."""

    def test_key(self, engine: zippy.Engine, clock: Clock) -> None:
        r = zippy.connect(engine)
        clock.freeze()
        r.set("a", 1, ex=60)
        clock.advance(50)
        assert r.ttl("a") == 10
        clock.unfreeze()
        clock.advance(timedelta(seconds=11))
        assert r.get("a") is None

    def test_all_are_gone_at_once(self, engine: zippy.Engine, clock: Clock) -> None:
        """DBSIZE and KEYS count what nobody has asked for."""
        r = zippy.connect(engine, db=3)
        r.mset({f"kept{i}": i for i in range(50)})
        for i in range(2000):
            r.set(i, i, ex=60 if i % 20 else 6000)
        clock.advance(61)
        assert r.dbsize() == 150
        assert len(r.keys()) == 150

    def test_hash_fields(self, engine: zippy.Engine, clock: Clock) -> None:
        r = zippy.connect(engine)
        r.hset("h", mapping={"a": 1, "b": 2})
        r.hset("all", "a", 1)
        r.hexpire("h", 60, "a")
        r.hexpire("all", 60, "a")
        clock.advance(61)
        assert r.dbsize() == 1
        assert r.hlen("h") == 1

    def test_notifications(self, engine: zippy.Engine, clock: Clock) -> None:
        """Who listens hears of it without asking for the key."""
        r = zippy.connect(engine)
        r.config_set("notify-keyspace-events", "Ex")
        listener = r.pubsub(ignore_subscribe_messages=True)
        listener.subscribe("__keyevent@0__:expired")
        listener.get_message()
        r.set("a", 1, ex=60)
        clock.advance(61)
        assert listener.get_message(timeout=10)["data"] == b"a"

    def test_watched_key(self, engine: zippy.Engine, clock: Clock) -> None:
        r = zippy.connect(engine)
        r.set("a", 1, ex=60)
        with r.pipeline() as pipeline:
            pipeline.watch("a")
            clock.advance(61)
            pipeline.multi()
            pipeline.set("b", 1)
            with pytest.raises(redis.WatchError):
                pipeline.execute()


class TestWaiting:
    """Who waits with a timeout is answered at once."""

    def test_thread(self, engine: zippy.Engine, clock: Clock) -> None:
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(zippy.connect(engine).blpop, ["list"], 3000)
            wait_until_blocked(engine)
            clock.advance(2000)
            wait_until_blocked(engine)
            clock.advance(1001)
            assert waiting.result(5) is None

    def test_asyncio(self, engine: zippy.Engine, clock: Clock) -> None:
        async def wait() -> object:
            waiting = asyncio.ensure_future(zippy.connect_async(engine).blpop(["list"], 30))
            while b"blocked_clients:1\r\n" not in engine.execute("INFO", "clients"):  # noqa: ASYNC110
                await asyncio.sleep(0)
            clock.advance(31)
            return await asyncio.wait_for(waiting, 5)

        assert asyncio.run(wait()) is None

    def test_timeout_that_began_after_an_advance(self, engine: zippy.Engine, clock: Clock) -> None:
        """Time goes on from there at its own pace."""
        clock.advance(1000)
        assert zippy.connect(engine).blpop(["list"], 0.01) is None

    def test_frozen(self, engine: zippy.Engine, clock: Clock) -> None:
        """A timeout does not pass while time stands, and passes when it is moved."""
        clock.freeze()
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(zippy.connect(engine).blpop, ["list"], 0.001)
            wait_until_blocked(engine)
            clock.advance(0.0009)
            wait_until_blocked(engine)
            clock.advance(0.001)
            assert waiting.result(5) is None

    def test_thawed(self, engine: zippy.Engine, clock: Clock) -> None:
        """Time that goes on takes the timeouts along."""
        clock.freeze()
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(zippy.connect(engine).blpop, ["list"], 0.001)
            wait_until_blocked(engine)
            clock.unfreeze()
            assert waiting.result(5) is None


class TestTime:
    """What tells the time."""

    def test_frozen(self, engine: zippy.Engine, clock: Clock) -> None:
        clock.freeze()
        before = seconds(engine)
        assert abs(before - time.time()) < 60
        assert seconds(engine) == before
        clock.advance(10)
        assert seconds(engine) == pytest.approx(before + 10, abs=1e-5)

    def test_ids_of_streams(self, engine: zippy.Engine, clock: Clock) -> None:
        clock.freeze()
        first = int(engine.execute("XADD", "s", "*", "a", 1).split(b"-")[0])
        clock.advance(1.5)
        assert int(engine.execute("XADD", "s", "*", "a", 1).split(b"-")[0]) == first + 1500

    def test_idle_time(self, engine: zippy.Engine, clock: Clock) -> None:
        clock.freeze()
        engine.execute("SET", "a", 1)
        clock.advance(100)
        assert engine.execute("OBJECT", "IDLETIME", "a") == 100

    def test_least_recently_used(self, engine: zippy.Engine, clock: Clock) -> None:
        """Eviction takes what was not used for long."""
        r = zippy.connect(engine)
        # with five samples it may be the other key each time
        r.config_set("maxmemory-policy", "allkeys-lru")
        r.config_set("maxmemory-samples", 64)
        engine.execute("SET", "old", "x" * 100_000)
        clock.advance(100)
        engine.execute("SET", "new", "x" * 100_000)
        used = int(engine.execute("INFO", "memory").split(b"used_memory:")[1].split(b"\r\n")[0])
        r.config_set("maxmemory", used - 50_000)
        engine.execute("SET", "b", 1)
        assert engine.execute("EXISTS", "old") == 0
        assert engine.execute("EXISTS", "new") == 1

    def test_all_engines(self, engine: zippy.Engine, clock: Clock) -> None:
        """Those that were there, and those that come."""
        before = seconds(engine)
        clock.advance(1000)
        clock.freeze()
        clock.advance(1000)
        with zippy.Engine() as later:
            assert seconds(later) == seconds(engine)
            assert seconds(later) >= before + 2000

    def test_system_time_comes_back(self, engine: zippy.Engine) -> None:
        with Clock() as clock:
            clock.advance(1000)
            clock.freeze()
        assert abs(seconds(engine) - time.time()) < 60
        assert seconds(zippy.Engine()) < time.time() + 60

    def test_timeouts_do_not_become_longer(self, engine: zippy.Engine) -> None:
        """What waits when time goes back goes on waiting for what is left of its timeout."""
        with ThreadPoolExecutor() as pool:
            with Clock() as clock:
                clock.advance(1000)
                # else it could be over before it was seen to wait
                clock.freeze()
                waiting = pool.submit(zippy.connect(engine).blpop, ["list"], 0.05)
                wait_until_blocked(engine)
            assert waiting.result(5) is None


class TestRefused:
    """What cannot be."""

    def test_back(self, clock: Clock) -> None:
        with pytest.raises(ValueError, match="does not go back"):
            clock.advance(-1)

    def test_two(self, clock: Clock) -> None:
        with pytest.raises(RuntimeError, match="already"), Clock():
            pass

    def test_unused(self) -> None:
        with pytest.raises(RuntimeError, match="between"):
            Clock().advance(1)
