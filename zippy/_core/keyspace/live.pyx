# One number, the epoch, stands for a save, so marking what is saved needs a few bits of each entry and no set of keys. When all numbers
# are used up, every entry is marked anew.

from libc.errno cimport EAGAIN, EINTR, EIO, errno
from libc.signal cimport SIGKILL
from libc.stdint cimport int32_t
from posix.fcntl cimport F_GETFD, F_GETFL, F_SETFD, F_SETFL, FD_CLOEXEC, O_NONBLOCK, fcntl
from posix.signal cimport kill
from posix.unistd cimport _exit, close, fork, getpid, pipe, read
from posix.wait cimport WEXITSTATUS, WIFEXITED, waitpid
from zippy._core.ground.clock cimport clock_ticks, clock_ticks_per_us
from zippy._core.ground.crc cimport crc64
from zippy._core.ground.mem cimport mem_free, mem_zalloc
from zippy._core.keyspace.key_table cimport KeyTable, kt_count, kt_scan, kt_take
from zippy._core.keyspace.lazy_free cimport free_table
from zippy._core.keyspace.rdb_op cimport OP_END
from zippy._core.keyspace.rdb_record cimport (
    rdb_version_for, rdb_write_database, rdb_write_head, rdb_write_key_name, rdb_write_sizes
)
from zippy._core.keyspace.saving_child cimport child_look, child_news_free, child_news_new, child_settle, child_wrote_key
from zippy._core.keyspace.types cimport DeadTable, LiveSave
from zippy._core.values.rdb cimport (
    rdb_part_begin, rdb_part_end, rdb_part_some, rdb_weight, rdb_write_value
)
from zippy._core.values.rdb_stream cimport (
    RdbWriter, rdb_flush, rdb_write, rdb_write_byte, rdb_write_u64, rdb_writer_free, rdb_writer_init
)

cdef extern from *:
    """
    #include <fcntl.h>

    /* A pipe takes 64 KiB at first, and its reader looks at it once in a millisecond. Where it cannot be more, it is slower. */
    static void zippy_widen_pipe(int fd) {
    #ifdef F_SETPIPE_SZ
        (void)fcntl(fd, F_SETPIPE_SZ, 1 << 20);
    #endif
    }
    """
    void zippy_widen_pipe(int fd) noexcept nogil

cdef enum:
    LIGHT = 50                 # a value of this weight is saved at once, whatever a fork would take
    WEIGHT_OF = 20             # log2 of the bytes for which a fork takes as long as a value that weighs one
    HEARD = 1 << 16            # bytes read at a time
    EPOCH_STEP = 16            # the lowest bit of ENTRY_EPOCH
    EPOCHS = 16
    PIECE_ITEMS = 8            # elements of a large value between two looks at the clock
    ENOUGH = 1 << 20           # bytes: a step ends when so many wait to be taken


cdef struct Walk:
    # what a step's callback needs
    Keyspace* ks
    int32_t saved_as           # of the table


cdef void mark_scanned(void* context, void* item) noexcept nogil:
    live_mark(<const Keyspace*>context, <Entry*>item)


cdef void next_epoch(Keyspace* ks) noexcept nogil:
    """Entries that no snapshot came to since one was complete may carry any of the epochs after that. Should these all be used up, every
    entry is marked anew."""
    cdef uint64_t cursor
    cdef int i
    ks.epochs += 1
    if ks.epochs == EPOCHS:
        ks.epochs = 1
        for i in range(ks.db_count):
            cursor = kt_scan(&ks.dbs[i].table, 0, mark_scanned, ks)
            while cursor:
                cursor = kt_scan(&ks.dbs[i].table, cursor, mark_scanned, ks)
    ks.epoch = <uint8_t>((ks.epoch + EPOCH_STEP) & ENTRY_EPOCH)


