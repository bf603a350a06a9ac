"""Sets."""

from tests.differential.groups.group import Group, commands, limit
from tests.differential.groups.randomly import picks, scans, spop
from tests.differential.steps import Unit
from tests.differential.values import Source


def many(source: Source) -> Unit:
    """Enough members in one command to step over an encoding's limit."""
    return commands((b"SADD", source.xkey(), *source.manymembers()))


GROUP = Group(
    "set",
    "set",
    """
    10  SADD key smallint+
    10  SADD key member+
    3   SADD key val+
    8   SREM key member+
    3   SCARD key
    3   SMEMBERS key
    5   SISMEMBER key member
    4   SMISMEMBER key member+
    6   SMOVE key key member
    4   SINTER key+
    4   SUNION key+
    4   SDIFF key+
    3   SINTERSTORE key key+
    3   SUNIONSTORE key key+
    3   SDIFFSTORE key key+
    4   SINTERCARD xkeys [LIMIT count]
    2   SORT key {(ASC|DESC)|ALPHA|limit}
    2   DEL key
    """,
    [(4, many), (1, limit("set")), (4, spop), (4, picks(b"SMEMBERS", b"SRANDMEMBER", "xkey")), (3, scans(b"SSCAN", "xkey"))],
)
