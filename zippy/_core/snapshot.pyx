"""Saving a core's data to a file, here or in a forked child, and loading it: what zippy/persistence builds on.

The child runs C alone. It closes what it inherited, writes the file beside its final place, puts it there once it is safely on disk, tells
the parent through a pipe how it went, and leaves with _exit.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.errno cimport ENAMETOOLONG, errno
from libc.stdint cimport int64_t, uint64_t
from libc.stdio cimport rename
from libc.string cimport memset
from posix.fcntl cimport O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY, open
from posix.unistd cimport _exit, close, fork, fsync, getpid, unlink, write
from zippy._core.ground.buf cimport Buf, Slice, buf_append, buf_drop_front, buf_free, buf_init, buf_reserve
from zippy._core.ground.format cimport format_text
from zippy._core.ground.mem cimport mem_free, mem_zalloc
from zippy._core.ground.slice cimport slice_of
from zippy._core.commands.engine cimport engine_enter, engine_use
from zippy._core.commands.events cimport publish_events
from zippy._core.commands.functions cimport functions_flush, functions_load
from zippy._core.commands.types cimport CLIENT_IN_EXEC, Engine
from zippy._core.keyspace.aof_file cimport AofSave, aof_save_file
from zippy._core.keyspace.db cimport flush_db
from zippy._core.keyspace.effects cimport flushed, signal_db_ready, touch_all_watched
from zippy._core.keyspace.key_table cimport KeyTable, kt_count, kt_init_like, kt_swap, kt_take
from zippy._core.keyspace.lazy_free cimport free_table
from zippy._core.keyspace.live cimport live_begin, live_end, live_hear, live_is_spent, live_settle, live_step, live_take
from zippy._core.keyspace.rdb_file cimport RdbLoad, RdbLoader, rdb_load_begin, rdb_load_some, rdb_save_file
from zippy._core.keyspace.rdb_record cimport RdbSave
from zippy._core.keyspace.saving_child cimport (
    ChildNews, SavingChild, child_copied, child_news_age_us, child_news_free, child_news_new, child_settle
)
from zippy._core.keyspace.types cimport DeadTable, Keyspace, LiveSave
from zippy._core.session cimport Core, Session
from zippy._core.values.rdb_stream cimport RDB_OK, RDB_UNSUPPORTED, RdbReader, rdb_reader_init, rdb_text_free

import os
import time

cdef enum:
    FILE_MODE = 0o666           # less the process's umask
    PATH_MAX = 4096             # bytes: what Linux takes
    TELL_EVERY = 4 << 20        # bytes of a file that is loaded
    NAMED_BYTES = 100           # of the first line of a library that is told of


cdef struct Outcome:
    # what a child writes to its pipe
    int error                   # errno, 0 when the file is in its place
    uint64_t keys
    uint64_t bytes
    uint64_t copied             # bytes that were copied because they changed after the fork


class SnapshotError(Exception):
    """A file that cannot be loaded: what is wrong with it and at which byte, and, if it is in a key's value, in which database and how the
    key's name begins. unsupported: the file may be fine, but holds what zippy does not know."""

    def __init__(self, str problem, Py_ssize_t offset, int db=-1, bytes key=None, bint unsupported=False):
        super().__init__(f"{problem} (at byte {offset})")
        self.problem = problem
        self.offset = offset
        self.db = db
        self.key = key
        self.unsupported = unsupported


cdef int sync_folder(const char* folder) noexcept nogil:
    cdef int fd = open(folder, O_RDONLY)
    cdef int error = 0
    if fd < 0:
        return errno
    if fsync(fd) != 0:
        error = errno
    close(fd)
    return error


cdef struct SaveJob:
    # what to write, how, and where to
    RdbSave rdb
    bint as_commands            # instead of a snapshot
    AofSave commands
    const char* folder          # absolute paths, borrowed
    const char* temporary
    const char* final
    int descriptor              # instead of a file: where to write it, -1: nowhere


cdef int save_keys(Keyspace* ks, int fd, SaveJob* job) noexcept nogil:
    """0 or an errno."""
    if not job.as_commands:
        rdb_save_file(ks, fd, &job.rdb)
        return job.rdb.error
    job.commands.child = job.rdb.child
    job.commands.incremental_sync = job.rdb.incremental_sync
    aof_save_file(ks, fd, &job.commands)
    job.rdb.keys = job.commands.keys
    job.rdb.bytes = job.commands.bytes
    return job.commands.error


