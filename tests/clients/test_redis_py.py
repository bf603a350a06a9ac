"""redis-py, blocking: over TCP, over a Unix socket and in process, in RESP2 and RESP3.

test_redis_py_versions.py runs this file again with other versions of redis-py and without hiredis.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.clients.conftest import without_announcements
from tests.waiting import wait_until

Connect = Callable[..., redis.Redis]


def in_thread(work: Callable[[], Any]) -> threading.Thread:
    """Runs work in a thread."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def messages(pubsub: Any) -> Iterator[dict[str, Any]]:
    """What arrives, each within ten seconds."""
    while True:
        message = pubsub.get_message(timeout=10)
        assert message is not None, "no message in ten seconds"
        yield message


class TestValues:
    """Each type through the client's own parsers."""

    def test_strings(self, r: redis.Redis) -> None:
        """Numbers, options, several keys at once."""
        assert r.set("a", "1", ex=100) is True
        assert r.set("a", "2", nx=True) is None
        assert r.set("a", "2", get=True) == "1"
        assert r.incr("a", 40) == 42
        assert r.incrbyfloat("f", 1.5) == 1.5
        assert r.mset({"x": "1", "y": "2"}) is True
        assert r.mget("x", "none", "y") == ["1", None, "2"]
        assert r.set("t", "v", px=100_000) is True
        assert r.getdel("x") == "1"
        assert r.append("y", "zz") == 3
        assert r.getrange("y", 1, -1) == "zz"
        assert r.setbit("bits", 7, 1) == 0
        assert r.bitcount("bits") == 1

    def test_hyperloglogs(self, r: redis.Redis) -> None:
        """Counts, and merges with what is not there, too."""
        assert r.pfadd("monday", "ann", "bob", "cid") == 1
        assert r.pfadd("monday", "bob") == 0
        assert r.pfadd("tuesday", "cid", "dan") == 1
        assert r.pfcount("monday") == 3
        assert r.pfcount("monday", "tuesday", "wednesday") == 4
        assert r.pfmerge("week", "monday", "tuesday", "wednesday") is True
        assert r.pfcount("week") == 4

    def test_bytes(self, connect: Connect) -> None:
        """Any byte in keys and values, a megabyte of them."""
        r = connect(decode_responses=False)
        value = bytes(range(256)) * 4096
        r.set(b"\x00\xff\r\n", value)
        assert r.get(b"\x00\xff\r\n") == value
        assert r.keys() == [b"\x00\xff\r\n"]

    def test_hashes(self, r: redis.Redis) -> None:
        """A map comes back as a dict."""
        assert r.hset("h", mapping={"a": "1", "b": "2"}) == 2
        assert r.hgetall("h") == {"a": "1", "b": "2"}
        assert r.hmget("h", "a", "c") == ["1", None]
        assert r.hincrby("h", "a", 5) == 6
        assert dict(r.hscan_iter("h")) == {"a": "6", "b": "2"}
        assert r.hexists("h", "b") is True
        assert r.hrandfield("h", 2, withvalues=False) in (["a", "b"], ["b", "a"])

    def test_lists(self, r: redis.Redis) -> None:
        """Both ends and the middle."""
        assert r.rpush("l", *range(10)) == 10
        assert r.lrange("l", 2, 4) == ["2", "3", "4"]
        assert r.lpop("l", 2) == ["0", "1"]
        assert r.lmove("l", "m", "RIGHT", "LEFT") == "9"
        assert r.lpos("l", "5") == 3
        assert r.lmpop(2, "none", "l", direction="LEFT", count=2) == ["l", ["2", "3"]]

    def test_sets(self, r: redis.Redis) -> None:
        """A set comes back as a set (from 8 on as a list in RESP2)."""
        assert r.sadd("s", *range(10)) == 10
        assert set(r.smembers("s")) == {str(i) for i in range(10)}
        assert r.smismember("s", ["1", "99"]) == [1, 0]
        assert r.sadd("t", 1, 2, 77) == 3
        assert set(r.sinter("s", "t")) == {"1", "2"}
        assert set(r.sscan_iter("s", match="[1-3]")) == {"1", "2", "3"}

    def test_sorted_sets(self, r: redis.Redis) -> None:
        """Scores are floats."""
        assert r.zadd("z", {"a": 1, "b": 2.5, "c": 3}) == 3
        assert [tuple(pair) for pair in r.zrange("z", 0, -1, withscores=True)] == [("a", 1.0), ("b", 2.5), ("c", 3.0)]
        assert r.zscore("z", "b") == 2.5
        assert r.zincrby("z", 10, "a") == 11.0
        assert r.zrank("z", "a") == 2
        assert r.zrangebyscore("z", "(2.5", "+inf") == ["c", "a"]
        assert dict(r.zscan_iter("z")) == {"a": 11.0, "b": 2.5, "c": 3.0}
        # RESP3 replies to a pop of one with the pair alone, which redis-py hands on
        assert r.zpopmin("z") in ([("b", 2.5)], [["b", 2.5]], ["b", 2.5])

    @pytest.mark.skipif(not hasattr(redis.Redis, "increx"), reason="this redis-py does not know the commands of Redis 8.8")
    def test_conditions(self, r: redis.Redis) -> None:
        """What is later than Redis 8.2."""
        assert r.set("k", "x")
        assert r.set("k", "y", ifeq="z") is None
        assert r.set("k", "y", ifeq="x") is True
        digest = r.digest("k")
        assert r.set("k", "z", ifdne=digest) is None
        assert r.delex("k", ifdeq=digest) == 1
        assert r.digest("k") is None
        assert r.msetex({"a": 1, "b": 2}, ex=100) == 1
        assert 90 < r.ttl("b") <= 100
        assert r.increx("a", byint=5, ubound=5, saturate=True) == [5, 4]
        assert [float(part) for part in r.increx("a", byfloat=0.5, ubound=5)] == [5, 0]
        assert r.execute_command("DELIFEQ", "a", 5) == 1

    def test_points(self, r: redis.Redis) -> None:
        """Distances and coordinates are floats, and absent members None."""
        assert r.geoadd("g", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania")) == 2
        assert r.geoadd("g", (0, 0, "nowhere"), xx=True) == 0
        assert r.geodist("g", "Palermo", "Catania", unit="km") == 166.2742
        assert r.geohash("g", "Palermo", "nowhere") == ["sqc8b49rny0", None]
        ((longitude, latitude), absent) = r.geopos("g", "Catania", "nowhere")
        assert (longitude, latitude, absent) == (15.087267458438873, 37.50266842333162, None)
        assert r.geosearch("g", longitude=15, latitude=37, radius=200, unit="km", sort="ASC") == ["Catania", "Palermo"]
        found = r.geosearch("g", member="Palermo", width=400, height=400, unit="km", withdist=True, withhash=True, withcoord=True)
        assert [[name, distance] for name, distance, _, _ in found] == [["Palermo", 0.0], ["Catania", 166.2742]]
        assert [number for _, _, number, _ in found] == [3479099956230698, 3479447370796909]
        assert tuple(found[1][3]) == (longitude, latitude)
        assert r.geosearchstore("d", "g", member="Catania", radius=100, unit="mi", storedist=True) == 1
        assert r.georadiusbymember("g", "Catania", 200, unit="km", count=1) == ["Catania"]
        assert r.georadius("g", 15, 37, 200, unit="km", store="d") == 2

    def test_expiry(self, r: redis.Redis) -> None:
        """Times to live and their absence."""
        r.set("a", 1)
        assert r.ttl("a") == -1
        assert r.expire("a", 100) is True
        assert 95 <= r.ttl("a") <= 100
        assert r.persist("a") is True
        assert r.ttl("none") == -2
        assert r.pexpire("a", 0) is True
        assert r.exists("a") == 0

    @pytest.mark.skipif(not hasattr(redis.Redis, "hsetex"), reason="this redis-py has no HSETEX")
    def test_expiry_of_fields(self, r: redis.Redis) -> None:
        """A cache in a hash: fields with times to live of their own."""
        assert r.hsetex("cache", mapping={"a": 1, "b": "two"}, ex=100) == 1
        r.hset("cache", "stays", "x")
        assert [95 <= left <= 100 for left in r.httl("cache", "a", "b")] == [True, True]
        assert r.httl("cache", "stays", "none") == [-1, -2]
        assert r.hgetex("cache", "a", "none", px=500_000) == ["1", None]
        assert 490_000 < r.hpttl("cache", "a")[0] <= 500_000
        assert r.hexpire("cache", 1000, "a", "b", gt=True) == [1, 1]
        assert r.hpexpireat("cache", 4_000_000_000_000, "b") == [1]
        assert (r.hexpiretime("cache", "b"), r.hpexpiretime("cache", "b")) == ([4_000_000_000], [4_000_000_000_000])
        assert r.hpersist("cache", "b", "stays") == [1, -1]
        assert r.hexpire("cache", 0, "a") == [2]
        assert r.hgetdel("cache", "a", "b") == [None, "two"]
        assert r.hgetall("cache") == {"stays": "x"}

    def test_scan_iter(self, r: redis.Redis) -> None:
        """Each key once or more, by pattern and type."""
        with r.pipeline(transaction=False) as pipe:
            for i in range(1000):
                pipe.set(f"key:{i}", i)
            pipe.sadd("set", 1)
            pipe.execute()
        assert set(r.scan_iter(match="key:*", count=100)) == {f"key:{i}" for i in range(1000)}
        assert set(r.scan_iter(_type="SET")) == {"set"}
        assert r.dbsize() == 1001

    def test_sort_and_dump(self, r: redis.Redis) -> None:
        """SORT, COPY, RENAME, OBJECT, TYPE."""
        r.rpush("l", 3, 1, 2)
        assert r.sort("l", desc=True) == ["3", "2", "1"]
        assert r.copy("l", "m") is True
        assert r.rename("m", "n") is True
        assert r.type("n") == "list"
        assert r.object("encoding", "n") == "listpack"


class TestFunctions:
    """Libraries and their functions."""

    CODE = (
        "#!lua name=lib\n"
        "redis.register_function{function_name='twice', callback=function(keys, args) return args[1] * 2 end, flags={'no-writes'}}"
    )

    def test_functions(self, r: redis.Redis) -> None:
        """Loading, calling, listing, dumping."""
        assert r.function_flush() is True
        assert r.function_load(self.CODE) == "lib"
        with pytest.raises(redis.ResponseError, match="already exists"):
            r.function_load(self.CODE)
        assert r.function_load(self.CODE, replace=True) == "lib"
        assert r.fcall("twice", 0, 21) == r.fcall_ro("twice", 0, 21) == 42
        assert len(r.function_list("l*", withcode=True)) == 1
        assert "LUA" in str(r.function_stats())
        with pytest.raises(redis.ResponseError, match="No scripts in execution"):
            r.function_kill()
        assert r.function_delete("lib") is True
        assert r.function_list() == []

    def test_dump(self, connect: Connect) -> None:
        """A payload is bytes."""
        client = connect(decode_responses=False)
        client.function_flush()
        client.function_load(self.CODE)
        dump = client.function_dump()
        assert client.function_restore(dump, "REPLACE") is True
        client.function_flush("SYNC")
        assert client.function_restore(dump) is True
        assert client.fcall("twice", 0, 4) == 8
        client.function_flush()


class TestPipelines:
    """MULTI, EXEC, WATCH and plain pipelines."""

    def test_transaction(self, r: redis.Redis) -> None:
        """Replies in order, errors in their place."""
        with r.pipeline() as pipe:
            pipe.set("a", "x").incr("b").lpush("a", 1).get("a")
            replies = pipe.execute(raise_on_error=False)
        assert replies[0] is True and replies[1] == 1 and replies[3] == "x"
        assert isinstance(replies[2], redis.ResponseError) and "WRONGTYPE" in str(replies[2])

    def test_plain(self, r: redis.Redis) -> None:
        """Five thousand commands in one write."""
        with r.pipeline(transaction=False) as pipe:
            for _ in range(5000):
                pipe.incr("n")
            assert pipe.execute() == list(range(1, 5001))

    def test_watch(self, r: redis.Redis, connect: Connect) -> None:
        """A change by another client stops the transaction."""
        other = connect()
        with r.pipeline() as pipe:
            pipe.watch("a")
            other.set("a", "theirs")
            pipe.multi()
            pipe.set("a", "ours")
            with pytest.raises(redis.WatchError):
                pipe.execute()
        assert r.get("a") == "theirs"

    def test_transaction_function(self, r: redis.Redis) -> None:
        """Redis.transaction retries until it goes through: eight threads count to eighty."""

        def add_one(pipe: Any) -> None:
            value = int(pipe.get("n") or 0)
            pipe.multi()
            pipe.set("n", value + 1)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: r.transaction(add_one, "n"), range(80)))
        assert r.get("n") == "80"

    def test_aborted(self, r: redis.Redis) -> None:
        """An error while queueing ends the transaction."""
        with pytest.raises(redis.ResponseError), r.pipeline() as pipe:
            pipe.set("a", 1)
            pipe.execute_command("NOSUCH")
            pipe.execute()
        assert r.exists("a") == 0


