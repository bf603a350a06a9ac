# Keys are sampled, and the best candidates of all samples kept in a small pool, as Redis does; an exact order would cost memory with
# every key.

from libc.math cimport HUGE_VAL, pow
from libc.stdint cimport INT64_MAX, uint64_t
from libc.string cimport memcpy
from zippy._core.ground.buf cimport Slice, slice_equal, slice_of
from zippy._core.ground.clock cimport clock_ticks, clock_ticks_per_us
from zippy._core.ground.mem cimport mem_free, mem_try_alloc
from zippy._core.keyspace.db cimport delete_key
from zippy._core.keyspace.effects cimport notify, propagate_delete, vanished
from zippy._core.keyspace.key_table cimport kt_find, kt_random, kt_random_expiring
from zippy._core.keyspace.lazy_free cimport lazy_free_step, lazy_waits
from zippy._core.keyspace.lru cimport idle_seconds, lfu_counter
from zippy._core.keyspace.types cimport EVICTION_POOL, NOTIFY_EVICTED, Candidate, Db
from zippy._core.values.entry cimport ENTRY_EXPIRY, Entry, entry_expiry, entry_key
from zippy._core.values.settings cimport (
    POLICY_ALLKEYS_LFU, POLICY_ALLKEYS_RANDOM, POLICY_NOEVICTION, POLICY_VOLATILE_LFU, POLICY_VOLATILE_LRU,
    POLICY_VOLATILE_RANDOM, POLICY_VOLATILE_TTL
)

cdef enum:
    FREE_ITEMS = 64           # of deleted large values, freed between two evictions
    LOOK = 8                  # evictions between two looks at the clock


cdef int64_t counted_memory(const Keyspace* ks) noexcept nogil:
    return ks.account.used - ks.memory_overhead


cdef bint is_above(const Keyspace* ks) noexcept nogil:
    return ks.settings.maxmemory > 0 and counted_memory(ks) > ks.settings.maxmemory


cdef double time_limit_us(const Keyspace* ks) noexcept nogil:
    """As Redis has it: up to 0.5 ms at 10, which is the default; from there on 15 % more for each, about two minutes at 99."""
    cdef int64_t tenacity = ks.settings.maxmemory_eviction_tenacity
    if tenacity <= 10:
        return 50.0 * tenacity
    return 500.0 * pow(1.15, tenacity - 10.0) if tenacity < 100 else HUGE_VAL


cdef EvictStatus evict_for(Keyspace* ks, double limit_us) noexcept nogil:
    cdef uint64_t began = clock_ticks()
    cdef uint64_t done = 0
    while is_above(ks):
        if done and done % LOOK == 0 and (clock_ticks() - began) / clock_ticks_per_us() >= limit_us:
            return EVICT_GOES_ON
        # what was deleted already is given back before anything else has to go
        if lazy_waits(ks):
            lazy_free_step(ks, FREE_ITEMS)
        elif ks.settings.maxmemory_policy == POLICY_NOEVICTION or not evict_one(ks):
            return EVICT_FAILED
        done += 1
    return EVICT_ENOUGH


cdef void note_time_above(Keyspace* ks, bint above) noexcept nogil:
    if above and ks.stats.over_limit_since == 0:
        ks.stats.over_limit_since = ks.clock.mono_us
    elif not above and ks.stats.over_limit_since:
        ks.stats.over_limit_us += ks.clock.mono_us - ks.stats.over_limit_since
        ks.stats.over_limit_since = 0


cdef EvictStatus evict_to_limit(Keyspace* ks, bint at_once) noexcept nogil:
    cdef EvictStatus status = evict_for(ks, HUGE_VAL if at_once else time_limit_us(ks))
    note_time_above(ks, status != EVICT_ENOUGH)
    ks.evicting = status == EVICT_GOES_ON
    return status


cdef inline bint only_volatile(const Keyspace* ks) noexcept nogil:
    cdef int64_t policy = ks.settings.maxmemory_policy
    return policy in (POLICY_VOLATILE_LRU, POLICY_VOLATILE_LFU, POLICY_VOLATILE_RANDOM, POLICY_VOLATILE_TTL)


cdef Entry* pick(Keyspace* ks, Db* db) noexcept nogil:
    """A random key that the policy may evict, NULL if the database has none."""
    return kt_random_expiring(&db.table, &ks.random) if only_volatile(ks) else kt_random(&db.table, &ks.random)


cdef bint may_go(const Keyspace* ks, Db* db, Slice key) noexcept nogil:
    """Whether the key is there still, and one that the policy may evict."""
    cdef const Entry* e = kt_find(&db.table, key)
    return e != NULL and (not only_volatile(ks) or e.flags & ENTRY_EXPIRY)


