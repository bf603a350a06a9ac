"""Where random arguments come from: keys of a small space, so that commands collide, and values beside every edge that
an encoding or a number has. A seed gives the same values each time.
"""

from __future__ import annotations

import random

from tests.differential.clock import MORNING_MS

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)

KEYS = {
    "string": [b"s%d" % n for n in range(6)],
    "list": [b"l%d" % n for n in range(4)],
    "set": [b"x%d" % n for n in range(4)],
    "zset": [b"z%d" % n for n in range(4)],
    "hash": [b"h%d" % n for n in range(4)],
    "stream": [b"t%d" % n for n in range(4)],
}
ALL_KEYS = [key for keys in KEYS.values() for key in keys]

EDGE_INTS = [
    b"0", b"1", b"-1", b"2", b"3", b"10", b"-5", b"100", b"127", b"128", b"-128", b"-129", b"255", b"4095", b"4096", b"8191", b"8192",
    b"-4096", b"-4097", b"32767", b"32768", b"-32768", b"-32769", b"8388607", b"8388608", b"2147483647", b"2147483648", b"-2147483648",
    b"-2147483649", b"4294967295", b"4294967296", b"9007199254740992", b"9007199254740993", b"9223372036854775806",
    b"9223372036854775807", b"-9223372036854775807", b"-9223372036854775808",
]  # fmt: skip
BAD_INTS = [
    b"9223372036854775808", b"-9223372036854775809", b"18446744073709551615", b"18446744073709551616", b"99999999999999999999999", b"01",
    b"+1", b"-0", b" 1", b"1 ", b"", b"a", b"1a", b"0x10", b"1.0", b"1e3", b"nan", b"inf", b"-", b"1\x00", b"--1",
]  # fmt: skip
EDGE_FLOATS = [
    b"0", b"1", b"-1", b"1.5", b"-2.25", b"0.1", b"0.2", b"0.30000000000000004", b"3.0", b"10", b"100.001", b"1e5", b"1e16", b"1e17",
    b"1e21", b"1e22", b"1e-5", b"1e-7", b"123456789.123456789", b"-0", b"-0.0", b"0.0", b"5e-324", b"2.2250738585072014e-308",
    b"1.7976931348623157e308", b"-1.7976931348623157e308", b"9007199254740993", b"9223372036854775807", b"-9223372036854775808",
    b"9223372036854775808", b"1e19", b"3.14159265358979323846", b"+1", b"+.5", b".5", b"5.", b"1E2", b"0x1p3", b"0x10", b"17179869184.5",
    b"1e15", b"-1e15", b"1234567890123456", b"12345678901234567", b"4503599627370496.5", b"99999999999999990000", b"0.000001", b"1e-17",
]  # fmt: skip
BAD_FLOATS = [
    b"", b"a", b"1a", b" 1", b"1 ", b"1.2.3", b"1e", b"e5", b"--1", b"+-1", b"1e400", b"-1e400", b"1e5000", b"1e-5000", b"0x", b".", b"1,5",
    b"1\x00", b"in", b"infi",
]  # fmt: skip
NON_FINITE = [b"inf", b"-inf", b"+inf", b"Inf", b"INFINITY", b"-infinity", b"nan", b"NaN", b"-nan", b"nan(1)"]
BINARY = [b"\x00", b"\xff\xfe", b"a\r\nb", b"\r\n", b"a\x00b", b"\x80\x81\x82", b'q"uo\\te', b"caf\xc3\xa9", b" ", b"\t", b"*", b"$5"]
ABSOLUTE_SECONDS = [4_000_000_000, 4_000_000_001, 5_000_000_000, 6_000_000_000, 7_000_000_123]
ABSOLUTE_MS = [4_000_000_000_000, 4_000_000_000_001, 5_000_000_000_999, 6_000_000_000_500]
JUNK = [
    b"",
    b"foo",
    b"-1",
    b"0",
    b"nx",
    b"XX",
    b"WITHSCORES",
    b"COUNT",
    b"\xff\x00",
    b"9223372036854775807",
    b"-9223372036854775809",
    b"1.5",
    b"(",
]
EDGE_STREAM_IDS = [
    b"18446744073709551615-18446744073709551615", b"18446744073709551615", b"0-18446744073709551615", b"0-0", b"0-1", b"0-*", b"0", b"1",
    b"18446744073709551614-1", b"9223372036854775807-9223372036854775808", b"+1-01", b" 1- 1",
]  # fmt: skip
BAD_STREAM_IDS = [
    b"", b"-", b"+", b"*", b"1-", b"-1", b"1-1-1", b"a", b"1-a", b"-*", b"1-**", b"18446744073709551616", b"0x1", b"(", b"((1", b"1.5",
    b"1 -1", b"1-\x001", b"1\x00-1", b"1" * 130,
]  # fmt: skip
# Longitudes and latitudes beside what cells and searches have edges at, and some that are none
EDGE_LONGITUDES = [b"180", b"-180", b"179.999999", b"-179.999999", b"0", b"90", b"-90", b"45", b"2.682209014892578e-6"]
EDGE_LATITUDES = [
    b"85.05112878", b"-85.05112878", b"85.0511", b"-85.0511", b"0", b"66", b"66.0001", b"-66.0001", b"80", b"80.0001", b"-80.0001",
    b"42.52556439",
]  # fmt: skip
BAD_DEGREES = [b"180.0000001", b"-181", b"85.0511287801", b"-90", b"1e300", b"inf", b"-inf", b"nan", b"", b"a", b"0x10", b" 1", b"1e-300"]
SIZES = [b"0", b"0.1", b"1e-300", b"-0", b"-1", b"1e300", b"inf", b"-inf", b"nan", b"a", b"", b"20037726.37", b"40000000", b"1e7", b"0x10"]

