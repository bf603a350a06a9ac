# An engine that records what it would tell its replicas, for tests of propagation: one client, no session, no transport, a frozen
# clock.

from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy
from zippy._core.commands.client cimport client_free, client_new
from zippy._core.commands.engine cimport engine_command, engine_free, engine_init, engine_use, find_command
from zippy._core.commands.table cimport table_build
from zippy._core.commands.types cimport Client, Engine
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.clock cimport clock_set
from zippy._core.ground.mem cimport mem_alloc, mem_charge_to, mem_free
from zippy._core.keyspace.lazy_free cimport lazy_free_step
from zippy._core.keyspace.effects cimport effects_taken
from zippy._core.keyspace.types cimport RecordHeader
from zippy._core.resp.writer cimport reply_cut


cdef class RecordingEngine:
    """Runs commands that have a handler in the core. `ms` is the frozen time, since the epoch."""

    cdef Engine* engine
    cdef Client* client

    def __cinit__(self, int64_t ms=1_000_000_000_000):
        self.engine = <Engine*>calloc(1, sizeof(Engine))
        if self.engine == NULL:
            raise MemoryError
        engine_init(self.engine, 16, 1)
        table_build(self.engine, NULL)
        self.set_clock(ms)
        self.engine.ks.effects.recording = True
        # a slow machine leaves no entries behind, so that blocks can be counted
        self.engine.settings.slowlog_log_slower_than = -1
        self.client = client_new(self.engine, NULL, slice_of(b"", 0))

    def __dealloc__(self):
        if self.client != NULL:
            engine_use(self.engine)
            client_free(self.engine, self.client)
            engine_free(self.engine)
            mem_charge_to(NULL)
        free(self.engine)

    def set_clock(self, int64_t ms):
        clock_set(&self.engine.ks.clock, ms * 1000)

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
        words = [arg if isinstance(arg, bytes) else str(arg).encode() for arg in args]
        cdef Slice* argv
        cdef int64_t dirty = self.engine.ks.dirty
        cdef bytes word
        cdef int i
        engine_use(self.engine)
        argv = <Slice*>mem_alloc(len(words) * sizeof(Slice))
        for i in range(len(words)):
            word = words[i]
            argv[i] = slice_of(<const char*>word, len(word))
        engine_command(self.engine, self.client, find_command(self.engine, len(words), argv), len(words), argv)
        mem_free(argv)
        reply = self.client.reply.out.data[:self.client.reply.out.len]
        reply_cut(&self.client.reply, 0)
        return reply, self.take_stream(), self.engine.ks.dirty - dirty

    cdef list take_stream(self):
        cdef RecordHeader header
        cdef size_t at = 0
        requests = []
        while at < self.engine.ks.effects.stream.len:
            memcpy(&header, self.engine.ks.effects.stream.data + at, sizeof(header))
            at += sizeof(header)
            requests.append(request_words(self.engine.ks.effects.stream.data[at:at + header.size]))
            at += header.size
        effects_taken(&self.engine.ks)
        return requests


def request_words(bytes request):
    """The words of a request in RESP."""
    words = []
    rest = request[request.index(b"\n") + 1:]
    while rest:
        header, _, rest = rest.partition(b"\r\n")
        size = int(header[1:])
        words.append(rest[:size])
        rest = rest[size + 2:]
    return words
