"""Hashes, with the expiry of fields."""

from tests.differential.groups.group import Group, commands, limit
from tests.differential.groups.randomly import picks, scans
from tests.differential.steps import Unit
from tests.differential.values import Source


def many(source: Source) -> Unit:
    """Enough fields in one command to step over an encoding's limit."""
    return commands((b"HSET", source.hkey(), *source.manypairs()))


GROUP = Group(
    "hash",
    "hash",
    """
    12  HSET key field val
    4   HSET key field small_number
    3   HSET key field real
    6   HSET key field val field val
    3   HMSET key field val [field val]
    5   HSETNX key field val
    5   HGET key field
    4   HMGET key field+
    4   HGETALL key
    2   HKEYS key
    2   HVALS key
    2   HLEN key
    3   HSTRLEN key field
    3   HEXISTS key field
    6   HDEL key field+
    6   HINCRBY key field integer
    8   HINCRBYFLOAT key field real
    4   HEXPIRE key sec [(NX|XX|GT|LT|'foo)] fields
    4   HPEXPIRE key ms [(NX|XX|GT|LT)] fields
    4   HEXPIREAT key at [(NX|XX|GT|LT)] fields
    4   HPEXPIREAT key msat [(NX|XX|GT|LT)] fields
    3   HTTL key fields
    2   HPTTL key fields
    2   HEXPIRETIME key fields
    2   HPEXPIRETIME key fields
    3   HPERSIST key fields
    4   HGETEX key [(EX sec|PX ms|EXAT at|PXAT msat|PERSIST)] fields
    3   HGETDEL key fields
    5   HSETEX key {(FNX|FXX)|(EX sec|PX ms|EXAT at|PXAT msat|KEEPTTL)} pairs
    1   HSETEX key {FNX|FXX|EX sec|KEEPTTL} pairs
    1   HGETEX key {EX sec|PERSIST} fields
    1   SORT key
    2   DEL key
    """,
    [(4, many), (1, limit("hash")), (4, picks(b"HGETALL", b"HRANDFIELD", "hkey", b"WITHVALUES")), (3, scans(b"HSCAN", "hkey"))],
)
