"""Intersections, unions and differences of sets, replied, counted or stored."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void sinter_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void sinterstore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void sintercard_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void sunion_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void sunionstore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void sdiff_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void sdiffstore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
