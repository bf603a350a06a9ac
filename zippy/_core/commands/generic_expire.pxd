"""The generic commands about expiry."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void expire_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void pexpire_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void expireat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void pexpireat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void ttl_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void pttl_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void expiretime_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void pexpiretime_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void persist_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
