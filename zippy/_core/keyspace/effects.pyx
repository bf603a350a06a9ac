# What nobody listens to costs a comparison: whether there are watched keys, waiting clients, listeners to events or a recorder is asked
# before anything is made.

from libc.stdint cimport uint64_t
from libc.string cimport memcpy
from zippy._core.ground.buf cimport buf_add, slice_of, slice_text
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport (
    HtIter, ht_find, ht_find_hashed, ht_insert, ht_iter, ht_iter_done, ht_iter_next, ht_remove
)
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_zalloc
from zippy._core.ground.slice cimport copy_bytes
from zippy._core.keyspace.key_table cimport kt_find
from zippy._core.keyspace.lazy_free cimport free_remains
from zippy._core.keyspace.stream cimport stream_request
from zippy._core.keyspace.types cimport (
    EVENT_CHANGED, EVENT_FLUSHED, EVENT_NOTIFICATION, EVENT_VANISHED, NOTIFY_KEYEVENT, NOTIFY_KEYSPACE, EventRecord, WatchNode
)
from zippy._core.values.entry cimport NO_EXPIRY, Entry, entry_expiry


cdef void mutated(Db* db, Slice key, int notify_class, const char* event, int64_t changes) noexcept nogil:
    db.keyspace.dirty += changes
    if db.watched.count | db.waiting.count | db.keyspace.tracking:
        touched(db, key)
    if event != NULL and db.keyspace.settings.notify_keyspace_events & notify_class:
        notify(db, notify_class, event, key)


cdef void mutated_by_removal(Db* db, Slice key, int notify_class, const char* event, int64_t changes) noexcept nogil:
    if db.watched.count:
        touch_watched(db, key)
    if db.keyspace.tracking:
        tell_trackers(db.keyspace, EVENT_CHANGED, key)
    mutated_aside(db, key, notify_class, event, changes)


cdef void mutated_aside(Db* db, Slice key, int notify_class, const char* event, int64_t changes) noexcept nogil:
    db.keyspace.dirty += changes
    if event != NULL:
        notify(db, notify_class, event, key)


cdef void touched(Db* db, Slice key) noexcept nogil:
    touch(db, key, EVENT_CHANGED)


cdef void vanished(Db* db, Slice key) noexcept nogil:
    touch(db, key, EVENT_VANISHED)


cdef inline void touch(Db* db, Slice key, int kind) noexcept nogil:
    if db.watched.count:
        touch_watched(db, key)
    if db.waiting.count:
        wake_waiting(db, key)
    if db.keyspace.tracking:
        tell_trackers(db.keyspace, kind, key)


cdef void tell_trackers(Keyspace* ks, int kind, Slice key) noexcept nogil:
    """Leaves a record for those who track the key, if there may be any."""
    if ks.broadcasting or ht_find(&ks.tracked, key) != NULL:
        append_event(ks, kind, 0, NULL, key)


cdef void flushed(Keyspace* ks) noexcept nogil:
    if ks.tracking:
        append_event(ks, EVENT_FLUSHED, 0, NULL, slice_of(NULL, 0))


cdef void append_event(Keyspace* ks, int kind, int db, const char* event, Slice key) noexcept nogil:
    cdef EventRecord record = EventRecord(event=event, kind=kind, db=db, key_len=key.len)
    cdef char* place = buf_add(&ks.effects.events, sizeof(record) + key.len)
    if place == NULL:
        ks.effects.events_lost = True
        return
    memcpy(place, &record, sizeof(record))
    copy_bytes(place + sizeof(record), key.ptr, key.len)


cdef void notify(Db* db, int notify_class, const char* event, Slice key) noexcept nogil:
    cdef int64_t wanted = db.keyspace.settings.notify_keyspace_events
    if wanted & notify_class and wanted & (NOTIFY_KEYSPACE | NOTIFY_KEYEVENT):
        append_event(db.keyspace, EVENT_NOTIFICATION, db.id, event, key)


cdef void propagate(Db* db, int argc, const Slice* argv) noexcept nogil:
    if db.keyspace.effects.recording and not db.keyspace.loading:
        stream_request(&db.keyspace.effects.stream, db.id, argc, argv)


cdef void propagate_delete(Db* db, Slice key, bint lazy) noexcept nogil:
    cdef Slice[2] argv
    argv[0] = slice_text(b"UNLINK") if lazy else slice_text(b"DEL")
    argv[1] = key
    propagate(db, 2, argv)


cdef void touch_watched(Db* db, Slice key) noexcept nogil:
    cdef WatchedKey* watched = <WatchedKey*>ht_find(&db.watched, key)
    cdef WatchNode* node
    if watched == NULL:
        return
    node = watched.first
    while node != NULL:
        if node.expired and kt_find(&db.table, key) == NULL:
            # it was expired when the watch began, and now it has only been deleted: nothing changed for the watcher
            node.expired = False
        else:
            node.watches.dirty = True
        node = node.next


