"""Entry: a key with its value's header, its expiry and, when short, its value, in one block.

    8 bytes of struct | payload (8) unless inline | expiry (8) if any | length of a long key (8) if long | key | inline string value

The payload is the integer of an ENC_INT string or the pointer to the value's structure. Functions that may move the block say so and return
the new address; the keyspace's tables must be told (that is db_set_expiry's and db_put_string's business, not a handler's).
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from zippy._core.ground.buf cimport Slice

cdef enum ValueType:
    TYPE_STRING = 0
    TYPE_LIST = 1
    TYPE_SET = 2
    TYPE_ZSET = 3
    TYPE_HASH = 4
    TYPE_STREAM = 5

cdef enum Encoding:
    ENC_RAW = 0
    ENC_EMBSTR = 1
    ENC_INT = 2
    ENC_LISTPACK = 3
    ENC_QUICKLIST = 4
    ENC_INTSET = 5
    ENC_HASHTABLE = 6
    ENC_SKIPLIST = 7
    ENC_STREAM = 8
    ENC_LISTPACK_EX = 9     # a listpack with a moment behind each element: some may expire

cdef enum:
    ENTRY_EXPIRY = 1        # the expiry field is there
    ENTRY_INLINE = 2        # the value's bytes are in the block
    ENTRY_LONG_KEY = 4      # key_len does not fit 16 bits and has a field of its own
    ENTRY_ELEMENTS = 8      # at least one element of the value has an expiry of its own
    ENTRY_EPOCH = 0xF0      # the last snapshot beside the traffic that has no more to do with this entry
    INLINE_MAX = 255        # bytes of a string kept in the block
    NO_EXPIRY = -1


cdef struct Entry:
    uint8_t kind            # ValueType in the low four bits, Encoding in the high four
    uint8_t flags           # ENTRY_ bits
    uint16_t key_len        # bytes, unless ENTRY_LONG_KEY
    uint32_t access         # low 24 bits: LRU clock or LFU counter; high 8: bytes of the inline value


cdef struct Blob:
    size_t len              # bytes in use; capacity is what mem_size says, less this field
    # the bytes follow


cdef inline int entry_type(const Entry* e) noexcept nogil:
    return e.kind & 15


cdef inline int entry_encoding(const Entry* e) noexcept nogil:
    return e.kind >> 4


cdef inline void entry_set_encoding(Entry* e, int encoding) noexcept nogil:
    e.kind = <uint8_t>((e.kind & 15) | (encoding << 4))


cdef inline void** entry_pointer(Entry* e) noexcept nogil:
    """The payload as a pointer; not for inline entries."""
    return <void**>(e + 1)


cdef inline void* entry_value(const Entry* e) noexcept nogil:
    """The value's structure (listpack, Quicklist, ...), owned by the entry; not for strings."""
    return (<void**>(e + 1))[0]


cdef inline int64_t* entry_int(Entry* e) noexcept nogil:
    """The payload as an integer: the value of an ENC_INT string."""
    return <int64_t*>(e + 1)


cdef inline int64_t entry_expiry(const Entry* e) noexcept nogil:
    """ms since the epoch, or NO_EXPIRY."""
    if not e.flags & ENTRY_EXPIRY:
        return NO_EXPIRY
    return (<int64_t*>(e + 1))[0 if e.flags & ENTRY_INLINE else 1]


cdef inline uint32_t entry_access(const Entry* e) noexcept nogil:
    return e.access & 0xFFFFFF


cdef inline void entry_set_access(Entry* e, uint32_t access) noexcept nogil:
    e.access = (e.access & <uint32_t>0xFF000000) | (access & 0xFFFFFF)


cdef inline char* entry_key_at(const Entry* e) noexcept nogil:
    cdef char* at = <char*>(e + 1)
    if not e.flags & ENTRY_INLINE:
        at += 8
    if e.flags & ENTRY_EXPIRY:
        at += 8
    if e.flags & ENTRY_LONG_KEY:
        at += 8
    return at


cdef inline Slice entry_key(const Entry* e) noexcept nogil:
    """The key's bytes, borrowed from the entry."""
    cdef Slice key
    key.ptr = entry_key_at(e)
    key.len = (<size_t*>key.ptr - 1)[0] if e.flags & ENTRY_LONG_KEY else e.key_len
    return key


cdef inline bint entry_embeds(size_t key_len, size_t value_len, bint expires) noexcept nogil:
    """Whether a string is called "embstr": Redis 8.2 has key, expiry and value in one block of 64 bytes then. Just a name here."""
    return key_len + value_len <= (33 if expires else 41)


# In the following, NULL means out of memory, and that nothing has changed.
cdef void entry_key_of(const void* item, Slice* key) noexcept nogil                     # for a HashTable of entries
cdef Entry* entry_new_string(Slice key, Slice value, int64_t expiry) noexcept nogil     # as SET stores it: int, embstr or raw
cdef Entry* entry_new_text(Slice key, Slice value, int64_t expiry) noexcept nogil       # the same, but never int
cdef Entry* entry_new_int(Slice key, int64_t n, int64_t expiry) noexcept nogil
# A raw string of more than INLINE_MAX bytes, which are in `block` behind room for a Blob; the entry takes the block over
cdef Entry* entry_new_taken(Slice key, void* block, size_t len, int64_t expiry) noexcept nogil
# A raw string of len bytes, to be written to *data
cdef Entry* entry_new_raw(Slice key, size_t len, int64_t expiry, char** data) noexcept nogil
cdef Entry* entry_new_zeros(Slice key, size_t len, int64_t expiry, char** data) noexcept nogil     # the same, zero filled
# takes over value; never NULL. Aborts when the type has no row: it could be neither freed nor saved
cdef Entry* entry_new(Slice key, int type, int encoding, void* value, int64_t expiry) noexcept nogil
cdef void entry_admit_type(int type) noexcept nogil         # the type has a row from now on
cdef void entry_free_block(Entry* e) noexcept nogil         # the entry and a string value; other values are value_free's business
cdef Entry* entry_set_expiry(Entry* e, int64_t expiry) noexcept nogil       # NO_EXPIRY takes it away; may move the block; never NULL
cdef Entry* entry_set_string(Entry* e, Slice value) noexcept nogil          # as SET; frees the old string; may move the block
cdef Entry* entry_set_text(Entry* e, Slice value) noexcept nogil            # the same, but never int
cdef Entry* entry_set_int(Entry* e, int64_t n) noexcept nogil               # the same with an integer value
cdef Entry* entry_with_key(Entry* e, Slice key) noexcept nogil              # the same value in a new block; frees the old one; never NULL
cdef Slice entry_string(const Entry* e, char* scratch) noexcept nogil       # borrowed; integers are written to scratch[24]
cdef size_t entry_string_length(const Entry* e) noexcept nogil
# Makes a string a raw one of len bytes, new bytes zero; *data is where they are, to be written to. May move the block
cdef Entry* entry_string_resize(Entry* e, size_t len, char** data) noexcept nogil
cdef size_t entry_memory(const Entry* e) noexcept nogil                     # bytes of the block and of a string's blob
