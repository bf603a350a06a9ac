"""Whole RDB files: every key of every database to a file, and back."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.keyspace.rdb_record cimport RdbReplication, RdbSave
from zippy._core.keyspace.types cimport Db, Keyspace
from zippy._core.values.rdb_stream cimport RdbReader, RdbText

cdef enum:
    BAD_KEY = 256                # bytes of a key's name that are kept


cdef struct RdbLoad:
    # how a file is to be read, and what came of it
    bint keep_expired            # else keys whose time is over are left out: a replica and an append-only file keep them
    bint replace_existing        # the file's keys replace those that are there already; else that is an error
    uint64_t keys                # out: keys loaded
    uint64_t expired             # out: keys left out because their time was over
    uint64_t empty               # out: keys left out because they held nothing
    uint64_t libraries           # out: libraries of functions
    int version                  # out: the file's format
    int64_t saved_at             # out: seconds since the epoch, 0: unknown
    int64_t used_mem             # out: bytes of memory that the data took, 0: unknown
    bint aof_base                # out
    RdbReplication replication   # out
    size_t bytes                 # out: of the file, up to the end mark and checksum; what follows is not looked at
    int bad_key_size             # out: -1, or the bytes of bad_key: the key whose value is wrong
    int bad_db                   # out: its database
    char[BAD_KEY] bad_key        # out: its name, or how that begins


cdef struct RdbPending:
    # what stands before a key and is about it
    int64_t expiry               # ms since the epoch
    int64_t idle                 # seconds, -1: unknown
    int freq                     # LFU counter, -1: unknown


cdef struct RdbLoader:
    # a file that is being read
    Keyspace* ks
    RdbReader* r
    RdbLoad* load
    Db* db
    RdbPending pending
    bint has_library             # one was read: it is to be loaded by who can, and then library freed
    RdbText library              # its code
    size_t library_at            # where it begins in the file
    uint64_t crc                 # of the bytes up to crc_at
    size_t crc_at
    size_t wanted                # bytes that have to be there, where more are to come, before it is worth going on


# Writes everything to fd, which stays open and is not synced; True if all went well, else save.error. No Python, so that a forked child can
# call it
cdef bint rdb_save_file(Keyspace* ks, int fd, RdbSave* save) noexcept nogil
# Begins to read a file, mapped at r.data or with r.ahead bytes that are to come, into the keyspace; all four structs must stay where they
# are until its end
cdef void rdb_load_begin(RdbLoader* l, Keyspace* ks, RdbReader* r, RdbLoad* load) noexcept nogil
# Reads on for so many bytes and to the end of the key there, or up to behind a library of functions; True: there is more. Else load.bytes
# is set and r.status is RDB_OK, or it, r.problem and r.problem_at say what is wrong; what was read until then stays. Of what ends in its
# middle, while more is to come, nothing stays, and it is read again. The bytes before r.at are not looked at again
cdef bint rdb_load_some(RdbLoader* l, size_t bytes) noexcept nogil
