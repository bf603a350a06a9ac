"""Sorted sets, with the blocking commands in forms that answer at once or are served by a second connection."""

from tests.differential.groups.blocking import LONG, blocked_on_sorted_sets
from tests.differential.groups.group import Group, commands, limit
from tests.differential.groups.randomly import picks, scans
from tests.differential.steps import Step, Unit
from tests.differential.values import Source


def many(source: Source) -> Unit:
    """Enough members in one command to step over an encoding's limit."""
    return commands((b"ZADD", source.zkey(), *source.manyscored()))


def many_equal(source: Source) -> Unit:
    """The same for a sorted set of equal scores."""
    return commands((b"ZADD", source.ykey(), *(item for member in source.manymembers() for item in (b"0", member))))


def blocked_and_served(source: Source) -> Unit:
    """A client blocks on an empty sorted set and another one adds."""
    key = source.zkey()
    waits = source.random.choice(
        [
            (b"BZPOPMIN", key, LONG),
            (b"BZPOPMAX", b"nothing", key, LONG),
            (b"BZMPOP", LONG, b"2", b"nothing", key, source.pick([b"MIN", b"MAX"]), b"COUNT", b"2"),
        ]
    )
    add = (b"ZADD", key, *source.scored(), *source.scored(), b"1", b"sure")
    return Unit((Step((b"DEL", key)), Step((b"ZADD", key, b"2", b"x")), Step((b"DEL", key)), Step(waits, 1, wait=False), Step(add),
                 Step((b"ZADD", key, b"1", b"sure"))), True)  # fmt: skip


GROUP = Group(
    "sorted_set",
    "zset",
    """
    14  ZADD key scored+
    8   ZADD key {(NX|XX)|(GT|LT)|CH|INCR} scored+
    4   ZADD key {NX|XX|GT|LT|CH|INCR} scored
    6   ZINCRBY key real member
    6   ZREM key member+
    3   ZCARD key
    4   ZSCORE key member
    4   ZMSCORE key member+
    4   ZRANK key member [WITHSCORE]
    4   ZREVRANK key member [WITHSCORE]
    4   ZCOUNT key scorebound scorebound
    3   ZLEXCOUNT ykey lexbound lexbound
    6   ZRANGE key index index {WITHSCORES|REV}
    6   ZRANGE key scorebound scorebound {BYSCORE|WITHSCORES|REV|limit}
    4   ZRANGE ykey lexbound lexbound BYLEX {WITHSCORES|REV|limit}
    3   ZRANGE ykey rangebound rangebound {BYSCORE|BYLEX|WITHSCORES|REV|limit}
    4   ZRANGE key rangebound rangebound {BYSCORE|WITHSCORES|REV|limit}
    4   ZRANGESTORE key key rangebound rangebound {BYSCORE|REV|limit}
    3   ZRANGESTORE key ykey lexbound lexbound {BYLEX|REV|limit}
    10  ZADD ykey 0 word [0 word] [0 word]
    3   ZREM ykey word+
    1   SET 'nozset val
    3   ZREVRANGE key index index [WITHSCORES]
    4   ZRANGEBYSCORE key scorebound scorebound {WITHSCORES|limit}
    4   ZREVRANGEBYSCORE key scorebound scorebound {WITHSCORES|limit}
    3   ZRANGEBYLEX ykey lexbound lexbound [limit]
    3   ZREVRANGEBYLEX ykey lexbound lexbound [limit]
    3   ZREMRANGEBYRANK key index index
    3   ZREMRANGEBYSCORE key scorebound scorebound
    3   ZREMRANGEBYLEX ykey lexbound lexbound
    4   ZPOPMIN key [count]
    4   ZPOPMAX key [count]
    3   ZMPOP zonlykeys (MIN|MAX|'foo) [COUNT count]
    4   ZUNION zkeys {weights|AGGREGATE (SUM|MIN|MAX|'foo)|WITHSCORES}
    4   ZINTER zkeys {weights|AGGREGATE (SUM|MIN|MAX)|WITHSCORES}
    3   ZDIFF zkeys [WITHSCORES]
    4   ZUNIONSTORE key zkeys {weights|AGGREGATE (SUM|MIN|MAX|'foo)}
    4   ZINTERSTORE key zkeys {weights|AGGREGATE (SUM|MIN|MAX)}
    3   ZDIFFSTORE key zkeys
    3   ZINTERCARD zkeys [LIMIT count]
    1   BZPOPMIN key+ timeout
    1   BZPOPMAX key+ timeout
    1   BZMPOP timeout zonlykeys (MIN|MAX) [COUNT count]
    2   SADD xkey member+
    1   SORT key {(ASC|DESC)|ALPHA|limit}
    1   DEL key
    """,
    [
        (4, many),
        (1, limit("zset")),
        (2, many_equal),
        (1, blocked_and_served),
        (1, blocked_on_sorted_sets),
        (4, picks(b"ZRANGE", b"ZRANDMEMBER", "zkey", b"WITHSCORES")),
        (3, scans(b"ZSCAN", "zkey")),
    ],
)
