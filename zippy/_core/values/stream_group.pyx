# A consumer has a number in its group, so that a pending entry names it in a byte or two; numbers of deleted ones are given again.

from libc.stdint cimport UINT64_MAX
from libc.string cimport memcpy, memmove
from zippy._core.ground.buf cimport slice_compare
from zippy._core.ground.id_tree cimport (
    id_tree_above, id_tree_below, id_tree_blocks, id_tree_clear, id_tree_copy, id_tree_cut_first, id_tree_find, id_tree_init,
    id_tree_memory, id_tree_next, id_tree_put, id_tree_remove, id_tree_remove_alike, id_tree_skip, stream_id_of, stream_id_step
)
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_realloc, mem_size, mem_zalloc
from zippy._core.ground.slice cimport slice_of

cdef enum PendingNumber:
    # the numbers of a pending entry in the group's tree
    CONSUMER = 0
    TIME = 1
    COUNT = 2
    NUMBERS = 3


cdef Slice group_name(const StreamGroup* g) noexcept nogil:
    return slice_of(<const char*>(g + 1), g.name_len)


cdef Slice consumer_name(const StreamConsumer* c) noexcept nogil:
    return slice_of(<const char*>(c + 1), c.name_len)


# Consumers


cdef uint32_t address_place(void** array, uint32_t count, Slice name, name_of_fn name_of, bint* found) noexcept nogil:
    cdef uint32_t low = 0
    cdef uint32_t high = count
    cdef uint32_t middle
    cdef int order
    while low < high:
        middle = (low + high) // 2
        order = slice_compare(name_of(array[middle]), name)
        if order == 0:
            found[0] = True
            return middle
        if order < 0:
            low = middle + 1
        else:
            high = middle
    found[0] = False
    return low


cdef inline uint32_t consumer_place(const StreamGroup* g, Slice name, bint* found) noexcept nogil:
    """Where the consumer of this name is in the list, or would be."""
    return address_place(<void**>g.consumers, g.count, name, name_of_consumer, found)


cdef StreamConsumer* consumer_find(const StreamGroup* g, Slice name) noexcept nogil:
    cdef bint found
    cdef uint32_t at = consumer_place(g, name, &found)
    return g.consumers[at] if found else NULL


cdef void* addresses_with_room(void* array, uint32_t count) noexcept nogil:
    cdef size_t bytes = (<size_t>count + 1) * sizeof(void*)
    if array == NULL:
        return mem_alloc(bytes)
    return array if bytes <= mem_size(array) else mem_realloc(array, bytes + count * sizeof(void*))


cdef uint32_t take_number(StreamGroup* g, StreamConsumer* c) noexcept nogil:
    """Gives the consumer the least number that is free."""
    while g.free_number < g.numbers and g.by_number[g.free_number] != NULL:
        g.free_number += 1
    if g.free_number == g.numbers:
        g.by_number = <StreamConsumer**>addresses_with_room(g.by_number, g.numbers)
        g.numbers += 1
    g.by_number[g.free_number] = c
    g.free_number += 1
    return g.free_number - 1


cdef StreamConsumer* consumer_new(StreamGroup* g, Slice name) noexcept nogil:
    """A consumer with a number, which is not in the list."""
    cdef StreamConsumer* c = <StreamConsumer*>mem_alloc(sizeof(StreamConsumer) + name.len)
    id_tree_init(&c.pending, 0)
    c.seen = 0
    c.active = NEVER
    c.name_len = <uint32_t>name.len
    if name.len:
        memcpy(c + 1, name.ptr, name.len)
    c.number = take_number(g, c)
    return c


cdef StreamConsumer* consumer_create(StreamGroup* g, Slice name, int64_t now) noexcept nogil:
    cdef bint found
    cdef uint32_t at = consumer_place(g, name, &found)
    cdef StreamConsumer* c
    if found:
        return NULL
    c = consumer_new(g, name)
    c.seen = now
    g.consumers = <StreamConsumer**>addresses_with_room(g.consumers, g.count)
    memmove(&g.consumers[at + 1], &g.consumers[at], (g.count - at) * sizeof(void*))
    g.consumers[at] = c
    g.count += 1
    return c


cdef StreamConsumer* consumer_append(StreamGroup* g, Slice name) noexcept nogil:
    cdef StreamConsumer* c = consumer_new(g, name)
    g.consumers = <StreamConsumer**>addresses_with_room(g.consumers, g.count)
    g.consumers[g.count] = c
    g.count += 1
    return c


cdef Slice name_of_consumer(const void* c) noexcept nogil:
    return consumer_name(<const StreamConsumer*>c)


cdef bint group_sort_consumers(StreamGroup* g) noexcept nogil:
    return addresses_by_name(<void**>g.consumers, g.count, name_of_consumer)


cdef void sift_down(void** array, uint32_t root, uint32_t count, name_of_fn name_of) noexcept nogil:
    """Restores a heap whose root alone may be too small."""
    cdef uint32_t child = 2 * root + 1
    cdef void* item = array[root]
    while child < count:
        if child + 1 < count and slice_compare(name_of(array[child]), name_of(array[child + 1])) < 0:
            child += 1
        if slice_compare(name_of(item), name_of(array[child])) >= 0:
            break
        array[root] = array[child]
        root = child
        child = 2 * root + 1
    array[root] = item


