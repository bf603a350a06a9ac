# A client that blocks keeps a copy of its request, which is run again when a key that it waits for was written; deadlines are a binary
# heap, in which each client knows its place, so that one can be taken out of the middle.

from libc.stdint cimport UINT64_MAX, uint32_t, uint64_t
from libc.string cimport memcpy, memset
from zippy._core.ground.buf cimport slice_of
from zippy._core.ground.byte_queue cimport bq_detach
from zippy._core.ground.clock cimport clock_ticks
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport ht_insert, ht_remove
from zippy._core.ground.mem cimport mem_alloc, mem_copy, mem_free, mem_realloc, mem_size, mem_try_alloc, mem_zalloc
from zippy._core.ground.slice cimport copy_bytes
from zippy._core.keyspace.effects cimport stop_waiting, unwatch_all, wait_for_key
from zippy._core.commands.accounting cimport account_call
from zippy._core.commands.acl_user cimport USER_NO_PASSWORD, USER_ON, user_is_free
from zippy._core.commands.args cimport reply_out_of_memory
from zippy._core.keyspace.lazy_free cimport lazy_free_step, lazy_last
from zippy._core.commands.channels cimport unsubscribe_all
from zippy._core.commands.client_ids cimport client_key_of
from zippy._core.commands.output cimport client_has_output, leave_soft_limit, take_pending
from zippy._core.commands.slot_use cimport slot_use_add_time
from zippy._core.commands.tracking cimport forget_tracking, stop_tracking
from zippy._core.commands.types cimport (
    BLOCK_NULL, BLOCK_NULL_ARRAY, BLOCK_ZERO, CLIENT_BLOCKED, CLIENT_CLOSING, CLIENT_DIRTY_EXEC, CLIENT_IN_EXEC, CLIENT_INTERNAL,
    CLIENT_MASTER, CLIENT_MONITOR, CLIENT_MULTI, CLIENT_NO_EVICT, CLIENT_PAUSED, CLIENT_READONLY, CLIENT_REPLICA,
    CLIENT_REPLY_OFF, CLIENT_REPLY_SKIP, CLIENT_RESTRICTED, CLIENT_STRANGER, CLIENT_UNBLOCKED, CLIENT_UNPROVEN, TRACKING_CACHING, Call
)
from zippy._core.resp.parser cimport (
    PARSER_MAX_ARGS, PARSER_UNAUTHENTICATED_ARGS, PARSER_UNAUTHENTICATED_BULK, Bulk, parser_bulk, parser_free, parser_init, parser_limit,
    parser_room
)
from zippy._core.resp.writer cimport reply_cut, reply_error, reply_free, reply_init, reply_int, reply_null, reply_null_array, reply_ok


cdef enum:
    CANNOT_WAIT = CLIENT_MULTI | CLIENT_INTERNAL
    COUNTED_AT_ONCE = 256        # clients


cdef Client* client_new(Engine* e, void* owner, Slice peer) noexcept nogil:
    cdef Client* c = <Client*>mem_zalloc(sizeof(Client) + peer.len)
    cdef Slice key
    e.next_client_id += 1
    c.id = e.next_client_id
    c.engine = e
    c.db = e.ks.dbs[0]
    c.owner = owner
    if peer.len:
        memcpy(c + 1, peer.ptr, peer.len)
    c.peer = slice_of(<char*>(c + 1), peer.len)
    reply_init(&c.reply)
    parser_init(&c.parser, e.settings.proto_max_bulk_len)
    client_begin_as_default(c)
    c.created_us = e.ks.clock.us
    c.active_us = e.ks.clock.mono_us
    c.next = e.clients
    if e.clients != NULL:
        e.clients.prev = c
    e.clients = c
    client_key_of(c, &key)
    ht_insert(&e.clients_by_id, c, hash_bytes(key.ptr, key.len))
    e.client_count += 1
    note_held(e, c)
    return c


cdef bint asks_for_password(const Engine* e) noexcept nogil:
    return e.default_user.flags & (USER_ON | USER_NO_PASSWORD) != USER_ON | USER_NO_PASSWORD


cdef void client_begin_as_default(Client* c) noexcept nogil:
    c.user = c.engine.default_user
    c.flags &= ~<uint64_t>CLIENT_UNPROVEN
    if asks_for_password(c.engine):
        c.flags |= CLIENT_UNPROVEN
    client_note_rights(c)


cdef void client_log_in(Client* c, User* user) noexcept nogil:
    c.user = user
    c.flags &= ~<uint64_t>CLIENT_UNPROVEN
    client_note_rights(c)


