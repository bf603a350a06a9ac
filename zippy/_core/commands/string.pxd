"""The string group."""

from libc.stdint cimport int64_t, uint32_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine
from zippy._core.values.entry cimport Entry

cdef enum SetFlag:
    SET_NX = 1
    SET_XX = 2
    SET_GET = 4
    SET_KEEPTTL = 8
    SET_PERSIST = 16        # of GETEX
    # how the expiry is told
    SET_EX = 32
    SET_PX = 64
    SET_EXAT = 128
    SET_PXAT = 256
    SET_ANY_EXPIRY = SET_EX | SET_PX | SET_EXAT | SET_PXAT
    SET_SECONDS = SET_EX | SET_EXAT
    SET_RELATIVE = SET_EX | SET_PX
    # that an option which says what becomes of the expiry may not stand beside another one
    SET_NO_OTHER = SET_ANY_EXPIRY | SET_KEEPTTL | SET_PERSIST


# The moment meant by the argument of an expiry option (a SetFlag), in ms since the epoch; False: replied with an error
cdef bint expiry_of(Engine* e, Client* c, Slice text, uint32_t unit, const char* command, int64_t* expiry) noexcept nogil
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
cdef void msetex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
