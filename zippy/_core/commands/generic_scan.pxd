"""The generic commands that go through the keys of a database."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void keys_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void randomkey_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void scan_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
