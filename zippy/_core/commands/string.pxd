"""The string group."""

from libc.stdint cimport int64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine
from zippy._core.values.entry cimport Entry


# db_put_string of the argument at this place; what was received in a block of its own is not copied
cdef Entry* put_argument(Client* c, Entry* old, Slice key, const Slice* argv, int place, int64_t expiry) noexcept nogil
cdef void get_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void set_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void setnx_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void setex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void psetex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void getset_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void getdel_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void getex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void mget_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void mset_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void msetnx_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
