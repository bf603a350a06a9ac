"""Keys as JSON, one object a line: {"db": 0, "key": "k", "type": "hash", "expires_at_ms": 1700000000000, "value": {"field": "text"}}.

- Bytes are a JSON string where they are UTF-8, else {"base64": "..."}.
- value: of a string its bytes; of a list an array in order; of a set an array; of a hash an object, or an array of [field, value] where a
  field is not UTF-8; of a sorted set an array of [member, score] in order. A score is a string as the server writes it ("1.5", "-inf"),
  exact. Of a stream an object: "entries", an array of [id, [[field, value], ...]] in order, "last_id", "max_deleted_id", "entries_added"
  and "groups", an array of objects: "name", "last_id", "entries_read" (null: not known), "consumers" (names) and "pending", an array of
  [id, consumer, ms of the delivery, deliveries].
- expires_at_ms is there if the key expires. field_expires_at_ms, an array of [field, ms], is there if fields of a hash do.
- A library of functions is {"library_code": "#!lua name=..."}, before the keys.
- A type that has no such form has "dump" in the place of "value": what DUMP gives, in base64.

`FORMS` has a row for each type that has one.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from zippy._core.resp.kinds import ReplyError
from zippy.persistence.scratch import Request, Store

KEYS = 200  # that SCAN is asked for at a time
ELEMENTS = 1000  # of a collection that one command brings
MEMBERS = {"db", "key", "type", "expires_at_ms", "field_expires_at_ms", "value", "dump"}

LIBRARY = {"library_code"}

Record = dict[str, Any]


class RecordError(ValueError):
    """What is wrong with a line."""


# Bytes and values as JSON


def as_json(data: bytes) -> Any:
    """A JSON value for these bytes."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def as_bytes(value: Any, what: str) -> bytes:
    """The bytes that a JSON value stands for. RecordError when it stands for none."""
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError:
            raise RecordError(f"{what} holds half of a surrogate pair") from None
    if isinstance(value, dict) and value.keys() == {"base64"} and isinstance(value["base64"], str):
        return from_base64(value["base64"], what)
    raise RecordError(f'{what} has to be a string or {{"base64": "..."}}')


def from_base64(text: str, what: str) -> bytes:
    """The bytes of a text in base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RecordError(f"{what} is no base64") from None


def pairs_of(items: list[bytes]) -> list[tuple[bytes, bytes]]:
    """A flat reply as pairs."""
    return list(zip(items[::2], items[1::2], strict=True))


# Asking a store


def checked(reply: Any) -> Any:
    """A reply that is no error; ReplyError otherwise."""
    if isinstance(reply, ReplyError):
        raise reply
    return reply


def ask(store: Store, *words: bytes | int) -> Any:
    """One command's reply. ReplyError."""
    return checked(store.call([[b"%d" % word if isinstance(word, int) else word for word in words]])[0])


# Values of each type as JSON, and back


@dataclass(frozen=True)
class Form:
    """How the values of a type stand in a record."""

    read: Request
    """The command that brings a value, without the key."""
    as_json: Callable[[Any], Any]
    """The JSON value of that command's reply."""
    requests: Callable[[bytes, Any], list[Request]]
    """The commands that bring about the JSON value under a key. RecordError."""
    key_at: int = 1
    """Words of `read` that stand before the key."""
    read_more: Callable[[Store, bytes, Any], Record] = lambda store, key, reply: {}
    """What stands in the record beside the value."""


def added_by(command: bytes, elements: Callable[[Any], list[list[bytes]]]) -> Callable[[bytes, Any], list[Request]]:
    """Form.requests of a collection: the command takes behind the key some of the elements, which each are some words."""

    def requests(key: bytes, value: Any) -> list[Request]:
        items = elements(value)
        some = (items[begin : begin + ELEMENTS] for begin in range(0, len(items), ELEMENTS))
        return [[command, key, *(word for item in part for word in item)] for part in some]

    return requests


def array_as_json(items: list[bytes]) -> Any:
    """The elements of a list or set as an array."""
    return [as_json(item) for item in items]


