# The logic of Core and Session is here, below their transports: they are given bytes and give bytes, so that reactor, asyncio, loader and
# in-process client run the same code.

from importlib import import_module
from types import CoroutineType

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITE, PyBuffer_Release, PyObject_GetBuffer
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.exc cimport PyErr_CheckSignals
from libc.stdlib cimport free, malloc
from libc.string cimport memset
from zippy._core.ground.buf cimport Slice, buf_clear, buf_drop_front, slice_of
from zippy._core.ground.clock cimport clock_advance, clock_restore, clock_set, clock_thaw, clock_ticks, clock_ticks_per_us
from zippy._core.ground.mem cimport (
    Account, mem_charge_to, mem_charged, mem_clock, mem_give_back, mem_in_use, mem_leave_in_steps, mem_leaves, mem_spare
)
from zippy._core.commands.accounting cimport account_turn, latency_sample
from zippy._core.commands.client cimport (
    answer_freed, client_begin_as_default, client_free, client_new, client_reset, client_set_name, client_to_evict, end_pause_if_over,
    look_at_input_again, next_deadline_us, next_unblocked, note_held, note_memory, set_clients_limit, unblock
)
from zippy._core.commands.engine cimport (
    engine_awaits, engine_enter, engine_free, engine_init, engine_is_calling, engine_make_room, engine_refuse, engine_resume,
    engine_resumed, engine_run, engine_use, serve_deadlines
)
from zippy._core.commands.events cimport publish_events
from zippy._core.commands.functions cimport functions_flush
from zippy._core.commands.functions_lua cimport functions_lua_stop
from zippy._core.commands.output cimport (
    check_soft_limits, client_close, client_has_output, client_has_unsent, client_output_class, closing_first, next_pending,
    set_output_limit, take_pending
)
from zippy._core.commands.scripting_cache cimport script_stop, scripting_free
from zippy._core.commands.table cimport table_build, table_rename
from zippy._core.commands.tracking cimport tell_of_writes, trim_tracked
from zippy._core.commands.types cimport (
    CLIENT_AWAITING, CLIENT_BLOCKED, CLIENT_CLOSE_AFTER_REPLY, CLIENT_CLOSING, CLIENT_LONG_ARGUMENTS, CLIENT_MASTER, CLIENT_MONITOR,
    CLIENT_NO_EVICT, CLIENT_NO_TOUCH, CLIENT_OUT_OF_MEMORY, CLIENT_OVER_LIMIT, CLIENT_PAUSED, CLIENT_REPLICA, CLIENT_REPLY_OFF,
    CLIENT_REPLY_SKIP, CLIENT_REPLY_SKIP_NEXT, CLIENT_SPEAKS_HTTP, CLIENT_STRANGER, CLIENT_TLS, CLIENT_UNIX, CMD_PYTHON,
    OUTPUT_NORMAL, Call, Command, EngineStats
)
from zippy._core.keyspace.compact cimport compact_step
from zippy._core.keyspace.db cimport shrink_tables
from zippy._core.keyspace.expire cimport expire_all, expire_cycle
from zippy._core.keyspace.lazy_free cimport lazy_free_for, lazy_waits
from zippy._core.resp.kinds import Later, ReplyError
from zippy._core.resp.parser cimport (
    BATCH_REQUESTS, Batch, batch_free, PARSER_MAX_ARGS, parser_begin, parser_end, parser_filled, parser_held, parser_limit, parser_target
)
from zippy._core.resp.values cimport Words, words_of, write_value
from zippy._core.resp.writer cimport reply_error
from zippy._core.values.settings cimport settings_field

cdef enum:
    SHARED_BYTES = 256 * 1024      # one read; a longer pipeline comes in several. What is never read to takes no memory
    VISITED_CLIENTS = 256          # together, at least
    SHRINK_STEPS = 1000            # of each table ten times a second, some 0.1 us each
    FREE_ITEMS = 1000              # of what was deleted, freed in one step
    FREE_US = 250                  # and a step takes no longer, of which one who asks for nothing may have to wait for two
    GIVE_BACK = 8                  # slabs, 512 KiB: what the system takes back in a quarter of a millisecond
    SPARE_MAX = 128 * 1024 * 1024  # bytes of memory that are not given back where large values are freed, and no more than are in use,
    SPARE_US = 10 * 1000 * 1000    # unless none was freed for so long
    STRANGER_INPUT = 1 << 20       # bytes not yet run of a client that has not authenticated, as in Redis 8.2
    TRIM_KEYS = 1000               # that are above tracking-table-max-keys, forgotten ten times a second; some 0.5 us each
    COMPACT_BYTES = 64 * 1024      # sent bytes in front of unsent ones that are worth being dropped
    MOVED_BYTES = 1 << 20          # more unsent ones than that are moved only when they are a small part


cdef int64_t left_behind = 0   # blocks that engines still had when they were gone
cdef dict ids_of_commands = {}   # by full names, as the first engine has them; all have the same


