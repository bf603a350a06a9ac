"""The list group: pushing, reading, changing. Popping and moving, blocking or not, is in list_pop."""

from libc.stdint cimport int64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine
from zippy._core.values.entry cimport Entry


cdef void lpush_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void rpush_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void lpushx_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void rpushx_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void llen_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void lindex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void lrange_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void lset_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void linsert_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void ltrim_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void lrem_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void lpos_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
