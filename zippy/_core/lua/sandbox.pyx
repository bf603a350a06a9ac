# Which globals and functions there are was asked of Redis 8.2. A replaced function calls Lua's own as C calls C, in the same frame: so
# errors name the function as the script did.

from zippy._core.lua.api cimport (
    LUA_GLOBALSINDEX, LUA_MULTRET, LUA_TFUNCTION, LUA_TNIL, LUA_TSTRING, LUA_TTABLE, lua, lua_call, lua_CFunction, lua_concat, lua_error,
    lua_getfield, lua_getmetatable, lua_gettop, lua_insert, lua_isstring, lua_newtable, lua_pcall, lua_pop, lua_pushboolean,
    lua_pushcclosure, lua_pushcfunction, lua_pushinteger, lua_pushlightuserdata, lua_pushlstring, lua_pushnil, lua_pushstring,
    lua_pushvalue, lua_rawgeti, lua_rawset, lua_rawseti, lua_remove, lua_replace, lua_setfield, lua_setmetatable, lua_settop,
    lua_State, lua_tocfunction, lua_tolstring, lua_touserdata, lua_type, lua_upvalueindex, luaL_checkany, luaL_checklstring,
    luaL_loadbuffer
)
from zippy._core.lua.bit cimport open_bit
from zippy._core.lua.cjson cimport open_cjson
from zippy._core.lua.cmsgpack cimport open_cmsgpack
from zippy._core.lua.patterns cimport pattern_functions
from zippy._core.lua.random cimport random_functions
from zippy._core.lua.struct_pack cimport open_struct
from zippy._core.lua.vm cimport vm_of, vm_raise, vm_raise_about

cdef enum MetaSlot:
    # what a metatable of ours has beside its metamethods
    META_MARK = 1                # a light userdata that no script can make: it is one of ours
    META_REAL = 2                # the table that the protected one stands for
    META_SHOWN = 3               # what getmetatable tells instead of the metatable; nil: there is none

cdef char mark                   # its address is what META_MARK holds


cdef struct Stock:
    # Lua's own functions behind the replaced ones
    lua_CFunction pairs
    lua_CFunction next
    lua_CFunction rawget
    lua_CFunction rawset
    lua_CFunction setmetatable
    lua_CFunction getmetatable
    lua_CFunction load
    lua_CFunction insert
    lua_CFunction foreach
    lua_CFunction collectgarbage


cdef Stock stock


cdef bint has_our_metatable(lua_State* L, int at) noexcept nogil:
    """Leaves the metatable on the stack if it is one of ours."""
    cdef bint ours
    if not lua_getmetatable(L, at):
        return False
    lua_rawgeti(L, -1, META_MARK)
    ours = lua_touserdata(L, -1) == <void*>&mark
    lua_pop(L, 1 if ours else 2)
    return ours


cdef bint sandbox_is_protected(lua_State* L, int at) noexcept nogil:
    if lua_type(L, at) != LUA_TTABLE or not has_our_metatable(L, at):
        return False
    lua_pop(L, 1)
    return True


cdef void see_through(lua_State* L) noexcept nogil:
    """Replaces the first argument, if it is a protected table, by the real one. The real one must never get back to the script."""
    if lua_type(L, 1) == LUA_TTABLE and has_our_metatable(L, 1):
        lua_rawgeti(L, -1, META_REAL)
        lua_replace(L, 1)
        lua_pop(L, 1)


cdef void refuse_protected(lua_State* L) noexcept nogil:
    if sandbox_is_protected(L, 1):
        vm_raise(L, b"Attempt to modify a readonly table", False)


cdef int write_refused(lua_State* L) noexcept nogil:
    return vm_raise(L, b"Attempt to modify a readonly table", True)


cdef int no_such_global(lua_State* L) noexcept nogil:
    cdef const char* name = lua_tolstring(L, 2, NULL)
    if name == NULL:
        name = b"(null)"
    return vm_raise_about(L, b"Script attempted to access nonexistent global variable '", name, b"'")


cdef int guarded_next(lua_State* L) noexcept nogil:
    see_through(L)
    return stock.next(L)


