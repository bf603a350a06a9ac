"""The intset against a Python set, and its bytes against the format."""

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.guarded import Guarded
from zippy._core.testing.intset_shim import Integers, valid_at

GUARDED = Guarded()
EDGES = [sign * (1 << bits) + near for bits in (15, 16, 31, 32) for sign in (1, -1) for near in (-1, 0, 1)]
NUMBERS = st.sampled_from([*EDGES, 2**63 - 1, -(2**63)]) | st.integers(-20, 20) | st.integers(-(2**63), 2**63 - 1)
CODES = {2: "h", 4: "i", 8: "q"}


def raw_of(width, numbers):
    return struct.pack("<II", width, len(numbers)) + struct.pack(f"<{len(numbers)}{CODES[width]}", *numbers)


def width_for(n):
    return 2 if -(2**15) <= n < 2**15 else 4 if -(2**31) <= n < 2**31 else 8


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from("aaad"), NUMBERS), max_size=60))
def test_any_calls_leave_it_equal_to_a_set(calls):
    integers = Integers()
    model = set()
    width = 2
    for call, n in calls:
        if call == "a":
            assert integers.add(n) == (n not in model)
            model.add(n)
            width = max(width, width_for(n))
        else:
            assert integers.discard(n) == (n in model)
            model.discard(n)
        assert (n in integers) == (n in model)
        # it never gets narrower again
        assert integers.raw() == raw_of(width, sorted(model))
        assert not model or GUARDED.judge(integers.raw(), valid_at)
    assert len(integers) == len(model)
    assert integers.items() == sorted(model)
    assert all(n in integers for n in model)
    assert integers.copy().raw() == integers.raw()
    assert integers.close() == (0, 0)


@pytest.mark.parametrize("step", [1, -1, 7919])
def test_many(step):
    numbers = [n * step % 10007 - 5000 for n in range(3000)]
    integers = Integers()
    assert all(integers.add(n) for n in numbers)
    assert integers.items() == sorted(numbers)
    assert integers.add(10**12)
    assert integers.items() == [*sorted(numbers), 10**12]
    for n in numbers:
        assert integers.discard(n)
        assert n not in integers
    assert integers.items() == [10**12]
    assert integers.close() == (0, 0)


def test_a_number_too_wide_for_the_set_is_not_in_it():
    integers = Integers()
    integers.add(0)
    assert 1 << 16 not in integers
    assert 1 << 32 not in integers
    assert not integers.discard(1 << 32)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x02\x00\x00\x00\x01\x00\x00",
        raw_of(2, []),
        raw_of(2, [1, 2])[:-1],
        raw_of(2, [1, 2]) + b"\x00",
        b"\x03" + raw_of(2, [1, 2])[1:],
        struct.pack("<II", 8, 0xFFFFFFFF) + b"\x00" * 8,
        struct.pack("<II", 0, 0),
        raw_of(4, [1, 1]),
        raw_of(4, [2, 1]),
        raw_of(8, [-1, -2]),
    ],
)
def test_invalid(raw):
    assert not GUARDED.judge(raw, valid_at)


def test_order_is_looked_at_only_on_demand():
    raw = raw_of(4, [2, 1])
    assert valid_at(GUARDED.at_end(raw), len(raw), False)
    assert not valid_at(GUARDED.at_end(raw), len(raw), True)


def test_flipped_bits_are_judged_inside_of_the_block():
    source = random.Random(7)
    for width in CODES:
        good = raw_of(width, sorted(source.sample(range(-(2**15), 2**15), 50)))
        for _ in range(2000):
            raw = bytearray(good)
            raw[source.choice([source.randrange(8), source.randrange(len(raw))])] ^= 1 << source.randrange(8)
            raw = bytes(raw)
            if GUARDED.judge(raw, valid_at):
                items = Integers(raw).items()
                assert items == sorted(set(items))


@settings(max_examples=300)
@given(st.binary(max_size=40))
def test_random_bytes_are_judged_inside_of_the_block(raw):
    GUARDED.judge(raw, valid_at)
