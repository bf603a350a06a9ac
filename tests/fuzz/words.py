"""What the fuzzer's connections say: the commands of the comparison with Redis (tests/differential/groups), beside the administrator's.

A command of the table that neither has is found by a test, so what is new there is fuzzed as soon as its group has templates.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.differential.groups import GROUPS, later
from tests.differential.groups.group import Group, commands
from tests.differential.steps import Unit
from tests.differential.values import Source
from tests.fuzz import node
from tests.fuzz.values import ACTED_ON, VALUES
from tests.persistence.damage import LARGEST, damaged, old_bodies
from tests.unit.rdb_bytes import payload
from zippy.commandspec import find_command

NOT_SAID = {
    "shutdown": "the fuzzer itself ends the server",
    "restore-asking": "it is RESTORE",
    "replicaof": "what follows another server holds other data than the fuzzer wrote",
    "slaveof": "it is REPLICAOF",
    "psync": "what its connection gets then are no replies",
    "sync": "it is PSYNC",
}
"""Commands that no connection sends, and why."""

NOT_DEBUGGED = {
    "sleep": "nothing happens meanwhile",
    "set-clock": "the fuzzer stops the clock to look around",
    "pause-cron": "nothing would be left of the periodic work",
    "populate": "what it puts is in no log",
}
"""The same for subcommands of DEBUG."""

LISTENING = {b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE", b"MONITOR"}

FOOTER = 10
"""Bytes at a payload's end: version and checksum."""
CHURN = 3000
"""Keys that come together and go one by one, so that slabs are left half empty."""
CROWD = 20_000
"""Members that take longer to save than a fork does."""


@dataclass
class Shared:
    """What the connections know together."""

    port: int = 0  # of the server itself
    in_cluster: bool = False  # it is a node, as `node` says
    clients: int = 1  # the newest client's id, about
    payloads: list[bytes] = field(default_factory=lambda: list(old_bodies()))  # bodies to restore, as they are or damaged

    def keep(self, dumped: bytes) -> None:
        """Keeps a reply to DUMP, or to FUNCTION DUMP where there are functions, for RESTORE."""
        if FOOTER < len(dumped) < LARGEST:
            self.payloads.append(dumped[:-FOOTER])
            del self.payloads[:-300]


class Words(Source):
    """Random arguments of one connection: near times, timeouts that matter, and now and then a large value."""

    def __init__(self, seed: str, shared: Shared) -> None:
        super().__init__(seed, "any", small=False, clock=True)
        self.shared = shared
        self.drawn_from = [*GROUPS.values(), later.GROUP, ADMINISTRATION]
        self.listens = self.random.random() < 0.15
        self.is_cut = False  # a request of its connection was cut off
        self.shares = [10] * len(GROUPS) + [4, 14]
        if shared.in_cluster:
            self.drawn_from.append(node.GROUP)
            self.shares.append(60)

    def val(self) -> bytes:
        """A value, seldom one that an encoding of its own or a buffer's limit is there for."""
        if self.random.random() < 0.004:
            return bytes(self.random.choices(b"abcd\x00", k=1000)) * self.random.choice((10, 70, 300))
        return super().val()

    def timeout(self) -> bytes:
        """A blocking command's timeout; 0 is for ever."""
        return self.pick([b"0.01", b"0.05", b"0.3", b"1", b"0"]) if self.random.random() < 0.9 else super().timeout()

    def may_say(self, args: tuple[bytes, ...]) -> bool:
        """Few connections subscribe or monitor: those in RESP2 are refused nearly all else from then on.

        Behind a request that was cut off a word may stand alone and be a command. So none says SHUTDOWN, not even with options that
        are refused, and those that have cut one off say SYNC no more (FLUSHALL does): what they got then would be no replies.
        """
        if self.is_cut and any(arg.upper() == b"SYNC" for arg in args):
            return False
        return args[0].upper() != b"SHUTDOWN" and (self.listens or args[0].upper() not in LISTENING)

    def unit(self) -> list[tuple[int, tuple[bytes, ...]]]:
        """The next commands, each with how many connections further it is sent."""
        self.now_ms = int(time.time() * 1000)
        group = self.random.choices(self.drawn_from, self.shares)[0]
        self.key_type = group.key_type
        steps = [step for step in group.unit(self).steps if step.args and step.check != "clock"]
        if self.random.random() > 0.05:
            # keys that are gone all the time would hide much, and commands that are still to come are errors alone
            steps = [step for step in steps if not step.name.startswith("FLUSH") and find_command(step.name)]
        if self.shared.in_cluster and group is not node.GROUP:
            steps = node.tagged(self, steps)
        return [(step.connection, step.args) for step in steps]


