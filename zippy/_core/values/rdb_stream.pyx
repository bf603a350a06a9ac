# What goes wrong is remembered in the writer or reader and asked for once, at the end; after an error both go on without doing anything.

from libc.errno cimport EINTR, ENOMEM, errno
from libc.math cimport INFINITY
from libc.stdint cimport SIZE_MAX, int8_t, int16_t, int32_t, uint16_t, uint32_t
from libc.string cimport memcpy, memset
from posix.unistd cimport fdatasync, write
from zippy._core.ground.slice cimport slice_of
from zippy._core.ground.crc cimport crc64
from zippy._core.ground.lzf cimport lzf_compress, lzf_decompress
from zippy._core.ground.mem cimport mem_copy, mem_free, mem_provide, mem_try_alloc, mem_try_realloc
from zippy._core.ground.number cimport num_read_double, num_read_i64, num_write_i64

# A length: the top two bits of its first byte say its size, or that a string is encoded in another way
cdef enum:
    LEN_6 = 0
    LEN_14 = 1
    LEN_32 = 0x80
    LEN_64 = 0x81
    LEN_ENCODED = 3
    AS_INT8 = 0
    AS_INT16 = 1
    AS_INT32 = 2
    AS_LZF = 3
    INT_TEXT_MAX = 11           # bytes: the longest text of an int32
    COMPRESS_MIN = 20           # bytes: shorter strings are never packed
    COMPRESS_GAIN = 4           # bytes that packing has to save
    LZF_MAX_RATIO = 88          # three bytes stand for 264 at most
    FILE_BUFFER = 256 * 1024
    MEMORY_BUFFER = 128
    STACK_PACK = 2048           # bytes: strings up to this are packed on the stack
    DOUBLE_NAN = 253
    DOUBLE_INFINITY = 254
    DOUBLE_MINUS_INFINITY = 255


# Writing


cdef bint rdb_writer_init(RdbWriter* w, int fd, int version) noexcept nogil:
    memset(w, 0, sizeof(RdbWriter))
    w.fd = fd
    w.version = version
    w.checksum = True
    w.cap = FILE_BUFFER if fd >= 0 else MEMORY_BUFFER
    w.data = <char*>mem_try_alloc(w.cap)
    if w.data == NULL:
        w.error = ENOMEM
    return w.error == 0


cdef void rdb_writer_free(RdbWriter* w) noexcept nogil:
    mem_free(w.data)
    w.data = NULL


cdef bint write_all(RdbWriter* w, const char* ptr, size_t len) noexcept nogil:
    cdef ssize_t n
    if w.checksum:
        w.crc = crc64(w.crc, ptr, len)
    while len:
        n = write(w.fd, ptr, len)
        if n < 0:
            if errno == EINTR:
                continue
            w.error = errno
            return False
        ptr += n
        len -= <size_t>n
        w.written += <uint64_t>n
        w.unsynced += <uint64_t>n
    if w.sync_every and w.unsynced >= w.sync_every:
        # in small steps, so that the last fsync does not have everything left to do
        w.unsynced = 0
        if fdatasync(w.fd) != 0:
            # the kernel tells of lost bytes once: the last fsync would succeed
            w.error = errno
            return False
    return True


cdef bint rdb_flush(RdbWriter* w) noexcept nogil:
    if w.error == 0 and w.fd >= 0 and w.len:
        write_all(w, w.data, w.len)
        w.len = 0
    return w.error == 0


cdef bint make_room(RdbWriter* w, size_t len) noexcept nogil:
    """Makes room in a writer that keeps everything."""
    cdef size_t cap = w.cap * 2
    cdef char* data
    if w.len + len > cap:
        cap = w.len + len
    data = <char*>mem_try_realloc(w.data, cap)
    if data == NULL:
        w.error = ENOMEM
        return False
    w.data = data
    w.cap = cap
    return True


cdef void rdb_write(RdbWriter* w, const void* ptr, size_t len) noexcept nogil:
    if w.error:
        return
    if len > w.cap - w.len:
        if w.fd < 0:
            if not make_room(w, len):
                return
        elif not rdb_flush(w):
            return
        elif len >= w.cap:
            write_all(w, <const char*>ptr, len)
            return
    mem_copy(w.data + w.len, ptr, len)
    w.len += len


