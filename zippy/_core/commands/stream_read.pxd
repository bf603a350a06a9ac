"""Reading what comes behind an id, for oneself or for a consumer group, and waiting for it: XREAD, XREADGROUP."""

from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void xread_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void xreadgroup_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
