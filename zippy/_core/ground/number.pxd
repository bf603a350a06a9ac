"""Numbers as text, exactly as Redis writes and reads them."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t
from zippy._core.ground.slice cimport Slice

cdef enum:
    NUM_I64_TEXT = 24            # bytes that num_write_i64 needs at most
    NUM_DOUBLE_TEXT = 64         # bytes that num_write_double needs at most
    NUM_LONG_DOUBLE_TEXT = 5 * 1024  # bytes that num_write_long_double needs at most


cdef size_t num_write_i64(char* dst, int64_t n) noexcept nogil                # decimal, no NUL; bytes written
cdef size_t num_write_u64(char* dst, unsigned long long n) noexcept nogil
# canonical text only: no sign +, space, leading zero, -0 or overflow
cdef bint num_read_i64(Slice s, int64_t* n) noexcept nogil
# the shortest text that reads back the same, as a Redis reply to ZSCORE
cdef size_t num_write_double(char* dst, double d) noexcept nogil
# as printf's %.*g: `digits` (1 to 17) significant ones at most, of a finite number; NUM_DOUBLE_TEXT bytes are enough
cdef size_t num_write_general(char* dst, double d, int digits) noexcept nogil
# what Redis takes for a score: all of the text, no leading space, no NaN
cdef bint num_read_double(Slice s, double* d) noexcept nogil
# what Redis takes for a score range's bound and SORT's weight: nothing is 0
cdef bint num_read_lax_double(Slice s, double* d) noexcept nogil
cdef size_t num_write_long_double(char* dst, long double d) noexcept nogil    # as the reply to INCRBYFLOAT: 17 decimals, trailing zeros cut
cdef bint num_read_long_double(Slice s, long double* d) noexcept nogil        # what INCRBYFLOAT takes