def scores_as_json(items: list[bytes]) -> Any:
    """An array of [member, score]."""
    return [[as_json(member), score.decode()] for member, score in pairs_of(items)]


def hash_as_json(items: list[bytes]) -> Any:
    """An object where every field is text, else an array of [field, value]."""
    found = [(as_json(name), as_json(value)) for name, value in pairs_of(items)]
    return dict(found) if all(isinstance(name, str) for name, _ in found) else [list(pair) for pair in found]


def array_of(value: Any, kind: str, what: str = "an array") -> list[Any]:
    """An array that is not empty. RecordError."""
    if not isinstance(value, list) or not value:
        raise RecordError(f'"value" of a {kind} has to be {what} that is not empty')
    return value


def pairs_in(items: list[Any], kind: str) -> list[list[Any]]:
    """An array of arrays of two. RecordError."""
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in items):
        raise RecordError(f'"value" of a {kind} has to hold arrays of two')
    return items


def string_elements(value: Any) -> list[list[bytes]]:
    """The string itself."""
    return [[as_bytes(value, '"value"')]]


def list_elements(value: Any) -> list[list[bytes]]:
    """Each element."""
    return [[as_bytes(item, "an element")] for item in array_of(value, "list")]


def set_elements(value: Any) -> list[list[bytes]]:
    """Each member."""
    return [[as_bytes(item, "an element")] for item in array_of(value, "set")]


def hash_elements(value: Any) -> list[list[bytes]]:
    """Each field with its value, of an object or an array of pairs."""
    items = list(value.items()) if isinstance(value, dict) else pairs_in(array_of(value, "hash", "an array or object"), "hash")
    if not items:
        raise RecordError('"value" of a hash is empty')
    return [[as_bytes(name, "a field"), as_bytes(item, "a field's value")] for name, item in items]


def zset_elements(value: Any) -> list[list[bytes]]:
    """Each score with its member."""
    return [[score_bytes(score), as_bytes(member, "a member")] for member, score in pairs_in(array_of(value, "zset"), "zset")]


def score_bytes(score: Any) -> bytes:
    """A score as ZADD takes it; a JSON number is one too."""
    if isinstance(score, bool) or not isinstance(score, str | int | float):
        raise RecordError("a score has to be a string or a number")
    return score.encode(errors="replace") if isinstance(score, str) else repr(score).encode()


def facts_of(words: list[Any]) -> dict[bytes, Any]:
    """A flat reply as a dictionary."""
    return dict(zip(words[::2], words[1::2], strict=True))


def stream_as_json(reply: list[Any]) -> Any:
    """An object of all that XINFO STREAM FULL tells."""
    facts = facts_of(reply)
    return {
        "entries": [[id.decode(), [[as_json(name), as_json(value)] for name, value in pairs_of(words)]] for id, words in facts[b"entries"]],
        "last_id": facts[b"last-generated-id"].decode(),
        "max_deleted_id": facts.get(b"max-deleted-entry-id", b"0-0").decode(),
        "entries_added": facts.get(b"entries-added", facts[b"length"]),
        "groups": [group_as_json(facts_of(group)) for group in facts[b"groups"]],
    }


def group_as_json(facts: dict[bytes, Any]) -> Any:
    """A group of a stream as an object."""
    return {
        "name": as_json(facts[b"name"]),
        "last_id": facts[b"last-delivered-id"].decode(),
        "entries_read": facts.get(b"entries-read"),
        "consumers": [as_json(facts_of(consumer)[b"name"]) for consumer in facts[b"consumers"]],
        "pending": [[id.decode(), as_json(consumer), time, count] for id, consumer, time, count in facts[b"pending"]],
    }


Id = tuple[int, int]
"""A stream's."""


def id_of(value: Any) -> Id:
    """The two numbers of an id. RecordError."""
    parts = value.split("-") if isinstance(value, str) else []
    if len(parts) != 2 or not all(part.isascii() and part.isdecimal() for part in parts):
        raise RecordError('an id of a stream has to be "ms-seq"')
    return int(parts[0]), int(parts[1])


