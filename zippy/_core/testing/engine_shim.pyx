# An engine that records what it would tell its replicas, for tests of propagation: one client, no session, no transport, a frozen
# clock.

from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport calloc, free
from zippy._core.commands.client cimport client_free, client_new, serve_or_block, want_keys
from zippy._core.commands.engine cimport engine_command, engine_free, engine_init, engine_use, find_command
from zippy._core.commands.rows cimport command_rows
from zippy._core.commands.functions cimport functions_flush
from zippy._core.commands.functions_lua cimport functions_lua_stop
from zippy._core.commands.scripting_cache cimport scripting_free
from zippy._core.commands.scripting_types cimport Scripting
from zippy._core.commands.table cimport table_build
from zippy._core.commands.types cimport Client, Command, Engine, Wanted, command_fn
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.byte_queue cimport QueueCursor, bq_attach, bq_detach, bq_free, bq_piece, bq_release
from zippy._core.ground.clock cimport clock_set
from zippy._core.ground.mem cimport Account, mem_alloc, mem_charge_to, mem_charged, mem_free
from zippy._core.ground.sha1 cimport SHA1_BYTES
from zippy._core.keyspace.db cimport lookup_peek
from zippy._core.keyspace.digest cimport digest_keyspace
from zippy._core.keyspace.lazy_free cimport lazy_free_step
from zippy._core.keyspace.stream cimport Stream, stream_take
from zippy._core.keyspace.types cimport NOTIFY_ALL, NOTIFY_KEYEVENT, NOTIFY_KEYSPACE
from zippy._core.keyspace.verify cimport db_fault
from zippy._core.resp.writer cimport reply_cut, reply_int
from zippy._core.values.entry cimport TYPE_STRING, Entry, entry_type


def command_categories():
    """The bits of the ACL categories of each command of the core's table, by its name."""
    cdef int count
    cdef const Command* rows = command_rows(&count)
    return {rows[i].name.ptr[:rows[i].name.len].decode(): rows[i].categories for i in range(count)}


cdef bint tell_removal(Engine* e, Client* c, const Wanted* w) noexcept nogil:
    """Replies with the place of the first key that holds no string."""
    cdef const Entry* entry
    cdef int i
    for i in range(w.key_count):
        entry = lookup_peek(c.db, w.argv[w.first_key + i])
        if entry == NULL or entry_type(entry) != TYPE_STRING:
            reply_int(&c.reply, i)
            return True
    return False


