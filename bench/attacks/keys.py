"""Attacks on many small keys, or by arguments that name many."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.attacks.attacker import Act, Arm, Attack, Attacker, Ground, chunks, many, run, sent, sized, words
from bench.wire import Connection, Word, batched, request

HOSTILE = "*0*0*0*0*0*0*x"
WAIT = 60.0  # seconds


def load(attacker: Attacker) -> None:
    """Strings."""
    attacker.load(chunks(("MSET",), pair, attacker.size))


def pair(i: int) -> tuple[Word, Word]:
    """A key of the data and its value."""
    return (f"key:{i:012d}", "x" * 16)


def with_keys(*command: Word) -> Arm:
    """Sends a command with a tenth of the keys."""
    return sized(lambda size: (*command, *(f"key:{i * 10:012d}" for i in range(size // 10))))


def set_many(command: str, prefix: str) -> Arm:
    """MSET of many new keys; their end is not observed."""

    def arm(attacker: Attacker) -> Act:
        names = many(prefix, attacker.size // 10)
        attacker.undo.append(lambda: attacker.client("UNLINK", *names))
        data = request(command, *(word for name in names for word in (name, "x" * 16)))
        return lambda: run(attacker.client, data)

    return arm


def end_many(command: str) -> Arm:
    """DEL of many."""

    def arm(attacker: Attacker) -> Act:
        names = many("mortal", attacker.size // 10)
        attacker.require("MSET", *(word for name in names for word in (name, "x" * 16)))
        data = request(command, *names)
        return lambda: run(attacker.client, data)

    return arm


def filled(*command: Word) -> Arm:
    """Sends a command that destroys all keys, which are loaded before."""

    def arm(attacker: Attacker) -> Act:
        attacker.require("FLUSHALL", "SYNC")
        load(attacker)
        attacker.server.settle(2.0)
        data = request(*command)
        return lambda: run(attacker.client, data)

    return arm


def until(client: Connection, done: Callable[[], bool]) -> None:
    """Waits for something that takes place by and by."""
    deadline = time.monotonic() + WAIT
    while not done() and time.monotonic() < deadline:
        time.sleep(0.05)


def expired(attacker: Attacker) -> None:
    """Keys in the place of all, each past its end; what would delete them is off until the attack is over."""
    attacker.require("FLUSHALL", "SYNC")
    attacker.require("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    attacker.undo.append(lambda: attacker.client("DEBUG", "SET-ACTIVE-EXPIRE", 1))
    expiring = (request("PSETEX", f"key:{i:012d}", 1, "x") for i in range(attacker.size))
    attacker.client.send_all(batched(expiring, 1000))


def random_of_expired(attacker: Attacker) -> Act:
    """RANDOMKEY that finds nothing."""
    expired(attacker)
    return lambda: run(attacker.client, request("RANDOMKEY"))


def scan_of_expired(attacker: Attacker) -> Act:
    """SCAN of keys that are gone."""
    expired(attacker)
    return lambda: run(attacker.client, request("SCAN", 0, "COUNT", 1 << 40))


def keys_of_expired(attacker: Attacker) -> Act:
    """KEYS of keys that are gone."""
    expired(attacker)
    return lambda: run(attacker.client, request("KEYS", "*"))


def expire_together(attacker: Attacker) -> Act:
    """Active expiry, to its end."""
    expired(attacker)

    def act() -> None:
        attacker.client("DEBUG", "SET-ACTIVE-EXPIRE", 1)
        until(attacker.client, lambda: attacker.client("DBSIZE") == 0)

    return act


def evict(attacker: Attacker) -> Act:
    """A limit of a tenth of what twice the keys take, and a write."""
    attacker.require("FLUSHALL", "SYNC")
    attacker.load(chunks(("MSET",), pair, 2 * attacker.size))
    attacker.set_for_now("maxmemory-policy", "allkeys-lru", "noeviction")
    attacker.undo.append(lambda: attacker.client("CONFIG", "SET", "maxmemory", 0))
    limit = attacker.server.used_memory() // 10
    data = request("CONFIG", "SET", "maxmemory", limit) + request("SET", "work", "x")

    def act() -> None:
        run(attacker.client, data)
        until(attacker.client, lambda: attacker.server.used_memory() <= limit)

    return act


def in_background(command: str, field: str) -> Arm:
    """A save in the background, to its end."""

    def arm(attacker: Attacker) -> Act:
        attacker.require("FLUSHALL", "SYNC")
        load(attacker)

        def act() -> None:
            attacker.client(command)
            running = f"{field}:1".encode()
            until(attacker.client, lambda: running not in attacker.client("INFO", "persistence"))  # type: ignore[operator]

        return act

    return arm


def with_events(attacker: Attacker) -> Act:
    """DEL of many while each is told to a subscriber."""
    attacker.set_for_now("notify-keyspace-events", "KEA", "")
    listener = attacker.connect_more(1)[0]
    listener("PSUBSCRIBE", "__key*__:*")
    return end_many("DEL")(attacker)


KEYS = Ground("keys", load, (
    Attack("KEYS *", words("KEYS", "*")),
    Attack("KEYS, hostile", words("KEYS", HOSTILE)),
    Attack("SCAN COUNT of all", words("SCAN", 0, "COUNT", 1 << 40)),
    Attack("SCAN COUNT of all, hostile MATCH", words("SCAN", 0, "COUNT", 1 << 40, "MATCH", HOSTILE)),
    Attack("SCAN COUNT of all TYPE", words("SCAN", 0, "COUNT", 1 << 40, "TYPE", "hash")),
    Attack("RANDOMKEY", words("RANDOMKEY")),
    Attack("DBSIZE", words("DBSIZE")),
    Attack("pipeline of 1,000 SCAN COUNT 1,000", sent(request("SCAN", 0, "COUNT", 1000) * 1000)),
    Attack("EXISTS of many keys", with_keys("EXISTS")),
    Attack("TOUCH of many keys", with_keys("TOUCH")),
    Attack("MGET of many keys", with_keys("MGET")),
    Attack("MSET of many keys", set_many("MSET", "new")),
    Attack("MSETNX of many keys", set_many("MSETNX", "newer")),
    Attack("MSET over many keys", sized(lambda size: ("MSET", *(word for i in range(size // 10) for word in pair(i))))),
    Attack("DEL of many keys", end_many("DEL")),
    Attack("UNLINK of many keys", end_many("UNLINK")),
    Attack("DEL of many keys, events told", with_events),
    Attack("SUNION of many absent keys", sized(lambda size: ("SUNION", *many("none", size // 10)))),
    Attack("SINTERCARD of many absent keys", sized(lambda size: ("SINTERCARD", size // 10, *many("none", size // 10)))),
    Attack("ZUNION of many absent keys", sized(lambda size: ("ZUNION", size // 10, *many("none", size // 10)))),
    Attack("LMPOP of many absent keys", sized(lambda size: ("LMPOP", size // 10, *many("none", size // 10), "LEFT"))),
    Attack("ZMPOP of many absent keys", sized(lambda size: ("ZMPOP", size // 10, *many("none", size // 10), "MIN"))),
    Attack("BITOP of many absent keys", sized(lambda size: ("BITOP", "OR", "work", *many("none", size // 10)))),
    Attack("SWAPDB", sent(request("SWAPDB", 0, 1), request("SWAPDB", 0, 1))),
    Attack("MEMORY STATS", words("MEMORY", "STATS")),
    Attack("MEMORY DOCTOR", words("MEMORY", "DOCTOR")),
    Attack("MEMORY PURGE", words("MEMORY", "PURGE")),
    Attack("MEMORY MALLOC-STATS", words("MEMORY", "MALLOC-STATS")),
    Attack("INFO everything", words("INFO", "everything")),
    Attack("SAVE", words("SAVE")),
    Attack("BGSAVE", in_background("BGSAVE", "rdb_bgsave_in_progress")),
    Attack("BGREWRITEAOF", in_background("BGREWRITEAOF", "aof_rewrite_in_progress")),
    Attack("FLUSHALL SYNC", filled("FLUSHALL", "SYNC")),
    Attack("FLUSHALL ASYNC", filled("FLUSHALL", "ASYNC")),
    Attack("FLUSHDB SYNC", filled("FLUSHDB", "SYNC")),
    Attack("FLUSHDB ASYNC", filled("FLUSHDB", "ASYNC")),
    Attack("FLUSHALL SYNC in MULTI", lambda attacker: (filled("MULTI")(attacker), sent(
        request("MULTI"), request("FLUSHALL", "SYNC"), request("EXEC"))(attacker))[1]),
    Attack("CONFIG SET maxmemory to a tenth", evict),
    Attack("RANDOMKEY where all are expired", random_of_expired),
    Attack("SCAN COUNT of all where all are expired", scan_of_expired),
    Attack("KEYS where all are expired", keys_of_expired),
    Attack("all keys expire at once", expire_together),
))  # fmt: skip
