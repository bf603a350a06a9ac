# The row of sets. A set of integers and a small set are saved and loaded as one block; a large one member by member.

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memset
from zippy._core.ground.intset cimport is_bytes, is_length, is_valid
from zippy._core.ground.listpack cimport LP_INT_TEXT, lp_bytes, lp_first, lp_free, lp_length, lp_next, lp_text
from zippy._core.ground.mem cimport mem_free
from zippy._core.ground.sha1 cimport SHA1_BYTES, Sha1, sha1_begin, sha1_end, sha1_take
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.values.command_writer cimport Elements, command_word, elements_begin, elements_next
from zippy._core.values.digest cimport digest_mix, digest_text
from zippy._core.values.entry cimport (
    ENC_HASHTABLE, ENC_INTSET, ENC_LISTPACK, NO_EXPIRY, TYPE_SET, Entry, entry_encoding, entry_key, entry_new, entry_value
)
from zippy._core.values.rdb_packed cimport PACKED_LISTPACK, rdb_read_listpack, rdb_read_some, rdb_texts_differ, rdb_write_block
from zippy._core.values.rdb_stream cimport (
    RDB_CORRUPT, RDB_OK, RdbReader, RdbText, RdbWriter, rdb_fail, rdb_left, rdb_read_block, rdb_read_text, rdb_text_free, rdb_write_length,
    rdb_write_string
)
from zippy._core.values.set cimport (
    SET_TEXT, SetIter, set_add, set_copy, set_free, set_free_effort, set_free_some, set_iter, set_iter_done, set_iter_next, set_length,
    set_make_room, set_memory, set_new, set_text
)
from zippy._core.values.settings cimport Settings
from zippy._core.values.types cimport RDB_SET, RDB_SET_INTSET, RDB_SET_LISTPACK, RdbPart

cdef enum:
    LARGE = 512                 # members: more are written in pieces
    WEIGHED = 128               # members that weigh one
    LEAST_TABLED = 4            # bytes of a payload that a place in a table of members may be made for
    LISTPACKS_SINCE = 11        # version of the format


# Writing


cdef int rdb_type(const Entry* e, int version) noexcept nogil:
    if entry_encoding(e) == ENC_INTSET:
        return RDB_SET_INTSET
    return RDB_SET_LISTPACK if entry_encoding(e) == ENC_LISTPACK and version >= LISTPACKS_SINCE else RDB_SET


cdef uint64_t weight(const Entry* e) noexcept nogil:
    cdef uint64_t effort = set_free_effort(e)
    return effort // WEIGHED if effort > LARGE else 0


cdef void begin(RdbWriter* w, RdbPart* part) noexcept nogil:
    cdef const unsigned char* block = <const unsigned char*>entry_value(part.entry)
    cdef int type = rdb_type(part.entry, w.version)
    part.done = type != RDB_SET
    # the end of a walk is asked of one that has begun
    set_iter(<SetIter*>part.state, part.entry)
    if type == RDB_SET_INTSET:
        rdb_write_block(w, block, is_bytes(block))
    elif type == RDB_SET_LISTPACK:
        rdb_write_block(w, block, lp_bytes(block))
    else:
        rdb_write_length(w, set_length(part.entry))


cdef void write_next(RdbWriter* w, RdbPart* part) noexcept nogil:
    cdef SetIter* it = <SetIter*>part.state
    cdef char[SET_TEXT] scratch
    part.done = not set_iter_next(it)
    if not part.done:
        rdb_write_string(w, set_text(&it.member, scratch))


cdef void end(RdbPart* part) noexcept nogil:
    set_iter_done(<SetIter*>part.state)


# Reading


