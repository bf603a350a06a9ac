"""The server group: what is answered without leaving the core."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void dbsize_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void flushdb_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void flushall_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void swapdb_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void command_count_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void latency_reset_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void time_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void command_list_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void command_getkeys_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void command_getkeysandflags_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void monitor_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
