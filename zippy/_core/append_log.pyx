"""The append-only file as the core writes it: at the end of a turn, before any reply leaves, what the commands did goes to the file.

Forcing it to disk is done here when every turn asks for it, and by a thread of the service above when once a second is enough. While that
thread is at work a write would wait for the disk too, so it is put off, but no longer than two seconds: no more may be lost.

Where one file follows another, nothing is written to the second before the first is on disk: a power cut would leave a log with a gap.
"""

cimport cython
from libc.errno cimport EINTR, EIO, ENOMEM, errno
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memcpy
from posix.unistd cimport fdatasync, ftruncate, write
from zippy._core.commands.accounting cimport latency_sample
from zippy._core.commands.engine cimport engine_use
from zippy._core.commands.types cimport Engine
from zippy._core.ground.buf cimport Buf, buf_append, buf_append_i64, buf_append_text, buf_clear, buf_drop_front, buf_free, buf_init
from zippy._core.ground.clock cimport clock_ticks, clock_ticks_per_us
from zippy._core.ground.mem cimport Account, mem_charge_to, mem_charged
from zippy._core.ground.number cimport NUM_I64_TEXT, num_write_i64
from zippy._core.keyspace.effects cimport effects_taken
from zippy._core.keyspace.types cimport RecordHeader
from zippy._core.session cimport Core, Journal, Session
from zippy._core.values.settings cimport FSYNC_ALWAYS, FSYNC_EVERYSEC, FSYNC_NO

import os
from zippy.setting_types import number
from zippy.settings import find_setting

cdef enum:
    SECOND = 1000000            # us
    LONGEST_DELAY = 2 * SECOND  # of a write that would wait for the thread that syncs

NO_MEMORY = "No memory for the append-only file"

cdef object APPENDFSYNC = find_setting("appendfsync")


