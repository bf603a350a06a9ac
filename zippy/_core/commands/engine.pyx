# A command goes through admit, queueing and running, each a function that looks at bits first: what nobody uses must cost one test. Calls
# nest, and only the outermost opens and ends a unit of effects.

from libc.stdint cimport SIZE_MAX, UINT64_MAX, uint32_t
from libc.string cimport memcmp, memset, strerror
from zippy._core.ground.buf cimport buf_append, buf_append_text, buf_clear, buf_free, buf_init, slice_is, slice_of, slice_text
from zippy._core.ground.clock cimport clock_refresh, clock_ticks, clock_ticks_per_us
from zippy._core.ground.hashtable cimport HashTable, ht_find, ht_free, ht_init
from zippy._core.ground.mem cimport mem_charge_to, mem_free, mem_has_room, mem_try_realloc
from zippy._core.keyspace.db cimport db_prefetch, keyspace_free, keyspace_init, lookup_peek
from zippy._core.keyspace.effects cimport (
    effects_begin_unit, effects_end_unit, next_ready, propagate, wait_anew, waiting_at
)
from zippy._core.keyspace.evict cimport EVICT_FAILED, EvictStatus, evict_forget, evict_to_limit
from zippy._core.keyspace.lazy_free cimport lazy_free_for, lazy_is_much
from zippy._core.keyspace.relay cimport relay_free
from zippy._core.keyspace.types cimport Db, ReadyKey, WaitingKey, WaitNode
from zippy._core.commands.accounting cimport (
    account_call, account_quick_call, account_quick_ticks, account_rejected, accounting_free, accounting_init, feed_monitors, latency_sample
)
from zippy._core.commands.acl_check cimport acl_admits, acl_admits_in_script
from zippy._core.commands.acl_log cimport acl_log_trim
from zippy._core.commands.acl_user cimport users_begin, users_free
from zippy._core.commands.args cimport reply_out_of_memory
from zippy._core.commands.channels cimport pubsub_free, pubsub_init
from zippy._core.commands.client cimport (
    discard_queue, end_pause_if_over, leave_watches, queued_copy, queued_free, set_alarm, unblock, unblock_in_vain
)
from zippy._core.commands.client_ids cimport client_key_of
from zippy._core.commands.cluster cimport (
    cluster_admits, cluster_admits_in_script, cluster_admits_writing, cluster_free, cluster_of, cluster_surely_admits, end_asking
)
from zippy._core.commands.events cimport publish_events
from zippy._core.commands.keys cimport command_keys, known_arity
from zippy._core.commands.output cimport client_close, client_has_output, client_is_heard
from zippy._core.commands.slot_use cimport slot_use_add, slot_use_count
from zippy._core.commands.tracking cimport end_caching, remember_reads, tell_own, tracking_free, tracking_init
from zippy._core.commands.types cimport (
    CLIENT_AWAITING, CLIENT_BLOCKED, CLIENT_CLOSE_AFTER_REPLY, CLIENT_CLOSING, CLIENT_DIRTY_EXEC, CLIENT_INTERNAL, CLIENT_LONG_ARGUMENTS,
    CLIENT_MASTER, CLIENT_MONITOR, CLIENT_MULTI, CLIENT_NO_TOUCH, CLIENT_PAUSED, CLIENT_REPLICA, CLIENT_REPLY_OFF, CLIENT_REPLY_SKIP,
    CLIENT_REPLY_SKIP_NEXT, CLIENT_RESTRICTED, CLIENT_RETRY, CLIENT_SPEAKS_HTTP, CLIENT_SPECIAL, CLIENT_STOPPED, CLIENT_STRANGER,
    CLIENT_WAITS, CLUSTER_REDIRECTED, CMD_ADMIN, CMD_ALLOW_BUSY, CMD_DENYOOM, CMD_LOADING, CMD_MAY_REPLICATE, CMD_MOVABLEKEYS,
    CMD_NO_ASYNC_LOADING, CMD_NO_AUTH, CMD_NO_MULTI, CMD_NOSCRIPT, CMD_PYTHON, CMD_READONLY, CMD_RUNS_IN_MULTI, CMD_RUNS_QUEUE,
    CMD_RUNS_SUBSCRIBED, CMD_SKIP_MONITOR, CMD_STALE, CMD_TELLS_HEALTH, CMD_WRITE, KeyRef, KnownWord, Multi, QueuedCommand, TRACKING_CACHING
)
from zippy._core.resp.parser cimport (
    PARSE_COMMAND, PARSE_MORE, BATCH_REQUESTS, Batch, Request, batch_free, parser_next, parser_pending, parser_unread
)
from zippy._core.resp.writer cimport reply_cut, reply_error, reply_free, reply_error_about, reply_error_slice, reply_raw, reply_simple
from zippy._core.values.entry cimport Entry, entry_type
from zippy._core.values.settings cimport settings_defaults

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    /* what tells a word of one to seven bytes from every other: its bytes, and above them how many; no call of memcpy */
    static inline uint64_t zippy_short_word(const char* at, size_t n) {
        uint64_t word = (uint64_t)n << 56;
        if (n >= 4) {
            uint32_t low, high;
            memcpy(&low, at, 4);
            memcpy(&high, at + n - 4, 4);
            return word | low | (uint64_t)high << 8 * (n - 4);
        }
        return word | (uint8_t)at[0] | (uint64_t)(uint8_t)at[n >> 1] << 8 | (uint64_t)(uint8_t)at[n - 1] << 16;
    }
    """
    uint64_t zippy_short_word(const char* at, size_t n) noexcept nogil

cdef enum:
    NAME_MAX = 64                # bytes; no command's name is longer
    LONG_ARGUMENTS = 1 << 20     # bytes from which on the gate asks whether what copies them would find room
    ECHOED_ARGS_BYTES = 128      # how much of the arguments "unknown command" repeats
    INPUT_US = 150               # of one client's pipeline before others have their turn: they may have to wait for two
    LEAST_PAID_US = 100          # what commands owe to freeing is paid in parts of no less
    PAID_US = 100                # and while it is paid, so often is looked whether enough has been freed


cdef void engine_init(Engine* e, int databases, uint64_t seed) noexcept nogil:
    memset(e, 0, sizeof(Engine))
    mem_charge_to(&e.account)
    settings_defaults(&e.settings)
    keyspace_init(&e.ks, databases, &e.settings, seed)
    ht_init(&e.commands, command_key_of)
    ht_init(&e.clients_by_id, client_key_of)
    pubsub_init(&e.pubsub)
    tracking_init(&e.tracking)
    accounting_init(e)
    e.default_user = users_begin(&e.users)
    e.unlimited_output = SIZE_MAX
    e.input_ticks = <uint64_t>(INPUT_US * clock_ticks_per_us())


cdef void engine_free(Engine* e) noexcept nogil:
    cdef int i
    engine_use(e)
    evict_forget(&e.ks)
    keyspace_free(&e.ks)
    accounting_free(e)
    acl_log_trim(e, 0)
    users_free(&e.users)
    relay_free(&e.relay)
    cluster_free(e)
    slot_use_count(e, False)
    for i in range(e.command_count):
        if e.all_commands[i].subcommands != NULL:
            ht_free(e.all_commands[i].subcommands)
            mem_free(e.all_commands[i].subcommands)
        mem_free(e.all_commands[i].renamed)
    mem_free(e.all_commands)
    ht_free(&e.commands)
    ht_free(&e.clients_by_id)
    pubsub_free(&e.pubsub)
    tracking_free(&e.tracking)
    reply_free(&e.pushes)
    batch_free(&e.batch)
    mem_free(e.deadlines)
    mem_free(e.monitors)


cdef void command_key_of(const void* item, Slice* key) noexcept nogil:
    key[0] = (<const Command*>item).word


cdef void engine_enter(Engine* e) noexcept nogil:
    mem_charge_to(&e.account)
    clock_refresh(&e.ks.clock)


cdef void engine_use(Engine* e) noexcept nogil:
    mem_charge_to(&e.account)


cdef Command* by_word(HashTable* table, Slice word) noexcept nogil:
    cdef char[NAME_MAX] lower
    cdef size_t i
    cdef char c
    if word.len > NAME_MAX:
        return NULL
    for i in range(word.len):
        c = word.ptr[i]
        lower[i] = c + 32 if c'A' <= c <= c'Z' else c
    return <Command*>ht_find(table, slice_of(lower, word.len))


cdef inline Command* command_of(Engine* e, int argc, const Slice* argv) noexcept nogil:
    """find_command, for the words that come again and again."""
    cdef uint64_t word
    cdef KnownWord* known
    # no word, or too long a one
    if argv[0].len - 1 >= sizeof(word) - 1:
        return find_command(e, argc, argv)
    word = zippy_short_word(argv[0].ptr, argv[0].len)
    known = &e.known[(word * <uint64_t>0x9E3779B97F4A7C15) >> 57]
    if known.bytes == word:
        return known.command
    known.bytes = 0
    known.command = find_command(e, argc, argv)
    # which command of a container it is, if any, depends on the next word
    if argc == 1 if known.command == NULL else known.command.parent == NULL and known.command.subcommands == NULL:
        known.bytes = word
    return known.command


cdef Command* command_called(Engine* e, Slice word) noexcept nogil:
    cdef Slice[2] words = [word, slice_of(NULL, 0)]
    return command_of(e, 1, words)


cdef Command* find_command(Engine* e, int argc, const Slice* argv) noexcept nogil:
    cdef Command* command = by_word(&e.commands, argv[0])
    if command != NULL and command.subcommands != NULL and argc > 1:
        return by_word(command.subcommands, argv[1])
    return command


cdef bint engine_run(Engine* e, Client* c, bint at_once) noexcept nogil:
    cdef Request* request
    cdef uint64_t until
    cdef int status
    look_around(e)
    e.ticks = clock_ticks()
    until = UINT64_MAX if at_once else e.ticks + e.input_ticks
    while not c.flags & CLIENT_STOPPED:
        if e.ticks > until and parser_pending(&c.parser):
            return True
        status = parser_next(&c.parser)
        if status == PARSE_MORE:
            break
        if status != PARSE_COMMAND:
            reply_error_about(&c.reply, b"ERR ", slice_of(c.parser.error, text_length(c.parser.error)), b"")
            c.flags |= CLIENT_CLOSE_AFTER_REPLY
            client_has_output(e, c)
            break
        if e.batch.at == 1:
            look_up(e, c)
        request = &e.batch.requests[e.batch.at - 1]
        engine_command(e, c, <Command*>request.command, request.argc, c.parser.argv)
    return False


cdef void look_up(Engine* e, Client* c) noexcept nogil:
    """Finds the commands of a batch, and fetches the entries of their first keys into the cache side by side."""
    cdef Slice[BATCH_REQUESTS] words
    cdef Batch* b = &e.batch
    cdef Command* command
    cdef KeyRef key
    cdef Slice* argv
    cdef int count = 0
    cdef int i
    for i in range(b.count):
        argv = b.argv + b.requests[i].first
        command = command_of(e, b.requests[i].argc, argv)
        b.requests[i].command = command
        if command == NULL:
            continue
        if command.first_key and command.first_key < b.requests[i].argc:
            words[count] = argv[command.first_key]
            count += 1
        elif command.flags & CMD_MOVABLEKEYS and known_arity(command, b.requests[i].argc):
            if command_keys(command, b.requests[i].argc, argv, &key, 1) > 0:
                words[count] = argv[key.place]
                count += 1
    if count > 1:
        db_prefetch(c.db, count, words, 1)
        e.ticks = clock_ticks()


cdef void look_around(Engine* e) noexcept nogil:
    """What need not be asked for each command."""
    e.calm = not (
        e.settings.maxmemory or e.deny_writes_disk or e.log_error or e.ks.replica or e.ks.loading or e.pause_until_us or e.busy
        or e.too_few_replicas
    )
    if e.cluster != NULL:
        cluster_of(e).calm = e.calm
        e.calm = False
    # while much waits to be freed no command is quick: each pays its share in `call_end`; nor while its slot is told what it took
    e.quick_ticks = 0 if lazy_is_much(&e.ks) or e.slot_use != NULL else account_quick_ticks(e)


cdef inline size_t text_length(const char* text) noexcept nogil:
    cdef size_t n = 0
    while text[n]:
        n += 1
    return n


cdef void engine_command(Engine* e, Client* c, Command* command, int argc, Slice* argv) noexcept nogil:
    c.last_command = command
    if not (e.calm and is_plain(c, command, argc)) and not pass_gate(e, c, command, argc, argv):
        return
    run_admitted(e, c, command, argc, argv)
    if e.ks.effects.ready != NULL and e.call == NULL:
        serve_ready_keys(e)


cdef bint pass_gate(Engine* e, Client* c, Command* command, int argc, Slice* argv) noexcept nogil:
    """`admit`, and what becomes of a reply that it made."""
    cdef uint64_t errors = c.reply.errors
    cdef size_t reply_at = c.reply.out.len
    if e.cluster != NULL and cluster_of(e).calm and not e.pause_until_us and is_plain(c, command, argc):
        if cluster_surely_admits(e, c, command, argc, argv):
            return True
    if c.flags & CLIENT_REPLY_SKIP_NEXT:
        c.flags |= CLIENT_REPLY_SKIP
    else:
        c.flags &= ~<uint64_t>CLIENT_REPLY_SKIP
    c.flags &= ~<uint64_t>CLIENT_REPLY_SKIP_NEXT
    if admit(e, c, command, argc, argv):
        return True
    if c.reply.errors != errors:
        refuse_in_multi(c, command, reply_at)
        account_rejected(e, c, command, errors)
    keep_or_cut_reply(e, c, reply_at)
    if e.ks.effects.events.len:
        # of keys that were evicted for it
        publish_events(e)
    if c.tracking & TRACKING_CACHING:
        end_caching(e, c, command)
    # it took its time, though it did not run
    e.ticks = clock_ticks()
    return False


cdef inline void run_admitted(Engine* e, Client* c, Command* command, int argc, Slice* argv) noexcept nogil:
    cdef Call call
    call_begin(e, &call, c, command, argc, argv)
    command.handler(e, c, argc, argv)
    call_end(e, &call)


cdef void engine_run_admitted(Engine* e, Client* c, Command* command, int argc, Slice* argv) noexcept nogil:
    run_admitted(e, c, command, argc, argv)


cdef bint engine_call(Engine* e, Client* c, int argc, Slice* argv, uint64_t refused) noexcept nogil:
    cdef Command* command = command_of(e, argc, argv)
    if e.pause_until_us or command != NULL and command.flags & refused:
        return False
    look_around(e)
    e.ticks = clock_ticks()
    engine_command(e, c, command, argc, argv)
    return True


cdef bint engine_would_call(Engine* e, int argc, const Slice* argv, uint64_t refused) noexcept nogil:
    cdef Command* command = command_of(e, argc, argv)
    return command != NULL and not command.flags & refused and not e.pause_until_us


cdef void engine_call_in_script(Engine* e, Client* c, ScriptRights* rights, int argc, Slice* argv) noexcept nogil:
    cdef Command* command = command_of(e, argc, argv)
    cdef uint64_t errors = c.reply.errors
    e.ticks = clock_ticks()
    if admit_in_script(e, c, rights, command, argc, argv):
        run_admitted(e, c, command, argc, argv)
    else:
        account_rejected(e, c, command, errors)


cdef inline bint is_plain(const Client* c, const Command* command, int argc) noexcept nogil:
    """Whether `admit` would find nothing about the client and the command, if nothing about the engine is in the way."""
    if c.flags & CLIENT_SPECIAL or command == NULL:
        return False
    if c.channels.first != NULL or c.patterns.first != NULL or c.shard_channels.first != NULL:
        return False
    return known_arity(command, argc)


cdef void refuse_in_multi(Client* c, Command* command, size_t reply_at) noexcept nogil:
    """A command was refused: if MULTI is open, EXEC will abort. EXEC itself aborts now and tells the reason."""
    cdef Buf reason
    cdef size_t begin = reply_at + 1
    if command == NULL or not command.flags & CMD_RUNS_QUEUE:
        if c.flags & CLIENT_MULTI:
            c.flags |= CLIENT_DIRTY_EXEC
        return
    if c.cluster & CLUSTER_REDIRECTED:
        c.cluster &= ~<uint32_t>CLUSTER_REDIRECTED
        return
    if c.reply.out.len - begin > 4 and memcmp(c.reply.out.data + begin, b"ERR ", 4) == 0:
        begin += 4
    buf_init(&reason)
    buf_append_text(&reason, b"EXECABORT Transaction discarded because of: ")
    buf_append(&reason, c.reply.out.data + begin, c.reply.out.len - 2 - begin)
    reply_cut(&c.reply, reply_at)
    reply_error_text(c, &reason)
    discard_queue(c)
    leave_watches(c.engine, c)


cdef void engine_refuse(Engine* e, Client* c, Slice name, Slice error) noexcept nogil:
    cdef size_t reply_at = c.reply.out.len
    reply_error_slice(&c.reply, error)
    refuse_in_multi(c, by_word(&e.commands, name), reply_at)
    client_has_output(e, c)


cdef void reply_error_text(Client* c, Buf* text) noexcept nogil:
    """Replies with an error that was put together, and frees it."""
    if text.failed:
        reply_out_of_memory(c)
    else:
        reply_error_slice(&c.reply, slice_of(text.data, text.len))
    buf_free(text)


cdef inline void keep_or_cut_reply(Engine* e, Client* c, size_t reply_at) noexcept nogil:
    """Sees to it that what was written from reply_at on is sent, or not."""
    if c.flags & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP) or not client_is_heard(e, c):
        cut_or_send_reply(e, c, reply_at)


cdef void cut_or_send_reply(Engine* e, Client* c, size_t reply_at) noexcept nogil:
    if c.flags & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP):
        reply_cut(&c.reply, reply_at)
    # a reply that there was no memory for may have left no byte
    if (c.reply.out.len != reply_at or c.reply.out.failed) and not client_is_heard(e, c):
        client_has_output(e, c)


cdef inline void call_begin(Engine* e, Call* call, Client* c, Command* command, int argc, Slice* argv) noexcept nogil:
    call.parent = e.call
    call.client = c
    call.command = command
    call.argc = argc
    call.argv = argv
    call.replaced = False
    call.dirty = e.ks.dirty
    call.errors = c.reply.errors
    call.reply_at = c.reply.out.len
    call.redacted = 0
    call.ticks = e.ticks
    if call.parent == NULL:
        effects_begin_unit(&e.ks)
    e.call = call
    e.ks.no_touch = (c.flags & CLIENT_NO_TOUCH) != 0


cdef void call_end(Engine* e, Call* call) noexcept nogil:
    cdef Client* c = call.client
    cdef uint64_t now
    if e.ks.effects.recording and e.ks.dirty != call.dirty and not call.replaced:
        if call.command.flags & (CMD_WRITE | CMD_MAY_REPLICATE):
            propagate(c.db, call.argc, call.argv)
    if e.ks.effects.events.len:
        publish_events(e)
    if e.tracking.readers:
        remember_reads(e, call)
    now = clock_ticks()
    e.ticks = now
    if e.monitor_count and not (call.command.flags & (CMD_SKIP_MONITOR | CMD_ADMIN) or c.flags & CLIENT_RETRY or e.ks.loading):
        feed_monitors(e, call)
    if now - call.ticks >= e.quick_ticks or c.reply.errors != call.errors:
        account_call(e, call)
        if e.slot_use != NULL and not c.flags & CLIENT_WAITS:
            slot_use_add(e, call)
        if lazy_is_much(&e.ks) and not call.command.flags & CMD_PYTHON:
            # nobody needs the arguments any more, which what was replaced may hold
            pay_for_freeing(e, now - call.ticks)
    elif not c.flags & CLIENT_WAITS:
        account_quick_call(e, call)
    e.call = call.parent
    if call.parent == NULL:
        end_unit(e, call)
        keep_or_cut_reply(e, c, call.reply_at)
        append_pushes(e, c)
        if e.tracking.own.len:
            tell_own(e, c)
        return
    e.ks.no_touch = (call.parent.client.flags & CLIENT_NO_TOUCH) != 0
    if call.parent.client != c:
        keep_or_cut_reply(e, c, call.reply_at)
    else:
        # an error of one of EXEC's commands is none of EXEC's
        call.parent.errors = c.reply.errors


cdef void pay_for_freeing(Engine* e, uint64_t ticks) noexcept nogil:
    """Frees for as long as commands took: what takes less time to free than to make cannot become more and more."""
    cdef int64_t us
    e.owed_ticks += ticks
    us = <int64_t>(e.owed_ticks / clock_ticks_per_us())
    if us < LEAST_PAID_US:
        return
    e.owed_ticks = 0
    while us > 0 and lazy_is_much(&e.ks) and not lazy_free_for(&e.ks, UINT64_MAX, PAID_US):
        us -= PAID_US
    # the next command begins now
    e.ticks = clock_ticks()


cdef inline void end_unit(Engine* e, const Call* call) noexcept nogil:
    effects_end_unit(&e.ks)
    if e.ks.effects.recording and e.ks.dirty != call.dirty:
        call.client.effects_at = e.ks.effects.stream.bytes.end


cdef inline void append_pushes(Engine* e, Client* c) noexcept nogil:
    if e.pushes.out.len:
        reply_raw(&c.reply, e.pushes.out.data, e.pushes.out.len)
        buf_clear(&e.pushes.out)
        client_has_output(e, c)


cdef bint engine_is_calling(const Engine* e, const Client* c) noexcept nogil:
    cdef const Call* call = e.call
    while call != NULL and call.client != c:
        call = call.parent
    return call != NULL


cdef bint engine_awaits(Engine* e, Client* c) noexcept nogil:
    if not queued_copy(&c.block.request, e.call.command, e.call.argc, e.call.argv):
        return False
    c.flags |= CLIENT_AWAITING
    return True


cdef void end_of_waiting(Engine* e, Call* call) noexcept nogil:
    """Ends the call of a command that has waited: it is not quick, with what it took before."""
    cdef uint64_t quick_ticks = e.quick_ticks
    e.quick_ticks = 0
    call_end(e, call)
    e.quick_ticks = quick_ticks


cdef void engine_resume(Engine* e, Client* c, Call* call) noexcept nogil:
    e.ticks = clock_ticks()
    c.flags = c.flags & ~<uint64_t>CLIENT_AWAITING | CLIENT_RETRY
    call_begin(e, call, c, c.block.request.command, c.block.request.argc, c.block.request.argv)


cdef void engine_resumed(Engine* e, Client* c, Call* call) noexcept nogil:
    end_of_waiting(e, call)
    c.flags &= ~<uint64_t>CLIENT_RETRY
    c.block.ticks = 0
    queued_free(&c.block.request)
    if e.ks.effects.ready != NULL:
        serve_ready_keys(e)


cdef void propagate_instead(Engine* e, Client* c, int argc, const Slice* argv) noexcept nogil:
    e.call.replaced = True
    propagate(c.db, argc, argv)


cdef void propagate_nothing(Engine* e) noexcept nogil:
    e.call.replaced = True


cdef void serve_ready_keys(Engine* e) noexcept nogil:
    cdef ReadyKey* ready
    if e.ks.loading:
        # nothing is propagated yet; the command that loads is followed by this again
        return
    ready = next_ready(&e.ks)
    while ready != NULL:
        serve_key(e, ready)
        mem_free(ready)
        ready = next_ready(&e.ks)


cdef void serve_key(Engine* e, ReadyKey* ready) noexcept nogil:
    """Runs the waiting commands again, in the order in which they came, while there is something to be had."""
    cdef WaitingKey* waiting = waiting_at(ready.db, ready.key)
    cdef Entry* entry
    cdef WaitNode* node
    cdef WaitNode* last
    cdef WaitNode* after
    cdef Client* c
    cdef bint removal
    if waiting == NULL:
        return
    node = waiting.first
    last = waiting.last
    removal = waiting.removals != 0
    while node != NULL:
        entry = lookup_peek(ready.db, ready.key)
        if entry == NULL and not removal:
            return
        # a client leaves its place in the queue; the next one is known before, and the last one was there when the key became ready
        after = NULL if node == last else node.next
        c = <Client*>node.client
        if c.block.wanted.removal or entry != NULL and entry_type(entry) == c.block.wanted.value_type:
            retry(e, c)
            if c.flags & CLIENT_BLOCKED:
                # as in Redis, who looked in vain waits behind those who came meanwhile, for other keys too
                wait_anew(c.block.places)
        node = after


cdef void retry(Engine* e, Client* c) noexcept nogil:
    """Serves a blocked command; if it still finds nothing its client goes on waiting."""
    cdef QueuedCommand* request = &c.block.request
    cdef Db* db = c.db
    cdef Call call
    cdef bint denied
    if c.flags & CLIENT_CLOSING:
        return
    c.db = c.block.db
    c.flags = c.flags & ~<uint64_t>CLIENT_BLOCKED | CLIENT_RETRY
    e.ticks = clock_ticks()
    call_begin(e, &call, c, request.command, request.argc, request.argv)
    c.block.again_at_us = 0
    # its user may have been changed while it waited: then it is told so, and waits no more
    denied = c.flags & CLIENT_RESTRICTED and not acl_admits(e, c, request.command, request.argc, request.argv)
    if not denied and not c.block.wanted.serve(e, c, &c.block.wanted):
        c.flags |= CLIENT_BLOCKED
        set_alarm(e, c)
    end_of_waiting(e, &call)
    c.flags &= ~<uint64_t>CLIENT_RETRY
    c.db = db
    if not c.flags & CLIENT_BLOCKED:
        unblock(e, c)


cdef void serve_deadlines(Engine* e) noexcept nogil:
    cdef Client* c
    while e.deadline_count and e.deadlines[0].block.deadline_us <= e.ks.clock.mono_us:
        c = e.deadlines[0]
        if c.block.timeout_at_us and c.block.timeout_at_us <= e.ks.clock.mono_us:
            unblock_in_vain(e, c)
        else:
            retry(e, c)
    if e.ks.effects.ready != NULL and e.call == NULL:
        serve_ready_keys(e)


# The gate: one function, from flags in the table.


cdef Slice echoed(Slice word, size_t most) noexcept nogil:
    """What an error repeats of a client's word: up to a NUL, and not too much."""
    cdef size_t i
    for i in range(word.len if word.len < most else most):
        if word.ptr[i] == 0:
            return slice_of(word.ptr, i)
    return slice_of(word.ptr, word.len if word.len < most else most)


