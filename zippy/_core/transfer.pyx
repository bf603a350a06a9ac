"""What MIGRATE asks of the core: the requests that have another server hold keys, what it replies, and the keys' end here.

The loop goes on while the other server is waited for, so a key is deleted only if nobody has changed it since it was written down.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stddef cimport size_t
from libc.stdint cimport INT64_MAX, int64_t
from libc.string cimport memchr
from zippy._core.commands.client cimport end_pause
from zippy._core.commands.engine cimport engine_use
from zippy._core.commands.events cimport publish_events
from zippy._core.commands.types cimport Engine
from zippy._core.ground.buf cimport (
    Buf, Slice, buf_append, buf_append_byte, buf_append_i64, buf_append_text, buf_clear, buf_free, buf_init, slice_of, slice_text
)
from zippy._core.ground.mem cimport Account, mem_charge_to, mem_charged, mem_free, mem_try_alloc, mem_zalloc
from zippy._core.ground.number cimport NUM_I64_TEXT, num_write_i64
from zippy._core.keyspace.db cimport delete_key, lookup_read, open_for_write
from zippy._core.keyspace.effects cimport mutated, propagate, unwatch_all, watch_key
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, Db, Watches
from zippy._core.session cimport Core, Session
from zippy._core.values.entry cimport NO_EXPIRY, TYPE_STREAM, Entry, entry_expiry, entry_type
from zippy._core.values.rdb cimport RDB_VERSION, rdb_write_payload
from zippy._core.values.rdb_stream cimport RdbWriter, rdb_writer_free, rdb_writer_init

cdef enum:
    LINE = 65536                 # bytes of a reply at most


cdef struct Parcel:
    # a key on its way
    Slice key                    # borrowed from Transfer.keys
    Watches* watch               # of the key, since it was written down last; NULL: it has not been
    bint sent                    # it was there when it was written down at some time
    bint waits                   # the other server has not got it as it is here
    bint arrived                 # it has done what the last requests say
    int replies                  # that the last requests bring for it


cdef inline Slice slice_of_bytes(bytes data):
    return slice_of(<const char*>data, len(data))


cdef void append_word(Buf* b, Slice word) noexcept nogil:
    buf_append_byte(b, c'$')
    buf_append_i64(b, <int64_t>word.len)
    buf_append_text(b, b"\r\n")
    buf_append(b, word.ptr, word.len)
    buf_append_text(b, b"\r\n")


cdef bint write_payload(RdbWriter* w, Entry* e) noexcept nogil:
    """Puts what DUMP shows in the place of what the writer held. False: out of memory."""
    w.len = 0
    return w.error == 0 and rdb_write_payload(w, e)


cdef inline void begin_payloads(RdbWriter* w) noexcept nogil:
    if rdb_writer_init(w, -1, RDB_VERSION):
        w.compress = True


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
    cdef list keys
    cdef Parcel* parcels         # one of each key, until `end`
    cdef int count               # of them
    cdef dict streams            # payloads by place: watchers do not hear of all that groups do
    cdef bint in_cluster         # the other server is a node to which the keys' slot is coming
    cdef int first               # replies that are no key's and come before all others
    cdef bint refused            # one of those was an error: what the keys' say does not count
    cdef int at                  # the parcel whose replies come next
    cdef int had                 # of its replies
    cdef Buf line                # a reply of which the end is missing
    cdef readonly bytes error    # the first that was replied, without its "-"; None: there was none
    cdef readonly bint surplus   # more came than the replies
    cdef int64_t held_until      # monotonic us: writes are held up to then, 0: they are not

    def __cinit__(self, Session session, list keys, bint in_cluster):
        cdef int i
        self.core = session.core
        self.session = session
        self.db = session.client.db
        self.in_cluster = in_cluster
        self.streams = {}
        self.keys = list(dict.fromkeys(keys))
        self.engine()
        buf_init(&self.line)
        self.parcels = <Parcel*>mem_try_alloc((len(self.keys) + 1) * sizeof(Parcel))
        if self.parcels == NULL:
            raise MemoryError
        self.count = <int>len(self.keys)
        for i in range(self.count):
            self.parcels[i] = Parcel(slice_of_bytes(self.keys[i]), NULL, False, True, False, 0)

    def __dealloc__(self):
        cdef Account* charged = mem_charged()
        if self.core is not None:
            self.let_go()
            mem_charge_to(charged)

    cdef Engine* engine(self) noexcept:
        engine_use(self.core.engine)
        return self.core.engine

    # To the other server

    def take(self, bint replace):
        """The requests that have the other server hold the keys as they are here, those that are left; empty if there is none.

        A key that was sent and has gone since is deleted there. Changes of all of them are noted from here on.
        """
        cdef RdbWriter w
        cdef Buf orders
        cdef int i
        self.core.begin_turn()
        self.engine()
        self.forget()
        buf_init(&orders)
        begin_payloads(&w)
        try:
            for i in range(self.count):
                self.parcels[i].replies = 0
                if self.parcels[i].waits and not self.write_order(i, &w, &orders, replace):
                    raise MemoryError
            if orders.failed:
                raise MemoryError
            return PyBytes_FromStringAndSize(orders.data, orders.len)
        finally:
            rdb_writer_free(&w)
            buf_free(&orders)

    cdef bint write_order(self, int i, RdbWriter* w, Buf* orders, bint replace) except -1:
        """Writes down one key. False: out of memory."""
        cdef Parcel* p = &self.parcels[i]
        cdef Entry* entry = lookup_read(self.db, p.key)
        if entry == NULL and not p.sent:
            p.waits = False
            return True
        p.watch = <Watches*>mem_zalloc(sizeof(Watches))
        watch_key(self.db, p.key, p.watch, False)
        # the other server may have what was deleted here meanwhile: until it has deleted it too, the key is this one's
        p.watch.sends = p.sent = True
        p.replies = 1
        if entry == NULL:
            self.write_deletion(p, orders)
            return True
        if not write_payload(w, entry):
            return False
        if entry_type(entry) == TYPE_STREAM:
            self.streams[i] = PyBytes_FromStringAndSize(w.data, w.len)
        self.write_restore(p, entry, slice_of(w.data, w.len), orders, replace)
        return True

    cdef void write_restore(self, Parcel* p, Entry* entry, Slice payload, Buf* orders, bint replace) noexcept:
        cdef char[NUM_I64_TEXT] number
        cdef int64_t left = 0
        if entry_expiry(entry) != NO_EXPIRY:
            left = max(entry_expiry(entry) - self.db.keyspace.clock.ms, 1)
        buf_append_text(orders, b"*5\r\n" if replace else b"*4\r\n")
        append_word(orders, slice_text(b"RESTORE-ASKING" if self.in_cluster else b"RESTORE"))
        append_word(orders, p.key)
        append_word(orders, slice_of(number, num_write_i64(number, left)))
        append_word(orders, payload)
        if replace:
            append_word(orders, slice_text(b"REPLACE"))

    cdef void write_deletion(self, Parcel* p, Buf* orders) noexcept:
        if self.in_cluster:
            buf_append_text(orders, b"*1\r\n$6\r\nASKING\r\n")
            p.replies += 1
        buf_append_text(orders, b"*2\r\n$3\r\nDEL\r\n")
        append_word(orders, p.key)

    # From the other server

    def expect(self, int first):
        """Says that the requests of the last `take` are sent, behind so many others; what came over another connection before is over."""
        cdef int i
        self.engine()
        self.first = first
        self.at = self.had = 0
        self.refused = self.surplus = False
        self.error = None
        buf_clear(&self.line)
        for i in range(self.count):
            self.parcels[i].arrived = False
        self.pass_silent()

    def receive(self, bytes data):
        """Takes what the other server replies, in pieces. True: all replies are there. ValueError: a reply is longer than it may be."""
        cdef const char* at = <const char*>data
        cdef const char* end = at + len(data)
        cdef const char* newline
        cdef size_t size
        self.engine()
        while at < end and not self.is_complete():
            newline = <const char*>memchr(at, c'\n', <size_t>(end - at))
            size = <size_t>((end if newline == NULL else newline) - at)
            if self.line.len + size > LINE:
                raise ValueError(f"a reply of more than {LINE} bytes")
            if newline == NULL or self.line.len:
                buf_append(&self.line, at, size)
                if self.line.failed:
                    raise MemoryError
            if newline == NULL:
                return False
            if self.line.len:
                self.take_reply(slice_of(self.line.data, self.line.len))
                buf_clear(&self.line)
            else:
                self.take_reply(slice_of(at, size))
            at = newline + 1
        self.surplus = at < end
        return self.is_complete()

    cdef bint is_complete(self) noexcept:
        return self.first == 0 and self.at == self.count

    cdef void pass_silent(self) noexcept:
        """Goes on to the next parcel that has a reply."""
        while self.at < self.count and self.had == self.parcels[self.at].replies:
            self.at += 1
            self.had = 0

    cdef int take_reply(self, Slice line) except -1:
        """One reply, up to its line feed."""
        cdef bint failed = line.len > 0 and line.ptr[0] == c'-'
        if failed and self.error is None:
            self.error = line.ptr[1:line.len].rstrip(b"\r")
        if self.first:
            self.first -= 1
            self.refused = self.refused or failed
        else:
            self.had += 1
            self.parcels[self.at].arrived = not failed and not self.refused
            self.pass_silent()
        return 0

    # Here

    cdef bint is_changed(self, int i) except -1:
        cdef RdbWriter w
        cdef Entry* entry
        if self.parcels[i].watch.dirty:
            return True
        if i not in self.streams:
            return False
        entry = lookup_read(self.db, self.parcels[i].key)
        if entry == NULL:
            return True
        begin_payloads(&w)
        try:
            if not write_payload(&w, entry):
                raise MemoryError
            return self.streams[i] != PyBytes_FromStringAndSize(w.data, w.len)
        finally:
            rdb_writer_free(&w)

    def delete(self):
        """Deletes those keys that have arrived and are as they were sent, which DEL tells files and replicas; how many are still to go."""
        cdef Engine* e
        cdef Slice* argv
        cdef int left = 0
        cdef int i
        self.core.begin_turn()
        e = self.engine()
        argv = <Slice*>mem_try_alloc((self.count + 1) * sizeof(Slice))
        if argv == NULL:
            raise MemoryError
        try:
            for i in range(self.count):
                if self.parcels[i].arrived:
                    self.parcels[i].waits = self.is_changed(i)
                left += self.parcels[i].waits
            self.delete_arrived(argv)
        finally:
            mem_free(argv)
        if e.ks.effects.events.len:
            publish_events(e)
        return left

    cdef void delete_arrived(self, Slice* argv) noexcept:
        """Deletes what the other server has as it is here. argv: room for a word more than there are keys."""
        cdef Parcel* p
        cdef int argc = 1
        cdef int i
        argv[0] = slice_text(b"DEL")
        for i in range(self.count):
            p = &self.parcels[i]
            if p.arrived and not p.waits and open_for_write(self.db, p.key) != NULL:
                argv[argc] = p.key
                argc += 1
                delete_key(self.db, p.key)
                mutated(self.db, p.key, NOTIFY_GENERIC, b"del", 1)
        if argc > 1:
            propagate(self.db, argc, argv)
            if self.session.client != NULL:
                self.session.client.effects_at = self.core.engine.ks.effects.stream.bytes.end

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
        cdef int i
        engine_use(self.core.engine)
        for i in range(self.count):
            if self.parcels[i].watch != NULL:
                unwatch_all(&self.core.engine.ks, self.parcels[i].watch)
                self.parcels[i].watch = NULL
            self.parcels[i].arrived = False
        self.streams.clear()
        return 0

    cdef int let_go(self) except -1:
        self.forget()
        mem_free(self.parcels)
        self.parcels = NULL
        self.count = 0
        buf_free(&self.line)
        return 0

    def end(self):
        """Lets go of everything; may be called twice."""
        cdef Engine* e = self.engine()
        self.let_go()
        if self.held_until and e.pause_until_us == self.held_until:
            self.core.begin_turn()
            end_pause(e)
        self.held_until = 0