cdef Entry* read_set(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef uint64_t count
    cdef RdbText t
    cdef Entry* e = NULL
    if not rdb_read_some(r, &count, 1):
        return NULL
    while count and r.status == RDB_OK and rdb_read_text(r, &t):
        if e == NULL:
            # what a payload only announces gets no more memory than the payload took
            e = set_new(key, s, t.s, count if count < rdb_left(r) // LEAST_TABLED else rdb_left(r) // LEAST_TABLED + 1)
        if not set_add(e, s, t.s):
            rdb_fail(r, RDB_CORRUPT, b"a member that is there twice")
        rdb_text_free(&t)
        count -= 1
    return e


cdef Entry* read_intset(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef size_t size
    cdef unsigned char* ints = rdb_read_block(r, &size)
    cdef Entry* e
    if ints == NULL:
        return NULL
    if not is_valid(ints, size, True):
        mem_free(ints)
        rdb_fail(r, RDB_CORRUPT, b"a packed value that is damaged")
        return NULL
    e = entry_new(key, TYPE_SET, ENC_INTSET, ints, NO_EXPIRY)
    set_make_room(e, s, is_length(ints))
    return e


cdef Entry* set_of_listpack(RdbReader* r, Slice key, const unsigned char* lp, const Settings* s) noexcept nogil:
    """A set of a listpack that is too long to be one itself."""
    cdef char[LP_INT_TEXT] scratch
    cdef unsigned char* p = lp_first(lp)
    cdef Entry* e = set_new(key, s, slice_of(NULL, 0), lp_length(lp))
    while p != NULL and r.status == RDB_OK:
        if not set_add(e, s, lp_text(p, scratch)):
            rdb_fail(r, RDB_CORRUPT, b"a member that is there twice")
        p = lp_next(lp, p)
    return e


cdef Entry* read_packed_set(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef unsigned char* lp = rdb_read_listpack(r, PACKED_LISTPACK, 1)
    cdef Entry* e = NULL
    if lp == NULL:
        return NULL
    if lp_length(lp) > <uint64_t>s.set_max_listpack_entries:
        e = set_of_listpack(r, key, lp, s)
    elif rdb_texts_differ(lp, lp_length(lp), 1):
        return entry_new(key, TYPE_SET, ENC_LISTPACK, lp, NO_EXPIRY)
    else:
        rdb_fail(r, RDB_CORRUPT, b"a member that is there twice")
    lp_free(lp)
    return e


# Commands and checksum


cdef void rebuild_set(RdbWriter* w, Entry* e) noexcept nogil:
    cdef Elements c
    cdef SetIter it
    cdef char[SET_TEXT] scratch
    elements_begin(&c, w, b"SADD", entry_key(e), 1, set_length(e))
    set_iter(&it, e)
    while set_iter_next(&it):
        elements_next(&c)
        command_word(w, set_text(&it.member, scratch))
    set_iter_done(&it)


cdef void digest_set(Sha1* h, Entry* e) noexcept nogil:
    cdef char[SET_TEXT] scratch
    cdef uint8_t[SHA1_BYTES] total
    cdef uint8_t[SHA1_BYTES] sum
    cdef Sha1 one
    cdef SetIter it
    memset(total, 0, sizeof(total))
    set_iter(&it, e)
    while set_iter_next(&it):
        sha1_begin(&one)
        digest_text(&one, set_text(&it.member, scratch))
        sha1_end(&one, sum)
        digest_mix(total, sum)
    set_iter_done(&it)
    sha1_take(h, total, sizeof(total))


cdef void set_row(TypeOps* row) noexcept nogil:
    row.name = b"set"
    row.encodings[<int>ENC_INTSET] = b"intset"
    row.encodings[<int>ENC_LISTPACK] = b"listpack"
    row.encodings[<int>ENC_HASHTABLE] = b"hashtable"
    row.readers[<int>RDB_SET] = read_set
    row.readers[<int>RDB_SET_INTSET] = read_intset
    row.readers[<int>RDB_SET_LISTPACK] = read_packed_set
    row.part_bytes = sizeof(SetIter)
    row.free = set_free
    row.free_some = set_free_some
    row.free_effort = set_free_effort
    row.copy = set_copy
    row.length = set_length
    row.memory = set_memory
    row.rdb_type = rdb_type
    row.rdb_weight = weight
    row.rdb_begin = begin
    row.rdb_next = write_next
    row.rdb_end = end
    row.rebuild = rebuild_set
    row.digest = digest_set
