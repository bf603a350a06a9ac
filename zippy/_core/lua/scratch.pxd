"""A buffer that every library of a Lua state writes its results into, owned by the state.

It must not be on the C stack of who uses it: an error of Lua jumps past that. It belongs to a userdata, which is the first upvalue of each
function that `library_function` makes; so it lives as long as the state, is reused by the next call, and is freed with the state.
"""

from libc.stddef cimport size_t
from zippy._core.ground.buf cimport Buf
from zippy._core.lua.api cimport lua_CFunction, lua_State

cdef enum:
    SCRATCH_MAX = 512 * 1024 * 1024  # bytes that a library's result may have


cdef void scratch_push(lua_State* L) noexcept nogil                  # the userdata; the state's first call makes it
# puts a function into the table at -3; its upvalues are the userdata at -2 and the value at -1, which stay
cdef void library_function(lua_State* L, const char* name, lua_CFunction function) noexcept nogil
cdef Buf* scratch_begin(lua_State* L) noexcept nogil                 # the buffer, empty: in functions of library_function alone
cdef inline bint scratch_is_over(const Buf* out) noexcept nogil:     # who writes much asks now and then, and stops with scratch_raise
    return out.failed or out.len > SCRATCH_MAX
cdef int scratch_raise(lua_State* L, Buf* out, const char* text) noexcept nogil  # raises `text`, or want of memory when the buffer has that
cdef int scratch_return(lua_State* L, Buf* out, bint keep) noexcept nogil  # pushes what it holds and empties or frees it: 1, or raises
