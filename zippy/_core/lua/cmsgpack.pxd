"""Lua's library `cmsgpack`: values to and from MessagePack, as lua-cmsgpack 0.4 does it."""

from zippy._core.lua.api cimport lua_State


cdef int open_cmsgpack(lua_State* L) noexcept nogil    # leaves the library's table on the stack
