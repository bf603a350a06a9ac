"""JSON as Lua values."""

from zippy._core.lua.api cimport lua_State


cdef struct DecodeSettings:
    int max_depth                    # arrays and objects within each other
    bint invalid_numbers             # nan, inf, hexadecimal numbers, leading zeros and + are taken as well


cdef int cjson_decode(lua_State* L, const DecodeSettings* settings) noexcept nogil    # pushes what argument 1 stands for: 1, or raises
