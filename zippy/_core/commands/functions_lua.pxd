"""Functions in Lua: how a library is loaded, and how a function of it runs."""

from libc.stddef cimport size_t
from zippy._core.ground.buf cimport Buf, Slice
from zippy._core.commands.scripting_types cimport ScriptRun
from zippy._core.commands.types cimport Call, Client, Engine, ScriptRights
from zippy._core.keyspace.libraries cimport Function, Libraries, Library

# Runs the code of a library, which registers functions with it; False: `error` says why not
cdef bint functions_lua_load(Engine* e, Library* library, Buf* error) noexcept nogil
cdef void functions_lua_forget(Engine* e, const Library* library) noexcept nogil        # what its functions are to Lua
# Takes the machine from the engine and frees it in steps, with all libraries that it has made. `libraries` is not to be used any more
cdef void functions_lua_retire(Engine* e, Libraries* libraries) noexcept nogil
cdef size_t functions_lua_bytes(const Engine* e) noexcept nogil      # that Lua holds
# Runs a function and replies to its caller; its keys are the first of argv, so many
cdef void functions_lua_run(
    Engine* e, Client* c, const Function* f, const ScriptRights* rights, int keys, int argc, Slice* argv
) noexcept nogil
cdef void functions_lua_stop(Engine* e) noexcept nogil       # the function that runs, if there is one, ends with an error
# The one under way: False: there is none
cdef bint functions_lua_running(const Engine* e, ScriptRun** run, const Call** call) noexcept nogil
