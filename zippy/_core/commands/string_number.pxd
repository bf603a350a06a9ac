"""Commands of the string group that count."""

from libc.stdint cimport int64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine
from zippy._core.values.entry cimport Entry


# The integer that a string holds, 0 for an absent one; False: replied with an error
cdef bint read_int(Client* c, Entry* entry, int64_t* n) noexcept nogil
cdef bint read_float(Client* c, Slice text, long double* d) noexcept nogil      # False: replied with an error
cdef void incr_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void decr_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void incrby_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void decrby_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void incrbyfloat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