cdef bint live_begin(Keyspace* ks, const RdbSave* save) noexcept nogil:
    cdef LiveSave* live = <LiveSave*>mem_zalloc(sizeof(LiveSave))
    # what comes later is not saved, so what is there now decides
    cdef int version = rdb_version_for(ks)
    cdef int i
    if not rdb_writer_init(&live.w, -1, version) or not rdb_writer_init(&live.aside, -1, version):
        rdb_writer_free(&live.w)
        mem_free(live)
        return False
    live.w.compress = live.aside.compress = save.compress
    live.w.checksum = save.checksum
    live.selected = -1
    for i in range(ks.db_count):
        ks.dbs[i].saved_as = i
        live.total += kt_count(&ks.dbs[i].table)
    rdb_write_head(&live.w, ks, save)
    next_epoch(ks)
    ks.settling_db = 0
    ks.settling = 0
    live.may_fork = save.may_fork
    live.going_on.delay_us = save.delay_us
    live.from_child = -1
    ks.live = live
    return True


cdef bint live_is_spent(const Keyspace* ks) noexcept nogil:
    return ks.epochs == EPOCHS - 1


cdef void live_settle(Keyspace* ks, int64_t budget_us) noexcept nogil:
    cdef uint64_t began = clock_ticks()
    if ks.live != NULL or ks.epochs == 0:
        return
    while ks.settling_db < ks.db_count:
        ks.settling = kt_scan(&db_saved_as(ks, ks.settling_db).table, ks.settling, mark_scanned, ks)
        if ks.settling == 0:
            ks.settling_db += 1
        if (clock_ticks() - began) / clock_ticks_per_us() >= budget_us:
            return
    ks.epochs = 0


cdef void select(LiveSave* live, RdbWriter* w, int32_t saved_as) noexcept nogil:
    if live.selected != saved_as:
        live.selected = saved_as
        rdb_write_database(w, saved_as)


cdef inline bint is_child(const LiveSave* live) noexcept nogil:
    return live.w.fd >= 0


cdef void note_saved(Keyspace* ks, Entry* e) noexcept nogil:
    cdef LiveSave* live = ks.live
    live.keys += 1
    if not is_child(live):
        live_mark(ks, e)
    elif live.w.error == 0:
        # no bucket is seen twice in it, and memory that it marked would have to be copied
        live.w.error = child_wrote_key(&live.going_on, live.keys)


cdef void note_memory(Keyspace* ks) noexcept nogil:
    """maxmemory leaves out what waits for the disk: evicting keys would only make it more."""
    cdef size_t held = ks.live.w.cap + ks.live.aside.cap
    ks.memory_overhead += <int64_t>held - <int64_t>ks.live.noted
    ks.live.noted = held


cdef void end_half(Keyspace* ks) noexcept nogil:
    """The value that was half written is complete: what was saved meanwhile follows."""
    cdef LiveSave* live = ks.live
    rdb_part_end(&live.part)
    live.half = False
    note_saved(ks, live.part.entry)
    rdb_write(&live.w, live.aside.data, live.aside.len)
    live.aside.len = 0


cdef void end_whole(Keyspace* ks) noexcept nogil:
    """Writes what is left of the value that is half written."""
    while not rdb_part_some(&ks.live.w, &ks.live.part, PIECE_ITEMS):
        pass
    end_half(ks)


cdef void live_save_first(Db* db, Entry* e) noexcept nogil:
    cdef Keyspace* ks = db.keyspace
    cdef LiveSave* live = ks.live
    cdef RdbWriter* w = &live.aside if live.half else &live.w
    if live.may_fork and rdb_weight(e) > LIGHT + (<uint64_t>ks.account.used >> WEIGHT_OF) and hand_over(ks):
        return
    if live.half and e == live.part.entry:
        # a pause as long as the rest of the value takes: it is needed whole, and now
        end_whole(ks)
    else:
        select(live, w, db.saved_as)
        rdb_write_key_name(w, ks, e)
        rdb_write_value(w, e)
        note_saved(ks, e)
    note_memory(ks)


cdef void live_keep_table(Db* db, size_t bytes) noexcept nogil:
    cdef LiveSave* live = db.keyspace.live
    cdef DeadTable* flushed = <DeadTable*>mem_zalloc(sizeof(DeadTable))
    kt_take(&flushed.table, &db.table)
    flushed.saved_as = db.saved_as
    flushed.bytes = bytes
    flushed.next = live.flushed
    live.flushed = flushed


