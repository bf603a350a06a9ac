"""The keys group."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from tests.commands.transactions import at_once
from tests.listening import Listener
from tests.replies import NIL, NOT_AN_INTEGER, OK, SYNTAX, integer
from tests.resp import RawClient, Reply
from tests.waiting import wait_until

FAR = 99_999_999_999
"""A time in seconds that no test reaches."""


def fill(r: redis.Redis) -> None:
    """One key of each type."""
    r.set("string", "x")
    r.rpush("list", "a", "b", 3)
    r.sadd("set", 1, 2, "c")
    r.hset("hash", mapping={"f": "v", "n": 1})


def dump(r: redis.Redis, name: str) -> object:
    """A key's value."""
    kind = r.type(name)
    if kind == b"string":
        return r.get(name)
    if kind == b"list":
        return r.lrange(name, 0, -1)
    return r.hgetall(name) if kind == b"hash" else r.smembers(name)


class TestDel:
    """DEL key [key ...]."""

    def test_counts(self, r: redis.Redis) -> None:
        fill(r)
        assert r.delete("string", "list", "string", "missing", "hash") == 3
        assert r.keys() == [b"set"]

    def test_effects(self, effects: Listener) -> None:
        effects("SET", "a", 1)
        assert effects("DEL", "a", "b") == (["del a"], 1)

    def test_large_values_are_freed(self, r: redis.Redis) -> None:
        r.rpush("l", *range(20000))
        r.sadd("s", *range(20000))
        assert r.delete("l", "s") == 2
        assert r.exists("l", "s") == 0


class TestUnlink:
    """UNLINK key [key ...]."""

    def test_counts(self, effects: Listener) -> None:
        effects("SET", "a", 1)
        assert effects("UNLINK", "a", "b") == (["del a"], 1)


class TestExists:
    """EXISTS key [key ...]."""

    def test_counts_each_mention(self, r: redis.Redis) -> None:
        r.set("a", 1)
        assert r.exists("a", "a", "b") == 2


class TestTouch:
    """TOUCH key [key ...]."""

    def test_counts(self, r: redis.Redis) -> None:
        r.set("a", 1)
        assert r.touch("a", "b") == 1


class TestType:
    """TYPE key."""

    def test_names(self, r: redis.Redis) -> None:
        fill(r)
        assert [r.type(name) for name in ("string", "list", "set", "hash", "none")] == [b"string", b"list", b"set", b"hash", b"none"]


class TestRename:
    """RENAME key newkey."""

    def test_every_type_with_its_expiry(self, r: redis.Redis) -> None:
        fill(r)
        for name in ("string", "list", "set", "hash"):
            before = dump(r, name)
            r.expireat(name, FAR)
            assert r.rename(name, "a much longer name than it had before " + name)
            assert dump(r, "a much longer name than it had before " + name) == before
            assert r.expiretime("a much longer name than it had before " + name) == FAR

    def test_missing(self, raw: RawClient) -> None:
        assert raw("RENAME", "a", "b") == Reply("-", b"ERR no such key")

    def test_effects(self, effects: Listener) -> None:
        effects("SET", "a", 1)
        effects("RPUSH", "b", 1)
        assert effects("RENAME", "a", "b") == (["new b", "rename_from a", "rename_to b", "overwritten b", "type_changed b"], 1)
        assert effects("RENAME", "b", "b") == ([], 0)


class TestRenamenx:
    """RENAMENX key newkey."""

    def test_only_new(self, r: redis.Redis) -> None:
        r.mset({"a": 1, "b": 2})
        assert not r.renamenx("a", "b")
        assert r.renamenx("a", "c")
        assert r.mget("a", "b", "c") == [None, b"2", b"1"]


