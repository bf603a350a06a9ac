"""Threads, tasks, loops and forked processes that share an engine in process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

import zippy
from tests.waiting import blocked, until
from zippy.inprocess.engine import host_of

Client = redis.asyncio.Redis


@pytest.fixture
def engine() -> Iterator[zippy.Engine]:
    """An engine, closed with the test."""
    with zippy.Engine() as engine:
        yield engine


BLOCKING: dict[str, Callable[[Client], Awaitable[Any]]] = {
    "BLPOP": lambda client: client.blpop(["list"], timeout=0),
    "BRPOP": lambda client: client.brpop(["list"], timeout=20),
    "BLMOVE": lambda client: client.blmove("list", "other", timeout=0),
    "BLMPOP": lambda client: client.blmpop(0, 1, "list", direction="LEFT"),
    "BZPOPMIN": lambda client: client.bzpopmin(["zset"], timeout=0),
    "BZMPOP": lambda client: client.bzmpop(0, 1, ["zset"], min=True),
    "XREAD": lambda client: client.xread({"stream": "$"}, block=0),
    "XREADGROUP": lambda client: client.xreadgroup("group", "me", {"stream": ">"}, block=0),
}


async def write(client: Client) -> None:
    """Brings what each of the blocking commands waits for."""
    await client.rpush("list", "item")
    await client.zadd("zset", {"member": 1})
    await client.xadd("stream", {"field": "value"})


class TestTasks:
    """asyncio."""

    @pytest.mark.parametrize("name", BLOCKING)
    def test_waiting_keeps_nobody_waiting(self, engine: zippy.Engine, name: str) -> None:
        """While one task waits, others have their turns; what it waits for reaches it."""

        async def run() -> None:
            async with zippy.connect_async(engine, socket_timeout=None) as client:
                await client.xgroup_create("stream", "group", "$", mkstream=True)
                waiting = asyncio.ensure_future(BLOCKING[name](client))
                await until(lambda: blocked(engine) == 1)
                await asyncio.gather(*(client.incr("n") for _ in range(50)))
                assert await client.get("n") == b"50"
                assert not waiting.done()
                await write(client)
                assert await asyncio.wait_for(waiting, 10)

        asyncio.run(run())

    @pytest.mark.parametrize("single", [False, True])
    @pytest.mark.parametrize("name", BLOCKING)
    def test_cancelled(self, engine: zippy.Engine, name: str, single: bool) -> None:
        """Who is cancelled waits no more: nobody is blocked, and what comes next is not taken by a ghost."""

        async def run() -> None:
            async with (
                zippy.connect_async(engine) as other,
                zippy.connect_async(engine, single_connection_client=single, socket_timeout=None) as client,
            ):
                await client.xgroup_create("stream", "group", "$", mkstream=True)
                for end in ("cancel", "timeout"):
                    waiting = asyncio.ensure_future(BLOCKING[name](client))
                    await until(lambda: blocked(engine) == 1)
                    if end == "cancel":
                        waiting.cancel()
                        with pytest.raises(asyncio.CancelledError):
                            await waiting
                    else:
                        with pytest.raises(asyncio.TimeoutError):
                            await asyncio.wait_for(waiting, 0.001)
                    assert blocked(engine) == 0
                await write(other)
                assert [await other.llen("list"), await other.zcard("zset"), await other.xlen("stream")] == [1, 1, 1]
                assert (await other.xpending("stream", "group"))["pending"] == 0
                # and the client goes on
                assert await client.llen("list") == 1

        asyncio.run(run())

    def test_cancelled_as_it_was_answered(self, engine: zippy.Engine) -> None:
        """What comes for a connection that was left is nobody's, and no error."""
        errors: list[dict[str, Any]] = []

        async def run() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: errors.append(context))
            async with zippy.connect_async(engine) as client:
                waiting = asyncio.ensure_future(client.blpop(["list"], 0))
                await until(lambda: blocked(engine) == 1)
                waiting.cancel()
                engine.execute("RPUSH", "list", "x")
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                assert await client.ping()

        asyncio.run(run())
        assert errors == []

    @pytest.mark.parametrize("made", ["connect_async", "patch"])
    def test_in_one_loop_after_the_other(self, engine: zippy.Engine, made: str) -> None:
        """A client outlives its loop, and goes on in the next one; so do clients of fakeredis."""

        async def use(client: redis.asyncio.Redis) -> None:
            await client.set("a", "x")
            with pytest.raises(redis.ResponseError):
                await client.lpush("a", 1)
            assert await client.pipeline().get("a").execute() == [b"x"]
            assert await client.blpop(["list"], 0.001) is None
            waiting = asyncio.ensure_future(client.blpop(["list"], 0))
            await until(lambda: blocked(engine) == 1)
            await client.rpush("list", "y")
            assert tuple(await waiting) == (b"list", b"y")

        with zippy.testing.patch(engine):
            client = zippy.connect_async(engine) if made == "connect_async" else redis.asyncio.Redis()
            looking = zippy.connect(engine)
            counts = []
            for _ in range(3):
                asyncio.run(use(client))
                counts.append(len(looking.client_list()))
            with ThreadPoolExecutor() as pool:
                pool.submit(asyncio.run, use(client)).result(10)
            # of what loops have left that have ended nothing is added up
            assert counts == [counts[0]] * 3 and len(looking.client_list()) == counts[0]
            asyncio.run(client.aclose())

    def test_many_are_cancelled(self, engine: zippy.Engine) -> None:
        """Nothing is left of eighty that waited, in the engine or in the pool."""

        async def run() -> None:
            assert blocked(engine) == 0
            before = set(host_of(engine).core.sessions)  # that of Engine.execute
            async with zippy.connect_async(engine) as client:
                waiting = [asyncio.ensure_future(client.blpop(["list"], timeout=0)) for _ in range(80)]
                await until(lambda: blocked(engine) == 80)
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)
                assert blocked(engine) == 0
                await client.rpush("list", *range(80))
                assert await client.llen("list") == 80
            assert len(host_of(engine).core.sessions.keys() - before) <= 1

        asyncio.run(run())

    def test_a_loop_that_ends_with_waiting_tasks(self, engine: zippy.Engine) -> None:
        """asyncio.run cancels what is left."""

        async def run() -> None:
            client = zippy.connect_async(engine)
            task = asyncio.ensure_future(client.blpop(["list"], timeout=0))
            await until(lambda: blocked(engine) == 1)
            assert not task.done()

        asyncio.run(run())
        assert blocked(engine) == 0
        assert engine.execute("RPUSH", "list", "item") == 1
        assert engine.execute("LLEN", "list") == 1


