"""Expiry of hashes' fields, under a clock that is set: fields come to their end between commands, and a listener hears of it."""

from __future__ import annotations

from tests.differential.groups.expiry import later, listen
from tests.differential.groups.group import Group, commands, limit
from tests.differential.groups.randomly import picks, scans
from tests.differential.steps import Unit
from tests.differential.values import Source


def many(source: Source) -> Unit:
    """Enough fields in one command to step over an encoding's limit, and an expiry for some of them."""
    pairs = source.manypairs()
    fields = pairs[: source.random.choice((2, 8)) : 2]
    key = source.hkey()
    ms = b"%d" % source.random.choice((1, 1000, 5000, 100_000))
    return commands((b"HSET", key, *pairs), (b"HPEXPIRE", key, ms, b"FIELDS", b"%d" % len(fields), *fields))


def exchange(source: Source) -> Unit:
    """Each side gets the other's DUMP of a hash."""
    return commands((b"DUMP", source.hkey()), check="exchange")


GROUP = Group(
    "hash_expiry",
    "hash",
    """
    12  HSET key field val
    4   HSET key field small_number
    5   HSET key field shortval field shortval field shortval
    2   HMSET key field val [field val]
    4   HSETNX key field val
    8   HGET key field
    5   HMGET key field+
    5   HGETALL key
    2   HKEYS key
    2   HVALS key
    3   HLEN key
    3   HSTRLEN key field
    3   HEXISTS key field
    6   HDEL key field+
    5   HINCRBY key field integer
    5   HINCRBYFLOAT key field real
    8   HEXPIRE key sec [(NX|XX|GT|LT|'foo)] fields
    8   HPEXPIRE key ms [(NX|XX|GT|LT)] fields
    6   HEXPIREAT key at [(NX|XX|GT|LT)] fields
    6   HPEXPIREAT key msat [(NX|XX|GT|LT)] fields
    4   HTTL key fields
    3   HPTTL key fields
    3   HEXPIRETIME key fields
    3   HPEXPIRETIME key fields
    4   HPERSIST key fields
    6   HGETEX key [(EX sec|PX ms|EXAT at|PXAT msat|PERSIST)] fields
    4   HGETDEL key fields
    8   HSETEX key {(FNX|FXX)|(EX sec|PX ms|EXAT at|PXAT msat|KEEPTTL)} pairs
    1   HSETEX key {FNX|FXX|EX sec|PX ms|KEEPTTL} pairs
    1   HSETEX key {FIELDS|FNX|EX sec|field|small_number}
    1   HGETEX key {EX sec|PX ms|PERSIST|FIELDS|small_number} fields
    1   HEXPIRE key sec {NX|XX|GT} fields
    2   OBJECT ENCODING key
    2   COPY key key [REPLACE]
    2   RENAME key key
    1   SORT lkey BY 'h0->a GET 'h1->b
    1   PEXPIRE key ms
    1   PERSIST key
    2   DEL key
    """,
    [
        (4, many), (1, limit("hash")), (3, picks(b"HGETALL", b"HRANDFIELD", "hkey", b"WITHVALUES")), (3, scans(b"HSCAN", "hkey")),
        (2, exchange), (25, later), (1, listen),
    ],
    listens=True,
    clock=True,
)  # fmt: skip
