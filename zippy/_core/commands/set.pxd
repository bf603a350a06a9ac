"""The set group: adding, removing, moving, reading, scanning. Drawing is in set_random, several sets at once in set_operations."""

from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void sadd_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void srem_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void smove_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void scard_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void sismember_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void smismember_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void smembers_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void sscan_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
