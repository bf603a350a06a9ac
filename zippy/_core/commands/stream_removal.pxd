"""Deleting entries of streams by their ids and taking them off what is pending: XDEL, XDELEX, XACK, XACKDEL."""

from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void xdel_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void xdelex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void xack_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void xackdel_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