cdef int write_file(Keyspace* ks, SaveJob* job) noexcept nogil:
    """Writes and syncs the temporary file; 0 or an errno."""
    cdef int fd = open(job.temporary, O_WRONLY | O_CREAT | O_TRUNC, FILE_MODE)
    cdef int error = 0
    if fd < 0:
        return errno
    error = save_keys(ks, fd, job)
    if error == 0 and fsync(fd) != 0:
        error = errno
    if close(fd) != 0 and error == 0:
        error = errno
    return error


cdef int save_to(Keyspace* ks, SaveJob* job) noexcept nogil:
    """Writes a file and puts it in its place; 0 or an errno. Whatever fails, the old file is whole."""
    cdef int error
    if job.descriptor >= 0:
        # a pipe, which has no disk to push to
        job.rdb.incremental_sync = False
        return save_keys(ks, job.descriptor, job)
    error = write_file(ks, job)
    if error == 0 and rename(job.temporary, job.final) != 0:
        error = errno
    if error:
        unlink(job.temporary)
        return error
    return sync_folder(job.folder)


cdef void child_main(Keyspace* ks, SaveJob* job, int report) noexcept nogil:
    """The child's life."""
    cdef Outcome outcome
    cdef int[2] kept = [report, job.descriptor]
    cdef char[PATH_MAX] temporary
    child_settle(kept, 1 if job.descriptor < 0 else 2)
    job.descriptor = kept[1]
    memset(&outcome, 0, sizeof(outcome))
    # named by the process that writes it, so that what a killed one left is told from what is being written
    if format_text(temporary, PATH_MAX, b"%s/temp-%d.rdb", job.folder, getpid()) < PATH_MAX - 1:
        job.temporary = temporary
        outcome.error = save_to(ks, job)
    else:
        outcome.error = ENAMETOOLONG
    outcome.keys = job.rdb.keys
    outcome.bytes = job.rdb.bytes
    outcome.copied = child_copied()
    if write(kept[0], &outcome, sizeof(outcome)) != <ssize_t>sizeof(outcome):
        _exit(1)
    _exit(0 if outcome.error == 0 else 1)


@cython.final
cdef class Progress:
    """How far a child has come, in a page of memory that it shares with its parent."""

    cdef ChildNews* news
    cdef readonly uint64_t total    # keys that it has to write

    def __cinit__(self):
        self.news = child_news_new()
        if self.news == NULL:
            raise OSError(errno, os.strerror(errno))

    def __dealloc__(self):
        child_news_free(self.news)

    @property
    def written(self):
        """Keys that are written."""
        return self.news.keys

    @property
    def copied(self):
        """Memory that was copied because of it: bytes when it looked last, the most it saw, seconds since it looked."""
        return self.news.copied, self.news.most_copied, child_news_age_us(self.news) // 1000000


cdef class SaveRequest:
    """Where and how to save: a folder, the names of the temporary and the final file in it (absolute paths; a child has a temporary
    file of its own), and the options of the format."""

    cdef SaveJob job
    cdef bytes folder
    cdef bytes temporary
    cdef bytes final
    cdef bytes version
    cdef readonly int delay_us      # that a child waits after each key

    def __init__(
        self, str path, str redis_version, bint compress=True, bint checksum=True, bint incremental_sync=True, bint aof_base=False,
        int delay_us=0,
    ):
        memset(&self.job, 0, sizeof(SaveJob))
        self.job.descriptor = -1
        folder = os.path.dirname(os.path.abspath(path))
        self.folder = os.fsencode(folder)
        self.final = os.fsencode(os.path.abspath(path))
        self.temporary = os.fsencode(os.path.join(folder, f"temp-{os.getpid()}.rdb"))
        self.version = redis_version.encode()
        self.job.rdb.redis_version = self.version
        self.job.rdb.compress = compress
        self.job.rdb.checksum = checksum
        self.job.rdb.incremental_sync = incremental_sync
        self.job.rdb.aof_base = aof_base
        self.job.folder = self.folder
        self.job.temporary = self.temporary
        self.job.final = self.final
        self.delay_us = max(delay_us, 0)
        self.job.rdb.delay_us = <unsigned int>self.delay_us

    def write_commands(self, bint timestamp):
        """Has the file hold commands in place of a snapshot; timestamp: and begin with the time."""
        self.job.as_commands = True
        self.job.commands.timestamp = timestamp

    def write_to(self, int descriptor):
        """Has it written to this descriptor, and to no file."""
        self.job.descriptor = descriptor

    def leave_out(self, bint keys, bint libraries):
        """Has keys or the libraries of functions not be in the file."""
        self.job.rdb.without_keys = keys
        self.job.rdb.without_libraries = libraries

    def set_replication(self, int64_t db, bytes id, int64_t offset):
        """Has the file say from where a replica that loads it may go on. id: 40 bytes."""
        if len(id) != sizeof(self.job.rdb.replication.id):
            raise ValueError("a replication id has 40 bytes")
        for i in range(len(id)):
            self.job.rdb.replication.id[i] = id[i]
        self.job.rdb.replication.present = True
        self.job.rdb.replication.db = db
        self.job.rdb.replication.offset = offset

    @property
    def keys(self):
        """How many keys were written."""
        return self.job.rdb.keys


