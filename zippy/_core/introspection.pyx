"""What a core knows of itself, as plain Python values: for the administrative commands, INFO and the services."""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memchr
from zippy._core.ground.buf cimport Buf, Slice, buf_append, buf_append_byte, buf_clear, buf_free, buf_init, slice_of
from zippy._core.ground.clock cimport clock_ticks, clock_ticks_per_us
from zippy._core.ground.format cimport format_text
from zippy._core.ground.histogram cimport HISTOGRAM_RANGES, HISTOGRAM_STEPS, Histogram, histogram_highest, histogram_lowest
from zippy._core.ground.hashtable cimport HtIter, ht_find, ht_iter, ht_iter_done, ht_iter_next
from zippy._core.ground.mem cimport mem_release, mem_resident
from zippy._core.ground.sha1 cimport SHA1_BYTES
from zippy._core.keyspace.db cimport db_put_string, is_expired, lookup_peek, open_for_write
from zippy._core.keyspace.digest cimport digest_keyspace
from zippy._core.keyspace.effects cimport mutated, propagate
from zippy._core.keyspace.key_sizes cimport SIZE_BINS, SIZED_TYPES, SizeWalk, size_walk_next_db, size_walk_step
from zippy._core.keyspace.lazy_free cimport lazy_free_pending
from zippy._core.keyspace.libraries cimport LIBRARY_ENGINES, Libraries
from zippy._core.keyspace.lru cimport idle_seconds
from zippy._core.keyspace.key_table cimport (
    kt_count, kt_count_elements, kt_count_expiring, kt_find, kt_memory, kt_memory_expiring
)
from zippy._core.keyspace.types cimport NOTIFY_STRING, Db, Keyspace
from zippy._core.keyspace.verify cimport db_fault
from zippy._core.commands.accounting cimport account_reset, latency_sample, slowlog_at, slowlog_reset
from zippy._core.commands.client cimport client_log_in, client_set_name, is_valid_name, memory_of_clients
from zippy._core.commands.engine cimport command_called, engine_use, find_command
from zippy._core.commands.functions_lua cimport functions_lua_bytes
from zippy._core.commands.scripting_types cimport Scripting
from zippy._core.commands.types cimport (
    CLIENT_INTERNAL, CLIENT_NO_TOUCH, LATENCY_SAMPLES, Command, Engine, ErrorStat, LatencyEvent, SlowEntry
)
from zippy._core.resp.report cimport Source, report_text
from zippy._core.resp.writer cimport Reply, reply_array, reply_bulk, reply_int, reply_verbatim
from zippy._core.resp.values cimport Words
from zippy._core.session cimport Core, Session
from zippy._core.values.entry cimport NO_EXPIRY, Entry, entry_access
from zippy._core.values.list cimport ListNodes, list_nodes
from zippy._core.values.value cimport value_checksum, value_encoding_name, value_length, value_memory

cdef enum:
    NUMBER_TEXT = 32              # bytes of a time with three decimals
    TIMES_TEXT = 192              # of a line of commandstats
    QUICK_LEAST = 1000            # ns that a call counts as which took less than two us
    QUICK_MOST = 1003


cdef inline bytes bytes_of(Slice s):
    return PyBytes_FromStringAndSize(s.ptr, s.len)


cdef inline Slice slice_of_bytes(bytes data):
    return slice_of(<const char*>data, len(data))


# Clients


def redact(Session session, int argument):
    """Keeps an argument (0: the command's name) of the session's running command out of MONITOR and the slow log."""
    session.core.engine.call.redacted |= <uint64_t>1 << (argument if argument < 63 else 63)


def client_name(Session session):
    """What CLIENT SETNAME gave, b"" if nothing."""
    return bytes_of(session.client.name)


def set_client_name(Session session, bytes name):
    """Names the client; False when the name has bytes that it may not have."""
    engine_use(session.core.engine)
    return client_set_name(session.client, slice_of_bytes(name))


def valid_name(bytes name):
    """Whether a client or what it says of itself may be named so."""
    return bool(is_valid_name(slice_of_bytes(name)))


def internal_session(Core core):
    """A client without a peer that nothing holds back: feed it, take_output from it, close it."""
    cdef Session session = Session(core, None)
    session.client.flags |= CLIENT_INTERNAL | CLIENT_NO_TOUCH
    client_log_in(session.client, NULL)
    return session


