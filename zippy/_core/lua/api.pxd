"""Lua 5.1's C interface, by addresses: its functions are in a library that is opened at run time (`open_lua`).

The functions have Lua's own names and do what its manual says. Where a Lua error is raised (`lua_error`, want of memory, a metamethod)
control jumps to the innermost `lua_pcall` past all frames between, so none of them may hold anything that it would have to free.
"""

from libc.stddef cimport ptrdiff_t, size_t


cdef enum:
    LUA_MULTRET = -1
    LUA_REGISTRYINDEX = -10000
    LUA_ENVIRONINDEX = -10001
    LUA_GLOBALSINDEX = -10002
    LUA_MINSTACK = 20                # places that a C function has without asking
    LUA_IDSIZE = 60
    LUA_NOREF = -2

cdef enum LuaStatus:
    LUA_OK = 0
    LUA_YIELD = 1
    LUA_ERRRUN = 2
    LUA_ERRSYNTAX = 3
    LUA_ERRMEM = 4
    LUA_ERRERR = 5

cdef enum LuaType:
    LUA_TNONE = -1
    LUA_TNIL = 0
    LUA_TBOOLEAN = 1
    LUA_TLIGHTUSERDATA = 2
    LUA_TNUMBER = 3
    LUA_TSTRING = 4
    LUA_TTABLE = 5
    LUA_TFUNCTION = 6
    LUA_TUSERDATA = 7
    LUA_TTHREAD = 8

cdef enum LuaCollect:
    # what lua_gc is told
    LUA_GCSTOP = 0
    LUA_GCRESTART = 1
    LUA_GCCOLLECT = 2
    LUA_GCCOUNT = 3
    LUA_GCCOUNTB = 4
    LUA_GCSTEP = 5
    LUA_GCSETPAUSE = 6
    LUA_GCSETSTEPMUL = 7

cdef enum LuaEvent:
    LUA_HOOKCOUNT = 3
    LUA_MASKCOUNT = 1 << 3


cdef struct lua_State:
    int opaque                       # Lua's own


cdef struct lua_Debug:
    # a function that is being called, laid out as in lua.h
    int event
    const char* name
    const char* namewhat
    const char* what
    const char* source
    int currentline
    int nups
    int linedefined
    int lastlinedefined
    char[LUA_IDSIZE] short_src
    int i_ci


ctypedef int (*lua_CFunction)(lua_State* L) noexcept nogil
ctypedef void* (*lua_Alloc)(void* state, void* block, size_t old_size, size_t new_size) noexcept nogil
ctypedef void (*lua_Hook)(lua_State* L, lua_Debug* frame) noexcept nogil


