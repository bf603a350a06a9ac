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
    """A listpack of short strings and of integers, all in eight bytes."""
    elements = [b"\xf4" + struct.pack("<q", item) if isinstance(item, int) else bytes([0x80 | len(item)]) + item for item in items]
    body = b"".join(element + bytes([len(element)]) for element in elements)
    return struct.pack("<IH", 7 + len(body), len(items)) + body + b"\xff"


def intset(width: int, *numbers: int) -> bytes:
    """An intset of `width` bytes a number."""
    return struct.pack("<II", width, len(numbers)) + b"".join(n.to_bytes(width, "little", signed=True) for n in numbers)


def double(value: float) -> bytes:
    """Eight bytes."""
    return struct.pack("<d", value)
