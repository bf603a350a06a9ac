"""Removing members of sorted sets, and what all commands do that have removed some."""

from libc.stdint cimport int64_t
from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, command_fn
from zippy._core.values.entry cimport Entry


cdef command_fn sorted_set_removal_handler(const char* name) noexcept nogil
# After `count` members (1 or more) were removed: deletes the key if none is left, and says what happened
cdef void zset_removed(Client* c, Slice key, Entry* entry, const char* event, int64_t count) noexcept nogil
