"""What only the engine in process has: several engines, threads, forks, ends."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio

import zippy
from zippy.inprocess.engine import host_of
from zippy.inprocess.sync import LocalSocket


@pytest.fixture
def engine() -> Iterator[zippy.Engine]:
    """An engine, closed with the test."""
    with zippy.Engine() as engine:
        yield engine


@pytest.fixture
def switching_often() -> Iterator[None]:
    """Threads take turns as often as the interpreter lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def wait_until_blocked(r: redis.Redis, count: int) -> None:
    """Waits until so many clients are blocked."""
    deadline = time.monotonic() + 10
    while r.info("clients")["blocked_clients"] != count:
        assert time.monotonic() < deadline, "they never blocked"
        time.sleep(0.002)


def in_child(work: Callable[[], str]) -> str:
    """What work() gives in a forked child, "Error: text" when it raises."""
    reader, writer = multiprocessing.Pipe(duplex=False)
    pid = os.fork()
    if pid == 0:
        try:
            writer.send(work())
        except BaseException as error:  # the child has to end here, whatever happens
            writer.send(f"{type(error).__name__}: {error}")
        os._exit(0)
    assert reader.poll(20), "the child hangs"
    os.waitpid(pid, 0)
    return str(reader.recv())


class TestEngines:
    """One engine or several."""

    def test_shared(self, engine: zippy.Engine) -> None:
        """Clients of one engine see the same keys, blocking or not."""
        zippy.connect(engine).set("a", 1)

        async def get() -> bytes:
            async with zippy.connect_async(engine) as client:
                return await client.get("a")

        assert asyncio.run(get()) == b"1"

    def test_one_connection_of_its_own(self, engine: zippy.Engine) -> None:
        with zippy.connect(engine, single_connection_client=True) as r:
            assert [r.client_id() for _ in range(3)] == [r.client_id()] * 3
            with zippy.connect(engine) as other:
                assert len(other.client_list()) == 2
            r.set("a", 1)
            assert r.get("a") == b"1"

    def test_one_connection_of_its_own_async(self, engine: zippy.Engine) -> None:
        async def ask() -> None:
            async with zippy.connect_async(engine, single_connection_client=True) as r:
                assert await asyncio.gather(*(r.client_id() for _ in range(3))) == [await r.client_id()] * 3
                await r.set("a", 1)
                assert await r.get("a") == b"1"

        asyncio.run(ask())

    def test_apart(self) -> None:
        """Engines know nothing of each other, and differ in settings."""
        first, second = zippy.connect(zippy.Engine(maxmemory="50mb", databases=2)), zippy.connect()
        first.set("a", 1)
        assert second.get("a") is None
        assert first.config_get("maxmemory", "databases") == {"maxmemory": str(50 << 20), "databases": "2"}
        assert second.config_get("maxmemory") == {"maxmemory": "0"}

    def test_memory_is_counted_apart(self, switching_often: None) -> None:
        """What one engine does in a thread is not charged to the other one's account."""
        engines = [zippy.Engine() for _ in range(3)]

        def used(engine: zippy.Engine) -> int:
            client = zippy.connect(engine)
            client.flushall()
            client.connection_pool.disconnect()
            return int(zippy.connect(engine).info("memory")["used_memory"])

        def work(engine: zippy.Engine) -> None:
            client, other = zippy.connect(engine), zippy.connect(engine)
            pubsub = other.pubsub(ignore_subscribe_messages=True)
            pubsub.subscribe("news")
            for i in range(300):
                client.rpush("l", "x" * i)
                client.publish("news", "y" * i)
                client.mget(*range(i % 20 + 1))
                client.config_get("maxmemory")
            pubsub.close()
            for each in (client, other):
                each.connection_pool.disconnect()

        for engine in engines:
            work(engine)
        before = [used(engine) for engine in engines]
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(work, engines))
        assert [abs(used(engine) - was) < 4096 for engine, was in zip(engines, before, strict=True)] == [True] * 3

    def test_freed_during_another_ones_command(self, engine: zippy.Engine) -> None:
        """The collector may free an engine while another one writes a reply: that goes on being charged to its own account."""
        client = zippy.connect(engine)
        others = [zippy.connect()]
        others[0].set("a", 1)

        class Collecting(set[int]):
            def __iter__(self) -> Iterator[int]:
                others.clear()
                gc.collect()
                return super().__iter__()

        host_of(engine).core.bind("lolwut", lambda session, args: Collecting(range(100_000)))
        client.ping()
        before = client.info("memory")["used_memory"]
        assert len(client.execute_command("LOLWUT")) == 100_000
        assert abs(client.info("memory")["used_memory"] - before) < 100_000

    @pytest.mark.parametrize(("name", "value"), [("no_such", 1), ("maxmemory", "much"), ("databases", 0)])
    def test_wrong_setting(self, name: str, value: str | int) -> None:
        """A name or value that there is none of is refused, the message names it."""
        with pytest.raises(ValueError, match=name):
            zippy.Engine(**{name: value})

    @pytest.mark.parametrize(
        ("name", "value"),
        [("appendonly", True), ("dir", "/tmp"), ("save", "60 1"), ("dbfilename", "x.rdb"), ("port", 6380), ("unixsocket", "/tmp/s")],
    )
    def test_setting_of_a_server(self, name: str, value: str | int) -> None:
        """What an engine in process cannot keep its word on is refused, the value that it has anyway is not."""
        with pytest.raises(ValueError, match=f"{name}=.*zippy-server"):
            zippy.Engine(**{name: value})
        client = zippy.connect(zippy.Engine(enable_protected_configs="yes", save="", appendonly="no"))
        if name not in ("unixsocket",):
            with pytest.raises(redis.ResponseError, match=f"'{name}'.*zippy-server"):
                client.config_set(name, "yes" if value is True else value)
        kept = client.config_get(name)
        assert kept[name] != ("yes" if value is True else str(value))

    @pytest.mark.parametrize("name", ["huge_pages", "disable_thp"])
    def test_setting_of_a_process(self, name: str) -> None:
        """The caller's process is not the engine's to set up."""
        with pytest.raises(ValueError, match="zippy-server"):
            zippy.Engine(**{name: False})
        client = zippy.connect(zippy.Engine(**{name: True}))
        with pytest.raises(redis.ResponseError, match=r"zippy-server|immutable"):
            client.config_set(name.replace("_", "-"), "no")

    @pytest.mark.parametrize("command", ["SAVE", "BGSAVE", "LASTSAVE", "BGREWRITEAOF", "WAITAOF 0 0 0"])
    def test_commands_of_files(self, engine: zippy.Engine, command: str) -> None:
        """They say why they cannot be."""
        with pytest.raises(redis.ResponseError, match=r"an engine in process without a folder keeps no files; .* zippy-server do"):
            zippy.connect(engine).execute_command(*command.split())

    def test_what_is_shown(self, engine: zippy.Engine) -> None:
        """Names that are not for users are not offered to them."""
        shown = {name for name in dir(zippy) if not name.startswith("__")}
        errors = {"FolderError", "FolderInUse", "ReplyError"}
        assert shown == errors | {"Engine", "connect", "connect_async", "function", "serve", "serve_async", "testing"}
        shown = {name for name in dir(engine) if not name.startswith("_")}
        assert shown == {"close", "execute", "execute_many", "lock", "restore", "snapshot"}

    def test_truth_values(self) -> None:
        """True is yes."""
        client = zippy.connect(zippy.Engine(lazyfree_lazy_user_del=True, activerehashing=False))
        wanted = {"lazyfree-lazy-user-del": "yes", "activerehashing": "no"}
        assert client.config_get(*wanted) == wanted

    def test_memory_comes_back(self) -> None:
        """An engine that nobody refers to is freed, with a megabyte in it and a connection to it."""
        client = zippy.connect()
        client.set("a", "x" * 1_000_000)
        engine = weakref.ref(client.connection_pool.connection_kwargs["engine"])
        del client
        gc.collect()
        assert engine() is None

    def test_no_growth(self) -> None:
        """A hundred engines, one after the other, leave no Python object behind."""

        def use() -> None:
            with zippy.Engine() as engine, zippy.connect(engine) as client:
                client.rpush("l", *range(100))
                client.pipeline().set("a", 1).get("a").execute()

        for _ in range(5):
            use()
        gc.collect()
        before = len(gc.get_objects())
        for _ in range(100):
            use()
        gc.collect()
        assert len(gc.get_objects()) - before < 50

    @pytest.mark.parametrize("given", [None, 0.5])
    def test_waits_for_as_long_as_it_takes(self, engine: zippy.Engine, given: float | None) -> None:
        """No timeout but the caller's own ends a command that blocks."""
        options = {} if given is None else {"socket_timeout": given}
        for client in (zippy.connect(engine, **options), zippy.connect_async(engine, **options)):
            pool: Any = client.connection_pool
            assert pool.make_connection().socket_timeout == given

    def test_flush_tells_before_it_is_answered(self, engine: zippy.Engine) -> None:
        """FLUSHALL's client that tracks keys hears of it before OK, as in a server, although nothing is left to be freed later."""
        sock = LocalSocket(engine)
        sock.sendall(b"HELLO 3\r\nCLIENT TRACKING ON\r\nGET a\r\n")
        sock.recv(1 << 20)
        sock.sendall(b"FLUSHALL\r\n")
        assert sock.recv(1 << 20) == b">2\r\n$10\r\ninvalidate\r\n_\r\n+OK\r\n"
        sock.close()


