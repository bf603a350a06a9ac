"""HyperLogLog: how many different elements a set has, about, from 16384 registers, in Redis's format.

    "HYLL" | encoding (1 byte) | 3 bytes unused | cached cardinality (8, little endian, highest bit: out of date) | registers

The registers are dense, six bits each, or sparse, opcodes that tell how many registers in a row have which value:

    00nnnnnn            n + 1 registers are zero
    01nnnnnn nnnnnnnn   the same for long runs
    1vvvvvnn            n + 1 registers are v + 1

Whoever uses what a user may have written asks hll_kind first, and of sparse ones hll_is_whole.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from zippy._core.ground.buf cimport Buf
from zippy._core.ground.registers cimport DENSE_BYTES, REGISTERS
from zippy._core.ground.slice cimport Slice

cdef enum:
    HLL_HEADER = 16
    HLL_DENSE_SIZE = HLL_HEADER + DENSE_BYTES
    HLL_SPARSE_MAX = HLL_HEADER + 2 * REGISTERS     # no whole one is longer
    HLL_ROOM = HLL_SPARSE_MAX + 16                  # for one that is being changed
    HLL_VALUE_MAX = 32                              # of a register of a sparse one

cdef enum HllKind:
    HLL_NONE = 0                # no HyperLogLog
    HLL_DENSE = 1
    HLL_SPARSE = 2


cdef struct HllPlace:
    # where a hash value belongs, and what it says
    uint32_t index              # of the register
    uint8_t value


cdef struct HllDraft:
    # A HyperLogLog that is being changed aside. `text` is where it was, until the first change copies it to `room`
    const uint8_t* text
    size_t len
    size_t limit                # bytes that it may have as long as it is sparse
    size_t at                   # of an opcode: the search for a register that is not before it begins here
    size_t before               # of the opcode before that one, 0: it is the first
    size_t before_that          # of the one before `before`, 0: there is none, or it is not known
    uint32_t first              # register of the one at `at`
    uint8_t[HLL_ROOM] room


cdef HllPlace hll_place(Slice element) noexcept nogil
cdef HllKind hll_kind(Slice text) noexcept nogil                # by header and length
cdef bint hll_is_whole(Slice text) noexcept nogil               # of a sparse one: its opcodes tell of all registers and no more
cdef bint hll_cached(const char* text, uint64_t* cardinality) noexcept nogil
cdef void hll_cache(char* text, uint64_t cardinality) noexcept nogil
cdef void hll_forget_cached(char* text) noexcept nogil
cdef void hll_decode(Slice text, Buf* out) noexcept nogil       # the opcodes of a whole sparse one in Redis's words: "Z:100 v:2,1"

# A dense one, in place
cdef bint hll_dense_set(char* text, HllPlace place) noexcept nogil              # raises a register; False: it was as large already
cdef void hll_dense_store(char* text, const uint8_t* raw) noexcept nogil        # its registers become these

# A draft of a whole sparse or a dense one, which is borrowed; of a new one where text.ptr is NULL
cdef void hll_draft(HllDraft* d, Slice text, size_t limit) noexcept nogil
cdef bint hll_draft_set(HllDraft* d, HllPlace place) noexcept nogil             # raises a register; False: it was as large already
# Makes a sparse one tell of these registers, none of which is below its own; where that takes too much, it becomes dense
cdef void hll_draft_merge(HllDraft* d, const uint8_t* raw) noexcept nogil
cdef void hll_draft_dense(HllDraft* d) noexcept nogil           # makes it dense, if it is not; the header stays as it is
cdef void hll_draft_store(HllDraft* d, const uint8_t* raw) noexcept nogil       # makes it dense, with these registers
cdef void hll_draft_forget_cached(HllDraft* d) noexcept nogil
cdef Slice hll_drafted(const HllDraft* d) noexcept nogil        # what it has become, borrowed from it

# Each of REGISTERS values of a byte each becomes the larger one of itself and of that in text, a whole sparse or a dense one
cdef void hll_merge(uint8_t* raw, Slice text) noexcept nogil
cdef uint64_t hll_estimate(const uint8_t* raw) noexcept nogil
cdef uint64_t hll_count(Slice text) noexcept nogil              # the same of a whole sparse or a dense one
cdef const char* hll_self_test() noexcept nogil                 # an error's text, or NULL
