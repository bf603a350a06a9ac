"""Clients of a cluster that write all the time, each a process: redis-py's here, Node's in life.mjs.

    python -m tests.cluster.life sync PORT

A client writes rising numbers to its keys, one write after the other. Each line on its input is answered by one line of JSON: "how"
by `writes`, how many it has tried, and `errors`, the texts of those that failed since the last check; "check" by the same and `wrong`, keys
that hold neither what was acknowledged last nor a later number whose write failed. It ends when its input does.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import redis.asyncio
import redis.asyncio.cluster
import redis.cluster

from tests.clients.install import cache_folder
from tests.clients.needs import needs_folder
from tests.needs import needs_program
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]  # of what `tests` is imported from
NAMES = ("sync", "asyncio", "ioredis", "node-redis")
KEYS = 300


class Life:
    """One client's."""

    def __init__(self, name: str, set_: Callable[[str, int], Awaitable[Any]], get: Callable[[str], Awaitable[Any]]) -> None:
        self.name = name
        self.set = set_
        self.get = get
        self.sure: dict[str, int] = {}
        self.unsure: dict[str, list[int]] = {}
        self.errors: list[str] = []
        self.writes = 0

    async def write(self) -> None:
        """Writes once."""
        key = f"{self.name}:{self.writes % KEYS}"
        self.writes += 1
        number = self.writes
        try:
            await self.set(key, number)
            self.sure[key] = number
        except redis.RedisError as error:
            self.unsure.setdefault(key, []).append(number)
            self.errors.append(f"{type(error).__name__} {error}")
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.001)

    async def check(self) -> dict[str, Any]:
        """Holds what is there against what was written."""
        wrong = []
        for key, number in self.sure.items():
            found = int(await self.get(key) or 0)
            if found != number and not (found > number and found in self.unsure.get(key, [])):
                wrong.append((key, number, found))
        told = {"writes": self.writes, "errors": self.errors, "wrong": wrong}
        self.errors = []
        return told

    async def run(self) -> None:
        """Lives until the input ends."""
        loop = asyncio.get_running_loop()
        line = loop.run_in_executor(None, sys.stdin.readline)
        while True:
            await self.write()
            if line.done():
                word = line.result().strip()
                if not word:
                    return
                told = await self.check() if word == "check" else {"writes": self.writes, "errors": self.errors}
                print(json.dumps(told), flush=True)
                line = loop.run_in_executor(None, sys.stdin.readline)


async def main(name: str, port: int) -> None:
    """The program."""
    if name == "sync":
        client = redis.cluster.RedisCluster(host="127.0.0.1", port=port, socket_timeout=10)

        async def set_(key: str, number: int) -> Any:
            return client.set(key, number)

        async def get(key: str) -> Any:
            return client.get(key)

        await Life(name, set_, get).run()
        client.close()
        return
    other = redis.asyncio.cluster.RedisCluster(host="127.0.0.1", port=port, socket_timeout=10)
    await Life(name, other.set, other.get).run()
    await other.aclose()


class Client:
    """A client's process."""

    def __init__(self, name: str, port: int) -> None:
        command = [sys.executable, "-m", "tests.cluster.life"]
        if name not in ("sync", "asyncio"):
            needs_folder("node_modules")
            command = [needs_program("node"), str(Path(__file__).with_name("life.mjs"))]
        environment = {**os.environ, "ZIPPY_CLIENTS": str(cache_folder())}
        self.name = name
        self.process = subprocess.Popen(
            [*command, name, str(port)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, bufsize=1
        )

    def ask(self, word: str) -> dict[str, Any]:
        """What it answers."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{word}\n")
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        return told

    def more(self, writes: int) -> None:
        """Waits until so many more writes have been acknowledged."""

        def succeeded() -> int:
            told = self.ask("how")
            return int(told["writes"]) - len(told["errors"])

        enough = succeeded() + writes
        wait_until(lambda: succeeded() >= enough, 120)

    def __enter__(self) -> Client:
        """Begins."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Ends it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
