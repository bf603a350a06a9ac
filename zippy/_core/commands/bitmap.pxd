"""The bitmap group."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void setbit_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void getbit_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void bitcount_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void bitpos_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
