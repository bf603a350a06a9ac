from libc.string cimport memcpy
from zippy._core.ground.listpack cimport (
    LP_AFTER, lp_append, lp_bytes, lp_copy, lp_delete, lp_delete_range, lp_delete_range_at, lp_first, lp_get, lp_insert, lp_length, lp_new, lp_next,
    lp_prepend, lp_prev, lp_replace, lp_seek, lp_text
)
from zippy._core.ground.lzf cimport lzf_compress, lzf_decompress
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_realloc, mem_size, mem_zalloc

cdef enum:
    COUNT_MODE_BYTES = 8192     # with a limit by count, a node has at most these bytes too
    ELEMENT_OVERHEAD = 11       # at most, beside an element's bytes
    COMPRESS_MIN = 48           # bytes: smaller nodes stay as they are
    COMPRESS_GAIN = 8           # bytes that compression has to save


cdef inline size_t byte_limit(const Quicklist* q) noexcept nogil:
    if q.fill >= 0:
        return COUNT_MODE_BYTES
    return <size_t>2048 << (-q.fill if q.fill >= -5 else 5)


cdef inline bint exceeds(const Quicklist* q, size_t size, uint64_t count) noexcept nogil:
    return size > byte_limit(q) or q.fill >= 0 and count > <uint64_t>(q.fill if q.fill else 1)


cdef inline bint is_large(const Quicklist* q, size_t size) noexcept nogil:
    return size > byte_limit(q)


cdef inline bint takes(const Quicklist* q, const QuicklistNode* n, size_t size) noexcept nogil:
    """Does one more element of this size belong into the node?"""
    return n != NULL and n.container == QL_PACKED and not exceeds(q, n.bytes + size + ELEMENT_OVERHEAD, n.count + 1)


cdef Quicklist* ql_new(int fill, int compress) noexcept nogil:
    cdef Quicklist* q = <Quicklist*>mem_zalloc(sizeof(Quicklist))
    q.fill = fill
    q.compress = compress
    return q


cdef void free_node(QuicklistNode* n) noexcept nogil:
    mem_free(n.data)
    mem_free(n)


cdef void ql_free(Quicklist* q) noexcept nogil:
    while not ql_free_some(q, 1 << 20):
        pass


cdef bint ql_free_some(Quicklist* q, uint64_t nodes) noexcept nogil:
    cdef QuicklistNode* n = q.head
    while n != NULL and nodes:
        q.head = n.next
        free_node(n)
        n = q.head
        nodes -= 1
    if n == NULL:
        mem_free(q)
    return n == NULL


# Compression: the nodes at both ends are read most and stay as they are


cdef void unpack(QuicklistNode* n) noexcept nogil:
    cdef unsigned char* data
    if n.packed_bytes == 0:
        return
    data = <unsigned char*>mem_alloc(n.bytes)
    lzf_decompress(n.data, n.packed_bytes, data, n.bytes)
    mem_free(n.data)
    n.data = data
    n.packed_bytes = 0


cdef void pack(QuicklistNode* n) noexcept nogil:
    cdef unsigned char* data
    cdef size_t size
    if n.packed_bytes or n.bytes < COMPRESS_MIN:
        return
    data = <unsigned char*>mem_alloc(n.bytes)
    size = lzf_compress(n.data, n.bytes, data, n.bytes - COMPRESS_GAIN)
    if size == 0:
        mem_free(data)
        return
    mem_free(n.data)
    n.data = <unsigned char*>mem_realloc(data, size)
    n.packed_bytes = <uint32_t>size


cdef bint is_inner(const Quicklist* q, const QuicklistNode* n) noexcept nogil:
    cdef QuicklistNode* front = q.head
    cdef QuicklistNode* back = q.tail
    cdef int i
    if q.nodes <= <uint64_t>q.compress * 2:
        return False
    for i in range(q.compress):
        if front == n or back == n:
            return False
        front = front.next
        back = back.prev
    return True


cdef void repack(Quicklist* q, QuicklistNode* touched) noexcept nogil:
    """After a change: the ends are unpacked, the first inner nodes and the one that was touched packed."""
    cdef QuicklistNode* front = q.head
    cdef QuicklistNode* back = q.tail
    cdef int i
    if q.compress == 0:
        return
    for i in range(q.compress):
        if front == NULL:
            return
        unpack(front)
        unpack(back)
        if front == back or front.next == back:
            return
        front = front.next
        back = back.prev
    pack(front)
    pack(back)
    if touched != NULL and is_inner(q, touched):
        pack(touched)


