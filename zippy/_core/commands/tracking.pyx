# Reads are remembered when a call ends, by the keys that `command_keys` finds; writes leave records among the effects, which name keys and
# no clients. Who changed a key itself is told after its reply, who broadcasts at the end of the turn, everybody else at once.
#
# What is not there is never missed: where there is no memory to remember a key, or that it changed, clients are told that nothing holds.

from libc.stddef cimport size_t
from libc.stdint cimport int64_t
from libc.stdlib cimport qsort
from libc.string cimport memcpy
from zippy._core.ground.buf cimport (
    Buf, buf_add, buf_clear, buf_free, buf_init, slice_compare, slice_equal, slice_of
)
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport (
    HashTable, ht_drain, ht_find, ht_find_hashed, ht_free, ht_init, ht_insert, ht_memory, ht_random, ht_remove_hashed, ht_replace
)
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_realloc, mem_try_alloc
from zippy._core.ground.slice cimport copy_bytes
from zippy._core.keyspace.lazy_free cimport free_remains
from zippy._core.keyspace.tracking cimport (
    tracked_free, tracked_grow, tracked_ids, tracked_insert, tracked_is_full, tracked_key, tracked_key_of, tracked_new, tracked_place
)
from zippy._core.keyspace.types cimport EVENT_FLUSHED, EVENT_VANISHED, TrackedKey
from zippy._core.commands.channels cimport (
    channel_key_of, drop_subscription, outermost_client, push_reply, push_written, subscribe
)
from zippy._core.commands.client_ids cimport client_by_id
from zippy._core.commands.keys cimport command_keys
from zippy._core.commands.types cimport (
    CLIENT_CLOSING, CLIENT_MULTI, CLIENT_WAITS, CMD_NOSCRIPT, CMD_READONLY, TRACKING_BROADCAST, TRACKING_BROKEN, TRACKING_CACHING,
    TRACKING_KNOWN, TRACKING_NOLOOP, TRACKING_ON, TRACKING_OPTIN, TRACKING_OPTOUT, Channel, KeyRef, PrefixLength
)
from zippy._core.resp.writer cimport (
    Reply, reply_array, reply_bulk, reply_bulk_text, reply_free, reply_init, reply_int, reply_null, reply_push, reply_raw
)

cdef enum:
    KEYS_AT_HAND = 32            # keys of a command for which the stack has room
    TRIM_PER_KEY = 4             # keys above the limit that are forgotten for each one that is remembered: so a lower limit is reached

cdef enum TrackingState:
    # what a client is told of
    STATE_READS = TRACKING_ON | TRACKING_BROADCAST


cdef struct OwnRecord:
    # in Tracking.own; the key's bytes follow it
    size_t key_len
    bint all                     # no key: nothing holds


cdef struct WriteRecord:
    # in Tracking.writes; the key's bytes follow it
    uint64_t writer              # the client that changed it, 0: none
    size_t prefix_len            # of the prefix, which is at the key's front
    size_t key_len
    size_t order                 # how many came before it


cdef struct DeadKeys:
    HashTable table              # TrackedKeys that are of no use any more


cdef inline Slice written_key(const WriteRecord* w) noexcept nogil:
    return slice_of(<const char*>(w + 1), w.key_len)


cdef inline Slice written_prefix(const WriteRecord* w) noexcept nogil:
    return slice_of(<const char*>(w + 1), w.prefix_len)


cdef inline bint remembers(const Client* c) noexcept nogil:
    """Whether the client is told of what it has read."""
    return c.tracking & STATE_READS == TRACKING_ON


cdef void tracking_init(Tracking* t) noexcept nogil:
    ht_init(&t.prefixes, channel_key_of)
    buf_init(&t.writes)
    buf_init(&t.own)


cdef void tracking_free(Tracking* t) noexcept nogil:
    ht_free(&t.prefixes)
    buf_free(&t.writes)
    buf_free(&t.own)
    mem_free(t.lengths)


# Who tracks


