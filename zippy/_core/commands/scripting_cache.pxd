"""The scripts of an engine: the functions that were compiled, by their bodies and by their SHA-1."""

from libc.stdint cimport uint64_t
from zippy._core.ground.buf cimport Buf, Slice
from zippy._core.commands.scripting_types cimport Script, ScriptHost, Scripting
from zippy._core.commands.types cimport Client, Engine
from zippy._core.lua.api cimport lua_CFunction


# Opens a machine for scripts, with what `build` adds to its globals (see vm_open). False: `wrong` says why there is none
cdef bint host_open(ScriptHost* host, Engine* e, lua_CFunction build, Buf* wrong) noexcept nogil
cdef void host_close(ScriptHost* host) noexcept nogil
# The engine's scripts, made when they are asked for first; NULL: the client was told why there are none
cdef Scripting* scripting_of(Engine* e, Client* c) noexcept nogil
cdef void scripting_free(Engine* e) noexcept nogil                          # at once
# Takes the scripts from the engine and frees them in steps: some tens of milliseconds for 100,000 of them
cdef void scripting_retire(Engine* e) noexcept nogil
# A part of what a machine that is not used any more holds, whose functions are forgotten; True: it can be closed
cdef bint host_empty_some(ScriptHost* host) noexcept nogil
cdef Script* script_by_sha(Scripting* s, Slice sha) noexcept nogil          # of any case; NULL: nobody has loaded it
# The script whose body is at that place of the client's command, compiled if it is new. keeps: it stays until SCRIPT FLUSH. NULL: the
# client was told what is wrong with it
cdef Script* script_load(Scripting* s, Client* c, const Slice* argv, int place, bint keeps) noexcept nogil
cdef void script_used(Scripting* s, Script* script) noexcept nogil          # it is run now: others are evicted before it
cdef void script_stop(Engine* e) noexcept nogil                             # the script that runs, if there is one, ends with an error