cdef void reply_unknown(Client* c, int argc, const Slice* argv) noexcept nogil:
    cdef Buf text
    cdef Slice word
    cdef int i
    cdef size_t begin_args
    buf_init(&text)
    buf_append_text(&text, b"ERR unknown command '")
    word = echoed(argv[0], ECHOED_ARGS_BYTES)
    buf_append(&text, word.ptr, word.len)
    buf_append_text(&text, b"', with args beginning with: ")
    begin_args = text.len
    for i in range(1, argc):
        if text.len - begin_args >= ECHOED_ARGS_BYTES:
            break
        word = echoed(argv[i], ECHOED_ARGS_BYTES - (text.len - begin_args))
        buf_append_text(&text, b"'")
        buf_append(&text, word.ptr, word.len)
        buf_append_text(&text, b"' ")
    reply_error_text(c, &text)


cdef bint known_and_well_formed(Engine* e, Client* c, Command* command, int argc, const Slice* argv) noexcept nogil:
    cdef Buf text
    cdef Slice word
    if command == NULL:
        command = by_word(&e.commands, argv[0])
        if command == NULL and (slice_is(argv[0], b"post") or slice_is(argv[0], b"host:")):
            # a web page can make a browser send these; what follows could be commands
            c.flags |= CLIENT_SPEAKS_HTTP
            client_close(c, e)
            return False
        if command == NULL:
            reply_unknown(c, argc, argv)
            return False
        buf_init(&text)
        buf_append_text(&text, b"ERR unknown subcommand '")
        word = echoed(argv[1], ECHOED_ARGS_BYTES)
        buf_append(&text, word.ptr, word.len)
        buf_append_text(&text, b"'. Try ")
        append_upper(&text, argv[0])
        buf_append_text(&text, b" HELP.")
        reply_error_text(c, &text)
        return False
    if not known_arity(command, argc):
        reply_error_about(&c.reply, b"ERR wrong number of arguments for '", command.name, b"' command")
        return False
    return True


