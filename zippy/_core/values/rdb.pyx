# Whatever is read is checked in full before anything uses it: the structure of each packed block, that fields and members differ, that
# scores are numbers. A block that passes and is small enough for its encoding becomes the value as it is; else its elements go through the
# doors that commands use, so that the limits in force decide on the encoding.

from libc.limits cimport INT_MAX
from libc.math cimport isnan
from libc.stdint cimport UINT32_MAX, UINT64_MAX, uint32_t, uint64_t
from libc.string cimport memcpy
from zippy._core.ground.crc cimport crc64
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.intset cimport is_bytes, is_length, is_valid
from zippy._core.ground.listpack cimport LP_INT_TEXT, lp_bytes, lp_first, lp_free, lp_length, lp_next, lp_text, lp_valid
from zippy._core.ground.mem cimport mem_free, mem_zalloc
from zippy._core.ground.quicklist cimport QL_PLAIN, Quicklist, ql_append_listpack, ql_append_plain, ql_free, ql_new
from zippy._core.ground.slice cimport slice_equal, slice_of
from zippy._core.values.entry cimport (
    ENC_INT, ENC_INTSET, ENC_LISTPACK, ENC_QUICKLIST, INLINE_MAX, NO_EXPIRY, TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_STRING, TYPE_ZSET, Blob,
    entry_encoding, entry_int, entry_new, entry_new_string, entry_new_taken, entry_set_expiry, entry_string, entry_string_length,
    entry_type, entry_value
)
from zippy._core.values.hash cimport hash_iter, hash_iter_done, hash_iter_next, hash_length, hash_make_room, hash_new, hash_set
from zippy._core.values.list cimport LIST_TAIL, list_after_change, list_make_room, list_new, list_push
from zippy._core.values.rdb_old cimport listpack_of_ziplist, listpack_of_zipmap
from zippy._core.values.rdb_stream cimport (
    RDB_CORRUPT, RDB_EMPTY, RDB_NO_MEMORY, RDB_OK, RDB_UNSUPPORTED, RdbText, rdb_fail, rdb_left, rdb_read_block, rdb_read_count,
    rdb_read_double, rdb_read_length, rdb_read_spaced_text, rdb_read_text, rdb_read_text_double, rdb_text_free, rdb_write, rdb_write_byte,
    rdb_write_double, rdb_write_int_string, rdb_write_length, rdb_write_packed, rdb_write_string, rdb_write_u64
)
from zippy._core.values.set cimport set_add, set_iter, set_iter_done, set_iter_next, set_length, set_make_room, set_new, set_text
from zippy._core.values.value cimport value_free, value_free_effort
from zippy._core.values.zset cimport (
    ZSET_ADDED, zset_add, zset_adopt_listpack, zset_iter, zset_iter_next, zset_length, zset_make_room, zset_new
)

cdef enum:
    NODE_PLAIN = 1              # what stands before the nodes of a quicklist
    NODE_PACKED = 2
    FEW = 16                    # elements: so many are compared each with each
    LARGE_STRING = 1 << 20      # bytes: longer ones are written in pieces, and so not compressed
    STRING_PIECE = 64 << 10
    LARGE_COLLECTION = 512      # elements
    LEAST_TABLED = 4            # bytes of a payload that a place in a table of elements may be made for
    LARGE_LIST = 16             # nodes


# Writing


cdef int rdb_type_of(const Entry* e, int version) noexcept nogil:
    cdef int type = entry_type(e)
    cdef int encoding = entry_encoding(e)
    if type == TYPE_STRING:
        return RDB_STRING
    if type == TYPE_LIST:
        return RDB_LIST_QUICKLIST_2
    if type == TYPE_SET:
        if encoding == ENC_INTSET:
            return RDB_SET_INTSET
        return RDB_SET_LISTPACK if encoding == ENC_LISTPACK and version >= 11 else RDB_SET
    if type == TYPE_ZSET:
        return RDB_ZSET_LISTPACK if encoding == ENC_LISTPACK else RDB_ZSET_2
    return RDB_HASH_LISTPACK if encoding == ENC_LISTPACK else RDB_HASH


