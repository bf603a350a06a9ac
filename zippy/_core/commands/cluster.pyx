# The gate asks for the slot of each key once, and looks whether keys are there only while their slot moves. What is decided is Redis 8.2's,
# in its order: the first key's slot is nobody's, keys of several slots, the cluster is down, the slot moves, it is another's.

from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset
from zippy._core.ground.buf cimport slice_equal, slice_of
from zippy._core.ground.crc cimport key_slot
from zippy._core.ground.format cimport format_text
from zippy._core.ground.hashtable cimport HtIter, ht_iter, ht_iter_done, ht_iter_next
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_realloc, mem_try_alloc, mem_zalloc
from zippy._core.commands.args cimport reply_out_of_memory
from zippy._core.commands.channels cimport push_reply, push_written, unsubscribe
from zippy._core.commands.client cimport discard_queue, leave_watches, unblock_with_error
from zippy._core.commands.events cimport publish_events
from zippy._core.commands.keys cimport command_slot_words
from zippy._core.commands.types cimport (
    CLIENT_BLOCKED, CLIENT_IN_EXEC,
    CLIENT_INTERNAL, CLIENT_MASTER, CLIENT_READONLY, CLIENT_TLS, CLUSTER_REDIRECTED, CMD_ASKING, CMD_MOVES_SLOTS,
    CMD_PUBSUB, CMD_WRITE, Channel, KeyRef, QueuedCommand
)
from zippy._core.keyspace.db cimport delete_moved, is_expired
from zippy._core.keyspace.effects cimport is_being_sent
from zippy._core.keyspace.key_table cimport kt_count_slot, kt_find, kt_keep_slots, kt_scan_slot
from zippy._core.keyspace.types cimport Db
from zippy._core.resp.writer cimport Reply, reply_bulk, reply_bulk_text, reply_error, reply_int, reply_ok, reply_push
from zippy._core.values.entry cimport Entry

cdef enum:
    KEYS_HERE = 16               # keys that need no block of their own
    TEXT = ENDPOINT_MAX + 32     # bytes of a redirection

cdef enum Verdict:
    SERVED = 0
    CROSS_SLOT = 1
    UNBOUND = 2                  # the slot is nobody's
    DOWN = 3
    DOWN_FOR_WRITES = 4
    TRY_AGAIN = 5
    MOVED = 6
    ASK = 7
    NO_MEMORY = 8


cdef struct Query:
    # the keys of a command, or of all that EXEC is to run
    int slot                     # -1: no key yet
    Slice first                  # the first key
    bint several                 # keys other than the first
    bint missing                 # one of them is not here; only asked while the slot moves
    bint present
    bint shard                   # channels, not keys
    bint writes


cdef void cluster_begin(Engine* e) noexcept nogil:
    cdef Cluster* k = <Cluster*>mem_zalloc(sizeof(Cluster))
    cdef int i
    k.places = <SlotPlace*>mem_alloc(SLOTS * sizeof(SlotPlace))
    for i in range(SLOTS):
        k.places[i] = SlotPlace(SLOT_NOBODYS, 0, -1, -1)
    e.cluster = k
    for i in range(e.ks.db_count):
        kt_keep_slots(&e.ks.dbs[i].table)


cdef void cluster_free(Engine* e) noexcept nogil:
    cdef Cluster* k = cluster_of(e)
    cdef size_t i
    if k == NULL:
        return
    for i in range(k.node_count):
        mem_free(<void*>k.nodes[i].plain.ptr)
    mem_free(k.nodes)
    mem_free(k.places)
    mem_free(k)
    e.cluster = NULL


cdef bint cluster_set_node(Cluster* k, size_t index, Slice plain, Slice tls) noexcept nogil:
    cdef ClusterNode* node
    cdef char* texts = <char*>mem_try_alloc(plain.len + tls.len + 1)
    if texts == NULL:
        return False
    if index >= k.node_count:
        k.nodes = <ClusterNode*>mem_realloc(k.nodes, (index + 1) * sizeof(ClusterNode))
        memset(&k.nodes[k.node_count], 0, (index + 1 - k.node_count) * sizeof(ClusterNode))
        k.node_count = index + 1
    node = &k.nodes[index]
    mem_free(<void*>node.plain.ptr)
    memcpy(texts, plain.ptr, plain.len)
    memcpy(texts + plain.len, tls.ptr, tls.len)
    node.plain = slice_of(texts, plain.len)
    node.tls = slice_of(texts + plain.len, tls.len)
    return True


# Redirections