# Commands


def about_commands(Core core, Words words not None, Py_ssize_t first, tell):
    """For each word from the first on tell(name) of the command or subcommand ("config|get") that clients call so, or None.

    In C, since a client may name as many as it likes.
    """
    cdef Slice[2] parts
    cdef const char* bar
    cdef const Command* command
    cdef Py_ssize_t i
    found = []
    for i in range(first, words.count):
        parts[0] = words.at(i)
        bar = <const char*>memchr(parts[0].ptr, c'|', parts[0].len)
        if bar != NULL:
            parts[1] = slice_of(bar + 1, parts[0].len - (bar + 1 - parts[0].ptr))
            parts[0].len = bar - parts[0].ptr
        command = command_called(core.engine, parts[0]) if bar == NULL else find_command(core.engine, 2, parts)
        # behind what has no subcommands anything may stand
        if command == NULL or (command.parent == NULL) != (bar == NULL):
            found.append(None)
        else:
            found.append(tell(core.command_names[command.id]))
    return found


def commands_there(Core core):
    """The full names of the commands that clients can call, whatever they call them; those that rename-command took away are not."""
    cdef Engine* e = core.engine
    cdef const Command* command
    cdef int i
    found = []
    for i in range(e.command_count):
        command = &e.all_commands[i]
        if command.parent == NULL and ht_find(&e.commands, command.word) == command:
            found.append(core.command_names[command.id])
    return found


# Counters


cdef extern from *:
    """
    #include <sys/resource.h>
    #ifndef RUSAGE_THREAD
    #define RUSAGE_THREAD RUSAGE_SELF
    #endif
    """
    cdef struct timeval:
        long tv_sec
        long tv_usec

    cdef struct rusage:
        timeval ru_stime
        timeval ru_utime

    int RUSAGE_SELF
    int RUSAGE_CHILDREN
    int RUSAGE_THREAD
    int getrusage(int who, rusage* usage) noexcept nogil


cdef inline int64_t time_us(timeval time) noexcept nogil:
    return <int64_t>time.tv_sec * 1000000 + time.tv_usec


@cython.final
cdef class ProcessorTimes(Source):
    """INFO's CPU: seconds of the process, its ended children and this thread. As of this turn, as the clock is."""

    cdef Core core
    cdef int64_t asked_at        # us since the epoch
    cdef rusage own
    cdef rusage children
    cdef rusage thread

    def __cinit__(self, Core core):
        self.core = core
        self.asked_at = -1

    cdef int tell(self) except -1:
        if self.asked_at != self.core.engine.ks.clock.us:
            self.asked_at = self.core.engine.ks.clock.us
            getrusage(RUSAGE_SELF, &self.own)
            getrusage(RUSAGE_CHILDREN, &self.children)
            getrusage(RUSAGE_THREAD, &self.thread)
        self.seconds(b"used_cpu_sys", time_us(self.own.ru_stime))
        self.seconds(b"used_cpu_user", time_us(self.own.ru_utime))
        self.seconds(b"used_cpu_sys_children", time_us(self.children.ru_stime))
        self.seconds(b"used_cpu_user_children", time_us(self.children.ru_utime))
        self.seconds(b"used_cpu_sys_main_thread", time_us(self.thread.ru_stime))
        self.seconds(b"used_cpu_user_main_thread", time_us(self.thread.ru_utime))
        return 0


