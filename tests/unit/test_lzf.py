"""LZF: what was compressed comes back, the stream is liblzf's, and nothing reads or writes outside of its block."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.guarded import Guarded
from zippy._core.testing.lzf_shim import compress_at, decompress_at

SOURCE = Guarded(1 << 20)
TARGET = Guarded(1 << 20)
PIECES = st.sampled_from([b"a", b"ab", b"abc", b"\x00", b"hello world ", bytes(range(256))]) | st.binary(max_size=20)
REPEATING = st.lists(st.tuples(PIECES, st.integers(1, 300)), max_size=12).map(lambda runs: b"".join(piece * n for piece, n in runs))


def run(function, data, room):
    """What the function makes of the data, with both blocks ending where memory ends."""
    target = TARGET.at_end(b"\x00" * room)
    size = function(SOURCE.at_end(data), len(data), target, room)
    assert size <= room
    return TARGET.read(target, size)


def compress(data, room=None):
    return run(compress_at, data, len(data) * 2 + 8 if room is None else room)


def decompress(data, room):
    return run(decompress_at, data, room)


def plain_decompress(data):
    """The stream's definition."""
    out = bytearray()
    rest = iter(data)
    for control in rest:
        if control < 32:
            out += bytes(next(rest) for _ in range(control + 1))
            continue
        length = control >> 5
        if length == 7:
            length += next(rest)
        distance = ((control & 31) << 8 | next(rest)) + 1
        for _ in range(length + 2):
            out.append(out[-distance])
    return bytes(out)


def check(data):
    packed = compress(data)
    assert plain_decompress(packed) == data
    assert decompress(packed, len(data)) == data
    # it fits in just its size, and in nothing less
    assert compress(data, len(packed)) == packed
    if packed:
        assert compress(data, len(packed) - 1) == b""
        assert decompress(packed, len(data) - 1) == b""
        assert decompress(packed, len(data) + 100) == data
    return packed


@settings(max_examples=150)
@given(REPEATING | st.binary(max_size=300))
def test_round_trip(data):
    check(data)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 31, 32, 33, 64, 65, 263, 264, 265, 266, 267, 268, 529, 5000, 100000])
def test_sizes(size):
    check(b"x" * size)
    check(bytes(n * n * 31 >> 3 & 255 for n in range(size)))


@pytest.mark.parametrize("gap", [8188, 8189, 8190, 8191, 8192, 8193])
def test_the_farthest_match(gap):
    noise = random.Random(gap).randbytes(gap)
    check(b"needle!" + noise + b"needle!")


def test_how_much_it_saves():
    assert len(check(b"x" * 10000)) < 150
    assert len(check(b"".join(b"field:%d=value:%d;" % (n, n) for n in range(1000)))) < 9000
    assert compress(random.Random(1).randbytes(1000), 999) == b""


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",  # a literal is missing
        b"\x1f" + b"x" * 31,
        b"\x20",  # the distance is missing
        b"\x00a\x20",
        b"\x00a\xe0",  # the length's second byte is missing
        b"\x00a\xe0\x00",
        b"\x20\x00",  # a match before anything was written
        b"\x00a\x20\x01",  # a match from before the start
        b"\x00a\x3f\xff",
    ],
)
def test_malformed(data):
    assert decompress(data, 1000) == b""


@settings(max_examples=300)
@given(st.binary(max_size=80), st.integers(0, 400))
def test_random_bytes_are_read_inside_of_the_block(data, room):
    decompress(data, room)


def test_flipped_bits_are_read_inside_of_the_block():
    source = random.Random(7)
    data = b"".join(source.choice([b"abcabc", b"hello", source.randbytes(5)]) for _ in range(100))
    packed = compress(data)
    for _ in range(5000):
        raw = bytearray(packed)
        raw[source.randrange(len(raw))] ^= 1 << source.randrange(8)
        decompress(bytes(raw[: source.randrange(len(raw) + 1)]), len(data))