def id_bytes(id: Id) -> bytes:
    """An id as commands have it."""
    return b"%d-%d" % id


def member_of(record: Any, name: str, kind: type, what: str) -> Any:
    """A member of an object, of this kind. RecordError."""
    if not isinstance(record, dict) or not isinstance(record.get(name), kind):
        raise RecordError(f'{what} has to be an object with "{name}"')
    return record[name]


def stream_requests(key: bytes, value: Any) -> list[Request]:
    """The entries, what the stream remembers, its groups. What is pending and not there any more stands there until it was claimed."""
    entries = [entry_of(item) for item in member_of(value, "entries", list, '"value" of a stream')]
    last, deleted = id_of(value.get("last_id")), id_of(value.get("max_deleted_id", "0-0"))
    groups = member_of(value, "groups", list, '"value" of a stream') if "groups" in value else []
    claims = [claim_of(key, group, item) for group in groups for item in member_of(group, "pending", list, "a group")]
    there = {id for id, _ in entries}
    gone = {id for id, _ in claims} - there
    added = number_of(value, "entries_added", len(entries))
    requests = [[b"XADD", key, id_bytes(id), *words] for id, words in sorted([*entries, *((id, [b"x", b"y"]) for id in gone)])]
    if not requests:
        requests.append([b"XADD", key, b"MAXLEN", b"0", id_bytes(max(last, (0, 1))), b"x", b"y"])
    requests.append(set_id(key, max([last, *gone]), max(added, len(requests)), deleted))
    requests += [request for group in groups for request in group_requests(key, group)]
    requests += [request for _, request in claims]
    if gone:
        first = min(there, default=None)
        requests.append([b"XTRIM", key, *([b"MINID", id_bytes(first)] if first else [b"MAXLEN", b"0"])])
        requests += [[b"XDEL", key, id_bytes(id)] for id in sorted(gone) if first and id > first]
        requests.append(set_id(key, last, added, deleted))
    return requests


def set_id(key: bytes, last: Id, added: int, deleted: Id) -> Request:
    """What a stream remembers."""
    return [b"XSETID", key, id_bytes(last), b"ENTRIESADDED", b"%d" % added, b"MAXDELETEDID", id_bytes(deleted)]


def entry_of(item: Any) -> tuple[Id, list[bytes]]:
    """Id, and fields with values. RecordError."""
    if not isinstance(item, list) or len(item) != 2:
        raise RecordError("an entry of a stream has to be an array of an id and its fields")
    pairs = pairs_in(array_of(item[1], "stream", "an array of fields"), "stream")
    return id_of(item[0]), [as_bytes(word, "a field or its value") for pair in pairs for word in pair]


def group_requests(key: bytes, group: Any) -> list[Request]:
    """A group and its consumers. RecordError."""
    name = as_bytes(group.get("name"), "a group's name")
    read = b"-1" if group.get("entries_read") is None else b"%d" % number_of(group, "entries_read", 0)
    consumers = [as_bytes(consumer, "a consumer") for consumer in member_of(group, "consumers", list, "a group")]
    create: Request = [b"XGROUP", b"CREATE", key, name, id_bytes(id_of(group.get("last_id"))), b"ENTRIESREAD", read]
    return [create, *([b"XGROUP", b"CREATECONSUMER", key, name, consumer] for consumer in consumers)]


def claim_of(key: bytes, group: Any, item: Any) -> tuple[Id, Request]:
    """A pending entry's id, and the command that makes it pending. RecordError."""
    if not isinstance(item, list) or len(item) != 4:
        raise RecordError("a pending entry has to be an array of id, consumer, time and count")
    id, consumer = id_of(item[0]), as_bytes(item[1], "a consumer")
    time, count = (b"%d" % number_of({"pending": n}, "pending", 0) for n in item[2:])
    name = as_bytes(group.get("name"), "a group's name")
    how = [b"TIME", time, b"RETRYCOUNT", count, b"FORCE", b"JUSTID"]
    return id, [b"XCLAIM", key, name, consumer, b"0", id_bytes(id), *how]


