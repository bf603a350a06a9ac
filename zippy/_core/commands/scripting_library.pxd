"""What scripts call of ours: the table `redis`."""

from zippy._core.ground.buf cimport Slice
from zippy._core.lua.api cimport lua_CFunction, lua_State
from zippy._core.commands.scripting_types cimport ScriptHost


# Puts the table `redis`, whose functions belong to the host, into the table on top. May raise a Lua error
cdef void scripting_library(lua_State* L, ScriptHost* host, bint of_functions) noexcept nogil
# The same for the globals of a library of functions that is being loaded: they have a metatable that tells of what they lack
cdef void loading_library(lua_State* L, ScriptHost* host, lua_CFunction register_function) noexcept nogil
cdef int scripting_raise(lua_State* L, const char* text) noexcept nogil      # raises an error's table with this text
cdef int scripting_raise_pushed(lua_State* L) noexcept nogil                 # with the text on top
cdef void sha1_text(Slice data, char* text) noexcept nogil                   # SHA_TEXT bytes, lower case