cdef void await_removal(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    cdef Wanted w
    want_keys(&w, tell_removal, argv, 1, argc - 1, TYPE_STRING)
    w.removal = True
    serve_or_block(e, c, &w)


cdef void end_what_runs(Engine* e) noexcept nogil:
    """Ends the script or function that runs, whatever it has written."""
    cdef Scripting* s = <Scripting*>e.scripting
    if s != NULL and s.host.run != NULL:
        s.host.run.killed = True
    functions_lua_stop(e)


cdef class RecordingEngine:
    """Runs commands that have a handler in the core. `ms` is the frozen time, since the epoch."""

    cdef Engine* engine
    cdef Client* client
    cdef Client* waiter          # of await_removal
    cdef readonly bint reply_failed     # there was no memory for the reply of the last call: its client would be closed
    cdef readonly bint stream_failed    # or for what it propagates
    cdef QueueCursor reader

    def __cinit__(self, int64_t ms=1_000_000_000_000):
        self.engine = <Engine*>calloc(1, sizeof(Engine))
        if self.engine == NULL:
            raise MemoryError
        engine_init(self.engine, 16, 1)
        table_build(self.engine, NULL)
        self.set_clock(ms)
        self.engine.ks.effects.recording = True
        # a reader that knows which database is selected at first
        self.engine.ks.effects.stream.selected = 0
        bq_attach(&self.engine.ks.effects.stream.bytes, &self.reader, 0)
        # a slow machine leaves no entries behind, so that blocks can be counted
        self.engine.settings.slowlog_log_slower_than = -1
        self.client = client_new(self.engine, NULL, slice_of(b"", 0))
        self.waiter = client_new(self.engine, NULL, slice_of(b"", 0))

    def __dealloc__(self):
        self.close()

    def close(self):
        """Frees all there is; how many blocks of memory were forgotten."""
        cdef Account* charged = mem_charged()
        cdef int64_t left = 0
        if self.client != NULL:
            engine_use(self.engine)
            bq_detach(&self.engine.ks.effects.stream.bytes, &self.reader)
            client_free(self.engine, self.client)
            client_free(self.engine, self.waiter)
            scripting_free(self.engine)
            functions_flush(self.engine)
            engine_free(self.engine)
            left = self.engine.account.blocks
            # the collector runs this in the middle of another engine's command
            mem_charge_to(NULL if charged == &self.engine.account else charged)
        free(self.engine)
        self.engine = NULL
        self.client = NULL
        return left

    def reconnect(self):
        """Puts new clients in the place of both, and begins a new stream."""
        engine_use(self.engine)
        client_free(self.engine, self.client)
        client_free(self.engine, self.waiter)
        bq_detach(&self.engine.ks.effects.stream.bytes, &self.reader)
        bq_free(&self.engine.ks.effects.stream.bytes)
        self.engine.ks.effects.stream.selected = 0
        bq_attach(&self.engine.ks.effects.stream.bytes, &self.reader, self.engine.ks.effects.stream.bytes.end)
        self.client = client_new(self.engine, NULL, slice_of(b"", 0))
        self.waiter = client_new(self.engine, NULL, slice_of(b"", 0))

    def notify_of_all(self):
        """Switches all keyspace notifications on."""
        self.engine.settings.notify_keyspace_events = NOTIFY_KEYSPACE | NOTIFY_KEYEVENT | NOTIFY_ALL

    def call_other(self, *args):
        """Has the waiting client run a command: its reply, None if there was no memory for all of it."""
        reply = self.run(self.waiter, args)
        return None if self.waiter.reply.out.failed else reply

    def fault(self):
        """What contradicts itself in the tables of keys, None if nothing."""
        cdef const char* fault = NULL
        cdef int i
        engine_use(self.engine)
        for i in range(self.engine.ks.db_count):
            if fault == NULL:
                fault = db_fault(self.engine.ks.dbs[i])
        return None if fault == NULL else fault.decode()

    def digest(self):
        """The checksum of all keys with their values."""
        cdef uint8_t[SHA1_BYTES] sum
        engine_use(self.engine)
        digest_keyspace(&self.engine.ks, sum)
        return sum[:SHA1_BYTES]

    def set_clock(self, int64_t ms):
        clock_set(&self.engine.ks.clock, ms * 1000)

    def end_long_scripts(self, int64_t ms):
        """From now on, scripts and functions that take longer end with an error."""
        self.engine.settings.busy_reply_threshold = ms
        self.engine.while_busy = end_what_runs

    def set_lazy_expire(self, bint lazy):
        self.engine.settings.lazyfree_lazy_expire = lazy

    def set_lazy_server_del(self, bint lazy):
        self.engine.settings.lazyfree_lazy_server_del = lazy

    def set_compact_limits(self, int64_t entries, int64_t value):
        """The limits of intsets and of the listpacks of sets and hashes: elements, and bytes of each."""
        self.engine.settings.set_max_intset_entries = entries
        self.engine.settings.set_max_listpack_entries = entries
        self.engine.settings.set_max_listpack_value = value
        self.engine.settings.hash_max_listpack_entries = entries
        self.engine.settings.hash_max_listpack_value = value

    def blocks(self):
        """Live blocks of memory once all that waits to be freed has been, in steps of a few items."""
        engine_use(self.engine)
        while not lazy_free_step(&self.engine.ks, 7):
            pass
        return self.engine.account.blocks

    def call(self, *args):
        """Run a command: its reply as RESP, the propagated requests as lists of bytes, and by how much `dirty` moved."""
        cdef int64_t dirty = self.engine.ks.dirty
        reply = self.run(self.client, args)
        self.reply_failed = self.client.reply.out.failed
        return reply, self.take_stream(), self.engine.ks.dirty - dirty

    def await_removal(self, *keys):
        """Has another client wait until one of the keys holds no string; what `heard` returns then is its place."""
        cdef Slice name = slice_of(b"touch", 5)
        cdef Command* command = find_command(self.engine, 1, &name)
        cdef command_fn touch = command.handler
        command.handler = await_removal
        reply = self.run(self.waiter, ("TOUCH", *keys))
        command.handler = touch
        return reply

    def heard(self):
        """What the waiting client was replied, b"" if nothing yet; None: there was no memory for all of it."""
        if self.waiter.reply.out.failed:
            return None
        reply = self.waiter.reply.out.data[:self.waiter.reply.out.len]
        reply_cut(&self.waiter.reply, 0)
        return reply

    cdef bytes run(self, Client* client, tuple args):
        words = [arg if isinstance(arg, bytes) else str(arg).encode() for arg in args]
        cdef Slice* argv
        cdef bytes word
        cdef int i
        engine_use(self.engine)
        argv = <Slice*>mem_alloc(len(words) * sizeof(Slice))
        for i in range(len(words)):
            word = words[i]
            argv[i] = slice_of(<const char*>word, len(word))
        engine_command(self.engine, client, find_command(self.engine, len(words), argv), len(words), argv)
        mem_free(argv)
        reply = client.reply.out.data[:client.reply.out.len]
        reply_cut(&client.reply, 0)
        return reply

    cdef list take_stream(self):
        cdef Stream* stream = &self.engine.ks.effects.stream
        cdef Slice piece
        cdef bytes taken = b""
        self.stream_failed = stream_take(stream) != 0
        piece = bq_piece(&stream.bytes, &self.reader)
        while piece.len:
            taken += piece.ptr[:piece.len]
            self.reader.at += piece.len
            piece = bq_piece(&stream.bytes, &self.reader)
        bq_release(&stream.bytes)
        return requests_of(taken)


def requests_of(bytes taken):
    """The words of each request in RESP."""
    requests = []
    rest = taken
    while rest:
        header, _, rest = rest.partition(b"\r\n")
        words = []
        for _ in range(int(header[1:])):
            header, _, rest = rest.partition(b"\r\n")
            size = int(header[1:])
            words.append(rest[:size])
            rest = rest[size + 2:]
        requests.append(words)
    return requests
