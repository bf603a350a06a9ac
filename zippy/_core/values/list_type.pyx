# The row of lists. The nodes of a quicklist are saved and loaded as they are, packed or plain; a list of one node may become a listpack.

from libc.stdint cimport UINT32_MAX, uint64_t
from zippy._core.ground.listpack cimport lp_bytes
from zippy._core.ground.mem cimport mem_free
from zippy._core.ground.quicklist cimport QL_PLAIN, Quicklist, QuicklistNode, ql_append_listpack, ql_append_plain, ql_free, ql_new
from zippy._core.ground.sha1 cimport Sha1
from zippy._core.ground.slice cimport Slice
from zippy._core.values.command_writer cimport Elements, command_word, elements_begin, elements_next
from zippy._core.values.digest cimport digest_number, digest_text
from zippy._core.values.entry cimport (
    ENC_LISTPACK, ENC_QUICKLIST, NO_EXPIRY, TYPE_LIST, Entry, entry_encoding, entry_key, entry_new, entry_value
)
from zippy._core.values.list cimport (
    LIST_TAIL, ListIter, item_text, list_after_change, list_copy, list_free, list_free_effort, list_free_some, list_iter, list_iter_done,
    list_iter_next, list_length, list_make_room, list_memory, list_new, list_push
)
from zippy._core.values.rdb_packed cimport PACKED_LISTPACK, PACKED_ZIPLIST, rdb_read_listpack, rdb_read_some, rdb_write_block
from zippy._core.values.rdb_stream cimport (
    RDB_CORRUPT, RDB_EMPTY, RDB_OK, RdbReader, RdbText, RdbWriter, rdb_fail, rdb_read_block, rdb_read_length, rdb_read_text, rdb_text_free,
    rdb_write_length, rdb_write_packed
)
from zippy._core.values.settings cimport Settings
from zippy._core.values.types cimport RDB_LIST, RDB_LIST_QUICKLIST, RDB_LIST_QUICKLIST_2, RDB_LIST_ZIPLIST, RdbPart

cdef enum:
    NODE_PLAIN = 1              # what stands before the nodes of a quicklist
    NODE_PACKED = 2
    LARGE = 16                  # nodes: longer ones are written in pieces
    TEXT = 24                   # bytes of scratch that the text of an integer needs


# Writing


cdef int rdb_type(const Entry* e, int version) noexcept nogil:
    return RDB_LIST_QUICKLIST_2


cdef uint64_t weight(const Entry* e) noexcept nogil:
    cdef uint64_t effort = list_free_effort(e)
    return effort if effort > LARGE else 0


cdef const QuicklistNode** next_node(RdbPart* part) noexcept nogil:
    """The node that is to be written next, in the part's state."""
    return <const QuicklistNode**>part.state


cdef void write_listpack(RdbWriter* w, const Entry* e) noexcept nogil:
    """The listpack as the only node of a quicklist."""
    cdef const unsigned char* lp = <const unsigned char*>entry_value(e)
    rdb_write_length(w, 1)
    rdb_write_length(w, NODE_PACKED)
    rdb_write_block(w, lp, lp_bytes(lp))


cdef void begin(RdbWriter* w, RdbPart* part) noexcept nogil:
    cdef const Quicklist* q = <const Quicklist*>entry_value(part.entry)
    part.done = entry_encoding(part.entry) == ENC_LISTPACK
    if part.done:
        write_listpack(w, part.entry)
        return
    rdb_write_length(w, q.nodes)
    next_node(part)[0] = q.head


cdef void write_next(RdbWriter* w, RdbPart* part) noexcept nogil:
    cdef const QuicklistNode* n = next_node(part)[0]
    if n == NULL:
        part.done = True
        return
    rdb_write_length(w, NODE_PLAIN if n.container == QL_PLAIN else NODE_PACKED)
    if n.packed_bytes:
        rdb_write_packed(w, n.data, n.packed_bytes, n.bytes)
    else:
        rdb_write_block(w, n.data, n.bytes)
    next_node(part)[0] = n.next


cdef void end(RdbPart* part) noexcept nogil:
    pass


# Reading


cdef Entry* read_list(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef uint64_t count
    cdef RdbText t
    cdef Entry* e
    if not rdb_read_some(r, &count, 1):
        return NULL
    e = list_new(key)
    while count and rdb_read_text(r, &t):
        list_make_room(e, s, 1, &t.s)
        list_push(e, t.s, LIST_TAIL)
        rdb_text_free(&t)
        count -= 1
    return e


cdef Entry* read_ziplist(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef unsigned char* lp = rdb_read_listpack(r, PACKED_ZIPLIST, 1)
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
        lp = rdb_read_listpack(r, PACKED_LISTPACK if type == RDB_LIST_QUICKLIST_2 else PACKED_ZIPLIST, 1)
        if lp != NULL:
            ql_append_listpack(q, lp)
    else:
        rdb_fail(r, RDB_CORRUPT, b"a list node of unknown kind")


cdef Entry* read_quicklist(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef uint64_t count
    cdef Quicklist* q
    cdef Entry* e
    if not rdb_read_some(r, &count, 1):
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


# Commands and checksum


cdef void rebuild_list(RdbWriter* w, Entry* e) noexcept nogil:
    cdef Elements c
    cdef ListIter it
    cdef char[TEXT] scratch
    elements_begin(&c, w, b"RPUSH", entry_key(e), 1, list_length(e))
    if list_iter(&it, e, 0, LIST_TAIL):
        while list_iter_next(&it):
            elements_next(&c)
            command_word(w, item_text(&it.item, scratch))
        list_iter_done(&it)


cdef void digest_list(Sha1* h, Entry* e) noexcept nogil:
    cdef char[TEXT] scratch
    cdef ListIter it
    digest_number(h, list_length(e))
    list_iter(&it, e, 0, LIST_TAIL)
    while list_iter_next(&it):
        digest_text(h, item_text(&it.item, scratch))
    list_iter_done(&it)


cdef void list_row(TypeOps* row) noexcept nogil:
    row.name = b"list"
    row.encodings[<int>ENC_LISTPACK] = b"listpack"
    row.encodings[<int>ENC_QUICKLIST] = b"quicklist"
    row.readers[<int>RDB_LIST] = read_list
    row.readers[<int>RDB_LIST_ZIPLIST] = read_ziplist
    row.readers[<int>RDB_LIST_QUICKLIST] = read_quicklist
    row.readers[<int>RDB_LIST_QUICKLIST_2] = read_quicklist
    row.part_bytes = sizeof(QuicklistNode*)
    row.free = list_free
    row.free_some = list_free_some
    row.free_effort = list_free_effort
    row.copy = list_copy
    row.length = list_length
    row.memory = list_memory
    row.rdb_type = rdb_type
    row.rdb_weight = weight
    row.rdb_begin = begin
    row.rdb_next = write_next
    row.rdb_end = end
    row.rebuild = rebuild_list
    row.digest = digest_list
