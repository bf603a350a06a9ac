"""Points of the earth in sorted sets: near each other and all over it, at the poles and at the date line, and searches of any size."""

from tests.differential.groups.group import Group, commands, limit
from tests.differential.steps import Step, Unit
from tests.differential.values import Source


def many(source: Source) -> Unit:
    """Enough members in one command to step over an encoding's limit."""
    words = [word for member in source.manymembers() for word in (*source.point(), member)]
    return commands((b"GEOADD", source.zkey(), *words))


def nearest(source: Source) -> Unit:
    """Some of the nearest or farthest members, with distances: which of those at one distance come is not defined."""
    args = [b"GEOSEARCH", source.zkey(), *source.around(), *source.shape(), b"COUNT", source.count(), b"WITHDIST"]
    args += source.pick_some([[b"ASC"], [b"DESC"], [b"WITHHASH"], [b"WITHCOORD"]])
    return commands(args, check="nearest")


def nearest_of_a_circle(source: Source) -> Unit:
    """The same of GEORADIUS and GEORADIUSBYMEMBER."""
    name, place = source.random.choice([(b"GEORADIUS", source.point), (b"GEORADIUSBYMEMBER", lambda: [source.member()])])
    args = [name + source.pick([b"", b"_RO"]), source.zkey(), *place(), *source.radius(), b"WITHDIST", b"COUNT", source.count()]
    return commands(args + source.pick_some([[b"ASC"], [b"DESC"], [b"WITHHASH"], [b"WITHCOORD"]]), check="nearest")


def stored(source: Source) -> Unit:
    """A search whose outcome is stored, and looked at."""
    key = source.zkey()
    args = [b"GEOSEARCHSTORE", key, source.zkey(), *source.around(), *source.shape()]
    args += source.pick_some([[b"ASC"], [b"COUNT", source.count(), b"ANY"], [b"STOREDIST"]])
    return Unit((Step(tuple(args)), Step((b"ZRANGE", key, b"0", b"-1", b"WITHSCORES")), Step((b"OBJECT", b"ENCODING", key))))


GROUP = Group(
    "geo",
    "zset",
    """
    20  GEOADD key {(NX|XX)|CH} located+
    3   GEOADD key {NX|XX|CH|'gt} located+
    4   ZADD key scored+
    4   ZREM key member+
    2   ZRANGE key 0 -1 WITHSCORES
    8   GEOPOS key member+
    1   GEOPOS key
    8   GEOHASH key member+
    1   GEOHASH key
    8   GEODIST key member member [lengthunit]
    20  GEOSEARCH key around shape {(ASC|DESC)|WITHCOORD|WITHDIST|WITHHASH}
    6   GEOSEARCH key shape around {(ASC|DESC)|COUNT count ANY|WITHCOORD|WITHDIST|WITHHASH}
    3   GEOSEARCH key {around|shape|ASC|DESC|WITHCOORD|WITHDIST|STOREDIST|STORE key|ANY|COUNT count ANY}
    3   GEOSEARCHSTORE key key {around|shape|ASC|DESC|WITHDIST|STOREDIST|ANY|COUNT count ANY}
    6   GEORADIUS key point radius {(ASC|DESC)|COUNT count ANY|WITHCOORD|WITHDIST|WITHHASH}
    4   GEORADIUS key point radius {ASC|DESC|COUNT count ANY|WITHDIST|STORE key|STOREDIST key|ANY}
    4   GEORADIUS_RO key point radius {ASC|DESC|COUNT count ANY|WITHCOORD|WITHDIST|WITHHASH|STORE key}
    6   GEORADIUSBYMEMBER key member radius {(ASC|DESC)|COUNT count ANY|WITHCOORD|WITHDIST|WITHHASH}
    4   GEORADIUSBYMEMBER key member radius {ASC|DESC|COUNT count ANY|STORE key|STOREDIST key}
    4   GEORADIUSBYMEMBER_RO key member radius {ASC|DESC|COUNT count ANY|WITHCOORD|WITHDIST|WITHHASH|STOREDIST key}
    1   DEL key
    """,
    [(4, many), (1, limit("zset")), (10, nearest), (4, nearest_of_a_circle), (8, stored)],
)
