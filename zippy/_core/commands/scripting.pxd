"""Commands that run scripts, and SCRIPT."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void eval_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void evalsha_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void eval_ro_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void evalsha_ro_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void script_load_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void script_exists_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void script_flush_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void script_kill_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void script_debug_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
