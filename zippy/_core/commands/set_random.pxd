"""SPOP and SRANDMEMBER."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void srandmember_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void spop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