cdef void note_length(Tracking* t, size_t length) noexcept nogil:
    """There is one prefix more of this length."""
    cdef size_t at = 0
    cdef size_t i
    while at < t.length_count and t.lengths[at].length < length:
        at += 1
    if at < t.length_count and t.lengths[at].length == length:
        t.lengths[at].count += 1
        return
    if t.length_count == t.length_cap:
        t.length_cap = t.length_cap * 2 if t.length_cap else 4
        t.lengths = <PrefixLength*>mem_realloc(t.lengths, t.length_cap * sizeof(PrefixLength))
    for i in range(t.length_count - at):
        t.lengths[t.length_count - i] = t.lengths[t.length_count - i - 1]
    t.lengths[at] = PrefixLength(length, 1)
    t.length_count += 1


cdef void forget_length(Tracking* t, size_t length) noexcept nogil:
    """There is one prefix less of this length."""
    cdef size_t at = 0
    while t.lengths[at].length != length:
        at += 1
    t.lengths[at].count -= 1
    if t.lengths[at].count == 0:
        t.length_count -= 1
        while at < t.length_count:
            t.lengths[at] = t.lengths[at + 1]
            at += 1


cdef void join_prefix(Engine* e, Client* c, Slice prefix) noexcept nogil:
    cdef uint64_t before = e.tracking.prefixes.count
    subscribe(&e.tracking.prefixes, &c.prefixes, c, prefix)
    if e.tracking.prefixes.count != before:
        note_length(&e.tracking, prefix.len)
        e.tracking.knows_prefixes = False
    e.ks.broadcasting = True


cdef void leave_prefixes(Engine* e, Client* c) noexcept nogil:
    cdef uint64_t before
    cdef size_t length
    while c.prefixes.first != NULL:
        before = e.tracking.prefixes.count
        length = c.prefixes.first.channel.name.len
        drop_subscription(&e.tracking.prefixes, &c.prefixes, c.prefixes.first)
        if e.tracking.prefixes.count != before:
            forget_length(&e.tracking, length)
    e.ks.broadcasting = e.tracking.prefixes.count != 0


cdef void start_tracking(Engine* e, Client* c, uint32_t flags, uint64_t redirect, int count, const Slice* prefixes) noexcept nogil:
    cdef int i
    e.tracking.readers -= remembers(c)
    e.tracking.clients += not c.tracking & TRACKING_ON
    e.tracking.known += not c.tracking & TRACKING_KNOWN
    c.tracking = c.tracking & TRACKING_CACHING | TRACKING_KNOWN | TRACKING_ON | flags
    c.redirect = redirect
    e.tracking.readers += remembers(c)
    e.ks.tracking = True
    if flags & TRACKING_BROADCAST and count == 0:
        join_prefix(e, c, slice_of(b"", 0))
    for i in range(count):
        join_prefix(e, c, prefixes[i])


cdef void stop_tracking(Engine* e, Client* c) noexcept nogil:
    if not c.tracking & TRACKING_ON:
        return
    e.tracking.clients -= 1
    e.tracking.readers -= remembers(c)
    c.tracking &= TRACKING_KNOWN
    c.redirect = 0
    leave_prefixes(e, c)


cdef void forget_tracking(Engine* e, Client* c) noexcept nogil:
    if not c.tracking & TRACKING_KNOWN:
        return
    e.tracking.known -= 1
    if e.tracking.known == 0:
        # no id in the table is that of a client that is there
        e.ks.tracking = False
        drop_tracked(e)


# What was read


cdef bint drain_some(void* remains, uint64_t items) noexcept nogil:
    cdef DeadKeys* dead = <DeadKeys*>remains
    if not ht_drain(&dead.table, items, tracked_free, NULL):
        return False
    mem_free(dead)
    return True


cdef void drop_tracked(Engine* e) noexcept nogil:
    """Forgets all keys; frees them in steps where there are many."""
    cdef DeadKeys* dead = <DeadKeys*>mem_alloc(sizeof(DeadKeys))
    cdef uint64_t count = e.ks.tracked.count
    dead.table = e.ks.tracked
    ht_init(&e.ks.tracked, tracked_key_of)
    free_remains(
        &e.ks, drain_some, dead, count, ht_memory(&dead.table) + count * sizeof(TrackedKey) + e.tracking.items * sizeof(uint64_t)
    )
    e.tracking.items = 0


