"""Commands of the string group that count."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void incr_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void decr_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void incrby_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void decrby_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void incrbyfloat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
