# Sizes are counted by a walk when somebody asks, so that no command pays for a figure that is looked at once a day.

from libc.string cimport memset
from zippy._core.ground.clock cimport clock_ticks, clock_ticks_per_us
from zippy._core.ground.slice cimport prefetch
from zippy._core.keyspace.key_table cimport kt_count, kt_scan
from zippy._core.keyspace.types cimport Db
from zippy._core.values.entry cimport Entry, entry_type
from zippy._core.values.value cimport value_length

cdef extern from *:
    int leading_zeros "__builtin_clzll"(unsigned long long n) noexcept nogil

cdef enum:
    BUCKETS = 16                 # scan steps between two looks at the clock


cdef inline int bin_of(uint64_t length) noexcept nogil:
    return 64 - leading_zeros(length) if length else 0


cdef void count_fetched(SizeWalk* w) noexcept nogil:
    cdef const Entry* entry
    cdef int i
    for i in range(w.fetched_count):
        entry = w.fetched[i]
        if entry_type(entry) < SIZED_TYPES:
            w.counts[entry_type(entry)][bin_of(value_length(entry))] += 1
    w.fetched_count = 0


cdef void fetch_entry(void* context, void* item) noexcept nogil:
    cdef SizeWalk* w = <SizeWalk*>context
    if w.fetched_count == SIZED_TOGETHER:
        count_fetched(w)
    prefetch(item)
    w.fetched[w.fetched_count] = <const Entry*>item
    w.fetched_count += 1


cdef bint size_walk_step(SizeWalk* w, Keyspace* ks, int64_t budget_us) noexcept nogil:
    cdef Db* db = ks.dbs[w.db]
    cdef uint64_t began = clock_ticks()
    cdef int steps = 0
    while kt_count(&db.table):
        w.cursor = kt_scan(&db.table, w.cursor, fetch_entry, w)
        if w.cursor == 0:
            break
        steps += 1
        if steps % BUCKETS == 0 and (clock_ticks() - began) / clock_ticks_per_us() > budget_us:
            count_fetched(w)
            return False
    count_fetched(w)
    return True


cdef void size_walk_next_db(SizeWalk* w) noexcept nogil:
    w.db += 1
    w.cursor = 0
    memset(w.counts, 0, sizeof(w.counts))