cdef int guarded_pairs(lua_State* L) noexcept nogil:
    """Upvalues: Lua's own next, which its pairs takes from there, and the guarded one for protected tables."""
    cdef int results = stock.pairs(L)
    if sandbox_is_protected(L, 1):
        lua_pushvalue(L, lua_upvalueindex(2))
        lua_replace(L, -results - 1)
    return results


cdef int guarded_rawget(lua_State* L) noexcept nogil:
    see_through(L)
    return stock.rawget(L)


cdef int guarded_foreach(lua_State* L) noexcept nogil:
    see_through(L)
    return stock.foreach(L)


cdef int guarded_rawset(lua_State* L) noexcept nogil:
    refuse_protected(L)
    return stock.rawset(L)


cdef int guarded_setmetatable(lua_State* L) noexcept nogil:
    refuse_protected(L)
    return stock.setmetatable(L)


cdef int guarded_insert(lua_State* L) noexcept nogil:
    refuse_protected(L)
    return stock.insert(L)


cdef int guarded_getmetatable(lua_State* L) noexcept nogil:
    luaL_checkany(L, 1)
    if has_our_metatable(L, 1):
        lua_rawgeti(L, -1, META_SHOWN)
        return 1
    return stock.getmetatable(L)


cdef int guarded_collectgarbage(lua_State* L) noexcept nogil:
    """collectgarbage([option]) for what asks and what collects; how the collector works is not the script's to say."""
    cdef const char* option = b"collect"
    if lua_type(L, 1) > LUA_TNIL:
        option = luaL_checklstring(L, 1, NULL)
    if option[0] == c's' and option[1] == c'e':
        # setpause, setstepmul: what they were set to
        lua_pushinteger(L, 200)
        return 1
    if option[0] == c'r' or option[0] == c's' and option[1] == c't' and option[2] == c'o':
        lua_pushinteger(L, 0)
        return 1
    return stock.collectgarbage(L)


cdef int guarded_pcall(lua_State* L) noexcept nogil:
    """pcall(f, ...). Tells an error that is a table with a text, as redis.call's are, as that text; what `err` is otherwise comes third, as
    in Redis. A script that was stopped ends for all that."""
    cdef int status
    if lua_gettop(L) == 0:
        # what is called then is told of in the error
        lua_pushboolean(L, True)
    status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0)
    if status and vm_of(L).stopped:
        return lua_error(L)
    lua_pushboolean(L, status == 0)
    lua_insert(L, 1)
    if status and lua_type(L, -1) == LUA_TTABLE:
        lua_getfield(L, -1, b"err")
        if lua_isstring(L, -1):
            lua_replace(L, -2)
    return lua_gettop(L)


cdef int guarded_xpcall(lua_State* L) noexcept nogil:
    """xpcall(f, handler). A script that was stopped ends for all that."""
    cdef int status
    luaL_checkany(L, 2)
    lua_settop(L, 2)
    lua_insert(L, 1)
    status = lua_pcall(L, 0, LUA_MULTRET, 1)
    if status and vm_of(L).stopped:
        return lua_error(L)
    lua_pushboolean(L, status == 0)
    lua_replace(L, 1)
    return lua_gettop(L)


cdef int sandbox_load(lua_State* L, const char* code, size_t length, const char* name) noexcept nogil:
    cdef int status
    if length == 0 or code[0] != 27:
        return luaL_loadbuffer(L, code, length, name)
    lua_pushstring(L, b" ")
    lua_pushlstring(L, code, length)
    lua_concat(L, 2)
    status = luaL_loadbuffer(L, lua_tolstring(L, -1, NULL), length + 1, name)
    lua_remove(L, -2)
    return status


cdef int text_loadstring(lua_State* L) noexcept nogil:
    """loadstring(code [, name])."""
    cdef size_t length
    cdef const char* code = luaL_checklstring(L, 1, &length)
    cdef const char* name = luaL_checklstring(L, 2, NULL) if lua_type(L, 2) > LUA_TNIL else code
    if sandbox_load(L, code, length, name) == 0:
        return 1
    lua_pushnil(L)
    lua_insert(L, -2)
    return 2


