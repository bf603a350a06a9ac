from zippy._core.values.entry cimport (
    ENC_EMBSTR, ENC_HASHTABLE, ENC_INT, ENC_INTSET, ENC_LISTPACK, ENC_LISTPACK_EX, ENC_QUICKLIST, ENC_RAW, ENC_SKIPLIST, TYPE_HASH, TYPE_LIST,
    TYPE_SET, TYPE_STRING, TYPE_ZSET, entry_encoding, entry_free_block, entry_memory, entry_new_string, entry_string,
    entry_string_length, entry_type
)


cdef void value_free(Entry* e) noexcept nogil:
    entry_free_block(e)


cdef bint value_free_some(Entry* e, uint64_t items) noexcept nogil:
    entry_free_block(e)
    return True


cdef uint64_t value_free_effort(const Entry* e) noexcept nogil:
    return 1


cdef Entry* value_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil:
    cdef char scratch[24]
    return entry_new_string(key, entry_string(e, scratch), expiry)


cdef uint64_t value_length(const Entry* e) noexcept nogil:
    return entry_string_length(e)


cdef size_t value_memory(Entry* e, uint64_t samples) noexcept nogil:
    return entry_memory(e)


cdef const char* value_type_name(const Entry* e) noexcept nogil:
    cdef int type = entry_type(e)
    if type == TYPE_STRING:
        return b"string"
    if type == TYPE_LIST:
        return b"list"
    if type == TYPE_SET:
        return b"set"
    if type == TYPE_ZSET:
        return b"zset"
    if type == TYPE_HASH:
        return b"hash"
    return b"stream"


cdef const char* value_encoding_name(const Entry* e) noexcept nogil:
    cdef int encoding = entry_encoding(e)
    if encoding == ENC_RAW:
        return b"raw"
    if encoding == ENC_EMBSTR:
        return b"embstr"
    if encoding == ENC_INT:
        return b"int"
    if encoding == ENC_LISTPACK:
        return b"listpack"
    if encoding == ENC_QUICKLIST:
        return b"quicklist"
    if encoding == ENC_INTSET:
        return b"intset"
    if encoding == ENC_HASHTABLE:
        return b"hashtable"
    if encoding == ENC_SKIPLIST:
        return b"skiplist"
    if encoding == ENC_LISTPACK_EX:
        return b"listpackex"
    return b"stream"