cdef void drop_gone(Engine* e, TrackedKey* t) noexcept nogil:
    """Takes the ids out of clients that are gone. Who stopped tracking may begin again, and is told then as in Redis."""
    cdef uint64_t* ids = tracked_ids(t)
    cdef uint32_t kept = 0
    cdef uint32_t i
    for i in range(t.count):
        if client_by_id(e, ids[i]) != NULL:
            ids[kept] = ids[i]
            kept += 1
    e.tracking.items -= t.count - kept
    t.count = kept


cdef bint add_reader(Engine* e, TrackedKey* t, uint64_t hash, uint64_t id) noexcept nogil:
    """Adds a client to those who have read the key; False: out of memory."""
    cdef uint32_t place = tracked_place(t, id)
    cdef TrackedKey* larger
    if place < t.count and tracked_ids(t)[place] == id:
        return True
    if tracked_is_full(t):
        # connections come and go: who is gone makes room before more of it is taken
        drop_gone(e, t)
        place = tracked_place(t, id)
        if tracked_is_full(t):
            larger = tracked_grow(t)
            if larger == NULL:
                return False
            if larger != t:
                ht_replace(&e.ks.tracked, t, larger, hash)
            t = larger
    tracked_insert(t, place, id)
    e.tracking.items += 1
    return True


cdef bint remember_key(Engine* e, const Client* c, Slice key) noexcept nogil:
    """Notes that the client has read a key; False: out of memory."""
    cdef uint64_t hash = hash_bytes(key.ptr, key.len)
    cdef TrackedKey* t = <TrackedKey*>ht_find_hashed(&e.ks.tracked, key, hash)
    if t != NULL:
        return add_reader(e, t, hash, c.id)
    t = tracked_new(key, c.id)
    if t == NULL:
        return False
    ht_insert(&e.ks.tracked, t, hash)
    e.tracking.items += 1
    trim_tracked(e, TRIM_PER_KEY)
    return True


cdef bint remember_keys(Engine* e, const Client* c, const Call* call) noexcept nogil:
    """Notes the keys of a command that the client ran; False: out of memory, and not all of them are noted."""
    cdef KeyRef at_hand[KEYS_AT_HAND]
    cdef int count
    cdef KeyRef* keys = keys_of(call, at_hand, &count)
    cdef bint done = keys != NULL
    cdef int i
    for i in range(count):
        done = done and remember_key(e, c, call.argv[keys[i].place])
    if keys != at_hand:
        mem_free(keys)
    return done


cdef KeyRef* keys_of(const Call* call, KeyRef* at_hand, int* count) noexcept nogil:
    """The keys of a command: at hand if these have room for them, else owned by the caller. NULL, and a count of 0: out of memory."""
    cdef KeyRef* keys = at_hand
    count[0] = command_keys(call.command, call.argc, call.argv, at_hand, KEYS_AT_HAND)
    if count[0] > KEYS_AT_HAND:
        keys = <KeyRef*>mem_try_alloc(count[0] * sizeof(KeyRef))
        if keys == NULL:
            count[0] = 0
        else:
            command_keys(call.command, call.argc, call.argv, keys, count[0])
    return keys


cdef bint names_key(const Call* call, Slice key) noexcept nogil:
    """Whether the key is one of a command's, if there is memory to tell."""
    cdef KeyRef at_hand[KEYS_AT_HAND]
    cdef int count
    cdef KeyRef* keys = keys_of(call, at_hand, &count)
    cdef bint found = False
    cdef int i
    for i in range(count):
        found = found or slice_equal(call.argv[keys[i].place], key)
    if keys != at_hand:
        mem_free(keys)
    return found


