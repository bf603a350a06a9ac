"""What a saving child does between keys: it tells its parent how far it is and what it costs, and looks whether the parent lives."""

from libc.stdint cimport int64_t, uint64_t


cdef struct ChildNews:
    # memory that the child shares with its parent
    uint64_t keys                # written
    uint64_t copied              # bytes that are the child's alone, because it or the parent changed them after the fork
    uint64_t most_copied         # the highest of all looks
    int64_t looked_us            # when that was looked at last, monotonic; 0: not yet


cdef struct SavingChild:
    int parent                   # process that must be alive, else the file is given up
    unsigned int delay_us        # to wait after each key
    ChildNews* news              # borrowed
    int64_t look_us              # when to look at the memory again, monotonic


# 0, or an errno when the file has to be given up; keys: how many are written now
cdef int child_wrote_key(SavingChild* child, uint64_t keys) noexcept nogil
cdef int child_is_alone(const SavingChild* child) noexcept nogil         # an errno when the parent is gone, else 0
cdef uint64_t child_copied() noexcept nogil                              # bytes of this process that are its alone and were written to
# Has a child that was just made know how to end, and closes all descriptors but these, which get new numbers in place of theirs
cdef void child_settle(int* kept, int count) noexcept nogil
cdef ChildNews* child_news_new() noexcept nogil                          # shared memory; NULL: see errno
cdef void child_news_free(ChildNews* news) noexcept nogil                # may be NULL
cdef void child_look(SavingChild* child) noexcept nogil                  # at what it costs, now
cdef int64_t child_news_age_us(const ChildNews* news) noexcept nogil     # how old `copied` is
