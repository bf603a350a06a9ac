"""The connection group's CLIENT subcommands for client-side caching."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void client_tracking_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void client_caching_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void client_getredir_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void client_trackinginfo_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