cdef void rdb_write_byte(RdbWriter* w, int byte) noexcept nogil:
    cdef unsigned char b = <unsigned char>byte
    rdb_write(w, &b, 1)


cdef void put_big_endian(unsigned char* at, uint64_t n, int size) noexcept nogil:
    cdef int i
    for i in range(size):
        at[i] = <unsigned char>(n >> (8 * (size - 1 - i)))


cdef void put_little_endian(unsigned char* at, uint64_t n, int size) noexcept nogil:
    cdef int i
    for i in range(size):
        at[i] = <unsigned char>(n >> (8 * i))


cdef void rdb_write_length(RdbWriter* w, uint64_t n) noexcept nogil:
    cdef unsigned char[9] b
    if n < 64:
        b[0] = <unsigned char>n
        rdb_write(w, b, 1)
    elif n < 16384:
        b[0] = <unsigned char>((LEN_14 << 6) | (n >> 8))
        b[1] = <unsigned char>n
        rdb_write(w, b, 2)
    elif n <= <uint64_t>0xFFFFFFFF:
        b[0] = LEN_32
        put_big_endian(b + 1, n, 4)
        rdb_write(w, b, 5)
    else:
        b[0] = LEN_64
        put_big_endian(b + 1, n, 8)
        rdb_write(w, b, 9)


cdef bint write_as_int(RdbWriter* w, int64_t n) noexcept nogil:
    """False when the integer has more than 32 bits."""
    cdef unsigned char[5] b
    cdef int size
    if -128 <= n <= 127:
        b[0] = (LEN_ENCODED << 6) | AS_INT8
        size = 1
    elif -32768 <= n <= 32767:
        b[0] = (LEN_ENCODED << 6) | AS_INT16
        size = 2
    elif -<int64_t>2147483648 <= n <= <int64_t>2147483647:
        b[0] = (LEN_ENCODED << 6) | AS_INT32
        size = 4
    else:
        return False
    put_little_endian(b + 1, <uint64_t>n, size)
    rdb_write(w, b, size + 1)
    return True


cdef void write_plain(RdbWriter* w, Slice s) noexcept nogil:
    rdb_write_length(w, s.len)
    if s.len:
        rdb_write(w, s.ptr, s.len)


cdef void rdb_write_packed(RdbWriter* w, const void* lzf, size_t len, size_t unpacked) noexcept nogil:
    rdb_write_byte(w, (LEN_ENCODED << 6) | AS_LZF)
    rdb_write_length(w, len)
    rdb_write_length(w, unpacked)
    rdb_write(w, lzf, len)


cdef bint write_compressed(RdbWriter* w, Slice s) noexcept nogil:
    """False when packing saves too little."""
    cdef char[STACK_PACK] stack
    cdef char* packed = stack
    cdef size_t len
    if s.len > STACK_PACK:
        packed = <char*>mem_try_alloc(s.len)
        if packed == NULL:
            return False
    len = lzf_compress(s.ptr, s.len, packed, s.len - COMPRESS_GAIN)
    if len:
        rdb_write_packed(w, packed, len, s.len)
    if packed != stack:
        mem_free(packed)
    return len != 0


cdef void rdb_write_string(RdbWriter* w, Slice s) noexcept nogil:
    cdef int64_t n
    if s.len <= INT_TEXT_MAX and num_read_i64(s, &n) and write_as_int(w, n):
        return
    if w.compress and s.len > COMPRESS_MIN and write_compressed(w, s):
        return
    write_plain(w, s)


cdef void rdb_write_int_string(RdbWriter* w, int64_t n) noexcept nogil:
    cdef char[24] text
    if not write_as_int(w, n):
        write_plain(w, slice_of(text, num_write_i64(text, n)))


cdef void rdb_write_u64(RdbWriter* w, uint64_t n) noexcept nogil:
    cdef unsigned char[8] b
    put_little_endian(b, n, 8)
    rdb_write(w, b, 8)


cdef void rdb_write_double(RdbWriter* w, double d) noexcept nogil:
    cdef uint64_t bits
    memcpy(&bits, &d, sizeof(bits))
    rdb_write_u64(w, bits)


# Reading