def save_here(Core core, SaveRequest request):
    """Saves at once; OSError when that fails, and the old file is whole then."""
    cdef int error
    engine_enter(core.engine)
    request.job.rdb.child = NULL
    error = save_to(&core.engine.ks, &request.job)
    if error:
        raise OSError(error, os.strerror(error))


def save_in_child(Core core, SaveRequest request):
    """Starts a child that saves what is in the core at this moment: its process id, a descriptor to be read to its end and handed to
    child_outcome, and its Progress.

    OSError when there can be no child.
    """
    cdef int pid
    cdef int report
    cdef int i
    cdef SavingChild child
    cdef Progress progress = Progress()
    engine_enter(core.engine)
    for i in range(core.engine.ks.db_count):
        progress.total += kt_count(&core.engine.ks.dbs[i].table)
    child.parent = getpid()
    child.delay_us = <unsigned int>request.delay_us
    child.news = progress.news
    child.look_us = 0
    request.job.rdb.child = &child
    reading, writing = os.pipe()
    report = writing
    pid = fork()
    if pid == 0:
        child_main(&core.engine.ks, &request.job, report)
    error = errno
    request.job.rdb.child = NULL
    os.close(writing)
    if pid < 0:
        os.close(reading)
        raise OSError(error, os.strerror(error))
    return pid, reading, progress


@cython.final
cdef class Walk:
    """A save beside the traffic of what is in the core at this moment. Between turns it goes on with `step`, and `take` hands out the next
    bytes of the file, until `finished`. Whatever comes of it, `end` has to be called. RuntimeError when there is one already.

    may_fork: should a change have to wait for too long, a child goes on, and `step` takes what that has written."""

    cdef readonly Core core
    cdef SaveRequest request
    cdef LiveSave* live             # NULL when it has ended
    cdef uint64_t commands          # of the core, when the last step ended
    cdef readonly bint is_undisturbed    # no command had been run since the step before the last one

    def __init__(self, Core core, SaveRequest request, bint may_fork=False):
        self.core = core
        self.request = request
        request.job.rdb.may_fork = may_fork
        engine_enter(core.engine)
        if core.engine.ks.live != NULL:
            raise RuntimeError("a snapshot is being saved already")
        if not live_begin(&core.engine.ks, &request.job.rdb):
            raise MemoryError
        self.live = core.engine.ks.live

    def step(self, int64_t budget_us, uint64_t most_keys):
        """Goes on for so long, and so many keys, at most. OSError: the file cannot be complete; RuntimeError: it has ended."""
        if self.live == NULL:
            raise RuntimeError("this save has ended")
        engine_use(self.core.engine)
        if self.live.child:
            self.is_undisturbed = False
            live_hear(self.live)
        else:
            self.is_undisturbed = self.commands == self.core.engine.stats.commands
            live_step(&self.core.engine.ks, budget_us, most_keys)
            self.commands = self.core.engine.stats.commands
        if self.live.w.error:
            raise OSError(self.live.w.error, os.strerror(self.live.w.error))

    def take(self):
        """The bytes written since it was called last. RuntimeError: the save has ended."""
        if self.live == NULL:
            raise RuntimeError("this save has ended")
        engine_use(self.core.engine)
        live_take(self.live)
        data = PyBytes_FromStringAndSize(self.live.w.data, self.live.w.len)
        self.live.w.len = 0
        return data

    def end(self):
        """Forgets about it; may be called twice."""
        if self.live != NULL:
            engine_use(self.core.engine)
            live_end(&self.core.engine.ks, self.live)
            self.live = NULL

    @property
    def finished(self):
        """Whether all has been written; what was not taken yet still has to be."""
        return self.live == NULL or bool(self.live.finished)

    @property
    def waiting(self):
        """Bytes that can be taken."""
        return self.live.w.len if self.live != NULL else 0

    @property
    def written(self):
        """Keys that are written."""
        if self.live == NULL:
            return 0
        return self.live.going_on.news.keys if self.live.child else self.live.keys

    @property
    def child(self):
        """The process that goes on with it, and how many microseconds making it took; (0, 0): there is none."""
        if self.live == NULL:
            return 0, 0
        return self.live.child, self.live.fork_us

    @property
    def copied(self):
        """Memory that was copied because of its child: bytes when that looked last, the most it saw, seconds since it looked."""
        cdef ChildNews* news = self.live.going_on.news if self.live != NULL else NULL
        if news == NULL:
            return 0, 0, 0
        return news.copied, news.most_copied, child_news_age_us(news) // 1000000

    @property
    def total(self):
        """Keys that were there when it began."""
        return self.live.total if self.live != NULL else 0


