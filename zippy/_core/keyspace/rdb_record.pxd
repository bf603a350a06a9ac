"""What an RDB file consists of, as it is written: the head, with the libraries of functions; a database's number and sizes; a key."""

from libc.stdint cimport int64_t, uint64_t
from zippy._core.keyspace.saving_child cimport SavingChild
from zippy._core.keyspace.types cimport Db, Keyspace
from zippy._core.values.entry cimport Entry
from zippy._core.values.rdb_stream cimport RdbWriter

cdef enum:
    RDB_HEAD = 9                 # bytes: REDIS and four digits
    REPLICATION_ID = 40          # bytes


cdef struct RdbReplication:
    # where a replica may go on from after loading the file
    bint present
    int64_t db                   # the database selected in the stream of commands
    int64_t offset
    char[REPLICATION_ID] id


cdef struct RdbSave:
    # how a file is to be written, and what came of it
    const char* redis_version    # for the file's head
    bint compress
    bint checksum
    bint incremental_sync        # push it to disk every few megabytes
    bint aof_base                # it is the base of an append-only file
    SavingChild* child           # borrowed; what writes it is not the server itself; or NULL
    RdbReplication replication
    bint may_fork                # a save beside the traffic, where it would take too long
    unsigned int delay_us        # that a child waits after each key
    bint without_keys
    bint without_libraries
    uint64_t keys                # out: keys written
    uint64_t bytes               # out
    int error                    # out: errno, 0 when all went well


# The lowest version of the format that can hold what is in the keyspace
cdef int rdb_version_for(const Keyspace* ks) noexcept nogil
cdef void rdb_write_head(RdbWriter* w, const Keyspace* ks, const RdbSave* save) noexcept nogil    # with the libraries of functions
cdef void rdb_write_database(RdbWriter* w, int64_t number) noexcept nogil            # its keys follow
cdef void rdb_write_sizes(RdbWriter* w, const Db* db) noexcept nogil                 # of the database, for whoever loads it
cdef void rdb_write_key_name(RdbWriter* w, const Keyspace* ks, Entry* e) noexcept nogil   # all that stands before the value