cdef struct LuaApi:
    # the addresses; all NULL until open_lua has found them
    lua_State* (*newstate)(lua_Alloc allocate, void* state) noexcept nogil
    void (*close)(lua_State* L) noexcept nogil
    lua_CFunction (*atpanic)(lua_State* L, lua_CFunction panic) noexcept nogil
    lua_State* (*newthread)(lua_State* L) noexcept nogil
    int (*gettop)(lua_State* L) noexcept nogil
    void (*settop)(lua_State* L, int at) noexcept nogil
    void (*pushvalue)(lua_State* L, int at) noexcept nogil
    void (*remove)(lua_State* L, int at) noexcept nogil
    void (*insert)(lua_State* L, int at) noexcept nogil
    void (*replace)(lua_State* L, int at) noexcept nogil
    int (*checkstack)(lua_State* L, int more) noexcept nogil
    int (*isnumber)(lua_State* L, int at) noexcept nogil
    int (*isstring)(lua_State* L, int at) noexcept nogil
    int (*iscfunction)(lua_State* L, int at) noexcept nogil
    int (*type)(lua_State* L, int at) noexcept nogil
    const char* (*typename)(lua_State* L, int type) noexcept nogil
    int (*rawequal)(lua_State* L, int a, int b) noexcept nogil
    double (*tonumber)(lua_State* L, int at) noexcept nogil
    ptrdiff_t (*tointeger)(lua_State* L, int at) noexcept nogil
    int (*toboolean)(lua_State* L, int at) noexcept nogil
    lua_CFunction (*tocfunction)(lua_State* L, int at) noexcept nogil
    const char* (*tolstring)(lua_State* L, int at, size_t* length) noexcept nogil
    size_t (*objlen)(lua_State* L, int at) noexcept nogil
    void* (*touserdata)(lua_State* L, int at) noexcept nogil
    const void* (*topointer)(lua_State* L, int at) noexcept nogil
    void (*pushnil)(lua_State* L) noexcept nogil
    void (*pushnumber)(lua_State* L, double number) noexcept nogil
    void (*pushinteger)(lua_State* L, ptrdiff_t number) noexcept nogil
    void (*pushlstring)(lua_State* L, const char* bytes, size_t length) noexcept nogil
    void (*pushstring)(lua_State* L, const char* text) noexcept nogil
    void (*pushcclosure)(lua_State* L, lua_CFunction function, int upvalues) noexcept nogil
    void (*pushboolean)(lua_State* L, int value) noexcept nogil
    void (*pushlightuserdata)(lua_State* L, void* address) noexcept nogil
    void (*gettable)(lua_State* L, int at) noexcept nogil
    void (*getfield)(lua_State* L, int at, const char* name) noexcept nogil
    void (*rawget)(lua_State* L, int at) noexcept nogil
    void (*rawgeti)(lua_State* L, int at, int n) noexcept nogil
    void (*createtable)(lua_State* L, int items, int fields) noexcept nogil
    void* (*newuserdata)(lua_State* L, size_t bytes) noexcept nogil
    int (*getmetatable)(lua_State* L, int at) noexcept nogil
    void (*settable)(lua_State* L, int at) noexcept nogil
    void (*setfield)(lua_State* L, int at, const char* name) noexcept nogil
    void (*rawset)(lua_State* L, int at) noexcept nogil
    void (*rawseti)(lua_State* L, int at, int n) noexcept nogil
    int (*setmetatable)(lua_State* L, int at) noexcept nogil
    int (*setfenv)(lua_State* L, int at) noexcept nogil
    void (*call)(lua_State* L, int arguments, int results) noexcept nogil
    int (*pcall)(lua_State* L, int arguments, int results, int handler) noexcept nogil
    int (*cpcall)(lua_State* L, lua_CFunction function, void* argument) noexcept nogil
    int (*gc)(lua_State* L, int what, int data) noexcept nogil
    int (*error)(lua_State* L) noexcept nogil
    int (*next)(lua_State* L, int at) noexcept nogil
    void (*concat)(lua_State* L, int count) noexcept nogil
    int (*getstack)(lua_State* L, int level, lua_Debug* frame) noexcept nogil
    int (*getinfo)(lua_State* L, const char* what, lua_Debug* frame) noexcept nogil
    int (*sethook)(lua_State* L, lua_Hook hook, int mask, int count) noexcept nogil
    int (*loadbuffer)(lua_State* L, const char* code, size_t length, const char* name) noexcept nogil
    void (*where)(lua_State* L, int level) noexcept nogil
    int (*ref)(lua_State* L, int table) noexcept nogil
    void (*unref)(lua_State* L, int table, int number) noexcept nogil
    int (*open_base)(lua_State* L) noexcept nogil
    int (*open_table)(lua_State* L) noexcept nogil
    int (*open_string)(lua_State* L) noexcept nogil
    int (*open_math)(lua_State* L) noexcept nogil
    int (*open_debug)(lua_State* L) noexcept nogil
    int (*open_os)(lua_State* L) noexcept nogil
    int (*argerror)(lua_State* L, int argument, const char* text) noexcept nogil
    const char* (*checklstring)(lua_State* L, int argument, size_t* length) noexcept nogil
    double (*checknumber)(lua_State* L, int argument) noexcept nogil
    ptrdiff_t (*checkinteger)(lua_State* L, int argument) noexcept nogil
    void (*checktype)(lua_State* L, int argument, int type) noexcept nogil
    void (*checkany)(lua_State* L, int argument) noexcept nogil


cdef LuaApi lua


cdef inline lua_State* lua_newstate(lua_Alloc allocate, void* state) noexcept nogil:
    return lua.newstate(allocate, state)


cdef inline void lua_close(lua_State* L) noexcept nogil:
    lua.close(L)


cdef inline lua_CFunction lua_atpanic(lua_State* L, lua_CFunction panic) noexcept nogil:
    return lua.atpanic(L, panic)


cdef inline lua_State* lua_newthread(lua_State* L) noexcept nogil:
    return lua.newthread(L)


cdef inline int lua_gettop(lua_State* L) noexcept nogil:
    return lua.gettop(L)


cdef inline void lua_settop(lua_State* L, int at) noexcept nogil:
    lua.settop(L, at)


