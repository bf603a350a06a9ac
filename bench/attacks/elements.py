"""Attacks on large lists, sets, hashes and sorted sets."""

from __future__ import annotations

from bench.attacks.attacker import Act, Arm, Attack, Attacker, Ground, chunks, on_copy, run, sent, sized, words
from bench.wire import Word, request

TYPES = ("list", "set", "hash", "zset")


def load(attacker: Attacker) -> None:
    """A value of each kind, and second ones of sets and sorted sets that have half of their members in common with the first."""
    size = attacker.size
    half = size // 2
    attacker.load(chunks(("RPUSH", "list"), lambda i: (f"item:{i:012d}",), size))
    attacker.load(chunks(("RPUSH", "same"), lambda i: ("x",), size))
    attacker.load(chunks(("RPUSH", "numbers"), lambda i: (i * 7919 % size,), size))
    attacker.load(chunks(("SADD", "set"), lambda i: (member(i),), size))
    attacker.load(chunks(("SADD", "set2"), lambda i: (member(i + half),), size))
    attacker.load(chunks(("HSET", "hash"), lambda i: (f"field:{i:012d}", f"value:{i:010d}"), size))
    attacker.load(chunks(("ZADD", "zset"), lambda i: (i * 7919 % size, member(i)), size))
    attacker.load(chunks(("ZADD", "zset2"), lambda i: (i * 7919 % size, member(i + half)), size))
    attacker.load(chunks(("ZADD", "lex"), lambda i: (0, member(i)), size))


def member(i: int) -> str:
    """A member of sets and sorted sets."""
    return f"member:{i:012d}"


def fields(count: int) -> list[str]:
    """The first fields of the hash."""
    return [f"field:{i:012d}" for i in range(count)]


