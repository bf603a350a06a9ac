# HyperLogLogs for tests: strings in, strings out.

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy, memset
from zippy._core.ground.buf cimport Buf, buf_free, buf_init
from zippy._core.ground.hyperloglog cimport (
    HLL_SPARSE, HllDraft, HllPlace, hll_count, hll_decode, hll_draft, hll_draft_dense, hll_draft_merge, hll_draft_set, hll_drafted,
    hll_is_whole, hll_kind, hll_merge, hll_place, hll_self_test
)
from zippy._core.ground.registers cimport (
    DENSE_BYTES, REGISTERS, REGISTER_VALUES, registers_best_unit, registers_count, registers_get, registers_merge, registers_pack,
    registers_set, registers_unit, registers_use
)
from zippy._core.ground.slice cimport Slice, slice_of


cdef Slice slice_over(bytes text):
    return slice_of(<const char*>text, len(text))


def kind(bytes text):
    """HLL_NONE 0, HLL_DENSE 1, HLL_SPARSE 2."""
    return hll_kind(slice_over(text))


def is_whole(bytes text):
    return hll_is_whole(slice_over(text))


def place(bytes element):
    """The register and the value of an element."""
    cdef HllPlace where = hll_place(slice_over(element))
    return where.index, where.value


def count(bytes text):
    return hll_count(slice_over(text))


def self_test():
    cdef const char* error = hll_self_test()
    return None if error == NULL else error


# The same of what is at an address, to be put beside memory that must not be read


cdef Slice slice_at(size_t address, size_t size):
    return slice_of(<const char*>address, size)


def is_whole_at(size_t address, size_t size):
    return hll_is_whole(slice_at(address, size))


def read_at(size_t address, size_t size):
    """Count, decode and merge it: the cardinality and all registers."""
    cdef uint8_t[REGISTERS] raw
    cdef Buf words
    cdef Slice text = slice_at(address, size)
    memset(raw, 0, REGISTERS)
    hll_merge(raw, text)
    if hll_kind(text) == HLL_SPARSE:
        buf_init(&words)
        hll_decode(text, &words)
        buf_free(&words)
    return hll_count(text), (<char*>raw)[:REGISTERS]


def set_at(size_t address, size_t size, index, value):
    """What a draft becomes when a register is raised."""
    cdef HllDraft draft
    cdef HllPlace where
    cdef Slice now
    hll_draft(&draft, slice_at(address, size), size + 100)
    where.index = index
    where.value = value
    hll_draft_set(&draft, where)
    now = hll_drafted(&draft)
    return now.ptr[:now.len]


def pack_at(bytes raw, size_t address):
    assert len(raw) == REGISTERS
    registers_pack(<const uint8_t*><const char*>raw, <uint8_t*>address)


cdef class Draft:
    """A HyperLogLog that is being changed, of a whole sparse or a dense string, or a new one."""

    cdef HllDraft draft
    cdef bytes text

    def __init__(self, bytes text=None, limit=3000):
        self.text = text
        hll_draft(&self.draft, slice_of(NULL, 0) if text is None else slice_over(text), limit)

    def __bytes__(self):
        cdef Slice now = hll_drafted(&self.draft)
        return now.ptr[:now.len]

    def set(self, index, value):
        """True: the register was raised."""
        cdef HllPlace where
        where.index = index
        where.value = value
        return bool(hll_draft_set(&self.draft, where))

    def merge(self, bytes raw):
        """Registers, none of which is below its own."""
        assert len(raw) == REGISTERS
        hll_draft_merge(&self.draft, <const uint8_t*><const char*>raw)

    def make_dense(self):
        hll_draft_dense(&self.draft)


# The registers; a unit is a number of RegisterUnit


def unit_in_use():
    return registers_unit()


def best_unit():
    return registers_best_unit()


def use_unit(unit):
    return bool(registers_use(unit))


cdef class Registers:
    """REGISTERS registers, dense, `shift` bytes behind an aligned address."""

    cdef uint8_t[DENSE_BYTES + 64] block
    cdef uint8_t* dense

    def __init__(self, bytes dense, size_t shift=0):
        assert len(dense) == DENSE_BYTES and shift < 64
        self.dense = self.block + shift
        memcpy(self.dense, <const char*>dense, DENSE_BYTES)

    def __bytes__(self):
        return (<char*>self.dense)[:DENSE_BYTES]

    def get(self, index):
        return registers_get(self.dense, index)

    def set(self, index, value):
        registers_set(self.dense, index, value)

    def merged_into(self, bytes raw):
        """The larger ones of raw and of these."""
        cdef uint8_t[REGISTERS] target
        assert len(raw) == REGISTERS
        memcpy(target, <const char*>raw, REGISTERS)
        registers_merge(target, self.dense)
        return (<char*>target)[:REGISTERS]

    def pack(self, bytes raw):
        """Become those of raw."""
        assert len(raw) == REGISTERS
        registers_pack(<const uint8_t*><const char*>raw, self.dense)


def counts(bytes raw):
    """How many of raw have each value."""
    cdef uint32_t[REGISTER_VALUES] found
    assert len(raw) == REGISTERS
    registers_count(<const uint8_t*><const char*>raw, found)
    return [found[value] for value in range(REGISTER_VALUES)]
