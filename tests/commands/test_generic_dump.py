"""DUMP and RESTORE; what a payload may hold is tested with the RDB format."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from tests.listening import Listener

VALUES: dict[str, tuple[Any, ...]] = {
    "int": ("SET", "k", 12345),
    "embstr": ("SET", "k", "short"),
    "raw": ("SET", "k", "long " * 50),
    "list": ("RPUSH", "k", "a", 1, "b" * 100),
    "quicklist": ("RPUSH", "k", *(f"element {i:040}" for i in range(400))),
    "intset": ("SADD", "k", 1, 2, 70000),
    "set listpack": ("SADD", "k", "a", "b", 3),
    "set": ("SADD", "k", *(f"m{i}" for i in range(300))),
    "hash listpack": ("HSET", "k", "f", "v", "n", 1),
    "hash": ("HSET", "k", "f", "v" * 100, "n", 1),
    "zset listpack": ("ZADD", "k", 1.5, "a", "-inf", "b"),
    "zset": ("ZADD", "k", *(word for i in range(300) for word in (i / 3, f"m{i}"))),
}


def contents(r: redis.Redis, key: str) -> Any:
    """A key's value, in an order that does not matter for sets and hashes."""
    kind = r.type(key)
    if kind == b"string":
        return r.get(key)
    if kind == b"list":
        return r.lrange(key, 0, -1)
    if kind == b"zset":
        return r.zrange(key, 0, -1, withscores=True)
    return r.hgetall(key) if kind == b"hash" else r.smembers(key)


class TestDump:
    """DUMP key."""

    @pytest.mark.parametrize("value", VALUES)
    def test_comes_back(self, r: redis.Redis, value: str) -> None:
        r.execute_command(*VALUES[value])
        r.restore("c", 0, r.dump("k"))
        assert contents(r, "c") == contents(r, "k")
        assert r.object("encoding", "c") == r.object("encoding", "k")

    def test_missing(self, r: redis.Redis) -> None:
        assert r.dump("missing") is None

    def test_takes_no_expiry_along(self, r: redis.Redis) -> None:
        r.set("k", "v", ex=100)
        r.restore("c", 0, r.dump("k"))
        assert r.ttl("c") == -1


class TestRestore:
    """RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]."""

    command = "RESTORE"

    @pytest.fixture
    def payload(self, r: redis.Redis) -> bytes:
        """A dumped string."""
        r.set("k", "v")
        dumped = r.dump("k")
        assert dumped is not None
        return dumped

    def test_sets_a_time_to_live(self, r: redis.Redis, payload: bytes) -> None:
        assert r.execute_command(self.command, "c", 100_000, payload) == b"OK"
        assert 99_000 < r.pttl("c") <= 100_000

    def test_absolute_time(self, r: redis.Redis, payload: bytes) -> None:
        r.execute_command(self.command, "c", 4_000_000_000_000, payload, "ABSTTL")
        assert r.pexpiretime("c") == 4_000_000_000_000

    def test_time_that_is_over(self, r: redis.Redis, payload: bytes) -> None:
        r.set("c", "old")
        assert r.execute_command(self.command, "c", 1, payload, "ABSTTL", "REPLACE") == b"OK"
        assert not r.exists("c")

    def test_replaces_only_when_asked(self, r: redis.Redis, payload: bytes) -> None:
        r.set("c", "old")
        with pytest.raises(redis.ResponseError, match=r"^BUSYKEY Target key name already exists\.$|^Target key name already exists\.$"):
            r.execute_command(self.command, "c", 0, payload)
        assert r.get("c") == b"old"
        r.execute_command(self.command, "c", 0, payload, "REPLACE")
        assert r.get("c") == b"v"

    def test_idle_time(self, r: redis.Redis, payload: bytes) -> None:
        r.config_set("maxmemory-policy", "allkeys-lru")
        r.execute_command(self.command, "c", 0, payload, "IDLETIME", 1000)
        assert r.object("idletime", "c") in (1000, 1001)

    def test_frequency(self, r: redis.Redis, payload: bytes) -> None:
        r.config_set("maxmemory-policy", "allkeys-lfu")
        r.execute_command(self.command, "c", 0, payload, "FREQ", 100)
        assert r.object("freq", "c") == 100

    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            ((-1,), "Invalid TTL value, must be >= 0"),
            (("x",), "value is not an integer or out of range"),
            ((0, "NOPE"), "syntax error"),
            ((0, "IDLETIME"), "syntax error"),
            ((0, "IDLETIME", -1), "Invalid IDLETIME value, must be >= 0"),
            ((0, "FREQ", 256), "Invalid FREQ value, must be >= 0 and <= 255"),
            ((0, "IDLETIME", 1, "FREQ", 1), "syntax error"),
        ],
    )
    def test_wrong_arguments(self, r: redis.Redis, payload: bytes, arguments: tuple[Any, ...], error: str) -> None:
        ttl, *options = arguments
        with pytest.raises(redis.ResponseError) as raised:
            r.execute_command(self.command, "c", ttl, payload, *options)
        assert str(raised.value) == error

    def test_damaged_payloads(self, r: redis.Redis, payload: bytes) -> None:
        for damaged in (b"", b"x", payload[:-1], payload[:-1] + bytes([payload[-1] ^ 1]), b"\x63" + payload[1:]):
            with pytest.raises(redis.ResponseError, match="DUMP payload version or checksum are wrong"):
                r.execute_command(self.command, "c", 0, damaged)
        assert not r.exists("c")

    def test_effects(self, effects: Listener) -> None:
        effects("SET", "k", "v")
        payload = effects.raw("DUMP", "k").value
        assert effects(self.command, "c", 0, payload) == (["new c", "restore c"], 1)


class TestRestoreAsking(TestRestore):
    """RESTORE-ASKING: RESTORE as a cluster's nodes send it."""

    command = "RESTORE-ASKING"
