# Everything here is asked of each command that ran, so what most of them need is a counter and one comparison of ticks; the slow log, the
# latency monitor and MONITOR begin behind that comparison or a bit of the client.

from libc.stdint cimport SIZE_MAX, int64_t, uint64_t
from libc.string cimport memcpy, memmove, memset, strncpy
from zippy._core.ground.buf cimport Buf, buf_append, buf_append_byte, buf_append_text, buf_free, buf_init, slice_equal, slice_of, slice_text
from zippy._core.ground.clock cimport clock_ticks_per_us
from zippy._core.ground.format cimport format_text
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.histogram cimport histogram_add, histogram_clear
from zippy._core.ground.hashtable cimport HtIter, ht_find_hashed, ht_free, ht_init, ht_insert, ht_iter, ht_iter_done, ht_iter_next
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_realloc, mem_zalloc
from zippy._core.commands.output cimport client_has_output
from zippy._core.commands.types cimport (
    CLIENT_CLOSE_AFTER_REPLY, CLIENT_INTERNAL, CLIENT_REPLY_OFF, CLIENT_UNIX, CLIENT_WAITS, CMD_FAST, CMD_SKIP_SLOWLOG, LATENCY_EVENTS,
    LATENCY_NAME, LATENCY_SAMPLES, SLOWLOG_ARG_BYTES, SLOWLOG_ARGS, ErrorStat, LatencySample
)
from zippy._core.resp.writer cimport Reply, reply_raw

cdef enum:
    ERROR_CODES_MAX = 128        # as many kinds of errors are told apart; a client can make them up
    ERROR_CODE_BYTES = 32
    QUICK_US = 2                 # what takes less is counted alone


cdef void error_key_of(const void* item, Slice* key) noexcept nogil:
    key[0] = (<ErrorStat*>item).code


cdef void accounting_init(Engine* e) noexcept nogil:
    ht_init(&e.errors, error_key_of)


cdef void accounting_free(Engine* e) noexcept nogil:
    cdef int i
    for i in range(e.command_count):
        histogram_clear(&e.all_commands[i].histogram)
    free_errors(e)
    slowlog_reset(e)
    mem_free(e.slowlog)
    latency_reset(e, slice_of(NULL, 0))


cdef void free_errors(Engine* e) noexcept nogil:
    cdef HtIter it
    cdef void* item
    ht_iter(&it, &e.errors)
    item = ht_iter_next(&it)
    while item != NULL:
        mem_free(item)
        item = ht_iter_next(&it)
    ht_iter_done(&it)
    ht_free(&e.errors)
    ht_init(&e.errors, error_key_of)


cdef void account_reset(Engine* e) noexcept nogil:
    cdef int i
    cdef Command* command
    for i in range(e.command_count):
        command = &e.all_commands[i]
        command.calls = command.ticks = command.rejected = command.failed = command.quick = 0
        histogram_clear(&command.histogram)
    free_errors(e)
    memset(&e.ks.stats, 0, sizeof(e.ks.stats))
    e.stats.commands = e.stats.connections = e.stats.rejected_connections = e.stats.bytes_in = e.stats.bytes_out = 0
    e.stats.query_limit_disconnects = e.stats.output_limit_disconnects = e.stats.error_replies = e.stats.evicted_clients = 0
    e.stats.denied_logins = e.stats.denied_certificates = e.stats.denied_commands = 0
    e.stats.denied_keys = e.stats.denied_channels = 0
    e.stats.turns = e.stats.turn_ticks = e.stats.turn_ticks_most = e.stats.turn_commands_most = 0
    e.stats.journal_ticks = e.stats.cron_ticks = e.stats.out_of_memory = e.stats.reads = e.stats.writes = 0


