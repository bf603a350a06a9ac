"""The listpack against a Python list, and its bytes against the format."""

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.unit.guarded import Guarded
from zippy._core.testing.listpack_shim import Pack, valid_at

WIDTHS = (6, 7, 12, 13, 15, 16, 23, 24, 31, 32, 62)
EDGES = sorted({sign * (1 << bits) + near for bits in WIDTHS for sign in (1, -1) for near in (-1, 0, 1)})
INTEGERS = st.sampled_from([*EDGES, 0, 2**63 - 1, -(2**63)]) | st.integers(-(2**63), 2**63 - 1)
BEYOND = [b"9223372036854775808", b"-9223372036854775809", b"18446744073709551617"]
NOT_INTEGERS = [b"", b"-", b"-0", b"+1", b"01", b" 1", b"1 ", b"1.0", b"0x1", b"1\x00", b"-01", *BEYOND]
LENGTHS = st.sampled_from([0, 1, 2, 20, 21, 62, 63, 64, 65, 126, 127, 128, 300, 4094, 4095, 4096, 4097, 16379, 16383])
STRINGS = st.builds(lambda n, c: bytes([c]) * n, LENGTHS, st.sampled_from(b"ax-\x00\xff"))
TEXTS = st.sampled_from(NOT_INTEGERS) | st.binary(max_size=30) | STRINGS | INTEGERS.map(lambda n: b"%d" % n)


def stored(text):
    """What an element with this text reads back as."""
    try:
        n = int(text)
    except ValueError:
        return text
    return n if text == b"%d" % n and -(2**63) <= n < 2**63 else text


def text_of(item):
    return b"%d" % item if isinstance(item, int) else item


def pack_of(items):
    pack = Pack()
    for item in items:
        if isinstance(item, int):
            pack.edit("append_int", item)
        else:
            pack.edit("append", item)
    return pack


def framed(body, count):
    """A listpack of these bytes that says it has so many elements."""
    return struct.pack("<IH", len(body) + 7, count) + body + b"\xff"


class PackMachine(RuleBasedStateMachine):
    """Any mix of calls leaves the listpack equal to a list."""

    def __init__(self):
        super().__init__()
        self.pack = Pack()
        self.model = []

    def place(self, data):
        return data.draw(st.integers(-len(self.model), len(self.model) - 1))

    @rule(text=TEXTS)
    def append(self, text):
        self.pack.edit("append", text)
        self.model.append(stored(text))

    @rule(n=INTEGERS)
    def append_int(self, n):
        self.pack.edit("append_int", n)
        self.model.append(n)

    @rule(text=TEXTS)
    def prepend(self, text):
        self.pack.edit("prepend", text)
        self.model.insert(0, stored(text))

    @rule(texts=st.lists(TEXTS, max_size=5))
    def extend(self, texts):
        self.pack.edit("extend", pack_of(texts))
        self.model.extend(map(stored, texts))

    @precondition(lambda self: self.model)
    @rule(data=st.data(), text=TEXTS, after=st.booleans())
    def insert(self, data, text, after):
        index = self.place(data) % len(self.model)
        assert self.pack.edit("insert", index, text, after) == index + after
        self.model.insert(index + after, stored(text))

    @precondition(lambda self: self.model)
    @rule(data=st.data(), text=TEXTS)
    def replace(self, data, text):
        index = self.place(data)
        assert self.pack.edit("replace", index, text) == index % len(self.model)
        self.model[index] = stored(text)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def delete(self, data):
        index = self.place(data) % len(self.model)
        del self.model[index]
        assert self.pack.edit("delete", index) == (index if index < len(self.model) else None)

    @rule(index=st.integers(-12, 12), count=st.integers(0, 6))
    def delete_range(self, index, count):
        self.pack.edit("delete_range", index, count)
        if -len(self.model) <= index < len(self.model):
            index %= len(self.model)
            del self.model[index : index + count]

    @precondition(lambda self: self.model)
    @rule(data=st.data(), count=st.integers(0, 6))
    def delete_range_at(self, data, count):
        index = self.place(data) % len(self.model)
        del self.model[index : index + count]
        assert self.pack.edit("delete_range_at", index, count) == (index if index < len(self.model) else None)

    @rule(data=st.data(), text=TEXTS, start=st.integers(0, 3), skip=st.integers(0, 2))
    def find(self, data, text, start, skip):
        if self.model and data.draw(st.booleans()):
            text = text_of(self.model[self.place(data)])
        places = [i for i in range(start, len(self.model), skip + 1) if text_of(self.model[i]) == text]
        assert self.pack.find(text, start, skip) == (places[0] if places else None)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), text=TEXTS, most=st.integers(1, 30))
    def search(self, data, text, most):
        start = self.place(data) % len(self.model)
        if data.draw(st.booleans()):
            text = text_of(self.model[self.place(data)])
        some = self.model[start : start + most]
        found = next((start + i for i, item in enumerate(some) if text_of(item) == text), None)
        last = start + len(some) - 1 if found is None else found
        assert self.pack.search(text, start, most) == (found, last, last - start + 1)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), text=TEXTS)
    def read(self, data, text):
        index = self.place(data)
        mine = text_of(self.model[index])
        assert self.pack[index] == self.model[index]
        assert self.pack.text(index) == mine
        assert self.pack.equals(index, mine)
        assert self.pack.equals(index, text) == (mine == text)

    @rule(index=st.integers(-30, 30))
    def seek(self, index):
        known = -len(self.model) <= index < len(self.model)
        assert self.pack.seek(index) == (self.model[index] if known else None)

    @rule()
    def copy(self):
        assert self.pack.copy().raw() == self.pack.raw()

    @invariant()
    def equal(self):
        assert self.pack.items() == (self.model, self.model[::-1])
        assert len(self.pack) == len(self.model)
        raw = self.pack.raw()
        assert len(raw) <= self.pack.capacity()
        assert GUARDED.judge(raw, valid_at) if len(raw) <= GUARDED.size else True

    def teardown(self):
        assert self.pack.close() == (0, 0)


