"""Commands of the string group that read or write a part of a string."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void append_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void strlen_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void getrange_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void substr_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void setrange_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
