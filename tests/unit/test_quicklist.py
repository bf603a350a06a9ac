"""The quicklist against a Python list, for each kind of limit and with compression; its nodes keep to the limits."""

import ctypes
import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from zippy._core.testing.listpack_shim import Pack
from zippy._core.testing.lzf_shim import compress_at
from zippy._core.testing.quicklist_shim import List

COMPRESS_MIN = 48
COMPRESS_GAIN = 8
COUNT_MODE_BYTES = 8192
SIZES = st.sampled_from([0, 1, 10, 40, 100, 500, 1000, 2000, 3900, 4085, 4096, 4097, 8192, 8193, 9000])
COMPRESSIBLE = st.builds(lambda size, c: bytes([c]) * size, SIZES, st.sampled_from(b"ab"))
INCOMPRESSIBLE = st.builds(lambda size, seed: random.Random(seed).randbytes(size), SIZES, st.integers(0, 9))
TEXTS = COMPRESSIBLE | INCOMPRESSIBLE | st.integers(-(2**63), 2**63 - 1).map(lambda n: b"%d" % n)
FILLS = st.sampled_from([1, 2, 3, 5, 128, 0, -1, -2])


def text_of(item):
    return b"%d" % item if isinstance(item, int) else item


def stored(text):
    """What an element with this text reads back as."""
    digits = text.removeprefix(b"-")
    return int(text) if digits.isdigit() and len(digits) < 20 and b"%d" % int(text) == text and -(2**63) <= int(text) < 2**63 else text


def pack_of(texts):
    pack = Pack()
    for text in texts:
        pack.edit("append", text)
    return pack.raw()


def byte_limit(fill):
    return COUNT_MODE_BYTES if fill >= 0 else 2048 << min(-fill, 5)


def compressed(data):
    room = ctypes.create_string_buffer(max(len(data) - COMPRESS_GAIN, 1))
    return compress_at(ctypes.cast(data, ctypes.c_void_p).value, len(data), ctypes.addressof(room), max(len(data) - COMPRESS_GAIN, 0))


def check_compression(nodes, depth):
    """Only the nodes away from the ends are compressed, and all of them that gain."""
    for place, (_, _, size, packed, data) in enumerate(nodes):
        if depth == 0 or min(place, len(nodes) - 1 - place) < depth:
            assert packed == 0
        elif packed:
            assert packed <= size - COMPRESS_GAIN
        else:
            assert size < COMPRESS_MIN or compressed(data) == 0