cdef inline void lua_pushvalue(lua_State* L, int at) noexcept nogil:
    lua.pushvalue(L, at)


cdef inline void lua_remove(lua_State* L, int at) noexcept nogil:
    lua.remove(L, at)


cdef inline void lua_insert(lua_State* L, int at) noexcept nogil:
    lua.insert(L, at)


cdef inline void lua_replace(lua_State* L, int at) noexcept nogil:
    lua.replace(L, at)


cdef inline int lua_checkstack(lua_State* L, int more) noexcept nogil:
    return lua.checkstack(L, more)


cdef inline int lua_isnumber(lua_State* L, int at) noexcept nogil:
    return lua.isnumber(L, at)


cdef inline int lua_isstring(lua_State* L, int at) noexcept nogil:
    return lua.isstring(L, at)


cdef inline int lua_iscfunction(lua_State* L, int at) noexcept nogil:
    return lua.iscfunction(L, at)


cdef inline int lua_type(lua_State* L, int at) noexcept nogil:
    return lua.type(L, at)


cdef inline const char* lua_typename(lua_State* L, int type) noexcept nogil:
    return lua.typename(L, type)


cdef inline int lua_rawequal(lua_State* L, int a, int b) noexcept nogil:
    return lua.rawequal(L, a, b)


cdef inline double lua_tonumber(lua_State* L, int at) noexcept nogil:
    return lua.tonumber(L, at)


cdef inline ptrdiff_t lua_tointeger(lua_State* L, int at) noexcept nogil:
    return lua.tointeger(L, at)


cdef inline int lua_toboolean(lua_State* L, int at) noexcept nogil:
    return lua.toboolean(L, at)


cdef inline lua_CFunction lua_tocfunction(lua_State* L, int at) noexcept nogil:
    return lua.tocfunction(L, at)


cdef inline const char* lua_tolstring(lua_State* L, int at, size_t* length) noexcept nogil:
    return lua.tolstring(L, at, length)


cdef inline size_t lua_objlen(lua_State* L, int at) noexcept nogil:
    return lua.objlen(L, at)


cdef inline void* lua_touserdata(lua_State* L, int at) noexcept nogil:
    return lua.touserdata(L, at)


cdef inline const void* lua_topointer(lua_State* L, int at) noexcept nogil:
    return lua.topointer(L, at)


cdef inline void lua_pushnil(lua_State* L) noexcept nogil:
    lua.pushnil(L)


cdef inline void lua_pushnumber(lua_State* L, double number) noexcept nogil:
    lua.pushnumber(L, number)


cdef inline void lua_pushinteger(lua_State* L, ptrdiff_t number) noexcept nogil:
    lua.pushinteger(L, number)


cdef inline void lua_pushlstring(lua_State* L, const char* bytes, size_t length) noexcept nogil:
    lua.pushlstring(L, bytes, length)


cdef inline void lua_pushstring(lua_State* L, const char* text) noexcept nogil:
    lua.pushstring(L, text)


cdef inline void lua_pushcclosure(lua_State* L, lua_CFunction function, int upvalues) noexcept nogil:
    lua.pushcclosure(L, function, upvalues)


cdef inline void lua_pushboolean(lua_State* L, int value) noexcept nogil:
    lua.pushboolean(L, value)


cdef inline void lua_pushlightuserdata(lua_State* L, void* address) noexcept nogil:
    lua.pushlightuserdata(L, address)


cdef inline void lua_gettable(lua_State* L, int at) noexcept nogil:
    lua.gettable(L, at)


cdef inline void lua_getfield(lua_State* L, int at, const char* name) noexcept nogil:
    lua.getfield(L, at, name)


cdef inline void lua_rawget(lua_State* L, int at) noexcept nogil:
    lua.rawget(L, at)


cdef inline void lua_rawgeti(lua_State* L, int at, int n) noexcept nogil:
    lua.rawgeti(L, at, n)


cdef inline void lua_createtable(lua_State* L, int items, int fields) noexcept nogil:
    lua.createtable(L, items, fields)


cdef inline void* lua_newuserdata(lua_State* L, size_t bytes) noexcept nogil:
    return lua.newuserdata(L, bytes)


cdef inline int lua_getmetatable(lua_State* L, int at) noexcept nogil:
    return lua.getmetatable(L, at)


cdef inline void lua_settable(lua_State* L, int at) noexcept nogil:
    lua.settable(L, at)