cdef void remember_reads(Engine* e, const Call* call) noexcept nogil:
    cdef Client* c = outermost_client(e)
    cdef bint given = c.tracking & TRACKING_CACHING != 0
    if not remembers(c):
        return
    # what a script runs is remembered, not what is named to it
    if call.command.flags & (CMD_READONLY | CMD_NOSCRIPT) == CMD_READONLY:
        if not (c.tracking & TRACKING_OPTIN and not given or c.tracking & TRACKING_OPTOUT and given):
            if not remember_keys(e, c, call):
                note_own(e, slice_of(NULL, 0), True)
    if given and call.parent == NULL and not c.flags & CLIENT_WAITS:
        end_caching(e, c, call.command)


cdef void end_caching(const Engine* e, Client* c, const Command* command) noexcept nogil:
    if c.flags & CLIENT_MULTI or command != NULL and command.parent != NULL and command.parent == e.tracking.container:
        return
    c.tracking &= ~<uint32_t>TRACKING_CACHING


cdef bint trim_tracked(Engine* e, int most) noexcept nogil:
    cdef uint64_t limit = <uint64_t>e.settings.tracking_table_max_keys
    cdef int _
    for _ in range(most):
        if limit == 0 or e.ks.tracked.count <= limit:
            return True
        tell_readers(e, <TrackedKey*>ht_random(&e.ks.tracked, &e.ks.random), NULL)
    return False


# Who is told, and how


cdef void write_keys(Reply* r, const Slice* key) noexcept nogil:
    """Which keys are invalid: one, or all (NULL)."""
    if key == NULL:
        reply_null(r)
    else:
        reply_array(r, 1)
        reply_bulk(r, key[0])


cdef Client* told(Engine* e, Client* c) noexcept nogil:
    """Who is told in the place of this client, NULL: nobody can be."""
    cdef Client* target = c
    if c.redirect:
        target = client_by_id(e, c.redirect)
        if target == NULL or target.flags & CLIENT_CLOSING:
            tell_broken(e, c)
            return NULL
    if target.reply.proto == 3 or c.redirect and (target.channels.count or target.patterns.count or target.shard_channels.count):
        return target
    return NULL


cdef void tell_broken(Engine* e, Client* c) noexcept nogil:
    cdef Reply* r
    c.tracking |= TRACKING_BROKEN
    if c.reply.proto == 3:
        r = push_reply(e, c)
        reply_push(r, 2)
        reply_bulk_text(r, b"tracking-redir-broken")
        reply_int(r, <int64_t>c.redirect)
        push_written(e, c)


cdef Reply* begin_message(Engine* e, Client* target) noexcept nogil:
    """Writes what stands before the keys."""
    cdef Reply* r = push_reply(e, target)
    if target.reply.proto == 3:
        reply_push(r, 2)
        reply_bulk_text(r, b"invalidate")
    else:
        reply_array(r, 3)
        reply_bulk_text(r, b"message")
        reply_bulk_text(r, b"__redis__:invalidate")
    return r


cdef void tell(Engine* e, Client* c, const Slice* key) noexcept nogil:
    """Tells a client, or who it named in its place, that a key is invalid; NULL: all are."""
    cdef Client* target = told(e, c)
    if target != NULL:
        write_keys(begin_message(e, target), key)
        push_written(e, target)


cdef void note_own(Engine* e, Slice key, bint all_keys) noexcept nogil:
    cdef OwnRecord record = OwnRecord(key.len, all_keys)
    cdef char* place = buf_add(&e.tracking.own, sizeof(record) + key.len)
    if place == NULL:
        e.ks.effects.events_lost = True
        return
    memcpy(place, &record, sizeof(record))
    copy_bytes(place + sizeof(record), key.ptr, key.len)


cdef void tell_own(Engine* e, Client* c) noexcept nogil:
    cdef Buf own = e.tracking.own
    cdef OwnRecord record
    cdef Slice key
    cdef size_t at = 0
    buf_init(&e.tracking.own)
    while at < own.len:
        memcpy(&record, own.data + at, sizeof(record))
        at += sizeof(record)
        key = slice_of(own.data + at, record.key_len)
        tell(e, c, NULL if record.all else &key)
        at += record.key_len
    buf_free(&own)


cdef void tell_or_note(Engine* e, Client* c, const Client* caller, const Slice* key) noexcept nogil:
    """Tells a client at once, or after its reply if it is the one whose command runs."""
    if c != caller:
        tell(e, c, key)
    elif key == NULL:
        note_own(e, slice_of(NULL, 0), True)
    else:
        note_own(e, key[0], False)


