# Lua's own library is not linked: wheels of zippy carry no Lua, and lupa's extension for Lua 5.1 exports the whole C interface. It is never
# imported as a module, which would start a runtime of its own; its file is opened and the functions are asked for by name.

from libc.stddef cimport size_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #if defined(_WIN32)
    static void* zippy_dlopen(const char* path) { return NULL; }
    static void* zippy_dlsym(void* library, const char* name) { return NULL; }
    static const char* zippy_dlerror(void) { return "there is no such library for this system"; }
    #else
    #include <dlfcn.h>
    static void* zippy_dlopen(const char* path) { return dlopen(path, RTLD_NOW | RTLD_LOCAL); }
    static void* zippy_dlsym(void* library, const char* name) { return dlsym(library, name); }
    static const char* zippy_dlerror(void) { return dlerror(); }
    #endif
    """
    void* zippy_dlopen(const char* path) noexcept nogil
    void* zippy_dlsym(void* library, const char* name) noexcept nogil
    const char* zippy_dlerror() noexcept nogil


cdef struct Function:
    const char* name
    size_t place                     # of its address in LuaApi


cdef bint found_all = False


cdef bint lua_is_there() noexcept nogil:
    return found_all


cdef Function[65] FUNCTIONS
FUNCTIONS[0] = Function(b"lua_newstate", <size_t>&(<LuaApi*>NULL).newstate)
FUNCTIONS[1] = Function(b"lua_close", <size_t>&(<LuaApi*>NULL).close)
FUNCTIONS[2] = Function(b"lua_atpanic", <size_t>&(<LuaApi*>NULL).atpanic)
FUNCTIONS[3] = Function(b"lua_newthread", <size_t>&(<LuaApi*>NULL).newthread)
FUNCTIONS[4] = Function(b"lua_gettop", <size_t>&(<LuaApi*>NULL).gettop)
FUNCTIONS[5] = Function(b"lua_settop", <size_t>&(<LuaApi*>NULL).settop)
FUNCTIONS[6] = Function(b"lua_pushvalue", <size_t>&(<LuaApi*>NULL).pushvalue)
FUNCTIONS[7] = Function(b"lua_remove", <size_t>&(<LuaApi*>NULL).remove)
FUNCTIONS[8] = Function(b"lua_insert", <size_t>&(<LuaApi*>NULL).insert)
FUNCTIONS[9] = Function(b"lua_replace", <size_t>&(<LuaApi*>NULL).replace)
FUNCTIONS[10] = Function(b"lua_checkstack", <size_t>&(<LuaApi*>NULL).checkstack)
FUNCTIONS[11] = Function(b"lua_isnumber", <size_t>&(<LuaApi*>NULL).isnumber)
FUNCTIONS[12] = Function(b"lua_isstring", <size_t>&(<LuaApi*>NULL).isstring)
FUNCTIONS[13] = Function(b"lua_iscfunction", <size_t>&(<LuaApi*>NULL).iscfunction)
FUNCTIONS[14] = Function(b"lua_type", <size_t>&(<LuaApi*>NULL).type)
FUNCTIONS[15] = Function(b"lua_typename", <size_t>&(<LuaApi*>NULL).typename)
FUNCTIONS[16] = Function(b"lua_rawequal", <size_t>&(<LuaApi*>NULL).rawequal)
FUNCTIONS[17] = Function(b"lua_tonumber", <size_t>&(<LuaApi*>NULL).tonumber)
FUNCTIONS[18] = Function(b"lua_tointeger", <size_t>&(<LuaApi*>NULL).tointeger)
FUNCTIONS[19] = Function(b"lua_toboolean", <size_t>&(<LuaApi*>NULL).toboolean)
FUNCTIONS[20] = Function(b"lua_tolstring", <size_t>&(<LuaApi*>NULL).tolstring)
FUNCTIONS[21] = Function(b"lua_objlen", <size_t>&(<LuaApi*>NULL).objlen)
FUNCTIONS[22] = Function(b"lua_touserdata", <size_t>&(<LuaApi*>NULL).touserdata)
FUNCTIONS[23] = Function(b"lua_topointer", <size_t>&(<LuaApi*>NULL).topointer)
FUNCTIONS[24] = Function(b"lua_pushnil", <size_t>&(<LuaApi*>NULL).pushnil)
FUNCTIONS[25] = Function(b"lua_pushnumber", <size_t>&(<LuaApi*>NULL).pushnumber)
FUNCTIONS[26] = Function(b"lua_pushinteger", <size_t>&(<LuaApi*>NULL).pushinteger)
FUNCTIONS[27] = Function(b"lua_pushlstring", <size_t>&(<LuaApi*>NULL).pushlstring)
FUNCTIONS[28] = Function(b"lua_pushstring", <size_t>&(<LuaApi*>NULL).pushstring)
FUNCTIONS[29] = Function(b"lua_pushcclosure", <size_t>&(<LuaApi*>NULL).pushcclosure)
FUNCTIONS[30] = Function(b"lua_pushboolean", <size_t>&(<LuaApi*>NULL).pushboolean)
FUNCTIONS[31] = Function(b"lua_pushlightuserdata", <size_t>&(<LuaApi*>NULL).pushlightuserdata)
FUNCTIONS[32] = Function(b"lua_gettable", <size_t>&(<LuaApi*>NULL).gettable)
FUNCTIONS[33] = Function(b"lua_getfield", <size_t>&(<LuaApi*>NULL).getfield)
FUNCTIONS[34] = Function(b"lua_rawget", <size_t>&(<LuaApi*>NULL).rawget)
FUNCTIONS[35] = Function(b"lua_rawgeti", <size_t>&(<LuaApi*>NULL).rawgeti)
FUNCTIONS[36] = Function(b"lua_createtable", <size_t>&(<LuaApi*>NULL).createtable)
FUNCTIONS[37] = Function(b"lua_newuserdata", <size_t>&(<LuaApi*>NULL).newuserdata)
FUNCTIONS[38] = Function(b"lua_getmetatable", <size_t>&(<LuaApi*>NULL).getmetatable)
FUNCTIONS[39] = Function(b"lua_settable", <size_t>&(<LuaApi*>NULL).settable)
FUNCTIONS[40] = Function(b"lua_setfield", <size_t>&(<LuaApi*>NULL).setfield)
FUNCTIONS[41] = Function(b"lua_rawset", <size_t>&(<LuaApi*>NULL).rawset)
FUNCTIONS[42] = Function(b"lua_rawseti", <size_t>&(<LuaApi*>NULL).rawseti)
FUNCTIONS[43] = Function(b"lua_setmetatable", <size_t>&(<LuaApi*>NULL).setmetatable)
FUNCTIONS[44] = Function(b"lua_setfenv", <size_t>&(<LuaApi*>NULL).setfenv)
FUNCTIONS[45] = Function(b"lua_call", <size_t>&(<LuaApi*>NULL).call)
FUNCTIONS[46] = Function(b"lua_pcall", <size_t>&(<LuaApi*>NULL).pcall)
FUNCTIONS[47] = Function(b"lua_cpcall", <size_t>&(<LuaApi*>NULL).cpcall)
FUNCTIONS[48] = Function(b"lua_gc", <size_t>&(<LuaApi*>NULL).gc)
FUNCTIONS[49] = Function(b"lua_error", <size_t>&(<LuaApi*>NULL).error)
FUNCTIONS[50] = Function(b"lua_next", <size_t>&(<LuaApi*>NULL).next)
FUNCTIONS[51] = Function(b"lua_concat", <size_t>&(<LuaApi*>NULL).concat)
FUNCTIONS[52] = Function(b"lua_getstack", <size_t>&(<LuaApi*>NULL).getstack)
FUNCTIONS[53] = Function(b"lua_getinfo", <size_t>&(<LuaApi*>NULL).getinfo)
FUNCTIONS[54] = Function(b"lua_sethook", <size_t>&(<LuaApi*>NULL).sethook)
FUNCTIONS[55] = Function(b"luaL_loadbuffer", <size_t>&(<LuaApi*>NULL).loadbuffer)
FUNCTIONS[56] = Function(b"luaL_where", <size_t>&(<LuaApi*>NULL).where)
FUNCTIONS[57] = Function(b"luaL_ref", <size_t>&(<LuaApi*>NULL).ref)
FUNCTIONS[58] = Function(b"luaL_unref", <size_t>&(<LuaApi*>NULL).unref)
FUNCTIONS[59] = Function(b"luaopen_base", <size_t>&(<LuaApi*>NULL).open_base)
FUNCTIONS[60] = Function(b"luaopen_table", <size_t>&(<LuaApi*>NULL).open_table)
FUNCTIONS[61] = Function(b"luaopen_string", <size_t>&(<LuaApi*>NULL).open_string)
FUNCTIONS[62] = Function(b"luaopen_math", <size_t>&(<LuaApi*>NULL).open_math)
FUNCTIONS[63] = Function(b"luaopen_debug", <size_t>&(<LuaApi*>NULL).open_debug)
FUNCTIONS[64] = Function(b"luaopen_os", <size_t>&(<LuaApi*>NULL).open_os)


def open_lua(path: bytes) -> None:
    """Opens the shared library at `path`, which has Lua 5.1's C interface, once for the process.

    OSError: it can't be opened, or lacks a function.
    """
    global found_all
    cdef LuaApi found
    cdef void* library
    cdef void* address
    cdef size_t i
    if found_all:
        return
    library = zippy_dlopen(path)
    if library == NULL:
        raise OSError(zippy_dlerror().decode(errors="replace"))
    for i in range(sizeof(FUNCTIONS) // sizeof(Function)):
        address = zippy_dlsym(library, FUNCTIONS[i].name)
        if address == NULL:
            raise OSError(f"{path.decode(errors='replace')} has no function {FUNCTIONS[i].name.decode()}")
        memcpy(<char*>&found + FUNCTIONS[i].place, &address, sizeof(address))
    memcpy(&lua, &found, sizeof(LuaApi))
    found_all = True