class TestCopy:
    """COPY source destination [DB n] [REPLACE]."""

    def test_every_type(self, r: redis.Redis) -> None:
        fill(r)
        for name in ("string", "list", "set", "hash"):
            assert r.copy(name, "copy")
            assert dump(r, "copy") == dump(r, name)
            assert r.object("encoding", "copy") == r.object("encoding", name)
            assert not r.copy(name, "copy")
            assert r.copy(name, "copy", replace=True)
            r.delete("copy")

    def test_is_independent(self, r: redis.Redis) -> None:
        r.rpush("a", 1)
        r.copy("a", "b")
        r.rpush("a", 2)
        assert r.lrange("b", 0, -1) == [b"1"]

    def test_errors(self, raw: RawClient) -> None:
        raw("SET", "a", 1)
        assert raw("COPY", "a", "a") == Reply("-", b"ERR source and destination objects are the same")
        assert raw("COPY", "a", "b", "DB", 99) == Reply("-", b"ERR DB index is out of range")
        assert raw("COPY", "a", "b", "NOW") == SYNTAX
        assert raw("COPY", "a", "a", "DB", 1) == integer(1)


class TestMove:
    """MOVE key db."""

    def test_moves(self, raw: RawClient) -> None:
        raw("SET", "a", 1, "EXAT", FAR)
        assert raw("MOVE", "a", 1) == integer(1)
        assert raw("MOVE", "a", 1) == integer(0)
        assert raw("EXISTS", "a") == integer(0)
        raw("SELECT", 1)
        assert raw("EXPIRETIME", "a") == integer(FAR)
        assert raw("MOVE", "a", 1) == Reply("-", b"ERR source and destination objects are the same")


class TestExpire:
    """EXPIRE key seconds [NX|XX|GT|LT]."""

    def test_conditions(self, raw: RawClient) -> None:
        raw("SET", "a", 1)
        steps = [
            ("XX", 100, 0), ("GT", 100, 0), ("NX", 100, 1), ("NX", 200, 0), ("GT", 50, 0), ("GT", 200, 1), ("LT", 300, 0), ("LT", 100, 1),
            ("XX", 9, 1),
        ]  # fmt: skip
        for option, seconds, done in steps:
            assert raw("EXPIRE", "a", seconds, option) == integer(done)
        raw("PERSIST", "a")
        assert raw("EXPIRE", "a", 100, "LT") == integer(1)

    def test_past_deletes(self, effects: Listener) -> None:
        effects("SET", "a", 1)
        assert effects("EXPIRE", "a", -1) == (["del a"], 1)
        assert effects("EXPIRE", "a", 1) == ([], 0)

    def test_errors(self, raw: RawClient) -> None:
        raw("SET", "a", 1)
        assert raw("EXPIRE", "a", "x") == NOT_AN_INTEGER
        assert raw("EXPIRE", "a", 2**63 - 1) == Reply("-", b"ERR invalid expire time in 'expire' command")
        assert raw("EXPIRE", "a", 1, "NX", "GT") == Reply("-", b"ERR NX and XX, GT or LT options at the same time are not compatible")
        assert raw("EXPIRE", "a", 1, "GT", "LT") == Reply("-", b"ERR GT and LT options at the same time are not compatible")
        assert raw("EXPIRE", "a", 1, "soon") == Reply("-", b"ERR Unsupported option soon")
        assert raw("EXPIRE", "a", 1, "x" * 1000) == Reply("-", b"ERR Unsupported option " + b"x" * 1000)

    @pytest.mark.zippy_only
    def test_expires_without_being_asked_for(self, raw: RawClient) -> None:
        """Active expiry."""
        raw("DEBUG", "SET-CLOCK", 1_000_000_000_000_000)
        for i in range(300):
            raw("SET", f"k{i}", i, "EX", 10)
        raw("DEBUG", "SET-CLOCK", 1_000_000_020_000_000)
        wait_until(lambda: raw("DBSIZE") == integer(0))
        raw("DEBUG", "SET-CLOCK", 0)


class TestPexpire:
    """PEXPIRE key milliseconds [NX|XX|GT|LT]."""

    def test_sets(self, r: redis.Redis) -> None:
        r.set("a", 1)
        assert at_once(r, ("PEXPIRE", "a", 100_000), ("PTTL", "a")) == [1, 100_000]