class TestBlocking:
    """Blocking pops."""

    def test_served(self, r: redis.Redis, connect: Connect) -> None:
        """A push in another client ends the wait."""
        got: list[Any] = []
        waiter = connect()
        thread = in_thread(lambda: got.append(waiter.blpop(["a", "b"], timeout=10)))
        wait_until(lambda: r.info("clients")["blocked_clients"] == 1)
        r.rpush("b", "x")
        thread.join(10)
        assert [tuple(pair) for pair in got] == [("b", "x")]

    def test_timeout(self, r: redis.Redis) -> None:
        """Nothing comes."""
        started = time.monotonic()
        assert r.blpop("a", timeout=0.1) is None
        assert r.blmove("a", "b", 0.1) is None
        assert time.monotonic() - started < 5

    def test_socket_timeout(self, connect: Connect) -> None:
        """The client's own time ends first, and the connection is made anew."""
        r = connect(socket_timeout=0.1, retry=None)
        with pytest.raises(redis.TimeoutError):
            r.blpop("a", timeout=20)
        for connection in list(r.connection_pool._available_connections):
            # a busy machine needs longer for this
            connection.socket_timeout = connection.socket_connect_timeout = 10
        assert r.ping() is True


def entries_of(reply: Any, stream: str) -> list[Any]:
    """What XREAD and XREADGROUP brought of a stream, however this version of redis-py shapes it."""
    found = reply.get(stream, []) if isinstance(reply, dict) else [entry for name, entries in reply if name == stream for entry in entries]
    return found[0] if found and isinstance(found[0], list) else found