class TestDriver:
    """What connections say of redis-py."""

    def test_metadata_is_read_once(self, engine: zippy.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        zippy.connect(engine).ping()
        read: list[str] = []
        monkeypatch.setattr("importlib.metadata.version", read.append)

        async def ask() -> dict[str, Any]:
            async with zippy.connect_async(engine, decode_responses=True) as r:
                return await r.client_info()

        for info in (zippy.connect(engine, decode_responses=True).client_info(), asyncio.run(ask())):
            assert (info["lib-name"], info["lib-ver"]) == ("redis-py", redis.__version__)
        assert not read

    def test_what_is_given_is_said(self, engine: zippy.Engine) -> None:
        """By this client, and no other."""
        made = pytest.importorskip("redis.driver_info").DriverInfo(lib_version="1").add_upstream_driver("mine", "2")
        for given, said in (({"driver_info": made}, ("redis-py(mine_v2)", "1")), ({}, ("redis-py", redis.__version__))):
            info = zippy.connect(engine, decode_responses=True, **given).client_info()
            assert (info["lib-name"], info["lib-ver"]) == said

    def test_each_has_its_own(self, engine: zippy.Engine) -> None:
        """Drivers above redis-py add their names to it."""
        pytest.importorskip("redis.driver_info")
        first, second = (zippy.connect(engine).connection_pool.get_connection() for _ in range(2))
        assert first.driver_info is not second.driver_info


class TestThreads:
    """Threads that share one engine."""

    def test_counting(self, engine: zippy.Engine, switching_often: None) -> None:
        """One client, eight threads, commands and transactions."""
        client = zippy.connect(engine)

        def work(_: int) -> None:
            for _ in range(100):
                client.incr("n")
                client.pipeline().incr("m").incr("m").execute()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        assert client.mget("n", "m") == [b"800", b"1600"]

    def test_queue(self, engine: zippy.Engine, switching_often: None) -> None:
        """Four threads wait for what four others push: all arrives once."""

        def push(first: int) -> None:
            client = zippy.connect(engine)
            for i in range(first, 400, 4):
                client.rpush("queue", i)

        def pop(_: int) -> list[int]:
            client = zippy.connect(engine)
            return [int(client.blpop("queue", timeout=20)[1]) for _ in range(100)]

        with ThreadPoolExecutor(8) as pool:
            popping = pool.map(pop, range(4))
            list(pool.map(push, range(4)))
            assert sorted(number for numbers in popping for number in numbers) == list(range(400))

    def test_async_and_threads(self, engine: zippy.Engine) -> None:
        """A coroutine waits for what a thread pushes."""

        async def wait() -> Any:
            async with zippy.connect_async(engine) as client:
                waiting = asyncio.ensure_future(client.blpop("queue", timeout=20))
                client_of_thread = zippy.connect(engine)
                await asyncio.to_thread(wait_until_blocked, client_of_thread, 1)
                await asyncio.to_thread(client_of_thread.rpush, "queue", "job")
                return tuple(await waiting)

        assert asyncio.run(wait()) == (b"queue", b"job")


class TestEnds:
    """Closing, and what remains of it."""

    def test_closed(self, engine: zippy.Engine) -> None:
        """After close() every client gets a ConnectionError that says so."""
        client = zippy.connect(engine)
        client.ping()
        engine.close()
        engine.close()
        for again in (client, zippy.connect(engine)):
            with pytest.raises(redis.ConnectionError, match="engine is closed"):
                again.ping()

    def test_closed_while_waiting(self, engine: zippy.Engine) -> None:
        """Those who wait don't wait for ever."""
        errors: list[Exception] = []

        def wait() -> None:
            try:
                zippy.connect(engine).blpop("queue", timeout=0)
            except redis.ConnectionError as error:
                errors.append(error)

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        wait_until_blocked(zippy.connect(engine), 1)
        engine.close()
        thread.join(10)
        assert len(errors) == 1

    def test_loop_is_gone(self, engine: zippy.Engine) -> None:
        """A listener whose loop has ended without a goodbye does not trouble the others."""

        async def subscribe() -> Any:
            pubsub = zippy.connect_async(engine).pubsub()
            await pubsub.subscribe("news")
            await pubsub.get_message(timeout=10)
            return pubsub

        left = asyncio.run(subscribe())
        client = zippy.connect(engine)
        assert client.publish("news", "first") == 1
        assert client.publish("news", "second") == 0
        assert len(client.client_list()) == 1
        assert left is not None

    def test_engine_ends_after_loop(self, engine: zippy.Engine) -> None:
        """The engine may be closed when the loop of a client has ended."""

        async def connect() -> Any:
            client = zippy.connect_async(engine)
            await client.ping()
            return client

        left = asyncio.run(connect())
        engine.close()
        assert left is not None

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    def test_fork(self, engine: zippy.Engine) -> None:
        """A child may not use its parent's engine and is told so; one of its own works, and the parent's goes on."""
        client = zippy.connect(engine)
        client.set("a", 1)
        assert "made before the process forked" in in_child(lambda: str(client.get("a")))
        assert in_child(lambda: str(client.close()) + str(engine.close())) == "NoneNone"
        assert in_child(lambda: str(zippy.connect().set("a", 1))) == "True"
        with engine.lock:
            # as if another thread had been in a command while this one forked
            assert "made before the process forked" in in_child(lambda: str(zippy.connect(engine).get("a")))
        assert client.get("a") == b"1"

    def test_without_redis_py(self, tmp_path: Path) -> None:
        """Without redis-py there is an engine's name and a word on what to install."""
        (tmp_path / "redis.py").write_text("raise ModuleNotFoundError('no redis here', name='redis')\n")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(zippy.__file__).parents[1])])}
        for name in ("connect", "connect_async"):
            command = [sys.executable, "-c", f"import zippy; zippy.{name}()"]
            run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=30)
            assert "pip install 'zippy[redis]'" in run.stderr.splitlines()[-1]