cdef void write_redirection(char* text, const Cluster* k, const Client* c, const char* word, int slot, size_t index) noexcept nogil:
    """Writes where a slot is served, TEXT bytes at most with the NUL; a client with TLS gets another port."""
    cdef Slice endpoint = slice_of(b"?:0", 3)
    if index < k.node_count and k.nodes[index].plain.ptr != NULL:
        endpoint = k.nodes[index].tls if c.flags & CLIENT_TLS else k.nodes[index].plain
    format_text(text, TEXT, b"%s %d %.*s", word, slot, <int>min(endpoint.len, <size_t>ENDPOINT_MAX), endpoint.ptr)


cdef const char* verdict_text(Cluster* k, const Client* c, int verdict, int slot, char* room) noexcept nogil:
    """The error for what is not served here; room: TEXT bytes for it."""
    if verdict == CROSS_SLOT:
        return b"CROSSSLOT Keys in request don't hash to the same slot"
    if verdict == UNBOUND:
        return b"CLUSTERDOWN Hash slot not served"
    if verdict == DOWN:
        return b"CLUSTERDOWN The cluster is down"
    if verdict == DOWN_FOR_WRITES:
        return b"CLUSTERDOWN The cluster is down and only accepts read commands"
    if verdict == TRY_AGAIN:
        return b"TRYAGAIN Multiple keys request during rehashing of slot"
    if verdict == MOVED:
        write_redirection(room, k, c, b"MOVED", slot, k.places[slot].node)
    else:
        write_redirection(room, k, c, b"ASK", slot, <size_t>k.places[slot].migrating)
    return room


# The gate


cdef inline bint leaves(const SlotPlace* place) noexcept nogil:
    """Whether this node's slot is moving; one that has been taken from it meanwhile is not."""
    return place.migrating >= 0 and place.kind == SLOT_MINE


cdef int add_key(const Cluster* k, Query* q, Db* db, Slice key) noexcept nogil:
    """One more key, or channel, of what is asked for; a Verdict that ends the query, else SERVED."""
    cdef int slot = key_slot(key)
    cdef const SlotPlace* place
    cdef Entry* e
    if q.slot < 0:
        q.slot = slot
        q.first = key
        if k.places[slot].kind == SLOT_NOBODYS:
            return UNBOUND
    elif slot != q.slot:
        return CROSS_SLOT
    elif not q.several and not slice_equal(key, q.first):
        q.several = True
    place = &k.places[slot]
    if not q.shard and (leaves(place) or place.importing >= 0):
        e = kt_find(&db.table, key)
        if (e == NULL or is_expired(db, e)) and not is_being_sent(db, key):
            q.missing = True
        else:
            q.present = True
    return SERVED


cdef inline bint has_one_key(const Command* command, int argc) noexcept nogil:
    """Whether a command's only key, or channel, stands at a fixed place."""
    if command.key_spec_count != 1 or command.keys_by != NULL:
        return False
    return command.first_key == command.last_key and 0 < command.first_key < argc


cdef int add_command(
    const Cluster* k, Query* q, Db* db, const Command* command, int argc, const Slice* argv
) noexcept nogil:
    """The keys of one command; a Verdict as add_key."""
    cdef KeyRef[KEYS_HERE] here
    cdef KeyRef* keys = here
    cdef int verdict = SERVED
    cdef int count
    cdef int i
    if command.key_spec_count == 0 and command.keys_by == NULL:
        return SERVED
    q.shard |= command.flags & CMD_PUBSUB != 0
    q.writes |= command.flags & CMD_WRITE != 0
    if has_one_key(command, argc):
        return add_key(k, q, db, argv[command.first_key])
    count = command_slot_words(command, argc, argv, keys, KEYS_HERE)
    if count > KEYS_HERE:
        keys = <KeyRef*>mem_try_alloc(count * sizeof(KeyRef))
        if keys == NULL:
            return NO_MEMORY
        command_slot_words(command, argc, argv, keys, count)
    for i in range(count):
        verdict = add_key(k, q, db, argv[keys[i].place])
        if verdict != SERVED:
            break
    if keys != here:
        mem_free(keys)
    return verdict


cdef int decided(const Cluster* k, const Query* q, const Client* c, const Command* command) noexcept nogil:
    """What becomes of a command whose keys are all of one slot, which is somebody's; c: who sent it."""
    cdef const SlotPlace* place
    if q.slot < 0:
        return SERVED
    place = &k.places[q.slot]
    if not k.ok:
        if q.shard:
            if not k.shards_when_down:
                return DOWN
        elif not k.reads_when_down:
            return DOWN
        elif q.writes:
            return DOWN_FOR_WRITES
    if (leaves(place) or place.importing >= 0) and command.flags & CMD_MOVES_SLOTS:
        return SERVED
    if leaves(place) and q.missing:
        return TRY_AGAIN if q.present else ASK
    if place.importing >= 0 and (c.cluster & CLUSTER_ASKED or command.flags & CMD_ASKING):
        return TRY_AGAIN if q.several and q.missing else SERVED
    if place.kind == SLOT_PRIMARYS and (c.flags & CLIENT_READONLY or q.shard) and not q.writes:
        return SERVED
    return SERVED if place.kind == SLOT_MINE else MOVED