def walk_is_spent(Core core):
    """Whether a Walk would hold everybody up as it begins: it has to mark every entry anew, as too many before it did not come to their
    end."""
    return bool(live_is_spent(&core.engine.ks))


def settle(Core core, int64_t budget_us):
    """Works for about so long against that, unless a walk is under way. Not to be called while a child saves."""
    engine_use(core.engine)
    live_settle(&core.engine.ks, budget_us)


def child_outcome(bytes report):
    """What a child's pipe said: (errno, keys, bytes, bytes copied); None when it said nothing, which means that it died."""
    cdef Outcome outcome
    cdef const char* data = report
    if len(report) != sizeof(Outcome):
        return None
    outcome = (<Outcome*>data)[0]
    return outcome.error, outcome.keys, outcome.bytes, outcome.copied


def load_delay(int delay_us, uint64_t keys):
    """Waits for so many keys that were loaded; see load_bytes."""
    time.sleep(keys * (delay_us if delay_us > 0 else -1.0 / delay_us) / 1e6)


cdef int load_library(Engine* e, RdbLoader* loader) except -1:
    """Loads the library of functions that the loader has read; SnapshotError names the one that cannot be loaded."""
    load_code(e, loader.library.s, loader.load.replace_existing, loader.library_at)
    rdb_text_free(&loader.library)
    loader.has_library = False
    return 0


cdef int load_code(Engine* e, Slice code, bint replace, size_t at) except -1:
    """Loads a library of functions that stands at this byte; SnapshotError names the one that cannot be loaded."""
    cdef Buf wrong
    buf_init(&wrong)
    try:
        if functions_load(e, code, replace, &wrong) == NULL:
            if wrong.failed:
                raise MemoryError
            first_line = code.ptr[:min(code.len, <size_t>NAMED_BYTES)].partition(b"\n")[0].decode(errors="replace")
            raise SnapshotError(
                f"the library of functions {first_line!r} does not load: {wrong.data[:wrong.len].decode(errors='replace')}",
                at,
            )
    finally:
        buf_free(&wrong)
    return 0


def load_bytes(Core core, data, bint keep_expired=False, bint replace=False, tell=None, int delay_us=0):
    """Loads a snapshot (a mapped file) into the core: a dict of what was found. SnapshotError says what is wrong with it; what came before
    is loaded then.

    keep_expired: keys whose time is over are loaded too. replace: keys that are there already are replaced; else they are an error.
    tell: called now and then with the number of bytes that are done; it may raise, but must not use the core. delay_us: to wait after each
    key, on average; negative: a microsecond after so many.
    """
    cdef uint64_t waited = 0
    cdef RdbReader reader
    cdef RdbLoad load
    cdef RdbLoader loader
    cdef Py_buffer view
    memset(&load, 0, sizeof(load))
    load.keep_expired = keep_expired
    load.replace_existing = replace
    engine_enter(core.engine)
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    rdb_reader_init(&reader, <const unsigned char*>view.buf, view.len)
    loader.has_library = False
    core.engine.ks.loading = True
    try:
        rdb_load_begin(&loader, &core.engine.ks, &reader, &load)
        while rdb_load_some(&loader, TELL_EVERY if tell is not None or delay_us else <size_t>view.len + 1):
            if loader.has_library:
                load_library(core.engine, &loader)
            if delay_us:
                load_delay(delay_us, load.keys - waited)
                waited = load.keys
            if tell is not None:
                tell(reader.at)
        if delay_us:
            load_delay(delay_us, load.keys - waited)
    finally:
        core.engine.ks.loading = False
        if loader.has_library:
            rdb_text_free(&loader.library)
        PyBuffer_Release(&view)
    if reader.status != RDB_OK:
        raise SnapshotError(
            reader.problem.decode(), reader.problem_at, load.bad_db,
            None if load.bad_key_size < 0 else load.bad_key[:load.bad_key_size],
            reader.status == RDB_UNSUPPORTED,
        )
    return {
        "keys": load.keys, "expired": load.expired, "empty": load.empty, "libraries": load.libraries, "version": load.version,
        "saved_at": load.saved_at, "aof_base": bool(load.aof_base), "bytes": load.bytes,
        "replication": replication_of(&load),
    }