cdef void tell_readers(Engine* e, TrackedKey* t, const Client* author) noexcept nogil:
    """Tells those who have read a key that they have to read it again, and forgets it. author: who knows of it, with NOLOOP; or NULL."""
    cdef const Client* caller = outermost_client(e)
    cdef const uint64_t* ids = tracked_ids(t)
    cdef Slice key = tracked_key(t)
    cdef Client* c
    cdef uint32_t i
    ht_remove_hashed(&e.ks.tracked, key, hash_bytes(key.ptr, key.len))
    e.tracking.items -= t.count
    for i in range(t.count):
        c = client_by_id(e, ids[i])
        if c != NULL and remembers(c) and not (c == author and c.tracking & TRACKING_NOLOOP):
            tell_or_note(e, c, caller, &key)
    mem_free(t)


cdef void tell_all(Engine* e) noexcept nogil:
    """Tells everybody that nothing holds."""
    cdef const Client* caller = outermost_client(e)
    cdef Client* c = e.clients
    # the oldest first, as in Redis
    while c != NULL and c.next != NULL:
        c = c.next
    while c != NULL and e.tracking.clients:
        if c.tracking & TRACKING_ON:
            tell_or_note(e, c, caller, NULL)
        c = c.prev
    drop_tracked(e)


cdef void invalidate(Engine* e, int kind, Slice key) noexcept nogil:
    cdef TrackedKey* t
    cdef const Client* author
    if kind == EVENT_FLUSHED:
        tell_all(e)
        return
    if e.ks.broadcasting:
        note_write(e, kind, key)
    t = <TrackedKey*>ht_find(&e.ks.tracked, key) if e.ks.tracked.count else NULL
    if t == NULL:
        return
    author = outermost_client(e)
    if kind == EVENT_VANISHED and author != NULL and not names_key(e.call, key):
        # evicted, or expired where nothing in the reply tells of it: Redis keeps that from who has NOLOOP
        author = NULL
    tell_readers(e, t, author)


# Those who are told of all keys with a prefix


cdef inline bint is_noted(const Tracking* t, uint64_t writer, Slice key) noexcept nogil:
    """Whether the last change that was noted was of this key too, by the same client."""
    cdef const WriteRecord* last
    if t.write_count == 0 or not t.knows_prefixes:
        return False
    last = <const WriteRecord*>(t.writes.data + t.last_write)
    return last.writer == writer and slice_equal(written_key(last), key)


cdef inline size_t record_size(size_t key_len) noexcept nogil:
    """Bytes of a WriteRecord with its key: the next one is read where it lies."""
    return (sizeof(WriteRecord) + key_len + 7) & ~<size_t>7


cdef void note_write(Engine* e, int kind, Slice key) noexcept nogil:
    """Notes a change for each prefix that the key has and somebody asked for."""
    cdef Tracking* t = &e.tracking
    cdef const Client* author = NULL if kind == EVENT_VANISHED else outermost_client(e)
    cdef uint64_t writer = 0 if author == NULL else author.id
    cdef WriteRecord* record
    cdef size_t i = 0
    if is_noted(t, writer, key):
        return
    while i < t.length_count and t.lengths[i].length <= key.len:
        if ht_find(&t.prefixes, slice_of(key.ptr, t.lengths[i].length)) != NULL:
            record = <WriteRecord*>buf_add(&t.writes, record_size(key.len))
            if record == NULL:
                e.ks.effects.events_lost = True
                return
            record[0] = WriteRecord(writer=writer, prefix_len=t.lengths[i].length, key_len=key.len, order=t.write_count)
            copy_bytes(<char*>(record + 1), key.ptr, key.len)
            t.last_write = <size_t>(<char*>record - t.writes.data)
            t.write_count += 1
            t.knows_prefixes = True
        i += 1