class TestExpireat:
    """EXPIREAT key unix-time-seconds [NX|XX|GT|LT]."""

    def test_sets(self, r: redis.Redis) -> None:
        r.set("a", 1)
        assert r.expireat("a", FAR)
        assert r.expiretime("a") == FAR
        assert r.expireat("a", 1)
        assert r.exists("a") == 0


class TestPexpireat:
    """PEXPIREAT key unix-time-milliseconds [NX|XX|GT|LT]."""

    def test_sets(self, r: redis.Redis) -> None:
        fill(r)
        for name in ("string", "list", "set", "hash"):
            before = dump(r, name)
            assert r.pexpireat(name, FAR * 1000 + 499)
            assert r.pexpiretime(name) == FAR * 1000 + 499
            assert dump(r, name) == before


class TestTtl:
    """TTL key."""

    def test_values(self, r: redis.Redis) -> None:
        assert r.ttl("a") == -2
        r.set("a", 1)
        assert r.ttl("a") == -1
        assert at_once(r, ("EXPIRE", "a", 100), ("TTL", "a")) == [1, 100]


class TestPttl:
    """PTTL key."""

    def test_values(self, r: redis.Redis) -> None:
        assert r.pttl("a") == -2
        assert at_once(r, ("SET", "a", 1, "PX", 100_000), ("PTTL", "a")) == [True, 100_000]


class TestExpiretime:
    """EXPIRETIME key."""

    def test_rounds(self, raw: RawClient) -> None:
        assert raw("EXPIRETIME", "a") == integer(-2)
        raw("SET", "a", 1, "PXAT", FAR * 1000 + 500)
        assert raw("EXPIRETIME", "a") == integer(FAR + 1)
        raw("PERSIST", "a")
        assert raw("EXPIRETIME", "a") == integer(-1)


class TestPexpiretime:
    """PEXPIRETIME key."""

    def test_values(self, raw: RawClient) -> None:
        raw("SET", "a", 1, "PXAT", FAR * 1000)
        assert raw("PEXPIRETIME", "a") == integer(FAR * 1000)


class TestPersist:
    """PERSIST key."""

    def test_takes_the_expiry_away(self, effects: Listener) -> None:
        effects("SET", "a", 1, "EX", 100)
        assert effects("PERSIST", "a") == (["persist a"], 1)
        assert effects("PERSIST", "a") == ([], 0)


class TestKeys:
    """KEYS pattern."""

    def test_patterns(self, r: redis.Redis) -> None:
        r.mset({"one": 1, "two": 2, "three": 3, "": 0})
        assert sorted(r.keys("t*")) == [b"three", b"two"]
        assert len(r.keys("*")) == 4
        assert r.keys("[o]ne") == [b"one"]
        assert r.keys("?") == []


class TestRandomkey:
    """RANDOMKEY."""

    def test_reaches_all(self, r: redis.Redis) -> None:
        assert r.randomkey() is None
        r.mset({"a": 1, "b": 2, "c": 3})
        assert {r.randomkey() for _ in range(200)} == {b"a", b"b", b"c"}


class TestScan:
    """SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]."""

    def test_sees_everything(self, r: redis.Redis) -> None:
        names = {b"key:%d" % i for i in range(1000)}
        r.mset(dict.fromkeys(names, 1))
        assert set(r.scan_iter(count=7)) == names
        assert set(r.scan_iter(match="key:99*", count=100)) == {name for name in names if name.startswith(b"key:99")}

    def test_growth_and_shrinking_while_scanning(self, r: redis.Redis) -> None:
        """What stays from the first call to the last is seen, whatever comes and goes."""
        stay = {b"stay:%d" % i for i in range(500)}
        r.mset(dict.fromkeys(stay, 1))
        seen: set[bytes] = set()
        cursor, step = 0, 0
        while True:
            cursor, found = r.scan(cursor, count=5)
            seen.update(found)
            if cursor == 0:
                break
            step += 1
            names = [f"passing:{step % 40}:{i}" for i in range(50)]
            if step % 80 < 40:
                r.mset(dict.fromkeys(names, 1))
            else:
                r.delete(*names)
        assert stay <= seen

    def test_type(self, r: redis.Redis) -> None:
        fill(r)
        assert list(r.scan_iter(_type="list")) == [b"list"]

    def test_errors(self, raw: RawClient) -> None:
        assert raw("SCAN", "x") == Reply("-", b"ERR invalid cursor")
        assert raw("SCAN", 0, "COUNT", 0) == SYNTAX
        assert raw("SCAN", 0, "MATCH") == SYNTAX
        assert raw("SCAN", 2**64 - 1).kind == "*"


