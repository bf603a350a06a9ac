# A listpack for tests. An element is an int or bytes; a place in the listpack is an index.

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t, uintptr_t
from libc.string cimport memcpy
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.listpack cimport (
    LP_AFTER, LP_BEFORE, LP_INT_TEXT, LpItem, LpNeedle, lp_append, lp_append_int, lp_bytes, lp_copy, lp_delete, lp_delete_range,
    lp_delete_range_at, lp_equals, lp_extend, lp_find, lp_first, lp_fits, lp_free, lp_get, lp_insert, lp_last, lp_length, lp_needle,
    lp_new, lp_next, lp_prepend, lp_prev, lp_replace, lp_search, lp_seek, lp_text, lp_valid,
)
from zippy._core.ground.mem cimport Account, mem_alloc, mem_charge_to, mem_charged, mem_size


cdef Slice slice_from(bytes text):
    return slice_of(<const char*>text, len(text))


cdef object item_at(const unsigned char* p):
    cdef LpItem item
    if p == NULL:
        return None
    lp_get(p, &item)
    return item.ptr[:item.len] if item.ptr != NULL else item.num


def valid_at(uintptr_t address, size_t size, bint deep=True):
    """lp_valid of untrusted bytes at an address."""
    return lp_valid(<const unsigned char*>address, size, deep)


cdef class Pack:
    """A listpack with an account of its own."""

    cdef unsigned char* lp
    cdef Account account

    def __cinit__(self, bytes raw=None, size_t capacity=0):
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        if raw is None:
            self.lp = lp_new(capacity)
        else:
            self.lp = <unsigned char*>mem_alloc(len(raw))
            memcpy(self.lp, <const char*>raw, len(raw))
        mem_charge_to(before)

    def __dealloc__(self):
        self.close()

    def close(self):
        """Free the listpack; returns the account's bytes and blocks."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        lp_free(self.lp)
        self.lp = NULL
        mem_charge_to(before)
        return self.account.used, self.account.blocks

    cdef unsigned char* at(self, long index) except NULL:
        cdef unsigned char* p = lp_seek(self.lp, index)
        if p == NULL:
            raise IndexError(index)
        return p

    cdef object index_of(self, const unsigned char* place):
        cdef unsigned char* p = lp_first(self.lp)
        cdef long index = 0
        if place == NULL:
            return None
        while p != place:
            if p == NULL:
                raise AssertionError("the place is not an element's")
            p = lp_next(self.lp, p)
            index += 1
        return index

    def __len__(self):
        return lp_length(self.lp)

    def __getitem__(self, long index):
        return item_at(self.at(index))

    def seek(self, long index):
        """The element at an index, None out of range."""
        return item_at(lp_seek(self.lp, index))

    def items(self):
        """The elements from first to last, and from last to first."""
        cdef unsigned char* p = lp_first(self.lp)
        forward = []
        backward = []
        while p != NULL:
            forward.append(item_at(p))
            p = lp_next(self.lp, p)
        p = lp_last(self.lp)
        while p != NULL:
            backward.append(item_at(p))
            p = lp_prev(self.lp, p)
        return forward, backward

    def raw(self):
        """The listpack's bytes."""
        return (<const char*>self.lp)[:lp_bytes(self.lp)]

    def capacity(self):
        """Bytes of the block."""
        return mem_size(self.lp)

    def text(self, long index):
        """An element as bytes."""
        cdef char[LP_INT_TEXT] scratch
        cdef Slice s = lp_text(self.at(index), scratch)
        return s.ptr[:s.len]

    def equals(self, long index, bytes text):
        """lp_equals of an element."""
        return lp_equals(self.at(index), slice_from(text))

    def find(self, bytes text, long start=0, unsigned int skip=0):
        """The index at which lp_find finds the text, or None."""
        return self.index_of(lp_find(self.lp, lp_seek(self.lp, start), slice_from(text), skip))

    def search(self, bytes text, long start, uint64_t most):
        """The index at which lp_search finds the text, or None; where the last that it looked at is, and how many it looked at."""
        cdef LpNeedle needle = lp_needle(slice_from(text))
        cdef unsigned char* last = NULL
        cdef uint64_t count = 0
        cdef unsigned char* found = lp_search(lp_seek(self.lp, start), &needle, most, &last, &count)
        return self.index_of(found), self.index_of(last), count

    def fits(self, size_t extra):
        """lp_fits."""
        return lp_fits(self.lp, extra)

    def copy(self):
        """A Pack of the same elements."""
        cdef unsigned char* twin = lp_copy(self.lp)
        pack = Pack((<const char*>twin)[:lp_bytes(twin)])
        lp_free(twin)
        return pack

    def edit(self, str verb, *args):
        """Call a changing function with the account charged."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        try:
            return getattr(self, "_" + verb)(*args)
        finally:
            mem_charge_to(before)

    def _append(self, bytes text):
        self.lp = lp_append(self.lp, slice_from(text))

    def _append_int(self, int64_t n):
        self.lp = lp_append_int(self.lp, n)

    def _prepend(self, bytes text):
        self.lp = lp_prepend(self.lp, slice_from(text))

    def _extend(self, Pack other):
        self.lp = lp_extend(self.lp, other.lp)

    def _insert(self, long index, bytes text, bint after):
        cdef unsigned char* place = NULL
        self.lp = lp_insert(self.lp, slice_from(text), self.at(index), LP_AFTER if after else LP_BEFORE, &place)
        return self.index_of(place)

    def _replace(self, long index, bytes text):
        cdef unsigned char* place = self.at(index)
        self.lp = lp_replace(self.lp, &place, slice_from(text))
        return self.index_of(place)

    def _delete(self, long index):
        cdef unsigned char* following = NULL
        self.lp = lp_delete(self.lp, self.at(index), &following)
        return self.index_of(following)

    def _delete_range(self, long index, unsigned long count):
        self.lp = lp_delete_range(self.lp, index, count)

    def _delete_range_at(self, long index, unsigned long count):
        cdef unsigned char* place = self.at(index)
        self.lp = lp_delete_range_at(self.lp, &place, count)
        return self.index_of(place)
