"""Opens Lua machines, compiles code for them and runs it.

Every Lua function that may fail is called inside of lua_pcall: by what runs in `vm_run`. A Lua error jumps there past all frames between.
"""

from libc.stddef cimport size_t
from zippy._core.ground.buf cimport Buf, Slice
from zippy._core.lua.api cimport lua_CFunction, lua_Hook, lua_State
from zippy._core.lua.vm cimport LuaVm

cdef enum:
    HOOK_INSTRUCTIONS = 20_000   # after so many of them the hook is called


cdef struct LuaError:
    # What an error says. The slices are borrowed from the value, which is on the stack until vm_drop_error
    Slice text
    Slice source                 # the name of the chunk; ptr NULL: nobody knows where it was
    int line
    bint is_table                # else it was raised where there was no memory for more than a text
    bint counted                 # a command of the script replied with it, and it is counted


# Opens a sandbox (lua_find has succeeded) with what `build` adds: it is called with the real table of globals on top, and
# leaves the stack as it is. False: out of memory, and nothing was opened
cdef bint vm_open(LuaVm* vm, void* owner, lua_CFunction build, lua_Hook hook) noexcept nogil
cdef void vm_close(LuaVm* vm) noexcept nogil
# Compiles text of the name "@name" to a function that `vm_push_function` pushes by the number returned. 0: what is wrong is in `wrong`
cdef int vm_compile(LuaVm* vm, Slice code, const char* name, Buf* wrong) noexcept nogil
cdef void vm_forget(LuaVm* vm, int function) noexcept nogil          # what vm_compile returned; the collector takes it
# Keeps a C function with the owner as its upvalue; its number. To be called by `build`
cdef int vm_keep(lua_State* L, lua_CFunction function, void* owner) noexcept nogil
# Runs the C function that vm_keep keeps, in a protected call with the handler of errors; it finds the array of field names at stack
# place 1. False: it raised an error, which `error` tells of until vm_drop_error
cdef bint vm_run(LuaVm* vm, int body, LuaError* error) noexcept nogil
cdef void vm_drop_error(LuaVm* vm) noexcept nogil
cdef bint vm_collect_some(LuaVm* vm) noexcept nogil                  # one step of the collector; True: it has been through all
cdef void vm_collect(LuaVm* vm) noexcept nogil                       # one step of the collector, now and then; to be called in a body