# Nodes


cdef QuicklistNode* node_new(unsigned char* data, size_t size, uint32_t count, int container) noexcept nogil:
    cdef QuicklistNode* n = <QuicklistNode*>mem_zalloc(sizeof(QuicklistNode))
    n.data = data
    n.bytes = <uint32_t>size
    n.count = count
    n.container = <uint8_t>container
    return n


cdef QuicklistNode* plain_node(Slice s) noexcept nogil:
    cdef unsigned char* data = <unsigned char*>mem_alloc(s.len)
    memcpy(data, s.ptr, s.len)
    return node_new(data, s.len, 1, QL_PLAIN)


cdef QuicklistNode* node_of(const Quicklist* q, Slice s) noexcept nogil:
    """A node with one element."""
    cdef unsigned char* lp
    if is_large(q, s.len):
        return plain_node(s)
    lp = lp_append(lp_new(0), s)
    return node_new(lp, lp_bytes(lp), 1, QL_PACKED)


cdef void link_after(Quicklist* q, QuicklistNode* before, QuicklistNode* n) noexcept nogil:
    """Puts n behind `before`, or at the head when that is NULL."""
    n.prev = before
    n.next = q.head if before == NULL else before.next
    if n.prev != NULL:
        n.prev.next = n
    else:
        q.head = n
    if n.next != NULL:
        n.next.prev = n
    else:
        q.tail = n
    q.nodes += 1
    q.count += n.count


cdef void drop_node(Quicklist* q, QuicklistNode* n) noexcept nogil:
    if n.prev != NULL:
        n.prev.next = n.next
    else:
        q.head = n.next
    if n.next != NULL:
        n.next.prev = n.prev
    else:
        q.tail = n.prev
    q.nodes -= 1
    q.count -= n.count
    free_node(n)


cdef inline void set_listpack(QuicklistNode* n, unsigned char* lp) noexcept nogil:
    n.data = lp
    n.bytes = <uint32_t>lp_bytes(lp)


cdef void ql_push(Quicklist* q, Slice s, int where) noexcept nogil:
    cdef QuicklistNode* n = q.head if where == QL_HEAD else q.tail
    if takes(q, n, s.len) and not is_large(q, s.len):
        unpack(n)
        set_listpack(n, lp_prepend(n.data, s) if where == QL_HEAD else lp_append(n.data, s))
        n.count += 1
        q.count += 1
        return
    link_after(q, NULL if where == QL_HEAD else q.tail, node_of(q, s))
    repack(q, NULL)


cdef void ql_append_listpack(Quicklist* q, unsigned char* lp) noexcept nogil:
    link_after(q, q.tail, node_new(lp, lp_bytes(lp), lp_length(lp), QL_PACKED))
    repack(q, NULL)


cdef void ql_append_plain(Quicklist* q, unsigned char* data, size_t len) noexcept nogil:
    link_after(q, q.tail, node_new(data, len, 1, QL_PLAIN))
    repack(q, NULL)


cdef Quicklist* ql_copy(Quicklist* q) noexcept nogil:
    cdef Quicklist* copy = ql_new(q.fill, q.compress)
    cdef QuicklistNode* n = q.head
    cdef QuicklistNode* twin
    cdef size_t size
    while n != NULL:
        size = n.packed_bytes if n.packed_bytes else n.bytes
        twin = node_new(<unsigned char*>mem_alloc(size), n.bytes, n.count, n.container)
        twin.packed_bytes = n.packed_bytes
        memcpy(twin.data, n.data, size)
        link_after(copy, copy.tail, twin)
        n = n.next
    return copy


cdef bint ql_pop(Quicklist* q, int where, char** data, size_t* len, int64_t* num) noexcept nogil:
    cdef QlIter it
    data[0] = NULL
    len[0] = 0
    if not ql_iter(&it, q, 0 if where == QL_HEAD else -1, QL_TAIL):
        return False
    ql_iter_next(&it)
    if it.item.ptr == NULL:
        num[0] = it.item.num
    else:
        data[0] = <char*>mem_alloc(it.item.len)
        memcpy(data[0], it.item.ptr, it.item.len)
        len[0] = it.item.len
    ql_iter_delete(&it)
    ql_iter_done(&it)
    return True


