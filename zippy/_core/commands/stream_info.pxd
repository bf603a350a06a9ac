"""What there is to know of a stream, its groups and its consumers: XINFO."""

from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void xinfo_stream_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void xinfo_groups_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void xinfo_consumers_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
