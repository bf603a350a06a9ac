"""The commands on sorted sets."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void zadd_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zincrby_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zscore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zmscore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zcard_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zcount_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zlexcount_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zrank_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zrevrank_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
