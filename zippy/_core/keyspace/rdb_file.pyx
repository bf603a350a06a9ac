# The head (REDIS and the version), fields about the file, libraries of functions, then for each database its number, its sizes and its
# keys, each with what is known of it before it; an end mark and a CRC-64. The version is the lowest that can hold the data, so that older
# servers can load it.

from libc.string cimport memcmp, memcpy, memset
from zippy._core.ground.buf cimport slice_is
from zippy._core.ground.crc cimport crc64
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.number cimport num_read_i64
from zippy._core.ground.slice cimport Slice
from zippy._core.keyspace.db cimport delete_key
from zippy._core.keyspace.key_table cimport (
    KeyIter, kt_count, kt_find_hashed, kt_insert, kt_iter, kt_iter_done, kt_iter_next, kt_reserve
)
from zippy._core.keyspace.live cimport live_mark
from zippy._core.keyspace.lru cimport access_of_saved
from zippy._core.keyspace.rdb_op cimport (
    OP_AUX, OP_DATABASE, OP_END, OP_EXPIRY_MS, OP_EXPIRY_SECONDS, OP_FREQ, OP_FUNCTION, OP_FUNCTION_OLD, OP_IDLE, OP_MODULE_AUX, OP_SIZES,
    OP_SLOT_INFO
)
from zippy._core.keyspace.rdb_record cimport (
    RDB_HEAD, REPLICATION_ID, rdb_version_for, rdb_write_database, rdb_write_head, rdb_write_key_name, rdb_write_sizes
)
from zippy._core.keyspace.saving_child cimport child_is_alone, child_wrote_key
from zippy._core.keyspace.types cimport Db
from zippy._core.values.entry cimport ENTRY_EXPIRY, NO_EXPIRY, Entry, entry_expiry, entry_key, entry_set_access
from zippy._core.values.rdb cimport RDB_VERSION, rdb_knows_type, rdb_read_value, rdb_write_value
from zippy._core.values.rdb_stream cimport (
    RDB_CORRUPT, RDB_EMPTY, RDB_OK, RDB_SHORT, RDB_UNSUPPORTED, RdbText, RdbWriter, rdb_fail, rdb_flush, rdb_left, rdb_read_byte,
    rdb_read_length, rdb_read_text, rdb_read_u64, rdb_take, rdb_text_free, rdb_write_byte, rdb_write_u64, rdb_writer_free, rdb_writer_init
)
from zippy._core.values.value cimport value_free

cdef enum:
    SYNC_EVERY = 4 << 20        # bytes
    LEAST_KEY = 3               # bytes that a key takes in the file at least
    FORESEEN = 1 << 20          # bytes: for so much of what is to come there is room before it is there


# Writing


cdef void write_db(RdbWriter* w, Keyspace* ks, Db* db, RdbSave* save) noexcept nogil:
    cdef KeyIter it
    cdef Entry* e
    rdb_write_database(w, db.id)
    rdb_write_sizes(w, db)
    kt_iter(&it, &db.table)
    e = kt_iter_next(&it)
    while e != NULL and w.error == 0:
        rdb_write_key_name(w, ks, e)
        rdb_write_value(w, e)
        save.keys += 1
        if save.child != NULL and w.error == 0:
            w.error = child_wrote_key(save.child, save.keys)
        e = kt_iter_next(&it)
    kt_iter_done(&it)


cdef bint rdb_save_file(Keyspace* ks, int fd, RdbSave* save) noexcept nogil:
    cdef RdbWriter w
    cdef int i
    save.keys = 0
    rdb_writer_init(&w, fd, rdb_version_for(ks))
    w.compress = save.compress
    w.checksum = save.checksum
    w.sync_every = SYNC_EVERY if save.incremental_sync else 0
    rdb_write_head(&w, ks, save)
    for i in range(ks.db_count):
        if kt_count(&ks.dbs[i].table) and w.error == 0 and not save.without_keys:
            write_db(&w, ks, ks.dbs[i], save)
    rdb_write_byte(&w, OP_END)
    rdb_flush(&w)
    rdb_write_u64(&w, w.crc if w.checksum else 0)
    rdb_flush(&w)
    if save.child != NULL and w.error == 0:
        w.error = child_is_alone(save.child)
    rdb_writer_free(&w)
    save.bytes = w.written
    save.error = w.error
    return w.error == 0


# Reading


cdef void forget_pending(RdbPending* p) noexcept nogil:
    p.expiry = NO_EXPIRY
    p.idle = -1
    p.freq = -1


