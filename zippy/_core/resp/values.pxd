"""Between requests, replies and Python values, for handlers in Python and for the in-process client."""

from libc.stdint cimport uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.resp.writer cimport Reply


cdef int write_value(Reply* r, object value) except -1     # see zippy/_core/resp/kinds.py
cdef class Words:
    """A command and its arguments for a handler in Python, each made bytes when it is looked at: a client may send a million.

    They are in the client's memory, so they are there until the handler returns; of one that is answered later, `keep` copies them.
    """

    cdef Py_ssize_t count
    cdef const Slice* slices  # the engine's; NULL when the command has been answered
    cdef list words           # all of them as bytes, where they are kept

    cdef Slice at(self, Py_ssize_t place) except *  # one that is there; RuntimeError where they are gone
    cdef int keep(self) except -1                   # copies them, so that they stay


cdef enum:
    LENGTHS = 64    # a name in a vocabulary has fewer bytes


cdef class Vocabulary:
    """Names in lower case that a handler looks for among words, most of which may be none: those are passed over where they lie."""

    cdef frozenset names
    cdef uint64_t[256] lengths    # by first byte: bit i is set where a name that begins so has i bytes

    cdef bint may_have(self, Slice word) noexcept nogil


cdef Words words_of(Py_ssize_t count, const Slice* slices)
cdef list list_of_bytes(Py_ssize_t count, const Slice* slices)
