"""Clients that block on lists and sorted sets, several at once, and everything that may serve them: pushes, stores, renames, other
databases, transactions, keys of another type.
"""

from __future__ import annotations

from tests.differential.steps import Step, Unit
from tests.differential.values import Source

LISTS = [b"bl0", b"bl1", b"bl2"]
SORTED = [b"bz0", b"bz1", b"bz2"]
WAITERS = (1, 2, 3)
LONG = b"9"
"""Seconds: longer than a unit takes, whose last commands serve every client that is left."""


def waits_for_lists(source: Source) -> tuple[bytes, ...]:
    """A command that blocks while the lists it names are not there."""
    one, two = source.pick(LISTS), source.pick(LISTS)
    sides = source.pick([b"LEFT", b"RIGHT"]), source.pick([b"LEFT", b"RIGHT"])
    forms: list[tuple[bytes, ...]] = [
        (b"BLPOP", one, LONG),
        (b"BLPOP", one, two, LONG),
        (b"BRPOP", one, two, LONG),
        (b"BLMOVE", one, two, *sides, LONG),
        (b"BRPOPLPUSH", one, two, LONG),
        (b"BLMPOP", LONG, b"1", one, sides[0]),
        (b"BLMPOP", LONG, b"2", one, two, sides[1], b"COUNT", source.pick([b"1", b"2", b"5"])),
    ]
    return source.random.choice(forms)


def waits_for_sorted_sets(source: Source) -> tuple[bytes, ...]:
    """The same for sorted sets."""
    one, two = source.pick(SORTED), source.pick(SORTED)
    end = source.pick([b"MIN", b"MAX"])
    forms: list[tuple[bytes, ...]] = [
        (b"BZPOPMIN", one, LONG),
        (b"BZPOPMAX", one, two, LONG),
        (b"BZMPOP", LONG, b"1", one, end),
        (b"BZMPOP", LONG, b"2", one, two, end, b"COUNT", source.pick([b"1", b"2", b"5"])),
    ]
    return source.random.choice(forms)


def serves(source: Source, keys: list[bytes]) -> list[tuple[bytes, ...]]:
    """Commands that may serve who waits for these keys."""
    pick, key, other = source.pick, source.pick(keys), source.pick(keys)
    add: tuple[bytes, ...] = (b"RPUSH", key, source.item(), source.item()) if keys is LISTS else (b"ZADD", key, b"1", b"a", b"2", b"b")
    kept = b"kept list" if keys is LISTS else b"kept zset"
    forms: list[list[tuple[bytes, ...]]] = [
        [add],
        [add],
        [(b"MULTI",), add, add, (b"EXEC",)],
        [(b"MULTI",), add, (b"DEL", key), (b"EXEC",)],
        [(b"MULTI",), add, (b"RENAME", key, other), (b"EXEC",)],
        [(b"MULTI",), (b"DEL", key), (b"SET", key, b"text"), (b"EXEC",)],
        [(b"LPUSH", b"kept list", b"k1", b"k2"), (b"ZADD", b"kept zset", b"1", b"k1")],
        [(b"RENAME", kept, key)],
        [(b"COPY", kept, key, b"REPLACE")],
        [(b"SORT", b"kept list", b"ALPHA", b"STORE", key)],
        [(b"ZUNIONSTORE", key, b"1", b"kept zset")],
        [(b"ZRANGESTORE", key, b"kept zset", b"0", b"-1")],
        [(b"LMOVE", b"kept list", key, b"LEFT", b"RIGHT")],
        [(b"SET", key, b"text")],
        [(b"SADD", key, b"m")],
        [(b"DEL", key)],
        [(b"PEXPIRE", key, b"-1")],
        [(b"SELECT", b"1"), add, (b"MOVE", key, b"0"), (b"SELECT", b"0")],
        # one key alone: of several that come with SWAPDB, which is served first is not defined
        [(b"SELECT", b"1"), (b"FLUSHDB",), add, (b"SELECT", b"0"), (b"SWAPDB", b"0", b"1")],
        [(b"SELECT", b"1"), (b"FLUSHDB",), (b"SELECT", b"0"), (b"SWAPDB", b"1", b"0")],
        [(b"FLUSHDB", pick([b"SYNC", b"ASYNC"]))],
    ]
    return source.random.choice(forms)


def blocked(source: Source, keys: list[bytes]) -> Unit:
    """Some clients block, some commands may serve them, and at the end there is enough for all."""
    random = source.random
    wait = waits_for_lists if keys is LISTS else waits_for_sorted_sets
    steps = [Step((b"DEL", *keys))]
    if random.random() < 0.3:
        steps += [Step(command) for command in serves(source, keys)]
    for connection in random.sample(WAITERS, random.choice((1, 2, 2, 3))):
        steps.append(Step(wait(source), connection, wait=False))
        if random.random() < 0.2:
            steps += [Step(command) for command in serves(source, keys)]
    for _ in range(random.choice((1, 1, 2, 3))):
        steps += [Step(command) for command in serves(source, keys)]
    steps += [Step((b"EXISTS", *keys))]
    for key in keys:
        last = [b"RPUSH", key] if keys is LISTS else [b"ZADD", key]
        for number in range(16):
            last += [b"last %d" % number] if keys is LISTS else [b"%d" % number, b"last %d" % number]
        steps += [Step((b"DEL", *keys)), Step(tuple(last))]
    return Unit((*steps, Step((b"DEL", *keys, b"kept list", b"kept zset"))), True)


def blocked_on_lists(source: Source) -> Unit:
    """Clients that wait for lists."""
    return blocked(source, LISTS)


def blocked_on_sorted_sets(source: Source) -> Unit:
    """Clients that wait for sorted sets."""
    return blocked(source, SORTED)
