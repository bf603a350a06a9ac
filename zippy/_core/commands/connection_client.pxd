"""The connection group's CLIENT subcommands that need nothing but the core."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void client_id_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void client_getname_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void client_setname_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void client_no_evict_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void client_no_touch_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void client_reply_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void client_pause_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void client_unpause_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void client_unblock_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
