"""A node of a cluster: commands of all the groups on keys in slots that are the node's own, on their way, another node's or nobody's;
transactions, scripts and shard channels over them; CLUSTER's subcommands. Who the nodes are is in `nodes`.
"""

from __future__ import annotations

from dataclasses import replace

from tests.differential.grammar import compile_template
from tests.differential.groups.data import DATA
from tests.differential.groups.group import Group, mangle, written
from tests.differential.nodes import COMING, LEAVING, ME, MINE, NOBODYS, OTHER, OTHERS, QUIET, TAGS, slot_of
from tests.differential.steps import LISTENERS, Step, Unit
from tests.differential.values import ALL_KEYS, Source

TAGGED = {*ALL_KEYS, *(b"%c%d" % (letter, number) for letter in b"pnyg" for number in range(4)), b"missing", b"nothing", b"nozset"}
TAG_WEIGHTS = [6, 3, 3, 3, 1, 1]
LOST_SLOTS = (b"16384", b"-1", b"a", b"", b"99999999999999999999")
OF_DATA = ("MULTI", "EXEC", "WATCH", "SELECT", "SWAPDB", "MOVE", "FLUSHALL", "FLUSHDB", "CONFIG", "WAIT", "WAITAOF")
SCRIPTS = (
    "return redis.call('SET', KEYS[1], ARGV[1])",
    "return redis.call('GET', KEYS[1])",
    "return redis.pcall('GET', ARGV[1])",
    "return redis.call('GET', ARGV[1])",
    "redis.call('SET', KEYS[1], 'x') return redis.call('SET', ARGV[1], 'y')",
    "return redis.call('MGET', KEYS[1], ARGV[1])",
    "return redis.call('EXISTS', unpack(KEYS))",
    "return #KEYS",
    "return redis.call('PING')",
    "return redis.call('SPUBLISH', KEYS[1], 'from a script')",
    "return redis.call('SPUBLISH', ARGV[1], 'from a script')",
    "return redis.call('ASKING')",
    "return redis.call('CLUSTER', 'MYID')",
)
SHEBANGS = ("", "", "", "#!lua\n", "#!lua flags=allow-cross-slot-keys\n", "#!lua flags=no-cluster\n", "#!lua flags=no-writes\n")


def tag(source: Source) -> bytes:
    """What slot keys are in."""
    return bytes(source.random.choices(list(TAGS), TAG_WEIGHTS)[0])


def in_slot(source: Source, args: tuple[bytes, ...], most: bytes) -> tuple[bytes, ...]:
    """A command with its keys in one slot, now and then one of them in another."""
    astray = source.random.random() < 0.08

    def named(arg: bytes) -> bytes:
        if arg not in TAGGED:
            return arg
        chosen = tag(source) if astray and source.random.random() < 0.5 else most
        return b"{" + chosen + b"}" + arg

    return (args[0], *map(named, args[1:]))


def of_data(source: Source) -> list[Step]:
    """Commands of one of the groups on data."""
    group = source.random.choice(DATA)
    source.key_type = group.key_type
    chosen = tag(source)
    steps = group.unit(source).steps
    return [replace(step, args=in_slot(source, step.args, chosen)) for step in steps if step.name not in OF_DATA]


def data(source: Source) -> Unit:
    """Such commands, at times behind ASKING."""
    steps = of_data(source)
    if source.random.random() < 0.35 and all(step.check == "auto" and step.wait and step.connection == 0 for step in steps):
        steps = [one for step in steps for one in (Step((b"ASKING",)), step)]
    return Unit(tuple(steps) or (Step((b"PING",)),))


SEVERAL = [compile_template(text) for text in (
    "MGET skey skey skey", "DEL anykey anykey+", "EXISTS anykey+", "MSET skey shortval skey shortval", "SUNION xkey xkey",
    "RENAME skey skey",
    "TOUCH anykey+", "UNLINK anykey anykey", "SINTERSTORE xkey xkey xkey", "LMOVE lkey lkey LEFT RIGHT", "ZUNIONSTORE zkey 2 zkey zkey",
    "COPY anykey anykey REPLACE", "PFCOUNT pkey pkey", "BITOP OR skey skey skey", "SMOVE xkey xkey word", "WATCH skey skey",
)]  # fmt: skip


def several(source: Source) -> Unit:
    """A command with several keys, in slots that move rather than in others."""
    args = in_slot(source, written(source, source.random.choice(SEVERAL)), source.pick([LEAVING, *TAGS]))
    line = Step(args)
    undo = (Step((b"UNWATCH",)),) if line.name == "WATCH" else ()
    return Unit(((Step((b"ASKING",)), line) if source.random.random() < 0.5 else (line,)) + undo)


def transaction(source: Source) -> Unit:
    """MULTI, commands, EXEC: mostly of one slot."""
    random = source.random
    chosen = tag(source)
    steps = [Step((b"WATCH", b"{" + chosen + b"}s0"))] if random.random() < 0.2 else []
    if random.random() < 0.2:
        steps.append(Step((b"ASKING",)))
    steps.append(Step((b"MULTI",)))
    for _ in range(random.randint(0, 4)):
        if random.random() < 0.2:
            steps.append(Step((b"ASKING",)))
        steps.append(Step(in_slot(source, written(source, random.choice(SEVERAL[:12])), chosen)))
    if random.random() < 0.2:
        steps.append(Step((b"ASKING",)))
    return Unit((*steps, Step((random.choice((b"EXEC", b"EXEC", b"EXEC", b"DISCARD")),))))


