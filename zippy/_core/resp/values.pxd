"""Between replies and Python values, for handlers in Python and for the in-process client."""

from zippy._core.ground.buf cimport Slice
from zippy._core.resp.writer cimport Reply


cdef int write_value(Reply* r, object value) except -1     # see zippy/_core/resp/kinds.py
cdef list list_of_bytes(Py_ssize_t count, const Slice* slices)
