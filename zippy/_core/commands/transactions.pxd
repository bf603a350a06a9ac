"""The transactions group."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void multi_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void discard_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void exec_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void watch_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void unwatch_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
