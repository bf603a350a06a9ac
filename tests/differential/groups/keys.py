"""Commands on keys of any type."""

from tests.differential.grammar import compile_template
from tests.differential.groups.group import Group, Maker, commands, written
from tests.differential.groups.randomly import scans
from tests.differential.steps import Step, Unit
from tests.differential.values import Source


def exchange(source: Source) -> Unit:
    """DUMP on both sides and RESTORE of the other side's payload."""
    return commands((b"DUMP", source.anykey()), check="exchange")


def bad_restore(source: Source) -> Unit:
    """RESTORE of bytes that are no payload, or just one (a checksum of 0 is not looked at). None ends inside its value: Redis reads
    on in the footer, and what it finds there is nothing to match."""
    payload = source.pick(
        [b"", b"a", b"\x00" * 9, b"\x00" * 12, b"\x00\x01a\x0b\x00" + b"\x00" * 8, b"\x00\x01a\xff\xff" + b"\x00" * 8, b"x" * 100]
    )
    options = source.random.sample(
        [[b"REPLACE"], [b"ABSTTL"], [b"IDLETIME", source.count()], [b"FREQ", source.count()], [b"foo"]], source.random.randint(0, 2)
    )
    return commands((b"RESTORE", source.anykey(), source.ms(), payload, *(word for option in options for word in option)))


def sorts(text: str) -> Maker:
    """A SORT by weights, behind the type of its key: on that depends what order is defined."""
    writer = compile_template(text)

    def make(source: Source) -> Unit:
        line = written(source, writer)
        return Unit((Step((b"TYPE", line[1])), Step(line, check="sorted")), True)

    return make


PAYLOAD = b"\x00\x01a\x0b\x00" + b"\x00" * 8
"""DUMP's payload of the string "a", with no checksum."""


def aged(source: Source) -> Unit:
    """RESTORE with an age under each policy, and what OBJECT says of it."""
    key = source.skey()
    policy = source.pick([b"allkeys-lfu", b"allkeys-lru", b"volatile-lfu", b"noeviction"])
    ages = [
        [b"IDLETIME", source.pick([b"0", b"1000", b"-1", b"a", b"9223372036854775807"])],
        [b"FREQ", source.pick([b"0", b"7", b"255", b"256", b"-1"])],
    ]
    chosen = [word for age in source.random.sample(ages, source.random.choice((0, 1, 1, 2))) for word in age]
    return commands(
        # a frequency is less by one when a minute begins
        (b"CONFIG", b"SET", b"maxmemory-policy", policy, b"lfu-decay-time", b"0"),
        (b"RESTORE", key, b"0", PAYLOAD, b"REPLACE", *chosen),
        (b"OBJECT", source.pick([b"FREQ", b"IDLETIME"]), key),
        (b"CONFIG", b"SET", b"maxmemory-policy", b"noeviction", b"lfu-decay-time", b"1"),
        (b"DEL", key),
        atomic=True,
    )


def any_key(source: Source) -> Unit:
    """RANDOMKEY, held against all the keys."""
    return Unit((Step((b"KEYS", b"*")), Step((b"RANDOMKEY",), check="picked")), True)


def elsewhere(source: Source) -> Unit:
    """Another connection works in another database meanwhile."""
    key = source.anykey()
    lines: list[tuple[bytes, ...]] = [
        (b"SELECT", source.pick([b"1", b"2"])),
        (source.pick([b"COPY", b"RENAME"]), key, source.anykey()),
        (b"SET", key, b"elsewhere", source.pick([b"NX", b"XX"])),
        (b"MOVE", key, source.pick([b"0", b"1", b"2"])),
        (b"SWAPDB", source.pick([b"0", b"1", b"2"]), source.pick([b"1", b"2", b"15"])),
        (b"KEYS", b"*"),
    ]
    return commands(*source.random.sample(lines, 4), (b"SELECT", b"0"), connection=2)


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
    2   OBJECT IDLETIME anykey
    1   OBJECT 'foo anykey
    8   SORT anykey {(ASC|DESC)|ALPHA|limit|GET sortget}
    3   SORT_RO anykey {(ASC|DESC)|ALPHA|limit|GET sortget}
    3   SORT anykey {(ASC|DESC)|ALPHA|limit|STORE lkey}
    1   SORT_RO anykey STORE lkey
    2   MGET anykey+
    1   WAIT ('0 '0|'-1 '0|'1 '10|'0 '-1|'foo '0|'0 'foo)
    1   WAITAOF ('0 '0 '0|'1 '0 '0|'2 '0 '0|'-1 '0 '0|'0 '0 '-1|'foo '0 '0|'0 'foo '0)
    """,
    [
        (4, exchange),
        (2, bad_restore),
        (4, scans(b"SCAN", None)),
        (2, aged),
        (2, any_key),
        (2, elsewhere),
        (4, sorts("SORT anykey {BY 'nosort|limit|ALPHA|GET sortget}")),
        (4, sorts("SORT lkey {BY sortby|GET sortget|GET #|limit}")),
        (3, sorts("SORT_RO lkey {BY sortby|GET sortget|GET #|limit}")),
        (3, sorts("SORT lkey {BY sortby|GET sortget|GET #|limit|(ASC|DESC)|STORE lkey}")),
        (3, sorts("SORT lkey {BY sortby|GET sortget|GET #|limit|(ASC|DESC)|ALPHA}")),
        (2, sorts("SORT xkey {BY sortby|GET sortget|(ASC|DESC)|STORE anykey}")),
        (1, sorts("SORT zkey {BY 'nosort|GET #|limit|(ASC|DESC)|STORE anykey}")),
    ],
)