cdef void append_upper(Buf* b, Slice word) noexcept nogil:
    cdef size_t i
    cdef char c
    for i in range(word.len):
        c = word.ptr[i]
        if c'a' <= c <= c'z':
            c -= 32
        buf_append(b, &c, 1)


cdef bint queue_needs_memory(const Client* c) noexcept nogil:
    cdef int i
    for i in range(c.multi.count):
        if c.multi.queue[i].command.flags & CMD_DENYOOM:
            return True
    return False


cdef bint queue_has(const Client* c, uint64_t flag) noexcept nogil:
    """Whether a command with the flag waits for EXEC."""
    cdef int i
    for i in range(c.multi.count):
        if c.multi.queue[i].command.flags & flag:
            return True
    return False


cdef bint has_room_for_arguments(Client* c, bint is_exec) noexcept nogil:
    """Whether what the command copies of long arguments can be had: once it has begun it could not give up."""
    cdef size_t needed = c.multi.bytes if is_exec else 0
    if c.parser.bulk_count:
        needed += c.parser.bulk_bytes
    else:
        c.flags &= ~<uint64_t>CLIENT_LONG_ARGUMENTS
    return needed < LONG_ARGUMENTS or mem_has_room(needed)


cdef void reply_busy(Engine* e, Client* c) noexcept nogil:
    if e.runs_function:
        reply_error(&c.reply, b"BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.")
    else:
        reply_error(&c.reply, b"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.")