cdef class Transport:
    cdef int flush(self, Session session) except -1:
        raise NotImplementedError

    cdef int close_session(self, Session session) except -1:
        raise NotImplementedError

    cdef int run_later(self, Session session) except -1:
        raise NotImplementedError


cdef class Journal:
    cdef int turn(self) except -1:
        raise NotImplementedError


cdef class Relaying:
    cdef int turn(self) except -1:
        raise NotImplementedError


cdef void log_line(Engine* e, int level, Slice line) noexcept with gil:
    cdef Session session
    if e.call == NULL or e.call.client.owner == NULL:
        return
    session = <Session>e.call.client.owner
    if session.core.on_log_line is not None:
        try:
            session.core.on_log_line(level, PyBytes_FromStringAndSize(line.ptr, line.len))
        except Exception:
            session.core.log_exception("a script's line could not be logged")
    engine_use(e)


cdef void while_busy(Engine* e) noexcept with gil:
    cdef Session session
    if e.call.client.owner == NULL:
        return
    session = <Session>e.call.client.owner
    try:
        PyErr_CheckSignals()
        session.core.serve_busy()
    except BaseException as error:
        session.core.stashed = error
        script_stop(e)
        functions_lua_stop(e)
    engine_use(e)


cdef void run_in_python(Engine* e, Client* c, int argc, Slice* argv) noexcept with gil:
    """The handler of all commands whose handlers are in Python."""
    cdef Session session = <Session>c.owner
    try:
        session.run_python(e.call.command, argc, argv)
    except BaseException as error:
        # no reply, and nothing may be raised through the engine
        session.core.stashed = error
        reply_error(&c.reply, b"ERR the command was interrupted")
    engine_use(e)