class TestLoops:
    """Several event loops at once, each in a thread of its own."""

    def test_a_ring(self, engine: zippy.Engine) -> None:
        """Four loops hand a token round, each waiting for the one before."""

        async def member(place: int) -> int:
            async with zippy.connect_async(engine) as client:
                for _ in range(100):
                    _, token = await client.blpop([f"to:{place}"], timeout=20)
                    await client.rpush(f"to:{(place + 1) % 4}", int(token) + 1)
            return place

        with ThreadPoolExecutor(4) as pool:
            running = [pool.submit(lambda place=place: asyncio.run(member(place))) for place in range(4)]
            engine.execute("RPUSH", "to:0", 0)
            assert [done.result(60) for done in running] == [0, 1, 2, 3]
        assert engine.execute("LRANGE", "to:0", 0, -1) == [b"400"]

    def test_channels(self, engine: zippy.Engine) -> None:
        """A message reaches the listeners of all loops."""

        async def listen() -> bytes:
            async with zippy.connect_async(engine) as client, client.pubsub() as pubsub:
                await pubsub.subscribe("news")
                while True:
                    message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=20)
                    if message is not None:
                        return bytes(message["data"])

        with ThreadPoolExecutor(3) as pool:
            running = [pool.submit(lambda: asyncio.run(listen())) for _ in range(3)]
            client = zippy.connect(engine)
            asyncio.run(until(lambda: client.pubsub_numsub("news")[0][1] == 3))
            assert client.publish("news", "all") == 3
            assert [done.result(60) for done in running] == [b"all"] * 3


class TestThreads:
    """Threads that share one client."""

    def test_all_at_once(self, engine: zippy.Engine) -> None:
        """One client: some threads wait, some write, in pipelines, scripts and transactions; nothing is lost or mixed up."""
        client = zippy.connect(engine)
        add = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")

        def push(first: int) -> None:
            for i in range(first, 300, 3):
                client.rpush("queue", i)
                client.pipeline().incr("pairs").incr("pairs").execute()
                add(["added"], [i])
                assert client.echo(f"{first}:{i}") == f"{first}:{i}".encode()

        def pop(_: int) -> list[int]:
            return [int(client.blpop(["queue"], timeout=20)[1]) for _ in range(100)]

        with ThreadPoolExecutor(6) as pool:
            popping = pool.map(pop, range(3))
            list(pool.map(push, range(3)))
            assert sorted(number for numbers in popping for number in numbers) == list(range(300))
        assert client.mget("pairs", "added") == [b"600", str(sum(range(300))).encode()]
        assert blocked(engine) == 0


FORKING = """
import gc, os, subprocess, sys, zippy
folder = sys.argv[1]
engine = zippy.Engine(folder, appendfsync="always", save="3600 1")
client = zippy.connect(engine)
client.set("a", 1)

def files():
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(at, name), "rb") as file:
                found[os.path.join(at, name)] = file.read()
    return found

before = files()
parent = os.getpid()
pid = os.fork()
if pid == 0:
    for use in (lambda: engine.execute("SET", "a", 2), lambda: client.set("a", 2), lambda: zippy.connect(engine).get("a")):
        try:
            use()
        except RuntimeError as error:
            print(error)
    try:
        zippy.Engine(folder)
    except zippy.FolderInUse as error:
        print("in use by the parent:", error.pid == parent)
    engine.close()
    del engine, client
    gc.collect()
    # with all that is done at an exit
    sys.exit()
assert os.waitpid(pid, 0)[1] == 0
assert files() == before
other = subprocess.run([sys.executable, "-c", "import sys, zippy; zippy.Engine(sys.argv[1])", folder], capture_output=True, text=True)
assert "FolderInUse" in other.stderr, other.stderr
client.set("b", 2)
engine.close()
with zippy.Engine(folder) as engine:
    print(engine.execute("MGET", "a", "b"))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forked_with_a_folder(tmp_path: Path) -> None:
    """The child is told that the store stayed with its parent, and neither writes to the folder nor gives it back."""
    command = [sys.executable, "-c", FORKING, str(tmp_path / "data")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    *told, in_use, values = ran.stdout.splitlines()
    assert len(told) == 3
    for line in told:
        assert line.startswith("this zippy.Engine was made before the process forked, and stayed with its parent")
        assert str(tmp_path / "data") in line
    assert in_use == "in use by the parent: True"
    assert values == "[b'1', b'2']"
