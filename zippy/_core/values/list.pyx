# Room is made before anything is added: whether the elements still fit a listpack is decided once for all of them.

from zippy._core.ground.buf cimport slice_of
from zippy._core.ground.listpack cimport (
    LP_OVERHEAD, lp_append, lp_bytes, lp_copy, lp_delete, lp_delete_range, lp_fits, lp_free, lp_get, lp_insert, lp_items, lp_last,
    lp_length, lp_matches, lp_new, lp_next, lp_prepend, lp_prev, lp_replace, lp_seek
)
from zippy._core.ground.mem cimport mem_size
from zippy._core.ground.number cimport num_write_i64
from zippy._core.ground.quicklist cimport (
    QL_HEAD, QL_PACKED, QL_TAIL, Quicklist, QuicklistNode, ql_append_listpack, ql_copy, ql_delete_range, ql_free, ql_free_some, ql_iter,
    ql_iter_delete, ql_iter_done, ql_iter_find, ql_iter_insert, ql_iter_items, ql_iter_next, ql_iter_replace, ql_memory, ql_new, ql_push,
    ql_take_data
)
from zippy._core.values.entry cimport (
    ENC_LISTPACK, ENC_QUICKLIST, NO_EXPIRY, TYPE_LIST, entry_encoding, entry_new, entry_pointer, entry_set_encoding, entry_type,
    entry_value
)

cdef enum:
    COUNT_MODE_BYTES = 8192     # a listpack limited by count does not grow above these bytes; a quicklist may come back with more
    ITEMS_A_NODE = 4            # a node takes as long to free as so many small items


cdef inline bint is_listpack(const Entry* e) noexcept nogil:
    return entry_encoding(e) == ENC_LISTPACK


cdef inline unsigned char* listpack_of(const Entry* e) noexcept nogil:
    return <unsigned char*>entry_value(e)


cdef inline Quicklist* quicklist_of(const Entry* e) noexcept nogil:
    return <Quicklist*>entry_value(e)


cdef Entry* list_new(Slice key) noexcept nogil:
    return entry_new(key, TYPE_LIST, ENC_LISTPACK, lp_new(0), NO_EXPIRY)


cdef uint64_t list_length(const Entry* e) noexcept nogil:
    return lp_length(listpack_of(e)) if is_listpack(e) else quicklist_of(e).count


cdef bint too_large(const Settings* s, size_t size, uint64_t count, int divisor) noexcept nogil:
    """Is a listpack of these bytes and elements above the limit that was set, or above its half (divisor 2)?"""
    cdef int64_t fill = s.list_max_listpack_size
    if fill >= 0:
        return count > <uint64_t>(fill if fill else 1) // divisor
    if fill < -5:
        fill = -5
    return size > (<size_t>2048 << -fill) // divisor


cdef bint is_outgrown(const Settings* s, size_t size, uint64_t count) noexcept nogil:
    """Must a listpack that comes to these bytes and elements become a quicklist?"""
    return too_large(s, size, count, 1) or (s.list_max_listpack_size >= 0 and size > COUNT_MODE_BYTES)


cdef void to_quicklist(Entry* e, const Settings* s) noexcept nogil:
    cdef Quicklist* q = ql_new(<int>s.list_max_listpack_size, <int>s.list_compress_depth)
    if lp_length(listpack_of(e)):
        ql_append_listpack(q, listpack_of(e))
    else:
        lp_free(listpack_of(e))
    entry_pointer(e)[0] = q
    entry_set_encoding(e, ENC_QUICKLIST)


cdef void list_make_room(Entry* e, const Settings* s, int count, const Slice* elements) noexcept nogil:
    cdef size_t size = 0
    cdef int i
    if not is_listpack(e):
        return
    for i in range(count):
        size += elements[i].len
    if (
        is_outgrown(s, lp_bytes(listpack_of(e)) + size, lp_length(listpack_of(e)) + count)
        or not lp_fits(listpack_of(e), size + <size_t>count * LP_OVERHEAD)
    ):
        to_quicklist(e, s)


cdef void try_listpack(Entry* e, const Settings* s, int divisor) noexcept nogil:
    cdef Quicklist* q
    cdef QuicklistNode* node
    if is_listpack(e):
        return
    q = quicklist_of(e)
    if q.nodes != 1 or q.head.container != QL_PACKED or q.head.packed_bytes:
        return
    node = q.head
    if too_large(s, node.bytes, node.count, divisor):
        return
    entry_pointer(e)[0] = ql_take_data(node)
    entry_set_encoding(e, ENC_LISTPACK)
    ql_free(q)


cdef void list_after_removal(Entry* e, const Settings* s) noexcept nogil:
    try_listpack(e, s, 2)


cdef void list_after_change(Entry* e, const Settings* s) noexcept nogil:
    if is_listpack(e):
        if is_outgrown(s, lp_bytes(listpack_of(e)), lp_length(listpack_of(e))):
            to_quicklist(e, s)
    else:
        try_listpack(e, s, 1)


cdef void list_push(Entry* e, Slice element, int where) noexcept nogil:
    if not is_listpack(e):
        ql_push(quicklist_of(e), element, QL_HEAD if where == LIST_HEAD else QL_TAIL)
    elif where == LIST_HEAD:
        entry_pointer(e)[0] = lp_prepend(listpack_of(e), element)
    else:
        entry_pointer(e)[0] = lp_append(listpack_of(e), element)