class TestStreams:
    """Streams and consumer groups."""

    def test_entries(self, r: redis.Redis) -> None:
        """Adding, ranges, lengths, trimming."""
        ids = [r.xadd("s", {"n": n, "text": "x"}) for n in range(10)]
        assert r.xlen("s") == 10
        assert r.xrange("s", ids[2], ids[3]) == [(ids[2], {"n": "2", "text": "x"}), (ids[3], {"n": "3", "text": "x"})]
        assert [id for id, _ in r.xrevrange("s", count=2)] == ids[:-3:-1]
        assert entries_of(r.xread({"s": ids[7]}), "s") == [(ids[8], {"n": "8", "text": "x"}), (ids[9], {"n": "9", "text": "x"})]
        assert r.xdel("s", ids[9]) == 1
        assert r.xtrim("s", maxlen=3, approximate=False) == 6
        assert r.xinfo_stream("s")["first-entry"][0] == ids[6]

    def test_reading_alone(self, r: redis.Redis, connect: Connect) -> None:
        """Each entry is read as it comes, from the last id on."""
        reader = connect()
        heard: list[str] = []

        def read() -> None:
            last = "0"
            while len(heard) < 50:
                for id, fields in entries_of(reader.xread({"s": last}, block=10_000, count=7), "s"):
                    heard.append(fields["n"])
                    last = id

        thread = in_thread(read)
        for n in range(50):
            r.xadd("s", {"n": n}, maxlen=1000)
        thread.join(20)
        assert heard == [str(n) for n in range(50)]

    def test_workers(self, r: redis.Redis, connect: Connect) -> None:
        """Four workers of a group do each job once, and acknowledge it."""
        r.xgroup_create("jobs", "workers", "0", mkstream=True)
        done: list[str] = []

        def work(name: str) -> None:
            worker = connect()
            worker.xgroup_createconsumer("jobs", "workers", name)
            while len(done) < 200:
                for id, fields in entries_of(worker.xreadgroup("workers", name, {"jobs": ">"}, count=3, block=50), "jobs"):
                    done.append(fields["n"])
                    assert worker.xack("jobs", "workers", id) == 1

        threads = [in_thread(lambda name=name: work(name)) for name in "abcd"]  # type: ignore[misc]
        for n in range(200):
            r.xadd("jobs", {"n": n})
        for thread in threads:
            thread.join(20)
        assert sorted(done, key=int) == [str(n) for n in range(200)]
        assert r.xpending("jobs", "workers")["pending"] == 0
        (group,) = r.xinfo_groups("jobs")
        assert (group["consumers"], group["lag"]) == (4, 0)

    def test_what_a_dead_worker_left(self, r: redis.Redis) -> None:
        """Its entries are seen, claimed one by one or as they come, and read again by who has them now."""
        ids = [r.xadd("jobs", {"n": n}) for n in range(5)]
        r.xgroup_create("jobs", "workers", "0")
        r.xreadgroup("workers", "dead", {"jobs": ">"}, count=4)
        summary = r.xpending("jobs", "workers")
        assert (summary["pending"], summary["min"], summary["max"]) == (4, ids[0], ids[3])
        assert [entry["message_id"] for entry in r.xpending_range("jobs", "workers", "-", "+", 10)] == ids[:4]
        assert [id for id, _ in r.xclaim("jobs", "workers", "living", 0, [ids[0]])] == [ids[0]]
        r.xdel("jobs", ids[1])
        _, claimed, deleted = r.xautoclaim("jobs", "workers", "living", 0)[:3]
        assert [id for id, _ in claimed] == [ids[0], ids[2], ids[3]]
        assert deleted == [ids[1]]
        assert [id for id, _ in entries_of(r.xreadgroup("workers", "living", {"jobs": "0"}), "jobs")] == [ids[0], ids[2], ids[3]]
        assert r.xinfo_consumers("jobs", "workers")[0]["pending"] == 0
        assert r.xgroup_delconsumer("jobs", "workers", "living") == 3
        with pytest.raises(redis.ResponseError, match="BUSYGROUP"):
            r.xgroup_create("jobs", "workers", "$")
        assert r.xgroup_destroy("jobs", "workers") == 1


