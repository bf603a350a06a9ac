"""Saving beside the traffic: what is in the file is what there was when the save began, whatever is done meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import zippy
from tests.needs import needs_program
from tests.persistence.logs import wait_until_written
from tests.resp import RawClient, Reply
from tests.servers import ServerProcess, StartServer, start_oracle
from tests.waiting import wait_until
from zippy._core.snapshot import SaveRequest, Walk, load_bytes, settle, walk_is_spent
from zippy.inprocess.engine import host_of

ALL = 2**64 - 1
KEYS = 400
DATABASES = 4
NOW = 1_700_000_000_000_000
"""Microseconds; the engines' clocks stand there."""


class Store:
    """An engine and a way to run commands in it."""

    def __init__(self, **settings: str) -> None:
        self.engine = zippy.Engine(enable_debug_command="yes", databases=str(DATABASES), **settings)
        self.set_clock(NOW)
        self.client = zippy.connect(self.engine)

    def __call__(self, *words: Any) -> Any:
        """The reply to a command, an error as a value."""
        try:
            return self.client.execute_command(*words)
        except redis.ResponseError as error:
            return error

    def set_clock(self, us: int) -> None:
        """It stands there from now on."""
        host_of(self.engine).core.set_clock(us)

    def walk(self, path: Path, may_fork: bool = False, delay_us: int = 0) -> Walk:
        """A save that has just begun."""
        return Walk(host_of(self.engine).core, SaveRequest(str(path), "8.2.3", delay_us=delay_us), may_fork)

    def loaded(self, data: bytes) -> Store:
        """Another store with what a file holds, expired keys too."""
        other = Store()
        load_bytes(host_of(other.engine).core, data, keep_expired=True)
        return other

    def close(self) -> None:
        """Ends the engine."""
        self.engine.close()


@pytest.fixture
def store() -> Iterator[Store]:
    """A store of its own."""
    opened = Store()
    yield opened
    opened.close()