cdef void count_error(Engine* e, const Reply* r) noexcept nogil:
    """Counts the last error of the reply by its code, the word behind the minus sign."""
    cdef const char* at = r.out.data + r.error_at + 1
    cdef Slice code = slice_of(at, 0)
    cdef size_t most = r.out.len - r.error_at - 1
    cdef uint64_t hash
    cdef ErrorStat* stat
    if r.error_at == SIZE_MAX:
        return
    e.stats.error_replies += 1
    if r.out.failed:
        return
    while code.len < most and code.len < ERROR_CODE_BYTES and at[code.len] > 32:
        code.len += 1
    if code.len == most or at[code.len] != c' ':
        # a script's error of one word has no code
        code = slice_text(b"ERR")
    hash = hash_bytes(code.ptr, code.len)
    stat = <ErrorStat*>ht_find_hashed(&e.errors, code, hash)
    if stat == NULL:
        if e.errors.count >= ERROR_CODES_MAX:
            return
        stat = <ErrorStat*>mem_alloc(sizeof(ErrorStat) + code.len)
        memcpy(stat + 1, code.ptr, code.len)
        stat.code = slice_of(<char*>(stat + 1), code.len)
        stat.count = 0
        ht_insert(&e.errors, stat, hash)
    stat.count += 1


cdef void account_call(Engine* e, const Call* call) noexcept nogil:
    cdef Client* c = call.client
    cdef Command* command = call.command
    cdef uint64_t ticks = e.ticks - call.ticks
    cdef double us = ticks / clock_ticks_per_us()
    if e.settings.latency_monitor_threshold:
        latency_sample(e, b"fast-command" if command.flags & CMD_FAST else b"command", <int64_t>us)
    if c.flags & CLIENT_WAITS:
        # it is accounted for when it ends
        c.block.ticks += ticks
        return
    ticks += c.block.ticks
    us = ticks / clock_ticks_per_us()
    command.calls += 1
    command.ticks += ticks
    e.stats.commands += 1
    c.commands += 1
    if e.settings.latency_tracking:
        if us < QUICK_US:
            command.quick += 1
        else:
            # whole microseconds, as Redis counts them
            histogram_add(&command.histogram, <uint64_t>us * 1000)
    if c.reply.errors != call.errors:
        command.failed += 1
        count_error(e, &c.reply)
    # what is loaded from a file nobody has asked for now
    if e.settings.slowlog_log_slower_than < 0 or us < e.settings.slowlog_log_slower_than or e.ks.loading:
        return
    if not command.flags & CMD_SKIP_SLOWLOG:
        slowlog_push(e, call, <int64_t>us)


cdef uint64_t account_quick_ticks(const Engine* e) noexcept nogil:
    if e.settings.latency_monitor_threshold or 0 <= e.settings.slowlog_log_slower_than < QUICK_US:
        return 0
    return <uint64_t>(QUICK_US * clock_ticks_per_us())


cdef void account_rejected(Engine* e, Client* c, Command* command, uint64_t errors_before) noexcept nogil:
    if command != NULL:
        command.rejected += 1
    if c.reply.errors != errors_before:
        count_error(e, &c.reply)


cdef void account_turn(EngineStats* stats, uint64_t ticks, uint64_t commands_before) noexcept nogil:
    # the counter of commands may have been reset meanwhile
    cdef uint64_t commands = stats.commands - commands_before if stats.commands >= commands_before else stats.commands
    stats.turn_ticks += ticks
    if ticks > stats.turn_ticks_most:
        stats.turn_ticks_most = ticks
    if commands > stats.turn_commands_most:
        stats.turn_commands_most = commands


cdef inline Slice shown_argument(const Call* call, int i) noexcept nogil:
    """The argument as logs show it."""
    if call.redacted and call.redacted >> (i if i < 63 else 63) & 1:
        return slice_of(b"(redacted)", 10)
    return call.argv[i]


