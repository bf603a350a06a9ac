"""Removing members of sorted sets, and what all commands do that have removed some."""

from libc.stdint cimport int64_t
from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, Engine
from zippy._core.values.entry cimport Entry


# After `count` members (1 or more) were removed: deletes the key if none is left, and says what happened
cdef void zset_removed(Client* c, Slice key, Entry* entry, const char* event, int64_t count) noexcept nogil
cdef void zrem_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zremrangebyrank_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zremrangebyscore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zremrangebylex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