cdef void sort_by_name(void** array, uint32_t count, name_of_fn name_of) noexcept nogil:
    """A heap sort: no order that a file has them in makes it slow."""
    cdef uint32_t i = count // 2
    cdef void* last
    while i:
        i -= 1
        sift_down(array, i, count, name_of)
    i = count - 1
    while i:
        last = array[i]
        array[i] = array[0]
        array[0] = last
        sift_down(array, 0, i, name_of)
        i -= 1


cdef bint ascends(void** array, uint32_t count, name_of_fn name_of) noexcept nogil:
    cdef uint32_t i
    for i in range(1, count):
        if slice_compare(name_of(array[i - 1]), name_of(array[i])) >= 0:
            return False
    return True


cdef bint addresses_by_name(void** array, uint32_t count, name_of_fn name_of) noexcept nogil:
    if ascends(array, count, name_of):
        return True
    sort_by_name(array, count, name_of)
    return ascends(array, count, name_of)


cdef void drop_pending(StreamGroup* g, const StreamConsumer* c) noexcept nogil:
    """Takes what is pending for the consumer out of the group's tree, a leaf of it at a time."""
    cdef IdCursor at
    cdef bint more = id_tree_above(&c.pending, stream_id_of(0, 0), &at)
    while more:
        more = id_tree_skip(&at, id_tree_remove_alike(&g.pending, at.id, CONSUMER, c.number))


cdef void forget_consumer(StreamGroup* g, const StreamConsumer* c) noexcept nogil:
    """Takes the consumer out of the lists."""
    cdef bint found
    cdef uint32_t at = consumer_place(g, consumer_name(c), &found)
    g.by_number[c.number] = NULL
    g.free_number = min(g.free_number, c.number)
    g.count -= 1
    memmove(&g.consumers[at], &g.consumers[at + 1], (g.count - at) * sizeof(void*))


cdef StreamGroup* consumer_cut(StreamGroup* g, StreamConsumer* c) noexcept nogil:
    cdef StreamGroup* cut = group_new(slice_of(NULL, 0))
    if c.pending.count == g.pending.count:
        # nobody else has any
        move_pending(&cut.pending, &g.pending)
    else:
        drop_pending(g, c)
        move_pending(&cut.pending, &c.pending)
    forget_consumer(g, c)
    cut.consumers = <StreamConsumer**>addresses_with_room(NULL, 0)
    cut.consumers[0] = c
    cut.count = 1
    return cut


# Pending entries


cdef void move_pending(IdTree* to, IdTree* t) noexcept nogil:
    """Gives all that a tree has to an empty one."""
    cdef uint64_t changes = t.changes + 1
    to[0] = t[0]
    id_tree_init(t, to.numbers)
    t.changes = changes


cdef void read_pending(const StreamGroup* g, const IdCursor* at, Pending* p) noexcept nogil:
    """What the group's tree says at the cursor."""
    p.id = at.id
    p.consumer = g.by_number[at.numbers[<int>CONSUMER]]
    p.time = <int64_t>at.numbers[<int>TIME]
    p.count = at.numbers[<int>COUNT]


cdef bint pending_find(StreamGroup* g, StreamId id, Pending* p) noexcept nogil:
    cdef IdCursor at
    if not id_tree_find(&g.pending, id, &at):
        return False
    read_pending(g, &at, p)
    return True


cdef bint pending_put(StreamGroup* g, const Pending* p) noexcept nogil:
    cdef uint64_t[<int>NUMBERS] numbers = [p.consumer.number, <uint64_t>p.time, p.count]
    cdef Pending old
    cdef bint new = g.pending.count == 0 or not pending_find(g, p.id, &old)
    if not new and old.consumer != p.consumer:
        id_tree_remove(&old.consumer.pending, p.id)
    id_tree_put(&g.pending, p.id, numbers)
    if new or old.consumer != p.consumer:
        id_tree_put(&p.consumer.pending, p.id, NULL)
    return new


cdef bint group_set_pending(StreamGroup* g, StreamId id, uint32_t number, int64_t time, uint64_t count) noexcept nogil:
    cdef uint64_t[<int>NUMBERS] numbers = [number, <uint64_t>time, count]
    return id_tree_put(&g.pending, id, numbers) and id_tree_put(&g.by_number[number].pending, id, NULL)


cdef bint pending_remove(StreamGroup* g, StreamId id) noexcept nogil:
    cdef Pending p
    if not pending_find(g, id, &p):
        return False
    id_tree_remove(&g.pending, id)
    id_tree_remove(&p.consumer.pending, id)
    return True


cdef bint pending_first(StreamGroup* g, StreamId* id) noexcept nogil:
    cdef IdCursor at
    if not id_tree_above(&g.pending, stream_id_of(0, 0), &at):
        return False
    id[0] = at.id
    return True


