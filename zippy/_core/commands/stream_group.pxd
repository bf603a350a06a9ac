"""Consumer groups: XGROUP, and finding groups and consumers for the other commands."""

from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, Engine
from zippy._core.values.entry cimport Entry
from zippy._core.values.stream_group cimport StreamConsumer, StreamGroup


cdef void xgroup_create_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void xgroup_createconsumer_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void xgroup_delconsumer_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void xgroup_destroy_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void xgroup_setid_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil

# The group of a stream's entry, which may be absent (NULL). NULL: replied with NOGROUP, or with WRONGTYPE; `after` ends NOGROUP's text
cdef StreamGroup* check_group(Client* c, Slice key, Entry* entry, Slice name, const char* after) noexcept nogil
# An error that repeats one name or two as a whole, but for what stands behind a NUL
cdef void reply_error_naming(
    Client* c, const char* before, Slice first, const char* between, Slice second, const char* after
) noexcept nogil
cdef void reply_no_such_group(Client* c, Slice key, Slice name) noexcept nogil     # NOGROUP, as XGROUP and XINFO say it
# The consumer of that name, which is seen now. `fresh`: it is new, and has to be propagated by propagate_consumer unless a claim for it is
cdef StreamConsumer* consumer_seen(Engine* e, Client* c, Slice key, StreamGroup* group, Slice name, bint* fresh) noexcept nogil
cdef void propagate_consumer(Engine* e, Client* c, Slice key, const StreamGroup* group, const StreamConsumer* consumer) noexcept nogil
# "XGROUP SETID key group id ENTRIESREAD n" to others: what the group has read
cdef void propagate_read(Engine* e, Client* c, Slice key, const StreamGroup* group) noexcept nogil


cdef inline int64_t idle_ms(const Engine* e, int64_t since) noexcept nogil:
    """How long it is since a moment (ms since the epoch), which a file may have any value for."""
    return <int64_t>(<uint64_t>e.ks.clock.ms - <uint64_t>since)