cdef bint list_iter(ListIter* it, Entry* e, int64_t index, int direction) noexcept nogil:
    it.entry = e
    it.direction = direction
    it.fresh = True
    if is_listpack(e):
        it.p = lp_seek(listpack_of(e), <long>index)
        return it.p != NULL
    return ql_iter(&it.quick, quicklist_of(e), index, QL_HEAD if direction == LIST_HEAD else QL_TAIL)


cdef bint list_iter_next(ListIter* it) noexcept nogil:
    if not is_listpack(it.entry):
        if not ql_iter_next(&it.quick):
            return False
        it.item = it.quick.item
        return True
    if it.fresh:
        it.fresh = False
    elif it.p != NULL:
        it.p = lp_next(listpack_of(it.entry), it.p) if it.direction == LIST_TAIL else lp_prev(listpack_of(it.entry), it.p)
    if it.p == NULL:
        return False
    lp_get(it.p, &it.item)
    return True


cdef int list_iter_items(ListIter* it, LpItem* items, int most) noexcept nogil:
    if not is_listpack(it.entry):
        return ql_iter_items(&it.quick, items, most)
    if it.direction != LIST_TAIL or most == 1:
        if not list_iter_next(it):
            return 0
        items[0] = it.item
        return 1
    if not it.fresh and it.p != NULL:
        it.p = lp_next(listpack_of(it.entry), it.p)
    it.fresh = False
    return lp_items(it.p, items, most, &it.p) if it.p != NULL else 0


cdef bint list_iter_find(ListIter* it, const LpNeedle* needle, uint64_t* most) noexcept nogil:
    if not is_listpack(it.entry):
        return ql_iter_find(&it.quick, needle, most)
    while most[0] and list_iter_next(it):
        most[0] -= 1
        if lp_matches(it.p, needle):
            return True
    return False


cdef void list_iter_done(ListIter* it) noexcept nogil:
    if not is_listpack(it.entry):
        ql_iter_done(&it.quick)


cdef void list_iter_insert(ListIter* it, Slice element, int where) noexcept nogil:
    if is_listpack(it.entry):
        entry_pointer(it.entry)[0] = lp_insert(listpack_of(it.entry), element, it.p, where, NULL)
    else:
        ql_iter_insert(&it.quick, element, where)


cdef void list_iter_replace(ListIter* it, Slice element) noexcept nogil:
    if is_listpack(it.entry):
        entry_pointer(it.entry)[0] = lp_replace(listpack_of(it.entry), &it.p, element)
    else:
        ql_iter_replace(&it.quick, element)


cdef void list_iter_delete(ListIter* it) noexcept nogil:
    cdef unsigned char* lp
    if not is_listpack(it.entry):
        ql_iter_delete(&it.quick)
        return
    lp = lp_delete(listpack_of(it.entry), it.p, &it.p)
    entry_pointer(it.entry)[0] = lp
    if it.direction == LIST_HEAD:
        it.p = lp_last(lp) if it.p == NULL else lp_prev(lp, it.p)
    # the place of the element is taken by the next one to be returned
    it.fresh = True


cdef void list_delete_range(Entry* e, int64_t index, uint64_t count) noexcept nogil:
    if is_listpack(e):
        entry_pointer(e)[0] = lp_delete_range(listpack_of(e), <long>index, count)
    else:
        ql_delete_range(quicklist_of(e), index, count)


cdef Slice item_text(const LpItem* item, char* scratch) noexcept nogil:
    if item.ptr != NULL:
        return slice_of(item.ptr, item.len)
    return slice_of(scratch, num_write_i64(scratch, item.num))


cdef void list_free(Entry* e) noexcept nogil:
    if is_listpack(e):
        lp_free(listpack_of(e))
    else:
        ql_free(quicklist_of(e))


cdef bint list_free_some(Entry* e, uint64_t items) noexcept nogil:
    if is_listpack(e):
        lp_free(listpack_of(e))
        return True
    return ql_free_some(quicklist_of(e), items // ITEMS_A_NODE)


cdef uint64_t list_free_effort(const Entry* e) noexcept nogil:
    return 1 if is_listpack(e) else quicklist_of(e).nodes


cdef Entry* list_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil:
    cdef void* copy = <void*>lp_copy(listpack_of(e)) if is_listpack(e) else <void*>ql_copy(quicklist_of(e))
    return entry_new(key, TYPE_LIST, entry_encoding(e), copy, expiry)


cdef bint list_nodes(const Entry* e, ListNodes* nodes) noexcept nogil:
    cdef const Quicklist* q
    cdef const QuicklistNode* node
    if entry_type(e) != TYPE_LIST or is_listpack(e):
        return False
    q = quicklist_of(e)
    nodes.count = q.nodes
    nodes.elements = q.count
    nodes.fill = q.fill
    nodes.compress = q.compress
    nodes.bytes = 0
    node = q.head
    while node != NULL:
        nodes.bytes += node.bytes
        node = node.next
    return True


cdef size_t list_memory(Entry* e, uint64_t samples) noexcept nogil:
    return mem_size(listpack_of(e)) if is_listpack(e) else ql_memory(quicklist_of(e))
