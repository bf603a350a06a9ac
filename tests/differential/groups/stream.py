"""Streams, under a clock that is set, since ids, idle times and what XINFO tells are made of the time; with clients that wait for entries,
for themselves and for groups.
"""

from __future__ import annotations

from tests.differential.groups.expiry import later
from tests.differential.groups.group import Group, commands, limit
from tests.differential.steps import Step, Unit
from tests.differential.values import Source

WAITED = [b"bt0", b"bt1", b"bt2"]
KEPT = b"kept stream"
GROUP_NAME = b"wg"
WAITERS = (1, 2, 3)
FOR_EVER = [b"0", b"9000", b"900000"]
"""Milliseconds: longer than a unit takes, whose last commands serve every client that is left."""


def many(source: Source) -> Unit:
    """Enough entries to begin some blocks."""
    key = source.tkey()
    count = source.random.choice((4, 7, 10) if source.small else (20, 99, 101, 230))
    lines = [(b"XADD", key, source.addid(), *source.pairsof()) for _ in range(count)]
    return commands(*lines, (b"XINFO", b"STREAM", key))


def group_of_its_own(source: Source) -> Unit:
    """A group reads all of a stream, acknowledges and deletes some of it, and everything is told."""
    key, name = source.tkey(), source.groupname()
    return commands(
        (b"XGROUP", b"CREATE", key, name, b"0", b"MKSTREAM"),
        (b"XREADGROUP", b"GROUP", name, source.consumer(), b"COUNT", source.count(), b"STREAMS", key, b">"),
        (b"XREADGROUP", b"GROUP", name, source.consumer(), b"STREAMS", key, b">"),
        (b"XACK", key, name, source.streamid(), source.streamid(), source.streamid()),
        (b"XDEL", key, source.streamid(), source.streamid()),
        (b"XPENDING", key, name, b"-", b"+", b"100"),
        (b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"),
    )


def waits(source: Source) -> tuple[bytes, ...]:
    """A command that waits for entries, for a group or not."""
    pick = source.pick
    keys = source.random.sample(WAITED, source.random.choice((1, 1, 2, 3)))
    block = (b"BLOCK", pick(FOR_EVER))
    count = (b"COUNT", pick([b"1", b"2", b"10"])) if source.random.random() < 0.3 else ()
    if source.random.random() < 0.6:
        ack = (b"NOACK",) if source.random.random() < 0.2 else ()
        who = (b"GROUP", GROUP_NAME, pick([b"w1", b"w2", b"w3"]))
        return (b"XREADGROUP", *who, *count, *block, *ack, b"STREAMS", *keys, *(b">" for _ in keys))
    # no +: Redis 8.2.3 looks again for the last entry when it wakes a client, so of two that came at once it tells one
    places = [pick([b"$", b"$", b"$", b"0", b"5", b"5-5", b"100"]) for _ in keys]
    return (b"XREAD", *block, *count, b"STREAMS", *keys, *places)


def serves(source: Source) -> list[tuple[bytes, ...]]:
    """Commands that may serve who waits, or tell it that there is nothing to wait for."""
    pick, key, other = source.pick, source.pick(WAITED), source.pick(WAITED)
    source.added += 2
    add = (b"XADD", key, b"%d-*" % source.added, *source.pairsof())
    second = (b"XADD", pick([key, other]), b"%d-*" % source.added, b"f", b"v")
    make = (b"XGROUP", b"CREATE", key, GROUP_NAME, pick([b"$", b"0"]), b"MKSTREAM")
    forms: list[list[tuple[bytes, ...]]] = [
        [add],
        [add],
        [add, second],
        [(b"MULTI",), add, second, (b"EXEC",)],
        [(b"MULTI",), add, (b"XDEL", key, b"%d-0" % source.added), (b"EXEC",)],
        [(b"MULTI",), add, (b"DEL", key), (b"EXEC",)],
        [(b"MULTI",), (b"DEL", key), make, (b"EXEC",)],
        [(b"MULTI",), (b"DEL", key), (b"SET", key, b"text"), (b"EXEC",)],
        [(b"MULTI",), add, (b"RENAME", key, other), (b"EXEC",)],
        [(b"XADD", key, b"MAXLEN", b"0", b"%d-1" % source.added, b"f", b"v")],
        [(b"XTRIM", key, b"MAXLEN", b"0")],
        [(b"XDEL", key, b"%d-0" % source.added)],
        [(b"XGROUP", b"DESTROY", key, GROUP_NAME)],
        [make],
        [(b"XGROUP", b"SETID", key, GROUP_NAME, pick([b"0", b"$"]))],
        [(b"XGROUP", b"DELCONSUMER", key, GROUP_NAME, pick([b"w1", b"w2"]))],
        [(b"XREADGROUP", b"GROUP", GROUP_NAME, b"w4", b"STREAMS", key, b">")],
        [(b"XCLAIM", key, GROUP_NAME, b"w4", b"0", b"%d-0" % source.added, b"FORCE")],
        [(b"XSETID", key, b"%d" % (source.added + 1))],
        [(b"XADD", KEPT, b"%d-1" % source.added, b"k", b"v"), (b"RENAME", KEPT, key)],
        [(b"XGROUP", b"CREATE", KEPT, GROUP_NAME, b"0", b"MKSTREAM"), (b"XADD", KEPT, b"*", b"k", b"v"), (b"COPY", KEPT, key, b"REPLACE")],
        [(b"SET", key, b"text")],
        [(b"RPUSH", key, b"item")],
        [(b"DEL", key)],
        [(b"UNLINK", key, other)],
        [(b"PEXPIRE", key, b"-1")],
        [(b"MOVE", key, b"1")],
        [(b"SELECT", b"1"), add, (b"MOVE", key, b"0"), (b"SELECT", b"0")],
        [(b"SELECT", b"1"), (b"FLUSHDB",), add, (b"SELECT", b"0"), (b"SWAPDB", b"0", b"1")],
        [(b"SELECT", b"1"), (b"FLUSHDB",), (b"SELECT", b"0"), (b"SWAPDB", b"1", b"0")],
        [(b"FLUSHDB", pick([b"SYNC", b"ASYNC"]))],
        [(b"FLUSHALL",)],
    ]
    return source.random.choice(forms)


def blocked(source: Source) -> Unit:
    """Some clients wait, some commands may serve them, and at the end nobody waits any more."""
    random = source.random
    steps = [Step((b"DEL", *WAITED, KEPT))]
    for key in WAITED:
        if random.random() < 0.8:
            steps.append(Step((b"XGROUP", b"CREATE", key, GROUP_NAME, b"0", b"MKSTREAM")))
    if random.random() < 0.4:
        steps += [Step(command) for command in serves(source)]
    for connection in random.sample(WAITERS, random.choice((1, 2, 2, 3))):
        steps.append(Step(waits(source), connection, wait=False))
        if random.random() < 0.3:
            steps += [Step(command) for command in serves(source)]
    for _ in range(random.choice((1, 1, 2, 3))):
        steps += [Step(command) for command in serves(source)]
    for key in WAITED:
        steps += [
            Step((b"XINFO", b"STREAM", key, b"FULL")),
            Step((b"DEL", key)),
            Step((b"XADD", key, b"18446744073709551615-1", b"f", b"v")),
        ]
    return Unit((*steps, Step((b"DEL", *WAITED, KEPT))), True)


GROUP = Group(
    "stream",
    "stream",
    """
    25  XADD tkey addid pairsof
    6   XADD tkey {NOMKSTREAM|(KEEPREF|DELREF|ACKED)|trimming} addid pairsof
    6   XADD tkey trimming [(KEEPREF|DELREF|ACKED)] addid pairsof
    1   XADD tkey {LIMIT count|trimming|trimming|KEEPREF|ACKED|'foo} addid 'f
    4   XTRIM tkey trimming [(KEEPREF|DELREF|ACKED)]
    1   XTRIM tkey {(KEEPREF|DELREF|ACKED)|trimming|LIMIT count|NOMKSTREAM}
    3   XLEN tkey
    8   XRANGE tkey rangestart rangeend [COUNT count]
    8   XREVRANGE tkey rangeend rangestart [COUNT count]
    2   XRANGE tkey - +
    6   XREAD {COUNT count} plainreads
    1   XREAD {COUNT count|NOACK|GROUP groupname consumer|BLOCK 'a|'foo} plainreads
    5   XDEL tkey streamid+
    4   XDELEX tkey [(KEEPREF|DELREF|ACKED)] ids
    1   XDELEX tkey {KEEPREF|DELREF|ids|'foo}
    4   XACKDEL tkey groupname [(KEEPREF|DELREF|ACKED)] ids
    1   XACKDEL tkey groupname {KEEPREF|DELREF|ids|'foo}
    3   XSETID tkey streamid {ENTRIESADDED count|MAXDELETEDID streamid}
    6   XGROUP CREATE tkey groupname (0|$|streamid) {MKSTREAM|ENTRIESREAD count}
    2   XGROUP CREATE tkey groupname 0 MKSTREAM
    3   XGROUP SETID tkey groupname (0|$|streamid) [ENTRIESREAD count]
    2   XGROUP CREATECONSUMER tkey groupname consumer
    2   XGROUP DELCONSUMER tkey groupname consumer
    1   XGROUP DESTROY tkey groupname
    25  XREADGROUP GROUP groupname consumer {COUNT count|NOACK} groupreads
    2   XREADGROUP {GROUP groupname consumer|COUNT count|NOACK|BLOCK 'a|'foo} groupreads
    8   XACK tkey groupname streamid+
    4   XPENDING tkey groupname
    8   XPENDING tkey groupname [IDLE idle] rangestart rangeend count [consumer]
    10  XCLAIM tkey groupname consumer idle streamid+ {IDLE idle|TIME moment|RETRYCOUNT count|FORCE|JUSTID|LASTID streamid|'foo}
    10  XAUTOCLAIM tkey groupname consumer idle rangestart {COUNT safecount|JUSTID}
    6   XINFO STREAM tkey
    12  XINFO STREAM tkey FULL [COUNT safecount]
    4   XINFO GROUPS tkey
    4   XINFO CONSUMERS tkey groupname
    1   XINFO STREAM tkey {FULL|COUNT count|'foo}
    1   COPY tkey tkey [REPLACE]
    1   RENAME tkey tkey
    1   OBJECT ENCODING tkey
    1   DEL tkey
    """,
    [(12, later), (3, many), (4, group_of_its_own), (2, limit("stream")), (6, blocked)],
    clock=True,
    timed=True,
)