cdef bint is_being_sent(Db* db, Slice key) noexcept nogil:
    cdef WatchedKey* watched = <WatchedKey*>ht_find(&db.watched, key)
    cdef WatchNode* node = watched.first if watched != NULL else NULL
    while node != NULL:
        if node.watches.sends:
            return True
        node = node.next
    return False


cdef void watched_key_of(const void* item, Slice* key) noexcept nogil:
    key[0] = (<WatchedKey*>item).key


cdef void waiting_key_of(const void* item, Slice* key) noexcept nogil:
    key[0] = (<WaitingKey*>item).key


cdef void watch_of(const void* item, Slice* pair) noexcept nogil:
    pair[0] = slice_of(<const char*>&(<WatchNode*>item).watched, sizeof(WatchedKey*) + sizeof(Watches*))


cdef inline Slice copied_behind(void* struct_end, Slice key) noexcept nogil:
    memcpy(struct_end, key.ptr, key.len)
    return slice_of(<char*>struct_end, key.len)


cdef void watch_key(Db* db, Slice key, Watches* watches, bint expired) noexcept nogil:
    cdef uint64_t hash = hash_bytes(key.ptr, key.len)
    cdef WatchedKey* watched = <WatchedKey*>ht_find_hashed(&db.watched, key, hash)
    cdef WatchNode* node
    cdef WatchNode wanted
    cdef Slice pair
    if watched != NULL:
        wanted.watched = watched
        wanted.watches = watches
        watch_of(&wanted, &pair)
        hash = hash_bytes(pair.ptr, pair.len)
        if watched.alone != NULL and watched.alone.watches == watches or ht_find_hashed(&db.keyspace.watches, pair, hash) != NULL:
            return
    node = <WatchNode*>mem_zalloc(sizeof(WatchNode))
    node.watches = watches
    node.db = db
    node.expired = expired
    if watched == NULL:
        watched = <WatchedKey*>mem_zalloc(sizeof(WatchedKey) + key.len)
        watched.key = copied_behind(watched + 1, key)
        watched.alone = node
        ht_insert(&db.watched, watched, hash)
        node.watched = watched
    else:
        node.watched = watched
        ht_insert(&db.keyspace.watches, node, hash)
    node.next = watched.first
    if watched.first != NULL:
        watched.first.prev = node
    watched.first = node
    node.sibling = watches.first
    watches.first = node
    watches.count += 1


cdef void unwatch(WatchNode* node) noexcept nogil:
    cdef WatchedKey* watched = node.watched
    cdef Slice pair
    if watched.alone == node:
        watched.alone = NULL
    else:
        watch_of(node, &pair)
        ht_remove(&node.db.keyspace.watches, pair)
    if node.prev != NULL:
        node.prev.next = node.next
    else:
        watched.first = node.next
    if node.next != NULL:
        node.next.prev = node.prev
    if watched.first == NULL:
        ht_remove(&node.db.watched, watched.key)
        mem_free(watched)
    mem_free(node)


cdef bint unwatch_some(void* remains, uint64_t items) noexcept nogil:
    cdef Watches* watches = <Watches*>remains
    cdef WatchNode* node = watches.first
    while node != NULL and items:
        watches.first = node.sibling
        unwatch(node)
        node = watches.first
        items -= 1
    if node != NULL:
        return False
    mem_free(watches)
    return True


cdef void unwatch_all(Keyspace* ks, Watches* watches) noexcept nogil:
    # until it is freed, changes of its keys go on being noted in what nobody asks any more
    free_remains(ks, unwatch_some, watches, watches.count, watches.count * (sizeof(WatchNode) + sizeof(WatchedKey)))


cdef inline bint is_over(Db* db, const Entry* e) noexcept nogil:
    return e != NULL and entry_expiry(e) != NO_EXPIRY and entry_expiry(e) < db.keyspace.clock.ms


cdef bint watch_any_expired(const Watches* watches) noexcept nogil:
    cdef const WatchNode* node = watches.first
    while node != NULL:
        if not node.expired and is_over(node.db, kt_find(&node.db.table, node.watched.key)):
            return True
        node = node.sibling
    return False