def some_value(choice: random.Random, store: Store, key: str) -> None:
    """Puts a value of any type and size under a key."""
    size = choice.choice([1, 3, 20, 200, 2500]) if choice.random() < 0.99 else 9000
    kind = choice.randrange(6)
    if kind == 0:
        store("SET", key, "v" * choice.choice([0, 5, 300, 5000]))
    elif kind == 1:
        store("SET", key, choice.randrange(10**9))
    elif kind == 2:
        store("RPUSH", key, *("item" * choice.choice([1, 50]) for _ in range(size)))
    elif kind == 3:
        store("SADD", key, *(choice.choice([i, f"member{i}"]) for i in range(size)))
    elif kind == 4:
        store("HSET", key, *(word for i in range(size) for word in (f"field{i}", i)))
    else:
        store("ZADD", key, *(word for i in range(size) for word in (i % 7, f"member{i}")))
    if kind == 4 and choice.random() < 0.5:
        store("HPEXPIREAT", key, NOW // 1000 + choice.randrange(1, 500), "FIELDS", 2, "field0", f"field{size // 2}")
    if choice.random() < 0.2:
        store("PEXPIREAT", key, NOW // 1000 + choice.randrange(1, 500))


def fill(choice: random.Random, store: Store) -> None:
    """Some keys in each database."""
    for database in range(DATABASES):
        store("SELECT", database)
        for _ in range(choice.choice([0, 30, KEYS])):
            some_value(choice, store, f"key{choice.randrange(KEYS)}")
    store("SELECT", 0)


def change(choice: random.Random, store: Store) -> None:
    """Changes something in any of the ways that there are."""
    key, other = (f"key{choice.randrange(KEYS)}" for _ in range(2))
    element = f"x{choice.randrange(50)}"
    way = choice.randrange(30)
    if way < 2:
        store("SELECT", choice.randrange(DATABASES))
    elif way == 2:
        store("FLUSHDB", choice.choice(["SYNC", "ASYNC"])) if choice.random() < 0.2 else store("DEL", key)
    elif way == 3:
        store("SWAPDB", choice.randrange(DATABASES), choice.randrange(DATABASES))
    elif way == 4:
        store("FLUSHALL") if choice.random() < 0.05 else store("UNLINK", key, other)
    elif way == 5:
        store.set_clock(NOW + choice.randrange(600) * 1000)
    elif way < 8:
        some_value(choice, store, key)
    else:
        store(*choice.choice(
            [
                ("SET", key, "new"), ("APPEND", key, "more"), ("INCR", key), ("SETRANGE", key, 3, "abc"), ("RENAME", key, other),
                ("COPY", key, other, "REPLACE"), ("MOVE", key, choice.randrange(DATABASES)), ("PERSIST", key), ("PEXPIRE", key, 300),
                ("LPUSH", key, element), ("RPOP", key), ("LREM", key, 0, "item"), ("SADD", key, element), ("SPOP", key),
                ("SUNIONSTORE", key, other, key), ("HSET", key, element, 1), ("HDEL", key, "field1"),
                ("HSETEX", key, "PX", 200, "FIELDS", 1, element, 1), ("HPERSIST", key, "FIELDS", 1, "field0"), ("HRANDFIELD", key),
                ("HGET", key, "field0"), ("ZADD", key, 1, element),
                ("ZPOPMIN", key), ("ZREMRANGEBYRANK", key, 0, 3), ("SORT", key, "ALPHA", "STORE", other), ("BITOP", "NOT", key, other),
                ("GETDEL", key), ("GETEX", key, "PX", 200), ("LMOVE", key, other, "LEFT", "RIGHT"), ("GET", key), ("LTRIM", key, 1, 5),
            ]
        ))  # fmt: skip


def saved(store: Store, walk: Walk, between: Callable[[], None], keys: int = 3) -> bytes:
    """The file of a walk with something done between each of its steps."""
    data = b""
    while not walk.finished:
        walk.step(20, keys)
        data += walk.take()
        between()
    data += walk.take()
    assert walk.written == walk.total
    walk.end()
    return data


class TestAtOneMoment:
    """The file holds the moment in which the save began."""

    @pytest.mark.parametrize("may_fork", [False, True])
    @pytest.mark.parametrize("seed", range(12))
    def test_whatever_is_changed(self, store: Store, tmp_path: Path, seed: int, may_fork: bool) -> None:
        choice = random.Random(seed)
        fill(choice, store)
        before = store("DEBUG", "DIGEST")
        walk = store.walk(tmp_path / "dump.rdb", may_fork)
        data = saved(store, walk, lambda: [change(choice, store) for _ in range(choice.choice([0, 1, 5, 30]))] and None)
        other = store.loaded(data)
        assert other("DEBUG", "DIGEST") == before
        other.close()
        # and the next one, with the marks that this one left; nothing expires any more
        store.set_clock(NOW)
        after = store("DEBUG", "DIGEST")
        other = store.loaded(saved(store, store.walk(tmp_path / "dump.rdb"), lambda: None, ALL))
        assert other("DEBUG", "DIGEST") == after
        other.close()

    def test_a_table_that_grows_and_shrinks(self, store: Store, tmp_path: Path) -> None:
        for i in range(2000):
            store("SET", f"key{i}", i)
        before = store("DEBUG", "DIGEST")
        walk = store.walk(tmp_path / "dump.rdb")
        steps = iter(range(10**9))

        def grow_then_shrink() -> None:
            step = next(steps)
            for i in range(300):
                store("SET", f"other{step}:{i}", i) if step < 100 else store("DEL", f"other{step - 100}:{i}", f"key{step - 100}")

        other = store.loaded(saved(store, walk, grow_then_shrink, 10))
        assert other("DEBUG", "DIGEST") == before
        other.close()

    @pytest.mark.parametrize(
        "value",
        [
            ("SET", "big", "x" * 5_000_000),
            ("RPUSH", "big", *("item" * 300 for _ in range(3000))),
            ("SADD", "big", *range(0, 70_000, 3), "text"),
            ("HSET", "big", *range(20_000)),
            ("ZADD", "big", *(n for i in range(9000) for n in (i % 100, f"m{i}"))),
        ],
        ids=lambda value: value[0],
    )
    @pytest.mark.parametrize("may_fork", [False, True])
    def test_a_value_that_changes_half_way(self, store: Store, tmp_path: Path, value: tuple[object, ...], may_fork: bool) -> None:
        store(*value)
        for i in range(100):
            store("SET", f"key{i}", i)
        for step in (1, 2, 5, 30):
            before = store("DEBUG", "DIGEST")
            steps = iter(range(10**9))

            def meddle(steps: Iterator[int] = steps, step: int = step) -> None:
                now = next(steps)
                store("SET", f"key{now % 100}", "changed")
                if now == step:
                    store("SETRANGE", "big", 0, str(now))
                    store("LSET", "big", 0, now)
                    store("SADD", "big", f"more{now}")
                    store("HSET", "big", f"more{now}", 1)
                    store("ZADD", "big", 1, f"more{now}")

            walk = store.walk(tmp_path / "dump.rdb", may_fork)
            data = b""
            while not walk.finished:
                walk.step(0, ALL)
                data += walk.take()
                meddle()
            assert (walk.child[0] > 0) == may_fork or step > 1
            walk.end()
            other = store.loaded(data)
            assert other("DEBUG", "DIGEST") == before
            other.close()

    def test_after_many_that_were_given_up(self, store: Store, tmp_path: Path) -> None:
        choice = random.Random(5)
        for i in range(300):
            store("SET", f"key{i}", i)
        for _ in range(40):
            walk = store.walk(tmp_path / "dump.rdb")
            for _ in range(choice.randrange(4)):
                walk.step(10, 10)
                store("SET", f"key{choice.randrange(300)}", choice.random())
            walk.end()
        before = store("DEBUG", "DIGEST")
        other = store.loaded(saved(store, store.walk(tmp_path / "dump.rdb"), lambda: store("SET", f"key{choice.randrange(300)}", "x")))
        assert other("DEBUG", "DIGEST") == before
        other.close()

    def test_marks_are_settled_between_saves(self, store: Store, tmp_path: Path) -> None:
        """Saves that were given up, and those that children went on with, leave marks that would have to be made anew at once some day."""
        core = host_of(store.engine).core
        for i in range(3000):
            store("SELECT", i % 2)
            store("SET", f"key{i}", i)
        given_up = 0
        while not walk_is_spent(core):
            walk = store.walk(tmp_path / "dump.rdb")
            walk.step(100_000, 10)
            settle(core, 1_000_000)
            walk.end()
            given_up += 1
        assert given_up > 10
        settle(core, 0)
        store("SWAPDB", 0, 1)
        store("SET", "new", 1)
        assert walk_is_spent(core)
        steps = 0
        while walk_is_spent(core):
            settle(core, 0)
            steps += 1
        assert steps > 20
        before = store("DEBUG", "DIGEST")
        other = store.loaded(saved(store, store.walk(tmp_path / "dump.rdb"), lambda: store("DEL", f"key{random.randrange(3000)}")))
        assert other("DEBUG", "DIGEST") == before
        other.close()

    def test_evicted_keys(self, tmp_path: Path) -> None:
        store = Store(maxmemory_policy="allkeys-random")
        for i in range(3000):
            store("SET", f"key{i}", "x" * 500)
        before = store("DEBUG", "DIGEST")
        walk = store.walk(tmp_path / "dump.rdb")
        walk.step(10, 1)
        store("CONFIG", "SET", "maxmemory", "1mb")
        store("SET", "one more", "x")
        assert store("DBSIZE") < 2500
        other = store.loaded(saved(store, walk, lambda: None))
        assert other("DEBUG", "DIGEST") == before
        other.close()
        store.close()

    def test_one_at_a_time(self, store: Store, tmp_path: Path) -> None:
        walk = store.walk(tmp_path / "dump.rdb")
        with pytest.raises(RuntimeError):
            store.walk(tmp_path / "dump.rdb")
        walk.end()
        walk.end()


def busy(client: RawClient) -> bool:
    """Whether something is saved in the background."""
    fields = client.info("persistence")
    return fields["rdb_bgsave_in_progress"] == "1" or fields.get("aof_rewrite_in_progress") == "1"


@contextlib.contextmanager
def served(start_server: StartServer, *args: str) -> Iterator[tuple[ServerProcess, RawClient]]:
    """A server that saves beside the traffic, and a connection to it."""
    server = start_server("--enable-debug-command", "yes", "--snapshot-method", "walk", *args)
    with server.client() as client:
        yield server, client


@contextlib.contextmanager
def real_redis(folder: Path) -> Iterator[RawClient]:
    """A connection to a Redis 8.2.3 that has loaded what is in the folder."""
    oracle = start_oracle(folder=folder)
    try:
        with oracle.client() as client:
            yield client
    finally:
        oracle.stop()


class TestHandedOver:
    """A child goes on with a walk when a value is about to change that is too large to be saved first."""

    @pytest.fixture
    def walk(self, store: Store, tmp_path: Path) -> Iterator[Walk]:
        """A save that a child goes on with, slowly."""
        store("ZADD", "big", *(n for i in range(9000) for n in (i, f"m{i}")))
        for i in range(200):
            store("SET", f"key{i}", i)
        walk = store.walk(tmp_path / "dump.rdb", True, 10_000)
        walk.step(0, 1)
        assert walk.child == (0, 0)
        store("ZADD", "big", 7, "more")
        assert walk.child[0] > 0 and walk.child[1] > 0
        yield walk
        walk.end()

    def test_nothing_is_saved_first_any_more(self, store: Store, walk: Walk) -> None:
        waiting = walk.waiting
        for i in range(200):
            store("SET", f"key{i}", "x" * 1000)
        store("FLUSHALL")
        assert walk.waiting == waiting

    def test_progress(self, walk: Walk) -> None:
        wait_until(lambda: walk.written > 3)
        assert walk.written < walk.total == 201

    def test_child_that_is_killed(self, walk: Walk) -> None:
        os.kill(walk.child[0], signal.SIGKILL)

        def fails() -> bool:
            try:
                walk.step(0, ALL)
            except OSError as error:
                return error.errno == errno.EIO
            return False

        wait_until(fails)
        assert not walk.finished

    def test_its_end_is_its_child_s(self, walk: Walk) -> None:
        child = walk.child[0]
        walk.end()
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)

    def test_another_may_begin_when_it_has_ended(self, store: Store, walk: Walk, tmp_path: Path) -> None:
        walk.end()
        before = store("DEBUG", "DIGEST")
        other = store.loaded(saved(store, store.walk(tmp_path / "dump.rdb"), lambda: store("DEL", "big")))
        assert other("DEBUG", "DIGEST") == before
        other.close()


class TestServer:
    """The same as a server does it."""

    def test_every_key_is_changed_meanwhile(self, start_server: StartServer) -> None:
        with served(start_server, "--save", "") as (server, client):
            client("DEBUG", "POPULATE", 30_000, "key", 100)
            client("ZADD", "z", *(word for i in range(3000) for word in (i, f"m{i}")))
            before = client("DEBUG", "DIGEST")
            assert client("BGSAVE") == Reply("+", b"Background saving started")
            for i in range(30_000):
                client.send("SET", f"key:{i}", i)
            for _ in range(30_000):
                client.read()
            client("DEL", "z")
            wait_until(lambda: not busy(client))
            fields = client.info("persistence")
            assert fields["rdb_last_bgsave_status"] == "ok" and fields["rdb_saves"] == "1"
            assert client("INFO", "stats").value.count(b"total_forks:0") == 1
            assert not list(server.folder.glob("temp-*"))
            subprocess.run([needs_program("redis-check-rdb"), str(server.folder / "dump.rdb")], check=True, capture_output=True)
            after = client("DEBUG", "DIGEST")
            assert before != after
            assert client("DEBUG", "RELOAD", "NOSAVE") == Reply("+", b"OK")
            assert client("DEBUG", "DIGEST") == before

    @pytest.fixture
    def changed_half_way(self, start_server: StartServer) -> Iterator[tuple[ServerProcess, RawClient, Reply]]:
        """A server whose child goes on with a save, slowly, a connection to it, and the digest of what it saves."""
        with served(start_server, "--save", "3600 100000", "--snapshot-method", "auto", "--rdb-key-save-delay", "2000") as (server, client):
            client("DEBUG", "POPULATE", 500)
            for part in range(10):
                client("ZADD", "large", *(word for i in range(5000) for word in (i, f"m{part}:{i}")))
            before = client("DEBUG", "DIGEST")
            client("BGSAVE")
            client("ZINCRBY", "large", 1, "m0:0")
            wait_until(lambda: client.info("stats")["total_forks"] == "1")
            yield server, client, before

    def test_a_large_value_that_changes(self, changed_half_way: tuple[ServerProcess, RawClient, Reply]) -> None:
        server, client, before = changed_half_way
        assert int(client.info("stats")["latest_fork_usec"]) > 0
        wait_until(lambda: client.info("persistence")["current_save_keys_processed"] not in ("0", "501"))
        client("ZINCRBY", "large", 1, "m0:1")
        wait_until(lambda: not busy(client))
        fields = client.info("persistence")
        assert fields["rdb_last_bgsave_status"] == "ok" and int(fields["rdb_last_cow_size"]) > 0
        assert "goes on with the save" in server.log()
        assert client("DEBUG", "RELOAD", "NOSAVE") == Reply("+", b"OK")
        assert client("DEBUG", "DIGEST") == before

    def test_its_child_is_killed(self, changed_half_way: tuple[ServerProcess, RawClient, Reply]) -> None:
        server, client, _ = changed_half_way
        found = re.search(r"process (\d+) goes on", server.log())
        assert found is not None
        os.kill(int(found[1]), signal.SIGKILL)
        wait_until(lambda: not busy(client))
        assert client.info("persistence")["rdb_last_bgsave_status"] == "err"
        assert not list(server.folder.glob("*.rdb"))

    def test_it_ends_with_its_save(self, changed_half_way: tuple[ServerProcess, RawClient, Reply]) -> None:
        server, client, _ = changed_half_way
        found = re.search(r"process (\d+) goes on", server.log())
        assert found is not None
        client("FLUSHALL")
        with pytest.raises(ProcessLookupError):
            os.kill(int(found[1]), 0)

    def test_what_it_refuses_and_what_ends_it(self, start_server: StartServer) -> None:
        with served(start_server, "--save", "") as (server, client):
            client("DEBUG", "POPULATE", 500)
            client("CONFIG", "SET", "rdb-key-save-delay", 100_000)
            client("BGSAVE")
            assert busy(client)
            assert client("BGSAVE") == Reply("-", b"ERR Background save already in progress")
            assert client("SAVE") == Reply("-", b"ERR Background save already in progress")
            wait_until(lambda: client.info("persistence")["current_save_keys_processed"] not in ("0", "500"))
            assert client.info("persistence")["current_save_keys_total"] == "500"
            client("FLUSHALL")
            assert not busy(client)
            wait_until(lambda: not list(server.folder.glob("temp-*")))
            assert not (server.folder / "dump.rdb").exists()

    def test_a_folder_that_is_gone(self, start_server: StartServer, tmp_path: Path) -> None:
        folder = tmp_path / "data"
        folder.mkdir()
        with served(start_server, "--save", "3600 100000", "--dir", str(folder)) as (_, client):
            client("SET", "a", 1)
            shutil.rmtree(folder)
            client("BGSAVE")
            wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
            assert client("SET", "a", 2).value.startswith(b"MISCONF ")
            folder.mkdir()
            client("BGSAVE")
            wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "ok")
            assert client("SET", "a", 2) == Reply("+", b"OK")

    def test_rewriting_the_log_under_writes(self, start_server: StartServer, tmp_path: Path) -> None:
        with served(start_server, "--save", "", "--appendonly", "yes", "--dir", str(tmp_path)) as (server, client):
            for round in range(3):
                client("DEBUG", "POPULATE", 5000, f"round{round}")
                client("BGREWRITEAOF")
                for i in range(3000):
                    client("INCR", f"counter{i % 100}")
                    client("DEL", f"round{round}:{i}")
                wait_until(lambda: not busy(client))
            assert client.info("persistence")["aof_last_bgrewrite_status"] == "ok" and client.info("persistence")["aof_rewrites"] == "3"
            digest = client("DEBUG", "DIGEST")
            wait_until_written(server)
            server.stop()
        with served(start_server, "--save", "", "--appendonly", "yes", "--dir", str(tmp_path)) as (_, client):
            assert client("DEBUG", "DIGEST") == digest

    def test_redis_loads_it(self, start_server: StartServer, tmp_path: Path) -> None:
        with served(start_server, "--save", "", "--dir", str(tmp_path)) as (_, client):
            client("RPUSH", "list", *("item" * 100 for _ in range(3000)))
            client("ZADD", "zset", *(word for i in range(3000) for word in (i, f"m{i}")))
            client("HSET", "hash", *range(4000))
            client("SADD", "set", *range(0, 70_000, 7), "text")
            client("SET", "string", "x" * 2_000_000)
            client("SELECT", 3)
            client("SET", "with", "expiry", "PX", 10**9)
            client("BGSAVE")
            client("SET", "with", "changed")
            client("SELECT", 0)
            client("RPUSH", "list", "changed")
            wait_until(lambda: not busy(client))
        with real_redis(tmp_path) as real:
            assert [real(*words).value for words in (("LLEN", "list"), ("ZCARD", "zset"), ("HLEN", "hash"), ("SCARD", "set"))] == [
                3000, 3000, 2000, 10_001,
            ]  # fmt: skip
            assert real("STRLEN", "string").value == 2_000_000
            real("SELECT", 3)
            assert real("GET", "with").value == b"expiry" and real("PTTL", "with").value > 0
