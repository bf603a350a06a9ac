# Shared by the saving child and the walk beside the traffic, which differ only in when they write a record.

from libc.string cimport memcpy
from zippy._core.ground.buf cimport slice_text
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.keyspace.key_table cimport kt_count, kt_count_elements, kt_count_expiring
from zippy._core.keyspace.libraries cimport libraries_write
from zippy._core.keyspace.lru cimport idle_seconds, lfu_counter, policy_is_lfu, policy_is_lru
from zippy._core.keyspace.rdb_op cimport OP_AUX, OP_DATABASE, OP_EXPIRY_MS, OP_FREQ, OP_IDLE, OP_SIZES
from zippy._core.values.entry cimport ENTRY_EXPIRY, entry_expiry, entry_key
from zippy._core.values.rdb cimport RDB_VERSION, RDB_VERSION_OLDEST, rdb_type_of
from zippy._core.values.rdb_stream cimport (
    rdb_write, rdb_write_byte, rdb_write_int_string, rdb_write_length, rdb_write_string, rdb_write_u64
)


cdef void write_field(RdbWriter* w, const char* name, Slice value) noexcept nogil:
    rdb_write_byte(w, OP_AUX)
    rdb_write_string(w, slice_text(name))
    rdb_write_string(w, value)


cdef void write_int_field(RdbWriter* w, const char* name, int64_t value) noexcept nogil:
    rdb_write_byte(w, OP_AUX)
    rdb_write_string(w, slice_text(name))
    rdb_write_int_string(w, value)


cdef int rdb_version_for(const Keyspace* ks) noexcept nogil:
    cdef int i
    for i in range(ks.db_count):
        if kt_count_elements(&ks.dbs[i].table):
            return RDB_VERSION
    return RDB_VERSION_OLDEST


cdef void rdb_write_head(RdbWriter* w, const Keyspace* ks, const RdbSave* save) noexcept nogil:
    cdef char[RDB_HEAD] head
    memcpy(head, b"REDIS00", 7)
    head[7] = <char>(48 + w.version // 10)
    head[8] = <char>(48 + w.version % 10)
    rdb_write(w, head, RDB_HEAD)
    write_field(w, b"redis-ver", slice_text(save.redis_version))
    write_int_field(w, b"redis-bits", 64)
    write_int_field(w, b"ctime", ks.clock.ms // 1000)
    write_int_field(w, b"used-mem", ks.account.used)
    if save.replication.present:
        write_int_field(w, b"repl-stream-db", save.replication.db)
        write_field(w, b"repl-id", slice_of(save.replication.id, REPLICATION_ID))
        write_int_field(w, b"repl-offset", save.replication.offset)
    write_int_field(w, b"aof-base", save.aof_base)
    if not save.without_libraries:
        libraries_write(w, &ks.libraries)


cdef void rdb_write_database(RdbWriter* w, int64_t number) noexcept nogil:
    rdb_write_byte(w, OP_DATABASE)
    rdb_write_length(w, <uint64_t>number)


cdef void rdb_write_sizes(RdbWriter* w, const Db* db) noexcept nogil:
    rdb_write_byte(w, OP_SIZES)
    rdb_write_length(w, kt_count(&db.table))
    rdb_write_length(w, kt_count_expiring(&db.table))


cdef void rdb_write_key_name(RdbWriter* w, const Keyspace* ks, Entry* e) noexcept nogil:
    if e.flags & ENTRY_EXPIRY:
        rdb_write_byte(w, OP_EXPIRY_MS)
        rdb_write_u64(w, <uint64_t>entry_expiry(e))
    if policy_is_lfu(ks):
        rdb_write_byte(w, OP_FREQ)
        rdb_write_byte(w, <int>lfu_counter(ks, e))
    elif policy_is_lru(ks):
        rdb_write_byte(w, OP_IDLE)
        rdb_write_length(w, idle_seconds(ks, e))
    rdb_write_byte(w, rdb_type_of(e, w.version))
    rdb_write_string(w, entry_key(e))