def shared_of(source: Source) -> Shared:
    """What a maker's connection shares with the others."""
    assert isinstance(source, Words)
    return source.shared


def some_client(source: Source) -> bytes:
    """The id of a client that may be there."""
    newest = shared_of(source).clients
    return b"%d" % source.random.randint(max(1, newest - 60), newest)


def kill(source: Source) -> Unit:
    """CLIENT KILL of one, or of all of a type."""
    if source.random.random() < 0.03:
        return commands((b"CLIENT", b"KILL", b"TYPE", source.pick([b"normal", b"pubsub"])))
    return commands((b"CLIENT", b"KILL", b"ID", some_client(source), *source.random.choice([(), (b"SKIPME", b"no")])))


def unblock(source: Source) -> Unit:
    """CLIENT UNBLOCK."""
    return commands((b"CLIENT", b"UNBLOCK", some_client(source), source.pick([b"TIMEOUT", b"ERROR"])))


def track(source: Source) -> Unit:
    """CLIENT TRACKING in any mode, and perhaps what reads and CLIENT CACHING behind it."""
    mode: list[bytes] = source.random.choice([[], [b"NOLOOP"], [b"OPTIN"], [b"OPTOUT"], [b"BCAST"], [b"BCAST", b"NOLOOP"]])
    if mode[:1] == [b"BCAST"] and source.random.random() < 0.6:
        mode = [*mode, b"PREFIX", source.pick([b"", b"s", b"churn:", b"l0", b"h1"])]
    if source.random.random() < 0.3:
        mode = [*mode, b"REDIRECT", some_client(source)]
    lines: list[tuple[bytes, ...]] = [
        (b"CLIENT", b"TRACKING", b"OFF"),
        (b"CLIENT", b"TRACKING", b"ON", *mode),
        (b"CLIENT", b"CACHING", source.pick([b"YES", b"NO"])),
        (b"EXISTS", *(source.anykey() for _ in range(source.random.choice((1, 5, 50))))),
        (b"CLIENT", source.pick([b"TRACKINGINFO", b"GETREDIR"])),
    ]
    return commands(*lines[source.random.choice((0, 1, 1)) : source.random.randint(2, 5)])


def pause(source: Source) -> Unit:
    """CLIENT PAUSE, for a moment."""
    return commands((b"CLIENT", b"PAUSE", b"%d" % source.random.randint(1, 150), source.pick([b"WRITE", b"ALL"])))


def set_one(source: Source) -> tuple[bytes, ...]:
    """A setting and a value."""
    name = source.random.choice(ACTED_ON if source.random.random() < 0.9 else list(VALUES))
    return name.encode(), source.random.choice(VALUES[name]).encode()


def config_set(source: Source) -> Unit:
    """CONFIG SET, now and then of two at once."""
    more = set_one(source) if source.random.random() < 0.1 else ()
    return commands((b"CONFIG", b"SET", *set_one(source), *more))


def policy(source: Source) -> Unit:
    """A limit of the memory and who has to go."""
    limit = source.random.choice(VALUES["maxmemory"]).encode()
    chosen = source.random.choice(VALUES["maxmemory-policy"]).encode()
    return commands((b"CONFIG", b"SET", b"maxmemory", limit, b"maxmemory-policy", chosen))


def restore(source: Source) -> Unit:
    """RESTORE of a payload, of a value or of functions, as it was or damaged."""
    bodies = shared_of(source).payloads
    body = damaged(source.random, bodies) if source.random.random() < 0.6 else source.random.choice(bodies)
    if source.random.random() < 0.1:
        return commands((b"FUNCTION", b"RESTORE", payload(body), source.pick([b"APPEND", b"FLUSH", b"REPLACE"])))
    expiry = source.pick([b"0", b"0", b"1", b"200", b"100000"])
    return commands((b"RESTORE", source.anykey(), expiry, payload(body), b"REPLACE"))