@cython.final
cdef class Core:
    """An engine and its sessions.

    Used by one thread at a time: the core runs with the GIL held, and several cores in one process take turns by it.
    """

    def __cinit__(self, int databases=16, uint64_t seed=0):
        self.engine = <Engine*>malloc(sizeof(Engine))
        if self.engine == NULL:
            raise MemoryError
        engine_init(self.engine, databases, seed)
        if table_build(self.engine, run_in_python) != 0:
            raise MemoryError
        self.engine.log_line = log_line
        self.engine.while_busy = while_busy
        self.shared = <char*>malloc(SHARED_BYTES)
        if self.shared == NULL:
            raise MemoryError
        self.shared_view = PyMemoryView_FromMemory(self.shared, SHARED_BYTES, PyBUF_WRITE)

    def __init__(self, int databases=16, uint64_t seed=0):
        """databases: how many; seed: of the engine's randomness."""
        cdef int i
        self.sessions = {}
        self.busy_passes = []
        self.held = set()
        if not ids_of_commands:
            for i in range(self.engine.command_count):
                ids_of_commands[self.engine.all_commands[i].name.ptr.decode()] = i
        self.command_names, self.command_ids = tuple(ids_of_commands), ids_of_commands
        self.handlers = [None] * self.engine.command_count

    def __dealloc__(self):
        global left_behind
        cdef Account* charged
        if self.engine != NULL:
            # the collector runs this in the middle of another engine's command, which goes on to allocate
            charged = mem_charged()
            engine_use(self.engine)
            while self.engine.clients != NULL:
                client_free(self.engine, self.engine.clients)
            scripting_free(self.engine)
            functions_flush(self.engine)
            if self.engine.frees_between_turns:
                mem_leave_in_steps(False)
            engine_free(self.engine)
            left_behind += self.engine.account.blocks
            mem_charge_to(NULL if charged == &self.engine.account else charged)
            free(self.engine)
        free(self.shared)
        free(self.busy_shared)

    def bind(self, name, handler):
        """Binds the Python function handler(session, args) to the command `name`, for example "config|get"."""
        self.handlers[self.command_ids[name]] = handler

    def rename_command(self, bytes old, bytes new):
        """Renames a top-level command, or takes it away with an empty new name; what is wrong, or None. Names are lower case."""
        cdef const char* wrong = table_rename(
            self.engine, slice_of(<const char*>old, len(old)), slice_of(<const char*>new, len(new))
        )
        return None if wrong == NULL else wrong.decode()

    def unbound(self):
        """Names of commands that have no handler, neither in the core nor in Python; containers aside."""
        cdef int i
        cdef const Command* all_commands = self.engine.all_commands
        return [
            name for i, name in enumerate(self.command_names)
            if self.handlers[i] is None and all_commands[i].flags & CMD_PYTHON and all_commands[i].subcommands == NULL
        ]

    cdef int raise_stashed(self) except -1:
        """Raises what a command in Python raised that is no reply: KeyboardInterrupt, SystemExit."""
        cdef BaseException stashed = self.stashed
        if stashed is not None:
            self.stashed = None
            raise stashed
        return 0

    cpdef int open_turn(self) except -1:
        """Begins a turn whose end the caller sees to; 0 when one is under way."""
        if self.in_turn:
            engine_use(self.engine)
            return 0
        self.in_turn = True
        self.engine.stats.turns += 1
        self.turn_began = clock_ticks()
        self.turn_commands = self.engine.stats.commands
        engine_enter(self.engine)
        return 1

    cpdef int begin_turn(self) except -1:
        """Refreshes the clock and has end_turn called; nothing when a turn is under way."""
        if self.open_turn() and self.schedule_turn_end is not None:
            self.schedule_turn_end(self.end_turn)
        return 0

    cpdef int end_turn(self) except -1:
        """Runs what was unblocked, has the journal keep what was done, then flushes all output: one write a client."""
        cdef EngineStats* stats = &self.engine.stats
        cdef uint64_t began = self.turn_began if self.in_turn else clock_ticks()
        cdef uint64_t commands = self.turn_commands if self.in_turn else stats.commands
        cdef uint64_t before
        engine_use(self.engine)
        self.in_turn = False
        self.run_unblocked()
        if self.engine.tracking.writes.len or self.engine.ks.effects.events_lost:
            tell_of_writes(self.engine)
        if self.engine.ks.effects.stream.bytes.end != self.engine.ks.effects.stream.taken or self.engine.ks.effects.stream.failed:
            before = clock_ticks()
            self.persist_turn()
            stats.journal_ticks += clock_ticks() - before
        if self.relaying is not None:
            self.relaying.turn()
        if self.engine.all_flushed:
            self.engine.all_flushed = False
            if self.on_flush_all is not None:
                self.on_flush_all()
        if self.engine.pubsub.published.len and self.on_published is not None:
            self.on_published()
        closing_first(self.engine)
        self.flush_pending()
        if self.engine.clients_limit:
            self.evict_clients()
        self.arrange_wake()
        if self.schedule_free is not None and not self.freeing and self.has_to_free():
            self.freeing = True
            self.schedule_free(self.free_step)
        account_turn(stats, clock_ticks() - began, commands)
        return 0

    def free_between_turns(self, schedule):
        """From now on `schedule`, such as loop.call_soon, is called with a function that frees a part of what was deleted, or evicts.

        None: from now on nobody does; who waits for what is deleted up to now is answered.
        """
        cdef bint somebody = schedule is not None
        self.schedule_free = schedule
        if somebody != self.engine.frees_between_turns:
            mem_leave_in_steps(somebody)
        self.engine.frees_between_turns = somebody
        self.freeing = False
        if not somebody:
            while not self.free_some():
                pass
            if self.engine.waiting_for_memory:
                self.begin_turn()
                answer_freed(self.engine)
                self.end_turn()

    cdef bint has_to_free(self) noexcept:
        """Whether free_step has something to do."""
        mem_clock(<uint64_t>self.engine.ks.clock.mono_us)
        if self.engine.ks.evicting or self.engine.waiting_for_memory or lazy_waits(&self.engine.ks) or mem_leaves():
            return True
        return mem_spare() != 0 and mem_spare() > self.spare_to_keep()

    cdef size_t spare_to_keep(self) noexcept:
        """Bytes of freed memory that stay for the next large value: filling new pages takes longer (COPY of a list 10 ms, else 2)."""
        if self.engine.ks.clock.mono_us - self.freed_at_us >= SPARE_US:
            return 0
        return min(mem_in_use(), <size_t>SPARE_MAX)

    def free_step(self):
        """One step of eviction and one of lazy freeing; the loop calls it between turns until there is nothing left to do."""
        if self.engine.ks.evicting:
            self.begin_turn()
            engine_make_room(self.engine)
            if self.engine.ks.effects.events.len:
                publish_events(self.engine)
        if self.free_some() and not self.engine.ks.evicting:
            self.freeing = False
        else:
            self.schedule_free(self.free_step)
        if self.engine.waiting_for_memory and self.engine.ks.lazy.freed != self.engine.answered_freed:
            self.begin_turn()
            answer_freed(self.engine)

    def serve_while_busy(self, one_pass):
        """From now on `one_pass` is called now and then while a script runs for long: it reads and runs what clients sent meanwhile."""
        self.busy_passes.append(one_pass)

    def serve_no_more_while_busy(self, one_pass):
        """Takes back what serve_while_busy was called with."""
        self.busy_passes.remove(one_pass)

    def stop_script(self):
        """Has the script that runs for long end with an error, even if it has written."""
        script_stop(self.engine)
        functions_lua_stop(self.engine)

    @property
    def is_busy(self):
        """Whether a script has run for longer than it may keep others waiting."""
        return bool(self.engine.busy)

    cdef int serve_busy(self) except -1:
        """Looks after the other clients while a script runs.

        Its arguments are in the buffer that was read to and among the commands that were parsed ahead: both are put aside. What the
        clients run are nested calls, of commands that change no data.
        """
        cdef Batch batch = self.engine.batch
        cdef char* shared = self.shared
        cdef bint in_turn = self.in_turn
        cdef Client* c = self.engine.pending
        if self.busy_shared == NULL:
            self.busy_shared = <char*>malloc(SHARED_BYTES)
            if self.busy_shared == NULL:
                raise MemoryError
        if not self.engine.busy:
            self.engine.busy = True
            self.held.clear()
            while self.journal is not None and c != NULL:
                self.held.add(c.id)
                c = c.next_pending
        memset(&self.engine.batch, 0, sizeof(Batch))
        self.engine.batch.ahead = batch.ahead
        self.shared = self.busy_shared
        self.in_turn = True
        try:
            for one_pass in list(self.busy_passes):
                one_pass()
            self.flush_busy()
        finally:
            engine_use(self.engine)
            batch_free(&self.engine.batch)
            self.engine.batch = batch
            self.shared = shared
            self.in_turn = in_turn
        return 0

    cdef int flush_busy(self) except -1:
        """Flushes the clients with output but those who are held, and those whose commands run: their replies begin at a place in it."""
        cdef Client* c = self.engine.pending
        cdef Client* after
        while c != NULL:
            after = c.next_pending
            if c.owner != NULL and c.id not in self.held and not engine_is_calling(self.engine, c):
                take_pending(self.engine, c)
                try:
                    self.flush(<Session>c.owner)
                except Exception:
                    self.lose(<Session>c.owner)
                engine_use(self.engine)
            c = after
        return 0

    cdef int persist_turn(self) except -1:
        """Hands what the commands of this turn did to the journal, before any reply tells of it."""
        if self.journal is not None:
            self.journal.turn()
            engine_use(self.engine)
        return 0

    cdef int run_unblocked(self) except -1:
        cdef Client* c = next_unblocked(self.engine)
        cdef Session session = None
        while c != NULL:
            try:
                while c != NULL:
                    if c.owner != NULL:
                        session = <Session>c.owner
                        session.run_input(NULL, 0)
                    c = next_unblocked(self.engine)
            except Exception:
                self.lose(session)
                c = next_unblocked(self.engine)
        return 0

    cdef int flush_pending(self) except -1:
        """Flushes every client that has output."""
        cdef Client* c = next_pending(self.engine)
        cdef Session session = None
        while c != NULL:
            try:
                while c != NULL:
                    if c.owner != NULL:
                        session = <Session>c.owner
                        self.flush(session)
                        # a transport in Python may have used another engine
                        engine_use(self.engine)
                        if self.engine.clients_limit and session.client != NULL:
                            note_memory(self.engine, session.client)
                    c = next_pending(self.engine)
            except Exception:
                self.lose(session)
                c = next_pending(self.engine)
        return 0

    cdef int lose(self, Session session) except -1:
        """Closes one client because of the exception that is being handled, and says so: the others are served on."""
        cdef Client* c = session.client
        if self.log_exception is not None:
            self.log_exception(f"Client closed: id={session.id} addr={session.address()}, it could not be served")
        engine_use(self.engine)
        try:
            if c != NULL and session.transport is not None:
                c.flags |= CLIENT_CLOSING
                session.transport.close_session(session)
        finally:
            session.close()
            engine_use(self.engine)
        return 0

    cdef int flush(self, Session session) except -1:
        cdef Client* c = session.client
        if session.transport is None:
            return 0
        if c.flags & CLIENT_CLOSING:
            if c.flags & CLIENT_OVER_LIMIT:
                self.tell_limit(session, "too much output was unsent (client-output-buffer-limit)")
            if c.flags & CLIENT_OUT_OF_MEMORY:
                self.tell_limit(session, "there was no memory for its request or its reply")
            if c.flags & CLIENT_SPEAKS_HTTP:
                self.tell_limit(session, "it sent POST or Host:, as a browser does that an attacker steers")
            session.transport.close_session(session)
            return 0
        if client_has_unsent(c):
            session.transport.flush(session)
        if session.client == NULL or c.reply.out.len != c.reply.sent:
            return 0
        if session.on_sent is not None:
            session.on_sent(session)
            return 0
        if c.flags & CLIENT_CLOSE_AFTER_REPLY and not c.flags & CLIENT_AWAITING:
            session.transport.close_session(session)
        return 0

    cdef int evict_clients(self) except -1:
        """Closes the largest clients until the rest is within maxmemory-clients."""
        cdef Client* c = client_to_evict(self.engine)
        cdef Session session
        while c != NULL:
            session = <Session>c.owner
            self.tell_limit(session, "clients hold too much memory together (maxmemory-clients)")
            self.engine.stats.evicted_clients += 1
            client_close(c, self.engine)
            session.transport.close_session(session)
            c = client_to_evict(self.engine)
        return 0

    cdef int tell_limit(self, Session session, str reason) except -1:
        if self.on_limit is not None:
            self.on_limit(session, reason)
        return 0

    cdef int arrange_wake(self) except -1:
        cdef int64_t due = next_deadline_us(self.engine)
        cdef double at
        if self.schedule_wake is None or due == 0 or self.engine.ks.clock.frozen:
            return 0
        at = due / 1e6
        if self.wake_at == 0 or at < self.wake_at:
            self.wake_at = at
            self.schedule_wake(max(0.0, (due - self.engine.ks.clock.mono_us) / 1e6))
        return 0

    def seconds_to_deadline(self):
        """Seconds until the first blocked client's time is over; None when nobody's will be, as long as the clock stands."""
        cdef int64_t due = next_deadline_us(self.engine)
        if due == 0 or self.engine.ks.clock.frozen:
            return None
        if not self.in_turn:
            engine_enter(self.engine)
        return max(0.0, (due - self.engine.ks.clock.mono_us) / 1e6)

    def wake(self):
        """Answers the blocked clients whose time is over. Called by the loop when schedule_wake's delay has passed."""
        self.wake_at = 0
        self.begin_turn()
        serve_deadlines(self.engine)
        end_pause_if_over(self.engine)
        if self.schedule_turn_end is None:
            self.end_turn()

    def set_setting(self, str name, int64_t value):
        """Pushes one setting down to the core, which has to read it, or a switch of its own. KeyError: it knows no such name."""
        cdef int64_t* field = settings_field(&self.engine.settings, name.encode())
        cdef Client* c = self.engine.clients
        if field == NULL:
            raise KeyError(name)
        field[0] = value
        if name == "prefetch-batch-max-size":
            self.engine.batch.ahead = <int>min(max(value, 1), BATCH_REQUESTS)
        if name == "maxmemory":
            # whoever comes next need not wait for all that is above a lower limit; and above a higher one time is over
            self.engine.ks.evicting = True
        while name == "proto-max-bulk-len" and c != NULL:
            if not c.flags & CLIENT_STRANGER:
                parser_limit(&c.parser, PARSER_MAX_ARGS, value)
            c = c.next

    def set_input_time(self, int64_t us):
        """Limits how long the commands of one client run in a turn, if its transport divides the input and it sent more than one."""
        self.engine.input_ticks = <uint64_t>(us * clock_ticks_per_us())

    def set_output_limit(self, int output_class, int64_t hard, int64_t soft, int64_t soft_seconds):
        """Limits unsent output of a class (0 normal, 1 replica, 2 pubsub): bytes, bytes, seconds; 0: none."""
        set_output_limit(self.engine, output_class, hard, soft, soft_seconds)

    def set_clients_limit(self, int64_t limit):
        """Limits what all clients together hold, bytes; 0: no limit."""
        engine_use(self.engine)
        set_clients_limit(self.engine, limit)

    def expire(self, int64_t budget_us):
        """Deletes expired keys for about so long; True when there may be many more."""
        cdef uint64_t began
        cdef bint cut = False
        self.begin_turn()
        if self.engine.settings.active_expire_enabled and not self.engine.ks.replica:
            began = clock_ticks()
            cut = expire_cycle(&self.engine.ks, budget_us)
            latency_sample(self.engine, b"expire-cycle", <int64_t>((clock_ticks() - began) / clock_ticks_per_us()))
            if self.engine.ks.effects.events.len:
                publish_events(self.engine)
        if self.schedule_turn_end is None:
            self.end_turn()
        return cut

    def cron(self):
        """The periodic work of the core beside expiry and compaction: sizes of tables, deadlines, limits that time alone passes."""
        cdef uint64_t began
        self.begin_turn()
        began = clock_ticks()
        shrink_tables(&self.engine.ks, SHRINK_STEPS)
        serve_deadlines(self.engine)
        end_pause_if_over(self.engine)
        check_soft_limits(self.engine)
        if self.engine.ks.tracking:
            trim_tracked(self.engine, TRIM_KEYS)
        self.engine.stats.cron_ticks += clock_ticks() - began
        if self.schedule_turn_end is None:
            self.end_turn()

    def visit_clients(self, int64_t seconds, int64_t hz):
        """Notes what some clients hold, and closes those that were silent for longer than so many seconds; 0: nobody.

        Blocked and subscribed ones, monitors and replicas may be silent. Called `hz` times a second it comes to each once a second.
        """
        cdef Client* c = self.engine.visited_next if self.engine.visited_next != NULL else self.engine.clients
        cdef uint64_t left = max(self.engine.client_count // <uint64_t>hz + 1, <uint64_t>VISITED_CLIENTS)
        cdef uint64_t exempt = CLIENT_BLOCKED | CLIENT_REPLICA | CLIENT_MASTER | CLIENT_MONITOR
        while left and c != NULL:
            left -= 1
            note_held(self.engine, c)
            if seconds and not c.flags & exempt and client_output_class(c) == OUTPUT_NORMAL:
                if self.engine.ks.clock.mono_us - c.active_us > seconds * 1000000:
                    self.begin_turn()
                    client_close(c, self.engine)
            c = c.next
        self.engine.visited_next = c

    def count_rejected(self):
        """A connection was turned away."""
        self.engine.stats.rejected_connections += 1

    def free_some(self, uint64_t items=FREE_ITEMS):
        """Frees about so many items of large values that were deleted, or gives memory back; True when nothing of either is left to do."""
        engine_use(self.engine)
        if lazy_waits(&self.engine.ks):
            self.freed_at_us = self.engine.ks.clock.mono_us
        if not lazy_free_for(&self.engine.ks, items, FREE_US):
            return False
        return not mem_give_back(GIVE_BACK, self.spare_to_keep())

    def compact(self, int64_t budget_us):
        """Moves entries out of nearly empty slabs within the budget, between turns; whether there is more to do."""
        engine_use(self.engine)
        return compact_step(&self.engine.ks, budget_us)

    def set_clock(self, int64_t us):
        """Freezes the clock at us since the epoch, or lets it go again with 0."""
        if us:
            clock_set(&self.engine.ks.clock, us)
        else:
            clock_thaw(&self.engine.ks.clock)
        engine_use(self.engine)
        serve_deadlines(self.engine)

    def advance_clock(self, int64_t us):
        """Moves time on by us >= 0 and does what that brings: what expires goes, who has waited long enough is answered."""
        clock_advance(&self.engine.ks.clock, us)
        self.begin_turn()
        if self.engine.settings.active_expire_enabled:
            expire_all(&self.engine.ks)
        if self.engine.ks.effects.events.len:
            publish_events(self.engine)
        serve_deadlines(self.engine)
        end_pause_if_over(self.engine)
        if self.schedule_turn_end is None:
            self.end_turn()

    def restore_clock(self):
        """Sets wall time to the system's. The monotonic clock never goes back: what had waited for a time has waited for it."""
        clock_restore(&self.engine.ks.clock)


@cython.final
cdef class Session:
    """One client of a core. A transport feeds it; closing it frees the engine's side."""

    def __cinit__(self, Core core, Transport transport, bytes peer=b"", state=None, bint is_unix=False, bint is_tls=False):
        self.core = core
        self.transport = transport
        self.state = state
        core.begin_turn()
        self.client = client_new(core.engine, <void*>self, slice_of(<const char*>peer, len(peer)))
        core.sessions[self.client.id] = self
        core.engine.stats.connections += 1
        if is_unix:
            self.client.flags |= CLIENT_UNIX
        if is_tls:
            self.client.flags |= CLIENT_TLS

    @property
    def id(self):
        """The client's id, unique in the life of the core; 0 after close."""
        return self.client.id if self.client != NULL else 0

    cdef int run_input(self, const char* data, size_t size) except -1:
        """Runs what is in the parser and in data (borrowed, may be NULL), keeps the rest."""
        cdef Client* c = self.client
        cdef Engine* engine = self.core.engine
        cdef bint at_once = self.transport is None or not self.transport.divides_input
        # the commands parsed ahead are the core's, not the session's: another one's input would take them from who is being served
        assert engine.call == NULL or engine.busy, "a command's handler feeds the core that runs it"
        if parser_begin(&c.parser, &engine.batch, data, size) != 0:
            c.flags |= CLIENT_OUT_OF_MEMORY
            client_close(c, engine)
            return 0
        self.has_more = engine_run(engine, c, at_once)
        self.core.raise_stashed()
        if parser_end(&c.parser) != 0:
            c.flags |= CLIENT_OUT_OF_MEMORY
            client_close(c, engine)
        self.check_query_buffer()
        if engine.clients_limit:
            note_memory(engine, c)
        if self.has_more:
            self.transport.run_later(self)
        elif self.input_ended:
            self.close_at_end()
        return self.close() if self.close_when_run else 0

    def address(self):
        """The peer's address as text: "127.0.0.1:50000"."""
        return self.client.peer.ptr[:self.client.peer.len].decode(errors="replace") if self.client != NULL else ""

    cpdef int go_on(self) except -1:
        """Runs more of the input that run_later was called for."""
        if self.client != NULL and self.has_more:
            self.core.begin_turn()
            self.run_input(NULL, 0)
        return 0

    cdef int check_query_buffer(self) except -1:
        cdef Client* c = self.client
        cdef size_t limit = self.core.engine.settings.client_query_buffer_limit
        if c.flags & CLIENT_STRANGER and limit > STRANGER_INPUT:
            limit = STRANGER_INPUT
        if parser_held(&c.parser) + c.multi.bytes > limit and not c.flags & (CLIENT_CLOSING | CLIENT_MASTER):
            self.core.engine.stats.query_limit_disconnects += 1
            self.core.tell_limit(self, "its request is too long (client-query-buffer-limit)")
            client_close(c, self.core.engine)
        return 0

    cdef int run_python(self, Command* command, int argc, const Slice* argv) except -1:
        """Answers a command whose handler is in Python; a coroutine is awaited by a task of its own."""
        cdef Words words = words_of(argc, argv)
        handler = self.core.handlers[command.id]
        try:
            if handler is None:
                raise ReplyError(f"ERR '{self.core.command_names[command.id]}' has no handler")
            value = handler(self, words)
            if type(value) is Later:
                try:
                    self.begin_to_wait(words)
                except BaseException:
                    value.cancel()
                    raise
                value.deliver = self.handler_answered
                self.task = value
                return 0
            if isinstance(value, CoroutineType):
                return self.await_handler(value, words)
        except ReplyError as error:
            value = error
        except MemoryError:
            value = ReplyError("OOM out of memory")
        except Exception as error:
            self.core.log_exception(f"command={self.core.command_names[command.id]}")
            value = ReplyError(f"ERR internal error: {error}")
        finally:
            words.slices = NULL
        engine_use(self.core.engine)
        # a command of a script has its reply read by the script
        return write_value(&self.core.engine.call.client.reply, value)

    cdef int begin_to_wait(self, Words words) except -1:
        """Has the client wait for the reply of its command."""
        engine_use(self.core.engine)
        if self.core.engine.call.parent != NULL and not self.core.engine.busy:
            raise ReplyError("ERR this command waits, and cannot be run inside of another one")
        words.keep()
        if not engine_awaits(self.core.engine, self.client):
            raise MemoryError
        return 0

    cdef int await_handler(self, coroutine, Words words) except -1:
        try:
            self.begin_to_wait(words)
        except BaseException:
            coroutine.close()
            raise
        # not inside of a coroutine of ours: if the client goes before it has begun, it is still the one that is cancelled
        # an engine in process loads no asyncio of its own
        self.task = import_module("asyncio").ensure_future(coroutine)
        self.task.add_done_callback(self.handler_ended)
        return 0

    def handler_ended(self, task):
        """An awaited handler has ended."""
        self.task = None
        if task.cancelled():
            return
        error = task.exception()
        if self.client == NULL:
            return
        if error is None:
            value = task.result()
        elif isinstance(error, ReplyError):
            value = error
        elif isinstance(error, MemoryError):
            value = ReplyError("OOM out of memory")
        else:
            self.core.log_exception("a command's coroutine failed", exc_info=error)
            value = ReplyError(f"ERR internal error: {error}")
        self.handler_answered(value)

    def handler_answered(self, value):
        """The reply to the command that waits for it has come."""
        cdef Call call
        self.task = None
        if self.client == NULL:
            return
        self.core.begin_turn()
        engine_resume(self.core.engine, self.client, &call)
        try:
            write_value(&self.client.reply, value)
        except Exception:
            engine_resumed(self.core.engine, self.client, &call)
            self.core.lose(self)
            return
        engine_resumed(self.core.engine, self.client, &call)
        client_has_output(self.core.engine, self.client)
        look_at_input_again(self.core.engine, self.client)

    def feed(self, data):
        """Runs the commands in data, bytes of any length cut anywhere."""
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            if self.client == NULL:
                return
            self.core.begin_turn()
            self.client.active_us = self.core.engine.ks.clock.mono_us
            self.count_input(view.len)
            self.note_long_arguments()
            self.run_input(<const char*>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    cdef char* read_place(self, size_t* room) except NULL:
        cdef char* at
        engine_use(self.core.engine)
        at = parser_target(&self.client.parser, room)
        self.reading_own = at != NULL
        if at == NULL:
            room[0] = SHARED_BYTES
            return self.core.shared
        if room[0] == 0:
            raise MemoryError
        return at

    def read_buffer(self):
        """Where a transport may read to: a writable memoryview, good until `received`."""
        cdef size_t room
        cdef char* at = self.read_place(&room)
        return PyMemoryView_FromMemory(at, room, PyBUF_WRITE) if self.reading_own else self.core.shared_view

    def received(self, Py_ssize_t size):
        """size bytes were read to read_buffer."""
        if self.client != NULL:
            self.core.begin_turn()
            self.was_read(size)

    cdef void note_long_arguments(self) noexcept:
        """Has the gate look at the command that an argument in a block of its own belongs to."""
        if self.client.parser.bulk_count:
            self.client.flags |= CLIENT_LONG_ARGUMENTS

    cdef void count_input(self, size_t size) noexcept:
        cdef EngineStats* stats = &self.core.engine.stats
        self.client.bytes_in += size
        stats.bytes_in += size
        stats.reads += 1
        if size > stats.input_most:
            stats.input_most = size

    cdef int was_read(self, size_t size) except -1:
        self.client.active_us = self.core.engine.ks.clock.mono_us
        self.count_input(size)
        if self.reading_own:
            parser_filled(&self.client.parser, size)
            self.note_long_arguments()
            return self.run_input(NULL, 0)
        return self.run_input(self.core.shared, size)

    def take_output(self):
        """The reply bytes written so far, taken out."""
        cdef Client* c = self.client
        if c == NULL or c.reply.out.len == c.reply.sent:
            return b""
        data = PyBytes_FromStringAndSize(c.reply.out.data + c.reply.sent, c.reply.out.len - c.reply.sent)
        self.sent(len(data))
        return data

    cdef int sent_bytes(self, size_t size) except -1:
        cdef Client* c = self.client
        cdef EngineStats* stats = &self.core.engine.stats
        cdef bint few
        stats.writes += 1
        if c.feed != NULL and c.reply.out.len == c.reply.sent:
            c.feed.cursor.at += size
            c.bytes_out += size
            stats.replicas_bytes_out += size
            return 0
        if c.reply.out.len > stats.output_most:
            stats.output_most = c.reply.out.len
        c.reply.sent += size
        few = c.reply.out.len - c.reply.sent < MOVED_BYTES
        c.bytes_out += size
        stats.bytes_out += size
        # who is still sent to is not idle, however long its last request is ago
        c.active_us = self.core.engine.ks.clock.mono_us
        if c.reply.sent == c.reply.out.len:
            engine_use(self.core.engine)
            buf_clear(&c.reply.out)
        elif c.reply.sent >= COMPACT_BYTES and c.reply.sent >= (c.reply.out.len - c.reply.sent) * (1 if few else 8):
            buf_drop_front(&c.reply.out, c.reply.sent)
        else:
            return 0
        c.reply.sent = 0
        return 0

    def sent(self, Py_ssize_t size):
        """The transport has sent size bytes of the output."""
        self.sent_bytes(size)

    cpdef int close(self) except -1:
        """Frees the engine's side; may be called twice."""
        cdef Account* charged = mem_charged()
        if self.client == NULL:
            return 0
        if engine_is_calling(self.core.engine, self.client):
            # by its own command: whoever runs that looks at the client once more
            self.client.flags |= CLIENT_CLOSING
            self.close_when_run = True
            return 0
        engine_use(self.core.engine)
        del self.core.sessions[self.client.id]
        client_free(self.core.engine, self.client)
        self.client = NULL
        # a finalizer may close us in the middle of another engine's command, which goes on to allocate
        mem_charge_to(charged)
        if self.task is not None:
            self.task.cancel()
            self.task = None
        return 0

    cpdef int end_input(self) except -1:
        """The peer will send no more: what it sent is answered, then the connection closes."""
        if self.client != NULL:
            self.core.begin_turn()
            self.input_ended = True
            if not self.has_more:
                self.close_at_end()
        return 0

    cdef int close_at_end(self) except -1:
        """Closes, since all that the peer sent has been run: what is being awaited comes first, unless it may never come."""
        if type(self.task) is Later:
            client_close(self.client, self.core.engine)
        elif not self.client.flags & CLIENT_AWAITING:
            self.close_after_reply()
        return 0

    def close_after_reply(self):
        """No more input comes: what was asked is answered, then the connection closes."""
        cdef Client* c = self.client
        if c == NULL:
            return
        self.core.begin_turn()
        if c.flags & (CLIENT_BLOCKED | CLIENT_PAUSED):
            client_close(c, self.core.engine)
            return
        c.flags |= CLIENT_CLOSE_AFTER_REPLY
        client_has_output(self.core.engine, c)

    def refuse(self, bytes name, bytes error):
        """Answers a command of this name with an error, as if the gate had refused it: EXEC aborts if MULTI is open."""
        if self.client != NULL:
            self.core.begin_turn()
            engine_refuse(
                self.core.engine, self.client, slice_of(<const char*>name, len(name)), slice_of(<const char*>error, len(error))
            )

    def kill(self):
        """Closes the connection at the end of the turn, output unsent."""
        if self.client != NULL:
            self.core.begin_turn()
            if self.client.flags & CLIENT_BLOCKED:
                # nobody would read what it were served
                unblock(self.core.engine, self.client)
            client_close(self.client, self.core.engine)

    cpdef int output_again(self) except -1:
        """The transport can write again: flush at the end of the turn."""
        if self.client != NULL:
            client_has_output(self.core.engine, self.client)
        return 0

    @property
    def protocol(self):
        """2 or 3."""
        return self.client.reply.proto

    @protocol.setter
    def protocol(self, int version):
        self.client.reply.proto = version

    @property
    def authenticated(self):
        """Whether commands other than AUTH and HELLO may run."""
        return not self.client.flags & CLIENT_STRANGER

    def reset(self):
        """The engine's side of RESET: transaction, watches, subscriptions, MONITOR, database, protocol, reply mode."""
        client_reset(self.core.engine, self.client)
        client_set_name(self.client, slice_of(NULL, 0))
        self.client.flags &= ~<uint64_t>(CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP | CLIENT_REPLY_SKIP_NEXT | CLIENT_NO_TOUCH | CLIENT_NO_EVICT)
        self.client.db = self.core.engine.ks.dbs[0]
        self.client.reply.proto = 2
        client_begin_as_default(self.client)


def blocks_left_behind():
    """How many blocks of memory the engines that are gone have not freed: 0, unless something leaks. For tests."""
    return left_behind
