# A function that Lua calls finds its machine in the registry, under an address that no script can make: several machines of several threads
# take turns, so none can be the current one.

from zippy._core.ground.mem cimport mem_free, mem_try_realloc
from zippy._core.lua.api cimport (
    LUA_REGISTRYINDEX, lua_concat, lua_error, lua_pop, lua_pushlightuserdata, lua_pushstring, lua_rawget, lua_rawset, lua_touserdata,
    luaL_where
)

cdef char machine                # its address is the key


cdef void* vm_allocate(void* vm, void* block, size_t old_size, size_t new_size) noexcept nogil:
    cdef LuaVm* v = <LuaVm*>vm
    cdef void* moved
    if new_size == 0:
        v.bytes -= old_size
        mem_free(block)
        return NULL
    if new_size > old_size and v.limit and v.bytes + (new_size - old_size) > v.limit:
        return NULL
    moved = mem_try_realloc(block, new_size)
    if moved != NULL:
        v.bytes += new_size - old_size
    elif new_size <= old_size:
        # Lua relies on it that nothing shrinks in vain
        moved = block
    return moved


cdef void vm_register(LuaVm* vm) noexcept nogil:
    lua_pushlightuserdata(vm.L, &machine)
    lua_pushlightuserdata(vm.L, vm)
    lua_rawset(vm.L, LUA_REGISTRYINDEX)


cdef LuaVm* vm_of(lua_State* L) noexcept nogil:
    cdef LuaVm* vm
    lua_pushlightuserdata(L, &machine)
    lua_rawget(L, LUA_REGISTRYINDEX)
    vm = <LuaVm*>lua_touserdata(L, -1)
    lua_pop(L, 1)
    return vm


cdef int vm_raise(lua_State* L, const char* text, bint place) noexcept nogil:
    luaL_where(L, 1 if place else -1)
    lua_pushstring(L, text)
    lua_concat(L, 2)
    return lua_error(L)


cdef int vm_raise_about(lua_State* L, const char* before, const char* what, const char* after) noexcept nogil:
    luaL_where(L, 1)
    lua_pushstring(L, before)
    lua_pushstring(L, what)
    lua_pushstring(L, after)
    lua_concat(L, 4)
    return lua_error(L)