cdef inline void write_block(RdbWriter* w, const void* block, size_t size) noexcept nogil:
    rdb_write_string(w, slice_of(<const char*>block, size))


cdef void write_listpack_list(RdbWriter* w, const Entry* e) noexcept nogil:
    cdef const unsigned char* lp = <const unsigned char*>entry_value(e)
    rdb_write_length(w, 1)
    rdb_write_length(w, NODE_PACKED)
    write_block(w, lp, lp_bytes(lp))


cdef bint rdb_is_large(const Entry* e) noexcept nogil:
    if entry_type(e) == TYPE_STRING:
        return entry_encoding(e) != ENC_INT and entry_string_length(e) > LARGE_STRING
    return value_free_effort(e) > <uint64_t>(LARGE_LIST if entry_type(e) == TYPE_LIST else LARGE_COLLECTION)


cdef void rdb_part_begin(RdbWriter* w, RdbPart* part, Entry* e) noexcept nogil:
    cdef char[24] scratch
    part.entry = e
    part.type = rdb_type_of(e, w.version)
    if part.type == RDB_STRING:
        part.text = entry_string(e, scratch)
        rdb_write_length(w, part.text.len)
    elif part.type == RDB_LIST_QUICKLIST_2:
        part.node = (<const Quicklist*>entry_value(e)).head
        rdb_write_length(w, (<const Quicklist*>entry_value(e)).nodes)
    elif part.type == RDB_SET:
        rdb_write_length(w, set_length(e))
        set_iter(&part.set, e)
    elif part.type == RDB_ZSET_2:
        rdb_write_length(w, zset_length(e))
        # from the highest down: Redis reads it fastest so
        zset_iter(&part.zset, e, zset_length(e) - 1, True)
    else:
        rdb_write_length(w, hash_length(e))
        hash_iter(&part.hash, e)


cdef bint write_piece(RdbWriter* w, RdbPart* part) noexcept nogil:
    """A piece of a long string; True when that was all."""
    cdef size_t size = part.text.len if part.text.len < STRING_PIECE else STRING_PIECE
    rdb_write(w, part.text.ptr, size)
    part.text = slice_of(part.text.ptr + size, part.text.len - size)
    return part.text.len == 0


cdef bint write_node(RdbWriter* w, RdbPart* part) noexcept nogil:
    """A list's next node; True when there is none."""
    cdef const QuicklistNode* n = part.node
    if n == NULL:
        return True
    rdb_write_length(w, NODE_PLAIN if n.container == QL_PLAIN else NODE_PACKED)
    if n.packed_bytes:
        rdb_write_packed(w, n.data, n.packed_bytes, n.bytes)
    else:
        write_block(w, n.data, n.bytes)
    part.node = n.next
    return False


cdef bint write_element(RdbWriter* w, RdbPart* part) noexcept nogil:
    """The next element; True when there is none."""
    cdef char[24] scratch
    if part.type == RDB_STRING:
        return write_piece(w, part)
    if part.type == RDB_LIST_QUICKLIST_2:
        return write_node(w, part)
    if part.type == RDB_SET:
        if not set_iter_next(&part.set):
            return True
        rdb_write_string(w, set_text(&part.set.member, scratch))
    elif part.type == RDB_ZSET_2:
        if not zset_iter_next(&part.zset):
            return True
        rdb_write_string(w, part.zset.member)
        rdb_write_double(w, part.zset.score)
    else:
        if not hash_iter_next(&part.hash):
            return True
        rdb_write_string(w, part.hash.pair.field)
        rdb_write_string(w, part.hash.pair.value)
    return False


