"""RDB bytes going out and coming in: lengths, strings, numbers.

A writer fills a buffer and empties it into a file, or keeps everything for a DUMP payload. A reader goes over bytes in memory (a mapped
file, a payload, what has come of a copy) and trusts none of them: whatever is wrong ends in a status and the offset where it was seen, and
no length makes it allocate more than the bytes that are left could hold. Neither needs Python, so that a forked child can use them.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.slice cimport Slice

cdef enum RdbStatus:
    RDB_OK = 0
    RDB_CORRUPT = 1         # the bytes are not what they should be, or end too early
    RDB_UNSUPPORTED = 2     # they are fine, but hold what zippy does not know
    RDB_NO_MEMORY = 3
    RDB_EMPTY = 4           # a collection without elements, which no key can hold
    RDB_SHORT = 5           # the bytes end too early, but others are to come

cdef enum:
    RDB_TEXT_SCRATCH = 24


cdef struct RdbWriter:
    char* data              # owned buffer
    size_t len              # bytes in it
    size_t cap
    int fd                  # where full buffers go; -1: nowhere, data grows
    int version             # of the format: nothing newer is used
    bint compress           # strings of more than 20 bytes by LZF
    bint checksum
    uint64_t crc            # of all bytes that left the buffer
    uint64_t written        # bytes that went to fd
    uint64_t sync_every     # bytes after which the file is pushed to disk; 0: never
    uint64_t unsynced       # bytes since it was
    int error               # errno of what failed first; nothing is written after that


cdef struct RdbReader:
    const unsigned char* data   # borrowed
    size_t size
    size_t at                   # next byte
    size_t origin               # bytes that came before data
    size_t ahead                # bytes that may still come behind it
    size_t wanted               # with RDB_SHORT: the size at which what was being read could go on
    int status                  # RdbStatus
    size_t problem_at           # where the status was set, with origin
    const char* problem         # a literal that says what is wrong


cdef struct RdbText:
    # a string that was read; not to be copied, since s may point into it
    Slice s                     # borrowed from the reader, from owned or from scratch
    char* owned                 # what LZF packed; else NULL
    char[RDB_TEXT_SCRATCH] scratch   # an integer's text


cdef bint rdb_writer_init(RdbWriter* w, int fd, int version) noexcept nogil    # False: out of memory
cdef void rdb_writer_free(RdbWriter* w) noexcept nogil
cdef void rdb_write(RdbWriter* w, const void* ptr, size_t len) noexcept nogil
cdef void rdb_write_byte(RdbWriter* w, int byte) noexcept nogil
cdef void rdb_write_length(RdbWriter* w, uint64_t n) noexcept nogil
# as an integer where the text is a short canonical one, else LZF or plain
cdef void rdb_write_string(RdbWriter* w, Slice s) noexcept nogil
cdef void rdb_write_int_string(RdbWriter* w, int64_t n) noexcept nogil         # an integer's text
cdef void rdb_write_packed(RdbWriter* w, const void* lzf, size_t len, size_t unpacked) noexcept nogil   # a string that is LZF bytes already
cdef void rdb_write_double(RdbWriter* w, double d) noexcept nogil              # eight bytes
cdef void rdb_write_u64(RdbWriter* w, uint64_t n) noexcept nogil               # eight bytes, the lowest first
cdef bint rdb_flush(RdbWriter* w) noexcept nogil                               # empties the buffer into fd; False: w.error says why not

cdef void rdb_reader_init(RdbReader* r, const void* data, size_t size) noexcept nogil
cdef void rdb_fail(RdbReader* r, int status, const char* problem) noexcept nogil   # the first failure stays
cdef size_t rdb_left(const RdbReader* r) noexcept nogil
cdef const unsigned char* rdb_take(RdbReader* r, size_t len) noexcept nogil    # the next bytes, borrowed; NULL: they are not there
cdef int rdb_read_byte(RdbReader* r) noexcept nogil                            # -1 at the end
cdef bint rdb_read_length(RdbReader* r, uint64_t* n) noexcept nogil
# how many elements follow, of at least so many bytes each
cdef bint rdb_read_count(RdbReader* r, uint64_t* n, size_t least) noexcept nogil
cdef bint rdb_read_text(RdbReader* r, RdbText* t) noexcept nogil               # False: nothing to free
# The same; if the text was packed, owned begins with so many free bytes
cdef bint rdb_read_spaced_text(RdbReader* r, RdbText* t, size_t space) noexcept nogil
cdef void rdb_text_free(RdbText* t) noexcept nogil
# a string as a block from mem_alloc, the caller's; NULL: see the status
cdef unsigned char* rdb_read_block(RdbReader* r, size_t* len) noexcept nogil
cdef bint rdb_read_double(RdbReader* r, double* d) noexcept nogil              # eight bytes
cdef bint rdb_read_text_double(RdbReader* r, double* d) noexcept nogil         # the text of old sorted sets
cdef bint rdb_read_u64(RdbReader* r, uint64_t* n) noexcept nogil
