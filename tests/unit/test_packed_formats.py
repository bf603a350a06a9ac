"""A real Redis takes zippy's listpacks, intsets, LZF streams and checksums in a payload for RESTORE, and zippy reads those in its DUMP."""

import random
import struct
from ctypes import addressof, create_string_buffer

import pytest

from tests.unit.oracle import start_oracle
from zippy._core.testing.crc_shim import crc64
from zippy._core.testing.intset_shim import Integers
from zippy._core.testing.listpack_shim import Pack
from zippy._core.testing.lzf_shim import compress_at, decompress_at

RDB_VERSION = 10
TYPE_STRING = b"\x00"
TYPE_SET_INTSET = b"\x0b"
TYPE_HASH_LISTPACK = b"\x10"
TYPE_LIST_QUICKLIST_2 = b"\x12"
PACKED = b"\x02"
LZF = b"\xc3"
FOOTER = 10
INTEGERS = [sign * (1 << bits) + near for bits in (7, 12, 15, 23, 31, 62) for sign in (1, -1) for near in (-1, 0, 1)]
STRINGS = ["", "-0", "01", "+1", *("x" * size for size in (1, 63, 64, 125, 126, 4095, 4096, 16377, 16378, 70000))]


@pytest.fixture(scope="module")
def redis():
    with start_oracle("--sanitize-dump-payload", "yes", "--save", "") as oracle:
        yield oracle


def length(n):
    """A length as in RDB files."""
    if n < 64:
        return bytes([n])
    return struct.pack(">H", 0x4000 | n) if n < 16384 else b"\x80" + struct.pack(">I", n)


def restore(redis, body):
    payload = body + struct.pack("<H", RDB_VERSION)
    payload += struct.pack("<Q", crc64(payload))
    redis("DEL", "key")
    assert redis("RESTORE", "key", "0", payload.decode("utf-8", "surrogateescape")) == "OK"


def compressed(data):
    source, room = create_string_buffer(data, len(data)), create_string_buffer(len(data))
    size = compress_at(addressof(source), len(data), addressof(room), len(data))
    return room.raw[:size]


def decompressed(data, size):
    source, room = create_string_buffer(data, len(data)), create_string_buffer(size)
    assert decompress_at(addressof(source), len(data), addressof(room), size) == size
    return room.raw


def test_listpack(redis):
    pack = Pack()
    for text in (*map(str, INTEGERS), *STRINGS):
        pack.edit("append", text.encode())
    raw = pack.raw()
    restore(redis, TYPE_LIST_QUICKLIST_2 + length(1) + PACKED + length(len(raw)) + raw)
    assert redis("LRANGE", "key", "0", "-1") == [*map(str, INTEGERS), *STRINGS]
    # from behind it goes by the backward lengths
    assert [redis("LINDEX", "key", str(-1 - place)) for place in range(len(STRINGS))] == STRINGS[::-1]


def test_listpack_with_more_elements_than_its_header_tells(redis):
    pack = Pack()
    for n in range(70000):
        pack.edit("append_int", n)
    raw = pack.raw()
    # a hash, for a list's node cannot count so far
    restore(redis, TYPE_HASH_LISTPACK + length(len(raw)) + raw)
    assert redis("HLEN", "key") == 35000
    assert redis("HGET", "key", "69998") == "69999"


@pytest.mark.parametrize("width", [2, 4, 8])
def test_intset(redis, width):
    integers = Integers()
    numbers = [n for n in INTEGERS if -(1 << width * 8 - 1) <= n < 1 << width * 8 - 1]
    for n in numbers:
        integers.add(n)
    raw = integers.raw()
    restore(redis, TYPE_SET_INTSET + length(len(raw)) + raw)
    assert redis("OBJECT", "ENCODING", "key") == "intset"
    assert set(redis("SMEMBERS", "key")) == {str(n) for n in numbers}


@pytest.mark.parametrize("size", [30, 300, 5000, 100000])
def test_lzf(redis, size):
    words = random.Random(size)
    data = b" ".join(words.choice([b"alpha", b"beta", b"%d" % words.randrange(100), b"xxxxxxxxxxxxxxxxxx"]) for _ in range(size))[:size]
    packed = compressed(data)
    assert 0 < len(packed) < size
    restore(redis, TYPE_STRING + LZF + length(len(packed)) + length(size) + packed)
    assert redis("GET", "key") == data.decode()


def test_lzf_and_checksum_of_redis(redis):
    text = "".join(f"field:{n}=value;" for n in range(3000))
    redis("SET", "key", text)
    payload = redis("DUMP", "key").encode("utf-8", "surrogateescape")
    assert crc64(payload[:-8]) == struct.unpack("<Q", payload[-8:])[0]
    assert payload[:2] == TYPE_STRING + LZF
    at = 2
    sizes = []
    for _ in range(2):
        wide = payload[at] == 0x80
        sizes.append(struct.unpack_from(">I", payload, at + 1)[0] if wide else struct.unpack_from(">H", payload, at)[0] & 0x3FFF)
        at += 5 if wide else 2
    assert sizes == [len(payload) - FOOTER - at, len(text)]
    assert decompressed(payload[at:-FOOTER], len(text)) == text.encode()
