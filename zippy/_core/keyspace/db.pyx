# An expired key is deleted by whoever comes across it, if it may be deleted now; if not, it is absent all the same, and what puts a key
# deletes it before.

from libc.stdint cimport UINT64_MAX
from libc.string cimport memset
from zippy._core.ground.clock cimport clock_refresh
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport Bucket, ht_drain, ht_free, ht_init
from zippy._core.ground.mem cimport mem_alloc, mem_charged, mem_free, mem_zalloc
from zippy._core.ground.random cimport random_seed
from zippy._core.ground.buf cimport buf_free
from zippy._core.keyspace.effects cimport (
    flushed, notify, propagate_delete, signal_db_ready, touch_all_watched, vanished, waiting_key_of, watch_of, watched_key_of
)
from zippy._core.keyspace.key_table cimport (
    KeyIter, KeyTable, kt_count, kt_count_expiring, kt_find_hashed, kt_forget_elements, kt_free, kt_init, kt_insert, kt_iter,
    kt_iter_done, kt_iter_next, kt_prefetch, kt_prefetch_entry, kt_random, kt_remove, kt_replace, kt_set_expiring, kt_shrink, kt_swap,
    kt_take
)
from zippy._core.keyspace.lazy_free cimport free_entry, free_entry_later, free_table, lazy_free_step
from zippy._core.keyspace.libraries cimport libraries_free, libraries_init
from zippy._core.keyspace.live cimport live_end, live_keep_table, live_mark, live_save_first, live_wants
from zippy._core.keyspace.lru cimport access_for_new, access_touched
from zippy._core.keyspace.stream cimport stream_free, stream_init
from zippy._core.keyspace.tracking cimport tracked_free, tracked_key_of
from zippy._core.keyspace.types cimport (
    NOTIFY_EXPIRED, NOTIFY_KEY_MISS, NOTIFY_NEW, NOTIFY_OVERWRITTEN, NOTIFY_TYPE_CHANGED, DeadTable, ReadyKey
)
from zippy._core.values.entry cimport (
    ENTRY_ELEMENTS, ENTRY_EXPIRY, NO_EXPIRY, TYPE_STRING, entry_expiry, entry_key, entry_new_int, entry_new_zeros,
    entry_new_string, entry_new_taken, entry_new_text, entry_set_access, entry_set_expiry, entry_set_int, entry_set_string, entry_set_text,
    entry_string_resize, entry_type
)
from zippy._core.values.value cimport value_free

cdef enum:
    LAZY_KEYS = 64            # flushing more than this is done in steps
    PREFETCH_KEYS = 4096      # fewer keys are in the cache anyhow
    PREFETCH_BYTES = 256      # longer keys are not hashed twice
    RANDOM_TRIES = 100        # expired keys that RANDOMKEY passes over before it gives one back


cdef void keyspace_init(Keyspace* ks, int databases, Settings* settings, uint64_t seed) noexcept nogil:
    cdef int i
    cdef Db* db
    memset(ks, 0, sizeof(Keyspace))
    ks.settings = settings
    ks.account = mem_charged()
    ks.db_count = databases
    ks.dbs = <Db**>mem_alloc(databases * sizeof(Db*))
    for i in range(databases):
        db = <Db*>mem_zalloc(sizeof(Db))
        db.id = i
        db.keyspace = ks
        kt_init(&db.table)
        ht_init(&db.watched, watched_key_of)
        ht_init(&db.waiting, waiting_key_of)
        ks.dbs[i] = db
    ht_init(&ks.watches, watch_of)
    ht_init(&ks.tracked, tracked_key_of)
    stream_init(&ks.effects.stream)
    libraries_init(&ks.libraries)
    random_seed(&ks.random, seed)
    clock_refresh(&ks.clock)


