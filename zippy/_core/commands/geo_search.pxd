"""Searches for members in a circle or a box."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void geosearch_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void geosearchstore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void georadius_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void georadius_ro_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void georadiusbymember_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void georadiusbymember_ro_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
