"""HyperLogLogs: added to, merged, counted and set as strings, and read byte for byte after each command."""

from __future__ import annotations

from tests.differential.grammar import compile_template
from tests.differential.groups.group import Group, Maker, commands, limit, written
from tests.differential.steps import Unit
from tests.differential.values import Source

DAMAGED = [b"", b"\x00", b"\x7f", b"\x7f\xfe", b"\x7f\xff\x00", b"\x7f\xff\x80", b"\x7f\xfe\x81", b"\x7f\xff\x40", b"\x7f\xff\x7f\xff"]
"""Opcodes that don't tell of 16384 registers."""
NONE = [b"", b"HYLL", b"HYLL\x01" + bytes(10), b"HYLX\x01" + bytes(11) + b"\x7f\xff", b"HYLL\x00" + bytes(11), b"HYLL\x02" + bytes(12299)]
"""Strings that are no HyperLogLogs."""


def looked_at(template: str) -> Maker:
    """A command whose first or second word is a key, and the bytes and the encoding of what is there then."""
    writer = compile_template(template)

    def make(source: Source) -> Unit:
        line = written(source, writer)
        key = line[2] if line[0].upper() == b"PFDEBUG" else line[1]
        return commands(line, (b"GET", key), (b"OBJECT", b"ENCODING", key))

    return make


def damaged(source: Source) -> Unit:
    """A string that is no HyperLogLog, or a damaged one, in the way of each command. Nothing is added to a damaged one and it is not
    decoded: Redis does what it can then, and zippy refuses."""
    key, other = source.pkey(), source.pkey()
    opcodes = source.random.random() < 0.5
    value = source.sparse_header() + source.pick(DAMAGED) if opcodes else source.pick(NONE)
    adds = (b"PFADD", key) if opcodes else (b"PFADD", key, source.val())
    shows = b"ENCODING" if opcodes else b"DECODE"
    lines: list[tuple[bytes, ...]] = [
        adds,
        (b"PFCOUNT", key),
        (b"PFCOUNT", other, key),
        (b"PFMERGE", other, key),
        (b"PFMERGE", key, other),
        (b"PFDEBUG", shows, key),
        (b"PFDEBUG", source.pick([b"GETREG", b"TODENSE"]), key),
    ]
    chosen = source.random.sample(lines, 3)
    return commands((b"SET", key, value), *chosen, (b"GET", key), (b"DEL", key, other), atomic=True)


GROUP = Group(
    "hyperloglog",
    "any",
    """
    60  PFADD pkey element+
    10  PFADD pkey
    20  PFADD pkey manyelements
    60  PFCOUNT pkey
    40  PFCOUNT pkey+
    20  PFMERGE pkey pkey+
    10  PFMERGE pkey
    10  PFDEBUG (ENCODING|DECODE|GETREG|TODENSE|'foo) pkey
    3   PFDEBUG SIMD (ON|OFF)
    10  SET pkey (sparse|dense)
    4   SET pkey val
    4   RPUSH pkey val
    20  DEL pkey
    4   STRLEN pkey
    4   PEXPIREAT pkey msat
    2   PTTL pkey
    3   COPY pkey pkey
    """,
    [
        (200, looked_at("PFADD pkey element+")),
        (60, looked_at("PFADD pkey manyelements")),
        (60, looked_at("PFCOUNT pkey [pkey]")),
        (100, looked_at("PFMERGE pkey pkey+")),
        (30, looked_at("PFADD pkey")),
        (30, looked_at("SET pkey (sparse|dense)")),
        (20, looked_at("PFDEBUG (ENCODING|DECODE|GETREG|TODENSE) pkey")),
        (40, damaged),
        (10, limit("hll")),
        (1, lambda _: commands((b"PFSELFTEST",))),
    ],
)