cdef void keyspace_free(Keyspace* ks) noexcept nogil:
    cdef int i
    cdef Db* db
    cdef ReadyKey* ready
    if ks.live != NULL:
        live_end(ks, ks.live)
    for i in range(ks.db_count):
        flush_db(ks.dbs[i], False)
    # watches that have ended are still in the databases
    while not lazy_free_step(ks, 1 << 20):
        pass
    for i in range(ks.db_count):
        db = ks.dbs[i]
        kt_free(&db.table)
        ht_free(&db.watched)
        ht_free(&db.waiting)
        mem_free(db)
    ht_free(&ks.watches)
    libraries_free(&ks.libraries)
    ready = next_ready_unchecked(ks)
    while ready != NULL:
        mem_free(ready)
        ready = next_ready_unchecked(ks)
    mem_free(ks.lazy.queue)
    mem_free(ks.lazy.drained)
    ht_drain(&ks.tracked, UINT64_MAX, tracked_free, NULL)
    stream_free(&ks.effects.stream)
    buf_free(&ks.effects.events)
    mem_free(ks.dbs)


cdef ReadyKey* next_ready_unchecked(Keyspace* ks) noexcept nogil:
    """Takes a ready key out when the databases are gone already."""
    cdef ReadyKey* ready = ks.effects.ready
    if ready != NULL:
        ks.effects.ready = ready.next
    return ready


cdef bint is_expired(Db* db, const Entry* e) noexcept nogil:
    return e.flags & ENTRY_EXPIRY and entry_expiry(e) < db.keyspace.clock.ms and not db.keyspace.loading and not db.keyspace.obeys


cdef bint expire_if_needed(Db* db, Entry* e) noexcept nogil:
    if not is_expired(db, e):
        return False
    if not db.keyspace.replica and not db.keyspace.expiry_paused:
        expire(db, e)
    return True


cdef void expire(Db* db, Entry* e) noexcept nogil:
    cdef Keyspace* ks = db.keyspace
    cdef Slice key = entry_key(e)
    ks.stats.expired += 1
    propagate_delete(db, key, ks.settings.lazyfree_lazy_expire)
    notify(db, NOTIFY_EXPIRED, b"expired", key)
    unlink_entry(db, e)
    # after the entry left the table and before it is freed: the key's bytes are the entry's
    vanished(db, key)
    free_entry(ks, e)


cdef void delete_moved(Db* db, Entry* e) noexcept nogil:
    cdef Keyspace* ks = db.keyspace
    cdef Slice key = entry_key(e)
    propagate_delete(db, key, ks.settings.lazyfree_lazy_server_del)
    ks.dirty += 1
    unlink_entry(db, e)
    vanished(db, key)
    free_entry(ks, e)


cdef void db_prefetch(Db* db, int count, const Slice* words, int step) noexcept nogil:
    cdef uint64_t hashes[PREFETCHED]
    cdef const Bucket* places[PREFETCHED]
    cdef int i
    if kt_count(&db.table) < PREFETCH_KEYS or count < 2:
        return
    if count > PREFETCHED:
        count = PREFETCHED
    for i in range(count):
        places[i] = NULL
        if words[i * step].len <= PREFETCH_BYTES:
            hashes[i] = hash_bytes(words[i * step].ptr, words[i * step].len)
            places[i] = kt_prefetch(&db.table, words[i * step], hashes[i])
    for i in range(count):
        if places[i] != NULL:
            kt_prefetch_entry(places[i], hashes[i])


cdef inline Entry* find_live(Db* db, Slice key) noexcept nogil:
    cdef Entry* e = kt_find_hashed(&db.table, key, hash_bytes(key.ptr, key.len))
    if e != NULL and e.flags & ENTRY_EXPIRY and expire_if_needed(db, e):
        return NULL
    return e


cdef inline void touch_access(Keyspace* ks, Entry* e) noexcept nogil:
    if not ks.no_touch:
        entry_set_access(e, access_touched(ks, e))


cdef inline Entry* find_counted(Db* db, Slice key) noexcept nogil:
    cdef Entry* e = find_live(db, key)
    if e == NULL:
        db.keyspace.stats.misses += 1
        notify(db, NOTIFY_KEY_MISS, b"keymiss", key)
        return NULL
    db.keyspace.stats.hits += 1
    return e


cdef Entry* lookup_quiet(Db* db, Slice key) noexcept nogil:
    return find_counted(db, key)