cdef int queue_verdict(const Cluster* k, Query* q, Client* c) noexcept nogil:
    """The keys of all that waits for EXEC."""
    cdef QueuedCommand* queued
    cdef int verdict = SERVED
    cdef int i
    for i in range(c.multi.count):
        queued = &c.multi.queue[i]
        verdict = add_command(k, q, c.db, queued.command, queued.argc, queued.argv)
        if verdict != SERVED:
            break
    return verdict


cdef bint cluster_admits(Engine* e, Client* c, const Command* command, int argc, const Slice* argv, bint is_exec) noexcept nogil:
    cdef Cluster* k = cluster_of(e)
    cdef char[TEXT] room
    cdef Query q
    cdef int verdict
    memset(&q, 0, sizeof(q))
    q.slot = -1
    verdict = queue_verdict(k, &q, c) if is_exec else add_command(k, &q, c.db, command, argc, argv)
    c.slot = q.slot
    if verdict == SERVED:
        verdict = decided(k, &q, c, command)
    if verdict == SERVED:
        return True
    if verdict == NO_MEMORY:
        reply_out_of_memory(c)
        return False
    if is_exec:
        # the redirection itself is EXEC's reply
        discard_queue(c)
        leave_watches(e, c)
        c.cluster |= CLUSTER_REDIRECTED
    reply_error(&c.reply, verdict_text(k, c, verdict, q.slot, room))
    return False


cdef bint cluster_surely_admits(Engine* e, Client* c, const Command* command, int argc, const Slice* argv) noexcept nogil:
    cdef Cluster* k = cluster_of(e)
    cdef int slot = -1
    if not k.ok or c.cluster:
        return False
    if has_one_key(command, argc):
        slot = key_slot(argv[command.first_key])
        if k.places[slot].kind != SLOT_MINE or k.places[slot].migrating >= 0:
            return False
    elif command.key_spec_count or command.keys_by != NULL:
        return False
    c.slot = slot
    return True


cdef void reply_in_script(Client* c, int verdict, const Command* command) noexcept nogil:
    cdef char[256] text
    if verdict == DOWN_FOR_WRITES:
        reply_error(&c.reply, b"ERR Script attempted to execute a write command while the cluster is down and readonly")
    elif verdict == DOWN:
        reply_error(&c.reply, b"ERR Script attempted to execute a command while the cluster is down")
    elif verdict == UNBOUND:
        reply_error(&c.reply, b"ERR Script attempted to access a slot not served")
    elif verdict == CROSS_SLOT:
        format_text(
            text, sizeof(text), b"ERR Command '%.*s' in script attempted to access keys that don't hash to the same slot",
            <int>command.name.len, command.name.ptr
        )
        reply_error(&c.reply, text)
    elif verdict == TRY_AGAIN:
        format_text(
            text, sizeof(text),
            b"ERR Unable to execute command '%.*s' in script because undeclared keys were accessed during rehashing of the slot",
            <int>command.name.len, command.name.ptr
        )
        reply_error(&c.reply, text)
    elif verdict == NO_MEMORY:
        reply_out_of_memory(c)
    else:
        reply_error(&c.reply, b"ERR Script attempted to access a non local key in a cluster node")


cdef bint cluster_admits_in_script(
    Engine* e, Client* c, Client* caller, const ScriptRights* rights, const Command* command, int argc, const Slice* argv
) noexcept nogil:
    cdef Cluster* k = cluster_of(e)
    cdef Query q
    cdef int verdict
    if caller.flags & (CLIENT_MASTER | CLIENT_INTERNAL):
        return True
    memset(&q, 0, sizeof(q))
    q.slot = -1
    verdict = add_command(k, &q, c.db, command, argc, argv)
    if verdict == SERVED:
        verdict = decided(k, &q, caller, command)
    if verdict != SERVED:
        reply_in_script(c, verdict, command)
        return False
    if q.slot < 0 or rights.cross_slot:
        return True
    if caller.slot >= 0 and caller.slot != q.slot:
        reply_error(&c.reply, b"ERR Script attempted to access keys that do not hash to the same slot")
        return False
    caller.slot = q.slot
    return True


