"""What follows when members have left a set."""

from libc.stdint cimport int64_t
from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client
from zippy._core.values.entry cimport Entry


# After `changes` members left the set: tells it as `event`, and deletes the key when the set is empty. entry may be gone then
cdef void members_removed(Client* c, Slice key, const Entry* entry, const char* event, int64_t changes) noexcept nogil
