"""Clients by their ids."""

from libc.stdint cimport uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef Client* client_by_id(Engine* e, uint64_t id) noexcept nogil            # NULL: there is none
cdef void client_key_of(const void* item, Slice* key) noexcept nogil        # for Engine.clients_by_id