cdef SlowEntry* slow_entry(Engine* e, const Call* call, int64_t us) noexcept nogil:
    """One block: the struct, the slices, the bytes; the last argument kept tells how many were left out."""
    cdef Client* c = call.client
    cdef int argc = call.argc if call.argc < SLOWLOG_ARGS else SLOWLOG_ARGS
    cdef size_t room = sizeof(SlowEntry) + argc * (sizeof(Slice) + SLOWLOG_ARG_BYTES + 48) + c.peer.len + c.name.len
    cdef SlowEntry* entry = <SlowEntry*>mem_alloc(room)
    cdef char* at
    cdef Slice argument
    cdef size_t length
    cdef int i
    entry.id = e.slowlog_next_id
    entry.at = e.ks.clock.us // 1000000
    entry.us = us
    entry.argc = argc
    entry.argv = <Slice*>(entry + 1)
    at = <char*>(entry.argv + argc)
    for i in range(argc):
        argument = shown_argument(call, i)
        if i == SLOWLOG_ARGS - 1 and call.argc > SLOWLOG_ARGS:
            length = format_text(at, 64, b"... (%d more arguments)", call.argc - SLOWLOG_ARGS + 1)
        elif argument.len > SLOWLOG_ARG_BYTES:
            memcpy(at, argument.ptr, SLOWLOG_ARG_BYTES)
            length = SLOWLOG_ARG_BYTES + format_text(
                at + SLOWLOG_ARG_BYTES, 48, b"... (%zu more bytes)", argument.len - SLOWLOG_ARG_BYTES
            )
        else:
            length = argument.len
            if length:
                memcpy(at, argument.ptr, length)
        entry.argv[i] = slice_of(at, length)
        at += length
    if c.peer.len:
        memcpy(at, c.peer.ptr, c.peer.len)
    entry.peer = slice_of(at, c.peer.len)
    at += c.peer.len
    if c.name.len:
        memcpy(at, c.name.ptr, c.name.len)
    entry.name = slice_of(at, c.name.len)
    return entry


cdef void make_slowlog_room(Engine* e) noexcept nogil:
    """Makes room behind the newest: moves all to the front where at least half is free, so that each entry is moved once on average."""
    if e.slowlog_first <= e.slowlog_cap // 2:
        e.slowlog_cap = e.slowlog_cap * 2 if e.slowlog_cap else 16
        e.slowlog = <SlowEntry**>mem_realloc(e.slowlog, e.slowlog_cap * sizeof(SlowEntry*))
        return
    memmove(e.slowlog, e.slowlog + e.slowlog_first, e.slowlog_count * sizeof(SlowEntry*))
    e.slowlog_first = 0


cdef void slowlog_push(Engine* e, const Call* call, int64_t us) noexcept nogil:
    if not e.settings.slowlog_max_len:
        return
    if e.slowlog_first + e.slowlog_count == e.slowlog_cap:
        make_slowlog_room(e)
    e.slowlog[e.slowlog_first + e.slowlog_count] = slow_entry(e, call, us)
    e.slowlog_count += 1
    e.slowlog_next_id += 1
    slowlog_trim(e)


cdef void slowlog_trim(Engine* e) noexcept nogil:
    cdef size_t keep = <size_t>e.settings.slowlog_max_len
    while e.slowlog_count > keep:
        mem_free(e.slowlog[e.slowlog_first])
        e.slowlog_first += 1
        e.slowlog_count -= 1


cdef void slowlog_reset(Engine* e) noexcept nogil:
    cdef size_t i
    for i in range(e.slowlog_count):
        mem_free(e.slowlog[e.slowlog_first + i])
    e.slowlog_first = e.slowlog_count = 0


cdef SlowEntry* slowlog_at(const Engine* e, uint64_t index) noexcept nogil:
    return e.slowlog[e.slowlog_first + e.slowlog_count - 1 - index] if index < e.slowlog_count else NULL


cdef const LatencyEvent* latency_event(const Engine* e, Slice name) noexcept nogil:
    cdef int i
    for i in range(e.latency_count):
        if slice_equal(slice_text(e.latency[i].name), name):
            return e.latency[i]
    return NULL


