"""How large values are: counts by powers of two, found by a walk over all keys that may pause between turns.

Nothing is counted while commands run: that would be two more counters to change in every SET. A walk takes some 0.04 us a key, for
entries are fetched side by side; one after the other it would take 0.1.
"""

from libc.stdint cimport int64_t, uint64_t
from zippy._core.keyspace.types cimport Keyspace
from zippy._core.values.entry cimport Entry

cdef enum:
    SIZED_TYPES = 5              # the types that have sizes: strings to hashes, by ValueType
    SIZE_BINS = 65               # 0, 1, 2 and 3, 4 to 7, 8 to 15 ...
    SIZED_TOGETHER = 64          # entries


cdef struct SizeWalk:
    # zeroed: at the beginning
    int db                       # where it is
    uint64_t cursor              # of kt_scan
    uint64_t[SIZED_TYPES][SIZE_BINS] counts      # of this database: strings by bytes, others by elements
    const Entry* fetched[SIZED_TOGETHER]         # entries that come into the cache side by side, to be counted before the step ends
    int fetched_count


# Goes on for about so long; True: the counts of database w.db are complete. Keys that come and go meanwhile may be counted or not
cdef bint size_walk_step(SizeWalk* w, Keyspace* ks, int64_t budget_us) noexcept nogil
cdef void size_walk_next_db(SizeWalk* w) noexcept nogil