def scored(size: int) -> list[Word]:
    """A tenth of the sorted set's scores and members."""
    return [word for i in range(size // 10) for word in (i * 7919 % size, member(i))]


def with_tenth(*command: Word) -> Arm:
    """Sends a command with a tenth of the members."""
    return sized(lambda size: (*command, *(member(i * 10) for i in range(size // 10))))


def tenth_on_copy(source: str, *command: Word) -> Arm:
    """The same, on `work`, a copy."""

    def arm(attacker: Attacker) -> Act:
        attacker.require("COPY", source, "work", "REPLACE")
        return with_tenth(*command)(attacker)

    return arm


def restored(source: str) -> Arm:
    """RESTORE of what DUMP gave."""

    def arm(attacker: Attacker) -> Act:
        dumped = attacker.require("DUMP", source)
        assert isinstance(dumped, bytes)
        data = request("RESTORE", "work", 0, dumped)
        return lambda: run(attacker.client, data)

    return arm


LISTS = (
    Attack("LRANGE of all", words("LRANGE", "list", 0, -1)),
    Attack("LINDEX in the middle", sized(lambda size: ("LINDEX", "list", size // 2))),
    Attack("LSET in the middle", sized(lambda size: ("LSET", "numbers", size // 2, "another and longer value"))),
    Attack("LPOS of none", words("LPOS", "list", "absent")),
    Attack("LPOS COUNT 0 of all", words("LPOS", "same", "x", "COUNT", 0)),
    Attack("LINSERT at none", words("LINSERT", "list", "BEFORE", "absent", "x")),
    Attack("LREM of none", words("LREM", "list", 0, "absent")),
    Attack("LREM of all", on_copy("same", "LREM", "work", 0, "x")),
    Attack("LTRIM of nearly all", on_copy("list", "LTRIM", "work", -1, -1)),
    Attack("LPOP of all", on_copy("list", "LPOP", "work", 1 << 40)),
    Attack("RPOP of all", on_copy("list", "RPOP", "work", 1 << 40)),
    Attack("LMPOP of all", on_copy("list", "LMPOP", 1, "work", "LEFT", "COUNT", 1 << 40)),
    Attack("RPUSH of many", with_tenth("RPUSH", "work")),
    Attack("LPUSH of many", with_tenth("LPUSH", "work")),
)  # fmt: skip
SETS = (
    Attack("SMEMBERS", words("SMEMBERS", "set")),
    Attack("SSCAN COUNT of all", words("SSCAN", "set", 0, "COUNT", 1 << 40)),
    Attack("SSCAN COUNT of all, hostile MATCH", words("SSCAN", "set", 0, "COUNT", 1 << 40, "MATCH", "*0*0*0*0*x")),
    Attack("SUNION", words("SUNION", "set", "set2")),
    Attack("SUNION of one ten times", words("SUNION", *["set"] * 10)),
    Attack("SUNIONSTORE", words("SUNIONSTORE", "work", "set", "set2")),
    Attack("SINTER", words("SINTER", "set", "set2")),
    Attack("SINTERSTORE", words("SINTERSTORE", "work", "set", "set2")),
    Attack("SINTERCARD", words("SINTERCARD", 2, "set", "set2")),
    Attack("SINTERCARD of one ten times", words("SINTERCARD", 10, *["set"] * 10)),
    Attack("SDIFF", words("SDIFF", "set", "set2")),
    Attack("SDIFF by the same", words("SDIFF", "set", "set")),
    Attack("SDIFFSTORE", words("SDIFFSTORE", "work", "set", "set2")),
    Attack("SRANDMEMBER of nearly all", sized(lambda size: ("SRANDMEMBER", "set", size - 1))),
    Attack("SRANDMEMBER, a half", sized(lambda size: ("SRANDMEMBER", "set", size // 2))),
    Attack("SRANDMEMBER, negative", sized(lambda size: ("SRANDMEMBER", "set", -size))),
    Attack("SPOP of all", on_copy("set", "SPOP", "work", 1 << 40)),
    Attack("SPOP of a half", lambda attacker: on_copy("set", "SPOP", "work", attacker.size // 2)(attacker)),
    Attack("SPOP of nearly all", lambda attacker: on_copy("set", "SPOP", "work", attacker.size - 10)(attacker)),
    Attack("SADD of many", with_tenth("SADD", "work")),
    Attack("SREM of many", tenth_on_copy("set", "SREM", "work")),
    Attack("SMISMEMBER of many", with_tenth("SMISMEMBER", "set")),
)  # fmt: skip
HASHES = (
    Attack("HGETALL", words("HGETALL", "hash")),
    Attack("HKEYS", words("HKEYS", "hash")),
    Attack("HVALS", words("HVALS", "hash")),
    Attack("HSCAN COUNT of all", words("HSCAN", "hash", 0, "COUNT", 1 << 40)),
    Attack("HRANDFIELD of nearly all", sized(lambda size: ("HRANDFIELD", "hash", size - 1, "WITHVALUES"))),
    Attack("HRANDFIELD, negative", sized(lambda size: ("HRANDFIELD", "hash", -size, "WITHVALUES"))),
    Attack("HSET of many", sized(lambda size: ("HSET", "work", *(word for i in range(size // 10) for word in (member(i), i))))),
    Attack("HMGET of many", sized(lambda size: ("HMGET", "hash", *(f"field:{i * 10:012d}" for i in range(size // 10))))),
    Attack("HDEL of many", lambda attacker: on_copy("hash", "HDEL", "work", *fields(attacker.size // 10))(attacker)),
    Attack("HDEL of all", lambda attacker: on_copy("hash", "HDEL", "work", *fields(attacker.size))(attacker)),
    Attack("HGETDEL of many", lambda attacker: on_copy(
        "hash", "HGETDEL", "work", "FIELDS", attacker.size // 10, *fields(attacker.size // 10))(attacker)),
)  # fmt: skip
SORTED_SETS = (
    Attack("ZRANGE of all WITHSCORES", words("ZRANGE", "zset", 0, -1, "WITHSCORES")),
    Attack("ZREVRANGE of all WITHSCORES", words("ZREVRANGE", "zset", 0, -1, "WITHSCORES")),
    Attack("ZRANGEBYSCORE of all", words("ZRANGEBYSCORE", "zset", "-inf", "+inf", "WITHSCORES")),
    Attack("ZRANGEBYSCORE with a far LIMIT", sized(lambda size: ("ZRANGEBYSCORE", "zset", "-inf", "+inf", "LIMIT", size - 1, 1))),
    Attack("ZRANGEBYLEX of all", words("ZRANGEBYLEX", "lex", "-", "+")),
    Attack("ZRANGEBYLEX with a far LIMIT", sized(lambda size: ("ZRANGEBYLEX", "lex", "-", "+", "LIMIT", size - 1, 1))),
    Attack("ZREVRANGEBYLEX with a far LIMIT", sized(lambda size: ("ZREVRANGEBYLEX", "lex", "+", "-", "LIMIT", size - 1, 1))),
    Attack("ZLEXCOUNT", words("ZLEXCOUNT", "lex", "-", "+")),
    Attack("ZCOUNT", words("ZCOUNT", "zset", "-inf", "+inf")),
    Attack("ZRANGESTORE of all", words("ZRANGESTORE", "work", "zset", 0, -1)),
    Attack("ZRANGESTORE BYLEX", words("ZRANGESTORE", "work", "lex", "-", "+", "BYLEX")),
    Attack("ZREMRANGEBYRANK of all", on_copy("zset", "ZREMRANGEBYRANK", "work", 0, -1)),
    Attack("ZREMRANGEBYRANK of nearly all", on_copy("zset", "ZREMRANGEBYRANK", "work", 1, -1)),
    Attack("ZREMRANGEBYSCORE of all", on_copy("zset", "ZREMRANGEBYSCORE", "work", "-inf", "+inf")),
    Attack("ZREMRANGEBYLEX of all", on_copy("lex", "ZREMRANGEBYLEX", "work", "-", "+")),
    Attack("ZUNION", words("ZUNION", 2, "zset", "zset2", "WITHSCORES")),
    Attack("ZUNIONSTORE", words("ZUNIONSTORE", "work", 2, "zset", "zset2")),
    Attack("ZUNIONSTORE of sets", words("ZUNIONSTORE", "work", 2, "set", "set2")),
    Attack("ZUNIONSTORE of one ten times", words("ZUNIONSTORE", "work", 10, *["zset"] * 10)),
    Attack("ZINTER", words("ZINTER", 2, "zset", "zset2", "WITHSCORES")),
    Attack("ZINTERSTORE", words("ZINTERSTORE", "work", 2, "zset", "zset2")),
    Attack("ZINTERSTORE of sets", words("ZINTERSTORE", "work", 2, "set", "set2")),
    Attack("ZINTERCARD", words("ZINTERCARD", 2, "zset", "zset2")),
    Attack("ZDIFF", words("ZDIFF", 2, "zset", "zset2", "WITHSCORES")),
    Attack("ZDIFFSTORE", words("ZDIFFSTORE", "work", 2, "zset", "zset2")),
    Attack("ZRANDMEMBER of nearly all", sized(lambda size: ("ZRANDMEMBER", "zset", size - 1, "WITHSCORES"))),
    Attack("ZRANDMEMBER, negative", sized(lambda size: ("ZRANDMEMBER", "zset", -size, "WITHSCORES"))),
    Attack("ZPOPMIN of all", on_copy("zset", "ZPOPMIN", "work", 1 << 40)),
    Attack("ZMPOP of all", on_copy("zset", "ZMPOP", 1, "work", "MAX", "COUNT", 1 << 40)),
    Attack("ZSCAN COUNT of all", words("ZSCAN", "zset", 0, "COUNT", 1 << 40)),
    Attack("ZADD of many", sized(lambda size: ("ZADD", "work", *scored(size)))),
    Attack("ZREM of many", tenth_on_copy("zset", "ZREM", "work")),
    Attack("ZMSCORE of many", with_tenth("ZMSCORE", "zset")),
)  # fmt: skip
SORTS = (
    Attack("SORT of numbers", words("SORT", "numbers")),
    Attack("SORT with LIMIT", words("SORT", "numbers", "LIMIT", 0, 1)),
    Attack("SORT ALPHA", words("SORT", "list", "ALPHA")),
    Attack("SORT BY keys GET keys", words("SORT", "list", "BY", "weight:*", "GET", "data:*")),
    Attack("SORT BY hash fields", words("SORT", "list", "BY", "hash->*", "GET", "hash->*", "ALPHA")),
    Attack("SORT BY nosort GET", words("SORT", "list", "BY", "nosort", "GET", "#")),
    Attack("SORT of a set ALPHA", words("SORT", "set", "ALPHA")),
    Attack("SORT of a sorted set BY nosort", words("SORT", "zset", "BY", "nosort")),
    Attack("SORT STORE", words("SORT", "numbers", "STORE", "work")),
)
WHOLE = tuple(
    attack
    for kind in TYPES
    for attack in (
        Attack(f"COPY of a {kind}", words("COPY", kind, "work")),
        Attack(f"RENAME of a {kind} onto another", lambda attacker, kind=kind: (  # type: ignore[misc]
            attacker.require("COPY", kind, "work2", "REPLACE"), on_copy(kind, "RENAME", "work", "work2")(attacker))[1]),
        Attack(f"DUMP of a {kind}", words("DUMP", kind)),
        Attack(f"RESTORE of a {kind}", restored(kind)),
        Attack(f"DEL of a {kind}", on_copy(kind, "DEL", "work")),
        Attack(f"UNLINK of a {kind}", on_copy(kind, "UNLINK", "work")),
        Attack(f"SET over a {kind}", on_copy(kind, "SET", "work", "x")),
        Attack(f"PEXPIREAT of a {kind} in the past", on_copy(kind, "PEXPIREAT", "work", 1)),
        Attack(f"MEMORY USAGE of a {kind} SAMPLES 0", words("MEMORY", "USAGE", kind, "SAMPLES", 0)),
    )
)  # fmt: skip
REPEATED = (
    Attack("pipeline of 1,000 LRANGE of 10,000", sent(request("LRANGE", "list", 0, 9999) * 1000)),
    Attack("pipeline of 10,000 LRANGE of 100", sent(request("LRANGE", "list", 0, 99) * 10_000)),
    Attack("pipeline of 1,000 LPOS of 10,000", sent(request("LPOS", "list", "absent", "MAXLEN", 10_000) * 1000)),
    Attack("pipeline of 10,000 SRANDMEMBER", sent(request("SRANDMEMBER", "set", 10) * 10_000)),
    Attack("pipeline of 10,000 LINDEX in the middle", lambda attacker: sent(
        request("LINDEX", "list", attacker.size // 2) * 10_000)(attacker)),
)
ELEMENTS = Ground("elements", load, LISTS + SETS + HASHES + SORTED_SETS + SORTS + WHOLE + REPEATED)
