"""The commands of functions, and what files need to load libraries."""

from zippy._core.ground.buf cimport Buf, Slice
from zippy._core.commands.types cimport Client, Engine
from zippy._core.keyspace.libraries cimport Library

# Makes a library of its code and puts it among the others. NULL: `error` says why there is none (its `failed`: out of memory), without
# a code
cdef Library* functions_load(Engine* e, Slice code, bint replace, Buf* error) noexcept nogil
cdef void functions_flush(Engine* e) noexcept nogil                         # deletes all libraries of clients

cdef void fcall_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void fcall_ro_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void function_delete_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void function_dump_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void function_flush_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void function_kill_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void function_list_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void function_load_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void function_restore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void function_stats_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
