"""Commands on keys of any type."""

from tests.differential.groups.group import Group, commands
from tests.differential.groups.randomly import scans
from tests.differential.steps import Unit
from tests.differential.values import Source


def exchange(source: Source) -> Unit:
    """DUMP on both sides and RESTORE of the other side's payload."""
    return commands((b"DUMP", source.anykey()), check="exchange")


def bad_restore(source: Source) -> Unit:
    """RESTORE of bytes that are no payload."""
    payload = source.pick(
        [b"", b"a", b"\x00" * 9, b"\x00" * 10, b"\x00\x01a\x0b\x00" + b"\x00" * 8, b"\x00\x01a\xff\xff" + b"\x00" * 8, b"x" * 100]
    )
    options = source.random.sample(
        [[b"REPLACE"], [b"ABSTTL"], [b"IDLETIME", source.count()], [b"FREQ", source.count()], [b"foo"]], source.random.randint(0, 2)
    )
    return commands((b"RESTORE", source.anykey(), source.ms(), payload, *(word for option in options for word in option)))


GROUP = Group(
    "keys",
    "any",
    """
    6   SET anykey val
    4   SET skey integer
    4   HSET hkey field shortval
    4   HSET hkey ('a|'foo) shortval
    4   RPUSH lkey item+
    3   RPUSH lkey smallint+
    4   SADD xkey member+
    4   ZADD zkey scored+
    3   XADD 't0 5-1 'a 'b
    6   DEL anykey+
    4   UNLINK anykey+
    4   EXISTS anykey+
    3   TOUCH anykey+
    6   TYPE anykey
    6   RENAME anykey anykey
    4   RENAMENX anykey anykey
    8   COPY anykey anykey {DB database|REPLACE}
    4   MOVE anykey database
    3   SWAPDB database database
    2   SELECT database
    3   KEYS pattern
    2   DBSIZE
    1   FLUSHDB [(SYNC|ASYNC|'foo)]
    4   EXPIREAT anykey at [(NX|XX|GT|LT|'foo)]
    4   PEXPIREAT anykey msat [(NX|XX|GT|LT)]
    3   EXPIRE anykey sec
    3   EXPIRETIME anykey
    3   PEXPIRETIME anykey
    3   TTL anykey
    3   PTTL anykey
    3   PERSIST anykey
    6   OBJECT ENCODING anykey
    1   OBJECT REFCOUNT anykey
    1   OBJECT FREQ anykey
    1   OBJECT 'foo anykey
    8   SORT anykey {(ASC|DESC)|ALPHA|limit|GET sortget}
    4   SORT anykey {BY 'nosort|limit|ALPHA|GET sortget}
    4   SORT lkey {BY sortby|GET sortget|GET #|limit}
    3   SORT_RO anykey {(ASC|DESC)|ALPHA|limit|GET sortget}
    3   SORT anykey {(ASC|DESC)|ALPHA|limit|STORE lkey}
    1   SORT_RO anykey STORE lkey
    2   MGET anykey+
    """,
    [(4, exchange), (2, bad_restore), (4, scans(b"SCAN", None))],
)