cdef Entry* lookup_read(Db* db, Slice key) noexcept nogil:
    cdef Entry* e = find_counted(db, key)
    if e != NULL:
        touch_access(db.keyspace, e)
    return e


cdef Entry* lookup_peek(Db* db, Slice key) noexcept nogil:
    return find_live(db, key)


cdef Entry* open_for_write(Db* db, Slice key) noexcept nogil:
    cdef Entry* e = find_live(db, key)
    if e != NULL:
        if live_wants(db.keyspace, e):
            live_save_first(db, e)
        touch_access(db.keyspace, e)
    return e


cdef void open_found(Db* db, Entry* e) noexcept nogil:
    if live_wants(db.keyspace, e):
        live_save_first(db, e)


cdef void insert(Db* db, Entry* e, uint64_t hash) noexcept nogil:
    entry_set_access(e, access_for_new(db.keyspace))
    live_mark(db.keyspace, e)
    kt_insert(&db.table, e, hash)


cdef void expire_left(Db* db, Slice key, uint64_t hash) noexcept nogil:
    """Deletes the expired entry that was left under a key, if there is one. A write is about to be told, so its end may be told, too."""
    cdef Entry* old = kt_find_hashed(&db.table, key, hash)
    if old != NULL:
        expire(db, old)


cdef void put_new(Db* db, Entry* e) noexcept nogil:
    cdef Slice key = entry_key(e)
    cdef uint64_t hash = hash_bytes(key.ptr, key.len)
    if db.keyspace.replica | db.keyspace.expiry_paused:
        expire_left(db, key, hash)
    assert kt_find_hashed(&db.table, key, hash) == NULL
    insert(db, e, hash)
    notify(db, NOTIFY_NEW, b"new", key)


cdef void put_over(Db* db, Entry* e) noexcept nogil:
    cdef Slice key = entry_key(e)
    cdef uint64_t hash = hash_bytes(key.ptr, key.len)
    cdef Entry* old = kt_find_hashed(&db.table, key, hash)
    cdef int old_type
    if old != NULL and is_expired(db, old):
        expire(db, old)
        old = NULL
    if old == NULL:
        put_new(db, e)
        return
    old_type = entry_type(old)
    unlink_hashed(db, old, hash)
    insert(db, e, hash)
    notify_overwritten(db, key, old_type, entry_type(e))
    free_entry(db.keyspace, old)


cdef inline void notify_overwritten(Db* db, Slice key, int old_type, int new_type) noexcept nogil:
    if not db.keyspace.settings.notify_keyspace_events & (NOTIFY_OVERWRITTEN | NOTIFY_TYPE_CHANGED):
        return
    notify(db, NOTIFY_OVERWRITTEN, b"overwritten", key)
    if old_type != new_type:
        notify(db, NOTIFY_TYPE_CHANGED, b"type_changed", key)


cdef void unlink_hashed(Db* db, Entry* e, uint64_t hash) noexcept nogil:
    if live_wants(db.keyspace, e):
        live_save_first(db, e)
    kt_remove(&db.table, e, hash)


cdef void unlink_entry(Db* db, Entry* e) noexcept nogil:
    cdef Slice key = entry_key(e)
    unlink_hashed(db, e, hash_bytes(key.ptr, key.len))


cdef bint delete_key(Db* db, Slice key) noexcept nogil:
    cdef Entry* e = detach(db, key)
    if e == NULL:
        return False
    free_entry(db.keyspace, e)
    return True


cdef Entry* detach(Db* db, Slice key) noexcept nogil:
    cdef uint64_t hash = hash_bytes(key.ptr, key.len)
    cdef Entry* e = kt_find_hashed(&db.table, key, hash)
    if e != NULL:
        unlink_hashed(db, e, hash)
    return e


cdef inline bint has_expiry(const Entry* e) noexcept nogil:
    return (e.flags & ENTRY_EXPIRY) != 0


