"""What replication asks of the core: what replicas get and from where on each reads it, the primary's stream on a replica, and the role.

The relay is a primary's effects, copied at the end of each turn, or on a replica what its primary sent, as far as it has been run. A
replica reads it where it lies, behind what is in its output buffer.
"""

cimport cython
from libc.stdint cimport INT64_MAX, int64_t, uint64_t
from zippy._core.commands.client cimport client_log_in, end_pause, unblock_with_error
from zippy._core.commands.engine cimport engine_use
from zippy._core.commands.output cimport client_has_output, client_waiting_bytes
from zippy._core.commands.types cimport (
    CLIENT_AWAITING, CLIENT_BLOCKED, CLIENT_MASTER, CLIENT_MULTI, CLIENT_REPLICA, CLIENT_REPLY_OFF, Client, Engine
)
from zippy._core.ground.buf cimport Buf, buf_append, buf_clear, buf_drop_front, buf_free, buf_init
from zippy._core.ground.byte_queue cimport bq_attach, bq_detach, bq_release, bq_restart
from zippy._core.ground.mem cimport Account, mem_charge_to, mem_charged, mem_free, mem_zalloc
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.keyspace.relay cimport (
    Feed, Relay, relay_append, relay_begin, relay_copy, relay_first, relay_offset_of, relay_request, relay_stop
)
from zippy._core.keyspace.stream cimport stream_take
from zippy._core.resp.parser cimport parser_pending
from zippy._core.resp.writer cimport reply_raw
from zippy._core.session cimport Core, Relaying, Session


cdef inline Slice slice_of_bytes(bytes data):
    return slice_of(<const char*>data, len(data))


