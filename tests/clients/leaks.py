"""Uses stores in process over and over, and looks whether memory, descriptors or threads grow: python -m tests.clients.leaks.

    python -m tests.clients.leaks --cycles 1000000
    python -m tests.clients.leaks --use "a day of polling" --cycles 345600

A cycle makes a client, writes, reads and closes. "A day of polling" is what a queue of tasks does that looks for work four times a second:
it waits for a stream, claims what others left, moves what is due from a sorted set by a script, and keeps heartbeats and results for a
while; time is moved by a clock of zippy.testing. What was used in the first part of the cycles is what they need; more is a leak.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import redis.asyncio

import zippy
from tests.waiting import wait_until
from zippy import testing
from zippy.inprocess.engine import host_of

COLLECT_EVERY = 32
WARM_UP = 5  # a fifth of the cycles comes before anything is measured
GROUP, STREAM, QUEUE = "workers", "tasks", "later"
POLL_MS = 250
MOVE_DUE = """
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 10)) do
    redis.call('ZREM', KEYS[1], id)
    redis.call('XADD', KEYS[2], '*', 'id', id)
end
"""


class Usage(NamedTuple):
    """What this process has."""

    resident: int  # bytes
    descriptors: int
    threads: int

    @classmethod
    def now(cls) -> Usage:
        """Once what nobody refers to is gone; stores in folders are closed by threads of their own."""
        gc.collect()
        wait_until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("zippy-")])
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
        return cls(resident, len(os.listdir("/proc/self/fd")), threading.active_count())


class Leak(NamedTuple):
    """What so many cycles left behind."""

    cycles: int
    before: Usage
    after: Usage

    @property
    def grown(self) -> int:
        """Bytes."""
        return self.after.resident - self.before.resident

    def __str__(self) -> str:
        return (
            f"cycles={self.cycles} grown_bytes={self.grown} bytes_a_cycle={self.grown / max(self.cycles, 1):.3f} "
            f"descriptors={self.before.descriptors}->{self.after.descriptors} threads={self.before.threads}->{self.after.threads}"
        )


def collect_at(n: int) -> None:
    """Has the collector come by at regular cycles: how many engines it finds at once is what most memory goes by."""
    if n % COLLECT_EVERY == 0:
        gc.collect()


def measured(cycles: int, use: Callable[[], object]) -> Leak:
    """Calls `use` so often."""
    first = max(cycles // WARM_UP, 1)
    for n in range(first):
        use()
        collect_at(n)
    before = Usage.now()
    for n in range(cycles - first):
        use()
        collect_at(n)
    return Leak(cycles - first, before, Usage.now())


async def measured_async(cycles: int, use: Callable[[], Coroutine[Any, Any, object]]) -> Leak:
    """Awaits `use` so often, in one loop."""
    first = max(cycles // WARM_UP, 1)
    for n in range(first):
        await use()
        collect_at(n)
    before = Usage.now()
    for n in range(cycles - first):
        await use()
        collect_at(n)
    return Leak(cycles - first, before, Usage.now())


# Opening and closing


def use_client(target: str | None) -> None:
    """One client's life."""
    with zippy.connect(target) as client:
        client.set("a", 1)
        assert client.get("a") == b"1"


async def use_client_async(target: str | None) -> None:
    """The same of asyncio's."""
    async with zippy.connect_async(target) as client:
        await client.set("a", 1)
        assert await client.get("a") == b"1"


def opening(target: str | None, cycles: int) -> Leak:
    """Stores that are opened and closed with their client."""
    return measured(cycles, lambda: use_client(target))


def opening_async(target: str | None, cycles: int) -> Leak:
    """The same with asyncio."""
    return asyncio.run(measured_async(cycles, lambda: use_client_async(target)))


def shared(cycles: int) -> Leak:
    """Clients of a store in memory that somebody else refers to."""
    with zippy.connect("mem://leaks"):
        return opening("mem://leaks", cycles)


def shared_async(cycles: int) -> Leak:
    """The same with asyncio."""
    with zippy.connect("mem://leaks"):
        return opening_async("mem://leaks", cycles)


def kept(use: Callable[[str, int], Leak], cycles: int) -> Leak:
    """Stores in a folder, each opened, written, saved and closed."""
    with tempfile.TemporaryDirectory() as folder:
        return use(f"file://{folder}?auto-aof-rewrite-min-size=64kb", cycles)


# Polling


