"""Pieces of RDB files and DUMP payloads, built by hand from the format's description, those of old versions too."""

from __future__ import annotations

import struct

from zippy._core.testing.crc_shim import crc64


def length(n: int) -> bytes:
    """A length as RDB has it."""
    if n < 64:
        return bytes([n])
    if n < 16384:
        return struct.pack(">H", 0x4000 | n)
    if n < 1 << 32:
        return b"\x80" + struct.pack(">I", n)
    return b"\x81" + struct.pack(">Q", n)


def string(text: bytes) -> bytes:
    """A plain string as RDB has it."""
    return length(len(text)) + text


def payload(body: bytes, version: int = 12) -> bytes:
    """A DUMP payload of a type's byte and a value."""
    body += struct.pack("<H", version)
    return body + struct.pack("<Q", crc64(body))


def file_of(body: bytes, version: int = 10) -> bytes:
    """A whole file without a checksum."""
    return b"REDIS%04d" % version + body + b"\xff" + bytes(8)


def ziplist(*items: bytes | int) -> bytes:
    """A ziplist; integers in the widths that their size asks for, strings in all three kinds of heads."""
    entries, before, last = b"", 0, 10
    for item in items:
        entry = bytes([before]) if before < 254 else b"\xfe" + struct.pack("<I", before)
        entry += ziplist_integer(item) if isinstance(item, int) else ziplist_string(item)
        last = 10 + len(entries)
        entries += entry
        before = len(entry)
    return struct.pack("<IIH", 11 + len(entries), last, min(len(items), 0xFFFF)) + entries + b"\xff"


def ziplist_integer(n: int) -> bytes:
    """The head and bytes of an integer."""
    if 0 <= n <= 12:
        return bytes([0xF1 + n])
    if -128 <= n < 128:
        return b"\xfe" + struct.pack("<b", n)
    if -(1 << 15) <= n < 1 << 15:
        return b"\xc0" + struct.pack("<h", n)
    if -(1 << 23) <= n < 1 << 23:
        return b"\xf0" + struct.pack("<i", n)[:3]
    if -(1 << 31) <= n < 1 << 31:
        return b"\xd0" + struct.pack("<i", n)
    return b"\xe0" + struct.pack("<q", n)


def ziplist_string(text: bytes) -> bytes:
    """The head and bytes of a string."""
    if len(text) < 64:
        return bytes([len(text)]) + text
    if len(text) < 16384:
        return struct.pack(">H", 0x4000 | len(text)) + text
    return b"\x80" + struct.pack(">I", len(text)) + text


def listpack(*items: bytes | int) -> bytes:
    """A listpack of strings, each below 127 bytes, and integers."""
    body = b"".join(listpack_integer(item) if isinstance(item, int) else listpack_string(item) for item in items)
    return struct.pack("<IH", 7 + len(body), len(items)) + body + b"\xff"


def listpack_string(text: bytes) -> bytes:
    """An element of a listpack."""
    head = bytes([0x80 | len(text)]) if len(text) < 64 else bytes([0xE0, len(text)])
    return head + text + bytes([len(head) + len(text)])


def listpack_integer(n: int) -> bytes:
    """An element of a listpack, in one byte or in eight."""
    return bytes([n, 1]) if 0 <= n < 128 else b"\xf4" + struct.pack("<q", n) + b"\x09"


Id = tuple[int, int]  # a stream's


def stream_id(ms: int, seq: int) -> bytes:
    """A stream's id in the bytes that sort as it does, as pending entries have it."""
    return struct.pack(">QQ", ms, seq)


def stream(blocks: dict[Id, bytes], last: Id, groups: tuple[bytes, ...] = (), form: int = 21) -> bytes:
    """The type's byte and the value: blocks by id, the last id and groups. Three entries were added, none deleted; two are left."""
    body = bytes((form,)) + length(len(blocks)) + b"".join(string(stream_id(*id)) + string(lp) for id, lp in blocks.items())
    body += length(2) + length(last[0]) + length(last[1])
    if form != 15:
        body += length(5) + length(0) + length(0) + length(0) + length(3)
    return body + length(len(groups)) + b"".join(groups)


def group(name: bytes, last: Id, pending: tuple[Id, ...], consumers: dict[bytes, tuple[Id, ...]], form: int = 21) -> bytes:
    """A group of a stream: pending ids, each with a moment and a count of 3, and consumers with theirs."""
    body = string(name) + length(last[0]) + length(last[1]) + (b"" if form == 15 else length((1 << 64) - 1))
    body += length(len(pending)) + b"".join(stream_id(*id) + struct.pack("<q", 1_700_000_000_000) + length(3) for id in pending)
    return body + length(len(consumers)) + b"".join(consumer(name, ids, form) for name, ids in consumers.items())


def consumer(name: bytes, ids: tuple[Id, ...], form: int) -> bytes:
    """A consumer of a group with the ids that are pending for it."""
    moments = struct.pack("<q", 1_700_000_000_000) * (2 if form == 21 else 1)
    return string(name) + moments + length(len(ids)) + b"".join(stream_id(*id) for id in ids)


def block(entries: list[tuple[int, int, int, tuple[bytes, ...]]]) -> bytes:
    """A block of a stream whose master entry has one field, b"a"; entries are flags, differences to the base, and the texts behind these:
    a value, or where flags lack 2, field and value."""
    deleted = sum(flags & 1 for flags, *_ in entries)
    items: list[bytes | int] = [len(entries) - deleted, deleted, 1, b"a", 0]
    for flags, ms, seq, texts in entries:
        own = [] if flags & 2 else [len(texts) // 2]
        items += [flags, ms, seq, *own, *texts, 3 + len(own) + len(texts)]
    return listpack(*items)


def intset(width: int, *numbers: int) -> bytes:
    """An intset of `width` bytes a number."""
    return struct.pack("<II", width, len(numbers)) + b"".join(n.to_bytes(width, "little", signed=True) for n in numbers)


def double(value: float) -> bytes:
    """Eight bytes."""
    return struct.pack("<d", value)
