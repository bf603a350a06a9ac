"""Lua values as JSON."""

from zippy._core.lua.api cimport lua_State


cdef enum InvalidNumbers:
    # what becomes of NaN and infinities
    INVALID_REFUSED
    INVALID_WRITTEN                  # nan, inf, -inf: no JSON
    INVALID_AS_NULL


cdef struct EncodeSettings:
    bint convert                     # excessively sparse arrays to objects; else they are refused
    int ratio                        # an array is excessively sparse if its last index is more than so many times its items, and ...
    int safe                         # ... above this; a ratio of 0 allows all
    int max_depth                    # tables within tables
    int precision                    # significant digits of a number, 1 to 14
    InvalidNumbers invalid
    bint keep_buffer                 # the buffer stays for the next call


cdef int cjson_encode(lua_State* L, const EncodeSettings* settings) noexcept nogil    # pushes argument 1 as text: 1, or raises