cdef inline void lua_setfield(lua_State* L, int at, const char* name) noexcept nogil:
    lua.setfield(L, at, name)


cdef inline void lua_rawset(lua_State* L, int at) noexcept nogil:
    lua.rawset(L, at)


cdef inline void lua_rawseti(lua_State* L, int at, int n) noexcept nogil:
    lua.rawseti(L, at, n)


cdef inline int lua_setmetatable(lua_State* L, int at) noexcept nogil:
    return lua.setmetatable(L, at)


cdef inline int lua_setfenv(lua_State* L, int at) noexcept nogil:
    return lua.setfenv(L, at)


cdef inline void lua_call(lua_State* L, int arguments, int results) noexcept nogil:
    lua.call(L, arguments, results)


cdef inline int lua_pcall(lua_State* L, int arguments, int results, int handler) noexcept nogil:
    return lua.pcall(L, arguments, results, handler)


cdef inline int lua_cpcall(lua_State* L, lua_CFunction function, void* argument) noexcept nogil:
    return lua.cpcall(L, function, argument)


cdef inline int lua_gc(lua_State* L, int what, int data) noexcept nogil:
    return lua.gc(L, what, data)


cdef inline int lua_error(lua_State* L) noexcept nogil:
    return lua.error(L)


cdef inline int lua_next(lua_State* L, int at) noexcept nogil:
    return lua.next(L, at)


cdef inline void lua_concat(lua_State* L, int count) noexcept nogil:
    lua.concat(L, count)


cdef inline int lua_getstack(lua_State* L, int level, lua_Debug* frame) noexcept nogil:
    return lua.getstack(L, level, frame)


cdef inline int lua_getinfo(lua_State* L, const char* what, lua_Debug* frame) noexcept nogil:
    return lua.getinfo(L, what, frame)


cdef inline int lua_sethook(lua_State* L, lua_Hook hook, int mask, int count) noexcept nogil:
    return lua.sethook(L, hook, mask, count)


cdef inline int luaL_loadbuffer(lua_State* L, const char* code, size_t length, const char* name) noexcept nogil:
    return lua.loadbuffer(L, code, length, name)


cdef inline void luaL_where(lua_State* L, int level) noexcept nogil:
    lua.where(L, level)


cdef inline int luaL_ref(lua_State* L, int table) noexcept nogil:
    return lua.ref(L, table)


cdef inline void luaL_unref(lua_State* L, int table, int number) noexcept nogil:
    lua.unref(L, table, number)


cdef inline int luaL_argerror(lua_State* L, int argument, const char* text) noexcept nogil:
    return lua.argerror(L, argument, text)


cdef inline const char* luaL_checklstring(lua_State* L, int argument, size_t* length) noexcept nogil:
    return lua.checklstring(L, argument, length)


cdef inline double luaL_checknumber(lua_State* L, int argument) noexcept nogil:
    return lua.checknumber(L, argument)


cdef inline ptrdiff_t luaL_checkinteger(lua_State* L, int argument) noexcept nogil:
    return lua.checkinteger(L, argument)


cdef inline void luaL_checktype(lua_State* L, int argument, int type) noexcept nogil:
    lua.checktype(L, argument, type)


cdef inline void luaL_checkany(lua_State* L, int argument) noexcept nogil:
    lua.checkany(L, argument)


cdef inline void lua_pop(lua_State* L, int count) noexcept nogil:
    lua.settop(L, -count - 1)


cdef inline void lua_newtable(lua_State* L) noexcept nogil:
    lua.createtable(L, 0, 0)


cdef inline void lua_pushcfunction(lua_State* L, lua_CFunction function) noexcept nogil:
    lua.pushcclosure(L, function, 0)


cdef inline void lua_setglobal(lua_State* L, const char* name) noexcept nogil:
    lua.setfield(L, LUA_GLOBALSINDEX, name)


cdef inline void lua_getglobal(lua_State* L, const char* name) noexcept nogil:
    lua.getfield(L, LUA_GLOBALSINDEX, name)


cdef inline int lua_upvalueindex(int number) noexcept nogil:
    return LUA_GLOBALSINDEX - number


cdef bint lua_is_there() noexcept nogil      # whether open_lua has succeeded
# Opens the library that lupa carries, unless it is open already; False: there is none, and lua_missing tells why
cdef bint lua_find() noexcept with gil
cdef const char* lua_missing() noexcept nogil
