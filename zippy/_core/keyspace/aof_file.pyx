# Libraries of functions come first, then keys, database by database.

from zippy._core.ground.buf cimport slice_text
from zippy._core.ground.number cimport NUM_I64_TEXT, num_write_i64
from zippy._core.keyspace.key_table cimport KeyIter, kt_count, kt_iter, kt_iter_done, kt_iter_next
from zippy._core.keyspace.libraries cimport libraries_rebuild
from zippy._core.keyspace.saving_child cimport child_is_alone, child_wrote_key
from zippy._core.keyspace.types cimport Db
from zippy._core.values.command_writer cimport command_begin, command_int, command_word
from zippy._core.values.entry cimport ENTRY_EXPIRY, Entry, entry_expiry, entry_key
from zippy._core.values.rdb_stream cimport RdbWriter, rdb_flush, rdb_write, rdb_writer_free, rdb_writer_init
from zippy._core.values.value cimport value_rebuild

cdef enum:
    SYNC_EVERY = 4 << 20        # bytes


cdef void write_key(RdbWriter* w, Entry* e) noexcept nogil:
    value_rebuild(w, e)
    if e.flags & ENTRY_EXPIRY:
        command_begin(w, 3)
        command_word(w, slice_text(b"PEXPIREAT"))
        command_word(w, entry_key(e))
        command_int(w, entry_expiry(e))


cdef void write_db(RdbWriter* w, Db* db, AofSave* save) noexcept nogil:
    cdef KeyIter it
    cdef Entry* e
    command_begin(w, 2)
    command_word(w, slice_text(b"SELECT"))
    command_int(w, db.id)
    kt_iter(&it, &db.table)
    e = kt_iter_next(&it)
    while e != NULL and w.error == 0:
        write_key(w, e)
        save.keys += 1
        if save.child != NULL and w.error == 0:
            w.error = child_wrote_key(save.child, save.keys)
        e = kt_iter_next(&it)
    kt_iter_done(&it)


cdef bint aof_save_file(Keyspace* ks, int fd, AofSave* save) noexcept nogil:
    cdef RdbWriter w
    cdef int i
    cdef char[NUM_I64_TEXT] text
    save.keys = 0
    rdb_writer_init(&w, fd, 0)
    w.checksum = False
    w.sync_every = SYNC_EVERY if save.incremental_sync else 0
    if save.timestamp:
        rdb_write(&w, b"#TS:", 4)
        rdb_write(&w, text, num_write_i64(text, ks.clock.ms // 1000))
        rdb_write(&w, b"\r\n", 2)
    libraries_rebuild(&w, &ks.libraries)
    for i in range(ks.db_count):
        if kt_count(&ks.dbs[i].table) and w.error == 0:
            write_db(&w, ks.dbs[i], save)
    rdb_flush(&w)
    if save.child != NULL and w.error == 0:
        w.error = child_is_alone(save.child)
    rdb_writer_free(&w)
    save.bytes = w.written
    save.error = w.error
    return w.error == 0