cdef void save_scanned(void* context, void* item) noexcept nogil:
    cdef Walk* walk = <Walk*>context
    cdef LiveSave* live = walk.ks.live
    cdef Entry* e = <Entry*>item
    if not live_wants(walk.ks, e):
        return
    if live.half:
        live.skipped = True
        return
    select(live, &live.w, walk.saved_as)
    rdb_write_key_name(&live.w, walk.ks, e)
    if rdb_weight(e):
        rdb_part_begin(&live.w, &live.part, e)
        live.half = True
        if is_child(live):
            end_whole(walk.ks)
        return
    rdb_write_value(&live.w, e)
    note_saved(walk.ks, e)


cdef uint64_t scan(Keyspace* ks, KeyTable* table, int32_t saved_as, uint64_t cursor) noexcept nogil:
    """Saves a bucket; the next cursor. `skipped` says that something in it has to wait for the end of a large value."""
    cdef Walk walk
    walk.ks = ks
    walk.saved_as = saved_as
    ks.live.skipped = False
    return kt_scan(table, cursor, save_scanned, &walk)


cdef bint walk_flushed(Keyspace* ks) noexcept nogil:
    """A bucket of a flushed database; False when there is none."""
    cdef LiveSave* live = ks.live
    cdef DeadTable* table = live.flushed
    cdef uint64_t next
    if table == NULL:
        return False
    next = scan(ks, &table.table, table.saved_as, table.cursor)
    if live.skipped:
        return True
    table.cursor = next
    # a value of its that is half written is still needed
    if next == 0 and not live.half:
        live.flushed = table.next
        if not is_child(live):
            free_table(ks, table)
    return True


cdef Db* db_saved_as(const Keyspace* ks, int32_t number) noexcept nogil:
    """The database that has the tables now; there is one for each number."""
    cdef int i = 0
    while ks.dbs[i].saved_as != number:
        i += 1
    return ks.dbs[i]


cdef void walk_databases(Keyspace* ks) noexcept nogil:
    """A bucket of the database whose turn it is."""
    cdef LiveSave* live = ks.live
    cdef Db* db = db_saved_as(ks, live.db)
    cdef uint64_t next
    if live.cursor == 0 and kt_count(&db.table) and live.selected != db.saved_as:
        select(live, &live.w, db.saved_as)
        rdb_write_sizes(&live.w, db)
    next = scan(ks, &db.table, db.saved_as, live.cursor)
    if live.skipped:
        return
    live.cursor = next
    if next == 0:
        live.db += 1


cdef void sum_up(LiveSave* live) noexcept nogil:
    """The checksum covers all that is written now."""
    if is_child(live):
        rdb_flush(&live.w)
        return
    if live.w.checksum:
        live.w.crc = crc64(live.w.crc, live.w.data + live.summed, live.w.len - live.summed)
    live.summed = live.w.len


cdef void finish(Keyspace* ks) noexcept nogil:
    cdef LiveSave* live = ks.live
    if live.keys != live.total and live.w.error == 0:
        # a file that lacks keys must not take the place of a whole one
        live.w.error = EIO
    rdb_write_byte(&live.w, OP_END)
    sum_up(live)
    rdb_write_u64(&live.w, live.w.crc if live.w.checksum else 0)
    rdb_flush(&live.w)
    live.finished = True
    ks.epochs = 0 if live.w.error == 0 else ks.epochs


cdef void advance(Keyspace* ks) noexcept nogil:
    """The smallest piece of work there is."""
    cdef LiveSave* live = ks.live
    if live.half:
        if rdb_part_some(&live.w, &live.part, PIECE_ITEMS):
            end_half(ks)
    elif walk_flushed(ks):
        return
    elif live.db < ks.db_count:
        walk_databases(ks)
    else:
        finish(ks)


