"""Commands as bytes, as an append-only file holds them. A collection comes in commands of a limited number of elements."""

from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.slice cimport Slice
from zippy._core.values.rdb_stream cimport RdbWriter


cdef struct Elements:
    # a collection that commands of one name bring about
    RdbWriter* w
    Slice command               # its name
    Slice key
    int words                   # of an element: 2 for pairs
    uint64_t left               # elements that are still to come
    int room                    # elements that the command under way still takes


cdef void command_begin(RdbWriter* w, uint64_t words) noexcept nogil       # a command of so many words, which follow
cdef void command_word(RdbWriter* w, Slice word) noexcept nogil
cdef void command_int(RdbWriter* w, int64_t n) noexcept nogil              # a number as a word
# `length` elements of `words` words each follow, each after elements_next
cdef void elements_begin(Elements* c, RdbWriter* w, const char* command, Slice key, int words, uint64_t length) noexcept nogil
cdef void elements_next(Elements* c) noexcept nogil                        # an element follows: begins a command if there is none for it
