from libc.string cimport memcpy, memset
from zippy._core.ground.buf cimport slice_of
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_good_size, mem_size, mem_try_alloc, mem_try_realloc
from zippy._core.ground.number cimport num_read_i64, num_write_i64

cdef enum:
    SHORT_KEY_MAX = 65535
    INT_TEXT_MAX = 20       # longer texts are never tried as integers


cdef inline size_t overhead(Slice key, bint in_line, int64_t expiry) noexcept nogil:
    cdef size_t size = sizeof(Entry) + key.len
    if not in_line:
        size += 8
    if expiry != NO_EXPIRY:
        size += 8
    if key.len > SHORT_KEY_MAX:
        size += 8
    return size


cdef Entry* build(Slice key, int type, int encoding, bint in_line, int64_t expiry, size_t inline_len) noexcept nogil:
    """A block with header, expiry and key filled in; payload or inline value are the caller's to write."""
    cdef Entry* e = <Entry*>mem_try_alloc(overhead(key, in_line, expiry) + inline_len)
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
        field[0] = key.len
        field += 1
    else:
        e.key_len = <uint16_t>key.len
    if key.len:
        memcpy(field, key.ptr, key.len)
    return e


cdef inline char* inline_value(const Entry* e) noexcept nogil:
    cdef Slice key = entry_key(e)
    return <char*>key.ptr + key.len


cdef inline Blob* blob_of(const Entry* e) noexcept nogil:
    return <Blob*>entry_value(e)


cdef Blob* blob_new(Slice value) noexcept nogil:
    cdef Blob* b = <Blob*>mem_try_alloc(sizeof(Blob) + value.len)
    if b == NULL:
        return NULL
    b.len = value.len
    memcpy(b + 1, value.ptr, value.len)
    return b


cdef inline bint reads_as_int(Slice value, int64_t* n) noexcept nogil:
    return 0 < value.len <= INT_TEXT_MAX and num_read_i64(value, n)


cdef void entry_key_of(const void* item, Slice* key) noexcept nogil:
    key[0] = entry_key(<const Entry*>item)


cdef Entry* entry_new_string(Slice key, Slice value, int64_t expiry) noexcept nogil:
    cdef Entry* e
    cdef Blob* b
    cdef int64_t n
    if reads_as_int(value, &n):
        return entry_new_int(key, n, expiry)
    if value.len <= INLINE_MAX:
        e = build(key, TYPE_STRING, ENC_EMBSTR if value.len <= EMBSTR_MAX else ENC_RAW, True, expiry, value.len)
        if e != NULL and value.len:
            memcpy(inline_value(e), value.ptr, value.len)
        return e
    b = blob_new(value)
    if b == NULL:
        return NULL
    e = build(key, TYPE_STRING, ENC_RAW, False, expiry, 0)
    if e == NULL:
        mem_free(b)
        return NULL
    entry_pointer(e)[0] = b
    return e


cdef Entry* entry_new_int(Slice key, int64_t n, int64_t expiry) noexcept nogil:
    cdef Entry* e = build(key, TYPE_STRING, ENC_INT, False, expiry, 0)
    if e != NULL:
        entry_int(e)[0] = n
    return e


cdef Entry* entry_new(Slice key, int type, int encoding, void* value, int64_t expiry) noexcept nogil:
    cdef Entry* e = build(key, type, encoding, False, expiry, 0)
    if e == NULL:
        # keys are far smaller than the values they come with: let the allocator report it
        mem_alloc(overhead(key, False, expiry))
    entry_pointer(e)[0] = value
    return e


cdef inline void free_blob(Entry* e) noexcept nogil:
    if entry_type(e) == TYPE_STRING and entry_encoding(e) != ENC_INT and not e.flags & ENTRY_INLINE:
        mem_free(entry_value(e))


cdef void entry_free_block(Entry* e) noexcept nogil:
    free_blob(e)
    mem_free(e)


cdef Entry* rebuild(Entry* e, Slice key, int64_t expiry) noexcept nogil:
    """A block with the same value under `key` and `expiry`; frees the old block, not its value."""
    cdef bint in_line = e.flags & ENTRY_INLINE
    cdef size_t inline_len = e.access >> 24
    cdef Entry* moved = build(key, entry_type(e), entry_encoding(e), in_line, expiry, inline_len)
    if moved == NULL:
        return NULL
    entry_set_access(moved, entry_access(e))
    if in_line:
        if inline_len:
            memcpy(inline_value(moved), inline_value(e), inline_len)
    else:
        entry_pointer(moved)[0] = entry_value(e)
    mem_free(e)
    return moved


