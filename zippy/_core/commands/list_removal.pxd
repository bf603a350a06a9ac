"""What every command that takes elements from a list does in the end."""

from libc.stdint cimport int64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine
from zippy._core.values.entry cimport Entry


# `count` elements have been taken from entry, the value of key: deletes an empty list, fits the encoding, reports the event
cdef void list_removed(Engine* e, Client* c, Slice key, Entry* entry, const char* event, int64_t count) noexcept nogil