def number_of(record: Record, name: str, default: int) -> int:
    """A whole number of the record, not negative."""
    number = record.get(name, default)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 1 << 63:
        raise RecordError(f'"{name}" has to be a whole number from 0 on')
    return number


def expiries_as_json(store: Store, key: bytes, reply: list[bytes]) -> Record:
    """field_expires_at_ms of a hash, where fields of it expire."""
    expiries = read_field_expiries(store, key, reply[::2])
    return {"field_expires_at_ms": expiries} if expiries else {}


def read_field_expiries(store: Store, key: bytes, fields: list[bytes]) -> list[list[Any]]:
    """The fields of a hash that expire, each with its time."""
    found = []
    for begin in range(0, len(fields), ELEMENTS):
        some = fields[begin : begin + ELEMENTS]
        (reply,) = store.call([[b"HPEXPIRETIME", key, b"FIELDS", b"%d" % len(some), *some]])
        if isinstance(reply, ReplyError):
            if "unknown command" in str(reply):
                return []  # fields do not expire there
            raise reply
        found += [[as_json(name), ms] for name, ms in zip(some, reply or [], strict=False) if ms >= 0]
    return found


FORMS = {
    "string": Form([b"GET"], as_json, added_by(b"SET", string_elements)),
    "list": Form([b"LRANGE", b"0", b"-1"], array_as_json, added_by(b"RPUSH", list_elements)),
    "set": Form([b"SMEMBERS"], array_as_json, added_by(b"SADD", set_elements)),
    "zset": Form([b"ZRANGE", b"0", b"-1", b"WITHSCORES"], scores_as_json, added_by(b"ZADD", zset_elements)),
    "hash": Form([b"HGETALL"], hash_as_json, added_by(b"HSET", hash_elements), read_more=expiries_as_json),
    "stream": Form([b"XINFO", b"STREAM", b"FULL", b"COUNT", b"0"], stream_as_json, stream_requests, key_at=2),
}
"""By the type's name."""


# Reading from a store


def read_all(store: Store) -> Iterator[Record]:
    """Every library of functions, then every key."""
    yield from read_libraries(store)
    yield from read_keys(store)


def read_libraries(store: Store) -> Iterator[Record]:
    """Every library of functions that clients have loaded."""
    (found,) = store.call([[b"FUNCTION", b"LIST", b"WITHCODE"]])
    if isinstance(found, ReplyError):
        if "unknown command" in str(found):
            return  # there are no functions there
        raise found
    for library in map(facts_of, found):
        if library[b"library_code"] is not None:
            yield {"library_code": as_json(library[b"library_code"])}


def read_keys(store: Store) -> Iterator[Record]:
    """Every key of every database. Those that go away meanwhile are left out."""
    for number, _ in sorted(store.databases()):
        ask(store, b"SELECT", number)
        seen: set[bytes] = set()
        cursor = b"0"
        while True:
            cursor, keys = ask(store, b"SCAN", cursor, b"COUNT", KEYS)
            # a store that changes meanwhile may name a key twice
            keys = [key for key in dict.fromkeys(keys) if key not in seen]
            seen.update(keys)
            yield from read_some(store, number, keys)
            if cursor == b"0":
                break


def read_some(store: Store, number: int, keys: list[bytes]) -> Iterator[Record]:
    """These keys of the database that is selected."""
    facts = store.call([[command, key] for key in keys for command in (b"TYPE", b"PEXPIRETIME")])
    for key, kind, expiry in zip(keys, facts[::2], facts[1::2], strict=True):
        record: Record = {"db": number, "key": as_json(key), "type": checked(kind).decode()}
        if checked(expiry) >= 0:
            record["expires_at_ms"] = expiry
        if record["type"] != "none" and read_value(store, key, record):
            yield record


def read_value(store: Store, key: bytes, record: Record) -> bool:
    """Adds a key's value to its record; False when the key has gone."""
    form = FORMS.get(record["type"])
    if form is None:
        found = ask(store, b"DUMP", key)
        if found is not None:
            record["dump"] = base64.b64encode(found).decode()
        return found is not None
    try:
        found = ask(store, *form.read[: form.key_at], key, *form.read[form.key_at :])
    except ReplyError as error:
        if str(error) == "ERR no such key":
            return False
        raise
    if found is None or found == []:
        return False
    record["value"] = form.as_json(found)
    record.update(form.read_more(store, key, found))
    return True


