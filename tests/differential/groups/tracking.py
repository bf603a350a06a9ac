"""Client-side caching: two listeners track keys in every mode, while they and others change them; all that they receive is compared.

A listener may be told in the place of the other one. SWAPDB is left out: Redis 8.2 leaves caches with what the other database holds. And
both have one protocol: of a flush Redis tells in the protocol of who tracks, which who is told in its place may not understand.
"""

from __future__ import annotations

from tests.differential.groups import expiry, hash_expiry
from tests.differential.groups.group import Group
from tests.differential.steps import LISTENERS, Step, Unit, client_of
from tests.differential.values import Source

OTHERS = (expiry.GROUP, expiry.GROUP, hash_expiry.GROUP)
PREFIXES = [b"", b"s", b"l", b"h", b"s0", b"s1", b"l0", b"x0", b"z", b"t", b"h1", b"no such", b"s0", b"s00"]
APART = [[b"s", b"l"], [b"s0", b"s1", b"x"], [b"h1", b"z", b"no such", b"t"]]
# Two that overlap, of which Redis 8.2.3 sees the first only if nothing stands before it: else it replies twice, with the error and with OK
OVERLAPPING = [[b"s0", b"s"], [b"l", b"z", b"l0"], [b"h1", b"h1"]]
READS = [b"EXISTS", b"EXISTS", b"TOUCH", b"TYPE", b"GET", b"STRLEN", b"LLEN", b"SCARD", b"ZCARD", b"HLEN", b"XLEN", b"TTL", b"PTTL"]
WRITES: list[tuple[bytes, ...]] = [
    (b"SET",), (b"SET",), (b"DEL",), (b"UNLINK",), (b"INCR",), (b"APPEND",), (b"RPUSH",), (b"LPOP",), (b"PEXPIRE",), (b"PERSIST",),
    (b"GETDEL",), (b"SADD",), (b"RENAME",), (b"COPY",), (b"MSET",),
]  # fmt: skip


def command(source: Source) -> Unit:
    """A unit of another group: none that blocks, swaps databases, or ends keys in an order that is not defined."""
    key_type = source.key_type
    group = source.random.choice(OTHERS)
    source.key_type = group.key_type
    unit = group.unit(source)
    source.key_type = key_type
    return unit if all(step.wait and fits(step) for step in unit.steps) else command(source)


def fits(step: Step) -> bool:
    """Whether what a command tells trackers is defined, and as in Redis, which is silent of a string that BITFIELD only made longer."""
    unfit = ("SWAPDB", "CONFIG", "PSUBSCRIBE", "SORT", "KEYS", "SCAN", "RANDOMKEY", "PFDEBUG")
    return not step.name.startswith(unfit) and not (step.name == "BITFIELD" and b"FAIL" in [arg.upper() for arg in step.args])


def read(source: Source) -> tuple[bytes, ...]:
    """Something to be remembered."""
    name = source.pick(READS)
    count = source.random.choice((1, 1, 2, 5, 40)) if name in (b"EXISTS", b"TOUCH") else 1
    return (name, *(source.anykey() for _ in range(count)))


def write(source: Source) -> tuple[bytes, ...]:
    """A change of a key that is often read."""
    name = source.random.choice(WRITES)[0]
    behind: dict[bytes, list[bytes]] = {
        b"SET": [b"v"], b"APPEND": [b"v"], b"RPUSH": [b"v"], b"SADD": [b"v"], b"PEXPIRE": [source.pick([b"100000", b"1", b"-1"])],
        b"RENAME": [source.anykey()], b"COPY": [source.anykey(), b"REPLACE"], b"MSET": [b"v", source.anykey(), b"w"],
    }  # fmt: skip
    return (name, source.anykey(), *behind.get(name, []))


def caching(source: Source) -> tuple[bytes, ...]:
    """CLIENT CACHING, whatever the mode."""
    return b"CLIENT", b"CACHING", source.pick([b"YES", b"YES", b"NO", b"NO", b"foo"])


def reads(source: Source) -> Unit:
    """A listener reads, perhaps with CLIENT CACHING before it."""
    where = source.random.choice(LISTENERS)
    steps = [Step(caching(source), where)] if source.random.random() < 0.4 else []
    if source.random.random() < 0.1:
        steps.append(Step(source.random.choice([(b"PING",), (b"CLIENT", b"GETNAME"), (b"NOSUCH",), (b"GET",)]), where))
    return Unit((*steps, *(Step(read(source), where) for _ in range(source.random.choice((1, 1, 2))))))


