from zippy._core.ground.mem cimport mem_copy
from zippy._core.values.entry cimport (
    ENC_EMBSTR, ENC_HASHTABLE, ENC_INT, ENC_INTSET, ENC_LISTPACK, ENC_LISTPACK_EX, ENC_QUICKLIST, ENC_RAW, ENC_SKIPLIST, TYPE_HASH,
    TYPE_LIST, TYPE_SET, TYPE_STRING, TYPE_ZSET, entry_encoding, entry_free_block, entry_free_some, entry_int, entry_memory, entry_new,
    entry_new_int, entry_new_raw, entry_new_text, entry_string, entry_string_length, entry_type
)
from zippy._core.values.hash cimport hash_copy, hash_free, hash_free_effort, hash_free_some, hash_length, hash_memory
from zippy._core.values.list cimport list_copy, list_free, list_free_effort, list_free_some, list_length, list_memory
from zippy._core.values.set cimport set_copy, set_free, set_free_effort, set_free_some, set_length, set_memory
from zippy._core.values.zset cimport zset_copy, zset_free, zset_free_effort, zset_free_some, zset_length, zset_memory

cdef enum:
    ITEM_BYTES = 64 * 1024      # of a string take as long to be freed as an item of another value does


cdef void value_free(Entry* e) noexcept nogil:
    if entry_type(e) == TYPE_LIST:
        list_free(e)
    elif entry_type(e) == TYPE_SET:
        set_free(e)
    elif entry_type(e) == TYPE_HASH:
        hash_free(e)
    elif entry_type(e) == TYPE_ZSET:
        zset_free(e)
    entry_free_block(e)


cdef bint value_free_some(Entry* e, uint64_t items) noexcept nogil:
    cdef bint done = True
    if entry_type(e) == TYPE_STRING:
        done = entry_free_some(e, items * ITEM_BYTES)
    elif entry_type(e) == TYPE_LIST:
        done = list_free_some(e, items)
    elif entry_type(e) == TYPE_SET:
        done = set_free_some(e, items)
    elif entry_type(e) == TYPE_HASH:
        done = hash_free_some(e, items)
    elif entry_type(e) == TYPE_ZSET:
        done = zset_free_some(e, items)
    if done:
        entry_free_block(e)
    return done


cdef uint64_t value_free_effort(const Entry* e) noexcept nogil:
    if entry_type(e) == TYPE_LIST:
        return list_free_effort(e)
    if entry_type(e) == TYPE_SET:
        return set_free_effort(e)
    if entry_type(e) == TYPE_HASH:
        return hash_free_effort(e)
    if entry_type(e) == TYPE_ZSET:
        return zset_free_effort(e)
    return 1


cdef Entry* string_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil:
    """A copy as int, text or raw as e is; NULL when out of memory."""
    cdef char[24] scratch
    cdef char* data
    cdef Slice text = entry_string(e, scratch)
    cdef Entry* copy
    if entry_encoding(e) == ENC_INT:
        return entry_new_int(key, entry_int(e)[0], expiry)
    if entry_encoding(e) == ENC_EMBSTR:
        return entry_new_text(key, text, expiry)
    copy = entry_new_raw(key, text.len, expiry, &data)
    if copy != NULL and text.len:
        mem_copy(data, text.ptr, text.len)
    return copy


cdef Entry* value_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil:
    cdef void* payload = NULL
    if entry_type(e) == TYPE_STRING:
        return string_copy(e, key, expiry)
    if entry_type(e) == TYPE_LIST:
        payload = list_copy(e)
    elif entry_type(e) == TYPE_SET:
        payload = set_copy(e)
    elif entry_type(e) == TYPE_HASH:
        payload = hash_copy(e)
    elif entry_type(e) == TYPE_ZSET:
        payload = zset_copy(e)
    return entry_new(key, entry_type(e), entry_encoding(e), payload, expiry)


cdef uint64_t value_length(const Entry* e) noexcept nogil:
    if entry_type(e) == TYPE_LIST:
        return list_length(e)
    if entry_type(e) == TYPE_SET:
        return set_length(e)
    if entry_type(e) == TYPE_HASH:
        return hash_length(e)
    if entry_type(e) == TYPE_ZSET:
        return zset_length(e)
    return entry_string_length(e)


cdef size_t value_memory(Entry* e, uint64_t samples) noexcept nogil:
    cdef size_t size = entry_memory(e)
    if entry_type(e) == TYPE_LIST:
        size += list_memory(e, samples)
    elif entry_type(e) == TYPE_SET:
        size += set_memory(e, samples)
    elif entry_type(e) == TYPE_HASH:
        size += hash_memory(e, samples)
    elif entry_type(e) == TYPE_ZSET:
        size += zset_memory(e, samples)
    return size


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
