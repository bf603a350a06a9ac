"""Unions, intersections and differences of sorted sets; plain sets take part with scores of 1."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void zunion_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zinter_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zdiff_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zunionstore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zinterstore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zdiffstore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zintercard_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
