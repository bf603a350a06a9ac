# An intset for tests.

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uintptr_t
from libc.string cimport memcpy
from zippy._core.ground.intset cimport (
    is_add, is_bytes, is_contains, is_copy, is_free, is_get, is_length, is_new, is_remove, is_valid,
)
from zippy._core.ground.mem cimport Account, mem_alloc, mem_charge_to, mem_charged


def valid_at(uintptr_t address, size_t size, bint deep=True):
    """is_valid of untrusted bytes at an address."""
    return is_valid(<const unsigned char*>address, size, deep)


cdef class Integers:
    """An intset with an account of its own."""

    cdef unsigned char* s
    cdef Account account

    def __cinit__(self, bytes raw=None):
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        if raw is None:
            self.s = is_new()
        else:
            self.s = <unsigned char*>mem_alloc(len(raw))
            memcpy(self.s, <const char*>raw, len(raw))
        mem_charge_to(before)

    def __dealloc__(self):
        self.close()

    def close(self):
        """Free the set; returns the account's bytes and blocks."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        is_free(self.s)
        self.s = NULL
        mem_charge_to(before)
        return self.account.used, self.account.blocks

    def add(self, int64_t n):
        """Whether n is new."""
        cdef Account* before = mem_charged()
        cdef bint added = False
        mem_charge_to(&self.account)
        self.s = is_add(self.s, n, &added)
        mem_charge_to(before)
        return added

    def discard(self, int64_t n):
        """Whether n was there."""
        cdef Account* before = mem_charged()
        cdef bint removed = False
        mem_charge_to(&self.account)
        self.s = is_remove(self.s, n, &removed)
        mem_charge_to(before)
        return removed

    def __contains__(self, int64_t n):
        return is_contains(self.s, n)

    def __len__(self):
        return is_length(self.s)

    def items(self):
        """The integers in order."""
        return [is_get(self.s, index) for index in range(is_length(self.s))]

    def raw(self):
        """The set's bytes."""
        return (<const char*>self.s)[:is_bytes(self.s)]

    def copy(self):
        """A set of the same integers."""
        cdef unsigned char* twin = is_copy(self.s)
        integers = Integers((<const char*>twin)[:is_bytes(twin)])
        is_free(twin)
        return integers
