"""Databases: finding, opening, putting and deleting keys; expiry at access.

The first door for writes is open_for_write: it finds the key as a writer sees it (expired keys are gone) and lets a running snapshot save
the old value.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.keyspace.types cimport Db, Keyspace
from zippy._core.values.entry cimport Entry
from zippy._core.values.settings cimport Settings

cdef enum:
    PREFETCHED = 16      # keys fetched at a time


cdef void keyspace_init(Keyspace* ks, int databases, Settings* settings, uint64_t seed) noexcept nogil
cdef void keyspace_free(Keyspace* ks) noexcept nogil

# Has the first PREFETCHED of `count` keys (each step-th word) fetched into the cache side by side; what is no key does no harm
cdef void db_prefetch(Db* db, int count, const Slice* words, int step) noexcept nogil
cdef Entry* lookup_read(Db* db, Slice key) noexcept nogil            # counts hit or miss, touches LRU/LFU, expires; NULL: absent
cdef Entry* lookup_quiet(Db* db, Slice key) noexcept nogil           # the same without touching (TTL, EXISTS, TYPE)
cdef Entry* lookup_peek(Db* db, Slice key) noexcept nogil            # neither counts nor touches (OBJECT, WATCH)
# the first door: the entry about to be changed, NULL: absent (it may be put then)
cdef Entry* open_for_write(Db* db, Slice key) noexcept nogil
cdef void open_found(Db* db, Entry* e) noexcept nogil                # the same for an entry that lookup_read has just found

# Puts e under its key. The key must be absent: open_for_write said so (use put_over otherwise). An expired entry that nobody could delete
# yet (CLIENT PAUSE, a replica) is absent to open_for_write: it is deleted now, so that there are never two entries for one key
cdef void put_new(Db* db, Entry* e) noexcept nogil
cdef void put_over(Db* db, Entry* e) noexcept nogil                  # puts e, freeing what was under its key; the expiry is e's own
cdef bint delete_key(Db* db, Slice key) noexcept nogil               # tells nobody: call mutated() after; False: was absent
cdef Entry* detach(Db* db, Slice key) noexcept nogil                 # takes the entry out and hands it to the caller; NULL: absent
cdef Entry* db_set_expiry(Db* db, Entry* e, int64_t expiry) noexcept nogil   # NO_EXPIRY takes it away; the entry's new address
# Strings. old is what open_for_write returned: NULL, or a value of any type for db_put_string, a string for the others. The
# result is the entry's new address; NULL: out of memory, and nothing has changed.
cdef Entry* db_put_string(Db* db, Entry* old, Slice key, Slice value, int64_t expiry) noexcept nogil     # as SET: int, embstr or raw
# As db_put_string for a value of more than INLINE_MAX bytes, with room for a Blob before it: it is `block`, which the entry takes over.
# What was under the key is freed after the command, whose arguments it may hold
cdef Entry* db_put_taken(Db* db, Entry* old, Slice key, void* block, size_t len, int64_t expiry) noexcept nogil
# db_put_string that frees what was under the key in the same way
cdef Entry* db_put_string_beside(Db* db, Entry* old, Slice key, Slice value, int64_t expiry) noexcept nogil
cdef Entry* db_put_int(Db* db, Entry* old, Slice key, int64_t n) noexcept nogil          # keeps the expiry
cdef Entry* db_put_text(Db* db, Entry* old, Slice key, Slice value) noexcept nogil       # keeps the expiry; never int
# A new one of len zeros without expiry; *data is where they are, to be written to
cdef Entry* db_put_zeros(Db* db, Slice key, size_t len, char** data) noexcept nogil
cdef Entry* db_resize_string(Db* db, Entry* e, size_t len, char** data) noexcept nogil   # entry_string_resize for an entry in the table
cdef void delete_moved(Db* db, Entry* e) noexcept nogil              # of a key that another node of the cluster has now: no event tells
cdef bint is_expired(Db* db, const Entry* e) noexcept nogil          # at the cached clock
cdef bint expire_if_needed(Db* db, Entry* e) noexcept nogil          # True: it was expired, and has been deleted and reported

cdef uint64_t flush_db(Db* db, bint lazy) noexcept nogil             # keys removed; watched keys are touched; lazy: freed in steps
cdef void shrink_tables(Keyspace* ks, uint64_t steps) noexcept nogil  # what removals left too large, at most so many steps a table
cdef void swap_dbs(Keyspace* ks, int a, int b) noexcept nogil
cdef Entry* random_key(Db* db) noexcept nogil                        # NULL if empty; never an expired one unless nearly all are
