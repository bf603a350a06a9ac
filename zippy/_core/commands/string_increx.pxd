"""INCREX: counting within bounds, with an expiry."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void increx_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
