"""HyperLogLogs against a model in Python, and vector units against plain code."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hyperloglog import HEADER, REGISTERS, Registers, decoded, packed
from tests.unit.guarded import Guarded
from zippy._core.testing import hyperloglog_shim as hll

SPARSE = 2
UNITS = {unit: name for unit, name in enumerate(["plain", "neon", "avx2", "avx512"]) if hll.use_unit(unit)}
"""Those that this processor has; the last one is the best."""

def random_opcodes(seed: int) -> bytes:
    """Opcodes of any kind that tell of all registers, few or many, in no canonical way."""
    source = random.Random(seed)
    values = source.choice([0.1, 0.5, 0.95])
    longest = source.choice([3, 64, 300, REGISTERS])
    out = bytearray()
    left = REGISTERS
    while left:
        if source.random() < values:
            run = min(left, source.randint(1, 4))
            out.append(0x80 | source.choice([0, 0, 1, source.randrange(32)]) << 2 | run - 1)
        else:
            run = min(left, source.randint(1, longest))
            out += bytes([run - 1]) if run <= 64 and source.random() < 0.8 else bytes([0x40 | run - 1 >> 8, run - 1 & 255])
        left -= run
    return bytes(out)


PLACES = st.lists(st.tuples(st.integers(0, REGISTERS - 1), st.integers(1, 34)), max_size=40)
OPCODES = st.integers(0, 2**32).map(random_opcodes)


def registers_of(codes: bytes) -> Registers:
    """What whole opcodes tell."""
    registers = decoded(HEADER + codes)
    assert registers is not None
    return registers


def murmur(data: bytes) -> int:
    """MurmurHash64A with Redis's seed."""
    factor, mask = 0xC6A4A7935BD1E995, 2**64 - 1
    value = 0xADC83B19 ^ len(data) * factor & mask
    whole = len(data) // 8 * 8
    for at in range(0, whole, 8):
        word = int.from_bytes(data[at : at + 8], "little") * factor & mask
        value = (value ^ (word ^ word >> 47) * factor & mask) * factor & mask
    if len(data) > whole:
        value = (value ^ int.from_bytes(data[whole:], "little")) * factor & mask
    value = (value ^ value >> 47) * factor & mask
    return value ^ value >> 47


class TestPlace:
    @given(st.binary(max_size=70))
    def test_is_of_the_hash(self, element: bytes) -> None:
        value = murmur(element)
        bits = f"{value >> 14 | 1 << 50:b}"
        assert hll.place(element) == (value % REGISTERS, len(bits) - len(bits.rstrip("0")) + 1)


class TestWhole:
    @given(OPCODES)
    def test_is(self, codes: bytes) -> None:
        assert hll.kind(HEADER + codes) == SPARSE
        assert hll.is_whole(HEADER + codes)

    @given(OPCODES, st.integers(0, 2**32), st.sampled_from(["cut", "more", "change", "insert", "delete"]))
    @settings(max_examples=300)
    def test_is_not(self, codes: bytes, at: int, harm: str) -> None:
        """As the opcodes say, one after the other."""
        at %= len(codes)
        byte = bytes([at % 251])
        harmed = {
            "cut": codes[:at],
            "more": codes + byte,
            "change": codes[:at] + byte + codes[at + 1 :],
            "insert": codes[:at] + byte + codes[at:],
            "delete": codes[:at] + codes[at + 1 :],
        }[harm]
        assert hll.is_whole(HEADER + harmed) == (decoded(HEADER + harmed) is not None)

    @pytest.mark.parametrize(
        "codes", [b"\x7f\xff" * 100_000, b"\x00" * 16385, b"\x00" * 40_000, b"\x40\x00" * 16385, b"\x40\x00" * 16384 + b"\x40"]
    )
    def test_too_many(self, codes: bytes) -> None:
        assert not hll.is_whole(HEADER + codes)


class TestDraft:
    @given(OPCODES, PLACES, st.sampled_from([0, 100, 100_000]))
    @settings(max_examples=200)
    def test_set(self, codes: bytes, places: list[tuple[int, int]], limit: int) -> None:
        """Registers in any order, near to each other too."""
        registers = registers_of(codes)
        draft = hll.Draft(HEADER + codes, limit)
        for index, value in places + [(index + 1, value) for index, value in places if index + 1 < REGISTERS]:
            assert draft.set(index, value) == (value > registers[index])
            registers[index] = max(registers[index], value)
        text = bytes(draft)
        if text[4] == 1:
            assert hll.is_whole(text)
            assert decoded(text) == registers
        else:
            assert text[16:] == packed(registers)
        assert hll.count(text) == hll.count(b"HYLL\x00" + HEADER[5:] + packed(registers))

    @given(OPCODES, OPCODES)
    def test_merge(self, codes: bytes, other: bytes) -> None:
        """As raising one register after the other."""
        registers = [max(pair) for pair in zip(registers_of(codes), registers_of(other), strict=True)]
        draft = hll.Draft(HEADER + codes, 100_000)
        draft.merge(bytes(registers))
        assert decoded(bytes(draft)) == registers
        one_by_one = bytes(HEADER + codes)
        for index, value in enumerate(registers[:200]):
            single = hll.Draft(one_by_one, 100_000)
            single.set(index, value)
            one_by_one = bytes(single)
        in_order = hll.Draft(HEADER + codes, 100_000)
        for index, value in enumerate(registers[:200]):
            in_order.set(index, value)
        assert bytes(in_order) == one_by_one

    @given(OPCODES)
    def test_make_dense(self, codes: bytes) -> None:
        draft = hll.Draft(b"HYLL\x01abcdefghijk" + codes)
        draft.make_dense()
        assert bytes(draft) == b"HYLL\x00abcdefghijk" + packed(registers_of(codes))

    def test_values_that_no_opcode_has(self) -> None:
        draft = hll.Draft()
        assert draft.set(5, 32)
        assert bytes(draft)[4] == 1
        assert draft.set(5, 33)
        assert bytes(draft)[4] == 0
        assert not draft.set(5, 33)

    def test_is_written_again_only_when_changed(self) -> None:
        text = HEADER + b"\x84\x7f\xfe"
        draft = hll.Draft(text)
        assert not draft.set(0, 2)
        assert bytes(draft) == text


