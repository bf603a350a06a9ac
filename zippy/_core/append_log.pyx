"""The append-only file as the core writes it: at the end of a turn, before any reply leaves, what the commands did goes to the file.

It is written from where the stream has it, with what is only the file's own in between: the times, and the database at a file's begin.

Forcing it to disk is done here when every turn asks for it, and by a thread of the service above when once a second is enough. While that
thread is at work a write would wait for the disk too, so it is put off, but no longer than two seconds: no more may be lost.

Where one file follows another, nothing is written to the second before the first is on disk: a power cut would leave a log with a gap.
"""

cimport cython
from libc.errno cimport EINTR, EIO, ENOMEM, errno
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memcpy, memmove
from posix.uio cimport iovec, writev
from posix.unistd cimport fdatasync, ftruncate
from zippy._core.commands.accounting cimport latency_sample
from zippy._core.commands.engine cimport engine_use
from zippy._core.commands.types cimport Engine
from zippy._core.ground.buf cimport Buf, buf_drop_front, buf_free, buf_reserve
from zippy._core.ground.byte_queue cimport QueueCursor, bq_attach, bq_detach, bq_piece, bq_release
from zippy._core.ground.clock cimport clock_ticks, clock_ticks_per_us
from zippy._core.ground.mem cimport Account, mem_charge_to, mem_charged
from zippy._core.ground.number cimport num_write_i64
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.keyspace.stream cimport SELECT_ROOM, Stream, stream_take, write_select
from zippy._core.session cimport Core, Journal, Session
from zippy._core.values.settings cimport FSYNC_ALWAYS, FSYNC_EVERYSEC, FSYNC_NO

import os
from zippy.setting_types import number
from zippy.settings import find_setting

cdef enum:
    SECOND = 1000000            # us
    LONGEST_DELAY = 2 * SECOND  # of a write that would wait for the thread that syncs
    GATHERED = 64 * 1024        # bytes that are written at once, whatever may wait
    PIECES = 64                 # of what waits that are written at a time

NO_MEMORY = "No memory for the append-only file"

cdef object APPENDFSYNC = find_setting("appendfsync")


cdef struct Insertion:
    # what the file has and the stream has not
    uint64_t at                  # offset that it comes before
    size_t len
    char[SELECT_ROOM] text


cdef struct Place:
    # how far the stream and the insertions are written
    QueueCursor cursor
    size_t insertion             # the next one, counted from the first of those that wait
    size_t inserted              # bytes of that one that are written


