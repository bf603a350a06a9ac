# Nodes keep to a size at which inserting, deleting and compressing stay cheap. After every call the nodes at both ends are uncompressed
# (`compress` of them), all others compressed where that gains something; an iterator holds the node that it stands on uncompressed.

from libc.stdint cimport UINT32_MAX, uint16_t
from libc.string cimport memcpy, memmove
from zippy._core.ground.listpack cimport (
    LP_AFTER, LP_OVERHEAD, lp_append, lp_append_into, lp_begin_at, lp_bytes, lp_copy, lp_delete, lp_delete_range, lp_delete_range_at,
    lp_end_at, lp_extend, lp_free, lp_get, lp_insert, lp_items, lp_last, lp_length, lp_matches, lp_new, lp_next, lp_prepend_into,
    lp_prev, lp_replace, lp_search, lp_seek
)
from zippy._core.ground.lzf cimport lzf_compress, lzf_decompress
from zippy._core.ground.slice cimport slice_equal, slice_of
from zippy._core.ground.mem cimport mem_alloc, mem_copy, mem_free, mem_realloc, mem_size, mem_try_alloc, mem_try_realloc, mem_zalloc

cdef enum:
    COUNT_MODE_BYTES = 8192     # with a limit by count, a node has at most these bytes too
    GAP_MAX = 0xFFFF            # bytes
    SLACK = 512                 # bytes: a block with a gap that is four times what it holds, and so much more, is made anew
    COMPRESS_MIN = 48           # bytes: smaller nodes stay as they are
    COMPRESS_GAIN = 8           # bytes that compression has to save
    FREE_STEP = 1 << 20         # nodes
    LARGE_NODE = 8192           # bytes of a node that count for one node more when it is freed


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
    return (
        n != NULL and n.container == QL_PACKED and not is_large(q, size)
        and not exceeds(q, n.bytes + size + LP_OVERHEAD, <uint64_t>n.count + 1)
    )


# ---- blocks


cdef inline unsigned char* block_of(const QuicklistNode* n) noexcept nogil:
    return n.data - n.gap if n.data != NULL else NULL


cdef void close_gap(QuicklistNode* n) noexcept nogil:
    """The data begins where its block does, as whoever may move the block needs it."""
    if n.gap:
        memmove(n.data - n.gap, n.data, n.bytes)
        n.data -= n.gap
        n.gap = 0


cdef void trim(QuicklistNode* n) noexcept nogil:
    """Gives the gap back."""
    if n.gap:
        close_gap(n)
        n.data = <unsigned char*>mem_realloc(n.data, n.bytes)


cdef void trim_if_loose(QuicklistNode* n) noexcept nogil:
    if mem_size(block_of(n)) > 4 * <size_t>n.bytes + SLACK:
        trim(n)


cdef void open_gap(const Quicklist* q, QuicklistNode* n, size_t least) noexcept nogil:
    """Makes a gap of that many bytes, and more where more is likely to be pushed: it grows with the node, up to what the node may hold."""
    cdef size_t gap = least + n.bytes
    cdef unsigned char* block
    if n.bytes + gap > byte_limit(q):
        gap = byte_limit(q) - n.bytes
    if gap < least:
        gap = least
    block = <unsigned char*>mem_alloc(gap + n.bytes)
    # what rounding up to the allocator's size gives
    gap = mem_size(block) - n.bytes
    if gap > GAP_MAX:
        gap = GAP_MAX
    memcpy(block + gap, n.data, n.bytes)
    mem_free(block_of(n))
    n.data = block + gap
    n.gap = <uint16_t>gap


cdef unsigned char* ql_take_data(QuicklistNode* n) noexcept nogil:
    cdef unsigned char* data
    trim(n)
    data = n.data
    n.data = NULL
    return data


# ---- compression


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
    cdef unsigned char* packed
    cdef size_t size
    if n.packed_bytes or n.bytes < COMPRESS_MIN or n.bytes > UINT32_MAX:
        return
    close_gap(n)
    data = <unsigned char*>mem_try_alloc(n.bytes)
    size = lzf_compress(n.data, n.bytes, data, n.bytes - COMPRESS_GAIN) if data != NULL else 0
    # it stays as it is where that gains nothing, or where there is no memory to try
    packed = <unsigned char*>mem_try_realloc(data, size) if size else NULL
    if packed == NULL:
        mem_free(data)
        return
    mem_free(n.data)
    n.data = packed
    n.packed_bytes = <uint32_t>size


