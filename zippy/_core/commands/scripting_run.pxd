"""Runs a script or a function: as one call, with its keys and arguments, until it ends or is stopped."""

from libc.stddef cimport size_t
from zippy._core.ground.buf cimport Slice
from zippy._core.lua.api cimport lua_Debug, lua_State
from zippy._core.commands.scripting_types cimport ScriptHost, ScriptRun
from zippy._core.commands.types cimport Engine


cdef void push_list(lua_State* L, const Slice* items, int count) noexcept nogil    # as a table; may raise a Lua error
cdef size_t script_memory_limit(const Engine* e) noexcept nogil      # bytes that scripts may hold
cdef int run_body(lua_State* L) noexcept nogil           # the C function that runs a script with the globals KEYS and ARGV
cdef void scripting_hook(lua_State* L, lua_Debug* frame) noexcept nogil     # Lua's count hook: looks at how long the script runs
# Runs what `run` describes by the C function `body` (vm_keep) and replies to its caller. The gate has let the caller's command pass
cdef void host_run(ScriptHost* host, ScriptRun* run, int body) noexcept nogil