class TestPubSub:
    """Subscriptions."""

    def test_messages(self, r: redis.Redis) -> None:
        """Channels and patterns, in order."""
        with r.pubsub() as pubsub:
            pubsub.subscribe("news")
            pubsub.psubscribe("n*")
            arriving = messages(pubsub)
            assert [next(arriving)["type"] for _ in range(2)] == ["subscribe", "psubscribe"]
            assert r.publish("news", "hello") == 2
            got = [next(arriving) for _ in range(2)]
            assert [(m["type"], m["channel"], m["data"]) for m in got] == [("message", "news", "hello"), ("pmessage", "news", "hello")]
            assert r.pubsub_numsub("news") == [("news", 1)]
            assert r.pubsub_channels() == ["news"]
            assert r.pubsub_numpat() == 1
            pubsub.unsubscribe()
            assert next(arriving)["type"] == "unsubscribe"
            pubsub.punsubscribe()
            assert next(arriving)["type"] == "punsubscribe"
            assert pubsub.subscribed is False

    def test_no_message(self, r: redis.Redis) -> None:
        """A poll finds nothing, a ping its answer."""
        with r.pubsub() as pubsub:
            pubsub.subscribe("news")
            assert next(messages(pubsub))["type"] == "subscribe"
            assert pubsub.get_message() is None
            assert pubsub.get_message(timeout=0.05) is None
            pubsub.ping()
            assert pubsub.get_message(timeout=10) is not None

    def test_handlers_in_a_thread(self, r: redis.Redis) -> None:
        """run_in_thread calls the handler."""
        got: list[str] = []
        pubsub = r.pubsub(ignore_subscribe_messages=True)
        pubsub.subscribe(news=lambda message: got.append(message["data"]))
        wait_until(lambda: r.pubsub_numsub("news") == [("news", 1)])
        thread = pubsub.run_in_thread(sleep_time=0.01, daemon=True)
        for i in range(100):
            r.publish("news", i)
        wait_until(lambda: len(got) == 100)
        thread.stop()
        thread.join(10)
        assert got == [str(i) for i in range(100)]

    def test_sharded(self, r: redis.Redis) -> None:
        """SSUBSCRIBE and SPUBLISH."""
        with r.pubsub() as pubsub:
            pubsub.ssubscribe("news")
            arriving = messages(pubsub)
            next(arriving)
            assert r.execute_command("SPUBLISH", "news", "hello") == 1
            assert next(arriving)["type"] == "smessage"

    def test_keyspace_events(self, r: redis.Redis) -> None:
        """Notifications of changed keys."""
        r.config_set("notify-keyspace-events", "KEA")
        try:
            with r.pubsub(ignore_subscribe_messages=True) as pubsub:
                pubsub.psubscribe("__key*__:*")
                pubsub.get_message(timeout=10)
                r.set("a", 1)
                arriving = messages(pubsub)
                assert [(m["channel"], m["data"]) for m in (next(arriving), next(arriving))] == [
                    ("__keyspace@0__:a", "set"),
                    ("__keyevent@0__:set", "a"),
                ]
        finally:
            r.config_set("notify-keyspace-events", "")


