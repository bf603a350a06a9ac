"""Popping the lowest and highest members of sorted sets, blocking or not."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void zpopmin_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zpopmax_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void bzpopmin_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void bzpopmax_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zmpop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void bzmpop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
