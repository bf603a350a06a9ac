# cython: binding=True
"""Commands of callers in this process: Python values in, a Python value out.

There are two ways in. `execute_command` stands in for redis-py's: it borrows the connection that redis-py's pool would have taken and runs
the command on that one's session, so that all that belongs to a connection (name, database, protocol) is as it was. Whatever is not plain
(commands that may wait or change the connection, errors, pushes, unusual types, options or replies) goes through redis-py's own code, which
alone decides what those look like. `execute` and `execute_many` are zippy.Engine's, with one session of their own.

Some of the functions are methods of classes in Python, which plain built-in functions cannot be; hence the binding ones above.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.ref cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memchr
from zippy._core.ground.buf cimport Buf, Slice, buf_append, buf_clear, buf_free, buf_init, slice_of
from zippy._core.ground.clock cimport clock_ticks, clock_ticks_per_us
from zippy._core.ground.number cimport NUM_I64_TEXT, num_read_i64, num_write_i64
from zippy._core.commands.client cimport end_pause_if_over, unblock_in_vain
from zippy._core.commands.engine cimport engine_call, engine_use
from zippy._core.commands.output cimport client_has_output
from zippy._core.commands.types cimport (
    CLIENT_AWAITING, CLIENT_BLOCKED, CLIENT_CLOSING, CLIENT_NO_EVICT, CLIENT_NO_TOUCH, CLIENT_STRANGER, CMD_ADMIN, CMD_BLOCKING,
    CMD_NOSCRIPT, CMD_PUBSUB, CMD_PYTHON, CMD_RUNS_IN_MULTI, CMD_RUNS_QUEUE, Client, Engine
)
from zippy._core.keyspace.lazy_free cimport lazy_waits
from zippy._core.resp.kinds import ReplyError
from zippy._core.session cimport Core, Session

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    const char* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef enum:
    CHORES_US = 10_000           # how often the engine is asked for what has nothing to do with any command
    # what leaves a client as plain as a new one
    PLAIN_FLAGS = CLIENT_NO_EVICT | CLIENT_NO_TOUCH
    # what redis-py's connections do in the ordinary way: it may wait, or change what the connection is, or runs in Python
    ORDINARY_WAY = CMD_ADMIN | CMD_BLOCKING | CMD_NOSCRIPT | CMD_PUBSUB | CMD_PYTHON | CMD_RUNS_IN_MULTI | CMD_RUNS_QUEUE

cdef str NEVER_DECODE = "NEVER_DECODE"         # redis-py's names of options
cdef str EMPTY_RESPONSE = "EMPTY_RESPONSE"
cdef str KEYS = "keys"
cdef list NOTHING = []                         # what put_words has nothing to keep in
cdef object UNFIT = object()                   # a reply that somebody else has to read

NOT_RUN = object()                             # what try_command returns when nothing was done


cdef list keep(list kept, object value):
    if kept is NOTHING:
        return [value]
    kept.append(value)
    return kept


cdef list put_words(Words* w, tuple args):
    """Fills in the arguments; the objects that hold them beside args and w. None: one is neither bytes, str, int nor float."""
    cdef Py_ssize_t i
    cdef list kept = NOTHING
    cdef object value
    cdef char* number
    cdef long long integer
    cdef int overflow
    w.argc = <int>len(args)
    w.argv = w.first
    if w.argc > FIRST_WORDS:
        w.argv = <Slice*>PyMem_Malloc(w.argc * sizeof(Slice))
        if w.argv == NULL:
            raise MemoryError
    for i in range(w.argc):
        value = args[i]
        if type(value) is int and i < FIRST_WORDS:
            integer = PyLong_AsLongLongAndOverflow(value, &overflow)
            if overflow == 0:
                number = w.numbers + i * NUM_I64_TEXT
                w.argv[i] = slice_of(number, num_write_i64(number, integer))
                continue
        if type(value) is int or type(value) is float:
            value = repr(value)
            kept = keep(kept, value)
        if type(value) is str:
            if PyUnicode_IS_COMPACT_ASCII(value):
                w.argv[i] = slice_of(PyUnicode_DATA(value), PyUnicode_GET_LENGTH(value))
                continue
            try:
                value = (<str>value).encode()
            except UnicodeEncodeError:
                return None
            kept = keep(kept, value)
        if type(value) is not bytes:
            return None
        w.argv[i] = slice_of(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
    return kept


cdef void drop_words(Words* w):
    if w.argv != w.first:
        PyMem_Free(w.argv)
    w.argv = w.first


cdef inline int digits(size_t n) noexcept nogil:
    cdef int count = 1
    while n > 9:
        n //= 10
        count += 1
    return count


cdef uint64_t request_size(const Words* w) noexcept nogil:
    """Bytes that the command would have had on a wire, for the statistics."""
    cdef uint64_t size = 3 + digits(w.argc)
    cdef int i
    for i in range(w.argc):
        size += w.argv[i].len + digits(w.argv[i].len) + 5
    return size


cdef inline bint is_one_word(Slice name) noexcept nogil:
    """redis-py splits a command's name at spaces."""
    cdef size_t i
    for i in range(name.len):
        if <unsigned char>name.ptr[i] <= 32:
            return False
    return name.len > 0