GUARDED = Guarded()
TestPack = PackMachine.TestCase
TestPack.settings = settings(max_examples=60, stateful_step_count=40)


@pytest.mark.parametrize(
    ("item", "raw"),
    [
        (0, b"\x00\x01"),
        (127, b"\x7f\x01"),
        (128, b"\xc0\x80\x02"),
        (4095, b"\xcf\xff\x02"),
        (-1, b"\xdf\xff\x02"),
        (-4096, b"\xd0\x00\x02"),
        (4096, b"\xf1\x00\x10\x03"),
        (-32768, b"\xf1\x00\x80\x03"),
        (32768, b"\xf2\x00\x80\x00\x04"),
        (-8388608, b"\xf2\x00\x00\x80\x04"),
        (8388608, b"\xf3\x00\x00\x80\x00\x05"),
        (-2147483648, b"\xf3\x00\x00\x00\x80\x05"),
        (2147483648, b"\xf4\x00\x00\x00\x80\x00\x00\x00\x00\x09"),
        (-(2**63), b"\xf4\x00\x00\x00\x00\x00\x00\x00\x80\x09"),
        (b"", b"\x80\x01"),
        (b"hello", b"\x85hello\x06"),
        (b"x" * 63, b"\xbf" + b"x" * 63 + b"\x40"),
        (b"x" * 64, b"\xe0\x40" + b"x" * 64 + b"\x42"),
        (b"x" * 125, b"\xe0\x7d" + b"x" * 125 + b"\x7f"),
        (b"x" * 126, b"\xe0\x7e" + b"x" * 126 + b"\x01\x80"),
        (b"x" * 4095, b"\xef\xff" + b"x" * 4095 + b"\x20\x81"),
        (b"x" * 4096, b"\xf0\x00\x10\x00\x00" + b"x" * 4096 + b"\x20\x85"),
        # a backward length of two bytes ends one below what fourteen bits could tell
        (b"x" * 16377, b"\xf0\xf9\x3f\x00\x00" + b"x" * 16377 + b"\x7f\xfe"),
        (b"x" * 16378, b"\xf0\xfa\x3f\x00\x00" + b"x" * 16378 + b"\x00\xff\xff"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_encoding(item, raw):
    assert pack_of([item]).raw() == framed(raw, 1)


@pytest.mark.parametrize("size", [2097145, 2097146, 2097147, 268435450], ids=str)
def test_backward_length_of_long_strings(size):
    pack = pack_of([1, b"x" * size, 2])
    assert pack[-3] == 1
    assert len(pack[-2]) == size
    assert pack.edit("delete", -2) == 1
    assert pack.items() == ([1, 2], [2, 1])
    assert pack.capacity() < 100


@pytest.mark.parametrize("text", NOT_INTEGERS)
def test_only_canonical_text_is_an_integer(text):
    assert pack_of([text])[0] == text


def test_empty():
    pack = Pack()
    assert pack.raw() == b"\x07\x00\x00\x00\x00\x00\xff"
    assert pack.items() == ([], [])
    assert pack.find(b"x") is None
    assert pack.seek(0) is None and pack.seek(-1) is None
    assert pack.close() == (0, 0)


def test_a_string_from_a_file_may_read_as_an_integer():
    pack = Pack(framed(b"\x8212\x03", 1))
    assert pack[0] == b"12"
    assert pack.equals(0, b"12")
    assert pack.find(b"12") == 0
    assert pack.search(b"12", 0, 9) == (0, 0, 1)


def test_an_integer_from_a_file_may_be_wider_than_needed():
    pack = Pack(framed(b"\xf4\x05\x00\x00\x00\x00\x00\x00\x00\x09", 1))
    assert pack.items() == ([5], [5])
    assert pack.find(b"5") == 0
    assert pack.search(b"5", 0, 9) == (0, 0, 1)


def test_length_beyond_what_the_header_can_tell():
    pack = Pack()
    for n in range(65534):
        pack.edit("append_int", n & 63)
    assert pack.raw()[4:6] == b"\xfe\xff"
    for n in (65535, 65536, 70000):
        while len(pack) < n:
            pack.edit("append", b"x")
        assert pack.raw()[4:6] == b"\xff\xff"
        assert len(pack) == n
    assert pack.seek(69999) == b"x" and pack.seek(70000) is None
    assert pack.seek(-70000) == 0 and pack.seek(-70001) is None
    pack.edit("delete_range", -10000, 10000)
    assert len(pack) == 60000
    assert pack.raw()[4:6] == struct.pack("<H", 60000)
    other = pack.copy()
    pack.edit("extend", other)
    assert len(pack) == 120000
    pack.edit("delete_range", 0, 110000)
    assert len(pack) == 10000
    assert pack.close() == (0, 0)


def test_capacity_is_kept_while_growing_and_given_back_after_deleting():
    pack = Pack(capacity=4000)
    pack.edit("append", b"x")
    assert pack.capacity() >= 4000
    for _ in range(3000):
        pack.edit("append", b"x")
    pack.edit("delete_range", 10, 3000)
    assert pack.capacity() < 200
    for _ in range(10):
        pack.edit("delete", 0)
    assert pack.capacity() <= 96


def test_fits():
    pack = Pack()
    assert pack.fits(1 << 20)
    assert not pack.fits(1 << 30)
    assert not pack.fits(2**64 - 1)


def test_invalid():
    good = pack_of([1, b"two", 3]).raw()
    assert GUARDED.judge(good, valid_at)
    for size in range(len(good)):
        assert not GUARDED.judge(good[:size], valid_at)
        # even if the header agrees with the cut
        assert not GUARDED.judge(struct.pack("<I", size) + good[4:size], valid_at)
    assert not GUARDED.judge(good[:4] + b"\x04\x00" + good[6:], valid_at)
    assert not GUARDED.judge(good[:4] + b"\x02\x00" + good[6:], valid_at)
    assert GUARDED.judge(good[:4] + b"\xff\xff" + good[6:], valid_at)
    assert not GUARDED.judge(good[:7] + b"\x02" + good[8:], valid_at)


def test_a_string_that_claims_to_be_longer_than_the_block():
    for head in (b"\xbf", b"\xef\xff", b"\xf0\xff\xff\xff\xff", b"\xf0\xff\xff\xff\x7f", b"\xf4", b"\xf5", b"\xff"):
        for pad in range(8):
            body = head + b"\x01" * pad
            assert not GUARDED.judge(framed(body, 1), valid_at)


@settings(max_examples=300)
@given(st.binary(max_size=60), st.integers(0, 5), st.booleans())
def test_random_bytes_are_judged_inside_of_the_block(body, count, bare):
    raw = body if bare else framed(body, count)
    if GUARDED.judge(raw, valid_at):
        assert len(Pack(raw)) == len(Pack(raw).items()[1])


def test_flipped_bits_are_judged_inside_of_the_block():
    source = random.Random(7)
    integers = [source.randrange(-(2**63), 2**63) >> source.randrange(64) for _ in range(20)]
    items = [*integers, *(source.randbytes(source.randrange(90)) for _ in range(20))]
    source.shuffle(items)
    good = pack_of([*items, b"x" * 5000]).raw()
    for _ in range(5000):
        raw = bytearray(good)
        for _ in range(source.randrange(1, 4)):
            raw[source.choice([source.randrange(6), source.randrange(len(raw)), source.randrange(400)])] ^= 1 << source.randrange(8)
        raw = bytes(raw)
        if GUARDED.judge(raw, valid_at):
            forward, backward = Pack(raw).items()
            assert forward == backward[::-1]