cdef void latency_sample(Engine* e, const char* name, int64_t us) noexcept nogil:
    cdef LatencyEvent* event
    cdef LatencySample* last
    cdef int64_t ms = us // 1000
    cdef int64_t now = e.ks.clock.us // 1000000
    if e.settings.latency_monitor_threshold <= 0 or ms < e.settings.latency_monitor_threshold:
        return
    event = <LatencyEvent*>latency_event(e, slice_text(name))
    if event == NULL:
        if e.latency_count == LATENCY_EVENTS:
            return
        event = <LatencyEvent*>mem_zalloc(sizeof(LatencyEvent))
        strncpy(event.name, name, LATENCY_NAME - 1)
        e.latency[e.latency_count] = event
        e.latency_count += 1
    if ms > event.worst:
        event.worst = ms
    last = &event.samples[(event.count + LATENCY_SAMPLES - 1) % LATENCY_SAMPLES]
    if event.count == 0 or last.at != now:
        last = &event.samples[event.count % LATENCY_SAMPLES]
        event.count += 1
        last.at = now
        last.ms = ms
    elif ms > last.ms:
        # of one second, the worst sample counts
        last.ms = ms


cdef int latency_reset(Engine* e, Slice name) noexcept nogil:
    cdef int kept = 0
    cdef int forgotten
    cdef int i
    for i in range(e.latency_count):
        if name.ptr != NULL and not slice_equal(slice_text(e.latency[i].name), name):
            e.latency[kept] = e.latency[i]
            kept += 1
        else:
            mem_free(e.latency[i])
    forgotten = e.latency_count - kept
    e.latency_count = kept
    return forgotten


cdef inline char short_escape(unsigned char c) noexcept nogil:
    if c == 7:
        return c'a'
    if c == 8:
        return c'b'
    if c == 9:
        return c't'
    return c'n' if c == 10 else c'r'


cdef void append_quoted(Buf* b, Slice s) noexcept nogil:
    cdef size_t i
    cdef unsigned char c
    cdef char[8] text
    buf_append_byte(b, c'"')
    for i in range(s.len):
        c = s.ptr[i]
        if c == 34 or c == 92:
            buf_append_byte(b, 92)
            buf_append_byte(b, <char>c)
        elif 32 <= c < 127:
            buf_append_byte(b, <char>c)
        elif 7 <= c <= 13 and c != 11 and c != 12:
            buf_append_byte(b, 92)
            buf_append_byte(b, short_escape(c))
        else:
            buf_append(b, text, format_text(text, sizeof(text), b"\\x%02x", <int>c))
    buf_append_byte(b, c'"')


cdef void feed_monitors(Engine* e, const Call* call) noexcept nogil:
    cdef Client* c = call.client
    cdef char[64] text
    cdef Buf line
    cdef int i
    cdef size_t m
    buf_init(&line)
    buf_append(&line, text, format_text(
        text, sizeof(text), b"+%lld.%06lld [%d ", <long long>(e.ks.clock.us // 1000000), <long long>(e.ks.clock.us % 1000000), <int>c.db.id
    ))
    if c.flags & CLIENT_INTERNAL:
        buf_append_text(&line, b"lua")
    elif c.flags & CLIENT_UNIX and c.peer.len >= 2:
        buf_append_text(&line, b"unix:")
        # the path is followed by ":0", for CLIENT LIST
        buf_append(&line, c.peer.ptr, c.peer.len - 2)
    else:
        buf_append(&line, c.peer.ptr, c.peer.len)
    buf_append_byte(&line, c']')
    for i in range(call.argc):
        buf_append_byte(&line, c' ')
        append_quoted(&line, shown_argument(call, i))
    buf_append_text(&line, b"\r\n")
    for m in range(e.monitor_count):
        if e.monitors[m].flags & (CLIENT_CLOSE_AFTER_REPLY | CLIENT_REPLY_OFF):
            continue
        reply_raw(&e.monitors[m].reply, line.data, line.len)
        # who cannot be told all is closed
        e.monitors[m].reply.out.failed |= line.failed
        client_has_output(e, e.monitors[m])
    buf_free(&line)