# Replies


cdef struct Replies:
    const char* at
    const char* end
    bint decode                  # to str; else bytes
    const char* errors           # error handler of that
    bint all_kinds               # else those that redis-py's parsers differ about, or have to do with, are unfit


cdef object text_of(Replies* r, const char* ptr, Py_ssize_t size):
    if not r.decode:
        return PyBytes_FromStringAndSize(ptr, size)
    try:
        return PyUnicode_DecodeUTF8(ptr, size, r.errors)
    except UnicodeDecodeError:
        return UNFIT


cdef object read_items(Replies* r, int64_t count):
    cdef list items = []
    cdef object item
    while count > 0:
        item = read_reply(r)
        if item is UNFIT:
            return UNFIT
        items.append(item)
        count -= 1
    return items


cdef object read_map(Replies* r, int64_t count):
    cdef dict pairs = {}
    cdef object key
    cdef object value
    while count > 0:
        key = read_reply(r)
        value = UNFIT if key is UNFIT else read_reply(r)
        # a key that cannot be hashed, and a key that repeats, are redis-py's to decide about
        if value is UNFIT or type(key) is list or type(key) is dict:
            return UNFIT
        pairs[key] = value
        count -= 1
    return pairs


cdef object read_bulk(Replies* r, int64_t size, char kind):
    cdef const char* data = r.at
    if size < 0:
        return None
    r.at += size + 2
    if kind == c'!':
        return ReplyError(data[:size].decode("utf-8", "replace"))
    # a verbatim string begins with its kind: "txt:"
    return text_of(r, data, size) if kind == c'$' else text_of(r, data + 4, size - 4)


cdef bint has_unhashable(list items):
    for item in items:
        if type(item) is list or type(item) is dict or type(item) is set:
            return True
    return False


cdef object read_rare(Replies* r, char kind, const char* data, Py_ssize_t size):
    """The kinds that are only read for zippy's own callers."""
    cdef int64_t n = 0
    if not r.all_kinds:
        return UNFIT
    if kind == c'-':
        return ReplyError(data[:size].decode("utf-8", "replace"))
    if kind == c'(':
        return int(data[:size])
    num_read_i64(slice_of(data, size), &n)
    if kind == c'!' or kind == c'=':
        return read_bulk(r, n, kind)
    items = read_items(r, n)
    return items if kind != c'~' or has_unhashable(items) else set(items)


cdef object read_reply(Replies* r):
    """The next reply, consumed; UNFIT when it is not all of a kind that is read here."""
    cdef const char* data = r.at + 1
    cdef const char* cr
    cdef char kind
    cdef int64_t n = 0
    if r.at >= r.end:
        return UNFIT
    kind = r.at[0]
    cr = <const char*>memchr(data, 13, r.end - data)
    if cr == NULL:
        return UNFIT
    r.at = cr + 2
    if kind == c'$' or kind == c':' or kind == c'*' or kind == c'%':
        num_read_i64(slice_of(data, cr - data), &n)
        if kind == c'$':
            return read_bulk(r, n, kind)
        if kind == c':':
            return n
        if n < 0:
            return None
        return read_items(r, n) if kind == c'*' else read_map(r, n)
    if kind == c'+':
        return text_of(r, data, cr - data)
    if kind == c'_':
        return None
    if kind == c'#':
        return data[0] == c't'
    if kind == c',':
        return float(data[:cr - data])
    return read_rare(r, kind, data, cr - data)