cdef bint pending_last(StreamGroup* g, StreamId* id) noexcept nogil:
    cdef IdCursor at
    if not id_tree_below(&g.pending, stream_id_of(UINT64_MAX, UINT64_MAX), &at):
        return False
    id[0] = at.id
    return True


cdef void pending_iter(PendingIter* it, StreamGroup* g, StreamConsumer* consumer, StreamId start) noexcept nogil:
    it.group = g
    it.consumer = consumer
    it.tree = &g.pending if consumer == NULL else &consumer.pending
    it.next = start
    it.more = True
    it.fresh = True


cdef bint pending_iter_next(PendingIter* it) noexcept nogil:
    if not it.more:
        return False
    if it.fresh or it.changes != it.tree.changes:
        it.more = id_tree_above(it.tree, it.next, &it.cursor)
        it.changes = it.tree.changes
        it.fresh = False
    else:
        it.more = id_tree_next(&it.cursor)
    if not it.more:
        return False
    it.next = it.cursor.id
    if it.consumer == NULL:
        read_pending(it.group, &it.cursor, &it.pending)
    else:
        pending_find(it.group, it.cursor.id, &it.pending)
    it.more = stream_id_step(&it.next)
    return True


# Groups


cdef StreamGroup* group_new(Slice name) noexcept nogil:
    cdef StreamGroup* g = <StreamGroup*>mem_alloc(sizeof(StreamGroup) + name.len)
    g.last_id = stream_id_of(0, 0)
    g.entries_read = READ_UNKNOWN
    id_tree_init(&g.pending, <int>NUMBERS)
    g.consumers = g.by_number = NULL
    g.count = g.numbers = g.free_number = 0
    g.name_len = <uint32_t>name.len
    if name.len:
        memcpy(g + 1, name.ptr, name.len)
    return g


cdef void free_all_of(StreamGroup* g) noexcept nogil:
    """Frees the group, whose consumers and pending entries are gone."""
    mem_free(g.consumers)
    mem_free(g.by_number)
    mem_free(g)


cdef void group_free(StreamGroup* g) noexcept nogil:
    cdef uint32_t i
    for i in range(g.count):
        id_tree_clear(&g.consumers[i].pending)
        mem_free(g.consumers[i])
    id_tree_clear(&g.pending)
    free_all_of(g)


cdef void cut_leaves(IdTree* t, uint64_t* items) noexcept nogil:
    """Frees leaves for as long as `items` is above 0, which each counts down."""
    while items[0] and t.root != NULL:
        mem_free(id_tree_cut_first(t))
        items[0] -= 1


cdef bint group_free_some(StreamGroup* g, uint64_t* items) noexcept nogil:
    cdef StreamConsumer* c
    cut_leaves(&g.pending, items)
    while items[0] and g.count:
        c = g.consumers[g.count - 1]
        cut_leaves(&c.pending, items)
        if c.pending.root == NULL:
            mem_free(c)
            g.count -= 1
            items[0] -= 1 if items[0] else 0
    if g.count or g.pending.root != NULL:
        return False
    free_all_of(g)
    return True


cdef uint64_t group_free_effort(const StreamGroup* g) noexcept nogil:
    # consumers have the same entries again
    return 1 + g.count + 2 * id_tree_blocks(&g.pending)


cdef StreamGroup* group_copy(const StreamGroup* g) noexcept nogil:
    cdef StreamGroup* copy = group_new(group_name(g))
    cdef const StreamConsumer* c
    cdef StreamConsumer* other
    cdef uint32_t i
    copy.last_id = g.last_id
    copy.entries_read = g.entries_read
    id_tree_copy(&copy.pending, &g.pending)
    copy.numbers = g.numbers
    copy.free_number = g.free_number
    if g.numbers:
        copy.by_number = <StreamConsumer**>mem_zalloc(g.numbers * sizeof(void*))
    if g.count:
        copy.consumers = <StreamConsumer**>mem_alloc(g.count * sizeof(void*))
    for i in range(g.count):
        c = g.consumers[i]
        other = <StreamConsumer*>mem_alloc(sizeof(StreamConsumer) + c.name_len)
        memcpy(other, c, sizeof(StreamConsumer) + c.name_len)
        id_tree_init(&other.pending, 0)
        id_tree_copy(&other.pending, &c.pending)
        copy.consumers[i] = copy.by_number[c.number] = other
    copy.count = g.count
    return copy


cdef size_t group_memory(const StreamGroup* g, uint64_t samples) noexcept nogil:
    cdef size_t total = mem_size(g) + id_tree_memory(&g.pending, samples)
    cdef uint64_t seen = 0
    cdef size_t consumers = 0
    if g.consumers != NULL:
        total += mem_size(g.consumers)
    if g.by_number != NULL:
        total += mem_size(g.by_number)
    while seen < g.count and (samples == 0 or seen < samples):
        consumers += mem_size(g.consumers[seen]) + id_tree_memory(&g.consumers[seen].pending, samples)
        seen += 1
    return total + (<size_t>(<double>consumers / seen * g.count) if seen < g.count else consumers)
