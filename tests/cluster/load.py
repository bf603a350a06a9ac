"""A client of a cluster that writes values of every type, and what has to be there of them in the end."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import redis
from redis.cluster import PRIMARY, ClusterNode, RedisCluster
from redis.crc import key_slot
from redis.exceptions import RedisClusterException

from tests.cluster.servers import ClusterServer
from tests.waiting import wait_until

TYPES = ("string", "list", "set", "zset", "hash", "stream")
KEYS = 40  # of each type, of each thread
LONG_MS = 100_000_000  # that whatever expires has to live
FIRST_SLOTS = 100  # that are moved by tests
# words in braces that put a key into these slots, which redis-cli takes first, or anywhere
TAGS = [f"{{{number}}}" for number in range(5000) if key_slot(b"%d" % number) < FIRST_SLOTS]


class Client(RedisCluster):
    """redis-py's client, which an ASK may send to a node that it has not heard of yet: by itself it ends there with an AttributeError."""

    def get_node(self, host: str | None = None, port: int | None = None, node_name: str | None = None) -> ClusterNode | None:
        """See RedisCluster; a node with a name is known from now on."""
        found: ClusterNode | None = super().get_node(host, port, node_name)
        if found is None and node_name is not None:
            name, _, number = node_name.rpartition(":")
            found = self.nodes_manager.nodes_cache[node_name] = ClusterNode(name, int(number), PRIMARY)
        return found


def connect(node: ClusterServer, **options: Any) -> RedisCluster:
    """A client of a cluster."""
    return Client(startup_nodes=[ClusterNode("127.0.0.1", node.port)], **{"socket_timeout": 20, **options})


def look_again(client: RedisCluster) -> None:
    """Has a client ask who is a primary now: a MOVED teaches it of one slot, so it may wait at a primary that has become a replica."""
    with contextlib.suppress(redis.RedisError, RedisClusterException):
        client.nodes_manager.initialize()


@dataclass
class Kept:
    """What one key has to hold: the numbers whose writes were acknowledged, in their order, and those that may have been written."""

    kind: str
    expires: bool  # the key, or the fields of the hash
    repeats: bool = False  # a write whose connection was lost may have been done twice
    sure: list[int] = field(default_factory=list)
    unsure: list[int] = field(default_factory=list)


def write(client: RedisCluster, key: str, kept: Kept, number: int) -> Any:
    """Adds a number to a key."""
    if kept.kind == "string":
        return client.set(key, number, px=LONG_MS if kept.expires else None)
    if kept.kind == "hash":
        client.hset(key, f"f{number}", number)
        return client.hpexpire(key, LONG_MS, f"f{number}") if kept.expires else None
    if kept.kind == "stream":
        client.xadd(key, {"n": number})
        return read_on(client, key, kept) if len(kept.sure) % 4 == 1 and not kept.repeats else None
    adders: dict[str, Callable[[], Any]] = {
        "list": lambda: client.rpush(key, number),
        "set": lambda: client.sadd(key, number if kept.expires else f"m{number}"),
        "zset": lambda: client.zadd(key, {f"m{number}": number}),
    }
    adders[kept.kind]()
    return client.pexpire(key, LONG_MS) if kept.expires else None


def read_on(client: RedisCluster, key: str, kept: Kept) -> None:
    """Has a group read the stream, and acknowledge some of it."""
    if len(kept.sure) == 1:
        client.xgroup_create(key, "group", id="0")
    read = client.xreadgroup("group", "reader", {key: ">"}, count=3)
    client.xack(key, "group", read[0][1][0][0]) if read else None


def held(client: RedisCluster, key: str, kept: Kept) -> list[int]:
    """The numbers that a key holds, in their order where there is one."""
    readers: dict[str, Callable[[], Any]] = {
        "string": lambda: [client.get(key)],
        "list": lambda: client.lrange(key, 0, -1),
        "set": lambda: client.smembers(key),
        "zset": lambda: client.zrange(key, 0, -1),
        "hash": lambda: client.hgetall(key).values(),
        "stream": lambda: [fields[b"n"] for _, fields in client.xrange(key)],
    }
    numbers = [int(bytes(word).lstrip(b"m")) for word in readers[kept.kind]() if word is not None]
    return sorted(numbers) if kept.kind in ("set", "hash") else numbers


def missing_from(client: RedisCluster, key: str, kept: Kept) -> str:
    """What is wrong with a key, "": nothing."""
    found = held(client, key, kept)
    if kept.kind == "string":
        allowed = [*kept.sure[-1:], *(number for number in kept.unsure if not kept.sure or number > kept.sure[-1])]
        return "" if not kept.sure or (found and found[0] in allowed) else f"{key} is {found}, not {allowed}"
    lost = set(kept.sure) - set(found)
    found = list(dict.fromkeys(found)) if kept.repeats else found
    more = [number for number in found if number not in set(kept.unsure)] if kept.unsure else found
    if lost or more != [number for number in kept.sure if number not in set(kept.unsure)]:
        return f"{key} lacks {sorted(lost)[:5]}, and has {sorted(set(found) - set(kept.sure) - set(kept.unsure))[:5]} more"
    return lifetime_fault(client, key, kept) if kept.sure else ""


