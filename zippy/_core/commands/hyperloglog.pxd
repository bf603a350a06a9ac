"""The hyperloglog group."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void pfadd_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void pfcount_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void pfmerge_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void pfdebug_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void pfselftest_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