cdef void read_head(RdbLoader* l) noexcept nogil:
    cdef const unsigned char* head = rdb_take(l.r, RDB_HEAD)
    cdef int version = 0
    cdef int i
    if head == NULL or memcmp(head, b"REDIS", 5) != 0:
        l.r.at = 0
        rdb_fail(l.r, RDB_CORRUPT, b"this is no RDB file")
        return
    for i in range(5, RDB_HEAD):
        if head[i] < 48 or head[i] > 57:
            rdb_fail(l.r, RDB_CORRUPT, b"this is no RDB file")
            return
        version = version * 10 + head[i] - 48
    l.load.version = version
    if version < 1 or version > RDB_VERSION:
        rdb_fail(l.r, RDB_UNSUPPORTED, b"a version of the format that zippy does not know")


cdef void note_field(RdbLoad* load, Slice name, Slice value) noexcept nogil:
    """Fields that nobody needs here are passed over."""
    cdef int64_t n
    if slice_is(name, b"repl-id") and value.len == REPLICATION_ID:
        memcpy(load.replication.id, value.ptr, REPLICATION_ID)
        load.replication.present = True
    if not num_read_i64(value, &n):
        return
    if slice_is(name, b"ctime"):
        load.saved_at = n
    elif slice_is(name, b"aof-base"):
        load.aof_base = n != 0
    elif slice_is(name, b"used-mem"):
        load.used_mem = n
    elif slice_is(name, b"repl-stream-db"):
        load.replication.db = n
    elif slice_is(name, b"repl-offset"):
        load.replication.offset = n


cdef void read_field(RdbLoader* l) noexcept nogil:
    cdef RdbText name
    cdef RdbText value
    if not rdb_read_text(l.r, &name):
        return
    if rdb_read_text(l.r, &value):
        note_field(l.load, name.s, value.s)
        rdb_text_free(&value)
    rdb_text_free(&name)


cdef void select_db(RdbLoader* l) noexcept nogil:
    cdef uint64_t number
    if not rdb_read_length(l.r, &number):
        return
    if number >= <uint64_t>l.ks.db_count:
        rdb_fail(l.r, RDB_UNSUPPORTED, b"a database of a higher number than the setting 'databases' allows")
        return
    l.db = l.ks.dbs[number]


cdef void reserve(RdbLoader* l) noexcept nogil:
    """Makes room for the keys that are announced, as far as the file can hold so many."""
    cdef uint64_t keys
    cdef uint64_t expires
    cdef uint64_t most = (rdb_left(l.r) + min(l.r.ahead, <size_t>FORESEEN)) // LEAST_KEY
    if not rdb_read_length(l.r, &keys) or not rdb_read_length(l.r, &expires):
        return
    kt_reserve(&l.db.table, keys if keys < most else most, expires if expires < most else most)


cdef void read_expiry(RdbLoader* l, bint seconds) noexcept nogil:
    cdef const unsigned char* p
    cdef uint64_t ms
    if seconds:
        p = rdb_take(l.r, 4)
        if p != NULL:
            l.pending.expiry = <int64_t>(p[0] | <uint64_t>p[1] << 8 | <uint64_t>p[2] << 16 | <uint64_t>p[3] << 24) * 1000
    elif rdb_read_u64(l.r, &ms):
        # a negative time is over, whichever it is; NO_EXPIRY would mean never
        l.pending.expiry = <int64_t>ms if <int64_t>ms >= 0 else 0


cdef void read_access(RdbLoader* l, int op) noexcept nogil:
    cdef uint64_t idle
    if op == OP_FREQ:
        l.pending.freq = rdb_read_byte(l.r)
    elif rdb_read_length(l.r, &idle):
        l.pending.idle = <int64_t>idle if idle <= <uint64_t>0x7FFFFFFF else 0x7FFFFFFF


cdef void read_library(RdbLoader* l) noexcept nogil:
    l.library_at = l.r.origin + l.r.at - 1
    if rdb_read_text(l.r, &l.library):
        l.has_library = True
        l.load.libraries += 1


cdef void skip_slot_sizes(RdbLoader* l) noexcept nogil:
    cdef uint64_t n
    cdef int _
    for _ in range(3):
        if not rdb_read_length(l.r, &n):
            return


cdef void read_about(RdbLoader* l, int op) noexcept nogil:
    """What is not a key."""
    if op == OP_AUX:
        read_field(l)
    elif op == OP_DATABASE:
        select_db(l)
    elif op == OP_SIZES:
        reserve(l)
    elif op == OP_EXPIRY_MS or op == OP_EXPIRY_SECONDS:
        read_expiry(l, op == OP_EXPIRY_SECONDS)
    elif op == OP_FREQ or op == OP_IDLE:
        read_access(l, op)
    elif op == OP_FUNCTION:
        read_library(l)
    elif op == OP_SLOT_INFO:
        skip_slot_sizes(l)
    elif op == OP_MODULE_AUX:
        rdb_fail(l.r, RDB_UNSUPPORTED, b"data of a module: zippy has no modules")
    elif op == OP_FUNCTION_OLD:
        rdb_fail(l.r, RDB_UNSUPPORTED, b"functions as a release candidate of Redis 7.0 wrote them")
    else:
        rdb_fail(l.r, RDB_CORRUPT, b"something of unknown kind")