class Polling:
    """A worker that looks for tasks, by a client of asyncio."""

    def __init__(self, engine: zippy.Engine, client: redis.asyncio.Redis, clock: testing.Clock) -> None:
        self.core = host_of(engine).core
        self.client = client
        self.clock = clock
        self.cycle = 0
        self.move_due = client.register_script(MOVE_DUE)

    async def begin(self) -> None:
        """Makes the stream and its group."""
        await self.client.xgroup_create(STREAM, GROUP, "$", mkstream=True)

    async def poll(self) -> None:
        """Looks once; whoever waits does so until time has moved, unless there was something."""
        self.cycle += 1
        name = f"worker-{self.cycle % 3}"
        waiting = asyncio.ensure_future(self.client.xreadgroup(GROUP, name, {STREAM: ">"}, count=10, block=POLL_MS))
        while self.core.seconds_to_deadline() is None and not waiting.done():  # noqa: ASYNC110  it gets there by itself
            await asyncio.sleep(0)
        self.clock.advance(POLL_MS / 1000)
        for _, entries in await waiting or ():
            for id, task in entries:
                await self.done(id, task)
        await self.client.xautoclaim(STREAM, GROUP, name, min_idle_time=60_000, count=10)
        now = self.cycle * POLL_MS
        await self.move_due([QUEUE, STREAM], [now])
        await self.client.zadd("heartbeats", {name: now})
        await self.client.set(f"alive:{name}", now, ex=5)
        if self.cycle % 4 == 0:
            await self.client.zadd(QUEUE, {f"task-{self.cycle}": now + 1000})
        if self.cycle % 400 == 0:
            await self.client.zremrangebyscore("heartbeats", "-inf", now - 60_000)
        if self.cycle % 1000 == 0:
            await self.give_up()

    async def done(self, id: bytes, task: dict[bytes, bytes]) -> None:
        """Does a task: its result is there for a quarter of an hour. One in fifty is left to others."""
        if self.cycle % 50:
            async with self.client.pipeline() as pipeline:
                pipeline.xack(STREAM, GROUP, id).xdel(STREAM, id)  # type: ignore[no-untyped-call]
                pipeline.set(b"result:" + task[b"id"], b"x" * 100, ex=900)
                await pipeline.execute()

    async def give_up(self) -> None:
        """Lets somebody wait who does not wait to the end."""
        waiting = asyncio.ensure_future(self.client.blpop(["nothing"], timeout=0))
        await asyncio.sleep(0)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        # what was claimed again and again is done in the end
        for entry in await self.client.xpending_range(STREAM, GROUP, "-", "+", 100):
            await self.client.xack(STREAM, GROUP, entry["message_id"])
            await self.client.xdel(STREAM, entry["message_id"])


async def poll(cycles: int) -> Leak:
    """So many looks for tasks; none of what they leave behind stays."""
    with testing.Clock() as clock:
        engine = zippy.Engine()
        async with zippy.connect_async(engine) as client:
            polling = Polling(engine, client, clock)
            await polling.begin()
            found = await measured_async(cycles, polling.poll)
            assert (await client.info("clients"))["blocked_clients"] == 0
            clock.advance(3600)
            left = {key.decode() for key in await client.keys("*")}
            assert left <= {STREAM, QUEUE, "heartbeats"}, left
        engine.close()
    return found


USES: dict[str, tuple[Callable[[int], Leak], int]] = {  # and how many of a hundred cycles each has
    "connect()": (lambda cycles: opening(None, cycles), 100),
    "connect_async()": (lambda cycles: opening_async(None, cycles), 100),
    "mem://": (shared, 100),
    "mem:// async": (shared_async, 100),
    "file://": (lambda cycles: kept(opening, cycles), 2),
    "file:// async": (lambda cycles: kept(opening_async, cycles), 2),
    "a day of polling": (lambda cycles: asyncio.run(poll(cycles)), 35),
}


@contextlib.contextmanager
def timed(name: str) -> Iterator[None]:
    """Says what begins and how long it took."""
    print(f"{name}: ", end="", flush=True)
    began = time.monotonic()
    yield
    print(f" {time.monotonic() - began:.0f} s", flush=True)


def main() -> int:
    """The command line."""
    gc.freeze()  # modules and their functions, which the collector need not look at each time
    parser = argparse.ArgumentParser(prog="python -m tests.clients.leaks", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cycles", type=int, default=1_000_000)
    parser.add_argument("--use", choices=sorted(USES), action="append", help="may be given again; default: all")
    options = parser.parse_args()
    grown = 0
    for name in options.use or USES:
        use, share = USES[name]
        cycles = options.cycles if options.use else options.cycles * share // 100
        with timed(name):
            found = use(cycles)
            print(found, end="")
        grown = max(grown, found.grown)
    return 1 if grown > 4 << 20 else 0


if __name__ == "__main__":
    sys.exit(main())
