"""Lua's library `struct`: numbers and strings to and from bytes laid out as in C."""

from zippy._core.lua.api cimport lua_State


cdef int open_struct(lua_State* L) noexcept nogil    # leaves the library's table on the stack