cdef void pack_inner(Quicklist* q, QuicklistNode* n) noexcept nogil:
    """Compresses the node unless it is one of those at the ends; it may be NULL."""
    cdef QuicklistNode* front = q.head
    cdef QuicklistNode* back = q.tail
    cdef int _
    if n == NULL or q.compress <= 0 or q.nodes <= <uint64_t>q.compress * 2:
        return
    for _ in range(q.compress):
        if front == n or back == n:
            return
        front = front.next
        back = back.prev
    pack(n)


cdef void settle_ends(Quicklist* q) noexcept nogil:
    """After nodes came or went: uncompresses those at the ends, compresses the two behind them."""
    cdef QuicklistNode* front = q.head
    cdef QuicklistNode* back = q.tail
    cdef int _
    if q.compress <= 0 or front == NULL:
        return
    for _ in range(q.compress):
        unpack(front)
        unpack(back)
        if front == back or front.next == back:
            return
        front = front.next
        back = back.prev
    pack(front)
    pack(back)


cdef void settle(Quicklist* q, QuicklistNode* n) noexcept nogil:
    """After a change to the node and perhaps to its neighbours."""
    settle_ends(q)
    pack_inner(q, n.prev)
    pack_inner(q, n)
    pack_inner(q, n.next)


# ---- nodes


cdef QuicklistNode* node_new(unsigned char* data, size_t size, uint32_t count, int container) noexcept nogil:
    cdef QuicklistNode* n = <QuicklistNode*>mem_zalloc(sizeof(QuicklistNode))
    n.data = data
    n.bytes = size
    n.count = count
    n.container = <uint8_t>container
    return n


cdef QuicklistNode* node_of(const Quicklist* q, Slice s) noexcept nogil:
    """A node with one element."""
    cdef unsigned char* data
    if is_large(q, s.len):
        data = <unsigned char*>mem_alloc(s.len)
        mem_copy(data, s.ptr, s.len)
        return node_new(data, s.len, 1, QL_PLAIN)
    data = lp_append(lp_new(0), s)
    return node_new(data, lp_bytes(data), 1, QL_PACKED)


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
    mem_free(block_of(n))
    mem_free(n)


cdef inline void set_data(Quicklist* q, QuicklistNode* n, unsigned char* lp, int64_t more) noexcept nogil:
    """The node's listpack after a change that brought so many elements more."""
    n.data = lp
    n.bytes = lp_bytes(lp)
    n.count = <uint32_t>(n.count + more)
    q.count += <uint64_t>more


cdef void split(Quicklist* q, QuicklistNode* n, long offset) noexcept nogil:
    """Cuts an uncompressed listpack: the elements from offset on get a node of their own; none does where one side would be empty."""
    cdef unsigned char* lp
    cdef int64_t moved = <int64_t>n.count - offset
    if offset <= 0 or moved <= 0:
        return
    lp = lp_delete_range(lp_copy(n.data), 0, <unsigned long>offset)
    close_gap(n)
    set_data(q, n, lp_delete_range(n.data, offset, <unsigned long>moved), -moved)
    link_after(q, n, node_new(lp, lp_bytes(lp), <uint32_t>moved, QL_PACKED))


cdef bint merge(Quicklist* q, QuicklistNode* left, QuicklistNode* right) noexcept nogil:
    """Moves right's elements into left where both together keep to the limits; right is gone then. Either may be NULL."""
    if left == NULL or right == NULL or left.container == QL_PLAIN or right.container == QL_PLAIN:
        return False
    if exceeds(q, <size_t>left.bytes + right.bytes, <uint64_t>left.count + right.count):
        return False
    unpack(left)
    unpack(right)
    close_gap(left)
    set_data(q, left, lp_extend(left.data, right.data), right.count)
    drop_node(q, right)
    return True


cdef void merge_around(Quicklist* q, QuicklistNode* n) noexcept nogil:
    """Merges the node with its neighbours and settles what is left."""
    cdef QuicklistNode* prev = n.prev
    merge(q, n, n.next)
    settle(q, prev if merge(q, prev, n) else n)


# ---- the list


cdef Quicklist* ql_new(int fill, int compress) noexcept nogil:
    cdef Quicklist* q = <Quicklist*>mem_zalloc(sizeof(Quicklist))
    q.fill = fill
    q.compress = compress
    return q