cdef void rdb_reader_init(RdbReader* r, const void* data, size_t size) noexcept nogil:
    memset(r, 0, sizeof(RdbReader))
    r.data = <const unsigned char*>data
    r.size = size


cdef void rdb_fail(RdbReader* r, int status, const char* problem) noexcept nogil:
    if r.status == RDB_OK:
        r.status = status
        r.problem = problem
        r.problem_at = r.origin + r.at


cdef size_t rdb_left(const RdbReader* r) noexcept nogil:
    return r.size - r.at


cdef bint lacks(RdbReader* r, size_t len, const char* problem) noexcept nogil:
    """Whether so many bytes are not there; that is a problem only when they cannot come."""
    if len <= r.size - r.at:
        return False
    if len - (r.size - r.at) > r.ahead:
        rdb_fail(r, RDB_CORRUPT, problem)
    elif r.status == RDB_OK:
        r.status = RDB_SHORT
        r.wanted = r.at + len
    return True


cdef const unsigned char* rdb_take(RdbReader* r, size_t len) noexcept nogil:
    cdef const unsigned char* p = r.data + r.at
    if lacks(r, len, b"it ends too early"):
        return NULL
    r.at += len
    return p


cdef int rdb_read_byte(RdbReader* r) noexcept nogil:
    cdef const unsigned char* p = rdb_take(r, 1)
    return -1 if p == NULL else p[0]


cdef inline uint64_t big_endian(const unsigned char* p, int size) noexcept nogil:
    cdef uint64_t n = 0
    cdef int i
    for i in range(size):
        n = (n << 8) | p[i]
    return n


cdef inline uint64_t little_endian(const unsigned char* p, int size) noexcept nogil:
    cdef uint64_t n = 0
    cdef int i
    for i in range(size):
        n |= <uint64_t>p[i] << (8 * i)
    return n


cdef bint read_length_or_code(RdbReader* r, uint64_t* n, bint* encoded) noexcept nogil:
    """A length, or with *encoded set the code of a string's encoding."""
    cdef int first = rdb_read_byte(r)
    cdef const unsigned char* p
    cdef int size
    encoded[0] = False
    if first < 0:
        return False
    if first >> 6 == LEN_6:
        n[0] = <uint64_t>first
        return True
    if first >> 6 == LEN_ENCODED:
        n[0] = <uint64_t>(first & 63)
        encoded[0] = True
        return True
    if first >> 6 == LEN_14:
        size = 1
    elif first == LEN_32:
        size = 4
    elif first == LEN_64:
        size = 8
    else:
        rdb_fail(r, RDB_CORRUPT, b"a length of unknown form")
        return False
    p = rdb_take(r, size)
    if p == NULL:
        return False
    n[0] = big_endian(p, size)
    if size == 1:
        n[0] |= <uint64_t>(first & 63) << 8
    return True


cdef bint rdb_read_length(RdbReader* r, uint64_t* n) noexcept nogil:
    cdef bint encoded
    if not read_length_or_code(r, n, &encoded):
        return False
    if encoded:
        rdb_fail(r, RDB_CORRUPT, b"an encoded string where a length should be")
        return False
    return True