class TestBorders:
    """Beside memory that must not be read."""

    guarded = Guarded()

    @given(OPCODES, st.integers(0, 2**32))
    def test_damaged(self, codes: bytes, at: int) -> None:
        """Cut, and changed where it was cut."""
        cut = HEADER + codes[: at % len(codes)]
        for text in (cut, cut[:-1] + b"\x40", cut[:-1] + b"\x7f", cut + b"\xff"):
            assert self.guarded.judge(text, hll.is_whole_at) == (decoded(text) is not None)

    @given(OPCODES, PLACES)
    def test_sparse(self, codes: bytes, places: list[tuple[int, int]]) -> None:
        text = HEADER + codes
        for put in (self.guarded.at_start, self.guarded.at_end):
            count, raw = hll.read_at(put(text), len(text))
            assert (count, list(raw)) == (hll.count(text), registers_of(codes))
            for index, value in [*places, (0, 1), (REGISTERS - 1, 2)]:
                single = hll.Draft(text, 100_000)
                single.set(index, value)
                assert value > 32 or hll.set_at(put(text), len(text), index, value) == bytes(single)


@pytest.fixture(params=UNITS, ids=UNITS.get)
def unit(request: pytest.FixtureRequest) -> Iterator[int]:
    """Has registers computed by one unit after the other."""
    assert hll.use_unit(request.param)
    assert hll.unit_in_use() == request.param
    yield request.param
    hll.use_unit(hll.best_unit())


def raw_registers(kind: str, seed: int) -> bytes:
    """A byte each, as a set has them or in no order at all."""
    source = random.Random(seed)
    if kind == "equal":
        return bytes([seed % 64]) * REGISTERS
    if kind == "any":
        return bytes(source.choices(range(64), k=REGISTERS))
    return bytes(min(63, int(source.expovariate(0.7)) + seed % 20) for _ in range(REGISTERS))


KINDS = ["equal", "any", "set"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, 1, 2, 38, 63])
class TestRegisters:
    def test_pack(self, unit: int, kind: str, seed: int) -> None:
        raw = raw_registers(kind, seed)
        dense = hll.Registers(bytes(12288), seed % 32)
        dense.pack(raw)
        assert bytes(dense) == packed(list(raw))

    def test_merge(self, unit: int, kind: str, seed: int) -> None:
        raw = raw_registers(kind, seed)
        other = raw_registers("set", seed + 1)
        dense = hll.Registers(packed(list(other)), seed % 32)
        assert dense.merged_into(raw) == bytes(max(pair) for pair in zip(raw, other, strict=True))
        assert dense.merged_into(bytes(REGISTERS)) == other

    def test_borders(self, unit: int, kind: str, seed: int) -> None:
        """Nothing is read or written beside the registers."""
        guarded = Guarded()
        raw = raw_registers(kind, seed)
        text = b"HYLL\x00" + bytes(11) + packed(list(raw))
        for put in (guarded.at_start, guarded.at_end):
            assert hll.read_at(put(text), len(text))[1] == raw
            address = put(bytes(12288))
            hll.pack_at(raw, address)
            assert guarded.read(address, 12288) == packed(list(raw))

    def test_counts(self, unit: int, kind: str, seed: int) -> None:
        raw = raw_registers(kind, seed)
        assert hll.counts(raw) == [raw.count(value) for value in range(64)]

    def test_single_ones(self, unit: int, kind: str, seed: int) -> None:
        raw = raw_registers(kind, seed)
        dense = hll.Registers(b"\xff" * 12288)
        for index in range(0, REGISTERS, 3):
            dense.set(index, raw[index])
        assert [dense.get(index) for index in range(REGISTERS)] == [63 if index % 3 else raw[index] for index in range(REGISTERS)]


def test_the_best_unit_is_in_use() -> None:
    assert hll.unit_in_use() == hll.best_unit() == max(UNITS)


def test_self_test() -> None:
    assert hll.self_test() is None
    assert hll.unit_in_use() == hll.best_unit()


@pytest.mark.parametrize("count", [0, 1, 100, 10_000, 100_000])
def test_error(count: int) -> None:
    """Within six times the standard error, which is 0.81 %."""
    draft = hll.Draft(limit=0)
    for element in range(count):
        draft.set(*hll.place(b"%d" % element))
    assert abs(hll.count(bytes(draft)) - count) <= count * 0.05