cdef void put_loaded(RdbLoader* l, Entry* e) noexcept nogil:
    cdef Slice key = entry_key(e)
    cdef uint64_t hash = hash_bytes(key.ptr, key.len)
    if e.flags & ENTRY_EXPIRY and not l.load.keep_expired and entry_expiry(e) < l.ks.clock.ms:
        l.load.expired += 1
        value_free(e)
        return
    if kt_find_hashed(&l.db.table, key, hash) != NULL:
        if not l.load.replace_existing:
            rdb_fail(l.r, RDB_CORRUPT, b"a key that is there twice")
            value_free(e)
            return
        delete_key(l.db, key)
    entry_set_access(e, access_of_saved(l.ks, l.pending.idle, l.pending.freq))
    live_mark(l.ks, e)
    kt_insert(&l.db.table, e, hash)
    l.load.keys += 1


cdef void note_bad_key(RdbLoader* l, Slice key) noexcept nogil:
    l.load.bad_db = l.db.id
    l.load.bad_key_size = <int>key.len if key.len < BAD_KEY else BAD_KEY
    memcpy(l.load.bad_key, key.ptr, <size_t>l.load.bad_key_size)


cdef void read_key(RdbLoader* l, int type) noexcept nogil:
    cdef RdbText key
    cdef Entry* e
    if not rdb_knows_type(type):
        rdb_fail(l.r, RDB_CORRUPT, b"something of unknown type")
        return
    if not rdb_read_text(l.r, &key):
        return
    e = rdb_read_value(l.r, type, key.s, l.pending.expiry, l.ks.settings)
    if e != NULL:
        put_loaded(l, e)
    elif l.r.status == RDB_EMPTY:
        # some versions of Redis saved keys that hold nothing
        l.r.status = RDB_OK
        l.load.empty += 1
    if l.r.status != RDB_SHORT:
        if l.r.status != RDB_OK:
            note_bad_key(l, key.s)
        forget_pending(&l.pending)
    rdb_text_free(&key)


cdef void add_to_crc(RdbLoader* l) noexcept nogil:
    l.crc = crc64(l.crc, l.r.data + l.crc_at, l.r.at - l.crc_at)
    l.crc_at = l.r.at


cdef void check_crc(RdbLoader* l) noexcept nogil:
    cdef uint64_t stored
    cdef size_t end = l.r.at
    if l.load.version < 5 or not rdb_read_u64(l.r, &stored):
        return
    # zero: saved without a checksum
    if stored and stored != crc64(l.crc, l.r.data + l.crc_at, end - l.crc_at):
        rdb_fail(l.r, RDB_CORRUPT, b"the checksum is wrong")


cdef void rdb_load_begin(RdbLoader* l, Keyspace* ks, RdbReader* r, RdbLoad* load) noexcept nogil:
    memset(l, 0, sizeof(RdbLoader))
    l.ks = ks
    l.r = r
    l.load = load
    l.db = ks.dbs[0]
    load.bad_key_size = -1
    l.wanted = 1
    forget_pending(&l.pending)


cdef bint read_next(RdbLoader* l) noexcept nogil:
    """Reads the head or what follows; whether that was the end mark."""
    cdef int op
    if l.load.version == 0:
        read_head(l)
        return False
    op = rdb_read_byte(l.r)
    if op == OP_END:
        check_crc(l)
    elif op >= OP_SLOT_INFO:
        read_about(l, op)
    elif op >= 0:
        read_key(l, op)
    return op == OP_END


cdef bint rdb_load_some(RdbLoader* l, size_t bytes) noexcept nogil:
    cdef size_t begin = l.r.at
    cdef size_t at = begin
    cdef bint ended = False
    l.wanted = 1
    while l.r.status == RDB_OK and not ended:
        # in steps, while the bytes are in the cache
        add_to_crc(l)
        at = l.r.at
        if at - begin >= bytes or l.has_library:
            return True
        ended = read_next(l)
    if l.r.status == RDB_SHORT:
        # what is far larger than what comes at once is tried for at growing sizes, so that it takes no more than twice the time
        l.wanted = max(l.r.wanted, 2 * l.r.size - at) - at
        l.r.status = RDB_OK
        l.r.at = at
        return True
    l.load.bytes = l.r.origin + l.r.at
    return False