def outlive(raw: RawClient, key: str) -> None:
    """Put a key whose time is over and that nobody has looked at since."""
    raw("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    assert raw("SET", key, 1, "PX", 1) == OK
    begin = now = raw("TIME").plain()
    while int(now[0]) * 1000 + int(now[1]) // 1000 < int(begin[0]) * 1000 + int(begin[1]) // 1000 + 3:
        now = raw("TIME").plain()


@pytest.fixture
def over(raw: RawClient, connect: Callable[[], RawClient]) -> Iterator[RawClient]:
    """A listener to a database where z is over; l, s, x and y are a list, a string, a set and a sorted set."""
    for command in (("RPUSH", "l", 2, 1), ("SET", "s", 1), ("SADD", "x", "a"), ("ZADD", "y", 1, "a")):
        raw(*command)
    outlive(raw, "z")
    listener = connect()
    raw("CONFIG", "SET", "notify-keyspace-events", "EA")
    listener("PSUBSCRIBE", "__keyevent@0__:*")
    yield listener
    raw("DEBUG", "SET-ACTIVE-EXPIRE", 1)


def events(listener: RawClient) -> list[str]:
    """The events heard, as "expired z"."""
    heard = (reply.value for reply in listener.read_until(b"fence"))
    return [f"{event[2].value.split(b':')[1].decode()} {event[3].value.decode()}" for event in heard]


class TestExpiredKeys:
    """Keys whose time is over, with nobody to have noticed before the command."""

    @pytest.mark.parametrize(
        ("command", "event"),
        [
            ("SORT l STORE z", "sortstore z"),
            ("SUNIONSTORE z x", "sunionstore z"),
            ("BITOP AND z s", "set z"),
            ("ZUNIONSTORE z 1 y", "zunionstore z"),
            ("ZRANGESTORE z y 0 -1", "zrangestore z"),
        ],
    )
    def test_result_takes_the_place(self, raw: RawClient, over: RawClient, command: str, event: str) -> None:
        raw(*command.split())
        assert events(over) == ["expired z", event]

    @pytest.mark.parametrize(
        "command",
        ["SORT n STORE z", "SINTERSTORE z n", "BITOP AND z n", "ZINTERSTORE z 1 n", "ZRANGESTORE z n 0 -1"],
    )
    def test_empty_result_deletes(self, raw: RawClient, over: RawClient, command: str) -> None:
        assert raw(*command.split()) == integer(0)
        assert events(over) == ["del z"]

    @pytest.mark.parametrize("options", ["", "MATCH s", "TYPE list", "TYPE list MATCH a*"])
    def test_scan_ends_all_it_visits(self, raw: RawClient, over: RawClient, options: str) -> None:
        raw("SCAN", 0, "COUNT", 100, *options.split())
        assert events(over) == ["expired z"]


class TestSort:
    """SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC|DESC] [ALPHA] [STORE destination]."""

    def test_numbers(self, r: redis.Redis) -> None:
        r.rpush("l", 3, 1, "2.5", -7)
        assert r.sort("l") == [b"-7", b"1", b"2.5", b"3"]
        assert r.sort("l", desc=True, start=1, num=2) == [b"2.5", b"1"]

    def test_alpha(self, r: redis.Redis) -> None:
        r.sadd("s", "b", "a", "C")
        assert r.sort("s", alpha=True) == [b"C", b"a", b"b"]

    def test_by_and_get(self, r: redis.Redis) -> None:
        r.rpush("l", "a", "b", "c")
        r.mset({"w_a": 3, "w_b": 1, "w_c": 2})
        r.hset("h_a", "f", "A")
        assert r.sort("l", by="w_*", get=["#", "w_*", "h_*->f"]) == [b"b", b"1", None, b"c", b"2", None, b"a", b"3", b"A"]
        assert r.sort("l", by="nosort") == [b"a", b"b", b"c"]

    @pytest.mark.parametrize("fill", ["RPUSH k c a b", "ZADD k 1 c 2 a 3 b"])
    def test_unsorted_backwards(self, raw: RawClient, fill: str) -> None:
        """BY a pattern without a star keeps the order of a list and of a sorted set, DESC turns it round."""
        raw(*fill.split())
        assert raw("SORT", "k", "BY", "x").plain() == [b"c", b"a", b"b"]
        assert raw("SORT", "k", "BY", "x", "DESC").plain() == [b"b", b"a", b"c"]
        assert raw("SORT_RO", "k", "BY", "x", "DESC", "LIMIT", 1, 1, "GET", "#").plain() == [b"a"]
        assert raw("SORT", "k", "BY", "x", "BY", "y*").plain() == [b"c", b"a", b"b"]
        raw("SORT", "k", "BY", "x", "DESC", "LIMIT", 1, 5, "STORE", "d")
        assert raw("LRANGE", "d", 0, -1).plain() == [b"a", b"c"]

    def test_store(self, effects: Listener) -> None:
        effects("RPUSH", "l", 3, 1, 2)
        assert effects("SORT", "l", "STORE", "d") == (["new d", "sortstore d"], 3)
        assert effects("SORT", "missing", "STORE", "d") == (["keymiss missing", "del d"], 1)

    def test_errors(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "a")
        assert raw("SORT", "l") == Reply("-", b"ERR One or more scores can't be converted into double")
        assert raw("SORT", "l", "LIMIT", 1) == SYNTAX
        raw("SET", "s", 1)
        assert raw("SORT", "s") == Reply("-", b"WRONGTYPE Operation against a key holding the wrong kind of value")

    @pytest.mark.parametrize("text", [b" 1", b"\r", b"1 ", b"0x10", b"nan", b".", b"1e"])
    def test_what_is_no_number(self, raw: RawClient, text: bytes) -> None:
        raw("RPUSH", "l", text)
        assert raw("SORT", "l") == Reply("-", b"ERR One or more scores can't be converted into double")

    def test_laxly_read_numbers(self, raw: RawClient) -> None:
        """What overflows is infinite, what is too small is 0, and a NUL ends the text."""
        items = [b"-1e400", b"-1", b"", b"1e-5000", b"1\x00x", b"+2", b"1e5000"]
        raw("RPUSH", "l", *reversed(items))
        assert [item.value for item in raw("SORT", "l").value] in (items, [*items[:2], items[3], items[2], *items[4:]])


class TestSortLimit:
    """Where few of many are wanted, the others are dropped on the way: what is left is what sorting all of them leaves."""

    NUMBERS = tuple(i * 7919 % 500 for i in range(2000))

    @pytest.mark.parametrize("limit", [(0, 1), (0, 0), (5, 10), (100, 300), (900, 500), (1990, 100), (2000, 1)])
    @pytest.mark.parametrize("desc", [False, True])
    @pytest.mark.parametrize("numbers", [NUMBERS, sorted(NUMBERS), sorted(NUMBERS, reverse=True), (7,) * 2000])
    def test_is_a_part_of_all(self, r: redis.Redis, numbers: tuple[int, ...], limit: tuple[int, int], desc: bool) -> None:
        r.rpush("l", *numbers)
        start, num = limit
        for alpha in (False, True):
            whole = r.sort("l", desc=desc, alpha=alpha)
            assert whole == sorted((b"%d" % n for n in numbers), key=bytes if alpha else int, reverse=desc)
            assert r.sort("l", start=start, num=num, desc=desc, alpha=alpha) == whole[start : start + num]

    @pytest.mark.zippy_only
    def test_those_alike_stay_in_order(self, r: redis.Redis) -> None:
        r.rpush("l", *range(1000))
        found = r.sort("l", by="none_*", alpha=True, start=0, num=20)
        assert found == [b"%d" % i for i in range(20)]


class TestSortAlpha:
    """Texts are told apart by eight bytes behind what they have in common, or by all of them."""

    TEXTS = (
        b"common:b", b"common:a", b"common:", b"common:12345678b", b"common:12345678a", b"common:12345678", b"common:\xff", b"common:\x7f",
        b"common:1234567\x00", b"common:1234567", b"common:b\x01", b"common:12345678a" + b"x" * 100,
    )  # fmt: skip

    @pytest.mark.parametrize("texts", [TEXTS, (*TEXTS, b"comm"), (*TEXTS, b""), TEXTS[:1], (b"\x00b", b"\x00a", b"", b"\x00")])
    @pytest.mark.parametrize("desc", [False, True])
    def test_order(self, r: redis.Redis, texts: tuple[bytes, ...], desc: bool) -> None:
        r.rpush("l", *texts)
        found = r.sort("l", alpha=True, desc=desc)
        # what stands behind a NUL does not count
        assert [text.split(b"\0")[0] for text in found] == sorted((text.split(b"\0")[0] for text in texts), reverse=desc)
        assert sorted(found) == sorted(texts)
        r.sort("l", alpha=True, desc=desc, store="d")
        assert r.lrange("d", 0, -1) == sorted(texts, reverse=desc)

    @pytest.mark.parametrize("desc", [False, True])
    def test_order_by_weights(self, r: redis.Redis, desc: bool) -> None:
        """One that is not there comes before all others."""
        weights = {b"%d" % i: text for i, text in enumerate((*self.TEXTS, b""))}
        r.rpush("l", "none", *weights)
        for element, text in weights.items():
            r.set(b"w_" + element, text)
        found = r.sort("l", by="w_*", alpha=True, desc=desc, store="d") and r.lrange("d", 0, -1)
        assert found == sorted([b"none", *weights], key=lambda element: (element in weights, weights.get(element, b"")), reverse=desc)


class TestSortRo:
    """SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC|DESC] [ALPHA]."""

    def test_does_not_store(self, raw: RawClient) -> None:
        raw("RPUSH", "l", 2, 1)
        assert raw("SORT_RO", "l").plain() == [b"1", b"2"]
        assert raw("SORT_RO", "l", "STORE", "d") == SYNTAX


class TestObjectEncoding:
    """OBJECT ENCODING key."""

    def test_encodings(self, r: redis.Redis) -> None:
        fill(r)
        r.set("n", 12)
        found = [r.object("encoding", name) for name in ("string", "n", "list", "set", "hash")]
        assert found == [b"embstr", b"int", b"listpack", b"listpack", b"listpack"]
        assert r.object("encoding", "missing") is None


class TestObjectRefcount:
    """OBJECT REFCOUNT key."""

    def test_one(self, raw: RawClient) -> None:
        raw("RPUSH", "l", 1)
        assert raw("OBJECT", "REFCOUNT", "l") == integer(1)
        assert raw("OBJECT", "REFCOUNT", "missing") == NIL


class TestObjectIdletime:
    """OBJECT IDLETIME key."""

    @pytest.mark.zippy_only
    def test_grows(self, raw: RawClient) -> None:
        raw("DEBUG", "SET-CLOCK", 1_000_000_000_000_000)
        raw("SET", "a", 1)
        raw("DEBUG", "SET-CLOCK", 1_000_000_050_000_000)
        assert raw("OBJECT", "IDLETIME", "a") == integer(50)
        raw("GET", "a")
        assert raw("OBJECT", "IDLETIME", "a") == integer(0)
        raw("DEBUG", "SET-CLOCK", 0)


class TestObjectFreq:
    """OBJECT FREQ key."""

    def test_needs_lfu(self, raw: RawClient) -> None:
        raw("SET", "a", 1)
        assert raw("OBJECT", "FREQ", "a").value.startswith(b"ERR An LFU maxmemory policy is not selected")
        # a minute may end meanwhile
        raw("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu", "lfu-decay-time", 0)
        raw("SET", "b", 1)
        assert raw("OBJECT", "FREQ", "b") == integer(5)
        assert raw("OBJECT", "IDLETIME", "b").kind == "-"


class TestEviction:
    """maxmemory and its policies."""

    @pytest.mark.parametrize(
        "policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"]
    )
    @pytest.mark.zippy_only
    def test_policies(self, raw: RawClient, policy: str) -> None:
        used = int(dict(line.split(b":", 1) for line in raw("INFO", "memory").value.split(b"\r\n") if b":" in line)[b"used_memory"])
        raw("CONFIG", "SET", "maxmemory-policy", policy)
        raw("CONFIG", "SET", "maxmemory", used + 400_000)
        for i in range(2000):
            assert raw("SET", f"key:{i}", b"x" * 1000, "EX", 10_000 + i) == OK
        assert 50 < raw("DBSIZE").value < 500
        raw("CONFIG", "SET", "maxmemory", 0)

    def test_noeviction(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        raw("SET", "a", 1)
        raw("CONFIG", "SET", "maxmemory", 1)
        assert raw("SET", "b", 1) == Reply("-", b"OOM command not allowed when used memory > 'maxmemory'.")
        assert raw("GET", "a") == Reply("$", b"1")
        raw("MULTI")
        assert raw("SET", "b", 1) == Reply("-", b"OOM command not allowed when used memory > 'maxmemory'.")
        assert raw("EXEC") == Reply("-", b"EXECABORT Transaction discarded because of previous errors.")
        assert raw("DEL", "a") == integer(1)
        raw("CONFIG", "SET", "maxmemory", 0)

    def test_volatile_policies_spare_other_keys(self, raw: RawClient) -> None:
        raw("SET", "a", 1)
        raw("CONFIG", "SET", "maxmemory-policy", "volatile-lru")
        raw("CONFIG", "SET", "maxmemory", 1)
        assert raw("SET", "b", 1).kind == "-"
        assert raw("EXISTS", "a") == integer(1)
        raw("CONFIG", "SET", "maxmemory", 0)


class TestWaitaof:
    """WAITAOF numlocal numreplicas timeout. How it waits is tested with persistence."""

    def test_arguments(self, raw: RawClient) -> None:
        local = Reply("-", b"ERR value is out of range, value must between 0 and 1")
        replicas = Reply("-", b"ERR value is out of range, must be positive")
        timeout = Reply("-", b"ERR timeout is not an integer or out of range")
        for arguments, error in (
            ((2, 0, 0), local),
            ((-1, 0, 0), local),
            (("x", -1, "x"), Reply("-", b"ERR value is not an integer or out of range")),
            ((0, -1, 0), replicas),
            ((0, "x", "x"), replicas),
            ((0, 0, "x"), timeout),
            ((0, 0, "1.5"), timeout),
            ((0, 0, -1), Reply("-", b"ERR timeout is negative")),
            ((1, 0, -1), Reply("-", b"ERR timeout is negative")),
            ((0, 0, 2**63 - 1), Reply("-", b"ERR timeout is out of range")),
        ):
            assert raw("WAITAOF", *arguments) == error
        assert raw("WAITAOF", 1, 0) == Reply("-", b"ERR wrong number of arguments for 'waitaof' command")

    def test_without_a_log(self, raw: RawClient) -> None:
        raw("SET", "a", 1)
        assert raw("WAITAOF", 0, 0, 0).plain() == [0, 0]
        assert raw("WAITAOF", 1, 0, 0) == Reply("-", b"ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")
        assert raw("WAITAOF", 0, 1, 1).plain() == [0, 0]

    def test_in_a_transaction_it_does_not_wait(self, raw: RawClient) -> None:
        raw("MULTI")
        raw("SET", "a", 1)
        raw("WAITAOF", 0, 1, 0)
        assert raw("EXEC").plain() == [b"OK", [0, 0]]
