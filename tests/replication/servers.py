"""Servers of several kinds for tests of replication, and what they hold."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis

from tests import servers
from tests.servers import ServerProcess
from tests.waiting import wait_until

ZIPPY, REDIS, OLD = "zippy", "redis8", "redis7"
QUICK = ("--repl-diskless-sync-delay", "0", "--repl-timeout", "20")

Start = Callable[..., "Node"]
"""start(kind, *arguments): a server of this kind, ended with the test."""


def has(kind: str) -> bool:
    """Whether this machine has a server of the kind."""
    return kind == ZIPPY or (servers.oracle_program() is not None if kind == REDIS else shutil.which("redis-server") is not None)


class Node:
    """One server."""

    def __init__(self, kind: str, folder: Path, *arguments: str) -> None:
        self.kind = kind
        if kind == ZIPPY:
            self.process: ServerProcess = servers.start_server(*QUICK, *arguments, folder=folder)
        else:
            program = Path(shutil.which("redis-server") or "") if kind == OLD else None
            self.process = servers.start_oracle(*QUICK, *arguments, folder=folder, program=program)
        self.port = self.process.port
        self.client = self.connect()

    def connect(self, db: int = 0) -> redis.Redis:
        """A client."""
        return redis.Redis(port=self.port, db=db, socket_timeout=20)

    def __call__(self, *words: Any) -> Any:
        """A command's reply."""
        return self.client.execute_command(*words)

    def info(self, section: str = "replication") -> dict[str, Any]:
        """A section of INFO."""
        return dict(self.client.info(section))

    def follow(self, primary: Node | int) -> None:
        """Follows a server, or what is at this port."""
        self("REPLICAOF", "127.0.0.1", primary if isinstance(primary, int) else primary.port)

    def lead(self) -> None:
        """Follows nobody."""
        self("REPLICAOF", "NO", "ONE")

    def restart(self, *arguments: str) -> None:
        """Ends it in good order and starts it again, with these arguments too."""
        self.process.terminate()
        self.process.command += arguments
        self.process.start()

    def stop(self) -> None:
        """Ends it."""
        self.client.close()
        self.process.stop()

    def syncs(self) -> tuple[int, int]:
        """Full and partial resynchronisations that it has given."""
        stats = self.info("stats")
        return stats["sync_full"], stats["sync_partial_ok"]


def is_up(replica: Node) -> bool:
    """Whether a replica's link is up."""
    return bool(replica.info().get("master_link_status") == "up")


def value(client: redis.Redis, key: bytes) -> Any:
    """What a key holds, in an order that does not matter for sets and hashes."""
    readers: dict[bytes, Callable[[], Any]] = {
        b"string": lambda: client.get(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1, withscores=True),
        b"hash": lambda: client.hgetall(key),
        b"stream": lambda: (client.xrange(key), [group["pending"] for group in client.xinfo_groups(key)]),
        b"none": lambda: None,
    }
    return readers[client.type(key)]()


def contents(node: Node) -> dict[tuple[int, bytes], Any]:
    """All that is in a server's first four databases."""
    found: dict[tuple[int, bytes], Any] = {}
    for db in range(4):
        client = node.connect(db)
        for key in client.scan_iter(count=1000):
            held = value(client, key), client.execute_command("PEXPIRETIME", key)
            # one that has expired meanwhile is not there
            if held[1] != -2:
                found[db, key] = held
        client.close()
    return found


def counts(node: Node) -> dict[str, int]:
    """How many keys its databases have, those among them that have expired and are there still."""
    return {name: figures["keys"] for name, figures in node.info("keyspace").items()}


def agree(primary: Node, replica: Node) -> bool:
    """Whether a replica is as far as its primary, in the same history."""
    theirs, mine = primary.info(), replica.info()
    same = all(theirs[name] == mine[name] for name in ("master_replid", "master_repl_offset"))
    return same and is_up(replica)


def differences(primary: Node, replica: Node) -> list[Any]:
    """Keys that are not the same in both, with what they hold; or how many there are in each."""
    if counts(primary) != counts(replica):
        return [counts(primary), counts(replica)]
    if primary.kind == replica.kind and primary("DEBUG", "DIGEST") == replica("DEBUG", "DIGEST"):
        return []
    theirs, mine = contents(primary), contents(replica)
    now = time.time() * 1000
    # what was read from one of them and had expired when the other was asked says nothing
    over = {key for found in (theirs, mine) for key, (_, expiry) in found.items() if 0 < expiry <= now}
    keys = (theirs.keys() | mine.keys()) - over
    return [(key, theirs.get(key), mine.get(key)) for key in keys if theirs.get(key) != mine.get(key)]


def assert_equal(primary: Node, replica: Node) -> None:
    """Waits until a replica has everything, and holds what both have against each other, as soon as no key is about to expire."""
    found: list[Any] = []

    def hold_the_same() -> bool:
        found[:] = differences(primary, replica)
        return not found

    wait_until(lambda: agree(primary, replica), 60.0)
    with contextlib.suppress(TimeoutError):
        wait_until(hold_the_same, 60.0)
    assert not found, str(found[:3])[:600]
