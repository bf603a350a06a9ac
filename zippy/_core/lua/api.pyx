# Lua's own library is not linked: wheels of zippy carry no Lua, and lupa's extension for Lua 5.1 exports the whole C interface. It is never
# imported as a module, which would start a runtime of its own; its file is opened and the functions are asked for by name.

import os
from importlib import machinery
from importlib.util import find_spec

from libc.stddef cimport size_t
from libc.string cimport memcpy, strncpy

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
    size_t place                     # the address of its field in `lua`


cdef bint found_all = False
cdef char[200] missing


cdef bint lua_is_there() noexcept nogil:
    return found_all


cdef Function[72] FUNCTIONS
FUNCTIONS[0] = Function(b"lua_newstate", <size_t>&lua.newstate)
FUNCTIONS[1] = Function(b"lua_close", <size_t>&lua.close)
FUNCTIONS[2] = Function(b"lua_atpanic", <size_t>&lua.atpanic)
FUNCTIONS[3] = Function(b"lua_newthread", <size_t>&lua.newthread)
FUNCTIONS[4] = Function(b"lua_gettop", <size_t>&lua.gettop)
FUNCTIONS[5] = Function(b"lua_settop", <size_t>&lua.settop)
FUNCTIONS[6] = Function(b"lua_pushvalue", <size_t>&lua.pushvalue)
FUNCTIONS[7] = Function(b"lua_remove", <size_t>&lua.remove)
FUNCTIONS[8] = Function(b"lua_insert", <size_t>&lua.insert)
FUNCTIONS[9] = Function(b"lua_replace", <size_t>&lua.replace)
FUNCTIONS[10] = Function(b"lua_checkstack", <size_t>&lua.checkstack)
FUNCTIONS[11] = Function(b"lua_isnumber", <size_t>&lua.isnumber)
FUNCTIONS[12] = Function(b"lua_isstring", <size_t>&lua.isstring)
FUNCTIONS[13] = Function(b"lua_iscfunction", <size_t>&lua.iscfunction)
FUNCTIONS[14] = Function(b"lua_type", <size_t>&lua.type)
FUNCTIONS[15] = Function(b"lua_typename", <size_t>&lua.typename)
FUNCTIONS[16] = Function(b"lua_rawequal", <size_t>&lua.rawequal)
FUNCTIONS[17] = Function(b"lua_tonumber", <size_t>&lua.tonumber)
FUNCTIONS[18] = Function(b"lua_tointeger", <size_t>&lua.tointeger)
FUNCTIONS[19] = Function(b"lua_toboolean", <size_t>&lua.toboolean)
FUNCTIONS[20] = Function(b"lua_tolstring", <size_t>&lua.tolstring)
FUNCTIONS[21] = Function(b"lua_objlen", <size_t>&lua.objlen)
FUNCTIONS[22] = Function(b"lua_touserdata", <size_t>&lua.touserdata)
FUNCTIONS[23] = Function(b"lua_topointer", <size_t>&lua.topointer)
FUNCTIONS[24] = Function(b"lua_pushnil", <size_t>&lua.pushnil)
FUNCTIONS[25] = Function(b"lua_pushnumber", <size_t>&lua.pushnumber)
FUNCTIONS[26] = Function(b"lua_pushinteger", <size_t>&lua.pushinteger)
FUNCTIONS[27] = Function(b"lua_pushlstring", <size_t>&lua.pushlstring)
FUNCTIONS[28] = Function(b"lua_pushstring", <size_t>&lua.pushstring)
FUNCTIONS[29] = Function(b"lua_pushcclosure", <size_t>&lua.pushcclosure)
FUNCTIONS[30] = Function(b"lua_pushboolean", <size_t>&lua.pushboolean)
FUNCTIONS[31] = Function(b"lua_pushlightuserdata", <size_t>&lua.pushlightuserdata)
FUNCTIONS[32] = Function(b"lua_gettable", <size_t>&lua.gettable)
FUNCTIONS[33] = Function(b"lua_getfield", <size_t>&lua.getfield)
FUNCTIONS[34] = Function(b"lua_rawget", <size_t>&lua.rawget)
FUNCTIONS[35] = Function(b"lua_rawgeti", <size_t>&lua.rawgeti)
FUNCTIONS[36] = Function(b"lua_createtable", <size_t>&lua.createtable)
FUNCTIONS[37] = Function(b"lua_newuserdata", <size_t>&lua.newuserdata)
FUNCTIONS[38] = Function(b"lua_getmetatable", <size_t>&lua.getmetatable)
FUNCTIONS[39] = Function(b"lua_settable", <size_t>&lua.settable)
FUNCTIONS[40] = Function(b"lua_setfield", <size_t>&lua.setfield)
FUNCTIONS[41] = Function(b"lua_rawset", <size_t>&lua.rawset)
FUNCTIONS[42] = Function(b"lua_rawseti", <size_t>&lua.rawseti)
FUNCTIONS[43] = Function(b"lua_setmetatable", <size_t>&lua.setmetatable)
FUNCTIONS[44] = Function(b"lua_setfenv", <size_t>&lua.setfenv)
FUNCTIONS[45] = Function(b"lua_call", <size_t>&lua.call)
FUNCTIONS[46] = Function(b"lua_pcall", <size_t>&lua.pcall)
FUNCTIONS[47] = Function(b"lua_cpcall", <size_t>&lua.cpcall)
FUNCTIONS[48] = Function(b"lua_gc", <size_t>&lua.gc)
FUNCTIONS[49] = Function(b"lua_error", <size_t>&lua.error)
FUNCTIONS[50] = Function(b"lua_next", <size_t>&lua.next)
FUNCTIONS[51] = Function(b"lua_concat", <size_t>&lua.concat)
FUNCTIONS[52] = Function(b"lua_getstack", <size_t>&lua.getstack)
FUNCTIONS[53] = Function(b"lua_getinfo", <size_t>&lua.getinfo)
FUNCTIONS[54] = Function(b"lua_sethook", <size_t>&lua.sethook)
FUNCTIONS[55] = Function(b"luaL_loadbuffer", <size_t>&lua.loadbuffer)
FUNCTIONS[56] = Function(b"luaL_where", <size_t>&lua.where)
FUNCTIONS[57] = Function(b"luaL_ref", <size_t>&lua.ref)
FUNCTIONS[58] = Function(b"luaL_unref", <size_t>&lua.unref)
FUNCTIONS[59] = Function(b"luaopen_base", <size_t>&lua.open_base)
FUNCTIONS[60] = Function(b"luaopen_table", <size_t>&lua.open_table)
FUNCTIONS[61] = Function(b"luaopen_string", <size_t>&lua.open_string)
FUNCTIONS[62] = Function(b"luaopen_math", <size_t>&lua.open_math)
FUNCTIONS[63] = Function(b"luaopen_debug", <size_t>&lua.open_debug)
FUNCTIONS[64] = Function(b"luaopen_os", <size_t>&lua.open_os)
FUNCTIONS[65] = Function(b"lua_tocfunction", <size_t>&lua.tocfunction)
FUNCTIONS[66] = Function(b"luaL_argerror", <size_t>&lua.argerror)
FUNCTIONS[67] = Function(b"luaL_checklstring", <size_t>&lua.checklstring)
FUNCTIONS[68] = Function(b"luaL_checknumber", <size_t>&lua.checknumber)
FUNCTIONS[69] = Function(b"luaL_checkinteger", <size_t>&lua.checkinteger)
FUNCTIONS[70] = Function(b"luaL_checktype", <size_t>&lua.checktype)
FUNCTIONS[71] = Function(b"luaL_checkany", <size_t>&lua.checkany)


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
        memcpy(<char*>&found + (FUNCTIONS[i].place - <size_t>&lua), &address, sizeof(address))
    memcpy(&lua, &found, sizeof(LuaApi))
    found_all = True


def lupa_library() -> bytes:
    """The file of lupa's extension for Lua 5.1, found without importing lupa. OSError: there is none."""
    spec = find_spec("lupa")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for suffix in machinery.EXTENSION_SUFFIXES:
            path = os.path.join(folder, f"lua51{suffix}")
            if os.path.exists(path):
                return os.fsencode(path)
    raise OSError("the package lupa with its extension lua51 is not installed")


cdef bint lua_find() noexcept with gil:
    if found_all:
        return True
    try:
        open_lua(lupa_library())
    except (OSError, ValueError) as error:
        strncpy(missing, str(error).encode(), sizeof(missing) - 1)
    return found_all


cdef const char* lua_missing() noexcept nogil:
    return missing