cdef void reply_cannot_keep(Engine* e, Client* c) noexcept nogil:
    """What a write is told that could not be kept."""
    if not e.deny_writes_disk:
        reply_error_about(&c.reply, b"MISCONF Errors writing to the AOF file: ", slice_text(strerror(e.log_error)), b"")
        return
    reply_error(
        &c.reply,
        b"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify "
        b"the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails "
        b"(stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error."
    )


cdef bint may_write_here(const Engine* e, Client* c) noexcept nogil:
    """Whether replication lets clients write; else replies with an error."""
    if e.too_few_replicas:
        reply_error(&c.reply, b"NOREPLICAS Not enough good replicas to write.")
        return False
    if e.ks.replica and e.replica_readonly:
        reply_error(&c.reply, b"READONLY You can't write against a read only replica.")
        return False
    return True


cdef void reply_stale(Client* c) noexcept nogil:
    reply_error(&c.reply, b"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.")


cdef bint admit(Engine* e, Client* c, Command* command, int argc, const Slice* argv) noexcept nogil:
    """True: run it now. Otherwise it was refused with an error, queued, or put back until the pause is over."""
    cdef bint is_exec
    cdef bint writes
    if e.pause_until_us:
        # the loop's timer may come late, or the clock have been read anew: writes would be let through while keys still do not vanish
        end_pause_if_over(e)
    if e.cluster != NULL:
        end_asking(c)
    if not known_and_well_formed(e, c, command, argc, argv):
        return False
    if c.flags & CLIENT_STRANGER and not command.flags & CMD_NO_AUTH:
        reply_error(&c.reply, b"NOAUTH Authentication required.")
        return False
    if e.busy and not command.flags & CMD_ALLOW_BUSY:
        reply_busy(e, c)
        return False
    if c.flags & CLIENT_MULTI and command.flags & CMD_NO_MULTI:
        reply_error(&c.reply, b"ERR Command not allowed inside a transaction")
        return False
    if c.flags & CLIENT_RESTRICTED and not acl_admits(e, c, command, argc, argv):
        return False
    is_exec = c.flags & CLIENT_MULTI and command.flags & CMD_RUNS_QUEUE
    if e.cluster != NULL and not c.flags & (CLIENT_MASTER | CLIENT_INTERNAL) and not (is_exec and c.flags & CLIENT_DIRTY_EXEC):
        if not cluster_admits(e, c, command, argc, argv, is_exec):
            return False
    if (is_exec or c.flags & CLIENT_LONG_ARGUMENTS) and not has_room_for_arguments(c, is_exec):
        reply_out_of_memory(c)
        return False
    if e.settings.maxmemory and not c.flags & (CLIENT_MASTER | CLIENT_INTERNAL):
        if not engine_make_room(e) and (command.flags & CMD_DENYOOM or is_exec and queue_needs_memory(c)):
            reply_error(&c.reply, b"OOM command not allowed when used memory > 'maxmemory'.")
            return False
    writes = command.flags & CMD_WRITE or is_exec and queue_has(c, CMD_WRITE)
    if (e.deny_writes_disk or e.log_error) and not c.flags & (CLIENT_MASTER | CLIENT_INTERNAL):
        if writes or command.flags & CMD_TELLS_HEALTH:
            reply_cannot_keep(e, c)
            return False
    if writes and not c.flags & (CLIENT_MASTER | CLIENT_INTERNAL) and not may_write_here(e, c):
        return False
    if c.reply.proto == 2 and (c.channels.count or c.patterns.count or c.shard_channels.count) and not command.flags & CMD_RUNS_SUBSCRIBED:
        reply_error_about(
            &c.reply, b"ERR Can't execute '", command.name,
            b"': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
        )
        return False
    if e.stale and not command.flags & CMD_STALE and not c.flags & (CLIENT_MASTER | CLIENT_INTERNAL):
        reply_stale(c)
        return False
    if e.ks.loading and not command.flags & CMD_LOADING and not c.flags & CLIENT_INTERNAL:
        reply_error(&c.reply, b"LOADING zippy is loading the dataset in memory")
        return False
    if e.loads_aside and command.flags & CMD_NO_ASYNC_LOADING:
        reply_error(&c.reply, b"LOADING zippy is loading the dataset in memory")
        return False
    if c.flags & (CLIENT_MONITOR | CLIENT_REPLICA) and command.flags & (CMD_WRITE | CMD_READONLY | CMD_MAY_REPLICATE):
        reply_error(&c.reply, b"ERR Replica can't interact with the keyspace")
        return False
    if e.pause_until_us and not c.flags & (CLIENT_INTERNAL | CLIENT_MASTER | CLIENT_MONITOR):
        if paused(e) and (e.pause_all or writes or command.flags & CMD_MAY_REPLICATE or is_exec and queue_has(c, CMD_MAY_REPLICATE)):
            parser_unread(&c.parser)
            c.flags |= CLIENT_PAUSED
            e.stats.blocked_clients += 1
            return False
    if c.flags & CLIENT_MULTI and not command.flags & CMD_RUNS_IN_MULTI:
        if queue(c, command, argc, argv):
            reply_simple(&c.reply, b"QUEUED")
        else:
            reply_out_of_memory(c)
        return False
    return True


