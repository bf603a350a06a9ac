"""The connection group: what is answered without leaving the core."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void ping_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void echo_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void select_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void quit_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