@cython.final
@cython.no_gc_clear
cdef class AppendLog(Journal):
    """Writes one file after the other. Offsets are those of the stream.

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
    cdef bint reading                # `place.cursor` is one of the stream's
    cdef Place place                 # where what waits to be written begins
    cdef Buf insertions              # those that wait, by offset
    cdef int32_t selected            # the database that is selected at the end of what the stream gave; -1: none
    cdef int32_t selected_before     # the same where what waits begins
    cdef bint half_written           # a record in the file has no end, and could not be taken back
    cdef int64_t stamped             # second of the last time noted in the file, 0: none
    cdef int policy                  # FSYNC_
    cdef public bint timestamps      # note the time in the file when a second has passed
    cdef public int64_t gather_us    # for which a write may wait for others, unless every turn is synced; 0: each turn is written
    cdef int64_t wrote_us            # monotonic clock: the last write
    cdef public bint sync_later      # leave syncing to the system: a child keeps the disk busy
    cdef readonly int64_t size       # bytes in the file
    cdef readonly uint64_t written   # offset up to which nothing is missing in the files
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
            self.stop_reading()
            mem_charge_to(charged)

    # The stream

    cdef Stream* stream(self) noexcept:
        return &self.core.engine.ks.effects.stream

    cdef int start_reading(self) except -1:
        """Reads from here on. What was done before belongs to no file of this log, so nothing of it is owed to the disk."""
        self.reading = bq_attach(&self.stream().bytes, &self.place.cursor, self.stream().taken)
        self.written = self.synced = self.place.cursor.at
        self.core.engine.ks.effects.recording += 1
        self.core.journal = self
        return 0

    cdef int stop_reading(self) noexcept:
        """Lets go of what is not written."""
        if self.reading:
            bq_detach(&self.stream().bytes, &self.place.cursor)
            self.core.engine.ks.effects.recording -= 1
        self.reading = False
        self.place.insertion = self.place.inserted = 0
        buf_free(&self.insertions)
        return 0

    cdef bint waits(self) noexcept:
        """Whether there is something to write."""
        return self.reading and self.place.cursor.at != self.stream().taken

    cdef int take(self) except -1:
        """Has what the commands did until now wait to be written."""
        cdef Engine* e = self.core.engine
        cdef uint64_t begin = self.stream().taken
        cdef int failed
        engine_use(e)
        failed = stream_take(self.stream())
        if self.stream().taken != begin:
            self.selected = self.stream().selected
            if self.timestamps and e.ks.clock.ms // 1000 != self.stamped:
                self.stamped = e.ks.clock.ms // 1000
                failed |= self.insert_time(begin)
        if failed:
            self.on_fatal(NO_MEMORY, ENOMEM)
        return 0

    cdef int insert_time(self, uint64_t at) noexcept:
        """Notes the second before what is at this offset; -1: out of memory."""
        cdef Insertion time
        memcpy(time.text, b"#TS:", 4)
        time.len = 4 + num_write_i64(time.text + 4, self.stamped)
        memcpy(time.text + time.len, b"\r\n", 2)
        time.len += 2
        time.at = at
        return self.insert(&time, self.insertions.len)

    cdef int insert_select(self, int32_t db) noexcept:
        """Selects a database before all that waits; -1: out of memory."""
        cdef Insertion select
        select.len = <size_t>(write_select(select.text, db) - select.text)
        select.at = self.place.cursor.at
        return self.insert(&select, 0)

    cdef int insert(self, const Insertion* insertion, size_t place) noexcept:
        if buf_reserve(&self.insertions, sizeof(Insertion)) != 0:
            return -1
        memmove(self.insertions.data + place + sizeof(Insertion), self.insertions.data + place, self.insertions.len - place)
        memcpy(self.insertions.data + place, insertion, sizeof(Insertion))
        self.insertions.len += sizeof(Insertion)
        return 0

    cdef const Insertion* next_insertion(self, const Place* place) noexcept:
        """The next one from a place on, NULL: there is none."""
        cdef size_t at = place.insertion * sizeof(Insertion)
        return <const Insertion*>(self.insertions.data + at) if at < self.insertions.len else NULL

    cdef Slice piece_at(self, Place* place) noexcept:
        """What the file gets next, as far as it lies in one piece; empty: all of it has been written."""
        cdef const Insertion* next = self.next_insertion(place)
        cdef uint64_t end = self.stream().taken if next == NULL else next.at
        cdef Slice piece
        if next != NULL and next.at == place.cursor.at:
            return slice_of(next.text + place.inserted, next.len - place.inserted)
        piece = bq_piece(&self.stream().bytes, &place.cursor)
        if piece.len > end - place.cursor.at:
            piece.len = <size_t>(end - place.cursor.at)
        return piece

    cdef int pass_by(self, Place* place, size_t size) noexcept:
        """Moves a place within its piece."""
        cdef const Insertion* next = self.next_insertion(place)
        if next == NULL or next.at != place.cursor.at:
            place.cursor.at += size
            return 0
        place.inserted += size
        if place.inserted == next.len:
            place.insertion += 1
            place.inserted = 0
        return 0

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
        if not self.reading:
            self.start_reading()
        self.carry_over()
        self.descriptor = descriptor
        self.size = size
        self.file += 1

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
            if self.waits():
                raise OSError(self.write_error, os.strerror(self.write_error))

    cdef int carry_over(self) except -1:
        """What waits begins another file, whose reader knows neither the database nor the time."""
        engine_use(self.core.engine)
        if not self.waits():
            # what comes next brings its own
            self.stream().selected = self.selected = self.selected_before = -1
        elif self.selected_before >= 0 and self.insert_select(self.selected_before) != 0:
            self.on_fatal(NO_MEMORY, ENOMEM)
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
        self.stop_reading()
        self.note_memory()
        self.descriptor = -1
        # what the thread has still to say is about a log that is over
        self.file += 1
        self.first_file = self.file
        self.syncing = 0
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

    cpdef int flush(self, bint urgent) except -1:
        """Writes what waits and syncs as the policy asks. urgent: even if it takes long."""
        cdef int64_t now = self.core.engine.ks.clock.mono_us
        if self.descriptor < 0:
            self.note_memory()
            return 0
        if self.waits() and (urgent or not (self.gathers(now) or self.puts_off(now))):
            self.put_off_us = 0
            self.wrote_us = now
            self.sync_before()
            self.timed_write()
        self.note_memory()
        if not self.sync_later:
            self.arrange_sync(now)
        return 0

    cdef bint gathers(self, int64_t now) noexcept:
        """Whether a write may wait for others that it can go together with."""
        if self.policy == FSYNC_ALWAYS or now - self.wrote_us >= self.gather_us:
            return False
        return self.stream().taken - self.place.cursor.at < GATHERED

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
        cdef Place place = self.place
        cdef size_t done = 0
        cdef int error = 0
        while error == 0 and place.cursor.at != self.stream().taken:
            error = self.write_pieces(&place, &done)
        # should the process end now, the file is whole, if no half record stays
        if error == 0 or (done and ftruncate(self.descriptor, self.size) != 0):
            self.half_written = error != 0
            self.keep_place(&place, <int64_t>done)
        if error and self.policy == FSYNC_ALWAYS:
            self.on_fatal("Can't write the append-only file, and appendfsync is 'always'", error)
        if error or self.write_error:
            self.write_error = error
            self.tell_problem(error)
        return 0

    cdef int write_pieces(self, Place* place, size_t* done) noexcept:
        """Writes some of what waits, from `place` on, moves that and counts the bytes; errno or 0."""
        cdef iovec[PIECES] pieces
        cdef Place ahead = place[0]
        cdef Slice piece = self.piece_at(&ahead)
        cdef int count = 0
        cdef ssize_t n
        while piece.len and count < PIECES:
            pieces[count].iov_base = <void*>piece.ptr
            pieces[count].iov_len = piece.len
            count += 1
            self.pass_by(&ahead, piece.len)
            piece = self.piece_at(&ahead)
        n = writev(self.descriptor, pieces, count)
        if n < 0:
            return errno if errno != EINTR else 0
        done[0] += <size_t>n
        while n > 0:
            piece = self.piece_at(place)
            if piece.len > <size_t>n:
                piece.len = <size_t>n
            self.pass_by(place, piece.len)
            n -= <ssize_t>piece.len
        return 0

    cdef int keep_place(self, const Place* place, int64_t done) noexcept:
        """What was written up to this place, so many bytes, is in the file, and waits no longer."""
        engine_use(self.core.engine)
        self.size += done
        self.place = place[0]
        buf_drop_front(&self.insertions, place.insertion * sizeof(Insertion))
        self.place.insertion = 0
        bq_release(&self.stream().bytes)
        if not self.waits():
            self.selected_before = self.selected
            self.written = place.cursor.at
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
        """Keeps the stream out of what maxmemory counts: evicting keys would only make it longer."""
        cdef int64_t memory = <int64_t>(self.stream().bytes.memory + self.insertions.cap)
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
        """Bytes of the stream that wait to be written."""
        return self.stream().taken - self.place.cursor.at if self.reading else 0

    @property
    def is_at_rest(self):
        """Whether nothing is to be done until more comes: all is written, and synced where the policy asks for it."""
        if self.waits() or self.syncing or self.write_error or self.sync_error:
            return False
        return self.policy == FSYNC_NO or self.synced == self.written

    def needs(self, Session session):
        """The offset that has to be synced for all that the session's client has been told to be on disk."""
        return session.client.effects_at if session.client != NULL else 0
