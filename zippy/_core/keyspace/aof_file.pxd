"""The whole keyspace as commands that bring it about: the base of an append-only file without RDB."""

from libc.stdint cimport int64_t, uint64_t
from zippy._core.keyspace.saving_child cimport SavingChild
from zippy._core.keyspace.types cimport Keyspace


cdef struct AofSave:
    # how a file is to be written, and what came of it
    bint timestamp               # begin with the time
    bint incremental_sync        # push it to disk every few megabytes
    SavingChild* child           # borrowed; what writes it is not the server itself; or NULL
    uint64_t keys                # out: keys written
    uint64_t bytes               # out
    int error                    # out: errno, 0 when all went well


# Writes everything to fd, which stays open and is not synced; True if all went well, else save.error. No Python, so that a forked child can
# call it
cdef bint aof_save_file(Keyspace* ks, int fd, AofSave* save) noexcept nogil
