"""A pass scans all keys once and moves each entry that lies in a sparse slab; the allocator puts it into the fullest one that has room.

After nine of ten keys were deleted, every page still holds some of the rest, so nothing but moving helps. What an entry points to stays
where it is: small values, the many, are in the entry. A pass that leaves much sparse (large collections) would bring no more if repeated,
so the next one waits until a quarter more is sparse.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy
from zippy._core.ground.clock cimport clock_ticks, clock_ticks_per_us
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_is_sparse, mem_resident, mem_size, mem_sparse_bytes
from zippy._core.keyspace.key_table cimport kt_replace, kt_scan
from zippy._core.keyspace.types cimport Db, Keyspace
from zippy._core.values.entry cimport ENTRY_EXPIRY, Entry, entry_key

cdef enum:
    LEAST_BYTES = 1 << 20     # less than so much in sparse slabs is left alone
    SHARE = 8                 # and so is less than one in so many of the resident bytes
    BUCKETS = 16              # scan steps between two looks at the clock


cdef void move(void* context, void* item) noexcept nogil:
    cdef Db* db = <Db*>context
    cdef Entry* e = <Entry*>item
    cdef Entry* fresh
    cdef Slice key
    cdef uint64_t hash
    if not mem_is_sparse(e):
        return
    fresh = <Entry*>mem_alloc(mem_size(e))
    memcpy(fresh, e, mem_size(e))
    key = entry_key(fresh)
    hash = hash_bytes(key.ptr, key.len)
    kt_replace(&db.table, e, fresh, hash, fresh.flags & ENTRY_EXPIRY)
    mem_free(e)


cdef bint is_worth_it(const Keyspace* ks) noexcept nogil:
    cdef size_t sparse = mem_sparse_bytes()
    return sparse > LEAST_BYTES and sparse > mem_resident() // SHARE and sparse > ks.compact_above


cdef bint compact_step(Keyspace* ks, int64_t budget_us) noexcept nogil:
    cdef uint64_t began = clock_ticks()
    cdef uint64_t steps = 0
    cdef Db* db
    if not ks.compacting and not is_worth_it(ks):
        return False
    ks.compacting = True
    while ks.compact_db < ks.db_count:
        db = ks.dbs[ks.compact_db]
        ks.compact_cursor = kt_scan(&db.table, ks.compact_cursor, move, db)
        ks.compact_db += ks.compact_cursor == 0
        steps += 1
        if steps % BUCKETS == 0 and (clock_ticks() - began) / clock_ticks_per_us() > budget_us:
            return True
    ks.compacting = False
    ks.compact_db = 0
    ks.compact_above = mem_sparse_bytes() + mem_sparse_bytes() // 4
    return False