cdef void ql_free(Quicklist* q) noexcept nogil:
    while not ql_free_some(q, FREE_STEP):
        pass


cdef bint ql_free_some(Quicklist* q, uint64_t nodes) noexcept nogil:
    cdef uint64_t done = 0
    while q.head != NULL and done < nodes:
        # giving large blocks back takes the system's time
        done += 1 + q.head.bytes // LARGE_NODE
        drop_node(q, q.head)
    if q.head != NULL:
        return False
    mem_free(q)
    return True


cdef Quicklist* ql_copy(Quicklist* q) noexcept nogil:
    cdef Quicklist* copy = ql_new(q.fill, q.compress)
    cdef QuicklistNode* n = q.head
    cdef QuicklistNode* twin
    cdef size_t size
    while n != NULL:
        size = n.packed_bytes if n.packed_bytes else n.bytes
        twin = node_new(<unsigned char*>mem_alloc(size), n.bytes, n.count, n.container)
        twin.packed_bytes = n.packed_bytes
        mem_copy(twin.data, n.data, size)
        link_after(copy, copy.tail, twin)
        n = n.next
    return copy


cdef void prepend(Quicklist* q, QuicklistNode* n, Slice s) noexcept nogil:
    """Into the gap, so that nothing has to move."""
    cdef unsigned char* lp
    if n.gap < s.len + LP_OVERHEAD:
        open_gap(q, n, s.len + LP_OVERHEAD)
    lp = lp_prepend_into(n.data, s)
    n.gap -= <uint16_t>(n.data - lp)
    set_data(q, n, lp, 1)


cdef void append(Quicklist* q, QuicklistNode* n, Slice s) noexcept nogil:
    if n.gap and n.gap + n.bytes + s.len + LP_OVERHEAD <= mem_size(block_of(n)):
        lp_append_into(n.data, s)
        set_data(q, n, n.data, 1)
    else:
        close_gap(n)
        set_data(q, n, lp_append(n.data, s), 1)


cdef void drop_first(Quicklist* q, QuicklistNode* n, uint32_t count) noexcept nogil:
    """The first elements of an uncompressed listpack, not all, become a part of its gap."""
    cdef unsigned char* rest = lp_seek(n.data, count)
    cdef unsigned char* lp
    if n.gap + n.bytes > GAP_MAX:
        close_gap(n)
        set_data(q, n, lp_delete_range(n.data, 0, count), -<int64_t>count)
        return
    lp = lp_begin_at(n.data, rest, count)
    n.gap += <uint16_t>(lp - n.data)
    set_data(q, n, lp, -<int64_t>count)
    trim_if_loose(n)


cdef void drop_last(Quicklist* q, QuicklistNode* n, uint32_t count) noexcept nogil:
    """The same at the other end."""
    if n.gap == 0:
        set_data(q, n, lp_delete_range(n.data, -<long>count, count), -<int64_t>count)
        return
    lp_end_at(n.data, lp_seek(n.data, -<long>count), count)
    set_data(q, n, n.data, -<int64_t>count)
    trim_if_loose(n)


cdef void ql_push(Quicklist* q, Slice s, int where) noexcept nogil:
    cdef QuicklistNode* n = q.head if where == QL_HEAD else q.tail
    if takes(q, n, s.len):
        if where == QL_HEAD:
            prepend(q, n, s)
        else:
            append(q, n, s)
        return
    if where == QL_HEAD and n != NULL:
        trim(n)
    link_after(q, NULL if where == QL_HEAD else q.tail, node_of(q, s))
    settle_ends(q)


cdef void ql_append_listpack(Quicklist* q, unsigned char* lp) noexcept nogil:
    cdef uint32_t count = lp_length(lp)
    if count == 0:
        lp_free(lp)
        return
    link_after(q, q.tail, node_new(lp, lp_bytes(lp), count, QL_PACKED))
    settle_ends(q)


cdef void ql_append_plain(Quicklist* q, unsigned char* data, size_t len) noexcept nogil:
    link_after(q, q.tail, node_new(data, len, 1, QL_PLAIN))
    settle_ends(q)