cdef inline void moved(Db* db, Entry* old, bint had_expiry, Entry* e) noexcept nogil:
    """Tells the tables that the entry `old` (perhaps freed already) is at `e` now."""
    live_mark(db.keyspace, e)
    if old != e or had_expiry != has_expiry(e):
        tell_tables(db, old, had_expiry, e)


cdef void tell_tables(Db* db, Entry* old, bint had_expiry, Entry* e) noexcept nogil:
    cdef Slice key = entry_key(e)
    cdef uint64_t hash = hash_bytes(key.ptr, key.len)
    if old != e:
        kt_replace(&db.table, old, e, hash, had_expiry)
    if had_expiry != has_expiry(e):
        kt_set_expiring(&db.table, e, hash, has_expiry(e))


cdef Entry* db_set_expiry(Db* db, Entry* e, int64_t expiry) noexcept nogil:
    cdef bint had = has_expiry(e)
    cdef Entry* fresh = entry_set_expiry(e, expiry)
    moved(db, e, had, fresh)
    return fresh


cdef Entry* db_put_string(Db* db, Entry* old, Slice key, Slice value, int64_t expiry) noexcept nogil:
    cdef Entry* fresh
    if old == NULL or entry_type(old) != TYPE_STRING or has_expiry(old) != (expiry != NO_EXPIRY):
        return put_in_place_of(db, old, entry_new_string(key, value, expiry))
    fresh = entry_set_string(old, value)
    if fresh == NULL:
        return NULL
    if expiry != NO_EXPIRY:
        entry_set_expiry(fresh, expiry)
    moved(db, old, expiry != NO_EXPIRY, fresh)
    entry_set_access(fresh, access_for_new(db.keyspace))
    notify_overwritten(db, key, TYPE_STRING, TYPE_STRING)
    return fresh


cdef Entry* db_put_zeros(Db* db, Slice key, size_t len, char** data) noexcept nogil:
    return put_in_place_of(db, NULL, entry_new_zeros(key, len, NO_EXPIRY, data))


cdef Entry* put_in_place_of(Db* db, Entry* old, Entry* fresh) noexcept nogil:
    """Puts an entry under its key, where `old` is or nothing (NULL); fresh may be NULL."""
    if fresh != NULL and replace(db, old, fresh):
        free_entry(db.keyspace, old)
    return fresh


cdef Entry* put_and_free_later(Db* db, Entry* old, Entry* fresh) noexcept nogil:
    """put_in_place_of that leaves the bytes of `old` where they are until the command has ended."""
    if fresh != NULL and replace(db, old, fresh):
        free_entry_later(db.keyspace, old)
    return fresh


cdef bint replace(Db* db, Entry* old, Entry* fresh) noexcept nogil:
    """True: `old` was there, and is to be freed."""
    if old == NULL:
        put_new(db, fresh)
        return False
    if old.flags & ENTRY_ELEMENTS:
        kt_forget_elements(&db.table, old)
    moved(db, old, has_expiry(old), fresh)
    entry_set_access(fresh, access_for_new(db.keyspace))
    notify_overwritten(db, entry_key(fresh), entry_type(old), entry_type(fresh))
    return True


cdef Entry* db_put_taken(Db* db, Entry* old, Slice key, void* block, size_t len, int64_t expiry) noexcept nogil:
    return put_and_free_later(db, old, entry_new_taken(key, block, len, expiry))


cdef Entry* db_put_string_beside(Db* db, Entry* old, Slice key, Slice value, int64_t expiry) noexcept nogil:
    return put_and_free_later(db, old, entry_new_string(key, value, expiry))


cdef Entry* db_put_int(Db* db, Entry* old, Slice key, int64_t n) noexcept nogil:
    cdef bint had
    cdef Entry* fresh
    if old == NULL:
        return put_in_place_of(db, NULL, entry_new_int(key, n, NO_EXPIRY))
    had = has_expiry(old)
    fresh = entry_set_int(old, n)
    if fresh != NULL:
        moved(db, old, had, fresh)
    return fresh


