"""Loading the commands of an append-only file: each is parsed where it lies in the mapped file and run as if a client had sent it.

A transaction runs once its EXEC has been seen. Lines #TS:seconds say when what follows was done; a transaction belongs to the second in
which it begins. Bytes that end within a command or a transaction are told apart from bytes that are none. A
length that was changed looks like an end that is torn too, but then commands follow.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stddef cimport size_t
from libc.stdint cimport INT64_MAX, int64_t, uint64_t
from libc.string cimport memchr, memcmp
from zippy._core.commands.engine cimport engine_command, engine_enter, engine_use, find_command
from zippy._core.commands.types cimport CLIENT_REPLY_OFF, CMD_PYTHON, CMD_WRITE, Command, Engine
from zippy._core.ground.buf cimport Slice, slice_is, slice_of
from zippy._core.ground.mem cimport mem_free, mem_realloc
from zippy._core.keyspace.db cimport PREFETCHED, db_prefetch
from zippy._core.keyspace.lazy_free cimport lazy_free_step
from zippy._core.session cimport Core, Session

cdef enum Found:
    FOUND_REQUEST = 0
    FOUND_END = 1        # no byte is left
    FOUND_TORN = 2       # the bytes end too early
    FOUND_NONSENSE = 3   # they are no command
    FOUND_LATER = 4      # what follows was done too late to be wanted

cdef enum:
    NUMBER_LINE = 16     # bytes of the longest line with a count or a length
    MOST_WORDS = 1 << 30
    SECOND_LINE = 20         # bytes after #TS: that are looked at
    REFRESH_EVERY = 4096     # requests after which the clock is refreshed and dead values are freed
    FREED = 100000       # items at a time
    NAMED = 100          # characters of a library's first line that are told
    FOLLOWERS = 8        # commands in a row behind a torn one that make it no torn end: fewer may be a part of its value


cdef struct Reading:
    const char* data
    size_t size
    size_t at            # the next byte
    size_t request_at    # where the present request began
    Slice* argv          # owned
    int argc
    int cap
    const char* problem
    int64_t until        # no more is read when a line gives a later second
    bint inside          # a transaction, which is not parted
    int64_t first_second    # of the first line that gives one, wanted or not; 0: there was none
    int64_t last_second  # of the last line up to here


class AppendError(Exception):
    """A file that cannot be loaded: what is wrong with it and at which byte. torn: its bytes up to there are good, and what follows is only
    the beginning of something."""

    def __init__(self, str problem, Py_ssize_t offset, bint torn=False):
        super().__init__(f"{problem} (at byte {offset})")
        self.problem = problem
        self.offset = offset
        self.torn = torn


cdef int nonsense(Reading* r, const char* problem) noexcept nogil:
    r.problem = problem
    return FOUND_NONSENSE


cdef int read_number(Reading* r, char kind, size_t most, size_t* n) noexcept nogil:
    """A line of a letter and a number."""
    cdef size_t left = r.size - r.at
    cdef const char* line = r.data + r.at
    cdef size_t i = 1
    n[0] = 0
    if left == 0:
        return FOUND_TORN
    if line[0] != kind:
        return nonsense(r, b"no command begins here" if kind == c'*' else b"a word of the command has no length")
    while i < left and c'0' <= line[i] <= c'9' and i < NUMBER_LINE:
        n[0] = n[0] * 10 + <size_t>(line[i] - c'0')
        i += 1
    if i == left:
        return FOUND_TORN
    if line[i] != c'\r' or i == 1 or n[0] > most:
        return nonsense(r, b"a number is malformed")
    if i + 1 == left:
        return FOUND_TORN
    if line[i + 1] != c'\n':
        return nonsense(r, b"a line has no end")
    r.at += i + 2
    return FOUND_REQUEST


cdef int read_words(Reading* r, size_t count) noexcept nogil:
    cdef size_t size = 0
    cdef size_t _
    cdef int found
    for _ in range(count):
        found = read_number(r, c'$', <size_t>1 << 40, &size)
        if found != FOUND_REQUEST:
            return found
        if r.size - r.at < size + 2:
            return FOUND_TORN
        if r.data[r.at + size] != c'\r' or r.data[r.at + size + 1] != c'\n':
            return nonsense(r, b"a word of the command is longer than its length says")
        if r.argc == r.cap:
            r.cap = r.cap * 2 if r.cap else 16
            r.argv = <Slice*>mem_realloc(r.argv, <size_t>r.cap * sizeof(Slice))
        r.argv[r.argc] = slice_of(r.data + r.at, size)
        r.argc += 1
        r.at += size + 2
    return FOUND_REQUEST


cdef int64_t second_of(const char* line, const char* end) noexcept nogil:
    """What a line beginning with #TS: says, 0 for any other."""
    cdef int64_t n = 0
    cdef int i = 4
    if end - line < 5 or memcmp(line, b"#TS:", 4) != 0:
        return 0
    while line + i < end and i < SECOND_LINE and c'0' <= line[i] <= c'9':
        n = n * 10 + (line[i] - c'0')
        i += 1
    return n if line[i] == c'\r' or line[i] == c'\n' else 0


