"""Popping from lists and moving between them, blocking or not."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void lpop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void rpop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void blpop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void brpop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void lmpop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void blmpop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void rpoplpush_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void lmove_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void brpoplpush_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void blmove_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
