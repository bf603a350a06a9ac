"""BITOP: strings combined bit by bit."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void bitop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
