"""The request side of RESP: bytes to argument slices, incrementally, without copying.

Bytes are parsed where they are: in the reader's shared buffer when a read brings whole commands (an idle client then owns no
buffer at all), in the parser's own buffer when a command spans reads. Slices are borrowed until parser_end.

A large argument that several reads bring is received straight into a block of its own (Bulk), so that whoever stores it can take the block
over instead of copying it. The block is the parser's until then, and is freed by it when the command has been run.

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
    PARSER_LARGE_BULK = 32768    # bytes from which on an argument gets a block of its own, unless one read brings all of it
    PARSER_BULK_ROOM = 8         # free bytes in front of such an argument, for who takes the block over


cdef enum:
    BATCH_REQUESTS = 16  # commands parsed ahead at most


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
    int ahead            # commands to parse ahead, 0: BATCH_REQUESTS
    int at               # the next command
    int count
    uint64_t moved       # arguments that were made offsets or addresses so far: work that has to be linear in what comes
    Request[BATCH_REQUESTS] requests


cdef struct Bulk:
    # an argument in a block of its own
    char* block          # owned, PARSER_BULK_ROOM bytes and the argument; NULL: it was taken over
    int place            # in the request's arguments


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
    Bulk* bulks          # of one command, in the order of their places
    int bulk_count
    int bulk_cap
    int bulk_at          # parser_bulk found none before this one
    bint bulks_whole     # their command is complete
    bint filling         # the argument being read goes to the last block
    size_t filled        # so many bytes of it are there
    size_t bulk_bytes    # of arguments that are in blocks of their own
    size_t bulk_room     # that those blocks take
    Buf scratch          # unescaped arguments of an inline request
    int64_t max_args     # proto limits
    int64_t max_bulk     # proto-max-bulk-len, bytes
    int64_t largest      # what it was at the beginning: nothing is longer, whoever sends it
    char error[96]       # "Protocol error: ...", NUL-terminated


cdef void parser_init(Parser* p, int64_t max_bulk) noexcept nogil
cdef void parser_free(Parser* p) noexcept nogil
cdef void parser_limit(Parser* p, int64_t max_args, int64_t max_bulk) noexcept nogil   # argument count and bytes an argument
# Where the next read may go: *room bytes at the returned address, which is the parser's, or NULL when a shared buffer may be used
cdef char* parser_target(Parser* p, size_t* room) noexcept nogil
cdef void parser_filled(Parser* p, size_t n) noexcept nogil                             # n bytes were read to parser_target's address
# parse these bytes next (borrowed until parser_end); -1: out of memory, nothing was begun
cdef int parser_begin(Parser* p, Batch* batch, const char* data, size_t len) noexcept nogil
cdef int parser_look_ahead(Parser* p) noexcept nogil      # fills the batch; the ParseStatus of what ended it
cdef void parser_unread(Parser* p) noexcept nogil                                       # the command just returned will be returned again
# keeps what is not parsed; slices are void after it; -1: out of memory
cdef int parser_end(Parser* p) noexcept nogil
cdef size_t parser_pending(const Parser* p) noexcept nogil                              # bytes not parsed
cdef size_t parser_held(const Parser* p) noexcept nogil                                 # bytes kept between two reads
cdef size_t parser_room(const Parser* p) noexcept nogil                                 # bytes that the buffers for them take
# The block that the argument at this place of the command returned last is in, or NULL. Places are asked for in rising order
cdef Bulk* parser_bulk(Parser* p, int place, Slice argument) noexcept nogil
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
