# The row of hashes. What was saved as one packed block is checked before it becomes a value as it is; all other forms are filled in field
# by field, so that the limits in force decide on the encoding.

from libc.limits cimport INT_MAX
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset
from zippy._core.ground.buf cimport slice_text
from zippy._core.ground.listpack cimport (
    LP_INT_TEXT, LpItem, lp_append, lp_bytes, lp_first, lp_free, lp_get, lp_length, lp_new, lp_next, lp_seek, lp_text
)
from zippy._core.ground.sha1 cimport SHA1_BYTES, Sha1, sha1_begin, sha1_end, sha1_take
from zippy._core.ground.slice cimport Slice
from zippy._core.values.command_writer cimport (
    Elements, command_begin, command_int, command_word, elements_begin, elements_next
)
from zippy._core.values.digest cimport digest_mix, digest_number, digest_text
from zippy._core.values.element_expiry cimport LAST_SAVED, ElementOps
from zippy._core.values.entry cimport (
    ENC_HASHTABLE, ENC_LISTPACK, ENC_LISTPACK_EX, ENTRY_ELEMENTS, NO_EXPIRY, TYPE_HASH, Entry, entry_encoding, entry_key, entry_new,
    entry_value
)
from zippy._core.values.hash cimport (
    HashIter, HashPair, hash_copy, hash_first_expiring, hash_free, hash_free_effort, hash_free_some, hash_iter, hash_iter_done,
    hash_iter_next, hash_keep_expiry, hash_last_expiry, hash_length, hash_make_room, hash_memory, hash_new, hash_next_expiry, hash_put,
    hash_remove, hash_remove_first
)
from zippy._core.values.rdb_packed cimport (
    PACKED_LISTPACK, PACKED_ZIPLIST, PACKED_ZIPMAP, rdb_read_listpack, rdb_read_some, rdb_texts_differ, rdb_write_block
)
from zippy._core.values.rdb_stream cimport (
    RDB_CORRUPT, RDB_OK, RdbReader, RdbText, RdbWriter, rdb_fail, rdb_read_length, rdb_read_text, rdb_read_u64, rdb_text_free,
    rdb_write_length, rdb_write_string, rdb_write_u64
)
from zippy._core.values.settings cimport NOTIFY_HASH, Settings
from zippy._core.values.types cimport (
    RDB_HASH, RDB_HASH_LISTPACK, RDB_HASH_LISTPACK_EX, RDB_HASH_METADATA, RDB_HASH_ZIPLIST, RDB_HASH_ZIPMAP, RdbPart
)

cdef enum:
    LARGE = 512                 # fields: more are written in pieces
    WEIGHED = 128               # fields that weigh one
    EXPIRING_VERSION = 12       # of the format: the first that has fields that expire


cdef struct Part:
    # where a hash is that is being written
    HashIter it
    int64_t first               # when its first field expires, NO_EXPIRY: none does

cdef ElementOps FIELDS          # of hashes, filled by hash_row


# Writing


cdef inline bint has_expiring(const Entry* e) noexcept nogil:
    return (e.flags & ENTRY_ELEMENTS) != 0


cdef int rdb_type(const Entry* e, int version) noexcept nogil:
    if entry_encoding(e) == ENC_HASHTABLE:
        return RDB_HASH_METADATA if has_expiring(e) else RDB_HASH
    # where nothing expires older servers can read it
    return RDB_HASH_LISTPACK_EX if entry_encoding(e) == ENC_LISTPACK_EX and version >= EXPIRING_VERSION else RDB_HASH_LISTPACK


cdef uint64_t weight(const Entry* e) noexcept nogil:
    cdef uint64_t effort = hash_free_effort(e)
    return effort // WEIGHED if effort > LARGE else 0


cdef void write_plain_listpack(RdbWriter* w, Entry* e) noexcept nogil:
    """A listpack with moments, all of them none, as one without."""
    cdef HashIter it
    cdef unsigned char* lp = lp_new(lp_bytes(<const unsigned char*>entry_value(e)))
    hash_iter(&it, e)
    while hash_iter_next(&it):
        lp = lp_append(lp_append(lp, it.pair.field), it.pair.value)
    hash_iter_done(&it)
    rdb_write_block(w, lp, lp_bytes(lp))
    lp_free(lp)


cdef void write_listpack(RdbWriter* w, Entry* e) noexcept nogil:
    cdef const unsigned char* block = <const unsigned char*>entry_value(e)
    cdef int type = rdb_type(e, w.version)
    if entry_encoding(e) == ENC_LISTPACK_EX and type == RDB_HASH_LISTPACK:
        write_plain_listpack(w, e)
        return
    if type == RDB_HASH_LISTPACK_EX:
        rdb_write_u64(w, <uint64_t>hash_next_expiry(e))
    rdb_write_block(w, block, lp_bytes(block))