cdef bint rdb_part_some(RdbWriter* w, RdbPart* part, uint64_t items) noexcept nogil:
    while items:
        if write_element(w, part):
            return True
        items -= 1
    return False


cdef void rdb_part_end(RdbPart* part) noexcept nogil:
    if part.type == RDB_SET:
        set_iter_done(&part.set)
    elif part.type == RDB_HASH:
        hash_iter_done(&part.hash)


cdef void rdb_write_value(RdbWriter* w, Entry* e) noexcept nogil:
    cdef int type = rdb_type_of(e, w.version)
    cdef char[24] scratch
    cdef const unsigned char* block
    cdef RdbPart part
    if type == RDB_STRING:
        if entry_encoding(e) == ENC_INT:
            rdb_write_int_string(w, entry_int(e)[0])
        else:
            rdb_write_string(w, entry_string(e, scratch))
    elif type == RDB_LIST_QUICKLIST_2 and entry_encoding(e) == ENC_LISTPACK:
        write_listpack_list(w, e)
    elif type == RDB_SET_INTSET:
        block = <const unsigned char*>entry_value(e)
        write_block(w, block, is_bytes(block))
    elif type == RDB_SET_LISTPACK or type == RDB_ZSET_LISTPACK or type == RDB_HASH_LISTPACK:
        block = <const unsigned char*>entry_value(e)
        write_block(w, block, lp_bytes(block))
    else:
        rdb_part_begin(w, &part, e)
        rdb_part_some(w, &part, UINT64_MAX)
        rdb_part_end(&part)


cdef bint rdb_write_payload(RdbWriter* w, Entry* e) noexcept nogil:
    cdef unsigned char[2] version = [<unsigned char>w.version, <unsigned char>(w.version >> 8)]
    rdb_write_byte(w, rdb_type_of(e, w.version))
    rdb_write_value(w, e)
    rdb_write(w, version, 2)
    rdb_write_u64(w, crc64(0, w.data, w.len))
    return w.error == 0


cdef bint rdb_payload_fits(Slice payload) noexcept nogil:
    cdef const unsigned char* footer
    cdef uint64_t crc
    if payload.len < RDB_PAYLOAD_FOOTER:
        return False
    footer = <const unsigned char*>payload.ptr + payload.len - RDB_PAYLOAD_FOOTER
    if (footer[0] | footer[1] << 8) > RDB_VERSION:
        return False
    memcpy(&crc, footer + 2, 8)
    return crc == crc64(0, payload.ptr, payload.len - 8)


# Packed blocks


cdef bint same_text(const unsigned char* a, const unsigned char* b) noexcept nogil:
    cdef char[LP_INT_TEXT] one
    cdef char[LP_INT_TEXT] other
    return slice_equal(lp_text(a, one), lp_text(b, other))


cdef bint differ_in_pairs(const unsigned char* lp, int step) noexcept nogil:
    """texts_differ for few elements."""
    cdef unsigned char* p = lp_first(lp)
    cdef unsigned char* q
    cdef int _
    while p != NULL:
        q = p
        while q != NULL:
            for _ in range(step):
                q = lp_next(lp, q)
            if q != NULL and same_text(p, q):
                return False
        for _ in range(step):
            p = lp_next(lp, p)
    return True


cdef bint texts_differ(const unsigned char* lp, uint32_t count, int step) noexcept nogil:
    """Do all elements differ, one in `step` counting? count: how many these are."""
    cdef uint32_t* places           # offsets in the listpack by hash, 0: free
    cdef uint64_t slots = 4
    cdef uint64_t at
    cdef unsigned char* p = lp_first(lp)
    cdef char[LP_INT_TEXT] scratch
    cdef Slice text
    cdef bint differ = True
    cdef int _
    if count <= FEW:
        return differ_in_pairs(lp, step)
    while slots < <uint64_t>count * 2:
        slots *= 2
    places = <uint32_t*>mem_zalloc(slots * sizeof(uint32_t))
    while p != NULL and differ:
        text = lp_text(p, scratch)
        at = hash_bytes(text.ptr, text.len) & (slots - 1)
        while places[at] and differ:
            differ = not same_text(lp + places[at], p)
            at = (at + 1) & (slots - 1)
        places[at] = <uint32_t>(p - lp)
        for _ in range(step):
            p = lp_next(lp, p)
    mem_free(places)
    return differ


