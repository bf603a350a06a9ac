"""What is pending in a consumer group: XPENDING."""

from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void xpending_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