def script(source: Source) -> Unit:
    """A script that touches what it has declared, or something else."""
    random = source.random
    chosen = tag(source)
    argument, *keys = (
        b"{" + (chosen if random.random() < likely else tag(source)) + b"}s%d" % random.randrange(3)
        for likely in (0.5, 0.9, 0.9)[: random.choice((1, 2, 2, 3))]
    )
    body = (random.choice(SHEBANGS) + random.choice(SCRIPTS)).encode()
    line = Step((random.choice((b"EVAL", b"EVAL", b"EVAL_RO")), body, b"%d" % len(keys), *keys, argument))
    return Unit((Step((b"ASKING",)), line) if random.random() < 0.2 else (line,))


def channel(source: Source) -> bytes:
    """A shard channel to listen to."""
    return b"{" + source.pick([QUIET, QUIET, *MINE, NOBODYS]) + b"}" + source.channel()


def listener(source: Source) -> Unit:
    """A listener's command."""
    channels = [channel(source) for _ in range(source.random.choice((1, 1, 1, 2)))]
    # where a slot moves, Redis asks the other node who does not want to hear of it any more
    quiet = b"{" + QUIET + b"}" + source.channel()
    line: tuple[bytes, ...] = source.random.choice([
        (b"SSUBSCRIBE", *channels), (b"SSUBSCRIBE", *channels), (b"SUNSUBSCRIBE", quiet), (b"SUNSUBSCRIBE",),
        (b"SUBSCRIBE", *channels), (b"UNSUBSCRIBE",), (b"PING",),
    ])  # fmt: skip
    return Unit((Step(line, source.random.choice(LISTENERS)),))


def publish(source: Source) -> Unit:
    """A message."""
    name = source.pick([b"SPUBLISH", b"SPUBLISH", b"PUBLISH"])
    where = channel(source) if source.random.random() < 0.7 else b"{" + tag(source) + b"}news"
    return Unit((Step((name, where, b"message %d" % source.random.getrandbits(40))),))


def slot(source: Source) -> bytes:
    """One of the slots that keys are in; at times none."""
    return b"%d" % slot_of(tag(source)) if source.random.random() < 0.96 else source.pick(list(LOST_SLOTS))


def node(source: Source) -> bytes:
    """A node's id; at times nobody's."""
    return source.pick([ME, OTHER, OTHER]) if source.random.random() < 0.95 else source.pick([b"e" * 40, b"", b"x"])


def slots(source: Source) -> Unit:
    """A command that tells of slots, or changes whose one is."""
    random = source.random
    # a slot that moves to its own node is nothing that anybody needs, and Redis then says TRYAGAIN and not ASK
    other = source.pick([OTHER, OTHER, b"e" * 40])
    # where it gets a slot that it has, Redis lets go of the slot's channels
    given = (b"SETSLOT", b"%d" % slot_of(source.pick([LEAVING, COMING, OTHERS])), b"NODE", ME)
    lines: list[tuple[bytes, ...]] = [
        (b"COUNTKEYSINSLOT", slot(source)), (b"COUNTKEYSINSLOT", slot(source)), (b"KEYSLOT", b"{" + tag(source) + b"}" + source.anykey()),
        (b"KEYSLOT", source.val()), (b"SLOT-STATS", b"SLOTSRANGE", slot(source), slot(source)),
        (b"SLOT-STATS", b"ORDERBY", b"KEY-COUNT", b"LIMIT", b"%d" % random.randint(0, 5), *random.choice(((), (b"DESC",), (b"ASC",)))),
        (b"SETSLOT", slot(source), b"STABLE"), (b"SETSLOT", slot(source), b"MIGRATING", other),
        (b"SETSLOT", slot(source), b"MIGRATING", other), (b"SETSLOT", slot(source), b"IMPORTING", node(source)),
        (b"SETSLOT", slot(source), b"NODE", other), given, given,
        (b"ADDSLOTS", *(slot(source) for _ in range(random.randint(1, 2)))), (b"DELSLOTS", slot(source)),
        (b"ADDSLOTSRANGE", *[slot(source)] * 2), (b"DELSLOTSRANGE", *[slot(source)] * 2), (b"ADDSLOTSRANGE", slot(source), slot(source)),
    ]  # fmt: skip
    args = [b"CLUSTER", *random.choice(lines)]
    if random.random() < 0.03:
        mangle(source, args)
    return Unit((Step(tuple(args)),))


def keys_in_slot(source: Source) -> Unit:
    """GETKEYSINSLOT of all keys, in any order, or of none."""
    most = source.pick([b"1000", b"1000", b"0", b"-1", b"a"])
    return Unit((Step((b"CLUSTER", b"GETKEYSINSLOT", slot(source), most), check="unordered"),))


GROUP = Group(
    "cluster",
    "any",
    """
    3   CLUSTER MYID
    2   CLUSTER MYSHARDID
    4   CLUSTER NODES
    4   CLUSTER SLOTS
    4   CLUSTER SHARDS
    3   CLUSTER INFO
    1   CLUSTER SAVECONFIG
    1   CLUSTER BUMPEPOCH
    1   CLUSTER (REPLICAS|SLAVES|COUNT-FAILURE-REPORTS|FORGET|REPLICATE) 'nobody
    1   CLUSTER (FAILOVER|FAILOVER FORCE|SET-CONFIG-EPOCH 7|MEET 'a 1|LINKS 'x)
    2   ASKING
    2   READONLY
    2   READWRITE
    1   (ASKING|READONLY|READWRITE|CLUSTER) 'a
    2   PUBSUB SHARDCHANNELS
    2   PUBSUB SHARDNUMSUB [channel+]
    2   DBSIZE
    1   SELECT database
    1   SWAPDB 0 1
    1   FLUSHDB
    1   MOVE anykey 1
    """,
    [
        (60, data), (20, several), (10, transaction), (10, script), (8, listener), (8, publish), (26, slots), (6, keys_in_slot),
    ],
    filler="",
    listens=True,
)  # fmt: skip
