# The allocation is the house's, not the state's: growing by realloc leaves Lua's collector no garbage, and the bytes are counted where the
# engine's are.

from zippy._core.ground.buf cimport buf_clear, buf_free, buf_init, buf_reserve
from zippy._core.lua.api cimport (
    LUA_OK, LUA_REGISTRYINDEX, LUA_TNIL, lua_createtable, lua_error, lua_newuserdata, lua_pcall, lua_pop, lua_pushcclosure,
    lua_pushcfunction, lua_pushlightuserdata, lua_pushlstring, lua_pushvalue, lua_rawget, lua_rawset, lua_setfield,
    lua_setmetatable, lua_touserdata, lua_type, lua_upvalueindex
)
from zippy._core.lua.arguments cimport raise_text

cdef enum:
    SMALL = 4096                     # bytes of a result that is pushed without a care


cdef char registry_key = 0           # its address is where the userdata is in the registry


cdef int collect_scratch(lua_State* L) noexcept nogil:
    buf_free(<Buf*>lua_touserdata(L, 1))
    return 0


cdef void scratch_push(lua_State* L) noexcept nogil:
    lua_pushlightuserdata(L, &registry_key)
    lua_rawget(L, LUA_REGISTRYINDEX)
    if lua_type(L, -1) != LUA_TNIL:
        return
    lua_pop(L, 1)
    buf_init(<Buf*>lua_newuserdata(L, sizeof(Buf)))
    lua_createtable(L, 0, 1)
    lua_pushcfunction(L, collect_scratch)
    lua_setfield(L, -2, b"__gc")
    lua_setmetatable(L, -2)
    lua_pushlightuserdata(L, &registry_key)
    lua_pushvalue(L, -2)
    lua_rawset(L, LUA_REGISTRYINDEX)


cdef void library_function(lua_State* L, const char* name, lua_CFunction function) noexcept nogil:
    lua_pushvalue(L, -2)
    lua_pushvalue(L, -2)
    lua_pushcclosure(L, function, 2)
    lua_setfield(L, -4, name)


cdef Buf* scratch_begin(lua_State* L) noexcept nogil:
    cdef Buf* out = <Buf*>lua_touserdata(L, lua_upvalueindex(1))
    buf_clear(out)
    buf_reserve(out, 1)              # so that there is an address even for nothing
    return out


cdef int scratch_raise(lua_State* L, Buf* out, const char* text) noexcept nogil:
    cdef bint failed = out.failed
    buf_clear(out)
    if failed:
        text = b"not enough memory"
    return raise_text(L, text)


cdef int push_held(lua_State* L) noexcept nogil:
    cdef Buf* out = <Buf*>lua_touserdata(L, 1)
    lua_pushlstring(L, out.data, out.len)
    return 1


cdef int scratch_return(lua_State* L, Buf* out, bint keep) noexcept nogil:
    cdef int status = LUA_OK
    if scratch_is_over(out):
        return scratch_raise(L, out, b"result is longer than 512 MiB")
    if out.len <= SMALL:
        lua_pushlstring(L, out.data, out.len)
    else:
        # where there is no memory for the string, the buffer must not stay until the next call
        lua_pushcfunction(L, push_held)
        lua_pushlightuserdata(L, out)
        status = lua_pcall(L, 1, 1, 0)
    if keep:
        buf_clear(out)
    else:
        buf_free(out)
    return 1 if status == LUA_OK else lua_error(L)