cdef int note_line(Reading* r, const char* end) noexcept nogil:
    """Reads a line that is no command."""
    cdef int64_t second = second_of(r.data + r.at, end)
    if second == 0:
        return FOUND_REQUEST
    if r.first_second == 0:
        r.first_second = second
    if second > r.until and not r.inside:
        return FOUND_LATER
    r.last_second = second
    return FOUND_REQUEST


cdef int next_request(Reading* r) noexcept nogil:
    """Parses the next request; lines that begin with # are none."""
    cdef size_t count = 0
    cdef const char* end
    cdef int found
    r.request_at = r.at
    r.argc = 0
    while r.at < r.size and r.data[r.at] == c'#':
        end = <const char*>memchr(r.data + r.at, c'\n', r.size - r.at)
        if end == NULL:
            return FOUND_TORN
        if note_line(r, end) == FOUND_LATER:
            return FOUND_LATER
        r.at = <size_t>(end - r.data) + 1
        r.request_at = r.at
    if r.at == r.size:
        return FOUND_END
    found = read_number(r, c'*', MOST_WORDS, &count)
    if found != FOUND_REQUEST:
        return found
    if count == 0:
        return nonsense(r, b"a command has no words")
    return read_words(r, count)


cdef int find_exec(Reading* r, size_t* end) noexcept nogil:
    """Looks for the EXEC of the transaction whose MULTI was just read; r stays behind the MULTI."""
    cdef size_t back = r.at
    cdef int64_t last_second = r.last_second
    cdef int found
    r.inside = True
    found = next_request(r)
    while found == FOUND_REQUEST and not (r.argc == 1 and slice_is(r.argv[0], b"exec")):
        if r.argc == 1 and slice_is(r.argv[0], b"multi"):
            r.inside = False
            return nonsense(r, b"a transaction begins within another one")
        found = next_request(r)
    end[0] = r.at
    r.inside = False
    r.last_second = last_second
    if found == FOUND_REQUEST:
        r.at = back
    return FOUND_TORN if found == FOUND_END else found


cdef bint commands_follow(Reading* r) noexcept nogil:
    """Whether the request that did not end has others behind its beginning."""
    cdef size_t at = r.request_at
    cdef const char* star
    cdef int count
    while True:
        star = <const char*>memchr(r.data + at + 1, c'*', r.size - at - 1)
        if star == NULL:
            return False
        at = <size_t>(star - r.data)
        r.at = at
        count = 0
        while r.data[at - 1] == c'\n' and count < FOLLOWERS and next_request(r) == FOUND_REQUEST:
            count += 1
        if count == FOLLOWERS:
            return True


