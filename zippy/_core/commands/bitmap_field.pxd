"""BITFIELD: integers of any width at any bit offset."""

from libc.stdint cimport int64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


# The number of a bit that a string may have: "17", and for a width > 0 also "#2", the begin of the third integer so wide.
# False: replied with an error
cdef bint arg_bit_offset(Engine* e, Client* c, Slice text, int width, int64_t* offset) noexcept nogil
cdef void bitfield_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void bitfield_ro_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