cdef int text_piece(lua_State* L) noexcept nogil:
    """Stands before the function that `load` calls for the pieces of its code, and makes text of compiled code. Upvalues: the function;
    whether there was a piece that was not empty."""
    cdef const char* piece
    cdef size_t length = 0
    lua_settop(L, 0)
    lua_pushvalue(L, lua_upvalueindex(1))
    lua_call(L, 0, 1)
    if lua_type(L, lua_upvalueindex(2)) != LUA_TNIL or lua_type(L, 1) != LUA_TSTRING:
        return 1
    piece = lua_tolstring(L, 1, &length)
    if length == 0:
        return 1
    lua_pushboolean(L, True)
    lua_replace(L, lua_upvalueindex(2))
    if piece[0] == 27:
        lua_pushstring(L, b" ")
        lua_insert(L, 1)
        lua_concat(L, 2)
    return 1


cdef int text_load(lua_State* L) noexcept nogil:
    """load(function [, name])."""
    if lua_type(L, 1) == LUA_TFUNCTION:
        lua_pushvalue(L, 1)
        lua_pushnil(L)
        lua_pushcclosure(L, text_piece, 2)
        lua_replace(L, 1)
    return stock.load(L)


# Building


cdef void push_refusing_metatable(lua_State* L) noexcept nogil:
    lua_newtable(L)
    lua_pushlightuserdata(L, &mark)
    lua_rawseti(L, -2, META_MARK)
    lua_pushcfunction(L, write_refused)
    lua_setfield(L, -2, b"__newindex")


cdef void sandbox_protect(lua_State* L) noexcept nogil:
    lua_newtable(L)
    push_refusing_metatable(L)
    lua_pushvalue(L, -3)
    lua_setfield(L, -2, b"__index")
    lua_pushvalue(L, -3)
    lua_rawseti(L, -2, META_REAL)
    lua_setmetatable(L, -2)
    lua_remove(L, -2)


cdef void open_library(lua_State* L, lua_CFunction opener, const char* name) noexcept nogil:
    lua_pushcfunction(L, opener)
    lua_pushstring(L, name)
    lua_call(L, 1, 0)


cdef lua_CFunction function_at(lua_State* L, const char* name) noexcept nogil:
    """The C function of this name in the table on top."""
    cdef lua_CFunction found
    lua_getfield(L, -1, name)
    found = lua_tocfunction(L, -1)
    lua_pop(L, 1)
    return found


cdef void note_stock(lua_State* L) noexcept nogil:
    lua_pushvalue(L, LUA_GLOBALSINDEX)
    stock.pairs = function_at(L, b"pairs")
    stock.next = function_at(L, b"next")
    stock.rawget = function_at(L, b"rawget")
    stock.rawset = function_at(L, b"rawset")
    stock.setmetatable = function_at(L, b"setmetatable")
    stock.getmetatable = function_at(L, b"getmetatable")
    stock.load = function_at(L, b"load")
    stock.collectgarbage = function_at(L, b"collectgarbage")
    lua_getfield(L, -1, b"table")
    stock.insert = function_at(L, b"insert")
    stock.foreach = function_at(L, b"foreach")
    lua_pop(L, 2)


cdef inline void put_function(lua_State* L, const char* name, lua_CFunction function) noexcept nogil:
    """Into the table on top."""
    lua_pushcfunction(L, function)
    lua_setfield(L, -2, name)


cdef void copy_field(lua_State* L, const char* name) noexcept nogil:
    """From the table below the top to the one on top."""
    lua_getfield(L, -2, name)
    lua_setfield(L, -2, name)


cdef const char* PLAIN_GLOBALS[16]
PLAIN_GLOBALS[:] = [
    b"_VERSION", b"assert", b"error", b"gcinfo", b"ipairs", b"rawequal", b"select", b"tonumber", b"tostring", b"type", b"unpack",
    b"next", b"coroutine", b"math", b"string", b"table",
]


cdef void replace_globals(lua_State* L) noexcept nogil:
    """Puts the guarded functions into the table on top, the real globals; below it are Lua's own."""
    lua_getfield(L, -2, b"next")
    lua_pushcfunction(L, guarded_next)
    lua_pushvalue(L, -1)
    lua_setfield(L, -4, b"next")
    lua_pushcclosure(L, guarded_pairs, 2)
    lua_setfield(L, -2, b"pairs")
    put_function(L, b"rawget", guarded_rawget)
    put_function(L, b"rawset", guarded_rawset)
    put_function(L, b"setmetatable", guarded_setmetatable)
    put_function(L, b"getmetatable", guarded_getmetatable)
    put_function(L, b"collectgarbage", guarded_collectgarbage)
    put_function(L, b"pcall", guarded_pcall)
    put_function(L, b"xpcall", guarded_xpcall)
    put_function(L, b"load", text_load)
    put_function(L, b"loadstring", text_loadstring)