# Iteration


cdef void enter(QlIter* it, QuicklistNode* n, long offset) noexcept nogil:
    """Stands on an element of a node (negative offset: from its end), not returned yet; n may be NULL."""
    it.node = n
    it.fresh = True
    it.p = NULL
    if n == NULL:
        return
    unpack(n)
    it.offset = offset if offset >= 0 else <long>n.count + offset
    it.p = n.data if n.container == QL_PLAIN else lp_seek(n.data, it.offset)


cdef void leave(QlIter* it) noexcept nogil:
    if it.node != NULL and it.list.compress and is_inner(it.list, it.node):
        pack(it.node)


cdef void to_neighbour(QlIter* it) noexcept nogil:
    cdef QuicklistNode* n = it.node.next if it.direction == QL_TAIL else it.node.prev
    leave(it)
    enter(it, n, 0 if it.direction == QL_TAIL else -1)


cdef bint ql_iter(QlIter* it, Quicklist* q, int64_t index, int direction) noexcept nogil:
    cdef QuicklistNode* n
    cdef int64_t rest
    it.list = q
    it.direction = direction
    it.node = NULL
    if index < 0:
        index += q.count
    if index < 0 or index >= <int64_t>q.count:
        return False
    if index < <int64_t>(q.count // 2):
        n = q.head
        rest = index
        while rest >= n.count:
            rest -= n.count
            n = n.next
    else:
        n = q.tail
        rest = index - <int64_t>(q.count - n.count)
        while rest < 0:
            n = n.prev
            rest += n.count
    enter(it, n, <long>rest)
    return True


cdef bint ql_iter_next(QlIter* it) noexcept nogil:
    if it.node == NULL:
        return False
    if it.fresh:
        it.fresh = False
    elif it.node.container == QL_PLAIN:
        to_neighbour(it)
        it.fresh = False
    else:
        if it.direction == QL_TAIL:
            it.p = lp_next(it.node.data, it.p)
            it.offset += 1
        else:
            it.p = lp_prev(it.node.data, it.p)
            it.offset -= 1
        if it.p == NULL:
            to_neighbour(it)
            it.fresh = False
    if it.node == NULL:
        return False
    if it.node.container == QL_PLAIN:
        it.item.ptr = <const char*>it.node.data
        it.item.len = it.node.bytes
    else:
        lp_get(it.p, &it.item)
    return True


cdef void ql_iter_done(QlIter* it) noexcept nogil:
    leave(it)
    it.node = NULL


cdef void ql_iter_delete(QlIter* it) noexcept nogil:
    cdef QuicklistNode* n = it.node
    cdef QuicklistNode* next
    cdef Quicklist* q = it.list
    if n.count == 1:
        next = n.next if it.direction == QL_TAIL else n.prev
        drop_node(q, n)
        enter(it, next, 0 if it.direction == QL_TAIL else -1)
        repack(q, NULL)
        if next != NULL:
            unpack(next)
        return
    set_listpack(n, lp_delete(n.data, it.p, NULL))
    n.count -= 1
    q.count -= 1
    if it.direction == QL_HEAD:
        it.offset -= 1
    if it.offset < 0 or it.offset >= <long>n.count:
        to_neighbour(it)
    else:
        it.p = lp_seek(n.data, it.offset)
        it.fresh = True


cdef void ql_iter_replace(QlIter* it, Slice s) noexcept nogil:
    cdef Quicklist* q = it.list
    cdef QuicklistNode* n = it.node
    cdef QuicklistNode* fresh
    if n.container == QL_PACKED and not is_large(q, s.len) and (
        n.count == 1 or not exceeds(q, n.bytes + s.len + ELEMENT_OVERHEAD, n.count)
    ):
        set_listpack(n, lp_replace(n.data, &it.p, s))
        leave(it)
        return
    # the element gets a node of its own, in the gap that it leaves
    fresh = node_of(q, s)
    if n.count > 1:
        split(q, n, it.offset + 1)
    link_after(q, n, fresh)
    if n.count == 1:
        drop_node(q, n)
    else:
        set_listpack(n, lp_delete_range(n.data, -1, 1))
        n.count -= 1
        q.count -= 1
    merge_around(q, fresh)
    it.node = NULL


cdef void split(Quicklist* q, QuicklistNode* n, long offset) noexcept nogil:
    """Cuts a packed node so that elements from offset on are in a new one behind it; none moves when offset is the end."""
    cdef unsigned char* lp
    cdef uint32_t moved
    if offset >= <long>n.count or offset <= 0:
        return
    moved = n.count - <uint32_t>offset
    lp = lp_delete_range(lp_copy(n.data), 0, offset)
    set_listpack(n, lp_delete_range(n.data, offset, moved))
    n.count -= moved
    q.count -= moved
    link_after(q, n, node_new(lp, lp_bytes(lp), moved, QL_PACKED))


cdef bint merge(Quicklist* q, QuicklistNode* left, QuicklistNode* right) noexcept nogil:
    """Appends right's elements to left when both together keep to the limits; right is gone then."""
    cdef unsigned char* lp
    cdef unsigned char* p
    cdef char[24] scratch
    if left == NULL or right == NULL or left.container == QL_PLAIN or right.container == QL_PLAIN:
        return False
    if exceeds(q, <size_t>left.bytes + right.bytes, left.count + right.count):
        return False
    unpack(left)
    unpack(right)
    lp = left.data
    p = lp_first(right.data)
    while p != NULL:
        lp = lp_append(lp, lp_text(p, scratch))
        p = lp_next(right.data, p)
    set_listpack(left, lp)
    left.count += right.count
    q.count += right.count
    drop_node(q, right)
    return True


cdef void merge_around(Quicklist* q, QuicklistNode* n) noexcept nogil:
    cdef QuicklistNode* prev = n.prev
    merge(q, n, n.next)
    if merge(q, prev, n):
        n = prev
    repack(q, n)


cdef void ql_iter_insert(QlIter* it, Slice s, int where) noexcept nogil:
    cdef Quicklist* q = it.list
    cdef QuicklistNode* n = it.node
    cdef QuicklistNode* fresh
    cdef long offset = it.offset + (1 if where == LP_AFTER else 0)
    it.node = NULL
    if n.container == QL_PACKED and not is_large(q, s.len):
        if takes(q, n, s.len):
            set_listpack(n, lp_insert(n.data, s, it.p, where, NULL))
            n.count += 1
            q.count += 1
            repack(q, n)
            return
        if offset == <long>n.count and takes(q, n.next, s.len):
            unpack(n.next)
            set_listpack(n.next, lp_prepend(n.next.data, s))
            n.next.count += 1
            q.count += 1
            repack(q, n.next)
            return
        if offset == 0 and takes(q, n.prev, s.len):
            unpack(n.prev)
            set_listpack(n.prev, lp_append(n.prev.data, s))
            n.prev.count += 1
            q.count += 1
            repack(q, n.prev)
            return
    fresh = node_of(q, s)
    if n.container == QL_PACKED:
        split(q, n, offset)
    link_after(q, n.prev if offset == 0 else n, fresh)
    merge_around(q, fresh)


cdef uint64_t ql_delete_range(Quicklist* q, int64_t index, uint64_t count) noexcept nogil:
    cdef QlIter it
    cdef QuicklistNode* n
    cdef QuicklistNode* next
    cdef QuicklistNode* before
    cdef unsigned char* p
    cdef uint64_t deleted = 0
    cdef uint64_t here
    cdef long offset
    if not ql_iter(&it, q, index, QL_TAIL):
        return 0
    n = it.node
    offset = it.offset
    before = n.prev
    while n != NULL and deleted < count:
        next = n.next
        here = n.count - offset
        if here > count - deleted:
            here = count - deleted
        if here == n.count:
            drop_node(q, n)
        else:
            unpack(n)
            p = lp_seek(n.data, offset)
            set_listpack(n, lp_delete_range_at(n.data, &p, here))
            n.count -= <uint32_t>here
            q.count -= here
        deleted += here
        offset = 0
        n = next
    before = q.head if before == NULL else before
    if before != NULL:
        merge_around(q, before)
    return deleted


cdef size_t ql_memory(const Quicklist* q) noexcept nogil:
    cdef size_t size = mem_size(q)
    cdef const QuicklistNode* n = q.head
    while n != NULL:
        size += mem_size(n) + mem_size(n.data)
        n = n.next
    return size