cdef Entry* entry_set_expiry(Entry* e, int64_t expiry) noexcept nogil:
    cdef Entry* moved
    if (expiry != NO_EXPIRY) == bool_flag(e, ENTRY_EXPIRY):
        if expiry != NO_EXPIRY:
            (<int64_t*>(e + 1))[0 if e.flags & ENTRY_INLINE else 1] = expiry
        return e
    moved = rebuild(e, entry_key(e), expiry)
    if moved == NULL:
        mem_alloc(mem_size(e) + 8)
    return moved


cdef inline bint bool_flag(const Entry* e, int flag) noexcept nogil:
    return (e.flags & flag) != 0


cdef Entry* entry_with_key(Entry* e, Slice key) noexcept nogil:
    cdef Entry* moved = rebuild(e, key, entry_expiry(e))
    if moved == NULL:
        mem_alloc(mem_size(e) + key.len)
    return moved


cdef Entry* entry_set_int(Entry* e, int64_t n) noexcept nogil:
    cdef Entry* fresh
    if e.flags & ENTRY_INLINE:
        fresh = entry_new_int(entry_key(e), n, entry_expiry(e))
        if fresh == NULL:
            return NULL
        entry_set_access(fresh, entry_access(e))
        mem_free(e)
        return fresh
    free_blob(e)
    entry_set_encoding(e, ENC_INT)
    entry_int(e)[0] = n
    return e


cdef Entry* entry_set_string(Entry* e, Slice value) noexcept nogil:
    cdef int64_t n
    cdef Entry* fresh
    cdef size_t before
    if reads_as_int(value, &n):
        return entry_set_int(e, n)
    if e.flags & ENTRY_INLINE and value.len <= INLINE_MAX:
        before = overhead(entry_key(e), True, entry_expiry(e))
        if mem_good_size(before + value.len) == mem_size(e):
            memcpy(inline_value(e), value.ptr, value.len)
            e.access = entry_access(e) | (<uint32_t>value.len << 24)
            entry_set_encoding(e, ENC_EMBSTR if value.len <= EMBSTR_MAX else ENC_RAW)
            return e
    fresh = entry_new_string(entry_key(e), value, entry_expiry(e))
    if fresh == NULL:
        return NULL
    entry_set_access(fresh, entry_access(e))
    entry_free_block(e)
    return fresh


cdef Slice entry_string(const Entry* e, char* scratch) noexcept nogil:
    if e.flags & ENTRY_INLINE:
        return slice_of(inline_value(e), e.access >> 24)
    if entry_encoding(e) == ENC_INT:
        return slice_of(scratch, num_write_i64(scratch, (<int64_t*>(e + 1))[0]))
    return slice_of(<char*>(blob_of(e) + 1), blob_of(e).len)


cdef size_t entry_string_length(const Entry* e) noexcept nogil:
    cdef char scratch[24]
    return entry_string(e, scratch).len


cdef Entry* entry_string_resize(Entry* e, size_t len, char** data) noexcept nogil:
    cdef Blob* b
    cdef Entry* fresh
    cdef Slice old
    cdef char scratch[24]
    cdef size_t room
    if e.flags & ENTRY_INLINE or entry_encoding(e) == ENC_INT:
        old = entry_string(e, scratch)
        if old.len > len:
            old.len = len
        b = <Blob*>mem_try_alloc(sizeof(Blob) + len)
        if b == NULL:
            return NULL
        if old.len:
            memcpy(b + 1, old.ptr, old.len)
        memset(<char*>(b + 1) + old.len, 0, len - old.len)
        if e.flags & ENTRY_INLINE:
            fresh = build(entry_key(e), TYPE_STRING, ENC_RAW, False, entry_expiry(e), 0)
            if fresh == NULL:
                mem_free(b)
                return NULL
            entry_set_access(fresh, entry_access(e))
            mem_free(e)
            e = fresh
        entry_set_encoding(e, ENC_RAW)
    else:
        b = blob_of(e)
        room = mem_size(b) - sizeof(Blob)
        if len > room:
            # a string that grows once will grow again: ahead by its own size, by a mebibyte at most
            b = <Blob*>mem_try_realloc(b, sizeof(Blob) + len + (len if len < (1 << 20) else (1 << 20)))
            if b == NULL:
                return NULL
        if len > b.len:
            memset(<char*>(b + 1) + b.len, 0, len - b.len)
    b.len = len
    entry_pointer(e)[0] = b
    entry_set_encoding(e, ENC_RAW)
    data[0] = <char*>(b + 1)
    return e


cdef size_t entry_memory(const Entry* e) noexcept nogil:
    cdef size_t size = mem_size(e)
    if entry_type(e) == TYPE_STRING and entry_encoding(e) != ENC_INT and not e.flags & ENTRY_INLINE:
        size += mem_size(entry_value(e))
    return size