cdef void client_note_restriction(Client* c) noexcept nogil:
    c.flags &= ~<uint64_t>CLIENT_RESTRICTED
    if c.user != NULL and not user_is_free(c.user):
        c.flags |= CLIENT_RESTRICTED


cdef void client_note_rights(Client* c) noexcept nogil:
    cdef uint64_t flags = 0
    client_note_restriction(c)
    if c.flags & CLIENT_UNPROVEN and asks_for_password(c.engine):
        flags = CLIENT_STRANGER
        parser_limit(&c.parser, PARSER_UNAUTHENTICATED_ARGS, PARSER_UNAUTHENTICATED_BULK)
    else:
        parser_limit(&c.parser, PARSER_MAX_ARGS, c.engine.settings.proto_max_bulk_len)
    c.flags = c.flags & ~<uint64_t>CLIENT_STRANGER | flags


cdef void take_off_lists(Engine* e, Client* c) noexcept nogil:
    cdef Slice key
    take_pending(e, c)
    take_unblocked(e, c)
    leave_soft_limit(e, c)
    e.held -= c.held
    if e.visited_next == c:
        e.visited_next = c.next
    if c.prev != NULL:
        c.prev.next = c.next
    else:
        e.clients = c.next
    if c.next != NULL:
        c.next.prev = c.prev
    client_key_of(c, &key)
    ht_remove(&e.clients_by_id, key)
    e.client_count -= 1


cdef void client_free(Engine* e, Client* c) noexcept nogil:
    client_reset(e, c)
    forget_tracking(e, c)
    if c.flags & CLIENT_PAUSED:
        e.stats.blocked_clients -= 1
    take_off_lists(e, c)
    e.clients_memory -= c.noted_memory
    mem_free(c.multi.queue)
    queued_free(&c.block.request)
    reply_free(&c.reply)
    parser_free(&c.parser)
    if c.feed != NULL:
        bq_detach(&e.relay.bytes, &c.feed.cursor)
        mem_free(c.feed)
    mem_free(c.name_block)
    mem_free(c)


cdef void client_reset(Engine* e, Client* c) noexcept nogil:
    if c.flags & CLIENT_BLOCKED:
        unblock(e, c)
    discard_queue(c)
    leave_watches(e, c)
    unsubscribe_all(e, c)
    stop_tracking(e, c)
    stop_monitoring(e, c)
    c.flags &= ~<uint64_t>CLIENT_READONLY
    c.cluster = 0


cdef void end_pause(Engine* e) noexcept nogil:
    cdef Client* c = e.clients
    if e.pause_until_us == 0:
        return
    e.pause_until_us = 0
    e.ks.expiry_paused = False
    while c != NULL:
        if c.flags & CLIENT_PAUSED:
            c.flags &= ~<uint64_t>CLIENT_PAUSED
            e.stats.blocked_clients -= 1
            look_at_input_again(e, c)
        c = c.next


cdef void end_pause_if_over(Engine* e) noexcept nogil:
    if e.pause_until_us <= e.ks.clock.mono_us:
        end_pause(e)


cdef void start_monitoring(Engine* e, Client* c) noexcept nogil:
    if e.monitor_count == e.monitor_cap:
        e.monitor_cap = e.monitor_cap * 2 if e.monitor_cap else 4
        e.monitors = <Client**>mem_realloc(e.monitors, e.monitor_cap * sizeof(Client*))
    e.monitors[e.monitor_count] = c
    e.monitor_count += 1
    c.flags |= CLIENT_MONITOR


cdef void stop_monitoring(Engine* e, Client* c) noexcept nogil:
    cdef size_t i
    for i in range(e.monitor_count):
        if e.monitors[i] == c:
            e.monitor_count -= 1
            e.monitors[i] = e.monitors[e.monitor_count]
            break
    c.flags &= ~<uint64_t>CLIENT_MONITOR


cdef bint is_valid_name(Slice name) noexcept nogil:
    # eight bytes at once, as names may be as long as any argument; bad has the top bit of some byte set where one is below 33 or above 126
    cdef uint64_t each_byte = 0x0101010101010101
    cdef uint64_t bad = 0
    cdef uint64_t word
    cdef size_t i = 0
    while i + 8 <= name.len:
        memcpy(&word, name.ptr + i, 8)
        bad |= (word - 33 * each_byte) | (word + each_byte) | word
        i += 8
    while i < name.len:
        bad |= <uint64_t>(not 33 <= name.ptr[i] <= 126) << 7
        i += 1
    return not bad & (each_byte << 7)