SHORT_WORDS = [b"a", b"b", b"c", b"d", b"e", b"foo", b"bar", b"hello", b"aa", b"ab", b"Z"]

# Lengths beside the edges: embedded strings (44), listpack values (16 and 64), 6- and 12-bit listpack strings, packed nodes.
EDGE_LENGTHS = [1, 11, 12, 15, 16, 17, 19, 20, 21, 22, 31, 32, 43, 44, 45, 62, 63, 64, 65, 66, 127, 128, 129, 253, 254, 255, 256, 300]
LONG_LENGTHS = [1000, 4094, 4095, 4096, 4097, 8191, 8192, 8193, 9000]


class Source:
    """Random arguments from `seed`; `key_type` says which keys are meant mostly, `small` that the encodings' limits are low, and
    `clock` that the clock is set, so that times may be near."""

    def __init__(self, seed: int | str, key_type: str, small: bool, clock: bool = False) -> None:
        self.clock = clock
        self.now_ms = MORNING_MS
        self.random = random.Random(seed)
        self.key_type = key_type
        self.small = small
        self.added = 0
        self.by_clock = False

    def pick(self, values: list[bytes]) -> bytes:
        """One of `values`."""
        return self.random.choice(values)

    # keys

    def typed(self, key_type: str) -> bytes:
        """A key of a type; at times one of another, for WRONGTYPE."""
        return self.pick(KEYS[key_type]) if self.random.random() < 0.95 else self.anykey()

    def key(self) -> bytes:
        """A key of the group's own type."""
        return self.typed(self.key_type) if self.key_type in KEYS else self.anykey()

    def skey(self) -> bytes:
        """A string's key."""
        return self.typed("string")

    def nkey(self) -> bytes:
        """The key of a string that mostly is a number."""
        return self.pick([b"n0", b"n1", b"n2"]) if self.random.random() < 0.9 else self.skey()

    def small_number(self) -> bytes:
        """An integer far from the limits."""
        return b"%d" % self.random.randint(-1000, 1000)

    def lkey(self) -> bytes:
        """A list's key."""
        return self.typed("list")

    def xkey(self) -> bytes:
        """A set's key."""
        return self.typed("set")

    def zkey(self) -> bytes:
        """A sorted set's key."""
        return self.typed("zset")

    def ykey(self) -> bytes:
        """The key of a sorted set whose scores are all 0, as lexicographic commands need it: other keys get no such command
        (beside different scores their answer depends on how high the skip list's towers happen to be)."""
        return self.pick([b"y0", b"y1"]) if self.random.random() < 0.95 else self.pick([b"nozset", b"nothing"])

    def hkey(self) -> bytes:
        """A hash's key."""
        return self.typed("hash")

    def tkey(self) -> bytes:
        """A stream's key; ids that are asked for next fit to it: those of half the streams are made of the clock's time."""
        key = self.typed("stream")
        self.by_clock = self.clock and key in KEYS["stream"][2:]
        return key

    def xzkey(self) -> bytes:
        """A set's or a sorted set's key."""
        return self.zkey() if self.random.random() < 0.7 else self.xkey()

    def anykey(self) -> bytes:
        """Any key; rarely a strange one."""
        return self.pick(ALL_KEYS) if self.random.random() < 0.97 else self.pick([b"", b"\xff\x00k", b"k" * 100, b"missing", b"{s}1"])

    def counted(self, one: str) -> list[bytes]:
        """A count and that many of the atom `one`; at times the count is wrong."""
        keys = [getattr(self, one)() for _ in range(self.random.choice((1, 1, 2, 2, 3, 4)))]
        count = b"%d" % len(keys) if self.random.random() < 0.95 else self.pick([b"0", b"-1", b"a", b"9", b"1", b"2", b"3000000000"])
        return [count, *keys]

    def xkeys(self) -> list[bytes]:
        """A count and set keys."""
        return self.counted("xkey")

    def zkeys(self) -> list[bytes]:
        """A count and keys of sorted sets and sets."""
        return self.counted("xzkey")

    def lkeys(self) -> list[bytes]:
        """A count and list keys."""
        return self.counted("lkey")

    def zonlykeys(self) -> list[bytes]:
        """A count and sorted-set keys."""
        return self.counted("zkey")

    def fields(self) -> list[bytes]:
        """FIELDS, a count and hash fields."""
        return [b"FIELDS", *self.counted("field")]

    def pairs(self) -> list[bytes]:
        """FIELDS, a count, and fields with values."""
        chosen = [(self.field(), self.val()) for _ in range(self.random.choice((1, 1, 2, 3)))]
        count = b"%d" % len(chosen) if self.random.random() < 0.95 else self.pick([b"0", b"-1", b"a", b"9"])
        return [b"FIELDS", count, *(item for pair in chosen for item in pair)]

    # values

    def text(self, lengths: list[int]) -> bytes:
        """A string of one of these lengths, compressible or not."""
        length = self.random.choice(lengths)
        if self.random.random() < 0.6:
            return (self.pick(SHORT_WORDS) * length)[:length]
        return bytes(self.random.choices(b"abcdefghijklmnopqrstuvwxyz0123456789", k=length))

    def val(self) -> bytes:
        """A value: a word, a number, an edge length, binary, empty, long."""
        chance = self.random.random()
        if chance < 0.35:
            return self.pick(SHORT_WORDS)
        if chance < 0.55:
            return self.pick(EDGE_INTS) if chance < 0.45 else b"%d" % self.random.randint(-1000, 1000)
        if chance < 0.62:
            return self.pick(EDGE_FLOATS)
        if chance < 0.66:
            return self.pick(BAD_INTS)
        if chance < 0.85:
            return self.text(EDGE_LENGTHS)
        if chance < 0.95:
            return self.pick(BINARY)
        return b"" if chance < 0.98 else self.text(LONG_LENGTHS)

    def shortval(self) -> bytes:
        """A word or a small number."""
        return self.pick(SHORT_WORDS) if self.random.random() < 0.6 else b"%d" % self.random.randint(-100, 1000)

    def digest(self) -> bytes:
        """A digest as DIGEST tells it; at times none."""
        if self.random.random() < 0.9:
            return self.pick([b"eaf06c6480b2cd11", b"EAF06C6480B2CD11", b"2d06800538d394c2", b"b6acb9d84a38ff74"])
        return self.pick([b"eaf06c6480b2cd1", b"", b"eaf06c6480b2cd111", b"xaf06c6480b2cd11"])

    def bits(self) -> bytes:
        """A value for bit commands."""
        return bytes(
            self.random.choices([0, 1, 0x0F, 0x80, 0xFF, 0xAA, 0x7F], k=self.random.choice([0, 1, 2, 3, 7, 8, 9, 16, 31, 32, 33, 65, 200]))
        )

    def member(self) -> bytes:
        """A set's member: mostly from a small pool, ints as often as words. No two are equal up to a NUL byte, where SORT ALPHA
        stops to compare and so leaves their order open."""
        chance = self.random.random()
        if chance < 0.4:
            return b"%d" % self.random.randint(-3, 12)
        if chance < 0.8:
            return self.pick(SHORT_WORDS)
        return self.val().replace(b"\x00", b"\x01") if chance < 0.98 else b"nul\x00l"

    def word(self) -> bytes:
        """A member that is not an integer, from a small pool."""
        return self.pick(SHORT_WORDS) if self.random.random() < 0.9 else self.text(EDGE_LENGTHS)

    field = member
    item = member

    def smallint(self) -> bytes:
        """An integer that a set keeps in an intset; at times of the next width."""
        return b"%d" % self.random.randint(-20, 20) if self.random.random() < 0.9 else self.pick(EDGE_INTS)

    def manymembers(self) -> list[bytes]:
        """Enough members, ints or words, to step over an encoding's limit on the number of elements."""
        count = self.random.choice([3, 4, 5, 6, 7, 8, 9] if self.small else [126, 127, 128, 129, 130, 511, 512, 513])
        if self.random.random() < 0.03:
            count = 1500
        start = self.random.choice([0, 0, 100, 40000, -5])
        return [b"%d" % (start + n) for n in range(count)] if self.random.random() < 0.5 else [b"m%d" % (start + n) for n in range(count)]

    def manypairs(self) -> list[bytes]:
        """Members with values, enough to step over a hash's limit."""
        return [item for member in self.manymembers() for item in (member, self.shortval())]

    def manyscored(self) -> list[bytes]:
        """Scores with members, enough to step over a sorted set's limit."""
        step = self.random.choice([0, 1, 1, -1])
        return [item for n, member in enumerate(self.manymembers()) for item in (b"%d" % (n * step), member)]

    def scored(self) -> list[bytes]:
        """A score and a member."""
        return [self.score(), self.member()]

    # points of the earth

    def point(self) -> list[bytes]:
        """A longitude and a latitude: around one place, anywhere, at an edge, or none."""
        chance = self.random.random()
        if chance < 0.45:
            return [b"%.*f" % (self.random.choice((1, 4, 9)), middle + self.random.gauss(0, 1)) for middle in (15, 37)]
        if chance < 0.7:
            return [b"%.*f" % (self.random.choice((0, 4, 12)), self.random.uniform(-end, end)) for end in (180, 85.05)]
        if chance < 0.97:
            near = b"%.6f" % self.random.gauss(0, 2)
            return [self.pick([*EDGE_LONGITUDES, near]), self.pick([*EDGE_LATITUDES, near])]
        return [self.pick(BAD_DEGREES), self.pick([b"1", *BAD_DEGREES])]

    def located(self) -> list[bytes]:
        """A point and a member."""
        return [*self.point(), self.member()]

    def lengthunit(self) -> bytes:
        """A unit of length."""
        return self.pick([b"m", b"km", b"ft", b"mi", b"M", b"Km"]) if self.random.random() < 0.97 else self.pick([b"cm", b"", b"mm"])

    def size(self) -> bytes:
        """A length, from less than a meter to more than the earth's circumference, in most units."""
        if self.random.random() < 0.9:
            return b"%.*f" % (self.random.choice((0, 3)), 10 ** self.random.uniform(0, 7.7))
        return self.pick(SIZES)

    def radius(self) -> list[bytes]:
        """A length and its unit."""
        return [self.size(), self.lengthunit()]

    def around(self) -> list[bytes]:
        """Where a search has its center."""
        return [b"FROMMEMBER", self.member()] if self.random.random() < 0.4 else [b"FROMLONLAT", *self.point()]

    def shape(self) -> list[bytes]:
        """What a search looks in."""
        if self.random.random() < 0.5:
            return [b"BYRADIUS", *self.radius()]
        width = self.size()
        return [b"BYBOX", width, width if self.random.random() < 0.3 else self.size(), self.lengthunit()]

    def pick_some(self, branches: list[list[bytes]]) -> list[bytes]:
        """The words of some of the branches, in any order."""
        chosen = [branch for branch in branches if self.random.random() < 0.35]
        self.random.shuffle(chosen)
        return [word for branch in chosen for word in branch]

    # numbers

    def integer(self) -> bytes:
        """An integer argument: small, at an edge, or not an integer."""
        chance = self.random.random()
        if chance < 0.6:
            return b"%d" % self.random.randint(-10, 20)
        return self.pick(EDGE_INTS) if chance < 0.9 else self.pick(BAD_INTS)

    def count(self) -> bytes:
        """A count: mostly small and not negative."""
        chance = self.random.random()
        if chance < 0.85:
            return b"%d" % self.random.randint(0, 8)
        return self.pick(
            [b"-1", b"-2", b"-5", b"1000", b"a", b"", b"1.5", b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808"]
        )

    def safecount(self) -> bytes:
        """A count that can't ask for a huge reply."""
        return self.pick([b"0", b"1", b"2", b"3", b"5", b"10", b"100", b"-1", b"-3", b"-7", b"-100"])

    def index(self) -> bytes:
        """An index from either end."""
        chance = self.random.random()
        if chance < 0.85:
            return b"%d" % self.random.randint(-8, 8)
        return self.pick([b"-100", b"100", b"9223372036854775807", b"-9223372036854775808", b"a", b"", b"1.0", b"9223372036854775808"])

    def real(self) -> bytes:
        """A floating-point argument, seldom a bad one."""
        chance = self.random.random()
        if chance < 0.4:
            return b"%d" % self.random.randint(-10, 10)
        if chance < 0.6:
            return repr(round(self.random.uniform(-100, 100), self.random.randint(0, 5))).encode()
        if chance < 0.92:
            return self.pick(EDGE_FLOATS)
        return self.pick(BAD_FLOATS) if chance < 0.96 else self.pick(NON_FINITE)

    score = real

    def scorebound(self) -> bytes:
        """A bound of a score range."""
        chance = self.random.random()
        if chance < 0.25:
            return self.pick([b"-inf", b"+inf", b"inf", b"(-inf", b"(+inf", b"(inf"])
        return (b"(" if chance < 0.5 else b"") + self.real()

    def lexbound(self) -> bytes:
        """A bound of a lexicographic range."""
        chance = self.random.random()
        if chance < 0.25:
            return self.pick([b"-", b"+"])
        if chance < 0.95:
            return self.pick([b"[", b"("]) + self.pick([*SHORT_WORDS, b"", b"\xff", b"m1", b"m9", b"1"])
        return self.pick([b"a", b"", b"-inf", b"++", b"{a"])

    def rangebound(self) -> bytes:
        """A bound for ZRANGE in any of its three meanings."""
        return self.random.choice([self.index, self.index, self.scorebound, self.lexbound])()

    def limit(self) -> list[bytes]:
        """LIMIT with an offset and a count."""
        return [b"LIMIT", self.index(), self.index()]

    def weights(self) -> list[bytes]:
        """WEIGHTS with some weights, often as many as there are keys."""
        return [b"WEIGHTS", *(self.real() for _ in range(self.random.choice((1, 1, 2, 2, 3))))]

    def offset(self) -> bytes:
        """A byte offset: small, or beyond the limit of 512 MB, never one that would make a huge string."""
        chance = self.random.random()
        if chance < 0.9:
            return b"%d" % self.random.choice([0, 1, 2, 5, 10, 43, 44, 45, 63, 64, 200, 1000])
        return self.pick([b"-1", b"a", b"", b"536870912", b"536870913", b"9223372036854775807", b"9223372036854775808"])

    def bitoffset(self) -> bytes:
        """A bit offset under the same rule."""
        chance = self.random.random()
        if chance < 0.9:
            return b"%d" % self.random.choice([0, 1, 6, 7, 8, 9, 15, 16, 31, 63, 64, 65, 100, 511, 512, 2000])
        return self.pick([b"-1", b"a", b"", b"4294967296", b"4294967297", b"9223372036854775807", b"9223372036854775808", b"1.5"])

    def fieldoffset(self) -> bytes:
        """A BITFIELD offset: in bits, or #n in widths."""
        if self.random.random() < 0.3:
            return b"#" + self.pick([b"0", b"1", b"2", b"7", b"20", b"-1", b"a", b"", b"9223372036854775807"])
        return self.bitoffset()

    def fieldtype(self) -> bytes:
        """A BITFIELD type."""
        widths = [b"1", b"2", b"5", b"7", b"8", b"9", b"15", b"16", b"31", b"32", b"33", b"62", b"63"]
        if self.random.random() < 0.95:
            return self.pick([b"u", b"i"]) + self.pick(widths)
        return self.pick([b"i64", b"u64", b"i65", b"u0", b"i0", b"x8", b"u", b"8", b"", b"u-1", b"I8", b"U8", b"u08"])

    def field_place(self) -> list[bytes]:
        """Type and offset of a BITFIELD field."""
        return [self.fieldtype(), self.fieldoffset()]

    def bitvalue(self) -> bytes:
        """A value for a BITFIELD write."""
        return self.pick([*EDGE_INTS, b"-2", b"254", b"7"]) if self.random.random() < 0.95 else self.pick(BAD_INTS)

    def bit(self) -> bytes:
        """A bit; at times not one."""
        return self.pick([b"0", b"1", b"0", b"1", b"0", b"1", b"0", b"1", b"2", b"-1", b"a", b""])

    # HyperLogLogs: their keys are nobody else's, who might damage a sparse one in a way that Redis is late to notice

    def pkey(self) -> bytes:
        """A HyperLogLog's key."""
        return self.pick([b"p0", b"p1", b"p2", b"p3"])

    def element(self) -> bytes:
        """An element: one of a few, or hardly ever the same again."""
        return self.val() if self.random.random() < 0.5 else b"%d" % self.random.randrange(1 << self.random.randint(1, 40))

    def manyelements(self) -> list[bytes]:
        """Enough elements for a sparse one to become long, at times too long."""
        count = self.random.choice([5, 20, 40, 80] if self.small else [20, 100, 300, 1000])
        start = self.random.choice([0, 0, 50, self.random.randrange(1 << 30)])
        return [b"%d" % (start + n) for n in range(count)]

    def sparse_header(self) -> bytes:
        """The header of a sparse HyperLogLog; its cardinality is out of date."""
        return b"HYLL\x01" + bytes(10) + b"\x80"

    def sparse(self) -> bytes:
        """A sparse HyperLogLog with opcodes that no command makes, too: long ones for few registers, neighbours that are alike."""
        random = self.random
        out = bytearray(random.choice([self.sparse_header(), b"HYLL\x01abc" + random.randbytes(8)]))
        values, longest, left = random.choice([0.1, 0.5, 0.9]), random.choice([64, 400, 16384, 16384]), 16384
        while left:
            if random.random() < values and len(out) < 5000:
                run = min(left, random.choice([1, 1, 1, 2, 3, 4]))
                out.append(0x80 | random.choice([0, 0, 1, random.randrange(32)]) << 2 | run - 1)
            else:
                run = min(left, random.randint(1, longest))
                out += bytes([run - 1]) if run <= 64 and random.random() < 0.8 else bytes([0x40 | run - 1 >> 8, run - 1 & 255])
            left -= run
        return bytes(out)

    def dense(self) -> bytes:
        """A dense HyperLogLog with registers in no order, with small ones alone, or with equal ones."""
        random = self.random
        small = b"\x08\x31\x08" * 2048 + random.randbytes(6144)
        registers = random.choice([random.randbytes(12288), small, b"\x41\x10\x04" * 4096, bytes(12288)])
        return b"HYLL\x00" + random.choice([bytes(10) + b"\x80", random.randbytes(11)]) + registers

    # times: none that could pass while a test runs (unless its clock is set), and hardly ever the same one twice

    def sec(self) -> bytes:
        """Seconds to live: far away, or not positive, or not acceptable."""
        if self.clock and self.random.random() < 0.8:
            return b"%d" % self.random.choice((1, 2, 5, 20, 100))
        if self.random.random() < 0.85:
            return b"%d" % self.random.randint(1000, 100_000_000)
        return self.pick(
            [
                b"0",
                b"-1",
                b"-100",
                b"a",
                b"",
                b"1.5",
                b"9223372036854775807",
                b"9223372036854775",
                b"-9223372036854775808",
                b"9223372036854776",
            ]
        )

    def ms(self) -> bytes:
        """Milliseconds to live, under the same rule."""
        if self.clock and self.random.random() < 0.8:
            return b"%d" % self.random.choice((1, 2, 500, 999, 1000, 1499, 1500, 5000, 20000, 99999))
        if self.random.random() < 0.85:
            return b"%d" % self.random.randint(1_000_000, 100_000_000_000)
        return self.pick([b"0", b"-1", b"-100", b"a", b"", b"1.5", b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808"])

    def at(self) -> bytes:
        """A Unix time in seconds: far in the future, now and then in the past, or not acceptable."""
        if self.clock and self.random.random() < 0.7:
            return b"%d" % (self.now_ms // 1000 + self.random.choice((-5, -1, 0, 1, 2, 5, 20, 100)))
        chance = self.random.random()
        if chance < 0.85:
            return b"%d" % self.random.choice(ABSOLUTE_SECONDS)
        if chance < 0.93:
            return self.pick([b"1", b"1000000000", b"1600000000"])
        return self.pick(
            [b"0", b"-1", b"a", b"", b"9223372036854775807", b"9223372036854775", b"9223372036854776", b"-9223372036854775808"]
        )

    def msat(self) -> bytes:
        """A Unix time in milliseconds, under the same rule."""
        if self.clock and self.random.random() < 0.7:
            return b"%d" % (self.now_ms + self.random.choice((-1000, -1, 0, 1, 2, 1000, 1500, 5000, 20000)))
        chance = self.random.random()
        if chance < 0.85:
            return b"%d" % self.random.choice(ABSOLUTE_MS)
        if chance < 0.93:
            return self.pick([b"1", b"1000000000000", b"1600000000000"])
        return self.pick([b"0", b"-1", b"a", b"", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775808"])

    def timeout(self) -> bytes:
        """A blocking command's timeout: over soon, or not acceptable."""
        if self.random.random() < 0.85:
            return self.pick([b"0.001", b"0.002", b"0.005"])
        return self.pick([b"-1", b"a", b"", b"-0.5", b"nan", b"1e400", b"-inf", b"9223372036854775807", b"1e20"])

    # the rest

    def pattern(self) -> bytes:
        """A glob pattern."""
        return self.pick(
            [
                b"*",
                b"*",
                b"s*",
                b"?1",
                b"[sx]*",
                b"[^s]*",
                b"[a-f]*",
                b"",
                b"\\*",
                b"h[0-2]",
                b"*1*",
                b"[",
                b"[^",
                b"a*b*",
                b"foo",
                b"*[",
                b"\\",
                b"[z-a]",
                b"m1*",
            ]
        )

    def libraryname(self) -> bytes:
        """The name of a library of functions, now and then of none."""
        return self.pick([b"one", b"Two", b"three_3", b"four", b"two"])

    def typename(self) -> bytes:
        """A type's name."""
        return self.pick([b"string", b"list", b"set", b"zset", b"hash", b"stream", b"none", b"STRING", b"foo", b""])

    def database(self) -> bytes:
        """A database's number."""
        return (
            self.pick([b"0", b"1", b"1", b"2", b"15", b"16", b"-1", b"a", b"99999999999"])
            if self.random.random() < 0.3
            else self.pick([b"0", b"1"])
        )

    def sortby(self) -> bytes:
        """A BY pattern."""
        return self.pick([b"s*", b"h*->a", b"h*->foo", b"nosort", b"w_*", b"*", b"s0", b"h*->", b"->a", b"x->*"])

    def sortget(self) -> bytes:
        """A GET pattern."""
        return self.pick([b"#", b"s*", b"h*->a", b"h*->foo", b"s0", b"*", b"h*->", b"nothing*"])

    # streams

    def addid(self) -> bytes:
        """The id for XADD: mostly above those before it."""
        chance = self.random.random()
        if chance < 0.06:
            return self.pick([*BAD_STREAM_IDS, *EDGE_STREAM_IDS[:6]])
        if self.by_clock:
            return b"*" if chance < 0.85 else self.pick([b"%d-*", b"%d", b"%d-7"]) % self.now_ms
        self.added += self.random.choice((0, 1, 1, 1, 2))
        return self.pick([b"%d-*", b"%d-1", b"%d-1", b"%d-3", b"%d"]) % (self.added // 2)

    def streamid(self) -> bytes:
        """An id that may be there: of an entry, beside one, at an edge, or not an id."""
        chance = self.random.random()
        if chance < 0.05:
            return self.pick(EDGE_STREAM_IDS) if chance < 0.04 else self.pick(BAD_STREAM_IDS)
        around = self.now_ms if self.by_clock else self.added // 2
        ms = max(0, around - self.random.choice((0, 0, 0, 1, 2, 3, 5, 10, 30, 500)))
        return b"%d" % ms if chance < 0.3 else b"%d-%d" % (ms, self.random.choice((0, 1, 1, 1, 2, 3, 4)))

    def rangestart(self) -> bytes:
        """An end of a range of ids."""
        chance = self.random.random()
        if chance < 0.4:
            return b"-" if chance < 0.36 else b"+"
        return (b"(" if chance < 0.55 else b"") + self.streamid()

    def rangeend(self) -> bytes:
        """The other end."""
        chance = self.random.random()
        if chance < 0.4:
            return b"+" if chance < 0.36 else b"-"
        return (b"(" if chance < 0.55 else b"") + self.streamid()

    def groupname(self) -> bytes:
        """A consumer group's name."""
        return (
            self.pick([b"g1", b"g1", b"g1", b"g2", b"g2", b"g3"]) if self.random.random() < 0.97 else self.pick([b"", b"a\x00b", b"none"])
        )

    def consumer(self) -> bytes:
        """A consumer's name."""
        return self.pick([b"c1", b"c1", b"c2", b"c3", b"c4"]) if self.random.random() < 0.97 else self.pick([b"", b"\xff\x00", b"d" * 100])

    def idle(self) -> bytes:
        """A time that entries have been pending for."""
        return (
            self.pick([b"0", b"0", b"0", b"1", b"1000", b"1500", b"5000"]) if self.random.random() < 0.95 else self.pick([b"-1", b"a", b""])
        )

    def pairsof(self) -> list[bytes]:
        """Fields and values of an entry; most entries of a stream have the same fields."""
        fields = self.random.choice([[b"a"], [b"a"], [b"a", b"b"], [b"a", b"b"], [b"b", b"a"], [b"a", b"a", b"1"]])
        if self.random.random() < 0.15:
            fields = [self.val() for _ in range(self.random.choice((1, 2, 5)))]
        return [item for field in fields for item in (field, self.val() if self.random.random() < 0.5 else self.shortval())]

    def trimming(self) -> list[bytes]:
        """MAXLEN or MINID with all that belongs to it."""
        by, threshold = self.random.choice([(b"MAXLEN", self.count), (b"MINID", self.streamid)])
        sign = self.random.choice([[], [b"="], [b"~"], [b"~"]])
        limit = [b"LIMIT", self.pick([b"0", b"1", b"2", b"5", b"100", b"-1", b"a"])] if self.random.random() < 0.2 else []
        bound = self.pick([b"1", b"3", b"10", b"50"]) if by == b"MAXLEN" and self.random.random() < 0.5 else threshold()
        return [by, *sign, bound, *limit]

    def ids(self) -> list[bytes]:
        """IDS, a count and ids."""
        return [b"IDS", *self.counted("streamid")]

    def plainreads(self) -> list[bytes]:
        """STREAMS, keys and where to read on."""
        pairs = [(self.tkey(), self.streamid() if self.random.random() < 0.7 else self.pick([b"$", b"+", b"0", b">", b"-"]))
                 for _ in range(self.random.choice((1, 1, 2, 3)))]  # fmt: skip
        extra = [b"0"] if self.random.random() < 0.03 else []
        return [b"STREAMS", *(key for key, _ in pairs), *(place for _, place in pairs), *extra]

    def groupreads(self) -> list[bytes]:
        """STREAMS, keys, and > or an id for the consumer's own entries."""
        pairs = [(self.tkey(), b">" if self.random.random() < 0.7 else self.pick([b"0", b"$", b"+", self.streamid(), self.streamid()]))
                 for _ in range(self.random.choice((1, 1, 1, 2)))]  # fmt: skip
        return [b"STREAMS", *(key for key, _ in pairs), *(place for _, place in pairs)]

    def moment(self) -> bytes:
        """A Unix time in milliseconds that a delivery may have had."""
        if self.clock and self.random.random() < 0.9:
            return b"%d" % (self.now_ms + self.random.choice((-5000, -1000, -1, 0, 1, 1000)))
        return self.pick([b"0", b"-1", b"a", b"9223372036854775807", b"1000"])

    def channel(self) -> bytes:
        """A channel."""
        return self.pick([b"c1", b"c2", b"c3", b"news", b"", b"\xff\x00", b"a" * 70])

    def channelpattern(self) -> bytes:
        """A channel pattern."""
        return self.pick([b"*", b"c*", b"c?", b"c[12]", b"n*s", b"[^c]*", b"", b"nothing"])
