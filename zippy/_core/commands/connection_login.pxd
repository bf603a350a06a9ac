"""AUTH: who a client is."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void auth_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