cdef bint engine_admits_script(Engine* e, Client* c, bint over) noexcept nogil:
    if e.cluster != NULL and not cluster_admits_writing(e, c):
        return False
    if over:
        reply_error(&c.reply, b"OOM command not allowed when used memory > 'maxmemory'.")
        return False
    if c.flags & CLIENT_MASTER:
        return True
    if e.deny_writes_disk or e.log_error:
        reply_cannot_keep(e, c)
        return False
    return may_write_here(e, c)


cdef bint admit_in_script(Engine* e, Client* c, ScriptRights* rights, Command* command, int argc, const Slice* argv) noexcept nogil:
    """The gate for the commands of scripts: what holds for the script itself `admit` has seen to."""
    if command == NULL:
        reply_error(&c.reply, b"ERR Unknown Redis command called from script")
        return False
    if not known_arity(command, argc):
        reply_error(&c.reply, b"ERR Wrong number of args calling Redis command from script")
        return False
    if command.flags & CMD_NOSCRIPT:
        reply_error(&c.reply, b"ERR This Redis command is not allowed from script")
        return False
    if c.flags & CLIENT_RESTRICTED and not acl_admits_in_script(e, c, e.call.client, command, argc, argv):
        return False
    if command.flags & (CMD_WRITE | CMD_MAY_REPLICATE) and rights.reads_only:
        reply_error(&c.reply, b"ERR Write commands are not allowed from read-only scripts.")
        return False
    if command.flags & CMD_WRITE and not rights.as_master:
        if not may_write_here(e, c):
            return False
        if e.deny_writes_disk or e.log_error:
            reply_cannot_keep(e, c)
            return False
    if e.stale and not command.flags & CMD_STALE and not rights.as_master:
        reply_stale(c)
        return False
    if e.cluster != NULL and not cluster_admits_in_script(e, c, e.call.client, rights, command, argc, argv):
        return False
    if command.flags & CMD_DENYOOM and rights.over_memory and not rights.wrote:
        reply_error(&c.reply, b"OOM command not allowed when used memory > 'maxmemory'.")
        return False
    rights.wrote |= command.flags & CMD_WRITE != 0
    return True