cdef class RequestLoader:
    """Loads the requests in `data` from byte `at` on into the core through `session`, an internal one."""

    cdef Session session
    cdef Reading r
    cdef readonly uint64_t requests    # that were run
    cdef readonly uint64_t refused     # of these, how many got an error as reply
    cdef readonly uint64_t untimed     # of these, how many came before any line that says when
    cdef readonly size_t good          # all bytes up to here have been loaded
    cdef readonly bint stopped         # at a second later than the one asked for
    cdef bint data_only
    cdef object tell
    cdef Reading ahead                 # of the requests that come next; its argv is owned too
    cdef int fetched                   # requests to come whose keys have been asked for

    def __init__(self, Session session):
        self.session = session
        session.client.flags |= CLIENT_REPLY_OFF

    @property
    def first_second(self):
        """The first time that the file gives, later than wanted or not, in seconds since the epoch; 0: it gives none."""
        return self.r.first_second

    @property
    def last_second(self):
        """The last time that the file gives up to where it was loaded."""
        return self.r.last_second

    def load(self, data, size_t at, int64_t until=INT64_MAX, bint data_only=False, tell=None):
        """Loads; AppendError says what is wrong, and all before `good` is loaded then.

        until: the last second (since the epoch) whose commands are wanted. data_only: commands in Python that write no data are errors, so
        that a file from anywhere can do nothing else. tell: called now and then with the number of bytes that are done.
        """
        cdef Core core = self.session.core
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        self.r.data = <const char*>view.buf
        self.r.size = view.len
        self.r.at = self.good = at
        self.r.until = until
        self.data_only = data_only
        self.tell = tell
        engine_enter(core.engine)
        core.engine.ks.loading = True
        try:
            self.load_all(core.engine)
        finally:
            core.engine.ks.loading = False
            engine_use(core.engine)
            mem_free(self.r.argv)
            mem_free(self.ahead.argv)
            self.r.argv = self.ahead.argv = NULL
            self.r.cap = self.ahead.cap = 0
            PyBuffer_Release(&view)

    cdef int load_all(self, Engine* e) except -1:
        cdef size_t exec_end = 0
        cdef int found = next_request(&self.r)
        while found == FOUND_REQUEST:
            if self.r.argc == 1 and slice_is(self.r.argv[0], b"multi"):
                found = find_exec(&self.r, &exec_end)
                if found != FOUND_REQUEST:
                    break
                self.load_transaction(e, exec_end)
            else:
                self.run(e)
            self.good = self.r.at
            found = next_request(&self.r)
        if found == FOUND_TORN:
            torn_at = self.r.request_at
            if torn_at + 1 < self.r.size and commands_follow(&self.r):
                raise AppendError("a command goes on beyond the end of the file, but others follow", torn_at)
            raise AppendError("the file ends within a command or a transaction", self.good, True)
        if found == FOUND_NONSENSE:
            raise AppendError(self.r.problem.decode(), self.r.request_at)
        self.stopped = found == FOUND_LATER
        self.good = self.r.at
        return 0

    cdef int load_transaction(self, Engine* e, size_t end) except -1:
        """Runs what is between MULTI and EXEC, which was found to be well-formed."""
        self.r.inside = True
        while next_request(&self.r) == FOUND_REQUEST and self.r.at < end:
            self.run(e)
        self.r.inside = False
        return 0

    cdef void look_ahead(self, Engine* e) noexcept nogil:
        """Has the entries of the next requests' first keys fetched into the cache side by side: loading a million SETs took 1.3 times as
        long when each waited for its own."""
        cdef Slice[PREFETCHED] keys
        cdef Command* command
        cdef int count = 0
        cdef int _
        self.ahead.data = self.r.data
        self.ahead.size = self.r.size
        self.ahead.at = self.r.at
        self.ahead.until = self.r.until
        self.fetched = PREFETCHED
        for _ in range(PREFETCHED):
            if next_request(&self.ahead) != FOUND_REQUEST:
                break
            command = find_command(e, self.ahead.argc, self.ahead.argv)
            if command != NULL and command.first_key and command.first_key < self.ahead.argc:
                keys[count] = self.ahead.argv[command.first_key]
                count += 1
        db_prefetch(self.session.client.db, count, keys, 1)

    cdef int run(self, Engine* e) except -1:
        cdef uint64_t errors = self.session.client.reply.errors
        cdef uint64_t starved = e.stats.out_of_memory
        cdef uint64_t refused = e.stats.libraries_refused
        cdef Command* command = find_command(e, self.r.argc, self.r.argv)
        if command == NULL:
            word = self.r.argv[0].ptr[:self.r.argv[0].len]
            raise AppendError(f"zippy does not know the command {word!r}", self.r.request_at)
        if self.data_only and command.flags & CMD_PYTHON and not command.flags & CMD_WRITE:
            raise AppendError(f"{command.name.ptr[:command.name.len].decode()} is no command that writes data", self.r.request_at)
        if self.fetched == 0:
            self.look_ahead(e)
        self.fetched -= 1
        engine_command(e, self.session.client, command, self.r.argc, self.r.argv)
        self.session.core.raise_stashed()
        if e.stats.libraries_refused != refused:
            first_line = self.r.argv[self.r.argc - 1].ptr[:self.r.argv[self.r.argc - 1].len].partition(b"\n")[0].decode(errors="replace")
            raise AppendError(f"the library of functions {first_line[:NAMED]!r} does not load", self.r.request_at)
        if e.stats.out_of_memory != starved:
            # data without what it does would not be what was saved
            raise AppendError("there is no memory for what a command does", self.r.request_at)
        self.requests += 1
        if self.r.last_second == 0:
            self.untimed += 1
        if self.session.client.reply.errors != errors:
            self.refused += 1
        if self.requests % REFRESH_EVERY == 0:
            engine_enter(e)
            lazy_free_step(&e.ks, FREED)
            if self.tell is not None:
                self.tell(self.r.at)
        return 0
