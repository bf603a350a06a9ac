"""A C function's arguments and errors, in the words of Lua's own auxiliary library.

What is said to raise does not return: control jumps to the innermost `lua_pcall`, so the caller may
hold nothing that it would have to free.
"""

from libc.stddef cimport ptrdiff_t, size_t
from zippy._core.lua.api cimport lua_State


cdef int raise_text(lua_State* L, const char* text) noexcept nogil                     # raises "<script>:<line>: text"
cdef int raise_argument(lua_State* L, int number, const char* why) noexcept nogil      # raises "bad argument #number to 'function' (why)"
cdef const char* string_argument(lua_State* L, int number, size_t* length) noexcept nogil  # the bytes of a string or number
cdef double number_argument(lua_State* L, int number) noexcept nogil                   # a number, or text that is one, or raises
cdef ptrdiff_t integer_argument(lua_State* L, int number) noexcept nogil               # the same, cut to an integer
cdef ptrdiff_t integer_argument_or(lua_State* L, int number, ptrdiff_t absent) noexcept nogil  # `absent` for nil and none
cdef void want_stack(lua_State* L, int places, const char* why) noexcept nogil  # so many places more, or raises "stack overflow (why)"
