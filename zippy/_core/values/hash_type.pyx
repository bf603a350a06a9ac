# The row of hashes. What was saved as one packed block is checked before it becomes a value as it is; all other forms are filled in field
# by field, so that the limits in force decide on the encoding.

from libc.limits cimport INT_MAX
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memset
from zippy._core.ground.listpack cimport LP_INT_TEXT, lp_bytes, lp_first, lp_free, lp_length, lp_next, lp_text
from zippy._core.ground.sha1 cimport SHA1_BYTES, Sha1, sha1_begin, sha1_end, sha1_take
from zippy._core.ground.slice cimport Slice
from zippy._core.values.command_writer cimport Elements, command_word, elements_begin, elements_next
from zippy._core.values.digest cimport digest_mix, digest_text
from zippy._core.values.entry cimport (
    ENC_HASHTABLE, ENC_LISTPACK, NO_EXPIRY, TYPE_HASH, Entry, entry_encoding, entry_key, entry_new, entry_value
)
from zippy._core.values.hash cimport (
    HashIter, hash_copy, hash_free, hash_free_effort, hash_free_some, hash_iter, hash_iter_done, hash_iter_next, hash_length,
    hash_make_room, hash_memory, hash_new, hash_set
)
from zippy._core.values.rdb_packed cimport (
    PACKED_LISTPACK, PACKED_ZIPLIST, PACKED_ZIPMAP, rdb_read_listpack, rdb_read_some, rdb_texts_differ, rdb_write_block
)
from zippy._core.values.rdb_stream cimport (
    RDB_CORRUPT, RDB_OK, RdbReader, RdbText, RdbWriter, rdb_fail, rdb_read_text, rdb_text_free, rdb_write_length, rdb_write_string
)
from zippy._core.values.settings cimport Settings
from zippy._core.values.types cimport RDB_HASH, RDB_HASH_LISTPACK, RDB_HASH_ZIPLIST, RDB_HASH_ZIPMAP, RdbPart

cdef enum:
    LARGE = 512                 # fields: more are written in pieces


# Writing


cdef int rdb_type(const Entry* e, int version) noexcept nogil:
    return RDB_HASH_LISTPACK if entry_encoding(e) == ENC_LISTPACK else RDB_HASH


cdef bint is_large(const Entry* e) noexcept nogil:
    return hash_free_effort(e) > LARGE


cdef void begin(RdbWriter* w, RdbPart* part) noexcept nogil:
    cdef const unsigned char* block = <const unsigned char*>entry_value(part.entry)
    part.done = entry_encoding(part.entry) == ENC_LISTPACK
    # the end of a walk is asked of one that has begun
    hash_iter(<HashIter*>part.state, part.entry)
    if part.done:
        rdb_write_block(w, block, lp_bytes(block))
    else:
        rdb_write_length(w, hash_length(part.entry))


cdef void write_next(RdbWriter* w, RdbPart* part) noexcept nogil:
    cdef HashIter* it = <HashIter*>part.state
    part.done = not hash_iter_next(it)
    if not part.done:
        rdb_write_string(w, it.pair.field)
        rdb_write_string(w, it.pair.value)


cdef void end(RdbPart* part) noexcept nogil:
    hash_iter_done(<HashIter*>part.state)


# Reading