cdef Entry* db_put_text(Db* db, Entry* old, Slice key, Slice value) noexcept nogil:
    cdef bint had
    cdef Entry* fresh
    if old == NULL:
        return put_in_place_of(db, NULL, entry_new_text(key, value, NO_EXPIRY))
    had = has_expiry(old)
    fresh = entry_set_text(old, value)
    if fresh != NULL:
        moved(db, old, had, fresh)
    return fresh


cdef Entry* db_resize_string(Db* db, Entry* e, size_t len, char** data) noexcept nogil:
    cdef bint had = has_expiry(e)
    cdef Entry* fresh = entry_string_resize(e, len, data)
    if fresh != NULL:
        moved(db, e, had, fresh)
    return fresh


cdef void free_table_entries(Keyspace* ks, KeyTable* table, bint lazy) noexcept nogil:
    cdef KeyIter it
    cdef Entry* e
    kt_iter(&it, table)
    e = kt_iter_next(&it)
    while e != NULL:
        if lazy:
            free_entry(ks, e)
        else:
            value_free(e)
        e = kt_iter_next(&it)
    kt_iter_done(&it)


cdef size_t estimated_bytes(const Db* db) noexcept nogil:
    """What the keys of a database hold, as if all databases' keys were of one size."""
    cdef const Keyspace* ks = db.keyspace
    cdef size_t used = <size_t>ks.account.used
    cdef size_t bytes = used - ks.lazy.bytes if used > ks.lazy.bytes else 0
    cdef uint64_t keys = 0
    cdef int i
    for i in range(ks.db_count):
        keys += kt_count(&ks.dbs[i].table)
    return <size_t>(<double>bytes / keys * kt_count(&db.table)) if keys else 0


cdef uint64_t flush_db(Db* db, bint lazy) noexcept nogil:
    cdef Keyspace* ks = db.keyspace
    cdef uint64_t removed = kt_count(&db.table)
    cdef uint64_t freed
    cdef DeadTable* dead
    touch_all_watched(db, NULL)
    if db.keyspace.live != NULL and removed:
        live_keep_table(db, estimated_bytes(db))
    elif lazy and removed > LAZY_KEYS:
        dead = <DeadTable*>mem_zalloc(sizeof(DeadTable))
        dead.bytes = estimated_bytes(db)
        kt_take(&dead.table, &db.table)
        free_table(ks, dead)
    else:
        freed = ks.stats.lazyfreed
        free_table_entries(ks, &db.table, lazy)
        if lazy:
            ks.stats.lazyfreed = freed + removed
        kt_free(&db.table)
    db.avg_ttl = 0
    db.expire_cursor = 0
    signal_db_ready(db)
    return removed


cdef void shrink_tables(Keyspace* ks, uint64_t steps) noexcept nogil:
    cdef int i
    for i in range(ks.db_count):
        kt_shrink(&ks.dbs[i].table, steps)


cdef void swap_dbs(Keyspace* ks, int a, int b) noexcept nogil:
    cdef Db* left = ks.dbs[a]
    cdef Db* right = ks.dbs[b]
    if a == b:
        return
    touch_all_watched(left, right)
    touch_all_watched(right, left)
    # Redis leaves it at that: what clients have in their caches would be the other database's for ever
    flushed(ks)
    kt_swap(&left.table, &right.table)
    left.avg_ttl, right.avg_ttl = right.avg_ttl, left.avg_ttl
    left.expire_cursor, right.expire_cursor = right.expire_cursor, left.expire_cursor
    left.saved_as, right.saved_as = right.saved_as, left.saved_as
    signal_db_ready(left)
    signal_db_ready(right)


cdef Entry* random_key(Db* db) noexcept nogil:
    cdef KeyTable* t = &db.table
    cdef Entry* e
    cdef int tries = 0
    while True:
        e = kt_random(t, &db.keyspace.random)
        if e == NULL:
            return NULL
        if not e.flags & ENTRY_EXPIRY:
            return e
        tries += 1
        if kt_count_expiring(t) == kt_count(t) and tries > RANDOM_TRIES and (db.keyspace.replica or db.keyspace.expiry_paused):
            # nothing may be deleted here and everything may be expired: an expired key beats no answer at all
            return e
        if not expire_if_needed(db, e):
            return e