cdef bint client_set_name(Client* c, Slice name) noexcept nogil:
    cdef char* copy = NULL
    if not is_valid_name(name):
        return False
    if name.len:
        copy = <char*>mem_alloc(name.len)
        mem_copy(copy, name.ptr, name.len)
    put_name(c, copy, slice_of(copy, name.len))
    return True


cdef void put_name(Client* c, void* block, Slice name) noexcept nogil:
    mem_free(c.name_block)
    c.name_block = block
    c.name = name


cdef bint client_set_name_to_argument(Client* c, const Slice* argv, int place) noexcept nogil:
    cdef Bulk* bulk = parser_bulk(&c.parser, place, argv[place])
    if bulk == NULL:
        return client_set_name(c, argv[place])
    if not is_valid_name(argv[place]):
        return False
    put_name(c, bulk.block, argv[place])
    bulk.block = NULL
    return True


cdef void leave_watches(Engine* e, Client* c) noexcept nogil:
    if c.watches != NULL:
        unwatch_all(&e.ks, c.watches)
        c.watches = NULL
        e.stats.watching_clients -= 1


cdef void discard_queue(Client* c) noexcept nogil:
    cdef int i
    for i in range(c.multi.count):
        queued_free(&c.multi.queue[i])
    c.multi.count = 0
    c.multi.bytes = 0
    c.flags &= ~<uint64_t>(CLIENT_MULTI | CLIENT_DIRTY_EXEC | CLIENT_IN_EXEC)


cdef Client* next_unblocked(Engine* e) noexcept nogil:
    cdef Client* c = e.unblocked
    if c != NULL:
        take_unblocked(e, c)
    return c


cdef void take_unblocked(Engine* e, Client* c) noexcept nogil:
    if not c.flags & CLIENT_UNBLOCKED:
        return
    c.flags &= ~<uint64_t>CLIENT_UNBLOCKED
    if c.prev_unblocked != NULL:
        c.prev_unblocked.next_unblocked = c.next_unblocked
    else:
        e.unblocked = c.next_unblocked
    if c.next_unblocked != NULL:
        c.next_unblocked.prev_unblocked = c.prev_unblocked


cdef void look_at_input_again(Engine* e, Client* c) noexcept nogil:
    if not c.flags & CLIENT_UNBLOCKED:
        c.flags |= CLIENT_UNBLOCKED
        c.prev_unblocked = NULL
        c.next_unblocked = e.unblocked
        if e.unblocked != NULL:
            e.unblocked.prev_unblocked = c
        e.unblocked = c


cdef size_t client_memory(const Client* c) noexcept nogil:
    cdef size_t size = mem_size(c) + c.reply.out.cap + parser_room(&c.parser) + c.parser.scratch.cap + c.multi.bytes
    size += c.parser.kept_cap * sizeof(Slice)
    size += (c.channels.count + c.patterns.count + c.shard_channels.count + c.prefixes.count) * 64
    return size


cdef void note_held(Engine* e, Client* c) noexcept nogil:
    cdef size_t now = client_memory(c)
    e.held += now - c.held
    c.held = now


cdef size_t memory_of_clients(Engine* e) noexcept nogil:
    cdef Client* c = e.clients
    while c != NULL and e.client_count <= COUNTED_AT_ONCE:
        note_held(e, c)
        c = c.next
    return e.held


cdef void note_memory(Engine* e, Client* c) noexcept nogil:
    cdef size_t now = 0
    if e.clients_limit and not c.flags & (CLIENT_NO_EVICT | CLIENT_INTERNAL | CLIENT_MASTER | CLIENT_REPLICA):
        now = client_memory(c)
    e.clients_memory = e.clients_memory - c.noted_memory + now
    c.noted_memory = now


cdef void set_clients_limit(Engine* e, size_t limit) noexcept nogil:
    cdef Client* c = e.clients
    e.clients_limit = limit
    while c != NULL:
        note_memory(e, c)
        c = c.next


cdef Client* client_to_evict(Engine* e) noexcept nogil:
    cdef Client* c = e.clients
    cdef Client* largest = NULL
    if not e.clients_limit or e.clients_memory <= e.clients_limit:
        return NULL
    while c != NULL:
        if not c.flags & CLIENT_CLOSING and c.noted_memory and (largest == NULL or c.noted_memory > largest.noted_memory):
            largest = c
        c = c.next
    return largest


cdef bint queued_copy(QueuedCommand* q, Command* command, int argc, const Slice* argv) noexcept nogil:
    cdef size_t size = argc * sizeof(Slice)
    cdef Slice* words
    cdef int i
    cdef char* at
    for i in range(argc):
        size += argv[i].len
    words = <Slice*>mem_try_alloc(size)
    if words == NULL:
        return False
    q.command = command
    q.argc = argc
    q.argv = words
    at = <char*>(q.argv + argc)
    for i in range(argc):
        copy_bytes(at, argv[i].ptr, argv[i].len)
        q.argv[i] = slice_of(at, argv[i].len)
        at += argv[i].len
    return True