@cython.final
@cython.no_gc_clear
cdef class AppendLog(Journal):
    """Writes one file after the other. Offsets are those of the effects: bytes recorded since the core began, in all.

    on_sync(descriptor, file, offset): have a thread sync the file, then call `synced_to`; OSError when that cannot be arranged.
    on_close(descriptor): have the same thread close it, when it has done what it was given before. on_problem(errno): writing failed
    (repeated while it does), or works again (0). on_fatal(text, errno): the process has to end here, or a reply would promise what is not
    kept.
    """

    cdef readonly Core core
    cdef object on_sync
    cdef object on_close
    cdef object on_problem
    cdef object on_fatal
    cdef readonly int descriptor     # owned; -1: closed, what comes is dropped
    cdef int before                  # owned: the file before, as long as it is not on disk; -1: there is none
    cdef uint64_t before_end         # offset up to which it holds what was done
    cdef uint64_t file               # number of the file, by which a late answer of the thread is told from one about it
    cdef uint64_t first_file         # since the log was opened
    cdef Buf waiting                 # not written yet
    cdef int32_t selected            # the database that the file's reader has selected; -1: none
    cdef int32_t selected_before     # the same before it has read what waits
    cdef bint half_written           # a record in the file has no end, and could not be taken back
    cdef int64_t stamped             # second of the last time noted in the file, 0: none
    cdef int policy                  # FSYNC_
    cdef public bint timestamps      # note the time in the file when a second has passed
    cdef public bint sync_later      # leave syncing to the system: a child keeps the disk busy
    cdef readonly int64_t size       # bytes in the file
    cdef readonly uint64_t written   # offset
    cdef readonly uint64_t synced    # offset
    cdef readonly uint64_t failed_syncs   # each may have cost what was written before
    cdef int64_t sync_begun_us       # monotonic clock: when the thread was last sent to sync
    cdef readonly int syncing        # syncs that the thread was given and has not done
    cdef int64_t put_off_us          # monotonic clock: since when a write is put off; 0: none is
    cdef readonly int64_t delayed    # writes that did not wait longer for the thread
    cdef int write_error             # errno, 0: the last write succeeded
    cdef int sync_error              # the same of syncing
    cdef int64_t memory_noted        # bytes of ks.memory_overhead that are ours

    def __init__(self, Core core, on_sync, on_close, on_problem, on_fatal):
        self.core = core
        self.on_sync = on_sync
        self.on_close = on_close
        self.on_problem = on_problem
        self.on_fatal = on_fatal
        self.descriptor = self.before = -1
        self.policy = FSYNC_EVERYSEC
        self.selected = self.selected_before = -1

    def __dealloc__(self):
        cdef Account* charged = mem_charged()
        if self.core is not None:
            engine_use(self.core.engine)
            buf_free(&self.waiting)
            mem_charge_to(charged)

    # Files

    def open(self, int descriptor, int64_t size):
        """Writes to this file, open for appending and `size` bytes long, from now on, and closes it in the end.

        What was done until now goes to the file before; what that does not take is carried over. OSError: it has half a record, and nobody
        could read on behind it.
        """
        self.take()
        if self.descriptor >= 0:
            self.flush(True)
            if self.half_written:
                raise OSError(self.write_error, os.strerror(self.write_error))
            self.leave_file()
        self.carry_over()
        self.descriptor = descriptor
        self.size = size
        self.file += 1
        self.core.engine.ks.effects.recording = True
        self.core.journal = self

    cdef int leave_file(self) except -1:
        """Has the present file synced by the thread, or at once where every turn asks for it."""
        self.sync_before()
        self.before, self.descriptor = self.descriptor, -1
        self.before_end = self.written
        if self.policy == FSYNC_ALWAYS:
            self.sync_before()
        else:
            self.start_sync(self.before)
        return 0

    def settle(self):
        """Writes what was done until now to the file that it belongs to. OSError: not all of it can be written.

        To be called before a snapshot that is to stand for that file: what would be carried over to the next one is in both then.
        """
        self.take()
        if self.descriptor >= 0:
            self.flush(True)
            if self.waiting.len:
                raise OSError(self.write_error, os.strerror(self.write_error))

    cdef int carry_over(self) except -1:
        """What waits begins another file, whose reader knows neither the database nor the time."""
        cdef Buf carried = self.waiting
        cdef int failed = 0
        engine_use(self.core.engine)
        buf_init(&self.waiting)
        if carried.len and self.selected_before >= 0:
            failed |= append_select(&self.waiting, self.selected_before)
        failed |= buf_append(&self.waiting, carried.data, carried.len)
        if failed:
            self.on_fatal(NO_MEMORY, ENOMEM)
        if carried.len == 0:
            self.selected = self.selected_before = -1
        buf_free(&carried)
        self.stamped = 0
        return 0

    def close(self):
        """Writes what is left; nothing is recorded any more."""
        self.take()
        if self.descriptor >= 0:
            self.flush(True)
            self.on_close(self.descriptor)
        self.forget_before()
        engine_use(self.core.engine)
        buf_free(&self.waiting)
        self.note_memory()
        self.descriptor = -1
        # what the thread has still to say is about a log that is over
        self.file += 1
        self.first_file = self.file
        self.syncing = 0
        self.core.engine.ks.effects.recording = False
        self.core.journal = None
        self.selected = self.selected_before = -1
        self.stamped = self.put_off_us = 0
        self.half_written = False
        self.write_error = self.sync_error = 0
        self.core.engine.log_error = 0

    # Turns

    cdef int turn(self) except -1:
        self.take()
        return self.flush(False)

    cdef int take(self) except -1:
        """Moves what the commands did to the buffer, as the file's reader is to read it."""
        cdef Engine* e = self.core.engine
        engine_use(e)
        if e.ks.effects.failed or (e.ks.effects.stream.len and not self.encode(e)):
            self.on_fatal(NO_MEMORY, ENOMEM)
        effects_taken(&e.ks)
        return 0

    cdef bint encode(self, Engine* e) noexcept nogil:
        cdef const char* at = e.ks.effects.stream.data
        cdef const char* end = at + e.ks.effects.stream.len
        cdef RecordHeader header
        cdef int failed = 0
        if self.timestamps and e.ks.clock.ms // 1000 != self.stamped:
            self.stamped = e.ks.clock.ms // 1000
            failed |= buf_append_text(&self.waiting, b"#TS:")
            failed |= buf_append_i64(&self.waiting, self.stamped)
            failed |= buf_append(&self.waiting, b"\r\n", 2)
        while at < end:
            memcpy(&header, at, sizeof(header))
            at += sizeof(header)
            if header.db >= 0 and header.db != self.selected:
                self.selected = header.db
                failed |= append_select(&self.waiting, header.db)
            failed |= buf_append(&self.waiting, at, header.size)
            at += header.size
        return failed == 0

    cpdef int flush(self, bint urgent) except -1:
        """Writes what waits and syncs as the policy asks. urgent: even if it takes long."""
        cdef int64_t now = self.core.engine.ks.clock.mono_us
        if self.descriptor < 0:
            self.note_memory()
            return 0
        if self.waiting.len and (urgent or not self.puts_off(now)):
            self.put_off_us = 0
            self.sync_before()
            self.timed_write()
        self.note_memory()
        if not self.sync_later:
            self.arrange_sync(now)
        return 0

    cdef bint puts_off(self, int64_t now) noexcept:
        """Whether a write is to wait for the thread."""
        if self.policy == FSYNC_ALWAYS or not self.syncing:
            return False
        if self.put_off_us == 0:
            self.put_off_us = now
        # where nothing is promised, the file before may take as long as it likes
        if now - self.put_off_us < LONGEST_DELAY or (self.policy == FSYNC_NO and self.before >= 0):
            return True
        self.delayed += 1
        return False

    cdef int timed_write(self) except -1:
        """write_waiting, watched by the latency monitor."""
        cdef uint64_t began = clock_ticks()
        self.write_waiting()
        self.note_latency(b"aof-write", began)
        return 0

    cdef int note_latency(self, const char* event, uint64_t began) noexcept:
        if self.core.engine.settings.latency_monitor_threshold:
            latency_sample(self.core.engine, event, <int64_t>((clock_ticks() - began) / clock_ticks_per_us()))
        return 0

    cdef int write_waiting(self) except -1:
        cdef size_t done = 0
        cdef ssize_t n
        cdef int error = 0
        while done < self.waiting.len and error == 0:
            n = write(self.descriptor, self.waiting.data + done, self.waiting.len - done)
            if n >= 0:
                done += <size_t>n
            elif errno != EINTR:
                error = errno
        self.half_written = error != 0 and done != 0
        if self.half_written and ftruncate(self.descriptor, self.size) == 0:
            # no half record stays: should the process end now, the file is whole
            self.half_written = False
            done = 0
        self.size += <int64_t>done
        engine_use(self.core.engine)
        if done == self.waiting.len:
            buf_clear(&self.waiting)
            self.selected_before = self.selected
            self.written = self.core.engine.ks.effects.taken
        else:
            buf_drop_front(&self.waiting, done)
        if error and self.policy == FSYNC_ALWAYS:
            self.on_fatal("Can't write the append-only file, and appendfsync is 'always'", error)
        if error or self.write_error:
            self.write_error = error
            self.tell_problem(error)
        return 0

    cdef int tell_problem(self, int error) except -1:
        self.core.engine.log_error = self.write_error or self.sync_error
        self.on_problem(error)
        return 0

    cdef int arrange_sync(self, int64_t now) except -1:
        if self.synced == self.written:
            return 0
        if self.policy == FSYNC_ALWAYS:
            self.sync_here()
        # after a failure a sync has to succeed, whatever the policy
        elif self.policy == FSYNC_EVERYSEC or self.sync_error:
            if not self.syncing and now - self.sync_begun_us >= SECOND:
                self.start_sync(self.descriptor)
        return 0

    cdef int start_sync(self, int descriptor) except -1:
        """Sends the thread; if it cannot be sent, the next try is a second later."""
        self.sync_begun_us = self.core.engine.ks.clock.mono_us
        try:
            self.on_sync(descriptor, self.file, self.written)
        except OSError as error:
            self.note_sync(error.errno or EIO)
            return 0
        self.syncing += 1
        return 0

    cdef int note_sync(self, int error) except -1:
        if error or self.sync_error:
            self.sync_error = error
            self.tell_problem(error)
        return 0

    cdef int sync_here(self) except -1:
        cdef uint64_t began = clock_ticks()
        self.sync_before()
        if fdatasync(self.descriptor) != 0:
            self.sync_failed(errno)
            return 0
        self.note_latency(b"aof-fsync-always", began)
        self.synced = self.written
        return self.note_sync(0)

    cdef int sync_before(self) except -1:
        """Waits until the file before is on disk."""
        if self.before >= 0:
            if fdatasync(self.before) != 0:
                self.sync_failed(errno)
            self.forget_before()
        return 0

    cdef int forget_before(self) except -1:
        cdef int before = self.before
        self.before = -1
        if before >= 0:
            self.on_close(before)
        return 0

    cdef int sync_failed(self, int error) except -1:
        self.failed_syncs += 1
        if self.policy == FSYNC_ALWAYS:
            self.on_fatal("Can't sync the append-only file, and appendfsync is 'always'", error)
        return self.note_sync(error)

    cdef int note_memory(self) noexcept:
        """Keeps the buffer out of what maxmemory counts: evicting keys would only make it larger."""
        cdef int64_t memory = <int64_t>self.waiting.cap
        self.core.engine.ks.memory_overhead += memory - self.memory_noted
        self.memory_noted = memory
        return 0

    # What the service does

    def set_policy(self, str name):
        """always, everysec or no."""
        self.policy = number(APPENDFSYNC, name)

    def sync(self):
        """Writes and syncs everything at once; OSError when that fails."""
        cdef uint64_t failed = self.failed_syncs
        self.take()
        self.flush(True)
        if self.write_error:
            raise OSError(self.write_error, os.strerror(self.write_error))
        self.sync_before()
        if self.descriptor >= 0 and fdatasync(self.descriptor) != 0:
            self.sync_failed(errno)
        if self.failed_syncs != failed:
            raise OSError(self.sync_error, os.strerror(self.sync_error))
        self.synced = self.written

    def synced_to(self, uint64_t file, uint64_t offset, int error):
        """The thread has synced the file of this number up to this offset, or failed with an errno."""
        if file < self.first_file:
            return
        self.syncing -= 1
        if error:
            self.sync_failed(error)
        if file < self.file and offset >= self.before_end:
            self.forget_before()
        if error == 0:
            if offset > self.synced:
                self.synced = offset
            self.note_sync(0)

    @property
    def error(self):
        """errno of what keeps the log from being written now, or 0."""
        return self.write_error or self.sync_error

    @property
    def buffered(self):
        """Bytes that wait to be written."""
        return self.waiting.len

    def needs(self, Session session):
        """The offset that has to be synced for all that the session's client has been told to be on disk."""
        return session.client.effects_at if session.client != NULL else 0


cdef int append_select(Buf* b, int32_t db) noexcept nogil:
    cdef char[NUM_I64_TEXT] text
    cdef size_t size = num_write_i64(text, db)
    cdef int failed = buf_append_text(b, b"*2\r\n$6\r\nSELECT\r\n$")
    failed |= buf_append_i64(b, <int64_t>size)
    failed |= buf_append(b, b"\r\n", 2)
    failed |= buf_append(b, text, size)
    return failed | buf_append(b, b"\r\n", 2)
