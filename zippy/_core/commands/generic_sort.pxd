"""SORT and SORT_RO."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void sort_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void sort_ro_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