cdef bint engine_make_room(Engine* e) noexcept nogil:
    cdef uint64_t began
    cdef EvictStatus status
    if paused(e) or e.ks.loading or e.ks.replica and e.leaves_eviction:
        # nothing may vanish now; whoever comes after that goes on
        e.ks.evicting = False
        return True
    began = clock_ticks()
    status = evict_to_limit(&e.ks, not e.frees_between_turns)
    if e.settings.latency_monitor_threshold:
        latency_sample(e, b"eviction-cycle", <int64_t>((clock_ticks() - began) / clock_ticks_per_us()))
    return status != EVICT_FAILED


cdef inline bint paused(Engine* e) noexcept nogil:
    return e.ks.clock.mono_us < e.pause_until_us


cdef bint queue(Client* c, Command* command, int argc, const Slice* argv) noexcept nogil:
    """Keeps a command for EXEC; False: out of memory."""
    cdef Multi* m = &c.multi
    cdef int cap = m.cap * 2 if m.cap else 4
    cdef void* longer
    cdef int i
    if m.count == m.cap:
        longer = mem_try_realloc(m.queue, cap * sizeof(QueuedCommand))
        if longer == NULL:
            return False
        m.queue = <QueuedCommand*>longer
        m.cap = cap
    if not queued_copy(&m.queue[m.count], command, argc, argv):
        return False
    m.count += 1
    for i in range(argc):
        m.bytes += argv[i].len + sizeof(Slice)
    return True