cdef object read_all(Session session, bint decode, const char* errors, bint all_kinds):
    """The one reply that the session's output consists of, taken out of it; UNFIT, with nothing taken, when it is not so."""
    cdef Client* c = session.client
    cdef Engine* engine = session.core.engine
    cdef Replies r
    cdef object value
    # Making objects can run a finalizer, which may run commands and flush or close any session: it must not find what is being read
    cdef Buf output = c.reply.out
    buf_init(&c.reply.out)
    r.at = output.data
    r.end = r.at + output.len
    r.decode = decode
    r.errors = errors
    r.all_kinds = all_kinds
    try:
        value = read_reply(&r)
    except BaseException:
        engine_use(engine)
        buf_free(&output)
        raise
    engine_use(engine)
    if session.client == NULL:
        buf_free(&output)
        return UNFIT
    if value is UNFIT or r.at != r.end or output.failed:
        buf_append(&output, c.reply.out.data, c.reply.out.len)
        buf_free(&c.reply.out)
        c.reply.out = output
        client_has_output(engine, c)
        return UNFIT
    c.bytes_out += output.len
    engine.stats.bytes_out += output.len
    if c.reply.out.cap:
        buf_free(&output)
    else:
        buf_clear(&output)
        c.reply.out = output
    return value


cdef object read_value(const char* data, size_t size):
    cdef Replies r
    r.at = data
    r.end = data + size
    r.decode = False
    r.errors = NULL
    r.all_kinds = True
    value = read_reply(&r)
    if value is UNFIT or r.at != r.end:
        raise ValueError("a reply that is no value in Python")
    return value


# redis-py's way in


@cython.final
cdef class Line:
    """A session, as one of redis-py's connections holds it."""

    cdef readonly Session session
    cdef public bint touched     # something came the ordinary way, or nothing was asked yet: the connection must say whether it is settled
    cdef public bint decode      # strings become str
    cdef bytes errors_name

    def __init__(self, Session session):
        self.session = session
        self.touched = True
        self.errors_name = b"strict"

    @property
    def errors(self):
        """The error handler for strings that are not UTF-8."""
        return self.errors_name.decode()

    @errors.setter
    def errors(self, str name):
        self.errors_name = name.encode()


@cython.final
cdef class Unread:
    """A command was run; its reply waits in the connection, which is the caller's to give back."""

    cdef readonly object connection

    def __cinit__(self, connection):
        self.connection = connection


