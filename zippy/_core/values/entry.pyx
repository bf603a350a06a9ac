# Strings of up to INLINE_MAX bytes live in the entry's block: one allocation, one cache miss less, and no pointer and length of 16 bytes.
# Longer ones are blobs, so that they can grow in place and the block need not move. A blob that shrinks stays one.

from libc.stdio cimport fprintf, stderr
from libc.stdlib cimport abort
from libc.string cimport memcpy, memset
from zippy._core.ground.mem cimport mem_alloc, mem_copy, mem_free, mem_good_size, mem_size, mem_try_alloc, mem_try_realloc, mem_try_zalloc
from zippy._core.ground.number cimport num_read_i64, num_write_i64
from zippy._core.ground.slice cimport copy_bytes, slice_of

cdef enum:
    SHORT_KEY_MAX = 65535
    INT_TEXT_MAX = 20           # longer texts are never tried as integers
    GROWTH_MAX = 1 << 20        # bytes that a growing blob is ahead at most
    FAR = 1 << 20               # bytes from which on a blob that becomes more than twice as long is another one

cdef uint16_t types_with_rows = 0   # a bit for each


cdef inline size_t overhead(Slice key, bint in_line, bint expires) noexcept nogil:
    cdef size_t size = sizeof(Entry) + key.len
    if not in_line:
        size += 8
    if expires:
        size += 8
    if key.len > SHORT_KEY_MAX:
        size += 8
    return size


cdef inline bint has_flag(const Entry* e, int flag) noexcept nogil:
    return (e.flags & flag) != 0


cdef Entry* fill(void* block, Slice key, int type, int encoding, bint in_line, int64_t expiry, size_t inline_len) noexcept nogil:
    """Writes header, expiry and key into a block; payload or inline value are the caller's to write. NULL stays NULL."""
    cdef Entry* e = <Entry*>block
    cdef int64_t* field
    if e == NULL:
        return NULL
    e.kind = <uint8_t>(type | (encoding << 4))
    e.flags = ENTRY_INLINE if in_line else 0
    e.access = <uint32_t>inline_len << 24
    field = <int64_t*>(e + 1)
    if not in_line:
        field += 1
    if expiry != NO_EXPIRY:
        e.flags |= ENTRY_EXPIRY
        field[0] = expiry
        field += 1
    if key.len > SHORT_KEY_MAX:
        e.flags |= ENTRY_LONG_KEY
        e.key_len = 0
        field[0] = <int64_t>key.len
        field += 1
    else:
        e.key_len = <uint16_t>key.len
    copy_bytes(<char*>field, key.ptr, key.len)
    return e


cdef Entry* build_inline(Slice key, int encoding, int64_t expiry, size_t len) noexcept nogil:
    """A string whose len bytes are still to be written; NULL when out of memory."""
    return fill(mem_try_alloc(overhead(key, True, expiry != NO_EXPIRY) + len), key, TYPE_STRING, encoding, True, expiry, len)


cdef Entry* build_outer(Slice key, int encoding, int64_t expiry) noexcept nogil:
    """A string whose payload is still to be written; NULL when out of memory."""
    return fill(mem_try_alloc(overhead(key, False, expiry != NO_EXPIRY)), key, TYPE_STRING, encoding, False, expiry, 0)


cdef inline char* inline_value(const Entry* e) noexcept nogil:
    cdef Slice key = entry_key(e)
    return <char*>key.ptr + key.len


cdef inline size_t inline_len(const Entry* e) noexcept nogil:
    return e.access >> 24


cdef inline Blob* blob_of(const Entry* e) noexcept nogil:
    return <Blob*>entry_value(e)


cdef inline char* blob_data(Blob* b) noexcept nogil:
    return <char*>(b + 1)


cdef inline bint has_blob(const Entry* e) noexcept nogil:
    return entry_type(e) == TYPE_STRING and entry_encoding(e) != ENC_INT and not e.flags & ENTRY_INLINE


cdef inline void free_blob(Entry* e) noexcept nogil:
    if has_blob(e):
        mem_free(entry_value(e))


cdef Blob* blob_new(size_t len) noexcept nogil:
    cdef Blob* b = <Blob*>mem_try_alloc(sizeof(Blob) + len)
    if b != NULL:
        b.len = len
    return b


cdef Blob* blob_of_zeros(size_t len) noexcept nogil:
    cdef Blob* b = <Blob*>mem_try_zalloc(sizeof(Blob) + len)
    if b != NULL:
        b.len = len
    return b


cdef inline bint reads_as_int(Slice value, int64_t* n) noexcept nogil:
    # most texts begin with a letter, and need no call
    return 0 < value.len <= INT_TEXT_MAX and value.ptr[0] <= c'9' and num_read_i64(value, n)


cdef inline int text_encoding(Slice key, Slice value, bint expires) noexcept nogil:
    return ENC_EMBSTR if entry_embeds(key.len, value.len, expires) else ENC_RAW