cdef bint rdb_read_count(RdbReader* r, uint64_t* n, size_t least) noexcept nogil:
    if not rdb_read_length(r, n):
        return False
    return not lacks(r, n[0] * least if n[0] <= SIZE_MAX // least else SIZE_MAX, b"more elements than the bytes that are left can hold")


cdef bint read_integer(RdbReader* r, uint64_t code, int64_t* n) noexcept nogil:
    cdef int size = 1 if code == AS_INT8 else (2 if code == AS_INT16 else 4)
    cdef const unsigned char* p = rdb_take(r, size)
    cdef uint64_t bits
    if p == NULL:
        return False
    bits = little_endian(p, size)
    if size == 1:
        n[0] = <int8_t>bits
    elif size == 2:
        n[0] = <int16_t><uint16_t>bits
    else:
        n[0] = <int32_t><uint32_t>bits
    return True


cdef const unsigned char* read_packed(RdbReader* r, size_t* packed, size_t* unpacked) noexcept nogil:
    """The bytes of an LZF string, and its sizes: what it unpacks to is bounded by what it is."""
    cdef uint64_t from_
    cdef uint64_t to
    if not rdb_read_length(r, &from_) or not rdb_read_length(r, &to):
        return NULL
    if lacks(r, from_, b"it ends too early"):
        return NULL
    if to == 0 or to // LZF_MAX_RATIO > from_:
        rdb_fail(r, RDB_CORRUPT, b"a packed string of impossible size")
        return NULL
    packed[0] = from_
    unpacked[0] = to
    return rdb_take(r, from_)


cdef unsigned char* unpack(RdbReader* r, size_t space, size_t* len) noexcept nogil:
    """What an LZF string unpacks to, behind so many free bytes; NULL: see the status."""
    cdef size_t packed
    cdef const unsigned char* p = read_packed(r, &packed, len)
    cdef unsigned char* block
    if p == NULL:
        return NULL
    block = <unsigned char*>mem_try_alloc(space + len[0])
    if block == NULL:
        rdb_fail(r, RDB_NO_MEMORY, b"a string is larger than memory")
        return NULL
    mem_provide(block, space + len[0])
    if lzf_decompress(p, packed, block + space, len[0]) != len[0]:
        mem_free(block)
        rdb_fail(r, RDB_CORRUPT, b"a packed string that does not unpack")
        return NULL
    return block


cdef bint rdb_read_text(RdbReader* r, RdbText* t) noexcept nogil:
    return rdb_read_spaced_text(r, t, 0)


cdef bint rdb_read_spaced_text(RdbReader* r, RdbText* t, size_t space) noexcept nogil:
    cdef uint64_t n
    cdef bint encoded
    cdef int64_t value
    cdef size_t len = 0
    t.owned = NULL
    if not read_length_or_code(r, &n, &encoded):
        return False
    if not encoded:
        t.s.ptr = <const char*>rdb_take(r, n)
        t.s.len = n
        return t.s.ptr != NULL
    if n <= AS_INT32:
        if not read_integer(r, n, &value):
            return False
        t.s = slice_of(t.scratch, num_write_i64(t.scratch, value))
        return True
    if n != AS_LZF:
        rdb_fail(r, RDB_CORRUPT, b"a string of unknown encoding")
        return False
    t.owned = <char*>unpack(r, space, &len)
    t.s = slice_of(t.owned + space, len)
    return t.owned != NULL


cdef void rdb_text_free(RdbText* t) noexcept nogil:
    mem_free(t.owned)


cdef unsigned char* rdb_read_block(RdbReader* r, size_t* len) noexcept nogil:
    cdef RdbText t
    cdef unsigned char* block
    if not rdb_read_text(r, &t):
        return NULL
    len[0] = t.s.len
    if t.owned != NULL:
        return <unsigned char*>t.owned
    block = <unsigned char*>mem_try_alloc(t.s.len if t.s.len else 1)
    if block == NULL:
        rdb_fail(r, RDB_NO_MEMORY, b"a string is larger than memory")
        return NULL
    mem_copy(block, t.s.ptr, t.s.len)
    return block


cdef bint rdb_read_u64(RdbReader* r, uint64_t* n) noexcept nogil:
    cdef const unsigned char* p = rdb_take(r, 8)
    if p == NULL:
        return False
    n[0] = little_endian(p, 8)
    return True


cdef bint rdb_read_double(RdbReader* r, double* d) noexcept nogil:
    cdef uint64_t bits
    if not rdb_read_u64(r, &bits):
        return False
    memcpy(d, &bits, sizeof(bits))
    return True


cdef bint rdb_read_text_double(RdbReader* r, double* d) noexcept nogil:
    cdef int len = rdb_read_byte(r)
    cdef const unsigned char* p
    if len < 0:
        return False
    if len == DOUBLE_INFINITY or len == DOUBLE_MINUS_INFINITY:
        d[0] = INFINITY if len == DOUBLE_INFINITY else -INFINITY
        return True
    if len != DOUBLE_NAN:
        p = rdb_take(r, <size_t>len)
        if p == NULL:
            return False
        if num_read_double(slice_of(<const char*>p, <size_t>len), d):
            return True
    rdb_fail(r, RDB_CORRUPT, b"a score that is not a number")
    return False