class ListMachine(RuleBasedStateMachine):
    """Any mix of calls leaves the quicklist equal to a list."""

    @initialize(fill=FILLS, depth=st.sampled_from([0, 0, 1, 2]))
    def start(self, fill, depth):
        self.fill = fill
        self.depth = depth
        self.list = List(fill, depth)
        self.model = []
        self.foreign = False
        self.replaced = False

    def place(self, data):
        return data.draw(st.integers(0, len(self.model) - 1))

    @rule(texts=st.lists(TEXTS, max_size=8), at_head=st.booleans())
    def push(self, texts, at_head):
        for text in texts:
            self.list.call("push", text, at_head)
            self.model.insert(0 if at_head else len(self.model), stored(text))

    @rule(text=COMPRESSIBLE | st.just(b"7"), count=st.integers(1, 60), at_head=st.booleans())
    def push_many(self, text, count, at_head):
        for _ in range(count):
            self.list.call("push", text, at_head)
        place = 0 if at_head else len(self.model)
        self.model[place:place] = [stored(text)] * count

    @rule(count=st.integers(1, 60), at_head=st.booleans(), text=TEXTS)
    def queue(self, count, at_head, text):
        for _ in range(count):
            self.list.call("push", text, at_head)
            self.model.insert(0 if at_head else len(self.model), stored(text))
            assert self.list.call("pop", not at_head) == self.model.pop(-1 if at_head else 0)

    @rule(at_head=st.booleans(), count=st.integers(1, 9))
    def pop(self, at_head, count):
        for _ in range(count):
            expected = self.model.pop(0 if at_head else -1) if self.model else None
            assert self.list.call("pop", at_head) == expected

    @rule(texts=st.lists(TEXTS, max_size=12))
    def append_listpack(self, texts):
        self.list.call("append_listpack", pack_of(texts))
        self.model += map(stored, texts)
        self.foreign = True

    @rule(text=COMPRESSIBLE)
    def append_plain(self, text):
        self.list.call("append_plain", text)
        self.model.append(text)
        self.foreign = True

    @precondition(lambda self: self.model)
    @rule(data=st.data(), backward=st.booleans(), text=TEXTS, after=st.booleans())
    def insert(self, data, backward, text, after):
        index = self.place(data)
        self.list.call("insert", index, backward, text, after)
        self.model.insert(index + after, stored(text))

    @precondition(lambda self: self.model)
    @rule(data=st.data(), backward=st.booleans(), text=TEXTS)
    def replace(self, data, backward, text):
        index = self.place(data)
        self.list.call("replace", index, backward, text)
        self.replaced = True
        self.model[index] = text if len(text) > byte_limit(self.fill) else stored(text)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), backward=st.booleans(), verdicts=st.lists(st.booleans(), max_size=20), times=st.sampled_from([1, 1, 5]))
    def delete_while_iterating(self, data, backward, verdicts, times):
        index = self.place(data)
        verdicts = verdicts * times
        step = -1 if backward else 1
        places = list(range(index, -1 if backward else len(self.model), step))[: len(verdicts)]
        seen = self.list.call("visit", index, backward, verdicts)
        assert seen == [self.model[place] for place in places]
        doomed = {place for place, delete in zip(places, verdicts, strict=False) if delete}
        self.model = [item for place, item in enumerate(self.model) if place not in doomed]

    @precondition(lambda self: self.model)
    @rule(data=st.data(), backward=st.booleans(), text=TEXTS, most=st.integers(1, 5), looked_at=st.integers(0, 100))
    def remove(self, data, backward, text, most, looked_at):
        index = self.place(data) % len(self.model)
        if data.draw(st.booleans()):
            text = text_of(self.model[self.place(data)])
        places = list(range(index, -1 if backward else len(self.model), -1 if backward else 1))[:looked_at]
        found = [i for i, place in enumerate(places) if text_of(self.model[place]) == text][:most]
        last = found[-1] + 1 if len(found) == most else len(places)
        assert self.list.call("remove", index, backward, text, most, looked_at) == (found, last)
        doomed = {places[i] for i in found}
        self.model = [item for place, item in enumerate(self.model) if place not in doomed]

    @rule(index=st.integers(-100, 100), count=st.integers(0, 5) | st.integers(0, 100))
    def delete_range(self, index, count):
        if not -len(self.model) <= index < len(self.model):
            assert self.list.call("delete_range", index, count) == 0
            return
        index %= len(self.model)
        assert self.list.call("delete_range", index, count) == len(self.model[index : index + count])
        del self.model[index : index + count]

    @rule(index=st.integers(-100, 100), backward=st.booleans(), limit=st.integers(0, 200))
    def items(self, index, backward, limit):
        expected = None
        if -len(self.model) <= index < len(self.model):
            index %= len(self.model)
            expected = (self.model[index::-1] if backward else self.model[index:])[:limit]
        assert self.list.call("items", index, backward, limit) == expected

    @rule()
    def copy(self):
        before = self.list.nodes()
        self.list.call("become_copy")
        assert self.list.nodes() == before

    @invariant()
    def equal(self):
        assert len(self.list) == len(self.model)
        assert (self.list.call("items", 0, False, 1 << 30) or []) == self.model
        assert (self.list.call("items", -1, True, 1 << 30) or []) == self.model[::-1]

    @invariant()
    def nodes_keep_to_the_rules(self):
        nodes = self.list.nodes()
        assert sum(count for _, count, *_ in nodes) == len(self.model)
        assert all(count > 0 for _, count, *_ in nodes)
        check_compression(nodes, self.depth)
        for plain, count, size, _, _ in nodes:
            assert count == 1 if plain else count
            if not self.foreign:
                # an element that is not large takes the place of another whatever the node has then
                assert count == 1 or self.replaced or size <= byte_limit(self.fill)
                assert self.fill < 0 or count <= max(self.fill, 1)
        charged, used = self.list.memory()
        assert charged == used

    def teardown(self):
        if hasattr(self, "list"):
            assert self.list.close() == (0, 0)


TestList = ListMachine.TestCase
TestList.settings = settings(max_examples=100, stateful_step_count=25)


def filled(count, fill=-2, compress=0, width=0):
    q = List(fill, compress)
    for n in range(count):
        q.call("push", b"%0*d:" % (width, n), False)
    return q