cdef unsigned char* read_listpack(RdbReader* r, int type, uint32_t step) noexcept nogil:
    """A listpack of whole groups of `step` elements, at least one, from whatever packed form the type has; NULL: see the status."""
    cdef size_t size
    cdef unsigned char* lp = NULL
    cdef unsigned char* block = rdb_read_block(r, &size)
    if block == NULL:
        return NULL
    if type == RDB_HASH_ZIPMAP:
        lp = listpack_of_zipmap(block, size)
    elif type == RDB_LIST_ZIPLIST or type == RDB_ZSET_ZIPLIST or type == RDB_HASH_ZIPLIST or type == RDB_LIST_QUICKLIST:
        lp = listpack_of_ziplist(block, size)
    elif lp_valid(block, size, True):
        lp = block
    if lp != block:
        mem_free(block)
    if lp == NULL:
        rdb_fail(r, RDB_CORRUPT, b"a packed value that is damaged")
        return NULL
    if lp_length(lp) == 0:
        rdb_fail(r, RDB_EMPTY, b"a collection without elements")
    elif lp_length(lp) % step:
        rdb_fail(r, RDB_CORRUPT, b"a field or member without its value")
    if r.status != RDB_OK:
        lp_free(lp)
        return NULL
    return lp


# Reading, a function a form. Each makes an entry without expiry and returns NULL after rdb_fail.


cdef Entry* finish(RdbReader* r, Entry* e) noexcept nogil:
    """The entry, unless something went wrong while it was filled: then it is freed."""
    if e != NULL and r.status != RDB_OK:
        value_free(e)
        return NULL
    return e


cdef Entry* read_string(RdbReader* r, Slice key) noexcept nogil:
    cdef RdbText t
    cdef Entry* e
    if not rdb_read_spaced_text(r, &t, sizeof(Blob)):
        return NULL
    if t.owned != NULL and t.s.len > INLINE_MAX:
        e = entry_new_taken(key, t.owned, t.s.len, NO_EXPIRY)
        if e != NULL:
            t.owned = NULL
    else:
        e = entry_new_string(key, t.s, NO_EXPIRY)
    rdb_text_free(&t)
    if e == NULL:
        rdb_fail(r, RDB_NO_MEMORY, b"a string is larger than memory")
    return e


cdef bint some(RdbReader* r, uint64_t* count, size_t least) noexcept nogil:
    """How many elements follow, which have to be some."""
    if not rdb_read_count(r, count, least):
        return False
    if count[0] == 0:
        rdb_fail(r, RDB_EMPTY, b"a collection without elements")
        return False
    return True


cdef Entry* read_list(RdbReader* r, Slice key, const Settings* s) noexcept nogil:
    cdef uint64_t count
    cdef RdbText t
    cdef Entry* e
    if not some(r, &count, 1):
        return NULL
    e = list_new(key)
    while count and rdb_read_text(r, &t):
        list_make_room(e, s, 1, &t.s)
        list_push(e, t.s, LIST_TAIL)
        rdb_text_free(&t)
        count -= 1
    return finish(r, e)


