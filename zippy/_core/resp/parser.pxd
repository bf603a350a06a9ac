"""The request side of RESP: bytes to argument slices, incrementally, without copying.

Bytes are parsed where they are: in the reader's shared buffer when a read brings whole commands (an idle client then owns no
buffer at all), in the parser's own buffer when a command spans reads. Slices are borrowed until parser_end.

Commands are parsed a batch ahead, so that whoever runs them can look at all their keys before the first one runs. What is wrong in the
bytes is told when its turn comes, with the limits that hold then.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Buf, Slice

cdef enum ParseStatus:
    PARSE_MORE = 0       # the command is not complete
    PARSE_COMMAND = 1    # argv and argc hold a command; argc is at least 1
    PARSE_ERROR = -1     # parser.error says what is wrong; the connection has to be closed

cdef enum:
    PARSER_UNAUTHENTICATED_ARGS = 10
    PARSER_UNAUTHENTICATED_BULK = 16384
    PARSER_MAX_ARGS = 2147483647


cdef enum:
    BATCH_REQUESTS = 16  # commands parsed ahead


cdef struct Request:
    size_t start         # where it begins, an offset from Parser.base
    int first            # its first argument in Batch.argv
    int argc             # at least 1
    void* command        # for whoever runs the request: what it found the name to be


cdef struct Batch:
    # the commands that were parsed ahead; one serves all parsers of a thread, each from parser_begin to parser_end. Zeroed, it is empty
    Slice* argv
    int argv_cap
    int argv_count
    int at               # the next command
    int count
    uint64_t moved       # arguments that were made offsets or addresses so far: work that has to be linear in what comes
    Request[BATCH_REQUESTS] requests


cdef struct Parser:
    Batch* batch         # between parser_begin and parser_end
    Buf own              # bytes of an incomplete command
    const char* base     # the bytes being parsed: own.data or the reader's buffer
    size_t end           # bytes at base
    size_t start         # where the command that is being parsed begins
    size_t pos           # parsed up to here
    bint external        # base is the reader's
    size_t step          # bytes that the next read should have room for, by what the last one brought
    int64_t args_left    # arguments still to come in the current command, -1: its header is not read yet
    int64_t bulk_len     # bytes of the argument being read, -1: its header is not read yet
    Slice* argv          # the arguments of the command that parser_next returned
    int argc
    Slice* kept          # owned: the arguments of an incomplete command between two reads; in a pass they are the batch's
    int kept_cap
    int kept_count       # so many of its arguments came with earlier reads: ptr is an offset from `start` until the command is complete
    Buf scratch          # unescaped arguments of an inline request
    int64_t max_args     # proto limits
    int64_t max_bulk     # proto-max-bulk-len, bytes
    int64_t largest      # what it was at the beginning: nothing is longer, whoever sends it
    char error[96]       # "Protocol error: ...", NUL-terminated


cdef void parser_init(Parser* p, int64_t max_bulk) noexcept nogil
cdef void parser_free(Parser* p) noexcept nogil
cdef void parser_limit(Parser* p, int64_t max_args, int64_t max_bulk) noexcept nogil   # argument count and bytes an argument
# Where the next read may go: *room bytes at the returned address in the parser's own buffer, or NULL when a shared buffer may be used
cdef char* parser_target(Parser* p, size_t* room) noexcept nogil
cdef void parser_filled(Parser* p, size_t n) noexcept nogil                             # n bytes were read to parser_target's address
# parse these bytes next (borrowed until parser_end); -1: out of memory, nothing was begun
cdef int parser_begin(Parser* p, Batch* batch, const char* data, size_t len) noexcept nogil
cdef int parser_look_ahead(Parser* p) noexcept nogil      # fills the batch; the ParseStatus of what ended it
cdef void parser_unread(Parser* p) noexcept nogil                                       # the command just returned will be returned again
# keeps what is not parsed; slices are void after it; -1: out of memory
cdef int parser_end(Parser* p) noexcept nogil
cdef size_t parser_pending(const Parser* p) noexcept nogil                              # bytes not parsed
# bytes of the command returned last, between begin and end
cdef size_t parser_request_size(const Parser* p) noexcept nogil
cdef void batch_free(Batch* b) noexcept nogil


cdef inline int parser_next(Parser* p) noexcept nogil:
    """A ParseStatus."""
    cdef Batch* b = p.batch
    cdef Request* request
    cdef int status
    if b.at == b.count:
        status = parser_look_ahead(p)
        if b.count == 0:
            return status
    request = &b.requests[b.at]
    b.at += 1
    p.argv = b.argv + request.first
    p.argc = request.argc
    return PARSE_COMMAND