cdef void begin(RdbWriter* w, RdbPart* part) noexcept nogil:
    cdef Part* p = <Part*>part.state
    part.done = entry_encoding(part.entry) != ENC_HASHTABLE
    # the end of a walk is asked of one that has begun
    hash_iter(&p.it, part.entry)
    p.first = hash_next_expiry(part.entry)
    if part.done:
        write_listpack(w, part.entry)
        return
    if p.first != NO_EXPIRY:
        rdb_write_u64(w, <uint64_t>p.first)
    rdb_write_length(w, hash_length(part.entry))


cdef void write_next(RdbWriter* w, RdbPart* part) noexcept nogil:
    cdef Part* p = <Part*>part.state
    cdef HashPair* pair = &p.it.pair
    part.done = not hash_iter_next(&p.it)
    if part.done:
        return
    if p.first != NO_EXPIRY:
        # 0 is none, so the first one is 1
        rdb_write_length(w, <uint64_t>(pair.expiry - p.first + 1) if pair.expiry != NO_EXPIRY else <uint64_t>0)
    rdb_write_string(w, pair.field)
    rdb_write_string(w, pair.value)


cdef void end(RdbPart* part) noexcept nogil:
    hash_iter_done(&(<Part*>part.state).it)


# Reading


cdef void reserve_fields(Entry* e, const Settings* s, uint64_t fields) noexcept nogil:
    """Makes a hash table of an empty hash that is to have too many fields for a listpack."""
    if fields > <uint64_t>s.hash_max_listpack_entries:
        hash_make_room(e, s, <int>(fields * 2 if fields < INT_MAX // 2 else INT_MAX - 1), NULL)


cdef void add_field(RdbReader* r, Entry* e, const Settings* s, Slice field, Slice value, int64_t expiry) noexcept nogil:
    if not hash_put(e, s, field, value, expiry):
        rdb_fail(r, RDB_CORRUPT, b"a field that is there twice")


cdef bint read_field(RdbReader* r, Entry* e, const Settings* s) noexcept nogil:
    """Reads a field and its value, and adds them; False: see the status."""
    cdef RdbText field
    cdef RdbText value
    if not rdb_read_text(r, &field):
        return False
    if rdb_read_text(r, &value):
        add_field(r, e, s, field.s, value.s, NO_EXPIRY)
        rdb_text_free(&value)
    rdb_text_free(&field)
    return r.status == RDB_OK


cdef Entry* read_hash(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef uint64_t count
    cdef Entry* e
    if not rdb_read_some(r, &count, 2):
        return NULL
    e = hash_new(key)
    reserve_fields(e, s, count)
    while count and read_field(r, e, s):
        count -= 1
    return e


cdef bint read_moment(RdbReader* r, int64_t first, int64_t* expiry) noexcept nogil:
    """A field's moment, told from the first one of the hash on; False: see the status."""
    cdef uint64_t n
    if not rdb_read_length(r, &n):
        return False
    expiry[0] = NO_EXPIRY
    if n > <uint64_t>(LAST_SAVED - first) + 1:
        rdb_fail(r, RDB_CORRUPT, b"a field that expires later than any may")
        return False
    if n:
        expiry[0] = first + <int64_t>n - 1
    return True


cdef bint read_first_moment(RdbReader* r, int64_t* first) noexcept nogil:
    cdef uint64_t n
    if not rdb_read_u64(r, &n):
        return False
    first[0] = <int64_t>n
    if n > <uint64_t>LAST_SAVED:
        rdb_fail(r, RDB_CORRUPT, b"a hash whose first field expires later than any may")
        return False
    return True


cdef Entry* read_expiring_hash(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef uint64_t count
    cdef int64_t first
    cdef int64_t expiry
    cdef RdbText field
    cdef RdbText value
    cdef Entry* e
    if not read_first_moment(r, &first) or not rdb_read_some(r, &count, 3):
        return NULL
    e = hash_new(key)
    # as Redis saved it from a hash table; the limits in force may let a listpack hold it
    reserve_fields(e, s, count)
    while count and r.status == RDB_OK and read_moment(r, first, &expiry) and rdb_read_text(r, &field):
        if rdb_read_text(r, &value):
            add_field(r, e, s, field.s, value.s, expiry)
            rdb_text_free(&value)
        rdb_text_free(&field)
        count -= 1
    return e


cdef Entry* hash_of_listpack(RdbReader* r, Slice key, const unsigned char* lp, int words, const Settings* s) noexcept nogil:
    """A hash of a listpack that is not to be one itself; words: of each field, 3 with its moment."""
    cdef char[LP_INT_TEXT] scratch
    cdef char[LP_INT_TEXT] other
    cdef LpItem moment
    cdef unsigned char* p = lp_first(lp)
    cdef unsigned char* value
    cdef Entry* e = hash_new(key)
    moment.num = 0
    reserve_fields(e, s, lp_length(lp) // <uint32_t>words)
    if words == 3:
        hash_keep_expiry(e)
    while p != NULL and r.status == RDB_OK:
        value = lp_next(lp, p)
        if words == 3:
            lp_get(lp_next(lp, value), &moment)
        add_field(r, e, s, lp_text(p, scratch), lp_text(value, other), moment.num if moment.num else <int64_t>NO_EXPIRY)
        p = lp_next(lp, value)
        if words == 3:
            p = lp_next(lp, p)
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
        e = hash_of_listpack(r, key, lp, 2, s)
    elif rdb_texts_differ(lp, lp_length(lp) // 2, 2):
        return entry_new(key, TYPE_HASH, ENC_LISTPACK, lp, NO_EXPIRY)
    else:
        rdb_fail(r, RDB_CORRUPT, b"a field that is there twice")
    lp_free(lp)
    return e


cdef bint moments_are_right(RdbReader* r, const unsigned char* lp, bint* ordered) noexcept nogil:
    """Whether every third element is a moment or 0; ordered: those that are come first, each no earlier than the one before."""
    cdef LpItem item
    cdef int64_t before = 0
    cdef bint ended = False
    cdef unsigned char* p = lp_seek(lp, 2)
    ordered[0] = True
    while p != NULL:
        lp_get(p, &item)
        if item.ptr != NULL or not 0 <= item.num <= LAST_SAVED:
            rdb_fail(r, RDB_CORRUPT, b"a field that expires at no moment")
            return False
        if item.num and (ended or item.num < before):
            ordered[0] = False
        ended = item.num == 0
        before = item.num
        p = lp_next(lp, p)
        if p != NULL:
            p = lp_next(lp, lp_next(lp, p))
    return True


cdef Entry* read_listpack_ex(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef unsigned char* lp
    cdef Entry* e = NULL
    cdef uint64_t first_told
    cdef LpItem first
    cdef bint ordered
    # the first moment is told twice; that of the fields counts
    if not rdb_read_u64(r, &first_told):
        return NULL
    lp = rdb_read_listpack(r, PACKED_LISTPACK, 3)
    if lp == NULL:
        return NULL
    if moments_are_right(r, lp, &ordered):
        if not ordered or lp_length(lp) // 3 > <uint64_t>s.hash_max_listpack_entries:
            e = hash_of_listpack(r, key, lp, 3, s)
        elif rdb_texts_differ(lp, lp_length(lp) // 3, 3):
            e = entry_new(key, TYPE_HASH, ENC_LISTPACK_EX, lp, NO_EXPIRY)
            lp_get(lp_seek(lp, 2), &first)
            e.flags |= <uint8_t>ENTRY_ELEMENTS if first.num else 0
            return e
        else:
            rdb_fail(r, RDB_CORRUPT, b"a field that is there twice")
    lp_free(lp)
    return e


# Commands and checksum


cdef void rebuild_expiries(RdbWriter* w, Entry* e) noexcept nogil:
    cdef HashIter it
    hash_iter(&it, e)
    while hash_iter_next(&it):
        if it.pair.expiry != NO_EXPIRY:
            command_begin(w, 6)
            command_word(w, slice_text(b"HPEXPIREAT"))
            command_word(w, entry_key(e))
            command_int(w, it.pair.expiry)
            command_word(w, slice_text(b"FIELDS"))
            command_int(w, 1)
            command_word(w, it.pair.field)
    hash_iter_done(&it)


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
    if has_expiring(e):
        rebuild_expiries(w, e)


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
        if it.pair.expiry != NO_EXPIRY:
            # whether, not when: as with the expiry of a key
            digest_number(&one, 1)
        sha1_end(&one, sum)
        digest_mix(total, sum)
    hash_iter_done(&it)
    sha1_take(h, total, sizeof(total))


cdef void fill_fields() noexcept nogil:
    FIELDS.remove_command = b"HDEL"
    FIELDS.event = b"hexpired"
    FIELDS.event_class = NOTIFY_HASH
    FIELDS.next_expiry = hash_next_expiry
    FIELDS.last_expiry = hash_last_expiry
    FIELDS.first_expiring = hash_first_expiring
    FIELDS.remove = hash_remove
    FIELDS.remove_first = hash_remove_first


cdef void hash_row(TypeOps* row) noexcept nogil:
    fill_fields()
    row.name = b"hash"
    row.encodings[<int>ENC_LISTPACK] = b"listpack"
    row.encodings[<int>ENC_LISTPACK_EX] = b"listpackex"
    row.encodings[<int>ENC_HASHTABLE] = b"hashtable"
    row.readers[<int>RDB_HASH] = read_hash
    row.readers[<int>RDB_HASH_ZIPMAP] = read_packed_hash
    row.readers[<int>RDB_HASH_ZIPLIST] = read_packed_hash
    row.readers[<int>RDB_HASH_LISTPACK] = read_packed_hash
    row.readers[<int>RDB_HASH_METADATA] = read_expiring_hash
    row.readers[<int>RDB_HASH_LISTPACK_EX] = read_listpack_ex
    row.part_bytes = sizeof(Part)
    row.elements = &FIELDS
    row.free = hash_free
    row.free_some = hash_free_some
    row.free_effort = hash_free_effort
    row.copy = hash_copy
    row.length = hash_length
    row.memory = hash_memory
    row.rdb_type = rdb_type
    row.rdb_weight = weight
    row.rdb_begin = begin
    row.rdb_next = write_next
    row.rdb_end = end
    row.rebuild = rebuild_hash
    row.digest = digest_hash