# Writing to a store


def parse_line(line: bytes) -> Record:
    """The object on a line. RecordError when it is none that describes a key or a library."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"this is no JSON: {error}") from None
    if not isinstance(record, dict):
        raise RecordError("a line has to be an object")
    if record.keys() == LIBRARY:
        return record
    unknown = record.keys() - MEMBERS
    if unknown:
        raise RecordError(f"{min(unknown)!r} is not known")
    if "key" not in record or ("value" in record) == ("dump" in record):
        raise RecordError('"key" and one of "value" and "dump" have to be there')
    if not isinstance(record.get("type", ""), str):
        raise RecordError('"type" has to be a string')
    return record


def requests_for(record: Record) -> list[Request]:
    """The commands that bring a key about in the database that is selected."""
    key = as_bytes(record["key"], '"key"')
    expiry = number_of(record, "expires_at_ms", 0)
    if "dump" in record:
        dump = from_base64(record["dump"], '"dump"') if isinstance(record["dump"], str) else as_bytes(record["dump"], '"dump"')
        return [[b"RESTORE", key, b"%d" % expiry, dump, b"ABSTTL"]]
    kind = record.get("type", "string")
    form = FORMS.get(kind)
    if form is None:
        raise RecordError(f'the type {kind!r} is not known; only with "dump" can it be brought in')
    requests = form.requests(key, record["value"])
    requests += field_expiry_requests(key, record)
    if "expires_at_ms" in record:
        requests.append([b"PEXPIREAT", key, b"%d" % expiry])
    return requests


def field_expiry_requests(key: bytes, record: Record) -> list[Request]:
    """The commands that have fields of a hash expire."""
    pairs = record.get("field_expires_at_ms", [])
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise RecordError('"field_expires_at_ms" has to hold arrays of a field and a time')
    requests = []
    for name, ms in pairs:
        time = number_of({"field_expires_at_ms": ms}, "field_expires_at_ms", 0)
        requests.append([b"HPEXPIREAT", key, b"%d" % time, b"FIELDS", b"1", as_bytes(name, "a field")])
    return requests


def write_library(store: Store, record: Record, replace: bool) -> None:
    """Puts a library of functions into a store. RecordError when it cannot be, or is there and not to be replaced."""
    code = as_bytes(record["library_code"], '"library_code"')
    (reply,) = store.call([[b"FUNCTION", b"LOAD", *([b"REPLACE"] if replace else []), code]])
    if isinstance(reply, ReplyError):
        name = code.partition(b"\n")[0].decode(errors="replace")
        raise RecordError(f"the library of functions {name!r}: {reply}")


def write_key(store: Store, record: Record, replace: bool, selected: int) -> int:
    """Puts a key into a store; the database that is selected then. RecordError when it cannot be, or is there and not to be replaced."""
    number = number_of(record, "db", 0)
    requests = requests_for(record)
    key = requests[0][1]
    before: list[Request] = [[b"SELECT", b"%d" % number]] if number != selected else []
    before.append([b"DEL" if replace else b"EXISTS", key])
    replies = store.call(before)
    if any(isinstance(reply, ReplyError) for reply in replies):
        raise RecordError(str(next(reply for reply in replies if isinstance(reply, ReplyError))))
    if not replace and replies[-1]:
        raise RecordError(f"the key {key!r} is there already in database {number}")
    for reply in store.call(requests):
        if isinstance(reply, ReplyError):
            raise RecordError(f"the key {key!r}: {reply}")
    return number


def as_line(record: Record) -> bytes:
    """A record as it stands in a file."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, Record]]:
    """The records of a file, each with its line's number; empty lines are passed over. RecordError names the line."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield number, parse_line(line)
            except RecordError as error:
                raise RecordError(f"line {number}: {error}") from None