def dump(source: Source) -> Unit:
    """DUMP, whose reply is kept for RESTORE."""
    return commands((b"DUMP", source.anykey()))


def migrate(source: Source) -> Unit:
    """MIGRATE of copies to the server itself, which has the keys: it refuses them, or changes them while they are sent."""
    keys = [source.anykey() for _ in range(source.random.choice((1, 2, 20)))]
    words = [b"MIGRATE", b"127.0.0.1", b"%d" % shared_of(source).port, b"", b"0", source.pick([b"20", b"200"]), b"COPY"]
    return commands((*words, *source.random.choice([(), (b"REPLACE",)]), b"KEYS", *keys))


def churn(source: Source) -> Unit:
    """Many keys, or the end of most of them."""
    if source.random.random() < 0.3:
        value = b"v" * source.random.choice((30, 100, 400))
        return commands((b"MSET", *(word for n in range(CHURN) for word in (b"churn:%d" % n, value))))
    numbers = [n for n in range(CHURN) if source.random.random() < 0.3]
    return commands((source.pick([b"DEL", b"UNLINK"]), *(b"churn:%d" % n for n in numbers)))


def crowd(source: Source) -> Unit:
    """A value that is too large to be saved at once, changed while it is saved."""
    key = source.zkey()
    save = source.random.choice([(b"BGSAVE",), (b"BGREWRITEAOF",)])
    change = source.random.choice([(b"ZADD", key, b"1", b"one more"), (b"ZPOPMIN", key), (b"DEL", key), (b"RENAME", key, source.zkey())])
    return commands((b"ZADD", key, *(word for n in range(CROWD) for word in (b"%d" % n, b"m%d" % n))), save, change)


def soon_over(source: Source) -> Unit:
    """Keys whose time is over in moments."""
    key = source.anykey()
    lines: list[tuple[bytes, ...]] = [
        (b"SET", key, source.shortval(), b"PX", b"%d" % source.random.randint(1, 300)),
        (b"PEXPIRE", key, b"%d" % source.random.randint(-5, 300)),
        (b"GETEX", key, b"PX", b"%d" % source.random.randint(1, 300)),
        (b"PSETEX", key, b"%d" % source.random.randint(1, 300), source.val()),
    ]
    return commands(source.random.choice(lines))


def blocks(source: Source) -> Unit:
    """A command that waits, for long or for ever, with a pipeline behind it."""
    lists, sorted_sets = [source.lkey() for _ in range(2)], [source.zkey() for _ in range(2)]
    side = source.pick([b"LEFT", b"RIGHT"])
    lines: list[tuple[bytes, ...]] = [
        (source.pick([b"BLPOP", b"BRPOP"]), *lists, source.timeout()),
        (b"BLMOVE", *lists, side, side, source.timeout()),
        (b"BRPOPLPUSH", *lists, source.timeout()),
        (b"BLMPOP", source.timeout(), b"2", *lists, side),
        (source.pick([b"BZPOPMIN", b"BZPOPMAX"]), *sorted_sets, source.timeout()),
        (b"BZMPOP", source.timeout(), b"2", *sorted_sets, b"MAX", b"COUNT", b"2"),
    ]
    return commands(source.random.choice(lines))


def debug_of(*names: str) -> Callable[[Source], Unit]:
    """DEBUG of a subcommand of these that takes no argument."""

    def make(source: Source) -> Unit:
        return commands((b"DEBUG", source.random.choice(names).encode()))

    return make


