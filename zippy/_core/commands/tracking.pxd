"""Client-side caching: who has read what, and who is told that it is not so any more."""

from libc.stdint cimport uint32_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Call, Client, Command, Engine, Tracking


cdef void tracking_init(Tracking* t) noexcept nogil
cdef void tracking_free(Tracking* t) noexcept nogil                         # all clients have left
# From now on, and with these TRACKING_ flags alone; the prefixes, each without overlap, join those that the client has
cdef void start_tracking(Engine* e, Client* c, uint32_t flags, uint64_t redirect, int count, const Slice* prefixes) noexcept nogil
cdef void stop_tracking(Engine* e, Client* c) noexcept nogil                # nothing where it does not track
cdef void forget_tracking(Engine* e, Client* c) noexcept nogil              # it is about to be freed; it has stopped tracking
# A call ends while there are clients whose reads are remembered: remembers what this one read, and ends what CLIENT CACHING said
cdef void remember_reads(Engine* e, const Call* call) noexcept nogil
cdef void end_caching(const Engine* e, Client* c, const Command* command) noexcept nogil    # a command has ended; NULL: an unknown one
# A key has changed, or all have (an EventKind): tells those who read it, and notes it for those who are told at the turn's end
cdef void invalidate(Engine* e, int kind, Slice key) noexcept nogil
cdef void tell_own(Engine* e, Client* c) noexcept nogil                     # what the client's own call made invalid; after its reply
cdef void tell_of_writes(Engine* e) noexcept nogil                          # the turn ends: those who broadcast are told
cdef bint trim_tracked(Engine* e, int most) noexcept nogil                  # forgets random keys above the limit, at most so many