@cython.final
@cython.no_gc_clear
cdef class Replicas(Relaying):
    """The relay of one core, and the sessions that read it. on_failure(): for want of memory the relay lacks something, so that nobody can
    go on from it."""

    cdef readonly Core core
    cdef object on_failure
    cdef readonly list sessions      # of replicas, in the order in which they came
    cdef readonly bint active        # it records, whether there are replicas or not
    cdef public bint asks            # at the end of this turn, replicas are asked how far they are
    cdef size_t backlog              # bytes
    cdef Session primary             # through which the primary's stream comes; None: there is none
    cdef Buf unapplied               # what came of it and is not in the relay
    cdef int64_t noted               # bytes of ks.memory_overhead that are ours

    def __cinit__(self):
        buf_init(&self.unapplied)

    def __init__(self, Core core, on_failure):
        self.core = core
        self.on_failure = on_failure
        self.sessions = []

    def __dealloc__(self):
        cdef Account* charged = mem_charged()
        if self.core is not None:
            engine_use(self.core.engine)
            buf_free(&self.unapplied)
            mem_charge_to(charged)

    cdef Relay* relay(self) noexcept:
        return &self.core.engine.relay

    # Offsets

    @property
    def offset(self):
        """Of the end of what replicas get, in bytes: of all that has been done, but for a command under way and those of its turn."""
        if self.core.engine.call == NULL:
            engine_use(self.core.engine)
            self.take()
            if self.primary is not None:
                self.pass_on()
        return self.relay().bytes.end

    @property
    def first(self):
        """The offset of the oldest byte that a replica could go on from."""
        cdef uint64_t end = self.relay().bytes.end
        cdef uint64_t first = relay_first(self.relay())
        return max(first, end - self.backlog if end > self.backlog else 0)

    def restart(self, uint64_t offset):
        """Has the next byte be at this offset, and forgets those before. Nobody may read."""
        engine_use(self.core.engine)
        bq_restart(&self.relay().bytes, offset)

    def offset_of_writes(self, Session session):
        """How far a replica has to be to have all that the session's client wrote."""
        if session.client == NULL or not session.client.effects_at:
            return 0
        if not self.relay().copies:
            return self.offset
        return relay_offset_of(self.relay(), &self.core.engine.ks.effects.stream, session.client.effects_at)

    # Recording

    def keep(self, size_t backlog):
        """Keeps so many bytes for replicas that come back."""
        self.backlog = backlog
        if self.active:
            self.relay().bytes.kept = backlog
            engine_use(self.core.engine)
            bq_release(&self.relay().bytes)

    def begin(self):
        """Records from here on: a primary's effects, unless there is a primary to hear of."""
        self.active = True
        self.core.relaying = self
        self.keep(self.backlog)
        self.copy_effects(self.primary is None)

    def end(self):
        """Records no more, and forgets what is there; no replica may be left."""
        self.copy_effects(False)
        self.active = False
        self.core.relaying = None
        self.relay().bytes.kept = 0
        self.restart(self.offset)
        self.note_memory()

    def copy_effects(self, bint wanted):
        """Whether what commands do goes to replicas: on a primary."""
        cdef Engine* e = self.core.engine
        engine_use(e)
        if wanted and self.active and not self.relay().copies:
            # what was done on a replica before this is there already, as its primary sent it
            self.core.persist_turn()
            if stream_take(&e.ks.effects.stream) != 0:
                self.relay().failed = True
            relay_begin(self.relay(), &e.ks.effects.stream)
            e.ks.effects.recording += self.relay().copies
        elif not wanted and self.relay().copies:
            self.take()
            relay_stop(self.relay(), &e.ks.effects.stream)
            e.ks.effects.recording -= 1

    def forget_selection(self):
        """Has the next write say which database it is for: a replica begins to read here."""
        self.core.engine.ks.effects.stream.selected = -1

    # Turns

    cdef int take(self) except -1:
        """Takes in what commands did, behind the journal. A transaction under way would be parted."""
        cdef Engine* e = self.core.engine
        if not self.relay().copies:
            return 0
        if e.ks.effects.stream.bytes.end != e.ks.effects.stream.taken:
            self.core.persist_turn()
            engine_use(e)
        if stream_take(&e.ks.effects.stream) != 0:
            self.relay().failed = True
        relay_copy(self.relay(), &e.ks.effects.stream, e.ks.effects.stream.taken)
        return 0

    cdef int turn(self) except -1:
        cdef Slice[3] words
        cdef Session session
        engine_use(self.core.engine)
        self.take()
        if self.primary is not None:
            self.pass_on()
        if self.asks:
            self.asks = False
            words[0] = slice_of(b"REPLCONF", 8)
            words[1] = slice_of(b"GETACK", 6)
            words[2] = slice_of(b"*", 1)
            relay_request(self.relay(), 3, words)
        for session in self.sessions:
            if session.client != NULL and session.client.feed.cursor.at != self.relay().bytes.end:
                client_has_output(self.core.engine, session.client)
        bq_release(&self.relay().bytes)
        self.note_memory()
        if self.relay().failed:
            self.relay().failed = False
            self.on_failure()
            engine_use(self.core.engine)
        return 0

    cdef int note_memory(self) noexcept:
        """Keeps what replicas have not read yet out of what maxmemory counts, as far as it is more than the backlog."""
        cdef int64_t memory = <int64_t>self.relay().bytes.memory - <int64_t>self.backlog
        memory = max(memory, 0)
        self.core.engine.ks.memory_overhead += memory - self.noted
        self.noted = memory
        return 0

    @property
    def memory(self):
        """Bytes that the relay takes."""
        return self.relay().bytes.memory

    def append(self, list words):
        """Has replicas get a request of its own, behind what has been done."""
        cdef Slice[4] argv
        cdef int i
        engine_use(self.core.engine)
        self.take()
        for i in range(len(words)):
            argv[i] = slice_of_bytes(words[i])
        relay_request(self.relay(), <int>len(words), argv)
        self.core.begin_turn()

    # Replicas

    def attach(self, Session session, uint64_t at):
        """Makes a client a replica that is sent what is there from this offset on, once `release` lets it; False: that is not there."""
        cdef Client* c = session.client
        cdef Feed* feed
        engine_use(self.core.engine)
        if c.feed != NULL:
            bq_detach(&self.relay().bytes, &c.feed.cursor)
            feed = c.feed
        else:
            feed = <Feed*>mem_zalloc(sizeof(Feed))
        feed.held = True
        if at < self.first or not bq_attach(&self.relay().bytes, &feed.cursor, at):
            c.feed = NULL
            mem_free(feed)
            self.sessions = [other for other in self.sessions if other is not session]
            return False
        c.feed = feed
        c.flags |= CLIENT_REPLICA
        if session not in self.sessions:
            self.sessions.append(session)
        return True

    def release(self, Session session):
        """A replica is sent the relay from now on."""
        session.client.feed.held = False
        self.core.begin_turn()
        client_has_output(self.core.engine, session.client)

    def mark(self, Session session):
        """Makes a client a replica that gets nothing yet."""
        session.client.flags |= CLIENT_REPLICA

    def forget(self, Session session):
        """A replica is gone."""
        self.sessions = [other for other in self.sessions if other is not session]

    def write(self, Session session, bytes data):
        """Sends bytes that are no reply."""
        if session.client == NULL:
            return
        self.core.begin_turn()
        engine_use(self.core.engine)
        reply_raw(&session.client.reply, <const char*>data, len(data))
        client_has_output(self.core.engine, session.client)

    def unsent(self, Session session):
        """Bytes that a replica has to be sent, what it will get later among them."""
        return client_waiting_bytes(session.client) if session.client != NULL else 0

    def unsent_replies(self, Session session):
        """Bytes of these that are no part of the relay."""
        return session.client.reply.out.len - session.client.reply.sent if session.client != NULL else 0

    # The primary

    def follow(self, Session session, int db):
        """The primary's stream comes through this session from now on, with this database selected: it may do everything, and gets no
        replies."""
        engine_use(self.core.engine)
        buf_clear(&self.unapplied)
        self.primary = session
        session.client.flags |= CLIENT_MASTER | CLIENT_REPLY_OFF
        client_log_in(session.client, NULL)
        if 0 <= db < self.core.engine.ks.db_count:
            session.client.db = self.core.engine.ks.dbs[db]
        self.copy_effects(False)

    def unfollow(self):
        """The primary's stream has ended: what was not run of it is forgotten. It may be gone on with from `offset`."""
        self.pass_on()
        engine_use(self.core.engine)
        buf_free(&self.unapplied)
        self.primary = None

    def feed(self, bytes data):
        """Runs more of the primary's stream, and passes on what is complete. MemoryError: the stream cannot be followed any more."""
        cdef Session session = self.primary
        engine_use(self.core.engine)
        if buf_append(&self.unapplied, <const char*>data, len(data)) != 0:
            raise MemoryError
        self.core.engine.stats.primary_bytes_in += len(data)
        self.core.engine.ks.obeys = True
        try:
            session.feed(data)
        finally:
            self.core.engine.ks.obeys = False
        if self.primary is session:
            self.pass_on()

    def go_on(self):
        """Runs more of what came and was too much for one turn; whether there is still more."""
        cdef Session session = self.primary
        self.core.engine.ks.obeys = True
        try:
            session.go_on()
        finally:
            self.core.engine.ks.obeys = False
        if self.primary is session:
            self.pass_on()
        return session.has_more

    cdef int pass_on(self) except -1:
        """Puts what has been run into the relay, but no part of a transaction."""
        cdef Client* c = self.primary.client
        cdef size_t run
        engine_use(self.core.engine)
        if c == NULL or self.unapplied.len == 0 or c.flags & (CLIENT_BLOCKED | CLIENT_AWAITING):
            return 0
        if c.flags & CLIENT_MULTI:
            run = <size_t>(c.unit_at - (c.bytes_in - self.unapplied.len))
        else:
            run = self.unapplied.len - parser_pending(&c.parser)
        if run == 0:
            return 0
        relay_append(self.relay(), slice_of(self.unapplied.data, run))
        if run == self.unapplied.len:
            buf_clear(&self.unapplied)
        else:
            buf_drop_front(&self.unapplied, run)
        return 0

    @property
    def select(self):
        """The database that the primary's stream has selected."""
        return self.primary.client.db.id if self.primary is not None and self.primary.client != NULL else -1

    # The role

    def set_role(self, bint replica, bint read_only, bint stale, bint leaves_eviction):
        """Whether this is a replica, whether its clients may not write, nor read since it has lost its primary, and whether the primary
        alone evicts keys."""
        cdef Engine* e = self.core.engine
        e.ks.replica = replica
        e.replica_readonly = read_only
        e.stale = replica and stale
        e.leaves_eviction = leaves_eviction

    def unblock_all(self, bytes error):
        """Has all blocked commands end with this error: what they wait for is not theirs to take any more."""
        cdef Engine* e = self.core.engine
        cdef Client* c = e.clients
        self.core.begin_turn()
        engine_use(e)
        while c != NULL:
            if c.flags & CLIENT_BLOCKED and not c.block.until_freed:
                unblock_with_error(e, c, error)
            c = c.next

    def idle_seconds(self, Session session):
        """Since something came from a client."""
        if session.client == NULL:
            return 0.0
        return (self.core.engine.ks.clock.mono_us - session.client.active_us) / 1e6

    def pause_writes(self, bint paused):
        """Has clients' writes wait, and keys stay, or lets them go on."""
        cdef Engine* e = self.core.engine
        engine_use(e)
        self.core.begin_turn()
        if paused:
            e.pause_until_us = INT64_MAX
            e.pause_all = False
            e.ks.expiry_paused = True
        else:
            end_pause(e)

    def set_too_few(self, bint too_few):
        """Whether there are fewer good replicas than writes need."""
        self.core.engine.too_few_replicas = too_few

    def set_loads_aside(self, bint loads):
        """Whether a primary's data is being loaded beside what is there."""
        self.core.engine.loads_aside = loads

    @property
    def bytes_in(self):
        """Of the primary's stream."""
        return self.core.engine.stats.primary_bytes_in

    @property
    def bytes_out(self):
        """To replicas."""
        return self.core.engine.stats.replicas_bytes_out
