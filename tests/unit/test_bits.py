"""Bits of a string, against Python's integers and strings of 0 and 1."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from zippy._core.testing.bits_shim import Bits

RUNS = st.lists(st.tuples(st.sampled_from([b"\x00", b"\xff", b"\x01", b"\x80", b"\xa5"]), st.integers(1, 40)), max_size=6)
DATA = st.one_of(st.binary(max_size=100), RUNS.map(lambda runs: b"".join(byte * count for byte, count in runs)))
SHIFT = st.integers(0, 8)


def text(data: bytes) -> str:
    """Each bit as 0 or 1."""
    return "".join(f"{byte:08b}" for byte in data)


def packed(bits: str) -> bytes:
    """The reverse of `text`."""
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


@st.composite
def ranges(draw: st.DrawFn) -> tuple[bytes, int, int]:
    """Bytes, at least one, and a range of their bits."""
    data = draw(DATA) or b"\x10"
    first = draw(st.integers(0, len(data) * 8 - 1))
    return data, first, draw(st.integers(first, len(data) * 8 - 1))


@given(DATA, SHIFT)
def test_count(data: bytes, shift: int) -> None:
    assert Bits(data, shift).count() == text(data).count("1")


@given(ranges(), SHIFT)
def test_count_range(where: tuple[bytes, int, int], shift: int) -> None:
    data, first, last = where
    assert Bits(data, shift).count_range(first, last) == text(data)[first : last + 1].count("1")


@given(ranges(), SHIFT, st.booleans())
@settings(max_examples=300)
def test_find(where: tuple[bytes, int, int], shift: int, bit: bool) -> None:
    data, first, last = where
    assert Bits(data, shift).find(first, last, bit) == text(data).find(str(int(bit)), first, last + 1)


LONG = st.integers(16_000, 70_000)  # bytes: some pages at a time are read side by side


@given(LONG, st.lists(st.integers(0, 70_000 * 8 - 1), max_size=3), st.integers(0, 20_000 * 8), SHIFT, st.booleans())
def test_long_strings(size: int, odd: list[int], first: int, shift: int, bit: bool) -> None:
    """Few bits are not as all others; those are what is looked for."""
    places = sorted({at for at in odd if at < size * 8})
    data = bytearray((b"\x00" if bit else b"\xff") * size)
    for at in places:
        data[at >> 3] ^= 0x80 >> (at & 7)
    bits = Bits(bytes(data), shift)
    assert bits.count() == (len(places) if bit else size * 8 - len(places))
    first = min(first, size * 8 - 1)
    assert bits.find(first, size * 8 - 1, bit) == next((at for at in places if at >= first), -1)


@given(DATA, st.randoms(use_true_random=False), SHIFT, SHIFT)
def test_combinations(data: bytes, random: object, shift: int, other_shift: int) -> None:
    other = bytes(random.randrange(256) for _ in data)  # type: ignore[attr-defined]
    expected = {
        "and": [a & b for a, b in zip(data, other, strict=True)],
        "or": [a | b for a, b in zip(data, other, strict=True)],
        "xor": [a ^ b for a, b in zip(data, other, strict=True)],
        "and_not": [a & ~b for a, b in zip(data, other, strict=True)],
        "not_and": [~a & b for a, b in zip(data, other, strict=True)],
        "not": [~a & 255 for a in data],
    }
    for name, outcome in expected.items():
        target = Bits(data, shift)
        target.combine(name, Bits(other, other_shift))
        assert bytes(target) == bytes(outcome), name


@given(st.integers(0, 70).flatmap(lambda size: st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=5)), SHIFT)
def test_note_repeated(sources: list[bytes], shift: int) -> None:
    """What is in more than one source, and what is in any."""
    seen = Bits(bytes(len(sources[0])), shift)
    repeated = Bits(bytes(len(sources[0])), 8 - shift)
    for source in sources:
        repeated.note_repeated(seen, Bits(source, 3))
    counts = [sum(column) for column in zip(*(map(int, text(source)) for source in sources), strict=True)]
    assert bytes(seen) == packed("".join("1" if count else "0" for count in counts))
    assert bytes(repeated) == packed("".join("1" if count > 1 else "0" for count in counts))


@given(DATA, st.integers(0, 900), st.integers(1, 64), SHIFT)
@settings(max_examples=300)
def test_read(data: bytes, offset: int, bits: int, shift: int) -> None:
    """Beyond the end there are zeros."""
    assert Bits(data, shift).read(offset, bits) == int((text(data) + "0" * 1000)[offset : offset + bits], 2)


@given(st.data(), st.binary(min_size=8, max_size=40), st.integers(1, 64), SHIFT)
@settings(max_examples=300)
def test_write(data: st.DataObject, before: bytes, bits: int, shift: int) -> None:
    """Nothing beside the integer is changed."""
    offset = data.draw(st.integers(0, len(before) * 8 - bits))
    value = data.draw(st.integers(0, 2**bits - 1))
    target = Bits(before, shift)
    target.write(offset, bits, value)
    assert bytes(target) == packed(text(before)[:offset] + f"{value:0{bits}b}" + text(before)[offset + bits :])