cdef bint cluster_admits_writing(Engine* e, Client* c) noexcept nogil:
    cdef Cluster* k = cluster_of(e)
    cdef char[TEXT] room
    cdef int verdict = SERVED
    if k == NULL or c.slot < 0 or c.flags & (CLIENT_MASTER | CLIENT_INTERNAL):
        return True
    if not k.ok:
        verdict = DOWN_FOR_WRITES
    elif k.places[c.slot].kind == SLOT_PRIMARYS:
        verdict = MOVED
    if verdict == SERVED:
        return True
    reply_error(&c.reply, verdict_text(k, c, verdict, c.slot, room))
    return False


# When slots change their owner


cdef void redirect_if_needed(Engine* e, Cluster* k, Client* c) noexcept nogil:
    """Answers one blocked client if what it waits for is not here. All of its keys have one slot."""
    cdef char[TEXT] room
    cdef int slot = key_slot(c.block.places.waiting.key)
    cdef const SlotPlace* place = &k.places[slot]
    cdef int verdict
    if not k.ok:
        # reads may be served, but the write that it waits for will not come
        verdict = DOWN
    elif place.kind == SLOT_MINE or place.importing >= 0:
        return
    elif place.kind == SLOT_PRIMARYS and c.flags & CLIENT_READONLY and not c.block.request.command.flags & CMD_WRITE:
        return
    else:
        verdict = UNBOUND if place.kind == SLOT_NOBODYS else MOVED
    unblock_with_error(e, c, verdict_text(k, c, verdict, slot, room))


cdef void cluster_redirect_blocked(Engine* e) noexcept nogil:
    cdef Client* c = e.clients
    while c != NULL and e.stats.blocked_clients:
        if c.flags & CLIENT_BLOCKED and c.block.places != NULL:
            redirect_if_needed(e, cluster_of(e), c)
        c = c.next


cdef void leave_channel(Engine* e, Channel* channel) noexcept nogil:
    """Ends all subscriptions to a shard channel, which is gone then."""
    cdef size_t left = channel.count
    cdef Client* c
    cdef Reply* r
    while left:
        left -= 1
        c = channel.subscribers[left].client
        r = push_reply(e, c)
        reply_push(r, 3)
        reply_bulk_text(r, b"sunsubscribe")
        reply_bulk(r, channel.name)
        reply_int(r, <int64_t>c.shard_channels.count - 1)
        push_written(e, c)
        unsubscribe(&e.pubsub.shard_channels, &c.shard_channels, c, channel.name)
        if not (c.channels.count or c.patterns.count or c.shard_channels.count):
            e.stats.pubsub_clients -= 1


cdef void cluster_leave_channels(Engine* e) noexcept nogil:
    cdef Cluster* k = cluster_of(e)
    cdef HtIter it
    cdef Channel* channel
    cdef int kind
    if e.pubsub.shard_channels.count == 0:
        return
    ht_iter(&it, &e.pubsub.shard_channels)
    channel = <Channel*>ht_iter_next(&it)
    while channel != NULL:
        kind = k.places[key_slot(channel.name)].kind
        if kind != SLOT_MINE and kind != SLOT_PRIMARYS:
            leave_channel(e, channel)
        channel = <Channel*>ht_iter_next(&it)
    ht_iter_done(&it)


cdef void delete_scanned(void* context, void* item) noexcept nogil:
    delete_moved(<Db*>context, <Entry*>item)


cdef bint cluster_flush_some(Engine* e, int slot, uint64_t keys) noexcept nogil:
    cdef Db* db = e.ks.dbs[0]
    cdef uint64_t before = kt_count_slot(&db.table, slot)
    cdef uint64_t cursor = 0
    while before - kt_count_slot(&db.table, slot) < keys:
        cursor = kt_scan_slot(&db.table, slot, cursor, delete_scanned, db)
        if cursor == 0:
            break
    if e.ks.effects.events.len:
        publish_events(e)
    return kt_count_slot(&db.table, slot) != 0


# Commands


cdef void reply_switched(Engine* e, Client* c, uint64_t flags) noexcept nogil:
    """Gives the client's READONLY another value."""
    if e.cluster == NULL:
        reply_error(&c.reply, b"ERR This instance has cluster support disabled")
        return
    c.flags = c.flags & ~<uint64_t>CLIENT_READONLY | flags
    reply_ok(&c.reply)


cdef void asking_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ASKING. Holds for the next command alone, or for a transaction that it begins; for nothing where it is in one."""
    if e.cluster == NULL:
        reply_error(&c.reply, b"ERR This instance has cluster support disabled")
        return
    if not c.flags & CLIENT_IN_EXEC:
        c.cluster |= CLUSTER_ASKING
    reply_ok(&c.reply)


cdef void readonly_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """READONLY. On a replica: reads of its primary's slots are served here."""
    reply_switched(e, c, CLIENT_READONLY)


cdef void readwrite_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """READWRITE."""
    reply_switched(e, c, 0)