cdef void touch_all_watched(Db* db, Db* replaced_with) noexcept nogil:
    cdef HtIter it
    cdef WatchedKey* watched
    cdef WatchNode* node
    cdef Entry* now
    cdef bint was_there
    if db.watched.count == 0:
        return
    ht_iter(&it, &db.watched)
    watched = <WatchedKey*>ht_iter_next(&it)
    while watched != NULL:
        was_there = kt_find(&db.table, watched.key) != NULL
        now = kt_find(&replaced_with.table, watched.key) if replaced_with != NULL else NULL
        node = watched.first
        while node != NULL:
            # to the watcher a key whose time was over is absent, before and after
            if (was_there and not node.expired) or (now != NULL and not is_over(db, now)):
                node.watches.dirty = True
            else:
                node.expired = now != NULL
            node = node.next
        watched = <WatchedKey*>ht_iter_next(&it)
    ht_iter_done(&it)


cdef WaitingKey* waiting_at(Db* db, Slice key) noexcept nogil:
    return <WaitingKey*>ht_find(&db.waiting, key)


cdef WaitNode* wait_for_key(Db* db, Slice key, void* client, bint removal, WaitNode* siblings) noexcept nogil:
    cdef uint64_t hash = hash_bytes(key.ptr, key.len)
    cdef WaitingKey* waiting = <WaitingKey*>ht_find_hashed(&db.waiting, key, hash)
    cdef WaitNode* node
    if waiting == NULL:
        waiting = <WaitingKey*>mem_zalloc(sizeof(WaitingKey) + key.len)
        waiting.key = copied_behind(waiting + 1, key)
        ht_insert(&db.waiting, waiting, hash)
    elif waiting.last.client == client:
        # the command names the key twice, and nobody can have come in between
        return siblings
    node = <WaitNode*>mem_zalloc(sizeof(WaitNode))
    node.waiting = waiting
    node.db = db
    node.client = client
    node.removal = removal
    waiting.removals += removal
    join_queue(node)
    node.sibling = siblings
    return node


cdef void join_queue(WaitNode* node) noexcept nogil:
    cdef WaitingKey* waiting = node.waiting
    node.prev = waiting.last
    node.next = NULL
    if waiting.last != NULL:
        waiting.last.next = node
    else:
        waiting.first = node
    waiting.last = node


cdef void leave_queue(WaitNode* node) noexcept nogil:
    cdef WaitingKey* waiting = node.waiting
    if node.prev != NULL:
        node.prev.next = node.next
    else:
        waiting.first = node.next
    if node.next != NULL:
        node.next.prev = node.prev
    else:
        waiting.last = node.prev


cdef void wait_anew(WaitNode* siblings) noexcept nogil:
    while siblings != NULL:
        if siblings.next != NULL:
            leave_queue(siblings)
            join_queue(siblings)
        siblings = siblings.sibling


cdef void stop_waiting(WaitNode* siblings) noexcept nogil:
    cdef WaitNode* node
    cdef WaitingKey* waiting
    while siblings != NULL:
        node = siblings
        siblings = node.sibling
        waiting = node.waiting
        waiting.removals -= node.removal
        leave_queue(node)
        if waiting.first == NULL:
            ht_remove(&node.db.waiting, waiting.key)
            mem_free(waiting)
        mem_free(node)


cdef void wake_waiting(Db* db, Slice key) noexcept nogil:
    cdef WaitingKey* waiting = <WaitingKey*>ht_find(&db.waiting, key)
    if waiting != NULL and not waiting.ready and (waiting.removals or kt_find(&db.table, key) != NULL):
        append_ready(db, waiting)


cdef void append_ready(Db* db, WaitingKey* waiting) noexcept nogil:
    cdef ReadyKey* ready = <ReadyKey*>mem_alloc(sizeof(ReadyKey) + waiting.key.len)
    waiting.ready = True
    ready.next = NULL
    ready.db = db
    ready.key = copied_behind(ready + 1, waiting.key)
    if db.keyspace.effects.ready == NULL:
        db.keyspace.effects.ready = ready
    else:
        db.keyspace.effects.ready_last.next = ready
    db.keyspace.effects.ready_last = ready


cdef void signal_db_ready(Db* db) noexcept nogil:
    cdef HtIter it
    cdef WaitingKey* waiting
    if db.waiting.count == 0:
        return
    ht_iter(&it, &db.waiting)
    waiting = <WaitingKey*>ht_iter_next(&it)
    while waiting != NULL:
        wake_waiting(db, waiting.key)
        waiting = <WaitingKey*>ht_iter_next(&it)
    ht_iter_done(&it)


cdef ReadyKey* next_ready(Keyspace* ks) noexcept nogil:
    cdef ReadyKey* ready = ks.effects.ready
    cdef WaitingKey* waiting
    if ready == NULL:
        return NULL
    ks.effects.ready = ready.next
    if ready.next == NULL:
        ks.effects.ready_last = NULL
    waiting = waiting_at(ready.db, ready.key)
    if waiting != NULL:
        waiting.ready = False
    return ready