@cython.final
cdef class Caller:
    """What the commands of one redis-py client need."""

    cdef object host                 # zippy.inprocess.host.Host
    cdef Core core
    cdef object pool                 # redis-py's, with connections of connection_class
    cdef type connection_class
    cdef str socket_name             # the attribute of a connection that has a `line`
    cdef type callbacks_class        # of response_callbacks: has names in upper case and finds them in any
    cdef object acquire
    cdef object release
    cdef uint64_t chores_due         # clock_ticks

    def __init__(self, host, pool, type connection_class, str socket_name, type callbacks_class):
        self.host = host
        self.core = host.core
        self.pool = pool
        self.connection_class = connection_class
        self.socket_name = socket_name
        self.callbacks_class = callbacks_class
        self.acquire = host.lock.acquire
        self.release = host.lock.release

    cdef object run(self, client, tuple args, dict options):
        """The command's reply, without response callbacks; NOT_RUN or an Unread."""
        cdef list available
        cdef object connection
        cdef object value
        cdef bint decode = NEVER_DECODE not in options
        if self.core.forked or self.core.watched or client.connection is not None or client.connection_pool is not self.pool or not args:
            return NOT_RUN
        self.acquire()
        try:
            available = self.pool._available_connections
            if self.core.in_turn or not available:
                return NOT_RUN
            connection = available.pop()
            value = NOT_RUN
            try:
                value = self.run_on(connection, args, decode)
            except ConnectionError:
                # the store has failed; what redis-py says of a closed one says why
                self.host.end_failed()
            finally:
                if type(value) is not Unread:
                    available.append(connection)
            if value is not NOT_RUN and (self.core.engine.ticks >= self.chores_due or lazy_waits(&self.core.engine.ks)):
                self.chores_due = clock_ticks() + <uint64_t>(CHORES_US * clock_ticks_per_us())
                self.host.do_chores()
            return value
        finally:
            self.release()

    cdef object run_on(self, connection, tuple args, bint decode):
        cdef Line line
        cdef Words words
        cdef Client* c
        if type(connection) is not self.connection_class or type(args[0]) is not str:
            return NOT_RUN
        socket = getattr(connection, self.socket_name)
        if socket is None:
            return NOT_RUN
        # that of a store which another process has is an ordinary socket
        line = getattr(socket, "line", None)
        if line is None:
            return NOT_RUN
        c = line.session.client
        if c == NULL or c.flags & ~<uint64_t>PLAIN_FLAGS or c.reply.out.len or c.parser.own.len or self.core.engine.clients_limit:
            return NOT_RUN
        if line.touched:
            if not connection.settled():
                return NOT_RUN
            line.touched = False
        kept = put_words(&words, args)
        try:
            if kept is None or not is_one_word(words.argv[0]):
                return NOT_RUN
            return self.run_words(connection, line, &words, decode)
        finally:
            drop_words(&words)

    cdef object run_words(self, connection, Line line, Words* words, bint decode):
        cdef Core core = self.core
        cdef Session session = line.session
        cdef Client* c = session.client
        cdef uint64_t size
        cdef object value
        core.open_turn()
        if not engine_call(core.engine, c, words.argc, words.argv, ORDINARY_WAY):
            core.end_turn()
            return NOT_RUN
        size = request_size(words)
        c.active_us = core.engine.ks.clock.mono_us
        c.bytes_in += size
        core.engine.stats.bytes_in += size
        value = UNFIT
        if not c.flags & CLIENT_CLOSING:
            value = read_all(session, decode and line.decode, line.errors_name, False)
        # who else has been written to hears of it, and the journal of what was done, before the caller does
        core.end_turn()
        return Unread(connection) if value is UNFIT else value

    cdef object answer(self, client, tuple args, dict options, object value):
        """What redis-py makes of a reply."""
        cdef object callbacks = client.response_callbacks
        cdef object name = args[0]
        cdef PyObject* found
        if options:
            options.pop(NEVER_DECODE, None)
            options.pop(EMPTY_RESPONSE, None)
            options.pop(KEYS, None)
        if type(callbacks) is self.callbacks_class:
            found = PyDict_GetItem(callbacks, name)
            if found == NULL:
                found = PyDict_GetItem(callbacks, (<str>name).upper())
            if found == NULL:
                return value
            callback = <object>found
        elif name in callbacks:
            callback = callbacks[name]
        else:
            return value
        return callback(value, **options) if options else callback(value)


cdef inline object run_for(client, tuple args, dict options):
    cdef Caller caller = client.caller
    if caller is None:
        return NOT_RUN
    value = caller.run(client, args, options)
    if value is NOT_RUN or type(value) is Unread:
        return value
    return caller.answer(client, args, options, value)


def try_command(client, tuple args, dict options):
    """Runs the command if it is a plain one: the answer, or NOT_RUN, or an Unread. client: has a `caller`, a Caller or None."""
    return run_for(client, args, options)


def execute_command(self, *args, **options):
    """Execute a command and return a parsed response"""
    value = run_for(self, args, options)
    if value is NOT_RUN:
        return self.execute_by_pool(*args, **options)
    if type(value) is Unread:
        return self.read_unread((<Unread>value).connection, args, options)
    return value


def set_value(self, name, value, *options, **named_options):
    """Set the value at key ``name`` to ``value``; the other arguments are those of redis.Redis.set."""
    # redis-py looks at each of a dozen options before it finds that there is none: 3.4 us of 4.6 (bench inprocess)
    if options or named_options:
        return self.set_with_options(name, value, *options, **named_options)
    return self.execute_command("SET", name, value)


# zippy.Engine's own


