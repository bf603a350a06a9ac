"""Lua's library `bit`: operations on 32 bits, as Lua BitOp defines them."""

from zippy._core.lua.api cimport lua_State


cdef int open_bit(lua_State* L) noexcept nogil    # leaves the library's table on the stack