def number_of(item):
    return int(item[:-1])


@pytest.mark.parametrize(("fill", "size"), [(-1, 4096), (-2, 8192), (-3, 16384), (-4, 32768), (-5, 65536), (-9, 65536)])
def test_a_negative_fill_limits_bytes(fill, size):
    nodes = filled(40000, fill).nodes()
    assert all(size * 0.99 < node[2] <= size for node in nodes[:-1])


@pytest.mark.parametrize("fill", [1, 2, 100])
def test_a_positive_fill_limits_elements(fill):
    assert [node[1] for node in filled(1000, fill).nodes()] == [fill] * (1000 // fill)


def test_a_positive_fill_limits_bytes_too():
    nodes = filled(1000, 10**6, width=100).nodes()
    assert all(node[2] <= COUNT_MODE_BYTES for node in nodes) and len(nodes) > 10


@pytest.mark.parametrize(("fill", "size"), [(100, 8192), (-1, 4096), (-5, 65536)])
def test_large_elements_are_plain_nodes(fill, size):
    q = List(fill)
    for length in (10, size, size + 1, 10):
        q.call("push", b"x" * length, False)
    assert [node[0] for node in q.nodes()] == [False, False, True, False]
    assert [len(item) for item in q.call("items", 0, False, 9)] == [10, size, size + 1, 10]
    assert len(q.call("pop", False)) == 10
    assert len(q.call("pop", False)) == size + 1
    assert q.close() == (0, 0)


def test_what_is_popped_at_the_head_is_given_back():
    q = filled(4000, fill=-2)
    for _ in range(3990):
        q.call("pop", True)
    assert q.memory()[1] < 2000
    for _ in range(2):
        for _ in range(400):
            q.call("push", b"x" * 10, True)
        for _ in range(400):
            q.call("pop", True)
    assert q.memory()[1] < 2000
    assert q.close() == (0, 0)


def test_inserting_into_a_full_node_splits_it():
    q = filled(10, fill=5)
    q.call("insert", 2, False, b"new", True)
    assert [node[1] for node in q.nodes()] == [3, 3, 5]
    q.call("insert", 6, False, b"other", False)
    assert [node[1] for node in q.nodes()] == [3, 4, 5]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_compression_follows_the_ends(depth):
    q = filled(5000, fill=-1, compress=depth)
    size = len(q.nodes())
    assert size > 2 * depth + 2
    assert [node[3] > 0 for node in q.nodes()] == [False] * depth + [True] * (size - 2 * depth) + [False] * depth
    random_place = random.Random(depth)
    while len(q):
        check_compression(q.nodes(), depth)
        place = random_place.randrange(len(q))
        q.call("delete_range", place, 300)
        for at_head in (True, False):
            if len(q):
                q.call("pop", at_head)
    assert q.close() == (0, 0)


def test_reading_compresses_again():
    q = filled(5000, fill=-1, compress=1)
    before = q.nodes()
    assert len(q.call("items", 0, False, 5000)) == 5000
    assert q.nodes() == before
    # also when it stops in the middle
    assert len(q.call("items", 2500, True, 3)) == 3
    assert q.nodes() == before


def test_freeing_in_steps():
    q = filled(1000, fill=10)
    assert not q.call("free_some", 60)
    assert not q.call("free_some", 39)
    assert q.call("free_some", 1)
    assert q.close() == (0, 0)
    assert List().call("free_some", 0)


def test_empty():
    q = List()
    assert q.call("pop", True) is None
    assert q.call("items", 0, False, 1) is None
    assert q.call("items", -1, True, 1) is None
    assert q.call("delete_range", 0, 1) == 0
    q.call("append_listpack", pack_of([]))
    assert q.nodes() == []
    assert q.close() == (0, 0)


def test_an_element_may_have_any_size():
    size = (1 << 32) + 5
    lst = List(-2, 1)
    lst.call("push", b"head", True)
    if not lst.call("append_untouched", size):
        pytest.skip("no address space for 4 GiB")
    for _ in range(3):
        lst.call("push", b"x" * 9000, False)
    assert [lst.call("length_at", i) for i in (0, 1, 2, -4)] == [4, size, 9000, size]
    assert lst.memory()[0] == lst.memory()[1] > size
    assert lst.close() == (0, 0)
