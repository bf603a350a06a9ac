# A leaf of the tree of pending entries begins its columns with what they are differences to. Where the moments of a leaf are written in
# less than eight bytes none is before that, so most leaves are passed over with one comparison.

from libc.stdint cimport INT64_MAX
from zippy._core.ground.id_tree cimport IdLeaf, id_leaf_id, id_leaf_number, stream_id_compare

cdef enum:
    CONSUMER = 0                 # the numbers of a pending entry, as in stream_group
    TIME = 1
    COUNT = 2
    TIME_COLUMN = 3              # behind those of the id
    WIDEST = 8                   # bytes of a number


cdef inline bint is_later(const Pending* a, const Pending* b) noexcept nogil:
    return a.time > b.time or a.time == b.time and stream_id_compare(a.id, b.id) > 0


cdef void sift_down(Pending* heap, uint64_t at, uint64_t count) noexcept nogil:
    """The latest stands on top."""
    cdef Pending moved = heap[at]
    cdef uint64_t child = 2 * at + 1
    while child < count:
        if child + 1 < count and is_later(&heap[child + 1], &heap[child]):
            child += 1
        if not is_later(&heap[child], &moved):
            break
        heap[at] = heap[child]
        at = child
        child = 2 * at + 1
    heap[at] = moved


cdef void sift_up(Pending* heap, uint64_t at) noexcept nogil:
    cdef Pending moved = heap[at]
    while at and is_later(&moved, &heap[(at - 1) // 2]):
        heap[at] = heap[(at - 1) // 2]
        at = (at - 1) // 2
    heap[at] = moved


cdef inline int64_t least_time(const IdLeaf* leaf) noexcept nogil:
    """No moment of the leaf is before this one."""
    return <int64_t>leaf.base[<int>TIME_COLUMN] if leaf.width[<int>TIME_COLUMN] < WIDEST else -INT64_MAX - 1


cdef void read_leaf(const StreamGroup* g, const IdLeaf* leaf, int at, Pending* p) noexcept nogil:
    p.id = id_leaf_id(leaf, at)
    p.consumer = g.by_number[id_leaf_number(leaf, at, CONSUMER)]
    p.time = <int64_t>id_leaf_number(leaf, at, TIME)
    p.count = id_leaf_number(leaf, at, COUNT)


cdef uint64_t pending_idle(const StreamGroup* g, int64_t until, Pending* found, uint64_t room) noexcept nogil:
    cdef const IdLeaf* leaf = g.pending.first
    cdef uint64_t count = 0
    cdef uint64_t left
    cdef Pending p
    cdef int i
    while leaf != NULL and room:
        if least_time(leaf) <= until:
            for i in range(leaf.count):
                if <int64_t>id_leaf_number(leaf, i, TIME) > until:
                    continue
                read_leaf(g, leaf, i, &p)
                if count < room:
                    found[count] = p
                    count += 1
                    sift_up(found, count - 1)
                elif is_later(&found[0], &p):
                    found[0] = p
                    sift_down(found, 0, count)
        leaf = leaf.next
    left = count
    while left > 1:
        left -= 1
        p = found[0]
        found[0] = found[left]
        found[left] = p
        sift_down(found, 0, left)
    return count


cdef int64_t pending_earliest(const StreamGroup* g) noexcept nogil:
    cdef const IdLeaf* leaf = g.pending.first
    cdef int64_t earliest = INT64_MAX
    cdef int64_t time
    cdef int i
    while leaf != NULL:
        if least_time(leaf) < earliest:
            for i in range(leaf.count):
                time = <int64_t>id_leaf_number(leaf, i, TIME)
                if time < earliest:
                    earliest = time
        leaf = leaf.next
    return earliest