cdef Entry* read_packed_list(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef unsigned char* lp = read_listpack(r, type, 1)
    cdef Entry* e
    if lp == NULL:
        return NULL
    e = entry_new(key, TYPE_LIST, ENC_LISTPACK, lp, NO_EXPIRY)
    list_after_change(e, s)
    return e


cdef void read_plain_node(RdbReader* r, Quicklist* q) noexcept nogil:
    cdef size_t size
    cdef unsigned char* block = rdb_read_block(r, &size)
    if block == NULL:
        return
    if size == 0 or size > UINT32_MAX:
        mem_free(block)
        rdb_fail(r, RDB_CORRUPT, b"a list node of impossible size")
        return
    ql_append_plain(q, block, size)


cdef void read_node(RdbReader* r, int type, Quicklist* q) noexcept nogil:
    cdef uint64_t container = NODE_PACKED
    cdef unsigned char* lp
    if type == RDB_LIST_QUICKLIST_2 and not rdb_read_length(r, &container):
        return
    if container == NODE_PLAIN:
        read_plain_node(r, q)
    elif container == NODE_PACKED:
        lp = read_listpack(r, type, 1)
        if lp != NULL:
            ql_append_listpack(q, lp)
    else:
        rdb_fail(r, RDB_CORRUPT, b"a list node of unknown kind")


cdef Entry* read_quicklist(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef uint64_t count
    cdef Quicklist* q
    cdef Entry* e
    if not some(r, &count, 1):
        return NULL
    q = ql_new(<int>s.list_max_listpack_size, <int>s.list_compress_depth)
    while count and r.status == RDB_OK:
        read_node(r, type, q)
        if r.status == RDB_EMPTY:
            # some versions left empty nodes behind
            r.status = RDB_OK
        count -= 1
    if r.status == RDB_OK and q.count == 0:
        rdb_fail(r, RDB_EMPTY, b"a collection without elements")
    if r.status != RDB_OK:
        ql_free(q)
        return NULL
    e = entry_new(key, TYPE_LIST, ENC_QUICKLIST, q, NO_EXPIRY)
    list_after_change(e, s)
    return e


cdef Entry* read_set(RdbReader* r, Slice key, const Settings* s) noexcept nogil:
    cdef uint64_t count
    cdef RdbText t
    cdef Entry* e = NULL
    if not some(r, &count, 1):
        return NULL
    while count and r.status == RDB_OK and rdb_read_text(r, &t):
        if e == NULL:
            # what a payload only announces gets no more memory than the payload took
            e = set_new(key, s, t.s, count if count < rdb_left(r) // LEAST_TABLED else rdb_left(r) // LEAST_TABLED + 1)
        if not set_add(e, s, t.s):
            rdb_fail(r, RDB_CORRUPT, b"a member that is there twice")
        rdb_text_free(&t)
        count -= 1
    return finish(r, e)


cdef Entry* read_intset(RdbReader* r, Slice key, const Settings* s) noexcept nogil:
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
    return finish(r, e)


cdef Entry* read_packed_set(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef unsigned char* lp = read_listpack(r, type, 1)
    cdef Entry* e = NULL
    if lp == NULL:
        return NULL
    if lp_length(lp) > <uint64_t>s.set_max_listpack_entries:
        e = set_of_listpack(r, key, lp, s)
    elif texts_differ(lp, lp_length(lp), 1):
        return entry_new(key, TYPE_SET, ENC_LISTPACK, lp, NO_EXPIRY)
    else:
        rdb_fail(r, RDB_CORRUPT, b"a member that is there twice")
    lp_free(lp)
    return e


cdef Entry* read_zset(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef uint64_t count
    cdef RdbText t
    cdef Entry* e
    cdef double score
    if not some(r, &count, 9 if type == RDB_ZSET_2 else 2):
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
    return finish(r, e)


cdef Entry* read_packed_zset(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef unsigned char* lp = read_listpack(r, type, 2)
    cdef Entry* e
    if lp == NULL:
        return NULL
    e = zset_adopt_listpack(key, lp, s, NO_EXPIRY)
    if e == NULL:
        rdb_fail(r, RDB_CORRUPT, b"a sorted set out of order, or with a member twice")
    return e


cdef void reserve_fields(Entry* e, const Settings* s, uint64_t fields) noexcept nogil:
    """Makes a hash table of an empty hash that is to have too many fields for a listpack."""
    if fields > <uint64_t>s.hash_max_listpack_entries:
        hash_make_room(e, s, <int>(fields * 2 if fields < INT_MAX // 2 else INT_MAX - 1), NULL)


cdef void add_field(RdbReader* r, Entry* e, const Settings* s, Slice field, Slice value) noexcept nogil:
    cdef Slice[2] pair = [field, value]
    hash_make_room(e, s, 2, pair)
    if not hash_set(e, s, field, value):
        rdb_fail(r, RDB_CORRUPT, b"a field that is there twice")


cdef Entry* read_hash(RdbReader* r, Slice key, const Settings* s) noexcept nogil:
    cdef uint64_t count
    cdef RdbText field
    cdef RdbText value
    cdef Entry* e
    if not some(r, &count, 2):
        return NULL
    e = hash_new(key)
    reserve_fields(e, s, count)
    while count and r.status == RDB_OK and rdb_read_text(r, &field):
        if rdb_read_text(r, &value):
            add_field(r, e, s, field.s, value.s)
            rdb_text_free(&value)
        rdb_text_free(&field)
        count -= 1
    return finish(r, e)


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
    return finish(r, e)


cdef Entry* read_packed_hash(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef unsigned char* lp = read_listpack(r, type, 2)
    cdef Entry* e = NULL
    if lp == NULL:
        return NULL
    if type == RDB_HASH_ZIPMAP or lp_length(lp) // 2 > <uint64_t>s.hash_max_listpack_entries:
        e = hash_of_listpack(r, key, lp, s)
    elif texts_differ(lp, lp_length(lp) // 2, 2):
        return entry_new(key, TYPE_HASH, ENC_LISTPACK, lp, NO_EXPIRY)
    else:
        rdb_fail(r, RDB_CORRUPT, b"a field that is there twice")
    lp_free(lp)
    return e


cdef bint rdb_knows_type(int type) noexcept nogil:
    return 0 <= type <= RDB_TYPE_MAX


cdef Entry* read_form(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    if type == RDB_STRING:
        return read_string(r, key)
    if type == RDB_LIST:
        return read_list(r, key, s)
    if type == RDB_LIST_ZIPLIST:
        return read_packed_list(r, type, key, s)
    if type == RDB_LIST_QUICKLIST or type == RDB_LIST_QUICKLIST_2:
        return read_quicklist(r, type, key, s)
    if type == RDB_SET:
        return read_set(r, key, s)
    if type == RDB_SET_INTSET:
        return read_intset(r, key, s)
    if type == RDB_SET_LISTPACK:
        return read_packed_set(r, type, key, s)
    if type == RDB_ZSET or type == RDB_ZSET_2:
        return read_zset(r, type, key, s)
    if type == RDB_ZSET_ZIPLIST or type == RDB_ZSET_LISTPACK:
        return read_packed_zset(r, type, key, s)
    if type == RDB_HASH:
        return read_hash(r, key, s)
    if type == RDB_HASH_ZIPMAP or type == RDB_HASH_ZIPLIST or type == RDB_HASH_LISTPACK:
        return read_packed_hash(r, type, key, s)
    if RDB_STREAM_LISTPACKS <= type <= RDB_TYPE_MAX:
        rdb_fail(r, RDB_UNSUPPORTED, b"a stream or a hash whose fields expire, which zippy cannot hold yet")
    else:
        rdb_fail(r, RDB_CORRUPT, b"a value of unknown type")
    return NULL


cdef Entry* rdb_read_value(RdbReader* r, int type, Slice key, int64_t expiry, const Settings* s) noexcept nogil:
    cdef Entry* e = read_form(r, type, key, s)
    if e != NULL and expiry != NO_EXPIRY:
        e = entry_set_expiry(e, expiry)
    return e