cdef void live_step(Keyspace* ks, int64_t budget_us, uint64_t most_keys) noexcept nogil:
    cdef LiveSave* live = ks.live
    cdef uint64_t began = clock_ticks()
    cdef uint64_t keys = live.keys
    while not live.finished and live.w.error == 0 and live.w.len < ENOUGH:
        advance(ks)
        if live.aside.error and live.w.error == 0:
            live.w.error = live.aside.error
        if live.keys - keys >= most_keys or (clock_ticks() - began) / clock_ticks_per_us() >= budget_us:
            break
    note_memory(ks)


cdef void live_take(LiveSave* live) noexcept nogil:
    if live.child == 0 and not live.finished:
        sum_up(live)
    live.w.written += live.w.len
    live.summed = 0


# A child that goes on with it


cdef void go_on(Keyspace* ks, int descriptor) noexcept nogil:
    """The child's life. What changed since the save began was saved before that, and nothing changes here: the rest is as it was then."""
    cdef LiveSave* live = ks.live
    child_settle(&descriptor, 1)
    # the parent has what was written
    live.w.len = 0
    live.w.fd = descriptor
    if live.half:
        # its bucket is seen again
        live_mark(ks, live.part.entry)
        end_whole(ks)
    while not live.finished and live.w.error == 0:
        advance(ks)
    child_look(&live.going_on)
    _exit(live.w.error)


cdef bint hand_over(Keyspace* ks) noexcept nogil:
    """Has a child go on with it; False when there can be none."""
    cdef LiveSave* live = ks.live
    cdef uint64_t began = clock_ticks()
    cdef int[2] ends
    cdef int end
    if live.finished or live.w.error:
        return False
    if live.going_on.news == NULL:
        live.going_on.news = child_news_new()
    if live.going_on.news == NULL or pipe(ends) != 0:
        return False
    zippy_widen_pipe(ends[0])
    for end in ends:
        fcntl(end, F_SETFD, fcntl(end, F_GETFD) | FD_CLOEXEC)
    fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_NONBLOCK)
    sum_up(live)
    live.going_on.parent = getpid()
    live.going_on.news.keys = live.keys
    live.child = fork()
    if live.child == 0:
        go_on(ks, ends[1])
    close(ends[1])
    if live.child < 0:
        live.child = 0
        close(ends[0])
        return False
    live.from_child = ends[0]
    live.fork_us = <int64_t>((clock_ticks() - began) / clock_ticks_per_us())
    let_go(ks)
    return True


cdef void hear_end(LiveSave* live) noexcept nogil:
    """The child has nothing more to say."""
    cdef int status = 0
    close(live.from_child)
    live.from_child = -1
    while waitpid(live.child, &status, 0) < 0 and errno == EINTR:
        pass
    if not WIFEXITED(status):
        live.w.error = EIO
    elif WEXITSTATUS(status):
        live.w.error = WEXITSTATUS(status)
    else:
        live.finished = True


cdef void live_hear(LiveSave* live) noexcept nogil:
    cdef char[HEARD] data
    cdef ssize_t size
    while live.from_child >= 0 and live.w.error == 0 and live.w.len < ENOUGH:
        size = read(live.from_child, data, HEARD)
        if size > 0:
            rdb_write(&live.w, data, <size_t>size)
        elif size == 0:
            hear_end(live)
        elif errno == EAGAIN:
            return
        elif errno != EINTR:
            live.w.error = errno


# The end


cdef void let_go(Keyspace* ks) noexcept nogil:
    """Nothing need be saved first any more."""
    cdef LiveSave* live = ks.live
    cdef DeadTable* table
    if live.half:
        rdb_part_end(&live.part)
        live.half = False
    while live.flushed != NULL:
        table = live.flushed
        live.flushed = table.next
        free_table(ks, table)
    ks.memory_overhead -= <int64_t>live.noted
    rdb_writer_free(&live.aside)
    ks.live = NULL


cdef void live_end(Keyspace* ks, LiveSave* live) noexcept nogil:
    if live == ks.live:
        let_go(ks)
    if live.from_child >= 0:
        kill(live.child, SIGKILL)
        hear_end(live)
    child_news_free(live.going_on.news)
    rdb_writer_free(&live.w)
    mem_free(live)
