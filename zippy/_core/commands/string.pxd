"""The string group."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


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
