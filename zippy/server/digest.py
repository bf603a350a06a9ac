"""Checksums of values and of the whole dataset, for DEBUG DIGEST: read through commands, so that they hold for every type.

Equal data give equal digests whatever its encodings and its order in tables. They are zippy's own, not Redis's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from zippy._core.introspection import database_of, internal_session, keyspace

if TYPE_CHECKING:
    from zippy._core.session import Core, Session

NOTHING = bytes(20)
READERS: dict[bytes, tuple[bytes, ...]] = {
    b"string": (b"GET",),
    b"list": (b"LRANGE", b"0", b"-1"),
    b"set": (b"SMEMBERS",),
    b"zset": (b"ZRANGE", b"0", b"-1", b"WITHSCORES"),
    b"hash": (b"HGETALL",),
    b"stream": (b"XRANGE", b"-", b"+"),
}


class Reader:
    """Runs commands on a core and gives their RESP2 replies as lists, bytes, integers and None."""

    def __init__(self, core: Core, database: int = 0) -> None:
        self.session = internal_session(core)
        self.run(b"SELECT", b"%d" % database)

    def run(self, *words: bytes) -> Any:
        """One command's reply; an error is its text."""
        request = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
        self.session.feed(request)
        return parse(self.session.take_output(), 0)[0]

    def close(self) -> None:
        """Ends the session."""
        self.session.close()

    def value(self, key: bytes) -> bytes:
        """The digest of a key's value."""
        kind = self.run(b"TYPE", key)
        if kind not in READERS:
            return NOTHING
        name, *more = READERS[kind]
        reply = self.run(name, key, *more)
        if kind == b"set":
            content = unordered(reply)
        elif kind == b"hash":
            content = unordered(list(pair) for pair in zip(reply[::2], reply[1::2], strict=True))
        else:
            content = flat(reply)
        has_expiry = b"1" if self.run(b"PTTL", key) >= 0 else b"0"
        return hashlib.sha1(kind + has_expiry + content).digest()

    def all_keys(self) -> Iterable[bytes]:
        """All keys of the database."""
        cursor = b"0"
        while True:
            cursor, keys = self.run(b"SCAN", cursor, b"COUNT", b"1000")
            yield from keys
            if cursor == b"0":
                return


def parse(data: bytes, at: int) -> tuple[Any, int]:
    """The RESP2 value that begins at a place, and where it ends."""
    end = data.index(b"\r\n", at)
    kind, head, end = data[at : at + 1], data[at + 1 : end], end + 2
    if kind == b"$":
        size = int(head)
        return (None, end) if size < 0 else (data[end : end + size], end + size + 2)
    if kind == b"*":
        items = []
        for _ in range(int(head)):
            item, end = parse(data, end)
            items.append(item)
        return items, end
    return (int(head) if kind == b":" else head), end


def flat(value: Any) -> bytes:
    """A value as bytes that no other value gives."""
    if isinstance(value, list):
        return b"[%d:" % len(value) + b"".join(flat(item) for item in value)
    content = b"%d" % value if isinstance(value, int) else value or b""
    return b"%d:%s" % (len(content), content)


def mixed(digests: Iterable[bytes]) -> bytes:
    """Digests joined in a way that does not depend on their order."""
    total = 0
    for digest in digests:
        total ^= int.from_bytes(digest, "big")
    return total.to_bytes(20, "big")


def unordered(items: Iterable[Any]) -> bytes:
    """The digest of items without an order."""
    return mixed(hashlib.sha1(flat(item)).digest() for item in items)


def value_digest(session: Session, key: bytes) -> str:
    """Of one key of the session's database; all zeros when it is not there."""
    reader = Reader(session.core, database_of(session))
    try:
        return reader.value(key).hex()
    finally:
        reader.close()


def dataset_digest(core: Core) -> str:
    """Of all databases."""
    digests = []
    for number, *_ in keyspace(core):
        reader = Reader(core, number)
        try:
            digests += [hashlib.sha1(flat([b"%d" % number, key, reader.value(key)])).digest() for key in reader.all_keys()]
        finally:
            reader.close()
    return mixed(digests).hex()
