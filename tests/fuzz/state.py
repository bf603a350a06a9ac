"""What the fuzzer looks at while nobody talks to the server: the tables of keys, the data, the memory."""

from __future__ import annotations

import time
from typing import Any

from tests.differential.keyspace import READ, ordered
from tests.hyperloglog import decoded
from tests.resp import RawClient, Reply, encode
from tests.waiting import wait_until

BATCH = 500
SETTLE_SECONDS = 60.0
DATABASES = 16
"""Of a server that is no node of a cluster."""

Item = tuple[bytes, Any, int]
"""Type, value, and the ms at which its time is over (-1: never). A hash's value has these for each field, too."""
Data = dict[tuple[int, bytes], Item]


class Broken(Exception):
    """What must not be."""


def hold(condition: bool, what: str) -> None:
    """Broken unless the condition holds."""
    if not condition:
        raise Broken(what)


def ok(reply: Reply) -> None:
    """Broken unless the reply is OK."""
    hold(reply == Reply("+", b"OK"), f"not OK but {reply}")


def wait_for(client: RawClient, section: str, **wanted: str) -> None:
    """Waits until the fields of INFO have these values; Broken when they do not come to it."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        fields = client.info(section)
        if all(fields[name] == value for name, value in wanted.items()):
            return
        hold(time.monotonic() < deadline, f"INFO {section} does not come to {wanted}: {fields}")
        time.sleep(0.01)


def keys_of(client: RawClient) -> set[bytes]:
    """All keys of the selected database, by SCAN."""
    found: set[bytes] = set()
    cursor = b"0"
    while True:
        cursor, keys = client("SCAN", cursor, "COUNT", 1000).plain()
        found.update(keys)
        if cursor == b"0":
            return found


def do_when_idle(client: RawClient, *words: str) -> None:
    """Does a command as soon as no script runs for too long. Broken unless its reply is OK."""

    def reply() -> Reply | None:
        said = client(*words)
        return None if said.kind == "-" and bytes(said.value).startswith(b"BUSY ") else said

    ok(wait_until(reply, SETTLE_SECONDS))


class Stopped:
    """While the block lasts the server's clock stands, so that nothing expires; `now_ms` is where."""

    def __init__(self, client: RawClient) -> None:
        self.client = client
        self.now_ms = 0

    def __enter__(self) -> Stopped:
        self.now_ms = int(time.time() * 1000)
        ok(self.client("DEBUG", "SET-CLOCK", self.now_ms * 1000))
        return self

    def __exit__(self, *error: object) -> None:
        if not any(error):
            ok(self.client("DEBUG", "SET-CLOCK", 0))


def verify(client: RawClient, databases: int = DATABASES) -> None:
    """The tables agree with each other, and DBSIZE with what SCAN finds. The clock has to stand."""
    ok(client("DEBUG", "VERIFY"))
    for db in range(databases):
        ok(client("SELECT", db))
        keys, size = keys_of(client), client("DBSIZE").value
        hold(size == len(keys), f"database {db} has {size} keys by DBSIZE, {len(keys)} by SCAN")
    ok(client("SELECT", 0))


def value_of(kind: bytes, reply: Reply) -> Any:
    """A value without what a restart may change: the order of what has none, the sign of a score of 0, which only a small sorted set does
    without, in Redis too, and a HyperLogLog's encoding."""
    value = ordered(kind, reply)
    if kind == b"string":
        return registers_of(reply.value)
    return [b"0" if word == b"-0" else word for word in value.plain()] if kind == b"zset" else value


def registers_of(text: bytes) -> Any:
    """A string, or a HyperLogLog's registers and header: whether it is dense is for the setting to say that it was written under."""
    registers = decoded(text)
    return text if registers is None else (text[5:16], bytes(registers))


def data_of(client: RawClient, databases: int = DATABASES) -> Data:
    """All that the server holds. The clock has to stand."""
    data: Data = {}
    for db in range(databases):
        ok(client("SELECT", db))
        keys = sorted(keys_of(client))
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            client.send_bytes(b"".join(encode(("TYPE", key)) + encode(("PEXPIRETIME", key)) for key in batch))
            read = [(key, client.read().value, client.read().value) for key in batch]
            # a hash whose fields all were over when it was loaded may go between two commands
            there = [(key, kind, expiry) for key, kind, expiry in read if kind != b"none"]
            client.send_bytes(b"".join(encode((*READ[kind][:1], key, *READ[kind][1:])) for key, kind, _ in there))
            for key, kind, expiry in there:
                data[db, key] = kind, value_of(kind, client.read()), expiry
            add_moments(client, data, [(db, key) for key, kind, _ in there if kind == b"hash"])
    ok(client("SELECT", 0))
    return data


def add_moments(client: RawClient, data: Data, hashes: list[tuple[int, bytes]]) -> None:
    """Puts to each field of these hashes, beside its value, when its time is over. The hashes' database is selected."""
    fields = {key: [field for field, _ in data[key][1]] for key in hashes}
    # an empty hash is one all of whose fields are over and still there
    asked = {key: names for key, names in fields.items() if names}
    client.send_bytes(b"".join(encode(("HPEXPIRETIME", key[1], "FIELDS", len(names), *names)) for key, names in asked.items()))
    for key in asked:
        kind, pairs, expiry = data[key]
        moments = client.read().plain()
        data[key] = kind, [(*pair, moment) for pair, moment in zip(pairs, moments, strict=True)], expiry


def lasting(data: Data, now_ms: int) -> Data:
    """The data without what was over at now_ms: keys, fields, and hashes with their last field."""
    left: Data = {}
    for key, (kind, value, expiry) in data.items():
        if kind == b"hash":
            value = [triple for triple in value if not 0 <= triple[2] <= now_ms]
        if not 0 <= expiry <= now_ms and (kind != b"hash" or value):
            left[key] = kind, value, expiry
    return left


def compare(before: Data, after: Data, now_ms: int) -> None:
    """Broken when the two differ in more than what was over at now_ms."""
    kept, found = lasting(before, now_ms), lasting(after, now_ms)
    different = [key for key in sorted(kept.keys() | found.keys()) if kept.get(key) != found.get(key)]
    shown = "\n".join(
        f"{key}: before {str(kept.get(key))[:400]}, after {str(found.get(key))[:400]}" for key in different[:5] + different[-5:]
    )
    hold(not different, f"{len(different)} of {len(kept)} keys are not what they were (clock {now_ms}):\n{shown}")
