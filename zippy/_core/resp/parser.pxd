"""The request side of RESP: bytes to argument slices, incrementally, without copying.

Bytes are parsed where they are: in the reader's shared buffer when a read brings whole commands (an idle client then owns no
buffer at all), in the parser's own buffer when a command spans reads. Slices are borrowed until parser_end.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t
from zippy._core.ground.buf cimport Buf, Slice

cdef enum ParseStatus:
    PARSE_MORE = 0       # the command is not complete
    PARSE_COMMAND = 1    # argv and argc hold a command; argc is at least 1
    PARSE_ERROR = -1     # parser.error says what is wrong; the connection has to be closed

cdef enum:
    PARSER_UNAUTHENTICATED_ARGS = 10
    PARSER_UNAUTHENTICATED_BULK = 16384
    PARSER_MAX_ARGS = 2147483647


cdef struct Parser:
    Buf own              # bytes of an incomplete command
    const char* base     # the bytes being parsed: own.data or the reader's buffer
    size_t end           # bytes at base
    size_t start         # where the current command begins
    size_t pos           # parsed up to here
    bint external        # base is the reader's
    bint inline_request  # the last command came as an inline request
    int64_t args_left    # arguments still to come in the current command, -1: its header is not read yet
    int64_t bulk_len     # bytes of the argument being read, -1: its header is not read yet
    Slice* argv          # the arguments; until the command is complete, ptr is the offset from `start`
    int argc
    int argv_cap
    Buf scratch          # unescaped arguments of an inline request
    int64_t max_args     # proto limits
    int64_t max_bulk     # proto-max-bulk-len, bytes
    char error[96]       # "Protocol error: ...", NUL-terminated


cdef void parser_init(Parser* p, int64_t max_bulk) noexcept nogil
cdef void parser_free(Parser* p) noexcept nogil
cdef void parser_limit(Parser* p, int64_t max_args, int64_t max_bulk) noexcept nogil   # argument count and bytes an argument
# Where the next read may go: *room bytes at the returned address in the parser's own buffer, or NULL when a shared buffer may be used
cdef char* parser_target(Parser* p, size_t* room) noexcept nogil
cdef void parser_filled(Parser* p, size_t n) noexcept nogil                             # n bytes were read to parser_target's address
cdef int parser_begin(Parser* p, const char* data, size_t len) noexcept nogil           # parse these bytes next (borrowed until parser_end); -1: out of memory
cdef int parser_next(Parser* p) noexcept nogil                                          # a ParseStatus
cdef void parser_unread(Parser* p) noexcept nogil                                       # the command just returned will be returned again
cdef int parser_end(Parser* p) noexcept nogil                                           # keeps what is not parsed; slices are void after it; -1: out of memory
cdef size_t parser_pending(const Parser* p) noexcept nogil                              # bytes not parsed