cdef void replace_in_libraries(lua_State* L) noexcept nogil:
    """Changes the libraries in the table on top, and protects them."""
    lua_getfield(L, -1, b"table")
    put_function(L, b"insert", guarded_insert)
    put_function(L, b"foreach", guarded_foreach)
    sandbox_protect(L)
    lua_setfield(L, -2, b"table")
    lua_getfield(L, -1, b"math")
    random_functions(L)
    sandbox_protect(L)
    lua_setfield(L, -2, b"math")
    lua_getfield(L, -1, b"coroutine")
    sandbox_protect(L)
    lua_setfield(L, -2, b"coroutine")
    lua_getfield(L, -1, b"string")
    pattern_functions(L)
    lua_pushvalue(L, -1)
    sandbox_protect(L)
    protect_strings(L)
    lua_setfield(L, -3, b"string")
    lua_pop(L, 1)


cdef void protect_strings(lua_State* L) noexcept nogil:
    """Gives strings a metatable of ours. On top is the protected table of their library, below it the real one; both stay there."""
    lua_pushstring(L, b"")
    push_refusing_metatable(L)
    lua_pushvalue(L, -4)
    lua_setfield(L, -2, b"__index")
    # what getmetatable("") shows
    lua_newtable(L)
    lua_pushvalue(L, -4)
    lua_setfield(L, -2, b"__index")
    sandbox_protect(L)
    lua_rawseti(L, -2, META_SHOWN)
    lua_setmetatable(L, -2)
    lua_pop(L, 1)


cdef void lock_globals(lua_State* L) noexcept nogil:
    """Makes the table on top, the real globals, tell of what it lacks, and a protected one that stands for it the global table."""
    lua_newtable(L)
    put_function(L, b"__index", no_such_global)
    lua_pushvalue(L, -1)
    lua_setmetatable(L, -3)
    sandbox_protect(L)
    # globals, what is shown of their metatable
    lua_pushvalue(L, -2)
    sandbox_protect(L)
    lua_getmetatable(L, -1)
    lua_pushvalue(L, -3)
    lua_rawseti(L, -2, META_SHOWN)
    lua_pop(L, 1)
    lua_pushstring(L, b"_G")
    lua_pushvalue(L, -2)
    lua_rawset(L, -5)
    lua_replace(L, LUA_GLOBALSINDEX)
    lua_pop(L, 1)


cdef void add_libraries(lua_State* L) noexcept nogil:
    """Adds what Redis gives to scripts beside Lua's own to the table on top."""
    open_cjson(L)
    sandbox_protect(L)
    lua_setfield(L, -2, b"cjson")
    open_cmsgpack(L)
    sandbox_protect(L)
    lua_setfield(L, -2, b"cmsgpack")
    open_struct(L)
    sandbox_protect(L)
    lua_setfield(L, -2, b"struct")
    open_bit(L)
    sandbox_protect(L)
    lua_setfield(L, -2, b"bit")


cdef void sandbox_build(lua_State* L) noexcept nogil:
    cdef size_t i
    open_library(L, lua.open_base, b"")
    open_library(L, lua.open_table, b"table")
    open_library(L, lua.open_string, b"string")
    open_library(L, lua.open_math, b"math")
    open_library(L, lua.open_os, b"os")
    note_stock(L)
    lua_pushvalue(L, LUA_GLOBALSINDEX)
    lua_newtable(L)
    for i in range(sizeof(PLAIN_GLOBALS) // sizeof(const char*)):
        copy_field(L, PLAIN_GLOBALS[i])
    replace_globals(L)
    replace_in_libraries(L)
    lua_getfield(L, -2, b"os")
    lua_newtable(L)
    copy_field(L, b"clock")
    sandbox_protect(L)
    lua_setfield(L, -3, b"os")
    lua_pop(L, 1)
    lua_remove(L, -2)
    add_libraries(L)
    lock_globals(L)
