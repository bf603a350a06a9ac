"""A group: weighted templates and weighted makers of units, and how a sequence is drawn from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

from tests.differential.grammar import Writer, compile_template
from tests.differential.steps import Step, Unit
from tests.differential.values import JUNK, Source

Maker = Callable[[Source], Unit]

FILLER = """
2   DEL anykey+
1   UNLINK anykey+
1   SET skey shortval
1   RPUSH lkey item+
1   SADD xkey member+
1   ZADD zkey scored+
1   HSET hkey field shortval
1   XADD tkey 1-1 field shortval
1   TYPE anykey
1   OBJECT ENCODING anykey
1   EXISTS anykey+
"""
"""Commands that every group has a few of: they empty keys and put other types where a command looks for its own."""

UNSAFE_TO_MANGLE = {
    "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "WAIT", "WAITAOF", "SUBSCRIBE", "PSUBSCRIBE",
    "SSUBSCRIBE", "MONITOR", "SETRANGE", "SETBIT", "BITFIELD", "SRANDMEMBER", "HRANDFIELD", "ZRANDMEMBER", "SPOP", "SCAN", "SSCAN",
    "HSCAN", "ZSCAN", "RANDOMKEY", "LCS", "CLIENT", "HELLO", "XREAD", "XREADGROUP",
    "EXPIRE", "PEXPIRE", "HEXPIRE", "HPEXPIRE", "GETEX", "SETEX", "PSETEX", "PFDEBUG",
}  # fmt: skip
"""Commands where a changed argument could block for ever, ask for half a gigabyte, for a random reply or (PFDEBUG SIMD of Redis 8.2.3) for
two replies, or set a time that passes while the test runs."""


@dataclass
class Group:
    """A group's name, the type of its keys, templates (a weight and a template a line) and makers of units. `filler` is more
    templates; `mangles`: now and then a command is made wrong; `listens`: there are listeners; `clock`: the clock is set;
    `timed`: replies tell the time, so that they can't be compared where the clock can't be set; `batch`: so many commands are sent
    together at most, since where a turn ends shows in what comes at its end."""

    name: str
    key_type: str
    templates: str
    makers: list[tuple[int, Maker]] = field(default_factory=list)
    filler: str = FILLER
    mangles: bool = True
    listens: bool = False
    clock: bool = False
    timed: bool = False
    batch: int = 64

    @cached_property
    def choices(self) -> tuple[list[Writer | Maker], list[int], set[int]]:
        """What can be drawn, the running sum of the weights, and which of them are makers."""
        drawn: list[Writer | Maker] = []
        weights: list[int] = []
        for text in (self.templates + "\n" + self.filler).strip().splitlines():
            if text.strip():
                weight, template = text.split(None, 1)
                drawn.append(compile_template(template))
                weights.append(int(weight))
        makers = set(range(len(drawn), len(drawn) + len(self.makers)))
        for weight_of_maker, maker in self.makers:
            drawn.append(maker)
            weights.append(weight_of_maker)
        return drawn, list(accumulate(weights)), makers

    def unit(self, source: Source) -> Unit:
        """The next unit."""
        drawn, sums, makers = self.choices
        index = source.random.choices(range(len(drawn)), cum_weights=sums)[0]
        if index in makers:
            return drawn[index](source)  # type: ignore[call-arg, return-value]
        out: list[bytes] = []
        drawn[index](source, out)  # type: ignore[call-arg]
        if self.mangles and source.random.random() < 0.04:
            mangle(source, out)
        return Unit((Step(tuple(out)),))

    def units(self, source: Source, count: int) -> Iterator[Unit]:
        """Units of `count` steps together, or a few more."""
        made = 0
        while made < count:
            unit = self.unit(source)
            made += len(unit.steps)
            yield unit


def mangle(source: Source, args: list[bytes]) -> None:
    """Make a command wrong in one place: an argument too few, too many, or a strange one (not where all the scores are to be 0)."""
    if args[0].decode("latin-1").upper() in UNSAFE_TO_MANGLE or args[1:2] in ([b"y0"], [b"y1"]):
        del args[source.random.randint(1, len(args)) :]
        return
    way = source.random.randrange(4)
    place = source.random.randint(1, max(1, len(args) - 1))
    if way == 0 and len(args) > 1:
        del args[place]
    elif way == 1:
        args.append(source.pick(JUNK))
    elif way == 2 and len(args) > 1:
        args[place] = source.pick(JUNK)
    else:
        del args[place:]


def commands(*lines: tuple[bytes, ...] | list[bytes], check: str = "auto", connection: int = 0, atomic: bool = False) -> Unit:
    """A unit of these commands, all on one connection."""
    return Unit(tuple(Step(tuple(args), connection, check) for args in lines), atomic)


LIMITS = {
    b"hash-max-listpack-entries": [b"0", b"1", b"4", b"512"],
    b"hash-max-listpack-value": [b"0", b"1", b"16", b"64", b"1000"],
    b"zset-max-listpack-entries": [b"0", b"1", b"4", b"128"],
    b"zset-max-listpack-value": [b"0", b"1", b"16", b"64", b"1000"],
    b"set-max-listpack-entries": [b"0", b"1", b"4"],
    b"set-max-intset-entries": [b"6", b"64", b"512"],
    b"set-max-listpack-value": [b"0", b"1", b"16", b"64", b"1000"],
    b"list-max-listpack-size": [b"-5", b"-4", b"-3", b"-2", b"-1", b"1", b"2", b"4", b"128"],
    b"list-compress-depth": [b"0", b"1", b"2"],
    b"hll-sparse-max-bytes": [b"0", b"19", b"40", b"100", b"1000", b"3000", b"40000"],
    b"stream-node-max-entries": [b"0", b"1", b"3", b"10", b"100"],
    b"stream-node-max-bytes": [b"0", b"40", b"200", b"4096"],
}
"""Limits of the encodings to change to while there is data."""


def limit(kind: str) -> Maker:
    """Changes a limit of the encodings of a type ("set")."""
    names = [name for name in LIMITS if name.startswith(kind.encode())]

    def make(source: Source) -> Unit:
        name = source.pick(names)
        return commands((b"CONFIG", b"SET", name, source.pick(LIMITS[name])))

    return make


def written(source: Source, writer: Writer) -> tuple[bytes, ...]:
    """The arguments that a template's writer gives."""
    out: list[bytes] = []
    writer(source, out)
    return tuple(out)
