# The queue holds whole entries, tables and remains; a step frees a bounded number of items of the first. What is small is freed at once, as
# queueing would cost as much.

from libc.string cimport memmove
from zippy._core.ground.clock cimport clock_ticks, clock_ticks_per_us
from zippy._core.ground.mem cimport mem_free, mem_realloc
from zippy._core.keyspace.key_table cimport KeyTable, kt_count, kt_drain
from zippy._core.keyspace.types cimport LazyFree, LazyItem
from zippy._core.values.entry cimport TYPE_STRING, entry_free_block, entry_string_length, entry_type
from zippy._core.values.value cimport value_free, value_free_effort, value_free_some, value_memory

cdef enum:
    LAZY_EFFORT = 64          # blocks: freeing more than this is done in steps
    SHORT_STRING = 4 << 20    # bytes that are given back at once
    SAMPLES = 5               # elements of a value looked at to tell what it holds
    LOOK = 16                 # items between two looks at the clock: large blocks take some 10 us each


cdef LazyItem* append(LazyFree* lazy) noexcept nogil:
    """A place at the end of the queue."""
    if lazy.end == lazy.cap:
        if lazy.first > lazy.cap // 2:
            lazy.end -= lazy.first
            memmove(lazy.queue, lazy.queue + lazy.first, lazy.end * sizeof(LazyItem))
            lazy.first = 0
        else:
            lazy.cap = lazy.cap * 2 if lazy.cap else 16
            lazy.queue = <LazyItem*>mem_realloc(lazy.queue, lazy.cap * sizeof(LazyItem))
    lazy.end += 1
    return &lazy.queue[lazy.end - 1]


cdef void put(LazyFree* lazy, LazyItem item) noexcept nogil:
    append(lazy)[0] = item
    lazy.bytes += item.bytes


cdef inline bint free_small(Entry* e) noexcept nogil:
    """Frees what is cheap to free; False when it is not."""
    if entry_type(e) == TYPE_STRING:
        if entry_string_length(e) > SHORT_STRING:
            return False
        entry_free_block(e)
        return True
    if value_free_effort(e) <= LAZY_EFFORT:
        value_free(e)
        return True
    return False


cdef void free_entry(Keyspace* ks, Entry* e) noexcept nogil:
    if not free_small(e):
        free_entry_later(ks, e)


cdef void free_entry_later(Keyspace* ks, Entry* e) noexcept nogil:
    put(&ks.lazy, LazyItem(e, NULL, NULL, NULL, value_memory(e, SAMPLES)))
    ks.stats.lazyfreed += 1


cdef void free_table(Keyspace* ks, DeadTable* table) noexcept nogil:
    put(&ks.lazy, LazyItem(NULL, table, NULL, NULL, table.bytes))
    ks.stats.lazyfreed += kt_count(&table.table)


cdef void free_remains(Keyspace* ks, remains_fn free_some, void* remains, uint64_t items, size_t bytes) noexcept nogil:
    if items > LAZY_EFFORT:
        put(&ks.lazy, LazyItem(NULL, NULL, remains, free_some, bytes))
        return
    while not free_some(remains, LAZY_EFFORT):
        pass


cdef void free_drained(void* context, void* item) noexcept nogil:
    cdef LazyFree* lazy = <LazyFree*>context
    if free_small(<Entry*>item):
        return
    if lazy.drained_count == lazy.drained_cap:
        lazy.drained_cap = lazy.drained_cap * 2 if lazy.drained_cap else 16
        lazy.drained = <Entry**>mem_realloc(lazy.drained, lazy.drained_cap * sizeof(Entry*))
    lazy.drained[lazy.drained_count] = <Entry*>item
    lazy.drained_count += 1


cdef bint table_free_some(LazyFree* lazy, LazyItem* item, uint64_t items) noexcept nogil:
    cdef KeyTable* table = &item.table.table
    cdef uint64_t count = kt_count(table)
    cdef size_t gone
    if lazy.drained_count:
        if value_free_some(lazy.drained[lazy.drained_count - 1], items):
            lazy.drained_count -= 1
        return False
    if kt_drain(table, items, free_drained, lazy) and lazy.drained_count == 0:
        mem_free(item.table)
        return True
    if count:
        gone = <size_t>(<double>item.bytes / count * (count - kt_count(table)))
        item.bytes -= gone
        lazy.bytes -= gone
    return False


cdef bint item_free_some(LazyFree* lazy, LazyItem* item, uint64_t items) noexcept nogil:
    if item.entry != NULL:
        return value_free_some(item.entry, items)
    if item.table != NULL:
        return table_free_some(lazy, item, items)
    return item.free_some(item.remains, items)


cdef bint lazy_free_step(Keyspace* ks, uint64_t items) noexcept nogil:
    cdef LazyFree* lazy = &ks.lazy
    cdef LazyItem* item
    if not lazy_waits(ks):
        return True
    item = &lazy.queue[lazy.first]
    if not item_free_some(lazy, item, items):
        return False
    lazy.bytes -= item.bytes
    lazy.freed += 1
    lazy.first += 1
    if lazy.first == lazy.end:
        lazy.first = lazy.end = 0
    return False


cdef bint lazy_free_for(Keyspace* ks, uint64_t items, int64_t budget_us) noexcept nogil:
    cdef uint64_t began = clock_ticks()
    cdef uint64_t done = 0
    while not lazy_free_step(ks, LOOK):
        done += LOOK
        if done >= items or (clock_ticks() - began) / clock_ticks_per_us() >= budget_us:
            return False
    return True


cdef uint64_t lazy_free_pending(const Keyspace* ks) noexcept nogil:
    cdef const LazyFree* lazy = &ks.lazy
    cdef uint64_t pending = lazy.drained_count
    cdef size_t i
    for i in range(lazy.first, lazy.end):
        pending += lazy.queue[i].entry != NULL
        if lazy.queue[i].table != NULL:
            pending += kt_count(&lazy.queue[i].table.table)
    return pending
