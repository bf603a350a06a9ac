"""MULTI, EXEC, DISCARD, WATCH and UNWATCH, with a second connection that changes watched keys."""

from __future__ import annotations

from tests.differential.grammar import compile_template
from tests.differential.groups.around import around
from tests.differential.groups.group import Group, mangle, written
from tests.differential.steps import Step, Unit
from tests.differential.values import Source

QUEUED = """
    SET skey shortval
    GET skey
    INCR skey
    INCRBY skey integer
    APPEND skey shortval
    RPUSH lkey item+
    LPOP lkey count
    LRANGE lkey 0 -1
    BLPOP lkey+ 0.01
    BLMOVE lkey lkey LEFT RIGHT 0.01
    SADD xkey member+
    SMEMBERS xkey
    SREM xkey member+
    ZADD zkey scored+
    ZRANGE zkey 0 -1 WITHSCORES
    BZPOPMIN zkey+ 0.01
    HSET hkey field shortval
    HGETALL hkey
    DEL anykey+
    EXISTS anykey+
    RENAME anykey anykey
    EXPIREAT skey at
    PEXPIRETIME skey
    PING
    ECHO val
    SELECT 0
    FLUSHDB
    DBSIZE
    SUBSCRIBE
    'nosuch 'a 'b
    SET skey
    GET skey 'a
    WATCH skey
    MULTI
    UNWATCH
    SWAPDB 0 1
    TYPE anykey
    OBJECT ENCODING anykey
"""
QUEUED_WRITERS = [compile_template(text) for text in QUEUED.strip().splitlines()]


def queued(source: Source) -> tuple[bytes, ...]:
    """A command to queue, now and then a wrong one (which spoils the transaction)."""
    args = list(written(source, source.random.choice(QUEUED_WRITERS)))
    if source.random.random() < 0.02:
        mangle(source, args)
    return tuple(args)


def change(source: Source) -> Step:
    """A change that the other connection makes."""
    return Step(queued(source) if source.random.random() < 0.3 else (b"INCR", source.skey()), 1)


def transaction(source: Source) -> Unit:
    """WATCH perhaps, changes perhaps, MULTI, commands, changes perhaps, and an end."""
    random = source.random
    steps: list[Step] = []
    if random.random() < 0.6:
        steps.append(Step((b"WATCH", *(source.anykey() for _ in range(random.randint(1, 3))))))
        if random.random() < 0.1:
            steps.append(Step((b"UNWATCH",)))
        if random.random() < 0.4:
            steps.append(change(source))
        if random.random() < 0.2:
            steps.append(Step(queued_safely(source)))
    steps.append(Step((b"MULTI",)))
    steps += [Step(queued_safely(source) if random.random() < 0.8 else queued(source)) for _ in range(random.randint(0, 6))]
    if random.random() < 0.3:
        steps.append(change(source))
    steps.append(Step((random.choice([b"EXEC", b"EXEC", b"EXEC", b"EXEC", b"DISCARD"]),)))
    return Unit(tuple(steps))


SAFE = ("INCR skey", "SET skey shortval", "RPUSH lkey item+", "SADD xkey member+", "GET skey", "DEL anykey", "HSET hkey field shortval")
SAFE_WRITERS = [compile_template(text) for text in SAFE]


def queued_safely(source: Source) -> tuple[bytes, ...]:
    """A command that is right in form, so that the transaction runs."""
    return written(source, source.random.choice(SAFE_WRITERS))


def stray(source: Source) -> Unit:
    """EXEC, DISCARD and UNWATCH where no transaction was begun, and wrong arities."""
    line = source.random.choice(
        [(b"EXEC",), (b"DISCARD",), (b"UNWATCH",), (b"EXEC", b"a"), (b"MULTI", b"a"), (b"WATCH",), (b"DISCARD", b"a"), (b"RESET",)]
    )
    return Unit((Step(line),))


GROUP = Group("transactions", "string", "", [(20, transaction), (2, stray), (6, around)])