def writes(source: Source) -> Unit:
    """A listener changes keys itself, or another connection does."""
    return Unit((Step(write(source), source.random.choice((0, 0, 0, *LISTENERS))),))


def transaction(source: Source) -> Unit:
    """A listener's transaction: what it changes it is told behind EXEC's reply."""
    random = source.random
    where = random.choice(LISTENERS)
    steps = [Step((b"MULTI",), where)]
    if random.random() < 0.3:
        steps.insert(random.randrange(2), Step(caching(source), where))
    for _ in range(random.randint(0, 5)):
        args = random.choice((read, write, write, caching))(source) if random.random() < 0.9 else (b"FLUSHDB", b"ASYNC")
        steps.append(Step(args, where))
    return Unit((*steps, Step((random.choice((b"EXEC", b"EXEC", b"EXEC", b"DISCARD")),), where)), True)


def options(source: Source) -> list[bytes]:
    """The options of a mode, mostly such as fit together."""
    random = source.random
    if random.random() < 0.4:
        found = [b"BCAST"]
        one = [source.pick(PREFIXES)]
        for prefix in random.choice(([], [], one, one, random.choice(APART), random.choice(OVERLAPPING))):
            found += [b"PREFIX", prefix]
    else:
        found = [source.pick([b"OPTIN", b"OPTOUT"])] if random.random() < 0.5 else []
    if random.random() < 0.3:
        found.append(b"NOLOOP")
    if random.random() < 0.08:
        found.append(source.pick([b"OPTIN", b"OPTOUT", b"BCAST", b"foo", b"PREFIX", b"REDIRECT"]))
    if random.random() < 0.05:
        found += random.choice(([b"REDIRECT", b"0"], [b"REDIRECT", b"x"], [b"PREFIX", b"a"], [b"REDIRECT", b"123456789"]))
    return found


def mode(source: Source) -> Unit:
    """A listener begins to track, in a new mode where it may, and perhaps with the other one in its place."""
    random = source.random
    where = random.choice(LISTENERS)
    steps = [Step((b"CLIENT", b"TRACKING", b"OFF"), where)] if random.random() < 0.8 else []
    if random.random() < 0.8:
        redirect = [b"REDIRECT", client_of(random.choice(LISTENERS))] if random.random() < 0.2 else []
        steps.append(Step((b"CLIENT", b"TRACKING", source.pick([b"ON", b"on"]), *redirect, *options(source)), where))
    if random.random() < 0.3 or not steps:
        steps.append(Step((b"CLIENT", source.pick([b"TRACKINGINFO", b"GETREDIR"])), where))
    return Unit(tuple(steps))


def broken(source: Source) -> Unit:
    """Who should be told in a listener's place goes away."""
    random = source.random
    where = random.choice(LISTENERS)
    target = random.randrange(1000, 1_000_000)
    kept = [option for option in options(source) if option != b"REDIRECT"]
    steps = [
        Step((b"CLIENT", b"TRACKING", b"OFF"), where),
        Step((b"PING",), target),
        Step((b"CLIENT", b"TRACKING", b"ON", b"REDIRECT", client_of(target), *kept), where),
        Step(read(source), where),
        Step((b"CLIENT", b"KILL", b"ID", client_of(target))),
        Step(write(source)),
        Step((b"CLIENT", b"TRACKINGINFO"), where),
    ]
    return Unit(tuple(steps), True)


def subscription(source: Source) -> Unit:
    """A listener of the old protocol is told as of a channel's messages, while it is subscribed to any."""
    where = source.random.choice(LISTENERS)
    name = source.pick([b"__redis__:invalidate", b"__redis__:invalidate", b"other"])
    lines: list[tuple[bytes, ...]] = [(b"SUBSCRIBE", name), (b"UNSUBSCRIBE",), (b"UNSUBSCRIBE",)]
    return Unit((Step(source.random.choice(lines), where),))


def flush(source: Source) -> Unit:
    """All keys are over, for who is told and who does it."""
    where = source.random.choice((0, *LISTENERS))
    return Unit((Step((source.pick([b"FLUSHALL", b"FLUSHDB"]), *source.random.choice(((), (b"SYNC",), (b"ASYNC",)))), where),))


GROUP = Group(
    "tracking",
    "string",
    "",
    [(50, command), (20, reads), (20, writes), (6, transaction), (6, mode), (1, broken), (2, subscription), (1, flush)],
    filler="",
    mangles=False,
    listens=True,
    clock=True,
    batch=1,
)
