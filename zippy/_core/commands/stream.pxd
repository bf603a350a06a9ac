"""Streams as a whole: XADD, XLEN, XSETID. The other commands of the group are in modules of their own, named stream_ and what they do."""

from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void xadd_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void xlen_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void xsetid_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
