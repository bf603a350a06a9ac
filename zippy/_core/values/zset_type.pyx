# The row of sorted sets. A large one is saved from the highest score down, as Redis does.

from libc.math cimport isnan
from libc.stdint cimport uint64_t
from libc.string cimport memcpy
from zippy._core.ground.listpack cimport lp_bytes
from zippy._core.ground.number cimport NUM_DOUBLE_TEXT, num_write_double
from zippy._core.ground.sha1 cimport Sha1
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.values.command_writer cimport Elements, command_word, elements_begin, elements_next
from zippy._core.values.digest cimport digest_number, digest_text
from zippy._core.values.entry cimport ENC_LISTPACK, ENC_SKIPLIST, NO_EXPIRY, Entry, entry_encoding, entry_key, entry_value
from zippy._core.values.rdb_packed cimport PACKED_LISTPACK, PACKED_ZIPLIST, rdb_read_listpack, rdb_read_some, rdb_write_block
from zippy._core.values.rdb_stream cimport (
    RDB_CORRUPT, RDB_OK, RdbReader, RdbText, RdbWriter, rdb_fail, rdb_read_double, rdb_read_text, rdb_read_text_double, rdb_text_free,
    rdb_write_double, rdb_write_length, rdb_write_string
)
from zippy._core.values.settings cimport Settings
from zippy._core.values.types cimport RDB_ZSET, RDB_ZSET_2, RDB_ZSET_LISTPACK, RDB_ZSET_ZIPLIST, RdbPart
from zippy._core.values.zset cimport (
    ZSET_ADDED, ZSetIter, zset_add, zset_adopt_listpack, zset_copy, zset_free, zset_free_effort, zset_free_some, zset_iter,
    zset_iter_next, zset_length, zset_make_room, zset_memory, zset_new
)

cdef enum:
    LARGE = 512                 # members: more are written in pieces
    WEIGHED = 128               # members that weigh one


# Writing


cdef int rdb_type(const Entry* e, int version) noexcept nogil:
    return RDB_ZSET_LISTPACK if entry_encoding(e) == ENC_LISTPACK else RDB_ZSET_2


cdef uint64_t weight(const Entry* e) noexcept nogil:
    cdef uint64_t effort = zset_free_effort(e)
    return effort // WEIGHED if effort > LARGE else 0


cdef void begin(RdbWriter* w, RdbPart* part) noexcept nogil:
    cdef const unsigned char* block = <const unsigned char*>entry_value(part.entry)
    cdef uint64_t length = zset_length(part.entry)
    part.done = entry_encoding(part.entry) == ENC_LISTPACK
    if part.done:
        rdb_write_block(w, block, lp_bytes(block))
        return
    rdb_write_length(w, length)
    # from the highest down: Redis reads it fastest so
    zset_iter(<ZSetIter*>part.state, part.entry, length - 1, True)


cdef void write_next(RdbWriter* w, RdbPart* part) noexcept nogil:
    cdef ZSetIter* it = <ZSetIter*>part.state
    part.done = not zset_iter_next(it)
    if not part.done:
        rdb_write_string(w, it.member)
        rdb_write_double(w, it.score)


cdef void end(RdbPart* part) noexcept nogil:
    pass


# Reading


cdef Entry* read_zset(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef uint64_t count
    cdef RdbText t
    cdef Entry* e
    cdef double score
    if not rdb_read_some(r, &count, 9 if type == RDB_ZSET_2 else 2):
        return NULL
    e = zset_new(key)
    zset_make_room(e, s, count)
    while count and r.status == RDB_OK and rdb_read_text(r, &t):
        if rdb_read_double(r, &score) if type == RDB_ZSET_2 else rdb_read_text_double(r, &score):
            if isnan(score):
                rdb_fail(r, RDB_CORRUPT, b"a score that is not a number")
            elif zset_add(e, s, t.s, &score, 0) != ZSET_ADDED:
                rdb_fail(r, RDB_CORRUPT, b"a member that is there twice")
        rdb_text_free(&t)
        count -= 1
    return e


cdef Entry* read_packed_zset(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef unsigned char* lp = rdb_read_listpack(r, PACKED_ZIPLIST if type == RDB_ZSET_ZIPLIST else PACKED_LISTPACK, 2)
    cdef Entry* e
    if lp == NULL:
        return NULL
    e = zset_adopt_listpack(key, lp, s, NO_EXPIRY)
    if e == NULL:
        rdb_fail(r, RDB_CORRUPT, b"a sorted set out of order, or with a member twice")
    return e


# Commands and checksum


cdef void rebuild_zset(RdbWriter* w, Entry* e) noexcept nogil:
    cdef Elements c
    cdef ZSetIter it
    cdef char[NUM_DOUBLE_TEXT] text
    elements_begin(&c, w, b"ZADD", entry_key(e), 2, zset_length(e))
    zset_iter(&it, e, 0, False)
    while zset_iter_next(&it):
        elements_next(&c)
        command_word(w, slice_of(text, num_write_double(text, it.score)))
        command_word(w, it.member)


cdef void digest_zset(Sha1* h, Entry* e) noexcept nogil:
    cdef ZSetIter it
    cdef uint64_t bits
    zset_iter(&it, e, 0, False)
    while zset_iter_next(&it):
        digest_text(h, it.member)
        memcpy(&bits, &it.score, sizeof(bits))
        digest_number(h, bits)


cdef void zset_row(TypeOps* row) noexcept nogil:
    row.name = b"zset"
    row.encodings[<int>ENC_LISTPACK] = b"listpack"
    row.encodings[<int>ENC_SKIPLIST] = b"skiplist"
    row.readers[<int>RDB_ZSET] = read_zset
    row.readers[<int>RDB_ZSET_2] = read_zset
    row.readers[<int>RDB_ZSET_ZIPLIST] = read_packed_zset
    row.readers[<int>RDB_ZSET_LISTPACK] = read_packed_zset
    row.part_bytes = sizeof(ZSetIter)
    row.free = zset_free
    row.free_some = zset_free_some
    row.free_effort = zset_free_effort
    row.copy = zset_copy
    row.length = zset_length
    row.memory = zset_memory
    row.rdb_type = rdb_type
    row.rdb_weight = weight
    row.rdb_begin = begin
    row.rdb_next = write_next
    row.rdb_end = end
    row.rebuild = rebuild_zset
    row.digest = digest_zset
