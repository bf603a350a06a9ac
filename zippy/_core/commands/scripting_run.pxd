"""Runs a script or a function: as one call, with its keys and arguments, until it ends or is stopped."""

from zippy._core.lua.api cimport lua_Debug, lua_State
from zippy._core.commands.scripting_types cimport ScriptHost, ScriptRun


cdef int run_body(lua_State* L) noexcept nogil           # the C function that runs a script with the globals KEYS and ARGV
cdef void scripting_hook(lua_State* L, lua_Debug* frame) noexcept nogil     # Lua's count hook: looks at how long the script runs
# Runs what `run` describes by the C function `body` (vm_keep) and replies to its caller. The gate has let the caller's command pass
cdef void host_run(ScriptHost* host, ScriptRun* run, int body) noexcept nogil