class TestConnections:
    """What happens around the commands."""

    def test_client_info(self, connect: Connect) -> None:
        """The library tells its name and version, the user the client's."""
        r = connect(client_name="tester", db=3)
        info = r.client_info()
        assert info["name"] == "tester" and int(info["db"]) == 3
        assert info["lib-name"].startswith("redis-py") and info["lib-ver"] == redis.__version__
        assert r.client_setinfo("LIB-NAME", "mine") is True
        assert r.client_info()["lib-name"] == "mine"
        assert any(client["name"] == "tester" for client in r.client_list())

    def test_databases(self, connect: Connect) -> None:
        """SELECT when connecting."""
        connect(db=2).set("a", 1)
        assert connect(db=2).get("a") == "1"
        assert connect().get("a") is None

    def test_single_connection(self, r: redis.Redis) -> None:
        """Redis.client() holds one connection."""
        with r.client() as one:
            assert one.client_id() == one.client_id()

    def test_pool(self, connect: Connect) -> None:
        """Many threads on few connections."""
        r = connect(max_connections=50)
        with ThreadPoolExecutor(16) as pool:
            assert sorted(pool.map(lambda _: r.incr("n"), range(400))) == list(range(1, 401))

    def test_blocking_pool(self, r: redis.Redis) -> None:
        """BlockingConnectionPool makes threads wait for a connection."""
        kind = r.connection_pool.connection_class
        pool = redis.BlockingConnectionPool(
            connection_class=kind, max_connections=2, timeout=10, **{**without_announcements(), **r.connection_pool.connection_kwargs}
        )
        with redis.Redis(connection_pool=pool) as waiting, ThreadPoolExecutor(8) as threads:
            assert sorted(threads.map(lambda _: waiting.incr("n"), range(100))) == list(range(1, 101))
        pool.disconnect()

    def test_health_check(self, connect: Connect) -> None:
        """An idle connection is tried with PING before it is used."""
        r = connect(health_check_interval=5)
        r.set("a", 1)
        before = r.info("commandstats").get("cmdstat_ping", {}).get("calls", 0)
        for connection in list(r.connection_pool._available_connections):
            connection.next_health_check = 1
        assert r.get("a") == "1"
        assert r.info("commandstats")["cmdstat_ping"]["calls"] == before + 1

    def test_killed(self, r: redis.Redis, connect: Connect) -> None:
        """After CLIENT KILL the next command connects again."""
        other = connect()
        with r.client() as one:
            number = one.client_id()
        assert other.client_kill_filter(_id=number) == 1
        assert r.ping() is True

    def test_password(self, r: redis.Redis, connect: Connect) -> None:
        """requirepass lets in who knows it."""
        r.config_set("requirepass", "secret")
        try:
            for options in ({}, {"password": "wrong"}, {"username": "nobody", "password": "secret"}):
                with pytest.raises(redis.AuthenticationError):
                    connect(retry=Retry(NoBackoff(), 0), **options).ping()
            assert connect(password="secret").ping() is True
            assert connect(username="default", password="secret", db=1, client_name="known").client_getname() == "known"
        finally:
            r.config_set("requirepass", "")

    def test_retried(self, r: redis.Redis, connect: Connect) -> None:
        """A wait that a lost connection cut short is begun again."""
        got: list[Any] = []
        waiter = connect(retry=Retry(NoBackoff(), 3), retry_on_error=[redis.ConnectionError])
        thread = in_thread(lambda: got.append(waiter.blpop("queue", timeout=10)))
        wait_until(lambda: r.info("clients")["blocked_clients"] == 1)
        connections = r.info("stats")["total_connections_received"]
        assert r.client_kill_filter(_type="normal", skipme=True) >= 1
        wait_until(lambda: r.info("stats")["total_connections_received"] > connections and r.info("clients")["blocked_clients"] == 1)
        r.rpush("queue", "job")
        thread.join(10)
        assert [tuple(pair) for pair in got] == [("queue", "job")]

    def test_commands_between_messages(self, connect: Connect, protocol: int) -> None:
        """A subscriber may send other commands in RESP3, where messages are pushes, and may not in RESP2."""
        with connect().client() as r:
            connection = r.connection
            connection.send_command("SUBSCRIBE", "news")
            pushes = {"push_request": True} if protocol == 3 else {}
            assert connection.read_response(**pushes) == ["subscribe", "news", 1]
            if protocol == 2:
                with pytest.raises(redis.ResponseError, match="allowed in this context"):
                    r.get("a")
            else:
                assert r.get("a") is None

    def test_monitor(self, r: redis.Redis, connect: Connect) -> None:
        """MONITOR's lines are understood."""
        with connect().monitor() as monitor:
            r.set("a", 'quote " and \n')
            seen = next(monitor.listen())
            while not seen["command"].startswith("SET"):
                seen = next(monitor.listen())
        assert seen["db"] == 0 and "quote" in seen["command"]

    def test_info_and_config(self, r: redis.Redis) -> None:
        """The reports are parsed into typed values."""
        info = r.info()
        assert info["redis_version"] == "8.2.3" and isinstance(info["used_memory"], int)
        assert r.config_get("maxmemory*")["maxmemory"] == "0"
        assert len(r.time()) == 2
        assert r.command_count() > 150
        assert r.command()["get"]["arity"] == 2
        assert isinstance(r.slowlog_get(), list)
        assert isinstance(r.memory_stats()["total.allocated"], int)

    def test_errors(self, r: redis.Redis, connect: Connect) -> None:
        """Errors have their classes."""
        r.set("a", "x")
        with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
            r.lpush("a", 1)
        with pytest.raises(redis.ResponseError, match="not an integer"):
            r.incr("a")
        with pytest.raises(redis.ResponseError, match="unknown command"):
            r.execute_command("NOSUCH")
        with pytest.raises(redis.AuthenticationError):
            connect(retry=None).auth("wrong")