cdef object plain_argument(object value):
    """An argument as bytes, or as it was if put_words knows it; TypeError."""
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (bytes, str)):
        return bytes(value) if isinstance(value, bytes) else value.encode()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(value)
    raise TypeError(f"an argument is bytes, str, int or float, not {type(value).__name__}")


cdef object put_arguments(Words* w, tuple args):
    cdef object kept = put_words(w, args)
    if kept is None:
        drop_words(w)
        # what holds them now is a tuple of their own
        args = tuple([plain_argument(value) for value in args])
        kept = (args, put_words(w, args))
    if w.argc == 0:
        drop_words(w)
        raise TypeError("a command has a name at least")
    return kept


@cython.final
cdef class Direct:
    """The session behind Engine.execute; RESP3, and gone with the engine."""

    cdef object host                 # zippy.inprocess.host.Host
    cdef Core core
    cdef Session session             # None: not yet made, or killed
    cdef object acquire
    cdef object release
    cdef uint64_t chores_due         # clock_ticks

    def __init__(self, host):
        self.host = host
        self.core = host.core
        self.acquire = host.lock.acquire
        self.release = host.lock.release

    cdef Session ready_session(self):
        cdef Session session = self.session
        if session is None or session.client == NULL or session.client.flags & CLIENT_CLOSING:
            if session is not None:
                session.close()
            self.session = session = self.host.new_session(None)
            session.client.reply.proto = 3
            # who holds the engine needs no password
            session.client.flags &= ~<uint64_t>CLIENT_STRANGER
        return session

    cdef object run(self, tuple args):
        """One command's value, in a turn that is open; a ReplyError is a value."""
        cdef Session session = self.ready_session()
        cdef Words words
        cdef bint ran
        cdef uint64_t size
        _kept = put_arguments(&words, args)
        try:
            size = request_size(&words)
            session.client.bytes_in += size
            session.client.active_us = self.core.engine.ks.clock.mono_us
            self.core.engine.stats.bytes_in += size
            ran = engine_call(self.core.engine, session.client, words.argc, words.argv, CMD_NOSCRIPT)
            self.core.raise_stashed()
        finally:
            drop_words(&words)
        return self.reply_of(session, ran)

    cdef object reply_of(self, Session session, bint ran):
        cdef Client* c = session.client
        cdef object value
        if not ran:
            return ReplyError("ERR Engine.execute runs what a script may run, and nothing in a CLIENT PAUSE")
        if c != NULL and c.flags & CLIENT_BLOCKED:
            # nobody waits here: its time is over at once
            unblock_in_vain(self.core.engine, c)
        if c == NULL or c.flags & (CLIENT_CLOSING | CLIENT_AWAITING):
            self.session = None
            session.close()
            return ReplyError("ERR the engine closed this connection")
        value = read_all(session, False, NULL, True)
        if value is UNFIT:
            session.take_output()
            raise RuntimeError("a reply that Engine.execute cannot read")
        return value

    cdef object run_turn(self, tuple args, commands):
        """args: the value of one command; None: a list of the values of commands, all of them in one turn."""
        cdef object value
        cdef tuple each
        if self.core.forked:
            self.host.refuse_fork()
        self.acquire()
        try:
            if self.core.in_turn:
                raise RuntimeError("a command is being run: the engine cannot be called from inside of it")
            self.ready_session()
            self.core.open_turn()
            end_pause_if_over(self.core.engine)
            try:
                if args is not None:
                    value = self.run(args)
                else:
                    value = []
                    for each in commands:
                        (<list>value).append(self.run(each))
            finally:
                try:
                    self.core.end_turn()
                except ConnectionError:
                    self.host.end_failed()
                    raise
            if self.core.engine.ticks >= self.chores_due or lazy_waits(&self.core.engine.ks):
                self.chores_due = clock_ticks() + <uint64_t>(CHORES_US * clock_ticks_per_us())
                self.host.do_chores()
        finally:
            self.release()
        return value


def execute(self, *args):
    """Runs one command and returns its reply; see zippy.Engine."""
    value = (<Direct?>self._direct).run_turn(args, None)
    if type(value) is ReplyError:
        raise value
    return value


def execute_many(self, commands):
    """Runs many commands in one turn and returns a list of their replies; see zippy.Engine."""
    return (<Direct?>self._direct).run_turn(None, [tuple(command) for command in commands])