cdef void entry_key_of(const void* item, Slice* key) noexcept nogil:
    key[0] = entry_key(<const Entry*>item)


cdef Entry* entry_new_string(Slice key, Slice value, int64_t expiry) noexcept nogil:
    cdef int64_t n
    if reads_as_int(value, &n):
        return entry_new_int(key, n, expiry)
    return entry_new_text(key, value, expiry)


cdef Entry* entry_new_text(Slice key, Slice value, int64_t expiry) noexcept nogil:
    cdef char* data
    cdef Entry* e = entry_new_raw(key, value.len, expiry, &data)
    if e == NULL:
        return NULL
    entry_set_encoding(e, text_encoding(key, value, expiry != NO_EXPIRY))
    if value.len > INLINE_MAX:
        mem_copy(data, value.ptr, value.len)
    else:
        copy_bytes(data, value.ptr, value.len)
    return e


cdef Entry* new_raw(Slice key, size_t len, int64_t expiry, char** data, bint zeroed) noexcept nogil:
    cdef Entry* e
    cdef Blob* b
    if len <= INLINE_MAX:
        e = build_inline(key, ENC_RAW, expiry, len)
        if e != NULL:
            data[0] = inline_value(e)
            if zeroed:
                memset(data[0], 0, len)
        return e
    b = blob_of_zeros(len) if zeroed else blob_new(len)
    if b == NULL:
        return NULL
    e = build_outer(key, ENC_RAW, expiry)
    if e == NULL:
        mem_free(b)
        return NULL
    entry_pointer(e)[0] = b
    data[0] = blob_data(b)
    return e


cdef Entry* entry_new_raw(Slice key, size_t len, int64_t expiry, char** data) noexcept nogil:
    return new_raw(key, len, expiry, data, False)


cdef Entry* entry_new_zeros(Slice key, size_t len, int64_t expiry, char** data) noexcept nogil:
    return new_raw(key, len, expiry, data, True)


cdef Entry* entry_new_taken(Slice key, void* block, size_t len, int64_t expiry) noexcept nogil:
    cdef Blob* b = <Blob*>block
    cdef Entry* e = build_outer(key, ENC_RAW, expiry)
    if e != NULL:
        b.len = len
        entry_pointer(e)[0] = b
    return e


cdef Entry* entry_new_int(Slice key, int64_t n, int64_t expiry) noexcept nogil:
    cdef Entry* e = build_outer(key, ENC_INT, expiry)
    if e != NULL:
        entry_int(e)[0] = n
    return e


cdef void entry_admit_type(int type) noexcept nogil:
    global types_with_rows
    types_with_rows = <uint16_t>(types_with_rows | 1 << type)


cdef void refuse_type(int type) noexcept nogil:
    fprintf(stderr, "zippy: a value of type %d, which has no row in the table of types\n", type)
    abort()


cdef Entry* entry_new(Slice key, int type, int encoding, void* value, int64_t expiry) noexcept nogil:
    cdef Entry* e
    if not types_with_rows >> type & 1:
        refuse_type(type)
    e = fill(mem_alloc(overhead(key, False, expiry != NO_EXPIRY)), key, type, encoding, False, expiry, 0)
    entry_pointer(e)[0] = value
    return e


cdef void entry_free_block(Entry* e) noexcept nogil:
    free_blob(e)
    mem_free(e)


cdef Entry* rebuild(Entry* e, Slice key, int64_t expiry) noexcept nogil:
    """A block with the same value under `key` and `expiry`; frees the old block, not its value."""
    cdef bint in_line = has_flag(e, ENTRY_INLINE)
    cdef size_t len = inline_len(e)
    cdef size_t size = overhead(key, in_line, expiry != NO_EXPIRY) + len
    cdef Entry* moved = fill(mem_alloc(size), key, entry_type(e), entry_encoding(e), in_line, expiry, len)
    entry_set_access(moved, entry_access(e))
    moved.flags |= e.flags & ENTRY_ELEMENTS
    if not in_line:
        entry_pointer(moved)[0] = entry_value(e)
    elif len:
        memcpy(inline_value(moved), inline_value(e), len)
    mem_free(e)
    return moved


cdef inline void recheck_embstr(Entry* e) noexcept nogil:
    if entry_encoding(e) == ENC_EMBSTR and not entry_embeds(entry_key(e).len, inline_len(e), has_flag(e, ENTRY_EXPIRY)):
        entry_set_encoding(e, ENC_RAW)


cdef Entry* entry_set_expiry(Entry* e, int64_t expiry) noexcept nogil:
    if (expiry != NO_EXPIRY) == has_flag(e, ENTRY_EXPIRY):
        if expiry != NO_EXPIRY:
            (<int64_t*>(e + 1))[0 if e.flags & ENTRY_INLINE else 1] = expiry
        return e
    e = rebuild(e, entry_key(e), expiry)
    recheck_embstr(e)
    return e


cdef Entry* entry_with_key(Entry* e, Slice key) noexcept nogil:
    e = rebuild(e, key, entry_expiry(e))
    recheck_embstr(e)
    return e