cdef uint64_t ql_delete_range(Quicklist* q, int64_t index, uint64_t count) noexcept nogil:
    cdef QuicklistNode* n
    cdef QuicklistNode* next
    cdef QuicklistNode* cut = NULL      # the first node that lost only some elements
    cdef unsigned char* p
    cdef uint64_t deleted = 0
    cdef uint64_t here
    cdef long offset
    if count == 0 or not find_index(q, index, &n, &offset):
        return 0
    while n != NULL and deleted < count:
        next = n.next
        here = n.count - <uint64_t>offset
        if here > count - deleted:
            here = count - deleted
        if here == n.count:
            drop_node(q, n)
        elif offset == 0:
            unpack(n)
            drop_first(q, n, <uint32_t>here)
            cut = n if cut == NULL else cut
        elif offset + here == n.count:
            unpack(n)
            drop_last(q, n, <uint32_t>here)
            cut = n if cut == NULL else cut
        else:
            unpack(n)
            close_gap(n)
            p = lp_seek(n.data, offset)
            set_data(q, n, lp_delete_range_at(n.data, &p, here), -<int64_t>here)
            cut = n if cut == NULL else cut
        deleted += here
        offset = 0
        n = next
    # neighbours stay apart however small they are now: whether a list is a listpack again is seen from outside, and in Redis only a single
    # node is
    settle_ends(q)
    if cut != NULL:
        settle(q, cut)
    return deleted


cdef size_t ql_memory(const Quicklist* q) noexcept nogil:
    cdef size_t size = mem_size(q)
    cdef const QuicklistNode* n = q.head
    while n != NULL:
        size += mem_size(n) + mem_size(block_of(n))
        n = n.next
    return size


# ---- iteration


cdef bint find_index(const Quicklist* q, int64_t index, QuicklistNode** node, long* offset) noexcept nogil:
    """The node and the offset in it of an element; False out of range."""
    cdef QuicklistNode* n
    cdef int64_t rest
    if index < 0:
        index += <int64_t>q.count
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
    node[0] = n
    offset[0] = <long>rest
    return True


cdef void enter(QlIter* it, QuicklistNode* n, long offset) noexcept nogil:
    """Stands on an element of a node (negative offset: from its end) that is not returned yet; n may be NULL."""
    it.node = n
    it.p = NULL
    it.fresh = True
    if n == NULL:
        return
    unpack(n)
    it.offset = offset if offset >= 0 else <long>n.count + offset
    it.p = n.data if n.container == QL_PLAIN else lp_seek(n.data, it.offset)


cdef void leave(QlIter* it) noexcept nogil:
    """Puts the node in order."""
    if it.node == NULL:
        return
    if it.changed:
        it.changed = False
        settle_ends(it.list)
    pack_inner(it.list, it.node)


cdef void to_neighbour(QlIter* it) noexcept nogil:
    cdef QuicklistNode* n = it.node.next if it.direction == QL_TAIL else it.node.prev
    leave(it)
    enter(it, n, 0 if it.direction == QL_TAIL else -1)


cdef void advance(QlIter* it) noexcept nogil:
    cdef bint towards_tail = it.direction == QL_TAIL
    if it.node.container == QL_PACKED:
        it.p = lp_next(it.node.data, it.p) if towards_tail else lp_prev(it.node.data, it.p)
        if it.p != NULL:
            it.offset += 1 if towards_tail else -1
            return
    to_neighbour(it)


cdef bint ql_iter(QlIter* it, Quicklist* q, int64_t index, int direction) noexcept nogil:
    cdef QuicklistNode* n = NULL
    cdef long offset = 0
    cdef bint found = find_index(q, index, &n, &offset)
    it.list = q
    it.direction = direction
    it.changed = False
    enter(it, n, offset)
    return found


cdef bint ql_iter_next(QlIter* it) noexcept nogil:
    if not it.fresh and it.node != NULL:
        advance(it)
    it.fresh = False
    if it.node == NULL:
        return False
    if it.node.container == QL_PACKED:
        lp_get(it.p, &it.item)
    else:
        it.item.ptr = <const char*>it.node.data
        it.item.len = it.node.bytes
        it.item.num = 0
    return True


cdef int ql_iter_items(QlIter* it, LpItem* items, int most) noexcept nogil:
    cdef unsigned char* p
    cdef int count
    if not ql_iter_next(it):
        return 0
    items[0] = it.item
    if it.node.container != QL_PACKED or it.direction != QL_TAIL or most == 1:
        return 1
    p = lp_next(it.node.data, it.p)
    if p == NULL:
        return 1
    count = lp_items(p, items + 1, most - 1, &it.p)
    it.offset += count
    return count + 1


