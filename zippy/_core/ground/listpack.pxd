"""Listpack: a packed block of strings and integers in Redis's format, so that it is also its own RDB form.

A listpack is one block from mem_alloc; functions that may move it return the new address. Element pointers are valid until the next change.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint32_t, uint64_t
from zippy._core.ground.buf cimport Slice

cdef enum:
    LP_BEFORE = 0
    LP_AFTER = 1
    LP_INT_TEXT = 24     # bytes that lp_text needs to write an integer
    LP_OVERHEAD = 11     # bytes that an element takes beside a string's own, at most
    LP_MAX_BYTES = 1 << 30   # a listpack never grows past this: lp_fits says so before


cdef struct LpItem:
    const char* ptr      # the string, borrowed, or NULL when the element is an integer
    size_t len           # bytes of the string
    int64_t num          # the integer


cdef struct LpNeedle:
    # what is looked for, read once
    Slice text           # borrowed
    bint is_int          # the text is that of an integer
    int64_t num          # the integer


cdef unsigned char* lp_new(size_t capacity) noexcept nogil
cdef void lp_free(unsigned char* lp) noexcept nogil
cdef unsigned char* lp_copy(const unsigned char* lp) noexcept nogil
cdef size_t lp_bytes(const unsigned char* lp) noexcept nogil                    # total bytes, header and end mark included
cdef uint32_t lp_length(const unsigned char* lp) noexcept nogil                 # elements
cdef bint lp_fits(const unsigned char* lp, size_t extra) noexcept nogil         # would extra payload bytes stay under LP_MAX_BYTES
cdef unsigned char* lp_first(const unsigned char* lp) noexcept nogil            # NULL if empty
cdef unsigned char* lp_last(const unsigned char* lp) noexcept nogil
cdef unsigned char* lp_next(const unsigned char* lp, const unsigned char* p) noexcept nogil   # NULL at the end
cdef unsigned char* lp_prev(const unsigned char* lp, const unsigned char* p) noexcept nogil
# negative from the end; NULL out of range; O(n) from the nearer end
# The offsets of each step-th element from the first on, a block of the caller's: for who seeks many
cdef uint32_t* lp_places(const unsigned char* lp, int step) noexcept nogil
cdef unsigned char* lp_seek(const unsigned char* lp, long index) noexcept nogil
cdef void lp_get(const unsigned char* p, LpItem* item) noexcept nogil
# The element at p and those behind it, at most so many; how many, and where the last of them is
cdef int lp_items(const unsigned char* p, LpItem* items, int most, unsigned char** last) noexcept nogil
cdef Slice lp_text(const unsigned char* p, char* scratch) noexcept nogil        # as bytes; integers are written into scratch[LP_INT_TEXT]
cdef LpNeedle lp_needle(Slice s) noexcept nogil
cdef bint lp_matches(const unsigned char* p, const LpNeedle* needle) noexcept nogil
cdef bint lp_equals(const unsigned char* p, Slice s) noexcept nogil
# from p on, comparing one in skip + 1; NULL
cdef unsigned char* lp_find(const unsigned char* lp, unsigned char* p, Slice s, unsigned int skip) noexcept nogil
# from p on, at most so many, that is at least one: the first that matches, NULL; *last is the last that was looked at, *count how many were
cdef unsigned char* lp_search(
    unsigned char* p, const LpNeedle* needle, uint64_t most, unsigned char** last, uint64_t* count
) noexcept nogil
cdef unsigned char* lp_append(unsigned char* lp, Slice s) noexcept nogil        # stored as an integer where its text is the canonical one
cdef unsigned char* lp_prepend(unsigned char* lp, Slice s) noexcept nogil
# The following two need no block of their own around the listpack, only room in what it lies in.
# before it (s.len + LP_OVERHEAD bytes at most): where it begins then
cdef unsigned char* lp_prepend_into(unsigned char* lp, Slice s) noexcept nogil
cdef void lp_append_into(unsigned char* lp, Slice s) noexcept nogil             # behind it (s.len + LP_OVERHEAD bytes at most)
cdef void lp_append_int_into(unsigned char* lp, int64_t n) noexcept nogil       # the same (LP_OVERHEAD bytes at most)
# makes the elements before p, so many, vanish without moving the others: where it begins then
cdef unsigned char* lp_begin_at(unsigned char* lp, unsigned char* p, uint32_t gone) noexcept nogil
# makes p and those behind it, so many, vanish
cdef void lp_end_at(unsigned char* lp, unsigned char* p, uint32_t gone) noexcept nogil
cdef unsigned char* lp_append_int(unsigned char* lp, int64_t n) noexcept nogil
# appends every element of another one, as they are
cdef unsigned char* lp_extend(unsigned char* lp, const unsigned char* other) noexcept nogil
# Inserts beside p (LP_BEFORE, LP_AFTER); *at, if not NULL, becomes the new element
cdef unsigned char* lp_insert(unsigned char* lp, Slice s, unsigned char* p, int where, unsigned char** at) noexcept nogil
cdef unsigned char* lp_replace(unsigned char* lp, unsigned char** p, Slice s) noexcept nogil    # *p follows the element
cdef unsigned char* lp_replace_int(unsigned char* lp, unsigned char** p, int64_t n) noexcept nogil
# *next: the one after, NULL at the end
cdef unsigned char* lp_delete(unsigned char* lp, unsigned char* p, unsigned char** next) noexcept nogil
cdef unsigned char* lp_delete_range(unsigned char* lp, long index, unsigned long count) noexcept nogil   # negative index from the end
# *p: the one after, NULL at the end
cdef unsigned char* lp_delete_range_at(unsigned char* lp, unsigned char** p, unsigned long count) noexcept nogil
# Puts p and the elements behind it, so many, before `to`, an element elsewhere or NULL for the end
cdef void lp_move(unsigned char* lp, unsigned char* p, unsigned long count, unsigned char* to) noexcept nogil
# is this block of untrusted bytes a listpack; deep: each element
cdef bint lp_valid(const unsigned char* lp, size_t size, bint deep) noexcept nogil
