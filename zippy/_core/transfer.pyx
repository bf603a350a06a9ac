"""What MIGRATE asks of the core: keys as another server restores them, whether they were changed since, and their end here.

The loop goes on while the other server is waited for, so a key is deleted only if nobody has changed it since it was written down.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport INT64_MAX, int64_t
from zippy._core.commands.client cimport end_pause
from zippy._core.commands.engine cimport engine_use
from zippy._core.commands.events cimport publish_events
from zippy._core.commands.types cimport Engine
from zippy._core.ground.buf cimport Slice, slice_of, slice_text
from zippy._core.ground.mem cimport Account, mem_charge_to, mem_charged, mem_free, mem_try_alloc, mem_zalloc
from zippy._core.keyspace.db cimport delete_key, lookup_read, open_for_write
from zippy._core.keyspace.effects cimport mutated, propagate, unwatch_all, watch_key
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, Db, Watches
from zippy._core.session cimport Core, Session
from zippy._core.values.entry cimport NO_EXPIRY, TYPE_STREAM, Entry, entry_expiry, entry_type
from zippy._core.values.rdb cimport RDB_VERSION, rdb_write_payload
from zippy._core.values.rdb_stream cimport RdbWriter, rdb_writer_free, rdb_writer_init


cdef inline Slice slice_of_bytes(bytes data):
    return slice_of(<const char*>data, len(data))


cdef bytes payload_of(Entry* e):
    """What DUMP shows."""
    cdef RdbWriter w
    if rdb_writer_init(&w, -1, RDB_VERSION):
        w.compress = True
    try:
        if w.error != 0 or not rdb_write_payload(&w, e):
            raise MemoryError
        return PyBytes_FromStringAndSize(<const char*>w.data, w.len)
    finally:
        rdb_writer_free(&w)


def hide_words(Core core, int first, int count):
    """Has no log show so many words of the command that is being run; its handler has them."""
    cdef int i
    for i in range(first, first + count):
        core.engine.call.argv[i] = slice_text(b"(redacted)")


@cython.final
@cython.no_gc_clear
cdef class Transfer:
    """Keys of a session's database on their way to another server; to be ended by `end`."""

    cdef Core core
    cdef Session session
    cdef Db* db
    cdef dict watches            # places of Watches by key, as numbers
    cdef dict streams            # payloads by key: watchers do not hear of all that groups do
    cdef set sent                # keys that were there at some time
    cdef int64_t held_until      # monotonic us: writes are held up to then, 0: they are not

    def __init__(self, Session session):
        self.core = session.core
        self.session = session
        self.db = session.client.db
        self.watches = {}
        self.streams = {}
        self.sent = set()

    def __dealloc__(self):
        cdef Account* charged = mem_charged()
        if self.core is not None:
            self.forget()
            mem_charge_to(charged)

    cdef Engine* engine(self) noexcept:
        engine_use(self.core.engine)
        return self.core.engine

    def take(self, list keys):
        """(key, ms that it has to live or 0 for ever, payload) of those that are there. Changes of all of them are noted from here on."""
        cdef Engine* e
        cdef Watches* watch
        cdef Entry* entry
        cdef bytes key
        taken = []
        self.core.begin_turn()
        e = self.engine()
        self.forget()
        for key in keys:
            if key in self.watches:
                continue
            entry = lookup_read(self.db, slice_of_bytes(key))
            watch = <Watches*>mem_zalloc(sizeof(Watches))
            watch_key(self.db, slice_of_bytes(key), watch, False)
            self.watches[key] = <size_t>watch
            # the other server may have what was deleted here meanwhile: until it has deleted it too, the key is this one's
            watch.sends = entry != NULL or key in self.sent
            if entry == NULL:
                continue
            self.sent.add(key)
            payload = payload_of(entry)
            if entry_type(entry) == TYPE_STREAM:
                self.streams[key] = payload
            taken.append((key, 0 if entry_expiry(entry) == NO_EXPIRY else max(entry_expiry(entry) - e.ks.clock.ms, 1), payload))
        return taken

    cdef bint is_changed(self, bytes key) except -1:
        cdef Entry* entry
        if (<Watches*><size_t>self.watches[key]).dirty:
            return True
        if key not in self.streams:
            return False
        entry = lookup_read(self.db, slice_of_bytes(key))
        return entry == NULL or payload_of(entry) != self.streams[key]

    def delete(self, list keys):
        """Deletes those of the keys that are as they were taken, which DEL tells files and replicas; the keys that are not."""
        cdef Engine* e
        cdef Slice* argv
        cdef bytes key
        cdef int argc = 1
        self.core.begin_turn()
        e = self.engine()
        changed = [key for key in keys if self.is_changed(key)]
        argv = <Slice*>mem_try_alloc((len(keys) + 1) * sizeof(Slice))
        if argv == NULL:
            raise MemoryError
        argv[0] = slice_text(b"DEL")
        for key in keys:
            if key not in changed and open_for_write(self.db, slice_of_bytes(key)) != NULL:
                argv[argc] = slice_of_bytes(key)
                delete_key(self.db, argv[argc])
                mutated(self.db, argv[argc], NOTIFY_GENERIC, b"del", 1)
                argc += 1
        if argc > 1:
            propagate(self.db, argc, argv)
            if self.session.client != NULL:
                self.session.client.effects_at = e.ks.effects.stream.bytes.end
        mem_free(argv)
        if e.ks.effects.events.len:
            publish_events(e)
        return changed

    def hold_writes(self, int64_t us):
        """Has clients' writes wait for so long at most, unless somebody has them wait already."""
        cdef Engine* e = self.engine()
        if e.pause_until_us == 0:
            self.core.begin_turn()
            self.held_until = e.ks.clock.mono_us + us if us < INT64_MAX // 2 else INT64_MAX
            e.pause_until_us = self.held_until
            e.pause_all = False
            e.ks.expiry_paused = True

    cdef int forget(self) except -1:
        """Ends the watches."""
        cdef size_t watch
        engine_use(self.core.engine)
        for watch in self.watches.values():
            unwatch_all(&self.core.engine.ks, <Watches*>watch)
        self.watches.clear()
        self.streams.clear()
        return 0

    def end(self):
        """Lets go of everything; may be called twice."""
        cdef Engine* e = self.engine()
        self.forget()
        if self.held_until and e.pause_until_us == self.held_until:
            self.core.begin_turn()
            end_pause(e)
        self.held_until = 0
