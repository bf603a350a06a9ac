"""A Lua machine of ours: its state, its memory and what its functions have to know of it."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.lua.api cimport lua_Hook, lua_State


cdef struct LuaVm:
    lua_State* L
    size_t bytes                 # that Lua holds
    size_t limit                 # bytes that it may hold; 0: as many as there are
    bint stopped                 # what runs is to end: no pcall holds it up
    lua_Hook hook                # to be called, with NULL, by what takes long within one instruction
    int fields                   # in the registry: an array of the names in convert.pxd
    int globals                  # the real table of globals
    int handler                  # what makes a table of an error
    uint64_t random              # state of math.random
    uint64_t calls               # so many since the collector was last made to work
    void* owner                  # whose machine it is, opaque here


# Lua's allocator: over ours, so what scripts hold is charged to the engine
cdef void* vm_allocate(void* vm, void* block, size_t old_size, size_t new_size) noexcept nogil
cdef void vm_register(LuaVm* vm) noexcept nogil              # for vm_of; may raise a Lua error
cdef LuaVm* vm_of(lua_State* L) noexcept nogil               # of a function that is running; needs two places on the stack, raises nothing
# Raises an error with this text; place: with the line of the function that called the running one
cdef int vm_raise(lua_State* L, const char* text, bint place) noexcept nogil
cdef int vm_raise_about(lua_State* L, const char* before, const char* what, const char* after) noexcept nogil    # with the line