cdef Entry* replaced(Entry* e, Entry* fresh) noexcept nogil:
    """Frees e with its string for fresh, which takes over its access time; NULL: e stays as it is."""
    if fresh == NULL:
        return NULL
    entry_set_access(fresh, entry_access(e))
    entry_free_block(e)
    return fresh


cdef Entry* entry_set_int(Entry* e, int64_t n) noexcept nogil:
    if e.flags & ENTRY_INLINE:
        return replaced(e, entry_new_int(entry_key(e), n, entry_expiry(e)))
    free_blob(e)
    entry_set_encoding(e, ENC_INT)
    entry_int(e)[0] = n
    return e


cdef inline bint fits_inline(const Entry* e, Slice key, size_t len) noexcept nogil:
    """A value of len bytes would live in a block of this size, no smaller and no larger. key: the entry's."""
    if not e.flags & ENTRY_INLINE or len > INLINE_MAX:
        return False
    return len == inline_len(e) or mem_good_size(overhead(key, True, has_flag(e, ENTRY_EXPIRY)) + len) == mem_size(e)


cdef inline Entry* set_text(Entry* e, Slice value) noexcept nogil:
    cdef Slice key = entry_key(e)
    cdef Blob* b
    if fits_inline(e, key, value.len):
        copy_bytes(<char*>key.ptr + key.len, value.ptr, value.len)
        e.access = entry_access(e) | (<uint32_t>value.len << 24)
        entry_set_encoding(e, text_encoding(key, value, has_flag(e, ENTRY_EXPIRY)))
        return e
    if e.flags & ENTRY_INLINE or value.len <= INLINE_MAX:
        return replaced(e, entry_new_text(key, value, entry_expiry(e)))
    b = blob_new(value.len)
    if b == NULL:
        return NULL
    mem_copy(blob_data(b), value.ptr, value.len)
    free_blob(e)
    entry_pointer(e)[0] = b
    entry_set_encoding(e, ENC_RAW)
    return e


cdef Entry* entry_set_text(Entry* e, Slice value) noexcept nogil:
    return set_text(e, value)


cdef Entry* entry_set_string(Entry* e, Slice value) noexcept nogil:
    cdef int64_t n
    if reads_as_int(value, &n):
        return entry_set_int(e, n)
    return set_text(e, value)


cdef Slice entry_string(const Entry* e, char* scratch) noexcept nogil:
    if e.flags & ENTRY_INLINE:
        return slice_of(inline_value(e), inline_len(e))
    if entry_encoding(e) == ENC_INT:
        return slice_of(scratch, num_write_i64(scratch, (<int64_t*>(e + 1))[0]))
    return slice_of(blob_data(blob_of(e)), blob_of(e).len)


cdef size_t entry_string_length(const Entry* e) noexcept nogil:
    cdef char[24] scratch
    return entry_string(e, scratch).len


cdef Entry* resize_blob(Entry* e, size_t len, char** data) noexcept nogil:
    cdef Blob* b = blob_of(e)
    if len > FAR and len // 2 > b.len:
        # most of it has no pages until it is written to
        b = blob_of_zeros(len)
        if b == NULL:
            return NULL
        memcpy(blob_data(b), blob_data(blob_of(e)), blob_of(e).len)
        free_blob(e)
        entry_pointer(e)[0] = b
        data[0] = blob_data(b)
        return e
    if len > mem_size(b) - sizeof(Blob):
        # a string that grows once will grow again: ahead by its own size, by a mebibyte at most
        b = <Blob*>mem_try_realloc(b, sizeof(Blob) + len + (len if len < GROWTH_MAX else GROWTH_MAX))
        if b == NULL:
            return NULL
        entry_pointer(e)[0] = b
    if len > b.len:
        memset(blob_data(b) + b.len, 0, len - b.len)
    b.len = len
    data[0] = blob_data(b)
    return e


cdef Entry* entry_string_resize(Entry* e, size_t len, char** data) noexcept nogil:
    cdef Slice old
    cdef char[24] scratch
    cdef Entry* fresh
    if has_blob(e):
        return resize_blob(e, len, data)
    old = entry_string(e, scratch)
    if fits_inline(e, entry_key(e), len):
        data[0] = inline_value(e)
        if len > old.len:
            memset(data[0] + old.len, 0, len - old.len)
        e.access = entry_access(e) | (<uint32_t>len << 24)
        entry_set_encoding(e, ENC_RAW)
        return e
    fresh = entry_new_zeros(entry_key(e), len, entry_expiry(e), data)
    if fresh == NULL:
        return NULL
    if old.len > len:
        old.len = len
    if old.len:
        memcpy(data[0], old.ptr, old.len)
    return replaced(e, fresh)


cdef size_t entry_memory(const Entry* e) noexcept nogil:
    cdef size_t size = mem_size(e)
    if has_blob(e):
        size += mem_size(entry_value(e))
    return size