@cython.final
cdef class Loading:
    """A snapshot that is loaded in steps, between turns, in the place of all that is there. The data (a mapped file) stays until `end`; if
    it is None, it comes by `feed`. ahead: how many bytes will come, or more.

    aside: what is there is served until the last step, and stays if there is none. Else it goes with the first step, and who comes is told
    that data is being loaded.
    """

    cdef Core core
    cdef Py_buffer view
    cdef RdbReader reader
    cdef RdbLoad load
    cdef RdbLoader loader
    cdef KeyTable* tables            # the databases' other tables while it loads aside, owned; NULL: it does not, or has ended
    cdef list libraries              # of functions: their code and places
    cdef Buf held                    # what came by `feed` and is not loaded
    cdef bint begun
    cdef readonly bint read          # all keys are loaded, but the data's end is still to come
    cdef readonly bint starved       # steps are of no use before more has come
    cdef readonly uint64_t excess    # bytes that are held beyond what the key under way may need
    cdef bint complete               # all of the data is there
    cdef bint ended

    def __init__(self, Core core, data, bint aside, size_t ahead=0):
        cdef int i
        self.core = core
        self.libraries = []
        if data is not None:
            PyObject_GetBuffer(data, &self.view, PyBUF_SIMPLE)
        engine_enter(core.engine)
        memset(&self.load, 0, sizeof(self.load))
        self.load.keep_expired = True
        rdb_reader_init(&self.reader, <const unsigned char*>self.view.buf, self.view.len)
        if data is None:
            self.starved = True
        self.reader.ahead = ahead
        self.complete = data is not None
        rdb_load_begin(&self.loader, &core.engine.ks, &self.reader, &self.load)
        if aside:
            self.tables = <KeyTable*>mem_zalloc(core.engine.ks.db_count * sizeof(KeyTable))
            for i in range(core.engine.ks.db_count):
                kt_init_like(&self.tables[i], &core.engine.ks.dbs[i].table)

    cdef int swap(self) noexcept:
        """Puts the other tables into the databases, and theirs in their place."""
        cdef Keyspace* ks = &self.core.engine.ks
        cdef int i
        if self.tables != NULL:
            for i in range(ks.db_count):
                kt_swap(&ks.dbs[i].table, &self.tables[i])
        return 0

    def begin(self):
        """What is there goes, or is kept until the last step."""
        if not self.begun:
            self.begun = True
            if self.tables == NULL:
                flush(self.core, True)
                self.core.engine.ks.loading = True

    def feed(self, bytes data):
        """Takes the next bytes; none: that was all. MemoryError."""
        cdef RdbReader* r = &self.reader
        engine_use(self.core.engine)
        if r.at > self.held.len // 2:
            buf_drop_front(&self.held, r.at)
            r.origin += r.at
            r.at = self.loader.crc_at = 0
        # there is a byte's room even where nothing came, so that its place is known
        if not self.read and buf_reserve(&self.held, <size_t>len(data) + 1) != 0:
            raise MemoryError
        if not self.read:
            buf_append(&self.held, <const char*>data, len(data))
        r.data = <const unsigned char*>self.held.data
        r.size = self.held.len
        self.complete = len(data) == 0
        r.ahead = 0 if self.complete else r.ahead - min(r.ahead, <size_t>len(data))
        self.weigh()

    cdef void weigh(self) noexcept:
        """Finds out whether more is needed than is there, and how much less."""
        cdef RdbReader* r = &self.reader
        cdef size_t left = r.size - r.at
        self.starved = not self.complete and (self.read or left < self.loader.wanted)
        self.excess = 0 if self.read else left - min(left, self.loader.wanted)

    def step(self, size_t size):
        """Loads so many bytes more; whether there are others. SnapshotError as load_bytes."""
        cdef Keyspace* ks = &self.core.engine.ks
        cdef bint more
        self.begin()
        if self.starved:
            return True
        engine_enter(self.core.engine)
        self.swap()
        ks.loading = True
        more = not self.read and rdb_load_some(&self.loader, size)
        if self.tables != NULL:
            ks.loading = False
        self.swap()
        if self.loader.has_library:
            self.libraries.append((self.loader.library.s.ptr[:self.loader.library.s.len], self.loader.library_at))
            rdb_text_free(&self.loader.library)
            self.loader.has_library = False
        if not more and self.reader.status != RDB_OK:
            raise SnapshotError(self.reader.problem.decode(), self.reader.problem_at)
        # whoever sends it has to come to its end too: until then it may be a part of something else
        self.read = not more
        self.weigh()
        if more or not self.complete:
            return True
        self.finish()
        return False

    cdef int finish(self) except -1:
        """Puts what was loaded in the place of what was there; who watches or has cached keys hears of it."""
        cdef Keyspace* ks = &self.core.engine.ks
        cdef bytes code
        cdef int i
        if self.tables != NULL:
            flush(self.core, True)
            self.swap()
        ks.loading = False
        ks.dirty += <int64_t>self.load.keys
        for code, place in self.libraries:
            load_code(self.core.engine, slice_of(<const char*>code, len(code)), True, place)
        for i in range(ks.db_count):
            touch_all_watched(ks.dbs[i], NULL)
            signal_db_ready(ks.dbs[i])
        if ks.effects.events.len:
            publish_events(self.core.engine)
        return 0

    @property
    def done(self):
        """Bytes that are loaded."""
        return self.reader.origin + self.reader.at

    @property
    def keys(self):
        """Keys that are loaded."""
        return self.load.keys

    @property
    def used_mem(self):
        """Bytes of memory that the data took where it was saved, as it says; 0: it does not."""
        return self.load.used_mem

    @property
    def replication(self):
        """The database, the id and the offset from which on the primary's stream goes on, as the file says; None: it does not."""
        return replication_of(&self.load)

    def end(self):
        """Lets go of the data, whether it was loaded or not; may be called twice."""
        cdef Keyspace* ks = &self.core.engine.ks
        cdef DeadTable* dead
        cdef int i
        if self.ended:
            return
        self.ended = True
        engine_use(self.core.engine)
        ks.loading = False
        if self.tables != NULL:
            for i in range(ks.db_count):
                dead = <DeadTable*>mem_zalloc(sizeof(DeadTable))
                kt_take(&dead.table, &self.tables[i])
                free_table(ks, dead)
            mem_free(self.tables)
            self.tables = NULL
        if self.loader.has_library:
            rdb_text_free(&self.loader.library)
        buf_free(&self.held)
        PyBuffer_Release(&self.view)