ADMINISTRATION = Group(
    "administration",
    "any",
    """
    3   MULTI
    3   EXEC
    1   DISCARD
    2   CLIENT (LIST|INFO|ID|GETNAME|HELP)
    3   CLIENT UNPAUSE
    2   CLIENT REPLY (ON|ON|OFF|SKIP)
    1   HELLO ('2|'3)
    2   RESET
    1   QUIT
    1   MONITOR
    2   SUBSCRIBE channel+
    2   PSUBSCRIBE channelpattern+
    2   SSUBSCRIBE channel+
    2   (UNSUBSCRIBE|PUNSUBSCRIBE|SUNSUBSCRIBE)
    1   PUBSUB HELP
    1   XGROUP HELP
    1   XINFO HELP
    1   AUTH 'default 'x
    2   ACL (LIST|USERS|WHOAMI|HELP|LOG|CAT|GENPASS|SAVE|LOAD)
    1   LOLWUT
    1   TIME
    1   DBSIZE
    1   RANDOMKEY
    1   COMMAND
    2   COMMAND (COUNT|LIST|HELP|INFO 'get|DOCS 'set|GETKEYS SET 'a 'b|GETKEYSANDFLAGS SET 'a 'b)
    3   CLUSTER (INFO|NODES|SLOTS|SHARDS|LINKS|MYID|MYSHARDID|HELP|KEYSLOT 'a|SETSLOT 1 STABLE|RESET|FAILOVER|SLOT-STATS SLOTSRANGE 0 1)
    2   CLUSTER (ADDSLOTS 1|ADDSLOTSRANGE 1 2|DELSLOTS 1|DELSLOTSRANGE 1 2|FLUSHSLOTS|COUNTKEYSINSLOT 1|GETKEYSINSLOT 1 2|BUMPEPOCH)
    2   CLUSTER (MEET '127.0.0.1 1|FORGET 'a|REPLICATE 'a|REPLICAS 'a|SLAVES 'a|COUNT-FAILURE-REPORTS 'a|SET-CONFIG-EPOCH 1|SAVECONFIG)
    2   CONFIG (GET ('*|'max*|'save 'hash*)|RESETSTAT|HELP)
    1   CONFIG REWRITE
    3   INFO ['all|'everything|'memory|'stats|'persistence|'commandstats|'clients]
    1   FUNCTION HELP
    2   SCRIPT (KILL|HELP|DEBUG (NO|YES|SYNC|'x))
    2   SLOWLOG (GET ['10|'-1]|LEN|RESET|HELP)
    2   LATENCY (LATEST|DOCTOR|RESET|HISTOGRAM|HISTORY 'command|GRAPH 'command|HELP)
    2   MEMORY (STATS|DOCTOR|PURGE|MALLOC-STATS|HELP)
    3   MEMORY USAGE anykey [SAMPLES ('0|'1|'5)]
    2   OBJECT (ENCODING|FREQ|IDLETIME|REFCOUNT) anykey
    1   OBJECT HELP
    1   SWAPDB database database
    1   FLUSHDB [(ASYNC|SYNC)]
    1   WAIT ('0|'1|'-1) ('1|'50)
    1   ROLE
    1   REPLCONF ('capa 'eof|'listening-port '7|'rdb-only '0|'what 'ever)
    1   FAILOVER ('abort|'force|'timeout '1)
    1   WAITAOF ('0|'1) 0 ('1|'50)
    1   LASTSAVE
    3   BGSAVE [SCHEDULE]
    3   BGREWRITEAOF
    1   SAVE
    1   DEBUG ('error|'log) 'words
    1   DEBUG (HTSTATS '0|OBJECT anykey|DIGEST-VALUE anykey+|PROTOCOL ('map|'set|'attrib|'bignum)|QUICKLIST-PACKED-THRESHOLD '100b)
    1   DEBUG (SET-ACTIVE-EXPIRE|DICT-RESIZING|SET-DISABLE-DENY-SCRIPTS) ('0|'1|'1)
    1   'nosuch val
    """,
    [
        (10, config_set),
        (3, policy),
        (5, restore),
        (3, dump),
        (8, soon_over),
        (6, blocks),
        (2, churn),
        (1, crowd),
        (2, migrate),
        (3, kill),
        (3, unblock),
        (2, pause),
        (4, track),
        (1, debug_of("reload", "loadaof")),
        (1, debug_of("digest", "structsize", "change-repl-id", "help", "verify")),
    ],
    filler="",
    mangles=False,
)


def said(seed: str, count: int) -> set[str]:
    """The commands among the next `count` of one connection, as the table calls them ("client|kill"), and "debug|NAME"."""
    words, found = Words(seed, Shared()), set[str]()
    while count > 0:
        unit = words.unit()
        count -= len(unit)
        for _, args in unit:
            name, *more = (arg.decode("latin-1").lower() for arg in args[:2])
            found.update([name, *(f"{name}|{word}" for word in more)])
    return found