cdef void queued_free(QueuedCommand* q) noexcept nogil:
    mem_free(q.argv)
    q.argv = NULL
    q.argc = 0


cdef void reply_in_vain(Client* c, int timeout_reply) noexcept nogil:
    if timeout_reply == BLOCK_NULL_ARRAY:
        reply_null_array(&c.reply)
    elif timeout_reply == BLOCK_NULL:
        reply_null(&c.reply)
    else:
        reply_int(&c.reply, 0)


cdef void want_keys(Wanted* w, serve_fn serve, Slice* argv, int first, int count, int value_type) noexcept nogil:
    memset(w, 0, sizeof(Wanted))
    w.serve = serve
    w.argv = argv
    w.first_key = first
    w.key_count = count
    w.value_type = value_type
    w.timeout_reply = BLOCK_NULL_ARRAY
    w.count = -1


cdef void serve_or_block(Engine* e, Client* c, const Wanted* w) noexcept nogil:
    c.block.again_at_us = 0
    if w.serve(e, c, w):
        return
    if cannot_wait(e, c):
        reply_in_vain(c, w.timeout_reply)
    else:
        block_on_keys(e, c, w)


cdef bint keep_request(Engine* e, Client* c, const Wanted* w) noexcept nogil:
    """Copies the command that is about to wait and what it worked out; False: out of memory."""
    cdef void* state = NULL
    if w.state.ptr != NULL:
        state = mem_try_alloc(w.state.len)
        if state == NULL:
            return False
        memcpy(state, w.state.ptr, w.state.len)
    if not queued_copy(&c.block.request, e.call.command, e.call.argc, e.call.argv):
        mem_free(state)
        return False
    c.block.wanted = w[0]
    c.block.wanted.argv = c.block.request.argv
    c.block.wanted.state.ptr = <const char*>state
    return True


cdef void block_on_keys(Engine* e, Client* c, const Wanted* w) noexcept nogil:
    cdef int i
    if not keep_request(e, c, w):
        reply_out_of_memory(c)
        return
    c.block.db = c.db
    c.block.places = NULL
    for i in range(w.first_key, w.first_key + w.key_count):
        c.block.places = wait_for_key(c.db, w.argv[i], c, w.removal, c.block.places)
    c.block.deadline_us = 0
    c.block.timeout_at_us = e.ks.clock.mono_us + w.timeout_us if w.timeout_us > 0 else 0
    set_alarm(e, c)
    c.flags |= CLIENT_BLOCKED
    e.stats.blocked_clients += 1


cdef void set_alarm(Engine* e, Client* c) noexcept nogil:
    cdef int64_t nearer = c.block.timeout_at_us
    if c.block.again_at_us and (nearer == 0 or c.block.again_at_us < nearer):
        nearer = c.block.again_at_us
    if nearer == c.block.deadline_us:
        return
    if c.block.deadline_us:
        heap_remove(e, c)
    c.block.deadline_us = nearer
    if nearer:
        heap_push(e, c)


cdef bint cannot_wait(const Engine* e, const Client* c) noexcept nogil:
    return c.flags & CANNOT_WAIT or e.call.parent != NULL


cdef bint can_wait_for_memory(const Engine* e, const Client* c) noexcept nogil:
    return e.frees_between_turns and not cannot_wait(e, c)


cdef void block_until_freed(Engine* e, Client* c) noexcept nogil:
    if not queued_copy(&c.block.request, e.call.command, e.call.argc, e.call.argv):
        # it cannot wait, so it is freed now
        while not lazy_free_step(&e.ks, UINT64_MAX):
            pass
        reply_ok(&c.reply)
        return
    c.block.until_freed = lazy_last(&e.ks)
    c.flags |= CLIENT_BLOCKED
    e.stats.blocked_clients += 1
    e.waiting_for_memory += 1


cdef void answer_freed(Engine* e) noexcept nogil:
    cdef Client* c = e.clients
    cdef Call call
    e.answered_freed = e.ks.lazy.freed
    while c != NULL and e.waiting_for_memory:
        if c.block.until_freed and c.block.until_freed <= e.ks.lazy.freed:
            call_of_waiting(e, c, &call)
            reply_ok(&c.reply)
            unblock_answered(e, &call)
        c = c.next


