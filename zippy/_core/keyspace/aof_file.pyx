# Keys come database by database. A collection comes in commands of a limited number of elements, so that loading it never has to hold more
# than that, and a short log of small keys stays readable.

from libc.errno cimport EIO
from libc.stddef cimport size_t
from zippy._core.ground.hashtable cimport HtIter, ht_iter, ht_iter_done, ht_iter_next
from zippy._core.ground.number cimport NUM_DOUBLE_TEXT, NUM_I64_TEXT, num_write_double, num_write_i64
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.keyspace.saving_child cimport child_is_alone, child_wrote_key
from zippy._core.keyspace.types cimport Db
from zippy._core.values.entry cimport (
    ENTRY_EXPIRY, TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_STRING, TYPE_ZSET, Entry, entry_expiry, entry_key, entry_string, entry_type
)
from zippy._core.values.hash cimport HashIter, hash_iter, hash_iter_done, hash_iter_next, hash_length
from zippy._core.values.list cimport LIST_TAIL, ListIter, item_text, list_iter, list_iter_done, list_iter_next, list_length
from zippy._core.values.rdb_stream cimport RdbWriter, rdb_flush, rdb_write, rdb_writer_free, rdb_writer_init
from zippy._core.values.set cimport SET_TEXT, SetIter, set_iter, set_iter_done, set_iter_next, set_length, set_text
from zippy._core.values.zset cimport ZSetIter, zset_iter, zset_iter_next, zset_length

cdef enum:
    ELEMENTS = 64               # of a collection in one command
    SYNC_EVERY = 4 << 20        # bytes
    TEXT = 24                   # bytes that an integer takes at most


cdef struct Part:
    # the commands of one collection
    RdbWriter* w
    const char* command         # its name
    size_t command_len
    Slice key
    int words                   # of an element: 2 for pairs
    uint64_t left               # elements that are still to come
    int room                    # elements that the command under way still takes


cdef void write_number(RdbWriter* w, const char* kind, uint64_t n) noexcept nogil:
    cdef char[NUM_I64_TEXT] text
    rdb_write(w, kind, 1)
    rdb_write(w, text, num_write_i64(text, <int64_t>n))
    rdb_write(w, b"\r\n", 2)


cdef void write_word(RdbWriter* w, Slice word) noexcept nogil:
    write_number(w, b"$", word.len)
    rdb_write(w, word.ptr, word.len)
    rdb_write(w, b"\r\n", 2)


cdef void write_int_word(RdbWriter* w, int64_t n) noexcept nogil:
    cdef char[NUM_I64_TEXT] text
    write_word(w, slice_of(text, num_write_i64(text, n)))


cdef void part_init(Part* p, RdbWriter* w, Slice command, Slice key, int words, uint64_t length) noexcept nogil:
    p.w = w
    p.command = command.ptr
    p.command_len = command.len
    p.key = key
    p.words = words
    p.left = length
    p.room = 0


cdef void part_element(Part* p) noexcept nogil:
    """An element follows: begins a command if there is none for it."""
    if p.room == 0:
        p.room = ELEMENTS if p.left > ELEMENTS else <int>p.left
        p.left -= <uint64_t>p.room
        write_number(p.w, b"*", <uint64_t>(2 + p.room * p.words))
        write_word(p.w, slice_of(p.command, p.command_len))
        write_word(p.w, p.key)
    p.room -= 1


cdef void write_list(RdbWriter* w, Entry* e) noexcept nogil:
    cdef Part p
    cdef ListIter it
    cdef char[TEXT] scratch
    part_init(&p, w, slice_of(b"RPUSH", 5), entry_key(e), 1, list_length(e))
    if list_iter(&it, e, 0, LIST_TAIL):
        while list_iter_next(&it):
            part_element(&p)
            write_word(w, item_text(&it.item, scratch))
        list_iter_done(&it)


cdef void write_set(RdbWriter* w, Entry* e) noexcept nogil:
    cdef Part p
    cdef SetIter it
    cdef char[SET_TEXT] scratch
    part_init(&p, w, slice_of(b"SADD", 4), entry_key(e), 1, set_length(e))
    set_iter(&it, e)
    while set_iter_next(&it):
        part_element(&p)
        write_word(w, set_text(&it.member, scratch))
    set_iter_done(&it)


cdef void write_zset(RdbWriter* w, Entry* e) noexcept nogil:
    cdef Part p
    cdef ZSetIter it
    cdef char[NUM_DOUBLE_TEXT] text
    part_init(&p, w, slice_of(b"ZADD", 4), entry_key(e), 2, zset_length(e))
    zset_iter(&it, e, 0, False)
    while zset_iter_next(&it):
        part_element(&p)
        write_word(w, slice_of(text, num_write_double(text, it.score)))
        write_word(w, it.member)


cdef void write_hash(RdbWriter* w, Entry* e) noexcept nogil:
    cdef Part p
    cdef HashIter it
    part_init(&p, w, slice_of(b"HMSET", 5), entry_key(e), 2, hash_length(e))
    hash_iter(&it, e)
    while hash_iter_next(&it):
        part_element(&p)
        write_word(w, it.pair.field)
        write_word(w, it.pair.value)
    hash_iter_done(&it)


cdef void write_string(RdbWriter* w, Entry* e) noexcept nogil:
    cdef char[TEXT] scratch
    write_number(w, b"*", 3)
    write_word(w, slice_of(b"SET", 3))
    write_word(w, entry_key(e))
    write_word(w, entry_string(e, scratch))


cdef void write_key(RdbWriter* w, Entry* e) noexcept nogil:
    cdef int type = entry_type(e)
    if type == TYPE_STRING:
        write_string(w, e)
    elif type == TYPE_LIST:
        write_list(w, e)
    elif type == TYPE_SET:
        write_set(w, e)
    elif type == TYPE_ZSET:
        write_zset(w, e)
    elif type == TYPE_HASH:
        write_hash(w, e)
    else:
        # rather no file than one that lacks a key
        w.error = EIO
    if e.flags & ENTRY_EXPIRY:
        write_number(w, b"*", 3)
        write_word(w, slice_of(b"PEXPIREAT", 9))
        write_word(w, entry_key(e))
        write_int_word(w, entry_expiry(e))


cdef void write_db(RdbWriter* w, Db* db, AofSave* save) noexcept nogil:
    cdef HtIter it
    cdef Entry* e
    write_number(w, b"*", 2)
    write_word(w, slice_of(b"SELECT", 6))
    write_int_word(w, db.id)
    ht_iter(&it, &db.keys)
    e = <Entry*>ht_iter_next(&it)
    while e != NULL and w.error == 0:
        write_key(w, e)
        save.keys += 1
        if save.child != NULL and w.error == 0:
            w.error = child_wrote_key(save.child, save.keys)
        e = <Entry*>ht_iter_next(&it)
    ht_iter_done(&it)


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
    for i in range(ks.db_count):
        if ks.dbs[i].keys.count and w.error == 0:
            write_db(&w, ks.dbs[i], save)
    rdb_flush(&w)
    if save.child != NULL and w.error == 0:
        w.error = child_is_alone(save.child)
    rdb_writer_free(&w)
    save.bytes = w.written
    save.error = w.error
    return w.error == 0
