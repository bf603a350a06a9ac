"""A whole keyspace as plain data: of every key its type, its encoding, its value and its times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.differential.compare import ABSOLUTE, TOLERANCE_SECONDS
from tests.resp import RawClient, Reply

DATABASES = (0, 1, 2, 15)
READ: dict[bytes, tuple[bytes, ...]] = {
    b"string": (b"GET",),
    b"list": (b"LRANGE", b"0", b"-1"),
    b"set": (b"SMEMBERS",),
    b"zset": (b"ZRANGE", b"0", b"-1", b"WITHSCORES"),
    b"hash": (b"HGETALL",),
    b"stream": (b"XRANGE", b"-", b"+"),
}

Entry = dict[str, Any]


def pipelined(client: RawClient, lines: list[tuple[bytes, ...]]) -> Iterator[Reply]:
    """Replies to all lines, sent together."""
    for line in lines:
        client.send(*line)
    for _ in lines:
        yield client.read()


def dump(client: RawClient) -> dict[tuple[int, bytes], Entry]:
    """All keys of the databases that tests use; leaves database 0 selected."""
    entries: dict[tuple[int, bytes], Entry] = {}
    for database in DATABASES:
        _, size, keys = pipelined(client, [(b"SELECT", b"%d" % database), (b"DBSIZE",), (b"KEYS", b"*")])
        entries[database, b"(number of keys)"] = {"size": size.value}
        if keys.kind != "*":
            entries[database, b"(all keys)"] = {"value": keys}
            continue
        names = [item.value for item in keys.value]
        types = [reply.value for reply in pipelined(client, [(b"TYPE", name) for name in names])]
        for name, type_name, entry in zip(names, types, read_entries(client, names, types), strict=True):
            entries[database, name] = {"type": type_name, **entry}
    client("SELECT", 0)
    return entries


def read_entries(client: RawClient, names: list[bytes], types: list[bytes]) -> list[Entry]:
    """Value, encoding and times of keys whose types are known."""
    lines: list[tuple[bytes, ...]] = []
    for name, type_name in zip(names, types, strict=True):
        read = READ.get(type_name, (b"TYPE",))
        lines += [(read[0], name, *read[1:]), (b"OBJECT", b"ENCODING", name), (b"PEXPIRETIME", name)]
    replies = list(pipelined(client, lines))
    entries = []
    for number, (name, type_name) in enumerate(zip(names, types, strict=True)):
        value, encoding, moment = replies[3 * number : 3 * number + 3]
        entry = {"encoding": encoding.value, "expires": moment.value, "value": ordered(type_name, value)}
        if type_name == b"hash":
            entry["field expiry"] = field_times(client, name, entry["value"])
        entries.append(entry)
    return entries


def ordered(type_name: bytes, value: Reply) -> Any:
    """A value without the order that its type does not define."""
    if type_name == b"set" and value.kind in "*~":
        return sorted(item.value for item in value.value)
    if type_name == b"hash" and value.kind == "%":
        return sorted((key.value, item.value) for key, item in value.value)
    if type_name == b"hash" and value.kind == "*":
        flat = [item.value for item in value.value]
        return sorted(zip(flat[::2], flat[1::2], strict=True))
    return value


def field_times(client: RawClient, name: bytes, pairs: Any) -> dict[bytes, int]:
    """The expiry times of a hash's fields that have one."""
    fields = [pair[0] for pair in pairs] if isinstance(pairs, list) else []
    if not fields:
        return {}
    reply = client(b"HPEXPIRETIME", name, b"FIELDS", b"%d" % len(fields), *fields)
    return {field: item.value for field, item in zip(fields, reply.value, strict=True) if item.value != -1} if reply.kind == "*" else {}


def same_moment(ours: Any, theirs: Any, tolerance: int) -> bool:
    """Two expiry times that are equal, or nearly so where they came from a relative time: `tolerance` is in seconds."""
    if ours == theirs:
        return True
    if not isinstance(ours, int) or not isinstance(theirs, int) or ours in ABSOLUTE or theirs in ABSOLUTE:
        return False
    return min(ours, theirs) > 0 and abs(ours - theirs) <= tolerance * 1000


def same_part(part: str, ours: Any, theirs: Any, tolerance: int) -> bool:
    """True when one part of two entries is equal."""
    if part == "expires":
        return same_moment(ours, theirs, tolerance)
    if part == "field expiry" and isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same_moment(ours[field], theirs[field], tolerance) for field in ours)
    return bool(ours == theirs)


def first_difference(
    ours: dict[tuple[int, bytes], Entry], theirs: dict[tuple[int, bytes], Entry], tolerance: int = TOLERANCE_SECONDS
) -> tuple[str, Any, Any] | None:
    """Where two keyspaces differ first: what it is, and both sides."""
    # a number of keys comes behind the keys, which say more
    for place in sorted(ours.keys() | theirs.keys(), key=lambda place: ("size" in ours.get(place, ()), place)):
        mine, other = ours.get(place, {}), theirs.get(place, {})
        for part in ["type", "encoding", "value", "expires", "field expiry", "size"]:
            if not same_part(part, mine.get(part), other.get(part), tolerance):
                return f"{part} of key {place[1]!r} in database {place[0]}", mine.get(part), other.get(part)
    return None