def lifetime_fault(client: RedisCluster, key: str, kept: Kept) -> str:
    """What is wrong with how long a key, its fields and its group's entries live, "": nothing."""
    if kept.kind == "hash" and kept.expires:
        left = client.hpttl(key, *(f"f{number}" for number in kept.sure))
        return "" if all(0 < one <= LONG_MS for one in left) else f"{key}: fields live {left}"
    if kept.kind == "stream" and len(kept.sure) > 1 and not kept.repeats:
        group = client.xinfo_groups(key)[0]
        pending = client.xpending(key, "group")["pending"]
        rounds = (len(kept.sure) + 2) // 4
        right = group["pending"] == pending == group["entries-read"] - rounds
        return "" if right else f"{key}: {group}, {pending} pending after {rounds} rounds"
    left = client.pttl(key)
    expires = kept.expires and kept.kind not in ("hash", "stream")
    return "" if (0 < left <= LONG_MS if expires else left == -1) else f"{key} lives {left} ms"


class ClusterLoad:
    """Writes by threads while the `with` block runs. wait: counts only what a replica has too (WAIT 1), and goes on after errors."""

    def __init__(self, node: ClusterServer, threads: int = 1, seed: int = 1, wait: bool = False) -> None:
        self.node = node
        self.wait = wait
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(number, seed)) for number in range(threads)]
        self.kept: dict[str, Kept] = {}
        self.rounds = 0
        self.errors: list[Exception] = []
        self.noting = threading.Lock()

    def run(self, thread: int, seed: int) -> None:
        """A thread's life."""
        client = connect(self.node)
        chance = random.Random(seed + thread)
        number = 0
        while not self.ending.is_set():
            number += 1
            kind, place = chance.choice(TYPES), chance.randrange(KEYS)
            key = f"{kind}:{thread}:{place}:{TAGS[place % len(TAGS)] if place % 4 < 2 else ''}"
            kept = self.kept.setdefault(key, Kept(kind, place % 2 == 0, self.wait))
            try:
                self.write_one(client, key, kept, number)
            except Exception as error:
                # whatever it is: a thread that is gone without a word is waited for in vain
                kept.unsure.append(number)
                self.errors.append(error)
                if not self.wait or not isinstance(error, redis.RedisError | RedisClusterException):
                    break
                time.sleep(0.02)
                look_again(client)
            self.rounds += 1
        client.close()

    def write_one(self, client: RedisCluster, key: str, kept: Kept, number: int) -> None:
        """One write, acknowledged or not."""
        write(client, key, kept, number)
        # a write that was redirected by ASK is not where the client looks for the key: all are asked
        asked = client.get_primaries() if self.wait else []
        sure = all(client.execute_command("WAIT", 1, 1000, target_nodes=node) for node in asked)
        with self.noting:
            (kept.sure if sure else kept.unsure).append(number)

    def more(self, writes: int, seconds: float = 120.0) -> None:
        """Waits until so many more writes are done."""
        enough = self.rounds + writes
        self.wait_for(lambda: self.rounds >= enough or (self.errors and not self.wait), seconds)

    def more_acknowledged(self, writes: int, seconds: float) -> None:
        """Waits until so many more are acknowledged."""
        enough = self.acknowledged + writes
        self.wait_for(lambda: self.acknowledged >= enough, seconds)

    def wait_for(self, condition: Callable[[], Any], seconds: float) -> None:
        """Waits for something; tells of the last errors when it never comes."""
        try:
            wait_until(condition, seconds)
        except TimeoutError:
            alive = sum(thread.is_alive() for thread in self.threads)
            told = f"{alive} threads, {self.rounds} rounds, {self.acknowledged} acknowledged, {self.errors[-3:]}"
            raise AssertionError(f"not enough writes in {seconds} s: {told}") from None

    def doubt(self, slots: set[int]) -> None:
        """Takes nothing for sure that was written to keys of these slots up to now."""
        with self.noting:
            for key, kept in list(self.kept.items()):
                if key_slot(key.encode()) in slots:
                    kept.unsure += kept.sure
                    kept.sure = []

    def verify(self) -> None:
        """All that was acknowledged is there, and nothing else."""
        client = connect(self.node)
        faults = [fault for key, kept in self.kept.items() if (fault := missing_from(client, key, kept))]
        client.close()
        assert not faults, f"{len(faults)} of {len(self.kept)} keys: {faults[:4]}"

    @property
    def acknowledged(self) -> int:
        """How many writes were."""
        return sum(len(kept.sure) for kept in list(self.kept.values()))

    def __enter__(self) -> ClusterLoad:
        """Begins."""
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Ends."""
        self.ending.set()
        for thread in self.threads:
            thread.join()
