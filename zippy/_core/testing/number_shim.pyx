"""Numbers as text, for tests."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t
from zippy._core.ground.number cimport (
    NUM_DOUBLE_TEXT, NUM_LONG_DOUBLE_TEXT, num_read_double, num_read_i64, num_read_long_double, num_write_double, num_write_general,
    num_write_i64, num_write_long_double
)
from zippy._core.ground.slice cimport slice_of


def write_i64(int64_t n):
    """The text of an integer."""
    cdef char[24] text
    return PyBytes_FromStringAndSize(text, num_write_i64(text, n))


def read_i64(bytes text):
    """The integer, or None."""
    cdef int64_t n
    return n if num_read_i64(slice_of(<const char*>text, len(text)), &n) else None


def write_double(double d):
    """The text of a double."""
    cdef char[NUM_DOUBLE_TEXT] text
    return PyBytes_FromStringAndSize(text, num_write_double(text, d))


def write_general(double d, int digits):
    """The text of a double with so many significant digits."""
    cdef char[NUM_DOUBLE_TEXT] text
    return PyBytes_FromStringAndSize(text, num_write_general(text, d, digits))


def read_double(bytes text):
    """The double, or None."""
    cdef double d
    return d if num_read_double(slice_of(<const char*>text, len(text)), &d) else None


def rewrite_long_double(bytes text):
    """The text of the long double that text reads as, or None."""
    cdef long double d
    cdef char[NUM_LONG_DOUBLE_TEXT] out
    if not num_read_long_double(slice_of(<const char*>text, len(text)), &d):
        return None
    return PyBytes_FromStringAndSize(out, num_write_long_double(out, d))
