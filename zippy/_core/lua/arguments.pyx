# lupa's extension exports Lua's auxiliary library as well, but its messages are made by functions of variable arguments, which can't be
# called by address on every platform.

from zippy._core.ground.format cimport format_text
from zippy._core.lua.api cimport (
    LUA_TNIL, lua_checkstack, lua_concat, lua_Debug, lua_error, lua_getinfo, lua_getstack, lua_gettop, lua_insert, lua_isnumber,
    lua_pushlstring, lua_pushstring, lua_pushvalue, lua_settop, lua_tointeger, lua_tolstring, lua_tonumber, lua_type, lua_typename,
    luaL_where
)

cdef enum:
    NUMBER_TEXT = 16                 # bytes of an argument's number, its NUL included


cdef void keep_text(lua_State* L, const char* text) noexcept nogil:
    """Makes the text the only thing on the stack, which may be full of results."""
    lua_pushstring(L, text)
    lua_insert(L, 1)
    lua_settop(L, 1)


cdef int raise_text(lua_State* L, const char* text) noexcept nogil:
    keep_text(L, text)
    luaL_where(L, 1)
    lua_insert(L, 1)
    lua_concat(L, 2)
    return lua_error(L)


cdef void push_number(lua_State* L, int number) noexcept nogil:
    cdef char[NUMBER_TEXT] text
    lua_pushlstring(L, text, format_text(text, NUMBER_TEXT, b"%d", number))


cdef int raise_argument(lua_State* L, int number, const char* why) noexcept nogil:
    cdef lua_Debug frame
    cdef const char* name = b"?"
    cdef bint method = False
    keep_text(L, why)
    if lua_getstack(L, 0, &frame):
        lua_getinfo(L, b"n", &frame)
        name = frame.name if frame.name != NULL else name
        method = frame.namewhat[0] == c'm'
    luaL_where(L, 1)
    if method and number == 1:
        lua_pushstring(L, b"calling '")
        lua_pushstring(L, name)
        lua_pushstring(L, b"' on bad self (")
    else:
        lua_pushstring(L, b"bad argument #")
        push_number(L, number - method)
        lua_pushstring(L, b" to '")
        lua_pushstring(L, name)
        lua_pushstring(L, b"' (")
    lua_pushvalue(L, 1)
    lua_pushstring(L, b")")
    lua_concat(L, lua_gettop(L) - 1)
    return lua_error(L)


cdef int raise_type(lua_State* L, int number, const char* expected) noexcept nogil:
    keep_text(L, lua_typename(L, lua_type(L, number)))
    lua_pushstring(L, expected)
    lua_pushstring(L, b" expected, got ")
    lua_pushvalue(L, 1)
    lua_concat(L, 3)
    return raise_argument(L, number, lua_tolstring(L, -1, NULL))


cdef const char* string_argument(lua_State* L, int number, size_t* length) noexcept nogil:
    cdef const char* text = lua_tolstring(L, number, length)
    if text == NULL:
        raise_type(L, number, b"string")
    return text


cdef double number_argument(lua_State* L, int number) noexcept nogil:
    cdef double value = lua_tonumber(L, number)
    if value == 0 and not lua_isnumber(L, number):
        raise_type(L, number, b"number")
    return value


cdef ptrdiff_t integer_argument(lua_State* L, int number) noexcept nogil:
    cdef ptrdiff_t value = lua_tointeger(L, number)
    if value == 0 and not lua_isnumber(L, number):
        raise_type(L, number, b"number")
    return value


cdef ptrdiff_t integer_argument_or(lua_State* L, int number, ptrdiff_t absent) noexcept nogil:
    return absent if lua_type(L, number) <= LUA_TNIL else integer_argument(L, number)


cdef void want_stack(lua_State* L, int places, const char* why) noexcept nogil:
    if lua_checkstack(L, places):
        return
    keep_text(L, why)
    lua_pushstring(L, b"stack overflow (")
    lua_insert(L, 1)
    lua_pushstring(L, b")")
    lua_concat(L, 3)
    raise_text(L, lua_tolstring(L, -1, NULL))
