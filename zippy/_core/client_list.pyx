# A line has thirty fields, and there may be ten thousand clients, each in memory that no cache has: so it is written in one pass into room
# that is there, and what the lines to come are made of is fetched meanwhile.

cimport cython
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.ref cimport PyObject
from libc.stdint cimport UINT64_MAX, int64_t, uint64_t
from libc.string cimport memcpy, memset, strlen
from zippy._core.ground.buf cimport Buf, Slice, buf_append_byte, buf_free, buf_init, buf_reserve, slice_of
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport HashTable, ht_find_hashed, ht_prefetch
from zippy._core.ground.number cimport num_read_i64, num_write_i64
from zippy._core.ground.slice cimport copy_bytes, prefetch
from zippy._core.commands.client cimport client_memory
from zippy._core.commands.client_ids cimport ClientWalk, walk_begin, walk_end, walk_next
from zippy._core.commands.engine cimport engine_is_calling, engine_use
from zippy._core.commands.output cimport client_output_class
from zippy._core.commands.types cimport (
    CLIENT_BLOCKED, CLIENT_CLOSE_AFTER_REPLY, CLIENT_CLOSING, CLIENT_IN_EXEC, CLIENT_MASTER, CLIENT_MONITOR, CLIENT_MULTI,
    CLIENT_NO_EVICT, CLIENT_NO_TOUCH, CLIENT_PAUSED, CLIENT_READONLY, CLIENT_REPLICA, CLIENT_UNIX, OUTPUT_PUBSUB, TRACKING_BROADCAST,
    TRACKING_BROKEN, TRACKING_ON, Call, Client, Engine
)
from zippy._core.resp.kinds import ReplyError
from zippy._core.resp.parser cimport parser_held, parser_request_size, parser_room
from zippy._core.resp.report cimport encoded, slice_of_encoded
from zippy._core.resp.values cimport Words
from zippy._core.resp.writer cimport Reply, reply_verbatim_of, verbatim_header
from zippy._core.session cimport Core, Session


cdef enum:
    FIXED_ROOM = 1024        # bytes that a line needs beside its texts: names of fields, numbers, flags, a command's name
    USUAL_LINE = 400         # bytes
    CACHE_LINE = 64
    NEAR = 4                 # lines ahead, whose clients are fetched
    FAR = 8                  # and whose sessions
    OUTPUT_BLOCK = 16 * 1024
    TOGETHER = 16            # ids that are looked for side by side
    SIEVE = 1 << 16          # bits, in so many words:
    SIEVE_WORDS = 1024


cdef inline char* put(char* at, const char* text) noexcept nogil:
    cdef size_t size = strlen(text)
    memcpy(at, text, size)
    return at + size


cdef inline char* put_slice(char* at, Slice text) noexcept nogil:
    copy_bytes(at, text.ptr, text.len)
    return at + text.len


cdef inline char* put_number(char* at, const char* field, int64_t n) noexcept nogil:
    """Writes " field=" and its number."""
    at = put(at, field)
    if 0 <= n <= 9:
        at[0] = <char>(48 + n)
        return at + 1
    return at + num_write_i64(at, n)


cdef char* put_flags(char* at, const Client* c) noexcept nogil:
    """Writes a letter for each flag that CLIENT LIST shows, N for none."""
    cdef const char* letters = b"SOMPxbtRBdcAUreT"
    cdef const char* began = at
    cdef uint64_t f = c.flags
    cdef bint[16] is_set = [
        f & CLIENT_REPLICA != 0, f & CLIENT_MONITOR != 0, f & CLIENT_MASTER != 0,
        c.channels.count or c.patterns.count or c.shard_channels.count, f & (CLIENT_MULTI | CLIENT_IN_EXEC) != 0,
        f & (CLIENT_BLOCKED | CLIENT_PAUSED) != 0, c.tracking & TRACKING_ON != 0, c.tracking & TRACKING_BROKEN != 0,
        c.tracking & TRACKING_BROADCAST != 0, c.watches != NULL and c.watches.dirty, f & CLIENT_CLOSE_AFTER_REPLY != 0,
        f & CLIENT_CLOSING != 0, f & CLIENT_UNIX != 0, f & CLIENT_READONLY != 0, f & CLIENT_NO_EVICT != 0, f & CLIENT_NO_TOUCH != 0,
    ]
    cdef int i
    for i in range(16):
        if is_set[i]:
            at[0] = letters[i]
            at += 1
    if at == began:
        at[0] = c'N'
        at += 1
    return at