cdef replication_of(const RdbLoad* load):
    if not load.replication.present:
        return None
    return load.replication.db, <bytes>load.replication.id[:40], load.replication.offset


def flush(Core core, bint lazy=False):
    """Removes every key of every database, and the libraries of functions that files hold. lazy: and frees them in steps."""
    cdef int i
    engine_use(core.engine)
    functions_flush(core.engine)
    for i in range(core.engine.ks.db_count):
        flush_db(core.engine.ks.dbs[i], lazy)
    flushed(&core.engine.ks)


def replace_all(Core core, data):
    """Removes everything and loads a snapshot, between turns; who watches or has cached keys hears of it. SnapshotError as load_bytes."""
    cdef int i
    if core.in_turn:
        raise RuntimeError("a command is being run: its keys cannot be replaced")
    flush(core)
    load_bytes(core, data)
    for i in range(core.engine.ks.db_count):
        touch_all_watched(core.engine.ks.dbs[i], NULL)
    if core.engine.ks.effects.events.len:
        publish_events(core.engine)
    core.end_turn()


def changes(Core core):
    """Changes since the last save."""
    return core.engine.ks.dirty


def forget_changes(Core core, int64_t count):
    """So many changes have been saved."""
    core.engine.ks.dirty -= count


def deny_writes(Core core, bint deny):
    """Has writes refused, since saving fails, or lets them through again."""
    core.engine.deny_writes_disk = deny


def in_transaction(Session session):
    """Whether the session's command is run by EXEC."""
    return session.client != NULL and (session.client.flags & CLIENT_IN_EXEC) != 0
