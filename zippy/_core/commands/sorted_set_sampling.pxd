"""Random members, and all members bit by bit: ZRANDMEMBER, ZSCAN."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void zrandmember_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zscan_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
