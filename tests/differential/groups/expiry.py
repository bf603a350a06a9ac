"""Expiry of keys, under a clock that is set: keys come to their end between commands, and a listener hears of it.

Where the clock can't be set all the times are far away or past, so that replies don't depend on when a command runs.
"""

from __future__ import annotations

from tests.differential.groups import transactions
from tests.differential.groups.data import DATA
from tests.differential.groups.group import Group
from tests.differential.steps import LISTENERS, Step, Unit
from tests.differential.values import Source

OTHERS = (*DATA, transactions.GROUP)


def unfit(unit: Unit) -> bool:
    """True for what may wait for its time to be over (where the clock stands that never is), and what ends keys at random."""
    return any(not step.wait or step.name.startswith(("BL", "BR", "BZ", "RANDOMKEY")) for step in unit.steps)


def other(source: Source) -> Unit:
    """A unit of another group: it meets keys that are over."""
    key_type = source.key_type
    group = source.random.choice(OTHERS)
    source.key_type = group.key_type
    unit = group.unit(source)
    source.key_type = key_type
    return other(source) if unfit(unit) else unit


def later(source: Source) -> Unit:
    """Time passes."""
    ms = source.random.choice((1, 1, 499, 500, 999, 1000, 1001, 2000, 5000, 30_000)) if source.clock else 0
    source.now_ms += ms
    return Unit((Step((b"CLOCK", b"%d" % ms), check="clock"),), True)


def listen(source: Source) -> Unit:
    """The listener hears all events, or those of keys that expire."""
    flags = source.pick([b"KEAn", b"KEA", b"Ex", b"KEgxn", b""])
    return Unit(
        (Step((b"CONFIG", b"SET", b"notify-keyspace-events", flags)), Step((b"PSUBSCRIBE", b"__key*"), LISTENERS[0])),
    )


GROUP = Group(
    "expiry",
    "string",
    """
    8   SET anykey shortval
    4   SET key val (EXAT at|PXAT msat|KEEPTTL|EX sec|PX ms)
    2   SET key val {(NX|XX)|GET|(EX sec|PX ms|EXAT at|PXAT msat|KEEPTTL)}
    3   RPUSH lkey item+
    3   SADD xkey member+
    3   ZADD zkey scored+
    3   HSET hkey field shortval
    10  EXPIREAT anykey at {(NX|XX)|(GT|LT)}
    10  PEXPIREAT anykey msat {(NX|XX)|(GT|LT)}
    4   PEXPIREAT anykey msat {NX|XX|GT|LT|'foo}
    6   EXPIRE anykey sec [(NX|XX|GT|LT)]
    6   PEXPIRE anykey ms [(NX|XX|GT|LT)]
    4   TTL anykey
    4   PTTL anykey
    6   EXPIRETIME anykey
    6   PEXPIRETIME anykey
    5   PERSIST anykey
    3   RENAME anykey anykey
    2   RENAMENX anykey anykey
    3   COPY anykey anykey {REPLACE|DB database}
    3   GETEX key [(EX sec|PX ms|EXAT at|PXAT msat|PERSIST)]
    1   GETSET key shortval
    1   GETDEL key
    2   INCR key
    2   APPEND key shortval
    1   SETRANGE key 0 'x
    2   SETEX key sec shortval
    2   PSETEX key ms shortval
    1   MSET key shortval key shortval
    1   SINTERSTORE anykey xkey+
    1   SORT lkey STORE anykey
    3   HPEXPIREAT hkey msat [(NX|XX|GT|LT)] fields
    3   HEXPIREAT hkey at [(NX|XX|GT|LT)] fields
    2   HEXPIRE hkey sec [(NX|XX|GT|LT)] fields
    2   HPEXPIRE hkey ms [(NX|XX|GT|LT)] fields
    2   HTTL hkey fields
    2   HPTTL hkey fields
    2   HPEXPIRETIME hkey fields
    2   HPERSIST hkey fields
    2   HSETEX hkey [(EX sec|PX ms|EXAT at|PXAT msat|KEEPTTL)] pairs
    2   HGETEX hkey [(EX sec|PX ms|EXAT at|PXAT msat|PERSIST)] fields
    2   EXISTS anykey+
    2   TOUCH anykey+
    1   DBSIZE
    1   KEYS *
    """,
    [(25, other), (25, later), (1, listen)],
    listens=True,
    clock=True,
)