cdef void unblock(Engine* e, Client* c) noexcept nogil:
    stop_waiting(c.block.places)
    c.block.places = NULL
    if c.block.deadline_us:
        heap_remove(e, c)
        c.block.deadline_us = 0
    if c.block.until_freed:
        c.block.until_freed = 0
        e.waiting_for_memory -= 1
    queued_free(&c.block.request)
    mem_free(<void*>c.block.wanted.state.ptr)
    c.block.wanted.state.ptr = NULL
    c.block.ticks = 0
    c.flags &= ~<uint64_t>CLIENT_BLOCKED
    e.stats.blocked_clients -= 1
    # else who waited for longer than `timeout` might be closed for it before its reply is sent
    c.active_us = e.ks.clock.mono_us
    look_at_input_again(e, c)


cdef void call_of_waiting(Engine* e, Client* c, Call* call) noexcept nogil:
    """The call of a blocked command, which is about to be answered without being run again."""
    memset(call, 0, sizeof(Call))
    call.client = c
    call.command = c.block.request.command
    call.argc = c.block.request.argc
    call.argv = c.block.request.argv
    call.errors = c.reply.errors
    call.reply_at = c.reply.out.len
    call.ticks = clock_ticks()


cdef void unblock_answered(Engine* e, const Call* call) noexcept nogil:
    """The reply was written; CLIENT REPLY may have it that nobody wants it."""
    cdef Client* c = call.client
    e.ticks = clock_ticks()
    c.flags &= ~<uint64_t>CLIENT_BLOCKED
    c.tracking &= ~<uint32_t>TRACKING_CACHING
    account_call(e, call)
    if e.slot_use != NULL:
        slot_use_add_time(e, call)
    if c.flags & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP):
        reply_cut(&c.reply, call.reply_at)
    unblock(e, c)
    client_has_output(e, c)


cdef void unblock_in_vain(Engine* e, Client* c) noexcept nogil:
    cdef Call call
    call_of_waiting(e, c, &call)
    # after waiting, those who would have got a null at once get a null array, as in Redis
    reply_in_vain(c, BLOCK_ZERO if c.block.wanted.timeout_reply == BLOCK_ZERO else BLOCK_NULL_ARRAY)
    unblock_answered(e, &call)


cdef void unblock_with_error(Engine* e, Client* c, const char* error) noexcept nogil:
    cdef Call call
    call_of_waiting(e, c, &call)
    reply_error(&c.reply, error)
    unblock_answered(e, &call)


cdef inline void heap_place(Engine* e, Client* c, size_t at) noexcept nogil:
    e.deadlines[at] = c
    c.block.heap_at = at


cdef void heap_up(Engine* e, size_t at) noexcept nogil:
    cdef Client* c = e.deadlines[at]
    cdef size_t parent
    while at > 0:
        parent = (at - 1) // 2
        if e.deadlines[parent].block.deadline_us <= c.block.deadline_us:
            break
        heap_place(e, e.deadlines[parent], at)
        at = parent
    heap_place(e, c, at)


cdef void heap_down(Engine* e, size_t at) noexcept nogil:
    cdef Client* c = e.deadlines[at]
    cdef size_t child = 2 * at + 1
    while child < e.deadline_count:
        if child + 1 < e.deadline_count and e.deadlines[child + 1].block.deadline_us < e.deadlines[child].block.deadline_us:
            child += 1
        if e.deadlines[child].block.deadline_us >= c.block.deadline_us:
            break
        heap_place(e, e.deadlines[child], at)
        at = child
        child = 2 * at + 1
    heap_place(e, c, at)


cdef void heap_push(Engine* e, Client* c) noexcept nogil:
    if e.deadline_count == e.deadline_cap:
        e.deadline_cap = e.deadline_cap * 2 if e.deadline_cap else 16
        e.deadlines = <Client**>mem_realloc(e.deadlines, e.deadline_cap * sizeof(Client*))
    e.deadlines[e.deadline_count] = c
    e.deadline_count += 1
    heap_up(e, e.deadline_count - 1)


cdef void heap_remove(Engine* e, Client* c) noexcept nogil:
    cdef size_t at = c.block.heap_at
    e.deadline_count -= 1
    if at == e.deadline_count:
        return
    heap_place(e, e.deadlines[e.deadline_count], at)
    heap_up(e, at)
    heap_down(e, e.deadlines[at].block.heap_at)


cdef int64_t next_deadline_us(const Engine* e) noexcept nogil:
    cdef int64_t due = e.deadlines[0].block.deadline_us if e.deadline_count else 0
    return e.pause_until_us if e.pause_until_us and (due == 0 or e.pause_until_us < due) else due
