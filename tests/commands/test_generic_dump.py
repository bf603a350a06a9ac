"""The keys group: values as bytes, and back. What a damaged payload does is in tests/unit/test_rdb.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

from tests.commands.transactions import at_once
from tests.listening import Listener
from tests.replies import NIL, NOT_AN_INTEGER, OK, SYNTAX
from tests.resp import RawClient, Reply

LAST = 2**63 - 1
"""The largest integer that an argument can be."""

STRING = b"\x00\x01x\x0c\x00\xe9\xf6\xb2\x9fG\xc2\xd6\x99"
"""What Redis 8.2.3 replies to DUMP of a string "x"."""

LIST = b"\x12\x01\x02\t\t\x00\x00\x00\x01\x00\x01\x01\xff\x0c\x00\xdb\xf4\xbbR\xf3\x99j\x0f"
"""And of a list of the element 1."""


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

    def test_bytes(self, r: redis.Redis) -> None:
        """They are Redis's, the version and the checksum included."""
        r.set("s", "x")
        r.rpush("l", 1)
        assert r.dump("s") == STRING
        assert r.dump("l") == LIST

    def test_missing(self, raw: RawClient) -> None:
        assert raw("DUMP", "missing") == NIL
        assert raw("DUMP") == Reply("-", b"ERR wrong number of arguments for 'dump' command")

    def test_expiry_is_no_part(self, r: redis.Redis) -> None:
        r.set("s", "x", ex=1000)
        assert r.dump("s") == STRING

    @pytest.mark.usefixtures("encoding")
    @pytest.mark.parametrize("value", VALUES)
    def test_comes_back(self, r: redis.Redis, value: str) -> None:
        r.execute_command(*VALUES[value])
        r.restore("c", 0, r.dump("k"))
        assert contents(r, "c") == contents(r, "k")
        assert r.object("encoding", "c") == r.object("encoding", "k")