cdef void reserve_fields(Entry* e, const Settings* s, uint64_t fields) noexcept nogil:
    """Makes a hash table of an empty hash that is to have too many fields for a listpack."""
    if fields > <uint64_t>s.hash_max_listpack_entries:
        hash_make_room(e, s, <int>(fields * 2 if fields < INT_MAX // 2 else INT_MAX - 1), NULL)


cdef void add_field(RdbReader* r, Entry* e, const Settings* s, Slice field, Slice value) noexcept nogil:
    cdef Slice[2] pair = [field, value]
    hash_make_room(e, s, 2, pair)
    if not hash_set(e, s, field, value):
        rdb_fail(r, RDB_CORRUPT, b"a field that is there twice")


cdef Entry* read_hash(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef uint64_t count
    cdef RdbText field
    cdef RdbText value
    cdef Entry* e
    if not rdb_read_some(r, &count, 2):
        return NULL
    e = hash_new(key)
    reserve_fields(e, s, count)
    while count and r.status == RDB_OK and rdb_read_text(r, &field):
        if rdb_read_text(r, &value):
            add_field(r, e, s, field.s, value.s)
            rdb_text_free(&value)
        rdb_text_free(&field)
        count -= 1
    return e


cdef Entry* hash_of_listpack(RdbReader* r, Slice key, const unsigned char* lp, const Settings* s) noexcept nogil:
    """A hash of a listpack that is not to be one itself."""
    cdef char[LP_INT_TEXT] scratch
    cdef char[LP_INT_TEXT] other
    cdef unsigned char* p = lp_first(lp)
    cdef unsigned char* value
    cdef Entry* e = hash_new(key)
    reserve_fields(e, s, lp_length(lp) // 2)
    while p != NULL and r.status == RDB_OK:
        value = lp_next(lp, p)
        add_field(r, e, s, lp_text(p, scratch), lp_text(value, other))
        p = lp_next(lp, value)
    return e


cdef int packed_form(int type) noexcept nogil:
    if type == RDB_HASH_ZIPMAP:
        return PACKED_ZIPMAP
    return PACKED_ZIPLIST if type == RDB_HASH_ZIPLIST else PACKED_LISTPACK


cdef Entry* read_packed_hash(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef unsigned char* lp = rdb_read_listpack(r, packed_form(type), 2)
    cdef Entry* e = NULL
    if lp == NULL:
        return NULL
    if type == RDB_HASH_ZIPMAP or lp_length(lp) // 2 > <uint64_t>s.hash_max_listpack_entries:
        e = hash_of_listpack(r, key, lp, s)
    elif rdb_texts_differ(lp, lp_length(lp) // 2, 2):
        return entry_new(key, TYPE_HASH, ENC_LISTPACK, lp, NO_EXPIRY)
    else:
        rdb_fail(r, RDB_CORRUPT, b"a field that is there twice")
    lp_free(lp)
    return e


# Commands and checksum


cdef void rebuild_hash(RdbWriter* w, Entry* e) noexcept nogil:
    cdef Elements c
    cdef HashIter it
    elements_begin(&c, w, b"HMSET", entry_key(e), 2, hash_length(e))
    hash_iter(&it, e)
    while hash_iter_next(&it):
        elements_next(&c)
        command_word(w, it.pair.field)
        command_word(w, it.pair.value)
    hash_iter_done(&it)


cdef void digest_hash(Sha1* h, Entry* e) noexcept nogil:
    cdef uint8_t[SHA1_BYTES] total
    cdef uint8_t[SHA1_BYTES] sum
    cdef Sha1 one
    cdef HashIter it
    memset(total, 0, sizeof(total))
    hash_iter(&it, e)
    while hash_iter_next(&it):
        sha1_begin(&one)
        digest_text(&one, it.pair.field)
        digest_text(&one, it.pair.value)
        sha1_end(&one, sum)
        digest_mix(total, sum)
    hash_iter_done(&it)
    sha1_take(h, total, sizeof(total))


cdef void hash_row(TypeOps* row) noexcept nogil:
    row.name = b"hash"
    row.encodings[<int>ENC_LISTPACK] = b"listpack"
    row.encodings[<int>ENC_HASHTABLE] = b"hashtable"
    row.readers[<int>RDB_HASH] = read_hash
    row.readers[<int>RDB_HASH_ZIPMAP] = read_packed_hash
    row.readers[<int>RDB_HASH_ZIPLIST] = read_packed_hash
    row.readers[<int>RDB_HASH_LISTPACK] = read_packed_hash
    row.part_bytes = sizeof(HashIter)
    row.free = hash_free
    row.free_some = hash_free_some
    row.free_effort = hash_free_effort
    row.copy = hash_copy
    row.length = hash_length
    row.memory = hash_memory
    row.rdb_type = rdb_type
    row.rdb_is_large = is_large
    row.rdb_begin = begin
    row.rdb_next = write_next
    row.rdb_end = end
    row.rebuild = rebuild_hash
    row.digest = digest_hash