cdef int by_prefix_and_key(const void* a, const void* b) noexcept nogil:
    cdef const WriteRecord* left = (<const WriteRecord**>a)[0]
    cdef const WriteRecord* right = (<const WriteRecord**>b)[0]
    cdef int order = 0
    if left.prefix_len != right.prefix_len:
        order = slice_compare(written_prefix(left), written_prefix(right))
    if order == 0:
        order = slice_compare(written_key(left), written_key(right))
    if order == 0:
        order = 1 if left.order > right.order else -1
    return order


cdef size_t without_repeats(const WriteRecord** writes, size_t count) noexcept nogil:
    """Keeps of the changes of one key under one prefix the last; how many are left. They are in order."""
    cdef size_t kept = 0
    cdef size_t i
    for i in range(count):
        if kept and writes[kept - 1].prefix_len == writes[i].prefix_len:
            kept -= slice_equal(written_key(writes[kept - 1]), written_key(writes[i]))
        writes[kept] = writes[i]
        kept += 1
    return kept


cdef void tell_of_writes(Engine* e) noexcept nogil:
    cdef Tracking* t = &e.tracking
    cdef const WriteRecord** writes
    cdef size_t count = t.write_count
    cdef size_t at = 0
    cdef size_t i
    if e.ks.effects.events_lost:
        buf_clear(&e.ks.effects.events)
        tell_lost(e)
        return
    writes = <const WriteRecord**>mem_try_alloc(count * sizeof(WriteRecord*))
    if writes == NULL:
        tell_lost(e)
        return
    for i in range(count):
        writes[i] = <const WriteRecord*>(t.writes.data + at)
        at += record_size(writes[i].key_len)
    qsort(writes, count, sizeof(WriteRecord*), by_prefix_and_key)
    tell_prefixes(e, writes, without_repeats(writes, count))
    mem_free(writes)
    buf_clear(&t.writes)
    t.write_count = 0


cdef void tell_lost(Engine* e) noexcept nogil:
    """There was no memory to say what has changed: everything has."""
    e.ks.effects.events_lost = False
    buf_clear(&e.tracking.writes)
    buf_clear(&e.tracking.own)
    e.tracking.write_count = 0
    tell_all(e)


cdef void tell_prefixes(Engine* e, const WriteRecord** writes, size_t count) noexcept nogil:
    """Tells of each prefix's keys those who asked for it."""
    cdef Channel* prefix
    cdef size_t first = 0
    cdef size_t end
    while first < count:
        end = first + 1
        while end < count and slice_equal(written_prefix(writes[end]), written_prefix(writes[first])):
            end += 1
        # everybody who asked for it may have left since
        prefix = <Channel*>ht_find(&e.tracking.prefixes, written_prefix(writes[first]))
        if prefix != NULL:
            tell_prefix(e, prefix, writes + first, end - first)
        first = end


cdef void write_written(Reply* r, const WriteRecord** writes, size_t count, size_t shown, uint64_t except_by) noexcept nogil:
    """Writes `shown` keys: all but those whose last change was by one client, 0: all."""
    cdef size_t i
    reply_array(r, <int64_t>shown)
    for i in range(count):
        if except_by == 0 or writes[i].writer != except_by:
            reply_bulk(r, written_key(writes[i]))


cdef void tell_prefix(Engine* e, const Channel* prefix, const WriteRecord** writes, size_t count) noexcept nogil:
    """Tells of one prefix's keys; they are written once for all who get all of them."""
    cdef Reply keys
    cdef Client* c
    cdef size_t i
    cdef size_t k
    cdef size_t others
    cdef Client* target
    reply_init(&keys)
    write_written(&keys, writes, count, count, 0)
    for i in range(prefix.count):
        c = prefix.subscribers[i].client
        others = count
        if c.tracking & TRACKING_NOLOOP:
            for k in range(count):
                others -= writes[k].writer == c.id
        target = told(e, c) if others else NULL
        if target == NULL:
            continue
        if others == count and not keys.out.failed:
            reply_raw(begin_message(e, target), keys.out.data, keys.out.len)
        else:
            write_written(begin_message(e, target), writes, count, others, c.id if c.tracking & TRACKING_NOLOOP else 0)
        push_written(e, target)
    reply_free(&keys)
