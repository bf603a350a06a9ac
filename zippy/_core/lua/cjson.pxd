"""Lua's library `cjson`: values to and from JSON, as lua-cjson 2.1 does it."""

from zippy._core.lua.api cimport lua_State


cdef int open_cjson(lua_State* L) noexcept nogil    # leaves the library's table on the stack