class TestRestore:
    """RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]."""

    def test_value(self, r: redis.Redis) -> None:
        r.restore("s", 0, STRING)
        r.restore("l", 0, LIST)
        assert (r.get("s"), r.ttl("s"), r.lrange("l", 0, -1)) == (b"x", -1, [b"1"])

    def test_busy_key(self, raw: RawClient) -> None:
        """It is seen before the time and the bytes are looked at."""
        raw("SET", "a", 1)
        for value in (STRING, b"junk"):
            assert raw("RESTORE", "a", -1, value) == Reply("-", b"BUSYKEY Target key name already exists.")
        assert raw("RESTORE", "a", 0, STRING, "REPLACE") == OK
        assert raw("GET", "a").value == b"x"

    def test_failure_keeps_the_old_value(self, raw: RawClient) -> None:
        raw("SET", "a", 1)
        assert raw("RESTORE", "a", 0, b"junk", "REPLACE") == Reply("-", b"ERR DUMP payload version or checksum are wrong")
        assert raw("GET", "a").value == b"1"

    def test_expiry(self, r: redis.Redis) -> None:
        assert at_once(r, ("RESTORE", "a", 5000, STRING), ("PTTL", "a")) == [b"OK", 5000]
        r.restore("b", 99_999_999_999_999, STRING, absttl=True)
        assert r.pexpiretime("b") == 99_999_999_999_999
        r.restore("c", LAST, STRING, absttl=True)
        assert r.pexpiretime("c") == LAST

    def test_time_that_is_over(self, raw: RawClient) -> None:
        """Nothing is made; a span past the end of time is over too."""
        for arguments in ((1, STRING, "ABSTTL"), (LAST, STRING)):
            raw("SET", "old", 1)
            assert raw("RESTORE", "old", *arguments, "REPLACE") == OK
            assert raw("RESTORE", "new", *arguments) == OK
            assert raw("EXISTS", "old", "new").value == 0

    def test_bad_time(self, raw: RawClient) -> None:
        assert raw("RESTORE", "a", -1, STRING) == Reply("-", b"ERR Invalid TTL value, must be >= 0")
        assert raw("RESTORE", "a", "x", STRING) == NOT_AN_INTEGER
        assert raw("RESTORE", "a", -1, STRING, "ABSTTL") == Reply("-", b"ERR Invalid TTL value, must be >= 0")

    def test_payload(self, raw: RawClient) -> None:
        wrong = Reply("-", b"ERR DUMP payload version or checksum are wrong")
        for payload in (b"", b"short", STRING[:-1] + b"\x00", b"\x01" + STRING[1:], STRING[:3] + b"\x0d" + STRING[4:]):
            assert raw("RESTORE", "a", 0, payload) == wrong
        assert raw("EXISTS", "a").value == 0

    def test_options(self, raw: RawClient) -> None:
        bad_idle = Reply("-", b"ERR Invalid IDLETIME value, must be >= 0")
        bad_frequency = Reply("-", b"ERR Invalid FREQ value, must be >= 0 and <= 255")
        for options, reply in (
            (("FOO",), SYNTAX),
            (("IDLETIME",), SYNTAX),
            (("FREQ",), SYNTAX),
            (("FREQ", 1, "IDLETIME", 1), SYNTAX),
            (("IDLETIME", 1, "FREQ", 1), SYNTAX),
            (("IDLETIME", "x"), NOT_AN_INTEGER),
            (("FREQ", "x"), NOT_AN_INTEGER),
            (("IDLETIME", -1), bad_idle),
            (("FREQ", -1), bad_frequency),
            (("FREQ", 256), bad_frequency),
        ):
            assert raw("RESTORE", "a", 0, STRING, *options) == reply
        assert raw("RESTORE", "a", 0) == Reply("-", b"ERR wrong number of arguments for 'restore' command")

    def test_idle_time(self, r: redis.Redis) -> None:
        assert at_once(r, ("RESTORE", "a", 0, STRING, "IDLETIME", 1000), ("OBJECT", "IDLETIME", "a"))[1] == 1000
        assert at_once(r, ("RESTORE", "b", 0, STRING, "IDLETIME", 1, "IDLETIME", 500), ("OBJECT", "IDLETIME", "b"))[1] == 500

    def test_frequency(self, r: redis.Redis) -> None:
        r.config_set("maxmemory-policy", "allkeys-lfu")
        # a minute may end meanwhile
        r.config_set("lfu-decay-time", 0)
        r.restore("a", 0, STRING, frequency=200)
        assert r.object("freq", "a") == 200

    def test_effects(self, effects: Listener) -> None:
        assert effects("RESTORE", "a", 0, STRING) == (["new a", "restore a"], 1)
        assert effects("RESTORE", "a", 0, STRING) == ([], 0)
        assert effects("RESTORE", "a", 0, STRING, "REPLACE") == (["new a", "restore a", "overwritten a"], 1)
        assert effects("RESTORE", "a", 0, LIST, "REPLACE") == (["new a", "restore a", "overwritten a", "type_changed a"], 1)
        assert effects("RESTORE", "a", 1, LIST, "REPLACE", "ABSTTL") == (["del a"], 1)
        assert effects("RESTORE", "a", 1, LIST, "REPLACE", "ABSTTL") == ([], 0)

    def test_waiting_clients_are_served(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        waiting = connect()
        number = waiting("CLIENT", "ID").value
        waiting.send("BLPOP", "l", 0)
        while b"cmd=blpop" not in raw("CLIENT", "LIST", "ID", number).value:
            pass
        raw("RESTORE", "l", 0, LIST)
        assert waiting.read().plain() == [b"l", b"1"]
        assert raw("EXISTS", "l").value == 0

    def test_watched(self, r: redis.Redis) -> None:
        with r.pipeline() as pipe:
            pipe.watch("a")
            r.restore("a", 0, STRING)
            pipe.multi()
            pipe.get("a")
            with pytest.raises(redis.WatchError):
                pipe.execute()


class TestRestoreAsking:
    """RESTORE-ASKING is RESTORE, for a node of a cluster that takes over the key's slot."""

    def test_value(self, raw: RawClient) -> None:
        assert raw("RESTORE-ASKING", "a", 0, STRING) == OK
        assert raw("GET", "a").value == b"x"
        assert raw("RESTORE-ASKING", "a", 0, STRING) == Reply("-", b"BUSYKEY Target key name already exists.")
        assert raw("RESTORE-ASKING", "a", 0, LIST, "REPLACE") == OK
        assert raw("TYPE", "a").value == b"list"
