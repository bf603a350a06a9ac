# The functions over bits for tests; every argument is copied to `shift` bytes behind an aligned address: no alignment is taken for
# granted.

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy
from zippy._core.ground.bits cimport (
    bits_and, bits_and_not, bits_count, bits_count_range, bits_find, bits_not, bits_not_and, bits_note_repeated, bits_or, bits_read,
    bits_write, bits_xor
)


cdef class Bits:
    """A copy of some bytes."""

    cdef char* block
    cdef char* data
    cdef size_t size

    def __cinit__(self, bytes data, int shift=0):
        self.size = len(data)
        self.block = <char*>malloc(self.size + 16)
        self.data = self.block + shift
        memcpy(self.data, <const char*>data, self.size)

    def __dealloc__(self):
        free(self.block)

    def __bytes__(self):
        return self.data[:self.size]

    def count(self):
        return bits_count(self.data, self.size)

    def count_range(self, first, last):
        return bits_count_range(self.data, first, last)

    def find(self, first, last, bit):
        return bits_find(self.data, first, last, bit)

    def combine(self, name, Bits source=None):
        """Apply one of "and", "or", "xor", "and_not", "not_and", "not" to these bytes and those of source, which are as many."""
        if name == "and":
            bits_and(self.data, source.data, self.size)
        elif name == "or":
            bits_or(self.data, source.data, self.size)
        elif name == "xor":
            bits_xor(self.data, source.data, self.size)
        elif name == "and_not":
            bits_and_not(self.data, source.data, self.size)
        elif name == "not_and":
            bits_not_and(self.data, source.data, self.size)
        else:
            bits_not(self.data, self.size)

    def note_repeated(self, Bits seen, Bits source):
        bits_note_repeated(self.data, seen.data, source.data, self.size)

    def read(self, offset, bits):
        return bits_read(self.data, self.size, offset, bits)

    def write(self, offset, bits, value):
        bits_write(self.data, offset, bits, value)
