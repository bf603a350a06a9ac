"""The list group."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tests.commands.blocking import wait_blocked
from tests.listening import Listener
from tests.replies import NIL, NIL_ARRAY, NOT_AN_INTEGER, SYNTAX, WRONG_TYPE, bulk, integer
from tests.resp import RawClient, Reply

BIG = b"x" * 10_000  # larger than a listpack takes

pytestmark = pytest.mark.usefixtures("encoding")


class TestLpush:
    """LPUSH key element [element ...]."""

    def test_order_and_length(self, r: redis.Redis) -> None:
        assert r.lpush("l", "a", "b", "c") == 3
        assert r.lrange("l", 0, -1) == [b"c", b"b", b"a"]

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "s", 1)
        assert raw("LPUSH", "s", "a") == WRONG_TYPE

    def test_effects(self, effects: Listener) -> None:
        assert effects("LPUSH", "l", "a", "b") == (["new l", "lpush l"], 2)
        assert effects("LPUSH", "l", "c") == (["lpush l"], 1)


class TestRpush:
    """RPUSH key element [element ...]."""

    def test_order(self, r: redis.Redis) -> None:
        assert r.rpush("l", "a", "1", BIG) == 3
        assert r.lrange("l", 0, -1) == [b"a", b"1", BIG]

    def test_encoding_follows_size(self, r: redis.Redis) -> None:
        r.config_set("list-max-listpack-size", 4)
        r.rpush("l", *range(4))
        assert r.object("encoding", "l") == b"listpack"
        r.rpush("l", 5)
        assert r.object("encoding", "l") == b"quicklist"
        r.ltrim("l", 0, 1)
        assert r.object("encoding", "l") == b"listpack"

    def test_many(self, r: redis.Redis) -> None:
        items = [b"item:%d" % i for i in range(3000)]
        r.rpush("l", *items)
        assert r.lrange("l", 0, -1) == items
        assert r.lrange("l", 1495, 1504) == items[1495:1505]


class TestLpushx:
    """LPUSHX key element [element ...]."""

    def test_only_existing(self, r: redis.Redis) -> None:
        assert r.lpushx("l", "a") == 0
        r.lpush("l", "a")
        assert r.lpushx("l", "b") == 2


class TestRpushx:
    """RPUSHX key element [element ...]."""

    def test_only_existing(self, r: redis.Redis) -> None:
        assert r.rpushx("l", "a") == 0
        assert r.exists("l") == 0
        r.lpush("l", "a")
        assert r.rpushx("l", "b") == 2


class TestLlen:
    """LLEN key."""

    def test_length(self, raw: RawClient) -> None:
        assert raw("LLEN", "l") == integer(0)
        raw("RPUSH", "l", "a", "b")
        assert raw("LLEN", "l") == integer(2)
        raw("SET", "s", 1)
        assert raw("LLEN", "s") == WRONG_TYPE


class TestLindex:
    """LINDEX key index."""

    def test_both_ends(self, r: redis.Redis) -> None:
        r.rpush("l", "a", "b", 3, BIG)
        assert [r.lindex("l", i) for i in (0, 2, 3, -1, -4, 4, -5)] == [b"a", b"3", BIG, BIG, b"a", None, None]

    def test_bad_index(self, raw: RawClient) -> None:
        assert raw("LINDEX", "l", "x") == NIL
        raw("RPUSH", "l", "a")
        assert raw("LINDEX", "l", "x") == NOT_AN_INTEGER


class TestLrange:
    """LRANGE key start stop."""

    def test_bounds(self, r: redis.Redis) -> None:
        r.rpush("l", *"abcde")
        assert r.lrange("l", 1, 3) == [b"b", b"c", b"d"]
        assert r.lrange("l", -2, 100) == [b"d", b"e"]
        assert r.lrange("l", -100, 0) == [b"a"]
        assert r.lrange("l", 3, 1) == r.lrange("l", 5, 9) == r.lrange("missing", 0, -1) == []

    def test_bad_bounds(self, raw: RawClient) -> None:
        assert raw("LRANGE", "l", "a", 1) == NOT_AN_INTEGER


class TestLset:
    """LSET key index element."""

    def test_replaces(self, r: redis.Redis) -> None:
        r.rpush("l", "a", "b", "c")
        r.lset("l", 1, BIG)
        r.lset("l", -1, 7)
        assert r.lrange("l", 0, -1) == [b"a", BIG, b"7"]
        r.lset("l", 1, "b")
        assert r.lrange("l", 0, -1) == [b"a", b"b", b"7"]

    @pytest.mark.parametrize("size", [8180, 8190, 9000])
    def test_encoding_of_few_large_elements(self, r: redis.Redis, size: int) -> None:
        """A list that is limited by count is a listpack again when it has few elements, whatever bytes: as Redis 8.2 does."""
        r.config_set("list-max-listpack-size", 4)
        r.rpush("l", "a", "a")
        r.lset("l", 0, "b" * size)
        assert r.object("encoding", "l") == (b"listpack" if size <= 8192 else b"quicklist")
        r.lset("l", 0, "b")
        assert r.object("encoding", "l") == b"listpack"
        assert r.lrange("l", 0, -1) == [b"b", b"a"]

    def test_errors(self, raw: RawClient) -> None:
        assert raw("LSET", "l", 0, "a") == Reply("-", b"ERR no such key")
        raw("RPUSH", "l", "a")
        assert raw("LSET", "l", 1, "b") == Reply("-", b"ERR index out of range")
        assert raw("LSET", "l", "x", "b") == NOT_AN_INTEGER


class TestLinsert:
    """LINSERT key BEFORE|AFTER pivot element."""

    def test_beside_the_pivot(self, r: redis.Redis) -> None:
        r.rpush("l", "a", "c", "c")
        assert r.linsert("l", "BEFORE", "c", "b") == 4
        assert r.linsert("l", "AFTER", "c", BIG) == 5
        assert r.lrange("l", 0, -1) == [b"a", b"b", b"c", BIG, b"c"]
        assert r.linsert("l", "AFTER", "nope", "x") == -1
        assert r.linsert("missing", "AFTER", "a", "x") == 0

    def test_syntax(self, raw: RawClient) -> None:
        assert raw("LINSERT", "l", "BESIDE", "a", "b") == SYNTAX


class TestLtrim:
    """LTRIM key start stop."""

    def test_keeps_the_range(self, r: redis.Redis) -> None:
        r.rpush("l", *"abcdef")
        r.ltrim("l", 1, -2)
        assert r.lrange("l", 0, -1) == [b"b", b"c", b"d", b"e"]

    def test_nothing_left(self, effects: Listener) -> None:
        effects("RPUSH", "l", "a", "b")
        assert effects("LTRIM", "l", 5, 9) == (["ltrim l", "del l"], 2)
        assert effects("LTRIM", "l", 0, 1) == ([], 0)


class TestLrem:
    """LREM key count element."""

    def test_directions(self, r: redis.Redis) -> None:
        r.rpush("l", "a", "b", "a", "b", "a", "1", "a")
        assert r.lrem("l", 2, "a") == 2
        assert r.lrem("l", -1, "a") == 1
        assert r.lrange("l", 0, -1) == [b"b", b"b", b"a", b"1"]
        assert r.lrem("l", 0, "b") == 2
        assert r.lrem("l", 0, "1") == 1
        assert r.lrem("l", 1, "a") == 1
        assert r.exists("l") == 0

    def test_effects(self, effects: Listener) -> None:
        effects("RPUSH", "l", "a", "a")
        assert effects("LREM", "l", 0, "x") == ([], 0)
        assert effects("LREM", "l", 0, "a") == (["lrem l", "del l"], 2)


class TestLpos:
    """LPOS key element [RANK rank] [COUNT n] [MAXLEN len]."""

    def test_options(self, r: redis.Redis) -> None:
        r.rpush("l", *"abcabcabc")
        assert r.lpos("l", "b") == 1
        assert r.lpos("l", "b", rank=2) == 4
        assert r.lpos("l", "b", rank=-1) == 7
        assert r.lpos("l", "b", count=0) == [1, 4, 7]
        assert r.lpos("l", "b", rank=-1, count=2) == [7, 4]
        assert r.lpos("l", "b", maxlen=1) is None
        assert r.lpos("l", "b", count=0, maxlen=5) == [1, 4]
        assert r.lpos("missing", "b", count=0) == []

    def test_errors(self, raw: RawClient) -> None:
        assert raw("LPOS", "l", "a", "RANK", 0).value.startswith(b"ERR RANK can't be zero")
        assert raw("LPOS", "l", "a", "COUNT", -1) == Reply("-", b"ERR COUNT can't be negative")
        assert raw("LPOS", "l", "a", "MAXLEN", -1) == Reply("-", b"ERR MAXLEN can't be negative")
        assert raw("LPOS", "l", "a", "RANK") == SYNTAX


class TestLpop:
    """LPOP key [count]."""

    def test_one_and_several(self, r: redis.Redis) -> None:
        r.rpush("l", "a", 2, "c", "d")
        assert r.lpop("l") == b"a"
        assert r.lpop("l", 2) == [b"2", b"c"]
        assert r.lpop("l", 0) == []
        assert r.lpop("l", 10) == [b"d"]
        assert r.lpop("l") is None
        assert r.lpop("l", 1) is None

    def test_errors(self, raw: RawClient) -> None:
        assert raw("LPOP", "l", -1) == Reply("-", b"ERR value is out of range, must be positive")
        assert raw("LPOP", "l", 1, 1) == Reply("-", b"ERR wrong number of arguments for 'lpop' command")
        assert raw("LPOP", "l", 1) == NIL_ARRAY

    def test_effects(self, effects: Listener) -> None:
        effects("RPUSH", "l", "a", "b")
        assert effects("LPOP", "l") == (["lpop l"], 1)
        assert effects("LPOP", "l") == (["lpop l", "del l"], 1)
        assert effects("LPOP", "l") == ([], 0)


class TestRpop:
    """RPOP key [count]."""

    def test_from_the_tail(self, r: redis.Redis) -> None:
        r.rpush("l", "a", "b", BIG)
        assert r.rpop("l") == BIG
        assert r.rpop("l", 5) == [b"b", b"a"]


class TestLmpop:
    """LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT n]."""

    def test_first_list_that_is_there(self, r: redis.Redis) -> None:
        r.rpush("b", 1, 2, 3)
        assert r.lmpop(2, "a", "b", direction="LEFT", count=2) == [b"b", [b"1", b"2"]]
        assert r.lmpop(2, "a", "b", direction="RIGHT") == [b"b", [b"3"]]
        assert r.lmpop(1, "b", direction="LEFT") is None

    def test_errors(self, raw: RawClient) -> None:
        assert raw("LMPOP", 0, "a", "LEFT") == Reply("-", b"ERR numkeys should be greater than 0")
        assert raw("LMPOP", 1, "a", "LEFT", "COUNT", 0) == Reply("-", b"ERR count should be greater than 0")
        assert raw("LMPOP", 2, "a", "LEFT") == SYNTAX
        assert raw("LMPOP", 1, "a", "UP") == SYNTAX


class TestRpoplpush:
    """RPOPLPUSH source destination."""

    def test_moves_and_rotates(self, r: redis.Redis) -> None:
        r.rpush("a", 1, 2, 3)
        assert r.rpoplpush("a", "b") == b"3"
        assert r.rpoplpush("a", "a") == b"2"
        assert r.lrange("a", 0, -1) == [b"2", b"1"]
        assert r.rpoplpush("missing", "b") is None

    def test_effects(self, effects: Listener) -> None:
        effects("RPUSH", "a", 1)
        assert effects("RPOPLPUSH", "a", "b") == (["new b", "lpush b", "rpop a", "del a"], 1)


class TestLmove:
    """LMOVE source destination LEFT|RIGHT LEFT|RIGHT."""

    def test_all_ends(self, r: redis.Redis) -> None:
        r.rpush("a", 1, 2, 3, 4)
        assert r.lmove("a", "b", "LEFT", "RIGHT") == b"1"
        assert r.lmove("a", "b", "RIGHT", "LEFT") == b"4"
        assert r.lmove("a", "b", "RIGHT", "RIGHT") == b"3"
        assert r.lmove("a", "a", "LEFT", "LEFT") == b"2"
        assert r.lrange("b", 0, -1) == [b"4", b"1", b"3"]

    def test_errors(self, raw: RawClient) -> None:
        assert raw("LMOVE", "a", "b", "LEFT", "UP") == SYNTAX
        raw("RPUSH", "a", 1)
        raw("SET", "s", 1)
        assert raw("LMOVE", "a", "s", "LEFT", "LEFT") == WRONG_TYPE
        assert raw("LLEN", "a") == integer(1)


class TestBlpop:
    """BLPOP key [key ...] timeout."""

    def test_many_keys(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        """Twice as many keys take twice as long: nothing is looked for among all that is waited for."""
        keys = [f"k{i}" for i in range(150_000)]
        first, second = connect(), connect()
        for client in (first, second):
            client.send("BLPOP", *keys, *keys[:10], 0)
        wait_blocked(raw, 2)
        second.close()
        wait_blocked(raw, 1)
        raw("RPUSH", keys[-1], "x")
        assert first.read() == Reply("*", (Reply("$", keys[-1].encode()), Reply("$", b"x")))

    def test_key_named_twice(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        first, second = connect(), connect()
        for client in (first, second):
            client.send("BLPOP", "a", "b", "a", "a", 0)
            wait_blocked(raw, 1 if client is first else 2)
        raw("RPUSH", "a", "x", "y", "z")
        assert [client.read().value[1].value for client in (first, second)] == [b"x", b"y"]
        assert raw("LRANGE", "a", 0, -1) == Reply("*", (Reply("$", b"z"),))

    def test_at_once(self, r: redis.Redis) -> None:
        r.rpush("b", "x")
        assert list(r.blpop(["a", "b"], 1)) == [b"b", b"x"]

    def test_waits(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        first, second = connect(), connect()
        first.send("BLPOP", "l", 0)
        wait_blocked(raw, 1)
        second.send("BLPOP", "l", 0)
        wait_blocked(raw, 2)
        raw("RPUSH", "l", "a", "b", "c")
        assert first.read() == Reply("*", (bulk(b"l"), bulk(b"a")))
        assert second.read() == Reply("*", (bulk(b"l"), bulk(b"b")))
        assert raw("LRANGE", "l", 0, -1) == Reply("*", (bulk(b"c"),))

    def test_in_vain(self, raw: RawClient) -> None:
        assert raw("BLPOP", "l", "0.01") == NIL_ARRAY

    def test_in_a_transaction(self, raw: RawClient) -> None:
        raw("MULTI")
        raw("BLPOP", "l", 0)
        assert raw("EXEC") == Reply("*", (NIL_ARRAY,))

    def test_other_type_wakes_nobody(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        waiting = connect()
        waiting.send("BLPOP", "l", 0)
        wait_blocked(raw, 1)
        raw("SADD", "l", "x")
        raw("DEL", "l")
        raw("RPUSH", "l", "y")
        assert waiting.read() == Reply("*", (bulk(b"l"), bulk(b"y")))

    def test_timeouts(self, raw: RawClient) -> None:
        assert raw("BLPOP", "l", -1) == Reply("-", b"ERR timeout is negative")
        assert raw("BLPOP", "l", "x") == Reply("-", b"ERR timeout is not a float or out of range")
        assert raw("BLPOP", "l", "1e30") == Reply("-", b"ERR timeout is out of range")

    def test_pushed_in_a_transaction(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        """The waiting client sees what the whole transaction left."""
        waiting = connect()
        waiting.send("BLPOP", "l", 0)
        wait_blocked(raw, 1)
        for words in (("MULTI",), ("RPUSH", "l", "a"), ("LPUSH", "l", "b"), ("EXEC",)):
            raw(*words)
        assert waiting.read() == Reply("*", (bulk(b"l"), bulk(b"b")))


class TestBrpop:
    """BRPOP key [key ...] timeout."""

    def test_waits(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        waiting = connect()
        waiting.send("BRPOP", "a", "b", 0)
        wait_blocked(raw, 1)
        raw("RPUSH", "b", 1, 2)
        assert waiting.read() == Reply("*", (bulk(b"b"), bulk(b"2")))


class TestBlmpop:
    """BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT n]."""

    def test_waits(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        waiting = connect()
        waiting.send("BLMPOP", 0, 2, "a", "b", "RIGHT", "COUNT", 2)
        wait_blocked(raw, 1)
        raw("RPUSH", "b", 1, 2, 3)
        assert waiting.read() == Reply("*", (bulk(b"b"), Reply("*", (bulk(b"3"), bulk(b"2")))))
        assert raw("BLMPOP", "0.01", 1, "a", "LEFT") == NIL_ARRAY


class TestBrpoplpush:
    """BRPOPLPUSH source destination timeout."""

    def test_waits(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        waiting = connect()
        waiting.send("BRPOPLPUSH", "a", "b", 0)
        wait_blocked(raw, 1)
        raw("RPUSH", "a", 1, 2)
        assert waiting.read() == bulk(b"2")
        assert raw("LRANGE", "b", 0, -1) == Reply("*", (bulk(b"2"),))


class TestBlmove:
    """BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout."""

    def test_chain(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        """What one waiting client moves, another one waits for."""
        first, second = connect(), connect()
        first.send("BLMOVE", "a", "b", "LEFT", "RIGHT", 0)
        wait_blocked(raw, 1)
        second.send("BLPOP", "b", 0)
        wait_blocked(raw, 2)
        raw("RPUSH", "a", "x")
        assert first.read() == bulk(b"x")
        assert second.read() == Reply("*", (bulk(b"b"), bulk(b"x")))

    def test_in_vain(self, raw: RawClient) -> None:
        assert raw("BLMOVE", "a", "b", "LEFT", "LEFT", "0.01") == NIL_ARRAY
        raw("MULTI")
        raw("BLMOVE", "a", "b", "LEFT", "LEFT", 0)
        assert raw("EXEC") == Reply("*", (NIL,))
