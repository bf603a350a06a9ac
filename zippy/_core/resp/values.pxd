"""Between requests, replies and Python values, for handlers in Python and for the in-process client."""

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


cdef Words words_of(Py_ssize_t count, const Slice* slices)
cdef list list_of_bytes(Py_ssize_t count, const Slice* slices)
