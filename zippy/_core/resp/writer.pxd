"""The reply side of RESP: one function a reply kind, in the protocol version of the client."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Buf, Slice
from zippy._core.ground.number cimport num_write_i64

cdef enum:
    HEADER_ROOM = 32     # bytes that write_header needs at most
    DEFERRED_BULK = 64   # bytes of a bulk string that is put before what was written


cdef struct Reply:
    Buf out              # bytes to send; if it has failed, the connection has to be closed
    size_t sent          # of them, already sent
    int proto            # 2 or 3
    uint64_t errors      # error replies, written or not for want of memory
    size_t error_at      # where in out the last one begins, or would; SIZE_MAX: a command that it was run for has counted it


cdef void reply_init(Reply* r) noexcept nogil
cdef void reply_free(Reply* r) noexcept nogil
cdef void reply_raw(Reply* r, const void* ptr, size_t len) noexcept nogil    # bytes that are RESP already
cdef void reply_ok(Reply* r) noexcept nogil
cdef void reply_simple(Reply* r, const char* text) noexcept nogil            # +text
cdef void reply_simple_slice(Reply* r, Slice text) noexcept nogil
cdef void reply_error(Reply* r, const char* text) noexcept nogil             # -text; text begins with its code: "ERR ..."
cdef void reply_error_slice(Reply* r, Slice text) noexcept nogil             # line breaks become spaces
# An error of up to three pieces, the middle one from the client: reply_error_about(r, b"ERR unknown command '", name, b"'"). It is repeated
# up to a NUL, with line breaks as spaces; where Redis repeats a part alone, the caller cuts it
cdef void reply_error_about(Reply* r, const char* before, Slice what, const char* after) noexcept nogil
cdef void reply_int(Reply* r, int64_t n) noexcept nogil
cdef void reply_bulk(Reply* r, Slice s) noexcept nogil
# The same of len bytes in a block of cap, which it takes, if that saves a long copy: then *block is NULL
cdef void reply_bulk_of(Reply* r, char** block, size_t len, size_t cap) noexcept nogil
cdef void reply_bulk_text(Reply* r, const char* text) noexcept nogil
cdef void reply_bulk_int(Reply* r, int64_t n) noexcept nogil                 # the number as a bulk string
cdef void reply_null(Reply* r) noexcept nogil                                # $-1, or _ in RESP3
cdef void reply_null_array(Reply* r) noexcept nogil                          # *-1, or _ in RESP3
cdef void reply_array(Reply* r, int64_t n) noexcept nogil
cdef void reply_map(Reply* r, int64_t pairs) noexcept nogil                  # an array of 2 * pairs in RESP2
cdef void reply_set(Reply* r, int64_t n) noexcept nogil                      # an array in RESP2
cdef void reply_push(Reply* r, int64_t n) noexcept nogil                     # an array in RESP2
cdef void reply_double(Reply* r, double d) noexcept nogil                    # a bulk string in RESP2
cdef void reply_bulk_double(Reply* r, double d) noexcept nogil               # a bulk string in both
cdef void reply_bool(Reply* r, bint b) noexcept nogil                        # :0 or :1 in RESP2
cdef void reply_big_number(Reply* r, Slice digits) noexcept nogil            # a bulk string in RESP2
cdef void reply_verbatim(Reply* r, const char* kind, Slice text) noexcept nogil   # kind: "txt", "mkd"; a bulk string in RESP2
# The same of what is in `text` from `at` on. Its block is taken if that saves a long copy; for this `at` has to be verbatim_header's, whom
# a guess at the text's length is given, in bytes
cdef size_t verbatim_header(const Reply* r, size_t len) noexcept nogil       # bytes in front of a verbatim string of len bytes
cdef void reply_verbatim_of(Reply* r, const char* kind, Buf* text, size_t at) noexcept nogil
# For a length that is known only after its elements: place = reply_defer(r); elements ...; reply_defer_array(r, place, n)
cdef size_t reply_defer(Reply* r) noexcept nogil
cdef void reply_defer_array(Reply* r, size_t place, int64_t n) noexcept nogil
cdef void reply_defer_set(Reply* r, size_t place, int64_t n) noexcept nogil
cdef void reply_defer_map(Reply* r, size_t place, int64_t pairs) noexcept nogil
cdef void reply_defer_bulk(Reply* r, size_t place, Slice s) noexcept nogil   # of DEFERRED_BULK bytes at most
# takes back all that was written since `place` (an earlier out.len)
cdef void reply_cut(Reply* r, size_t place) noexcept nogil


cdef inline char* write_header(char* at, char kind, int64_t n) noexcept nogil:
    """Writes a type byte, a number and CR LF; behind them."""
    cdef size_t digits = 1
    at[0] = kind
    if 0 <= n <= 9:
        at[1] = <char>(48 + n)
    else:
        digits = num_write_i64(at + 1, n)
    at[1 + digits] = 13
    at[2 + digits] = 10
    return at + digits + 3
