"""What scripts see of Lua: its harmless functions, and tables that nobody can change.

Lua 5.1 has no tables that are read-only, so a protected table is an empty one that stands for the real one: its metatable reads there and
refuses to write. What could get round a metatable is replaced by functions that know protected tables: rawset, rawget, next, pairs,
setmetatable, getmetatable, and those of `table` that write.
"""

from zippy._core.lua.api cimport lua_State


# Opens the libraries that scripts may have and puts the protected table of globals into the place of the global one. Leaves the real
# table of globals on the stack, for what is to be added: whatever is there scripts can read and not write. May raise Lua errors
cdef void sandbox_build(lua_State* L) noexcept nogil
cdef void sandbox_protect(lua_State* L) noexcept nogil          # the table on top is replaced by a protected one that stands for it
cdef bint sandbox_is_protected(lua_State* L, int at) noexcept nogil     # whether the value at that place is a protected table
# Compiles code, which must be text, and leaves the function on the stack, or what is wrong; a LuaStatus. A blank is put before what Lua
# would take for compiled code, so that it is none
cdef int sandbox_load(lua_State* L, const char* code, size_t length, const char* name) noexcept nogil
