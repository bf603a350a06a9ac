"""DUMP and RESTORE: a value as a string of bytes, and back."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void dump_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void restore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void restore_asking_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