@cython.final
cdef class ServerClock(Source):
    """INFO's Server, what the clock changes of it. started_at: s since the epoch."""

    cdef Core core
    cdef int64_t started_at

    def __cinit__(self, Core core, int64_t started_at):
        self.core = core
        self.started_at = started_at

    cdef int tell(self) except -1:
        cdef int64_t now_us = self.core.engine.ks.clock.us
        cdef int64_t uptime = max(now_us // 1000000 - self.started_at, 0)
        self.integer(b"server_time_usec", now_us)
        self.integer(b"uptime_in_seconds", uptime)
        self.integer(b"uptime_in_days", uptime // 86400)
        self.integer(b"lru_clock", now_us // 1000000 & 0xFFFFFF)
        return 0


def clock_us(Core core):
    """The core's clock: us since the epoch, as of this turn."""
    return core.engine.ks.clock.us


@cython.final
cdef class EngineStats(Source):
    """Counters since the start or CONFIG RESETSTAT by their names in INFO's Stats: those of them that the core has."""

    cdef Core core

    def __cinit__(self, Core core):
        self.core = core

    cdef int tell(self) except -1:
        cdef Engine* e = self.core.engine
        cdef int i
        cdef uint64_t command_ticks = 0
        cdef int64_t over_limit_now_us = e.ks.clock.mono_us - e.ks.stats.over_limit_since if e.ks.stats.over_limit_since else 0
        for i in range(e.command_count):
            command_ticks += e.all_commands[i].ticks
        self.integer(b"total_connections_received", e.stats.connections)
        self.integer(b"total_commands_processed", e.stats.commands)
        self.integer(b"total_net_input_bytes", e.stats.bytes_in)
        self.integer(b"total_net_output_bytes", e.stats.bytes_out)
        self.integer(b"rejected_connections", e.stats.rejected_connections)
        self.integer(b"total_reads_processed", e.stats.reads)
        self.integer(b"total_writes_processed", e.stats.writes)
        self.integer(b"expired_keys", e.ks.stats.expired)
        self.integer(b"expired_subkeys", e.ks.stats.expired_elements)
        self.decimals(b"expired_stale_perc", e.ks.stats.expired_stale_perc)
        self.integer(b"expired_time_cap_reached_count", e.ks.stats.expired_time_cap_reached)
        self.integer(b"expire_cycle_cpu_milliseconds", e.ks.stats.expire_cycle_us // 1000)
        self.integer(b"evicted_keys", e.ks.stats.evicted)
        self.integer(b"total_eviction_exceeded_time", (e.ks.stats.over_limit_us + over_limit_now_us) // 1000)
        self.integer(b"current_eviction_exceeded_time", over_limit_now_us // 1000)
        self.integer(b"evicted_clients", e.stats.evicted_clients)
        self.integer(b"evicted_scripts", e.ks.stats.evicted_scripts)
        self.integer(b"keyspace_hits", e.ks.stats.hits)
        self.integer(b"keyspace_misses", e.ks.stats.misses)
        self.integer(b"pubsub_channels", e.pubsub.channels.count)
        self.integer(b"pubsub_patterns", e.pubsub.patterns.count)
        self.integer(b"pubsubshard_channels", e.pubsub.shard_channels.count)
        self.integer(b"tracking_total_keys", e.ks.tracked.count)
        self.integer(b"tracking_total_items", e.tracking.items)
        self.integer(b"tracking_total_prefixes", e.tracking.prefixes.count)
        self.integer(b"total_error_replies", e.stats.error_replies)
        self.integer(b"client_query_buffer_limit_disconnections", e.stats.query_limit_disconnects)
        self.integer(b"client_output_buffer_limit_disconnections", e.stats.output_limit_disconnects)
        self.integer(b"acl_access_denied_auth", e.stats.denied_logins)
        self.integer(b"acl_access_denied_cmd", e.stats.denied_commands)
        self.integer(b"acl_access_denied_key", e.stats.denied_keys)
        self.integer(b"acl_access_denied_channel", e.stats.denied_channels)
        self.integer(b"acl_access_denied_tls_cert", e.stats.denied_certificates)
        self.integer(b"eventloop_cycles", e.stats.turns)
        self.integer(b"eventloop_duration_sum", <uint64_t>(e.stats.turn_ticks / clock_ticks_per_us()))
        self.integer(b"eventloop_duration_cmd_sum", <uint64_t>(command_ticks / clock_ticks_per_us()))
        return 0


def engine_stats(Core core):
    """The same as {name: value}."""
    return EngineStats(core).fields()


def longest_buffers(Core core):
    """Bytes of the longest piece of input and of output since this was asked last."""
    cdef Engine* e = core.engine
    longest = (e.stats.input_most, e.stats.output_most)
    e.stats.input_most = e.stats.output_most = 0
    return longest


def thread_load(Core core):
    """What INFO tells of a thread that serves clients: zippy has one."""
    cdef Engine* e = core.engine
    return f"clients={e.client_count},reads={e.stats.reads},writes={e.stats.writes}"


@cython.final
cdef class LoopStats(Source):
    """The same of INFO's Debug."""

    cdef Core core

    def __cinit__(self, Core core):
        self.core = core

    cdef int tell(self) except -1:
        cdef Engine* e = self.core.engine
        self.integer(b"eventloop_duration_aof_sum", <uint64_t>(e.stats.journal_ticks / clock_ticks_per_us()))
        self.integer(b"eventloop_duration_cron_sum", <uint64_t>(e.stats.cron_ticks / clock_ticks_per_us()))
        self.integer(b"eventloop_duration_max", <uint64_t>(e.stats.turn_ticks_most / clock_ticks_per_us()))
        self.integer(b"eventloop_cmd_per_cycle_max", e.stats.turn_commands_most)
        return 0


@cython.final
cdef class ClientStats(Source):
    """What INFO's Clients tells of clients now, by its names there."""

    cdef Core core

    def __cinit__(self, Core core):
        self.core = core

    cdef int tell(self) except -1:
        cdef Engine* e = self.core.engine
        cdef int i
        cdef uint64_t watched = 0
        cdef uint64_t waiting = 0
        for i in range(e.ks.db_count):
            watched += e.ks.dbs[i].watched.count
            waiting += e.ks.dbs[i].waiting.count
        self.integer(b"connected_clients", e.client_count)
        self.integer(b"blocked_clients", e.stats.blocked_clients)
        self.integer(b"tracking_clients", e.tracking.clients)
        self.integer(b"pubsub_clients", e.stats.pubsub_clients)
        self.integer(b"watching_clients", e.stats.watching_clients)
        self.integer(b"clients_in_timeout_table", e.deadline_count)
        self.integer(b"total_watched_keys", watched)
        self.integer(b"total_blocking_keys", waiting)
        return 0


def client_stats(Core core):
    """The same as {name: value}."""
    return ClientStats(core).fields()


def is_loading(Core core):
    """Whether a file is being loaded."""
    return core.engine.ks.loading != 0


def reset_stats(Core core):
    """What CONFIG RESETSTAT sets back."""
    engine_use(core.engine)
    account_reset(core.engine)


cdef list durations(const Command* command):
    cdef const Histogram* h = &command.histogram
    cdef int place
    cdef int step
    found = [(QUICK_LEAST, QUICK_MOST, command.quick)] if command.quick else []
    for place in range(HISTOGRAM_RANGES):
        if h.ranges[place] == NULL:
            continue
        for step in range(HISTOGRAM_STEPS):
            if h.ranges[place][step]:
                found.append((histogram_lowest(place, step), histogram_highest(place, step), h.ranges[place][step]))
    return found


def command_durations(Core core):
    """(name, histogram) of each command that was called.

    The histogram is a list of (least ns, most ns, calls that took so long), in order of time. What takes less than two microseconds is not
    told apart: it counts as one.
    """
    cdef Command* command
    cdef int i
    found = []
    for i in range(core.engine.command_count):
        command = &core.engine.all_commands[i]
        counts = durations(command)
        if counts:
            found.append((bytes_of(command.name).decode(), counts))
    return found


def command_lines(Core core):
    """INFO's Commandstats, {name: value}: of each command that was called or rejected."""
    cdef Command* command
    cdef char[TIMES_TEXT] text
    cdef uint64_t us
    cdef size_t size
    cdef int i
    found = {}
    for i in range(core.engine.command_count):
        command = &core.engine.all_commands[i]
        if command.calls or command.rejected or command.failed:
            us = <uint64_t>(command.ticks / clock_ticks_per_us())
            size = format_text(
                text, TIMES_TEXT, b"calls=%llu,usec=%llu,usec_per_call=%.2f,rejected_calls=%llu,failed_calls=%llu",
                <unsigned long long>command.calls, <unsigned long long>us, <double>us / command.calls if command.calls else 0.0,
                <unsigned long long>command.rejected, <unsigned long long>command.failed
            )
            found["cmdstat_" + bytes_of(command.name).decode()] = text[:size].decode()
    return found


cdef uint64_t timed_calls(const Command* command) noexcept nogil:
    """How many there are in a command's histogram."""
    cdef uint64_t calls = command.quick
    cdef int place
    cdef int step
    for place in range(HISTOGRAM_RANGES):
        if command.histogram.ranges[place] != NULL:
            for step in range(HISTOGRAM_STEPS):
                calls += command.histogram.ranges[place][step]
    return calls


cdef uint64_t percentile_ns(const Command* command, uint64_t calls, double percentile) noexcept nogil:
    """The longest time that counts as the one in question; of percentile 0 the shortest."""
    cdef const Histogram* h = &command.histogram
    cdef uint64_t wanted = <uint64_t>(<double>calls * percentile / 100 + 0.5)
    cdef uint64_t passed = command.quick
    cdef int place
    cdef int step
    wanted = max(wanted, <uint64_t>1)
    if passed >= wanted:
        return QUICK_MOST if percentile > 0 else QUICK_LEAST
    for place in range(HISTOGRAM_RANGES):
        if h.ranges[place] == NULL:
            continue
        for step in range(HISTOGRAM_STEPS):
            passed += h.ranges[place][step]
            if passed >= wanted:
                return histogram_highest(place, step) if percentile > 0 else histogram_lowest(place, step)
    return 0


cdef object percentiles_text(const Command* command, uint64_t calls, list percentiles, Buf* line):
    cdef char[NUMBER_TEXT] text
    cdef bytes name
    cdef double percentile
    buf_clear(line)
    for name, percentile in percentiles:
        if line.len:
            buf_append_byte(line, c',')
        buf_append(line, <const char*>name, len(name))
        buf_append(line, text, format_text(text, NUMBER_TEXT, b"=%.3f", <double>percentile_ns(command, calls, percentile) / 1000))
    if line.failed:
        raise MemoryError
    return line.data[:line.len].decode() if line.len else ""


def latency_lines(Core core, list percentiles):
    """INFO's Latencystats, {name: value}: of each command that was called. percentiles: [(name (bytes), 0 to 100)]."""
    cdef Command* command
    cdef uint64_t calls
    cdef int i
    cdef Buf line
    found = {}
    engine_use(core.engine)
    buf_init(&line)
    try:
        for i in range(core.engine.command_count):
            command = &core.engine.all_commands[i]
            calls = timed_calls(command)
            if calls:
                name = bytes_of(command.name).decode()
                found["latency_percentiles_usec_" + name] = percentiles_text(command, calls, percentiles, &line)
    finally:
        buf_free(&line)
    return found


def error_stats(Core core):
    """How often each error code was replied, a list of (code, count) in the codes' order."""
    cdef HtIter it
    cdef ErrorStat* stat
    found = []
    ht_iter(&it, &core.engine.errors)
    stat = <ErrorStat*>ht_iter_next(&it)
    while stat != NULL:
        found.append((bytes_of(stat.code).decode("utf-8", "surrogateescape"), stat.count))
        stat = <ErrorStat*>ht_iter_next(&it)
    ht_iter_done(&it)
    return sorted(found)


def keyspace(Core core):
    """(id, keys, keys with an expiry, average ms to live, keys whose elements expire) of each database that has keys."""
    cdef Db* db
    cdef int i
    found = []
    for i in range(core.engine.ks.db_count):
        db = core.engine.ks.dbs[i]
        if kt_count(&db.table):
            found.append((db.id, kt_count(&db.table), kt_count_expiring(&db.table), db.avg_ttl, kt_count_elements(&db.table)))
    return found


def may_wait(Session session):
    """Whether the session's running command may be a coroutine: it is not part of another one, and a loop serves the core."""
    return session.core.engine.call.parent == NULL and session.core.schedule_turn_end is not None


@cython.final
cdef class KeySizes:
    """A count of all values by type and by size, in powers of two."""

    cdef Core core
    cdef SizeWalk walk
    cdef readonly dict found             # {database: [{bin: values}, a dict a type]}; bin 0 is size 0, bin i from 2 ** (i - 1) on

    def __cinit__(self, Core core):
        self.core = core
        self.found = {}

    def step(self, int64_t budget_us):
        """Goes on for about so long; True: all databases are counted."""
        cdef Keyspace* ks = &self.core.engine.ks
        cdef uint64_t until = clock_ticks() + <uint64_t>(budget_us * clock_ticks_per_us())
        cdef int i
        cdef int place
        engine_use(self.core.engine)
        while self.walk.db < ks.db_count:
            if not size_walk_step(&self.walk, ks, budget_us):
                return False
            if kt_count(&ks.dbs[self.walk.db].table):
                self.found[self.walk.db] = [
                    {place: self.walk.counts[i][place] for place in range(SIZE_BINS) if self.walk.counts[i][place]}
                    for i in range(SIZED_TYPES)
                ]
            size_walk_next_db(&self.walk)
            if clock_ticks() > until:
                break
        return self.walk.db == ks.db_count


def keyspace_fault(Core core):
    """(id, what is wrong) of the first database whose tables contradict each other, None when all agree. For tests: it reads every key."""
    cdef const char* fault
    cdef int i
    for i in range(core.engine.ks.db_count):
        fault = db_fault(core.engine.ks.dbs[i])
        if fault != NULL:
            return i, fault.decode()
    return None


# Memory


def used_memory(Core core):
    """Bytes in use now and at most."""
    return core.engine.account.used, max(core.engine.account.peak, core.engine.account.used)


def memory_stats(Core core):
    """Bytes: "used", "peak", "resident" (all that the allocator holds), "tables" [(db, keys, expires)], "clients", "not_counted".

    "blocks" is how many live blocks there are, "freed_later" how many values and keys (wait to be, were) freed in steps.
    """
    cdef Engine* e = core.engine
    cdef Db* db
    cdef int i
    tables = []
    for i in range(e.ks.db_count):
        db = e.ks.dbs[i]
        if kt_count(&db.table):
            tables.append((db.id, kt_memory(&db.table), kt_memory_expiring(&db.table)))
    return {
        "used": e.account.used,
        "peak": max(e.account.peak, e.account.used),
        "blocks": e.account.blocks,
        "resident": mem_resident(),
        "tables": tables,
        "clients": memory_of_clients(e),
        "not_counted": e.ks.memory_overhead,
        "freed_later": (lazy_free_pending(&e.ks), e.ks.stats.lazyfreed),
    }


@cython.final
cdef class MemoryFigures(Source):
    """INFO's Memory: bytes, by what they are for. What Redis asks its allocator, zippy knows: nothing is lost inside of blocks."""

    cdef Core core
    cdef size_t startup          # bytes used when the core was new
    cdef object process_bytes    # a function: resident bytes of the process

    def __cinit__(self, Core core, size_t startup, process_bytes):
        self.core = core
        self.startup = startup
        self.process_bytes = process_bytes

    cdef size_t overhead(self) noexcept:
        """Bytes of what is not data."""
        cdef Engine* e = self.core.engine
        cdef size_t bytes = self.startup + memory_of_clients(e)
        cdef int i
        for i in range(e.ks.db_count):
            if kt_count(&e.ks.dbs[i].table):
                bytes += kt_memory(&e.ks.dbs[i].table) + kt_memory_expiring(&e.ks.dbs[i].table)
        return bytes

    cdef int tell(self) except -1:
        cdef Engine* e = self.core.engine
        cdef size_t rss = self.process_bytes()
        cdef size_t overhead = self.overhead()
        cdef size_t used = e.account.used
        cdef size_t peak = max(<size_t>e.account.peak, used)
        cdef size_t dataset = used - overhead if used > overhead else 0
        cdef size_t grown = used - self.startup if used > self.startup else 1
        cdef size_t held = mem_resident()
        machine, scripts, cached = script_stats(self.core)
        functions_machine, libraries, functions, library_count = library_stats(self.core)
        self.integer(b"used_memory", used)
        self.size(b"used_memory_human", used)
        self.integer(b"used_memory_rss", rss)
        self.size(b"used_memory_rss_human", rss)
        self.integer(b"used_memory_peak", peak)
        self.size(b"used_memory_peak_human", peak)
        self.percent(b"used_memory_peak_perc", <double>used / <double>peak * 100)
        self.integer(b"used_memory_overhead", overhead)
        self.integer(b"used_memory_startup", self.startup)
        self.integer(b"used_memory_dataset", dataset)
        self.percent(b"used_memory_dataset_perc", min(<double>dataset / <double>grown, 1.0) * 100)
        self.integer(b"allocator_allocated", used)
        self.integer(b"allocator_active", held)
        self.integer(b"allocator_resident", held)
        self.integer(b"used_memory_vm_eval", machine)
        self.integer(b"used_memory_lua", machine)
        self.size(b"used_memory_lua_human", machine)
        self.integer(b"used_memory_scripts_eval", scripts)
        self.integer(b"number_of_cached_scripts", cached)
        self.integer(b"number_of_functions", functions)
        self.integer(b"number_of_libraries", library_count)
        self.integer(b"used_memory_vm_functions", functions_machine)
        self.integer(b"used_memory_vm_total", machine + functions_machine)
        self.size(b"used_memory_vm_total_human", machine + functions_machine)
        self.integer(b"used_memory_functions", libraries)
        self.integer(b"used_memory_scripts", scripts + libraries)
        self.size(b"used_memory_scripts_human", scripts + libraries)
        self.decimals(b"allocator_frag_ratio", <double>held / <double>used)
        self.integer(b"allocator_frag_bytes", <int64_t>held - <int64_t>used)
        self.decimals(b"rss_overhead_ratio", <double>rss / <double>max(held, <size_t>1))
        self.integer(b"rss_overhead_bytes", <int64_t>rss - <int64_t>held)
        self.decimals(b"mem_fragmentation_ratio", <double>rss / <double>used)
        self.integer(b"mem_fragmentation_bytes", <int64_t>rss - <int64_t>used)
        self.integer(b"mem_not_counted_for_evict", e.ks.memory_overhead)
        self.integer(b"mem_clients_normal", memory_of_clients(e))
        self.integer(b"lazyfree_pending_objects", lazy_free_pending(&e.ks))
        self.integer(b"lazyfreed_objects", e.ks.stats.lazyfreed)
        return 0


@cython.final
cdef class BlockFigures(Source):
    """Blocks of memory, for INFO's section of what is zippy's own."""

    cdef Core core

    def __cinit__(self, Core core):
        self.core = core

    cdef int tell(self) except -1:
        self.integer(b"live_blocks", self.core.engine.account.blocks)
        return 0


def library_stats(Core core):
    """Bytes of Lua for functions, bytes of libraries beside it, how many functions and how many libraries there are, in Python too."""
    cdef const Libraries* held = &core.engine.ks.libraries
    cdef int functions = 0
    cdef int libraries = 0
    cdef int i
    for i in range(<int>LIBRARY_ENGINES):
        functions += held.function_counts[i]
        libraries += held.library_counts[i]
    return functions_lua_bytes(core.engine), held.bytes, functions, libraries


def script_stats(Core core):
    """Bytes of Lua, bytes of scripts beside it, how many scripts there are."""
    cdef const Scripting* s = <const Scripting*>core.engine.scripting
    if s == NULL:
        return 0, 0, 0
    return s.host.vm.bytes, s.bytes, s.by_sha.count


def release_memory():
    """Gives memory that no block is in back to the system."""
    mem_release()


def key_memory(Session session, bytes key, uint64_t samples):
    """Bytes of a key with its value, from so many sampled elements (0: all); None: no such key."""
    engine_use(session.core.engine)
    cdef Entry* entry = lookup_peek(session.client.db, slice_of_bytes(key))
    return None if entry == NULL else value_memory(entry, samples)


def key_facts(Session session, bytes key):
    """Address, encoding, length, access field and idle seconds of a key's entry, "nodes" of a quicklist; None: no such key."""
    engine_use(session.core.engine)
    cdef Entry* entry = lookup_peek(session.client.db, slice_of_bytes(key))
    if entry == NULL:
        return None
    cdef ListNodes nodes
    facts = {
        "address": <size_t>entry,
        "encoding": value_encoding_name(entry).decode(),
        "length": value_length(entry),
        "access": entry_access(entry),
        "idle": idle_seconds(&session.core.engine.ks, entry),
    }
    if list_nodes(entry, &nodes):
        facts["nodes"] = {
            "count": nodes.count, "elements": nodes.elements, "fill": nodes.fill, "compress": nodes.compress, "bytes": nodes.bytes
        }
    return facts


def value_digest(Session session, bytes key):
    """The checksum of a key's value and whether it expires, in hexadecimal digits; all zeros: no such key."""
    cdef Db* db = session.client.db
    cdef uint8_t[SHA1_BYTES] sum
    engine_use(session.core.engine)
    cdef Entry* entry = kt_find(&db.table, slice_of_bytes(key))
    if entry == NULL or is_expired(db, entry):
        return "0" * (2 * SHA1_BYTES)
    value_checksum(entry, sum)
    return sum[:SHA1_BYTES].hex()


def dataset_digest(Core core):
    """The checksum of all keys with their values, in hexadecimal digits; all zeros: there are none."""
    cdef uint8_t[SHA1_BYTES] sum
    engine_use(core.engine)
    digest_keyspace(&core.engine.ks, sum)
    return sum[:SHA1_BYTES].hex()


def populate(Session session, uint64_t count, bytes prefix, int64_t size):
    """Puts strings under prefix:0 .. prefix:(count-1) where there is no key yet.

    They are "value:i", cut or padded with NULs to size (-1: as they are).
    """
    cdef Engine* e = session.core.engine
    cdef Db* db = session.client.db
    cdef uint64_t i
    cdef bytes key
    cdef bytes value
    cdef Slice[3] request
    engine_use(e)
    for i in range(count):
        key = b"%s:%d" % (prefix, i)
        value = b"value:%d" % i
        if size >= 0:
            value = value[:size].ljust(size, b"\0")
        if open_for_write(db, slice_of_bytes(key)) == NULL:
            if db_put_string(db, NULL, slice_of_bytes(key), slice_of_bytes(value), NO_EXPIRY) == NULL:
                raise MemoryError
            mutated(db, slice_of_bytes(key), NOTIFY_STRING, NULL, 1)
            request[0] = slice_of(b"SET", 3)
            request[1] = slice_of_bytes(key)
            request[2] = slice_of_bytes(value)
            propagate(db, 3, request)


# The slow log and the latency monitor


cdef void write_slow_entry(Reply* r, const SlowEntry* entry) noexcept nogil:
    cdef int i
    reply_array(r, 6)
    reply_int(r, entry.id)
    reply_int(r, entry.at)
    reply_int(r, entry.us)
    reply_array(r, entry.argc)
    for i in range(entry.argc):
        reply_bulk(r, entry.argv[i])
    reply_bulk(r, entry.peer)
    reply_bulk(r, entry.name)


def reply_slowlog(Session session, int64_t count):
    """Replies with the newest entries (-1: all): id, second, us, arguments, peer and client's name of each; no object is made."""
    cdef Engine* e = session.core.engine
    cdef Reply* reply = &e.call.client.reply
    cdef uint64_t shown = e.slowlog_count
    cdef uint64_t i
    if 0 <= count < <int64_t>shown:
        shown = count
    engine_use(e)
    reply_array(reply, shown)
    for i in range(shown):
        write_slow_entry(reply, slowlog_at(e, i))


def reply_report(Session session, list sections not None):
    """Replies with INFO's text of these sections."""
    cdef bytes text = report_text(sections)
    engine_use(session.core.engine)
    reply_verbatim(&session.core.engine.call.client.reply, b"txt", slice_of_bytes(text))


def slowlog_length(Core core):
    """How many entries the slow log has."""
    return core.engine.slowlog_count


def slowlog_clear(Core core):
    """Empties the slow log."""
    engine_use(core.engine)
    slowlog_reset(core.engine)


cdef list samples_of(const LatencyEvent* event):
    cdef int first = event.count - LATENCY_SAMPLES if event.count > LATENCY_SAMPLES else 0
    cdef int i
    found = []
    for i in range(first, event.count):
        found.append((event.samples[i % LATENCY_SAMPLES].at, event.samples[i % LATENCY_SAMPLES].ms))
    return found


def latency_events(Core core):
    """What the latency monitor keeps: {event: (worst ms, [(second, ms), oldest first])}."""
    cdef int i
    return {
        core.engine.latency[i].name.decode(): (core.engine.latency[i].worst, samples_of(core.engine.latency[i]))
        for i in range(core.engine.latency_count)
    }


def latency_record(Core core, bytes event, int64_t us):
    """One occurrence of an event ("fork", "aof-fsync-always" ...) for the latency monitor, which keeps it when it took long enough."""
    engine_use(core.engine)
    latency_sample(core.engine, event, us)