cdef bint ql_iter_find(QlIter* it, const LpNeedle* needle, uint64_t* most) noexcept nogil:
    cdef unsigned char* p
    cdef uint64_t count
    cdef bint found
    while most[0] and ql_iter_next(it):
        most[0] -= 1
        if it.node.container != QL_PACKED:
            found = slice_equal(slice_of(it.item.ptr, it.item.len), needle.text)
        else:
            found = lp_matches(it.p, needle)
        if found:
            return True
        if it.node.container != QL_PACKED or it.direction != QL_TAIL or not most[0]:
            continue
        p = lp_next(it.node.data, it.p)
        if p == NULL:
            continue
        found = lp_search(p, needle, most[0], &it.p, &count) != NULL
        it.offset += <long>count
        most[0] -= count
        if found:
            return True
    return False


cdef void ql_iter_done(QlIter* it) noexcept nogil:
    leave(it)
    it.node = NULL


cdef void own_block(QlIter* it) noexcept nogil:
    """The gap before the node's data is closed, and the iterator stays where it is."""
    if it.node.gap:
        it.p -= it.node.gap
        close_gap(it.node)


cdef void ql_iter_delete(QlIter* it) noexcept nogil:
    cdef Quicklist* q = it.list
    cdef QuicklistNode* n = it.node
    cdef QuicklistNode* following = n.next if it.direction == QL_TAIL else n.prev
    cdef unsigned char* lp
    it.changed = True
    if n.count == 1:
        drop_node(q, n)
        settle_ends(q)
        enter(it, following, 0 if it.direction == QL_TAIL else -1)
        return
    own_block(it)
    lp = lp_delete(n.data, it.p, &it.p)
    set_data(q, n, lp, -1)
    if it.direction == QL_HEAD:
        it.p = lp_last(lp) if it.p == NULL else lp_prev(lp, it.p)
        it.offset -= 1
    it.fresh = True
    if it.p == NULL:
        to_neighbour(it)


cdef void ql_iter_replace(QlIter* it, Slice s) noexcept nogil:
    cdef Quicklist* q = it.list
    cdef QuicklistNode* n = it.node
    cdef QuicklistNode* following = n.next
    cdef QuicklistNode* single
    own_block(it)
    it.node = NULL
    # As in Redis, since whether a list is a listpack again is seen from outside: an element that is not large takes the place of the other
    # whatever the node has then, or that of a large one at the head of the node behind it, or stays apart
    if n.container == QL_PACKED and not is_large(q, s.len):
        set_data(q, n, lp_replace(n.data, &it.p, s), 0)
        settle(q, n)
        return
    if n.container == QL_PLAIN and takes(q, following, s.len):
        unpack(following)
        prepend(q, following, s)
        drop_node(q, n)
        settle(q, following)
        return
    if n.container == QL_PACKED:
        split(q, n, it.offset + 1)
    single = node_of(q, s)
    link_after(q, n, single)
    if n.container == QL_PLAIN:
        drop_node(q, n)
        settle(q, single)
        return
    if n.count == 1:
        drop_node(q, n)
    else:
        set_data(q, n, lp_delete_range(n.data, -1, 1), -1)
    merge_around(q, single)


cdef bint insert_into(Quicklist* q, QlIter* it, QuicklistNode* n, Slice s, int where, long offset) noexcept nogil:
    """Inserts into the element's node, or at the near end of the neighbour where the node is full; False when neither takes it."""
    cdef bint at_end = offset == <long>n.count
    cdef QuicklistNode* place = n
    if takes(q, n, s.len):
        set_data(q, n, lp_insert(n.data, s, it.p, where, NULL), 1)
    elif at_end and takes(q, n.next, s.len):
        place = n.next
        unpack(place)
        prepend(q, place, s)
    elif offset == 0 and takes(q, n.prev, s.len):
        place = n.prev
        unpack(place)
        append(q, place, s)
    else:
        return False
    settle(q, place)
    return True


cdef void ql_iter_insert(QlIter* it, Slice s, int where) noexcept nogil:
    cdef Quicklist* q = it.list
    cdef QuicklistNode* n = it.node
    cdef QuicklistNode* single
    cdef long offset = it.offset + (1 if where == LP_AFTER else 0)
    own_block(it)
    it.node = NULL
    if insert_into(q, it, n, s, where, offset):
        return
    if n.container == QL_PACKED:
        split(q, n, offset)
    single = node_of(q, s)
    link_after(q, n.prev if offset == 0 else n, single)
    merge_around(q, single)
