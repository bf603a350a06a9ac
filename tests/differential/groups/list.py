"""Lists, with the blocking commands in forms that answer at once or are served by a second connection."""

from tests.differential.groups.blocking import LONG, blocked_on_lists
from tests.differential.groups.group import Group, commands, limit
from tests.differential.steps import Step, Unit
from tests.differential.values import Source


def blocked_and_served(source: Source) -> Unit:
    """A client blocks on an empty list and another one pushes."""
    key, other = source.lkey(), source.lkey()
    side = source.pick([b"LEFT", b"RIGHT"])
    waits = source.random.choice(
        [
            (b"BLPOP", key, LONG),
            (b"BRPOP", other + b"-empty", key, LONG),
            (b"BLMOVE", key, other, side, b"LEFT", LONG),
            (b"BRPOPLPUSH", key, other, LONG),
            (b"BLMPOP", LONG, b"2", other + b"-empty", key, side, b"COUNT", b"2"),
        ]
    )
    push = (source.pick([b"RPUSH", b"LPUSH"]), key, source.item(), source.item())
    return Unit((Step((b"DEL", key)), Step(waits, 1, wait=False), Step(push), Step((b"LRANGE", key, b"0", b"-1"))), True)


def served_in_turn(source: Source) -> Unit:
    """Two clients block on one list and are served in the order in which they came; the push comes from a transaction."""
    key = source.lkey()
    first = Step((b"BLPOP", key, LONG), 1, wait=False)
    second = Step((b"BRPOP", key, LONG), 2, wait=False)
    pushes = commands((b"MULTI",), (b"RPUSH", key, b"1"), (b"RPUSH", key, b"2", b"3"), (b"EXEC",)).steps
    return Unit((Step((b"DEL", key)), first, second, *pushes, Step((b"LRANGE", key, b"0", b"-1"))), True)


def many(source: Source) -> Unit:
    """Enough items in one command to step over the limit of a listpack or of a node."""
    return commands((source.pick([b"RPUSH", b"LPUSH"]), source.lkey(), *source.manymembers()))


GROUP = Group(
    "list",
    "list",
    """
    12  RPUSH key item+
    12  LPUSH key item+
    4   RPUSH key val+
    4   LPUSHX key item+
    4   RPUSHX key item+
    6   LPOP key [count]
    6   RPOP key [count]
    3   LLEN key
    6   LRANGE key index index
    6   LINDEX key index
    6   LSET key index val
    6   LINSERT key (BEFORE|AFTER|'foo) item val
    6   LREM key index item
    5   LTRIM key index index
    8   LPOS key item {RANK index|COUNT count|MAXLEN count}
    4   LMOVE key key (LEFT|RIGHT|'foo) (LEFT|RIGHT)
    3   RPOPLPUSH key key
    4   LMPOP lkeys (LEFT|RIGHT) [COUNT count]
    1   BLPOP key+ timeout
    1   BRPOP key+ timeout
    1   BLMOVE key key (LEFT|RIGHT) (LEFT|RIGHT) timeout
    1   BRPOPLPUSH key key timeout
    1   BLMPOP timeout lkeys (LEFT|RIGHT) [COUNT count]
    3   SORT key {(ASC|DESC)|ALPHA|limit}
    1   DEL key
    """,
    [(3, many), (1, limit("list")), (1, blocked_and_served), (1, served_in_turn), (1, blocked_on_lists)],
)