class TestUsers:
    """redis-py's methods about access control, and its own way to log in."""

    def test_acl(self, r: redis.Redis, connect: Connect) -> None:
        """Made, shown, tried, logged, deleted."""
        r.acl_log_reset()
        rules: dict[str, Any] = {"passwords": ["+secret"], "categories": ["+@read"], "commands": ["-get", "+set"], "keys": ["a:*", "b"]}
        assert r.acl_setuser("guest", enabled=True, reset=True, channels=["c*"], selectors=[("+get", "%R~x")], **rules)
        shown = r.acl_getuser("guest")
        assert shown["enabled"] is True
        assert sorted(shown["flags"]) == ["on", "sanitize-payload"]  # old parsers make a set of them
        assert (shown["commands"], shown["categories"]) == (["-get", "+set"], ["-@all", "+@read"])
        assert (shown["keys"], shown["channels"]) == (["~a:*", "~b"], ["&c*"])
        assert r.acl_users() == ["default", "guest"]
        assert r.acl_whoami() == "default"
        assert len(r.acl_list()) == 2
        assert "hset" in r.acl_cat("hash")
        assert len(r.acl_genpass(128)) == 32
        assert r.acl_dryrun("guest", "set", "a:1", "v") == "OK"
        assert r.acl_dryrun("guest", "get", "a:1") == "User guest has no permissions to access the 'a:1' key"
        with pytest.raises(redis.AuthenticationError):
            connect(retry=Retry(NoBackoff(), 0)).execute_command("AUTH", "guest", "wrong")
        (entry,) = r.acl_log()
        assert (entry["reason"], entry["object"], entry["username"]) == ("auth", "AUTH", "guest")
        assert "default" in str(entry["client-info"])
        assert r.acl_log_reset()
        assert r.acl_deluser("guest", "nobody") == 1
        assert r.acl_getuser("guest") is None

    def test_connections_of_a_user(self, r: redis.Redis, connect: Connect) -> None:
        """username and password of a client; what it may not is an error of its own."""
        r.acl_setuser("guest", enabled=True, passwords=["+secret"], commands=["+get", "+ping", "+client"], keys=["a"], reset=True)
        with connect(username="guest", password="secret") as guest:
            assert guest.get("a") is None
            with pytest.raises(redis.exceptions.NoPermissionError):
                guest.get("b")
            with pytest.raises(redis.exceptions.NoPermissionError):
                guest.set("a", "1")
        with pytest.raises(redis.AuthenticationError):
            connect(username="guest", password="wrong", retry=Retry(NoBackoff(), 0)).get("a")
        r.acl_deluser("guest")