cdef size_t argument_bytes(const Client* c, bint runs) noexcept nogil:
    """Bytes of the arguments of the command that a client runs or waits in."""
    cdef const Call* call = c.engine.call
    cdef int argc = call.argc if runs else c.block.request.argc
    cdef const Slice* argv = call.argv if runs else c.block.request.argv
    cdef size_t bytes = 0
    cdef int i
    for i in range(argc):
        bytes += argv[i].len
    return bytes


cdef char* put_facts(char* at, const Client* c) noexcept nogil:
    """Writes the fields from age to cmd."""
    cdef const Engine* e = c.engine
    cdef bint runs = engine_is_calling(e, c)
    cdef size_t held = parser_held(&c.parser)
    cdef size_t kept = parser_room(&c.parser)
    cdef size_t unsent = c.reply.out.len - c.reply.sent
    cdef size_t room = c.reply.out.cap
    at = put_number(at, b" age=", (e.ks.clock.us - c.created_us) // 1000000)
    at = put_number(at, b" idle=", (e.ks.clock.mono_us - c.active_us) // 1000000)
    at = put_flags(put(at, b" flags="), c)
    at = put_number(at, b" db=", c.db.id)
    at = put_number(at, b" sub=", c.channels.count)
    at = put_number(at, b" psub=", c.patterns.count)
    at = put_number(at, b" ssub=", c.shard_channels.count)
    at = put_number(at, b" multi=", c.multi.count if c.flags & (CLIENT_MULTI | CLIENT_IN_EXEC) else -1)
    at = put_number(at, b" watch=", c.watches.count if c.watches != NULL else 0)
    at = put_number(at, b" qbuf=", held + parser_request_size(&c.parser) if runs else held)
    at = put_number(at, b" qbuf-free=", kept - held if kept > held else 0)
    at = put_number(at, b" argv-mem=", argument_bytes(c, runs))
    at = put_number(at, b" multi-mem=", c.multi.bytes)
    at = put_number(at, b" rbs=", room)
    at = put_number(at, b" rbp=", unsent)
    # Redis keeps the first 16 KiB in a buffer of the client's and what follows in a list of blocks of that size
    at = put_number(at, b" obl=", unsent if unsent < OUTPUT_BLOCK else OUTPUT_BLOCK)
    at = put_number(at, b" oll=", (unsent - 1) // OUTPUT_BLOCK if unsent else 0)
    at = put_number(at, b" omem=", room - OUTPUT_BLOCK if room > OUTPUT_BLOCK else 0)
    at = put_number(at, b" tot-mem=", client_memory(c))
    at = put(at, b" events=r cmd=" if unsent == 0 or runs else b" events=rw cmd=")
    return put(at, b"NULL") if c.last_command == NULL else put_slice(at, c.last_command.name)


@cython.final
cdef class ClientState:

    def __cinit__(self, local, int fd=-1, bint is_tls=False):
        self.local = local
        self.fd = fd
        self.is_tls = is_tls
        self.lib_name = ""
        self.lib_version = ""

    @property
    def local_address(self):
        """The address that the client has reached, "ip:port" or "path:0" for a Unix socket."""
        return reached(self)


cdef str reached(ClientState state):
    if type(state.local) is not str:
        state.local = state.local()
    return state.local


cdef int append_client(Buf* line, Session session) except -1:
    cdef const Client* c = session.client
    cdef ClientState state = <ClientState?>session.state
    cdef object local_text = encoded(reached(state))
    cdef object name_text = encoded(state.lib_name)
    cdef object version_text = encoded(state.lib_version)
    cdef Slice local = slice_of_encoded(local_text)
    cdef Slice lib_name = slice_of_encoded(name_text)
    cdef Slice lib_version = slice_of_encoded(version_text)
    cdef Slice user = c.user.name if c.user != NULL else slice_of(b"(superuser)", 11)
    cdef char* at
    if buf_reserve(line, FIXED_ROOM + c.peer.len + local.len + c.name.len + user.len + lib_name.len + lib_version.len) != 0:
        raise MemoryError
    at = put_number(line.data + line.len, b"id=", c.id)
    at = put_slice(put(at, b" addr="), c.peer)
    at = put_slice(put(at, b" laddr="), local)
    at = put_number(at, b" fd=", state.fd)
    at = put_slice(put(at, b" name="), c.name)
    at = put_facts(at, c)
    at = put_slice(put(at, b" user="), user)
    at = put_number(at, b" redir=", <int64_t>c.redirect if c.tracking & TRACKING_ON else -1)
    at = put_number(at, b" resp=", c.reply.proto)
    at = put_slice(put(at, b" lib-name="), lib_name)
    at = put_slice(put(at, b" lib-ver="), lib_version)
    at = put_number(at, b" io-thread=0 tot-net-in=", c.bytes_in)
    at = put_number(at, b" tot-net-out=", c.bytes_out)
    at = put_number(at, b" tot-cmds=", c.commands)
    line.len = at - line.data
    return 0


def client_line(Session session):
    """A client as CLIENT LIST shows it, without the line's end."""
    cdef Buf line
    engine_use(session.core.engine)
    buf_init(&line)
    try:
        append_client(&line, session)
        return line.data[:line.len].decode("utf-8", "surrogateescape")
    finally:
        buf_free(&line)


cdef inline void fetch(const void* place, size_t size) noexcept nogil:
    cdef size_t at = 0
    while at < size:
        prefetch(<const char*>place + at)
        at += CACHE_LINE


cdef void fetch_ahead(list sessions, Py_ssize_t at) noexcept:
    """Has what the lines behind the one at a place are made of come into the cache."""
    cdef Py_ssize_t count = PyList_GET_SIZE(sessions)
    cdef Session session
    if at + FAR < count:
        fetch(<const void*><PyObject*>PyList_GET_ITEM(sessions, at + FAR), 2 * CACHE_LINE)
    if at + NEAR < count:
        session = <Session>PyList_GET_ITEM(sessions, at + NEAR)
        if session.client != NULL:
            fetch(session.client, sizeof(Client))
            fetch(<const void*><PyObject*>session.state, CACHE_LINE)
    if at + NEAR // 2 < count:
        session = <Session>PyList_GET_ITEM(sessions, at + NEAR // 2)
        if session.client != NULL:
            prefetch(session.client.peer.ptr)


cdef inline bint shown(Session session):
    return session.state is not None and session.client != NULL and session.client.flags & CLIENT_CLOSING == 0


def reply_clients(Session session, list sessions not None):
    """Replies with the lines of these clients, of those that CLIENT LIST shows."""
    cdef Engine* e = session.core.engine
    cdef Reply* reply = &e.call.client.reply
    cdef Py_ssize_t count = PyList_GET_SIZE(sessions)
    cdef size_t header = verbatim_header(reply, count * USUAL_LINE)
    cdef Session other
    cdef Py_ssize_t i
    cdef Buf text
    engine_use(e)
    buf_init(&text)
    try:
        if buf_reserve(&text, header + count * USUAL_LINE + FIXED_ROOM) != 0:
            raise MemoryError
        text.len = header
        for i in range(count):
            fetch_ahead(sessions, i)
            other = <Session>PyList_GET_ITEM(sessions, i)
            if shown(other):
                append_client(&text, other)
                buf_append_byte(&text, c'\n')
        if text.failed:
            raise MemoryError
        reply_verbatim_of(reply, b"txt", &text, header)
    finally:
        buf_free(&text)


cdef str kind_of(const Client* c):
    if c.flags & CLIENT_MASTER:
        return "master"
    if c.flags & CLIENT_REPLICA:
        return "replica"
    return "pubsub" if client_output_class(c) == OUTPUT_PUBSUB else "normal"


def client_kind(Session session):
    """"normal", "master", "replica" or "pubsub", as CLIENT LIST TYPE tells them apart."""
    return kind_of(session.client)


def client_age(Session session):
    """Seconds since the client connected."""
    return (session.core.engine.ks.clock.us - session.client.created_us) // 1000000


def is_listed(Session session):
    """Whether CLIENT LIST shows this client: it has a peer, and is not about to be closed."""
    return shown(session)


def sessions_of_kind(Core core, str kind):
    """The clients of a kind, of those that CLIENT LIST shows, the oldest first."""
    cdef ClientWalk walk
    cdef Client* c
    cdef list ids = []
    cdef uint64_t left = core.engine.stats.pubsub_clients if kind == "pubsub" else UINT64_MAX
    walk_begin(&walk, core.engine)
    while left:
        c = walk_next(&walk)
        if c == NULL:
            break
        if kind_of(c) == kind:
            ids.append(c.id)
            left -= 1
    else:
        walk_end(&walk)
    ids.sort()
    return list(filter(is_listed, [core.sessions[id] for id in ids if id in core.sessions]))


cdef void fill_sieve(Engine* e, uint64_t* sieve) noexcept nogil:
    """Sets a bit for the low bits of the id of each client, so that of ids which nobody has most are known to be such."""
    cdef ClientWalk walk
    cdef const Client* c
    memset(sieve, 0, SIEVE_WORDS * sizeof(uint64_t))
    walk_begin(&walk, e)
    c = walk_next(&walk)
    while c != NULL:
        sieve[c.id % SIEVE // 64] |= <uint64_t>1 << c.id % 64
        c = walk_next(&walk)


def sessions_with_ids(Core core, Words words not None, Py_ssize_t first):
    """The clients whose ids are the words from the first on, of those that CLIENT LIST shows, in that order; ReplyError for what is no id.

    In C, since a client may name as many as it likes; the table's buckets are fetched side by side.
    """
    cdef HashTable* clients = &core.engine.clients_by_id
    cdef int64_t[TOGETHER] ids
    cdef uint64_t[TOGETHER] hashes
    cdef const Client* c
    cdef uint64_t[SIEVE_WORDS] sieve
    # then it takes less time to look at all clients than for all ids
    cdef bint sieves = <uint64_t>(words.count - first) > core.engine.client_count
    cdef Py_ssize_t at = first
    cdef Py_ssize_t i
    cdef Py_ssize_t count
    cdef uint64_t id
    if sieves:
        fill_sieve(core.engine, sieve)
    found = []
    while at < words.count:
        count = 0
        while at < words.count and count < TOGETHER:
            if not num_read_i64(words.at(at), &ids[count]):
                raise ReplyError("ERR Invalid client ID")
            at += 1
            id = <uint64_t>ids[count]
            if not sieves or sieve[id % SIEVE // 64] >> id % 64 & 1:
                hashes[count] = hash_bytes(<const char*>&ids[count], sizeof(int64_t))
                ht_prefetch(clients, hashes[count])
                count += 1
        for i in range(count):
            c = <const Client*>ht_find_hashed(clients, slice_of(<const char*>&ids[i], sizeof(int64_t)), hashes[i])
            # the client of a script has the session of who runs it
            if c != NULL and c.owner != NULL and (<Session>c.owner).client == c and shown(<Session>c.owner):
                found.append(<Session>c.owner)
    return found