cdef uint64_t badness(Keyspace* ks, const Entry* e) noexcept nogil:
    """How good it is to lose this key: the idle time, the rareness, the nearness of its end."""
    cdef int64_t policy = ks.settings.maxmemory_policy
    if policy == POLICY_ALLKEYS_LFU or policy == POLICY_VOLATILE_LFU:
        return 255 - lfu_counter(ks, e)
    if policy == POLICY_VOLATILE_TTL:
        return <uint64_t>INT64_MAX - <uint64_t>entry_expiry(e)
    return idle_seconds(ks, e)


cdef void free_candidate(Candidate* candidate) noexcept nogil:
    mem_free(<void*>candidate.key.ptr)
    candidate.key = slice_of(NULL, 0)


cdef void offer(Keyspace* ks, Db* db, const Entry* e) noexcept nogil:
    """Puts the entry among the candidates, which are kept from the least to the most dispensable, if it is worse than one of them."""
    cdef Candidate* pool = ks.eviction_pool
    cdef uint64_t score = badness(ks, e)
    cdef Slice key = entry_key(e)
    cdef Candidate fresh
    cdef int place = 0
    cdef int i
    cdef char* copy
    while place < ks.eviction_count and pool[place].score < score:
        place += 1
    for i in range(ks.eviction_count):
        if pool[i].db == db.id and slice_equal(pool[i].key, key):
            return
    if ks.eviction_count == EVICTION_POOL and place == 0:
        return
    copy = <char*>mem_try_alloc(key.len)
    if copy == NULL:
        return
    if ks.eviction_count == EVICTION_POOL:
        free_candidate(&pool[0])
        for i in range(place - 1):
            pool[i] = pool[i + 1]
        place -= 1
    else:
        for i in range(ks.eviction_count - place):
            pool[ks.eviction_count - i] = pool[ks.eviction_count - i - 1]
        ks.eviction_count += 1
    fresh.score = score
    fresh.db = db.id
    fresh.key = slice_of(copy, key.len)
    memcpy(copy, key.ptr, key.len)
    pool[place] = fresh


cdef bint sample(Keyspace* ks) noexcept nogil:
    """Offers some random keys of each database; False when there is none to be had."""
    cdef int i
    cdef int64_t _
    cdef Db* db
    cdef Entry* e
    cdef bint any_key = False
    for i in range(ks.db_count):
        db = ks.dbs[i]
        for _ in range(ks.settings.maxmemory_samples):
            e = pick(ks, db)
            if e == NULL:
                break
            any_key = True
            offer(ks, db, e)
    return any_key


cdef bint evict_best(Keyspace* ks) noexcept nogil:
    """Evicts the most dispensable candidate that still exists."""
    cdef Candidate* best
    cdef Db* db
    cdef bint done = False
    while not done:
        if ks.eviction_count == 0:
            # there may be no memory to remember any
            if not sample(ks) or ks.eviction_count == 0:
                return False
            continue
        best = &ks.eviction_pool[ks.eviction_count - 1]
        db = ks.dbs[best.db]
        if may_go(ks, db, best.key):
            evict_key(ks, db, best.key)
            done = True
        free_candidate(best)
        ks.eviction_count -= 1
    return True


cdef bint evict_random(Keyspace* ks) noexcept nogil:
    cdef int _
    cdef Db* db
    cdef Entry* e
    cdef Slice key
    cdef void* copy
    for _ in range(ks.db_count):
        ks.evict_db = (ks.evict_db + 1) % ks.db_count
        db = ks.dbs[ks.evict_db]
        e = pick(ks, db)
        if e == NULL:
            continue
        key = entry_key(e)
        copy = mem_try_alloc(key.len)
        if copy == NULL:
            return False
        memcpy(copy, key.ptr, key.len)
        evict_key(ks, db, slice_of(<char*>copy, key.len))
        mem_free(copy)
        return True
    return False


cdef bint evict_one(Keyspace* ks) noexcept nogil:
    cdef int64_t policy = ks.settings.maxmemory_policy
    if policy == POLICY_ALLKEYS_RANDOM or policy == POLICY_VOLATILE_RANDOM:
        return evict_random(ks)
    # new samples each time: the pool keeps the best of all that were seen
    return sample(ks) and evict_best(ks)


cdef void evict_key(Keyspace* ks, Db* db, Slice key) noexcept nogil:
    delete_key(db, key)
    ks.stats.evicted += 1
    vanished(db, key)
    notify(db, NOTIFY_EVICTED, b"evicted", key)
    propagate_delete(db, key, ks.settings.lazyfree_lazy_eviction)


cdef void evict_forget(Keyspace* ks) noexcept nogil:
    while ks.eviction_count:
        ks.eviction_count -= 1
        free_candidate(&ks.eviction_pool[ks.eviction_count])
