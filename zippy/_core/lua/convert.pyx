# What a command replied is read from its bytes where they lie, with no object between them and Lua's values. Tables that scripts made are
# read raw: no metamethod runs, and no string is made to look for a field.

from libc.stdint cimport SIZE_MAX, int64_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.lua.api cimport (
    LUA_TBOOLEAN, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE, lua_checkstack, lua_createtable, lua_gettop, lua_insert, lua_next,
    lua_pop, lua_pushboolean, lua_pushlstring, lua_pushnil, lua_pushnumber, lua_pushstring, lua_pushvalue, lua_rawget, lua_rawgeti,
    lua_rawset, lua_rawseti, lua_settop, lua_toboolean, lua_tolstring, lua_tonumber, lua_type
)
from zippy._core.resp.writer cimport (
    reply_array, reply_big_number, reply_bool, reply_bulk, reply_double, reply_error, reply_error_slice, reply_int, reply_map, reply_null,
    reply_set, reply_simple_slice, reply_verbatim
)

cdef extern from "<stdlib.h>" nogil:
    double strtod(const char* text, char** end)

cdef extern from *:
    """
    #include <math.h>
    /* as the processor converts: what does not fit is the least of all */
    static long long zippy_whole(double d) {
        if (isnan(d) || d >= 9223372036854775808.0 || d < -9223372036854775808.0) return (-9223372036854775807LL - 1);
        return (long long)d;
    }
    """
    long long zippy_whole(double d) noexcept nogil

cdef enum:
    ROOM = 4             # places on Lua's stack that a level of a nested value takes

cdef const char* NAMES[14]       # by Field, from 1 on
NAMES[:] = [
    b"ok", b"err", b"double", b"map", b"set", b"big_number", b"verbatim_string", b"string", b"format", b"ignore_error_stats_update",
    b"source", b"line", b"KEYS", b"ARGV",
]


cdef void fields_new(lua_State* L) noexcept nogil:
    cdef int i
    lua_createtable(L, FIELDS, 0)
    for i in range(1, FIELDS + 1):
        lua_pushstring(L, NAMES[i - 1])
        lua_rawseti(L, -2, i)


cdef inline int from_bottom(lua_State* L, int at) noexcept nogil:
    """The place counted from the bottom, where it stays when more is pushed."""
    return at if at > 0 else lua_gettop(L) + 1 + at


cdef void get_field(lua_State* L, int fields, int table, Field field) noexcept nogil:
    table = from_bottom(L, table)
    lua_rawgeti(L, fields, field)
    lua_rawget(L, table)


cdef inline void set_field(lua_State* L, int fields, int table, Field field) noexcept nogil:
    """Sets a field of the table to the value on top, which goes."""
    table = from_bottom(L, table)
    lua_rawgeti(L, fields, field)
    lua_insert(L, -2)
    lua_rawset(L, table)


# Replies to values


cdef inline const char* read_number(const char* at, int64_t* n) noexcept nogil:
    """Reads the decimal number that ends in CR LF; behind that."""
    cdef bint negative = at[0] == c'-'
    cdef uint64_t value = 0
    if negative:
        at += 1
    while at[0] != 13:
        value = value * 10 + <uint64_t>(at[0] - 48)
        at += 1
    n[0] = <int64_t>(0 - value if negative else value)
    return at + 2


cdef inline const char* line_end(const char* at) noexcept nogil:
    """Where the CR of this line is."""
    while at[0] != 13:
        at += 1
    return at


cdef const char* wrapped(lua_State* L, int fields, const char* at, Field field) noexcept nogil:
    """A line as a string in a table's one field."""
    cdef const char* end = line_end(at)
    lua_createtable(L, 0, 1)
    lua_pushlstring(L, at, end - at)
    set_field(L, fields, -2, field)
    return end + 2


cdef const char* error_value(lua_State* L, int fields, const char* at) noexcept nogil:
    cdef const char* end = wrapped(L, fields, at, FIELD_ERR)
    # it was counted when the command replied
    lua_pushboolean(L, True)
    set_field(L, fields, -2, FIELD_COUNTED)
    return end


cdef const char* bulk_value(lua_State* L, const char* at) noexcept nogil:
    cdef int64_t length
    at = read_number(at, &length)
    if length < 0:
        lua_pushboolean(L, False)
        return at
    lua_pushlstring(L, at, <size_t>length)
    return at + length + 2


cdef const char* array_value(lua_State* L, int fields, const char* at) noexcept nogil:
    cdef int64_t count, i
    at = read_number(at, &count)
    if count < 0:
        lua_pushboolean(L, False)
        return at
    lua_createtable(L, <int>count, 0)
    for i in range(1, count + 1):
        at = reply_to_lua(L, fields, at)
        lua_rawseti(L, -2, <int>i)
    return at


cdef const char* map_value(lua_State* L, int fields, const char* at) noexcept nogil:
    """A map, or a set, whose members are keys of the value true."""
    cdef bint is_map = at[0] == c'%'
    cdef int64_t count, _
    at = read_number(at + 1, &count)
    lua_createtable(L, 0, 1)
    lua_createtable(L, 0, <int>count)
    for _ in range(count):
        at = reply_to_lua(L, fields, at)
        if is_map:
            at = reply_to_lua(L, fields, at)
        else:
            lua_pushboolean(L, True)
        if lua_type(L, -2) == LUA_TNIL:
            lua_pop(L, 2)
        else:
            lua_rawset(L, -3)
    set_field(L, fields, -2, FIELD_MAP if is_map else FIELD_SET)
    return at


cdef const char* verbatim_value(lua_State* L, int fields, const char* at) noexcept nogil:
    cdef int64_t length
    at = read_number(at, &length)
    lua_createtable(L, 0, 1)
    lua_createtable(L, 0, 2)
    lua_pushlstring(L, at, 3)
    set_field(L, fields, -2, FIELD_FORMAT)
    lua_pushlstring(L, at + 4, <size_t>length - 4)
    set_field(L, fields, -2, FIELD_STRING)
    set_field(L, fields, -2, FIELD_VERBATIM)
    return at + length + 2


cdef const char* double_value(lua_State* L, int fields, const char* at) noexcept nogil:
    lua_createtable(L, 0, 1)
    lua_pushnumber(L, strtod(at, NULL))
    set_field(L, fields, -2, FIELD_DOUBLE)
    return line_end(at) + 2


cdef const char* reply_to_lua(lua_State* L, int fields, const char* data) noexcept nogil:
    cdef char kind = data[0]
    cdef int64_t n
    if not lua_checkstack(L, ROOM):
        # no command's reply is nested so deeply
        lua_pushnil(L)
        return data
    if kind == c'$':
        return bulk_value(L, data + 1)
    if kind == c':':
        data = read_number(data + 1, &n)
        lua_pushnumber(L, <double>n)
        return data
    if kind == c'+':
        return wrapped(L, fields, data + 1, FIELD_OK)
    if kind == c'-':
        return error_value(L, fields, data + 1)
    if kind == c'*' or kind == c'>':
        return array_value(L, fields, data + 1)
    if kind == c'%' or kind == c'~':
        return map_value(L, fields, data)
    if kind == c',':
        return double_value(L, fields, data + 1)
    if kind == c'#':
        lua_pushboolean(L, data[1] == c't')
        return data + 4
    if kind == c'=':
        return verbatim_value(L, fields, data + 1)
    if kind == c'(':
        return wrapped(L, fields, data + 1, FIELD_BIG_NUMBER)
    lua_pushnil(L)
    return line_end(data) + 2


# Values to replies


cdef inline Slice text_at(lua_State* L, int at) noexcept nogil:
    """The string at that place."""
    cdef Slice text
    text.ptr = lua_tolstring(L, at, &text.len)
    return text


cdef bint has_text(lua_State* L, int fields, Field field, Slice* text) noexcept nogil:
    """Whether the table on top has a string there. It is pushed, and is good while it stays."""
    get_field(L, fields, -1, field)
    if lua_type(L, -1) == LUA_TSTRING:
        text[0] = text_at(L, -1)
        return True
    lua_pop(L, 1)
    return False


cdef bint has_table(lua_State* L, int fields, Field field) noexcept nogil:
    """Whether the table on top has a table there, which is pushed."""
    get_field(L, fields, -1, field)
    if lua_type(L, -1) == LUA_TTABLE:
        return True
    lua_pop(L, 1)
    return False


cdef void write_error(lua_State* L, int fields, Reply* reply, Slice text) noexcept nogil:
    """The text is on top, its table below it; both stay."""
    reply_error_slice(reply, text)
    get_field(L, fields, -2, FIELD_COUNTED)
    if lua_type(L, -1) == LUA_TBOOLEAN and lua_toboolean(L, -1):
        reply.error_at = SIZE_MAX
    lua_pop(L, 1)


cdef void write_status(Reply* reply, Slice text) noexcept nogil:
    """Line breaks become blanks."""
    cdef size_t begin = reply.out.len
    cdef size_t i
    reply_simple_slice(reply, text)
    if reply.out.failed:
        return
    for i in range(begin + 1, begin + 1 + text.len):
        if reply.out.data[i] == 13 or reply.out.data[i] == 10:
            reply.out.data[i] = c' '


cdef int64_t field_count(lua_State* L) noexcept nogil:
    """Of the table on top. Counted before they are written: headers put before deeply nested values would move them again and again."""
    cdef int64_t count = 0
    lua_pushnil(L)
    while lua_next(L, -2):
        lua_pop(L, 1)
        count += 1
    return count


cdef void write_map(lua_State* L, int fields, Reply* reply, bint booleans) noexcept nogil:
    """The table on top as a map."""
    reply_map(reply, field_count(L))
    lua_pushnil(L)
    while lua_next(L, -2):
        lua_pushvalue(L, -2)
        lua_to_reply(L, fields, reply, booleans)
        lua_to_reply(L, fields, reply, booleans)


cdef void write_set(lua_State* L, int fields, Reply* reply, bint booleans) noexcept nogil:
    """The keys of the table on top as a set."""
    reply_set(reply, field_count(L))
    lua_pushnil(L)
    while lua_next(L, -2):
        lua_pop(L, 1)
        lua_pushvalue(L, -1)
        lua_to_reply(L, fields, reply, booleans)


cdef void write_array(lua_State* L, int fields, Reply* reply, bint booleans) noexcept nogil:
    """The items of the table on top up to the first nil."""
    cdef int count = 0
    cdef int i
    while True:
        lua_rawgeti(L, -1, count + 1)
        if lua_type(L, -1) == LUA_TNIL:
            break
        lua_pop(L, 1)
        count += 1
    lua_pop(L, 1)
    reply_array(reply, count)
    for i in range(1, count + 1):
        lua_rawgeti(L, -1, i)
        lua_to_reply(L, fields, reply, booleans)


cdef bint write_big_number(lua_State* L, int fields, Reply* reply) noexcept nogil:
    cdef size_t begin, i
    cdef Slice text
    if not has_text(L, fields, FIELD_BIG_NUMBER, &text):
        return False
    reply_big_number(reply, text)
    if not reply.out.failed:
        begin = reply.out.len - 2 - text.len
        for i in range(begin, begin + text.len):
            if reply.out.data[i] == 13 or reply.out.data[i] == 10:
                reply.out.data[i] = c' '
    return True


cdef bint write_verbatim(lua_State* L, int fields, Reply* reply) noexcept nogil:
    cdef Slice kind, text
    cdef char[4] padded
    cdef size_t i
    if not has_table(L, fields, FIELD_VERBATIM):
        return False
    get_field(L, fields, -1, FIELD_STRING)
    get_field(L, fields, -2, FIELD_FORMAT)
    if lua_type(L, -1) != LUA_TSTRING or lua_type(L, -2) != LUA_TSTRING:
        lua_pop(L, 3)
        return False
    kind = text_at(L, -1)
    text = text_at(L, -2)
    for i in range(3):
        padded[i] = kind.ptr[i] if i < kind.len else c' '
        if padded[i] == 13 or padded[i] == 10:
            padded[i] = c' '
    padded[3] = 0
    reply_verbatim(reply, padded, text)
    return True


cdef void write_table(lua_State* L, int fields, Reply* reply, bint booleans) noexcept nogil:
    """The table on top by the first of the fields it has that mean something. What it pushed the caller takes off."""
    cdef Slice text
    if has_text(L, fields, FIELD_ERR, &text):
        write_error(L, fields, reply, text)
        return
    if has_text(L, fields, FIELD_OK, &text):
        write_status(reply, text)
        return
    get_field(L, fields, -1, FIELD_DOUBLE)
    if lua_type(L, -1) == LUA_TNUMBER:
        reply_double(reply, lua_tonumber(L, -1))
        return
    lua_pop(L, 1)
    if has_table(L, fields, FIELD_MAP):
        write_map(L, fields, reply, booleans)
        return
    if has_table(L, fields, FIELD_SET):
        write_set(L, fields, reply, booleans)
        return
    if write_big_number(L, fields, reply) or write_verbatim(L, fields, reply):
        return
    write_array(L, fields, reply, booleans)


cdef void lua_to_reply(lua_State* L, int fields, Reply* reply, bint booleans) noexcept nogil:
    cdef int top = lua_gettop(L)
    cdef int kind = lua_type(L, -1)
    if not lua_checkstack(L, ROOM):
        reply_error(reply, b"ERR reached lua stack limit")
    elif kind == LUA_TSTRING:
        reply_bulk(reply, text_at(L, -1))
    elif kind == LUA_TNUMBER:
        reply_int(reply, zippy_whole(lua_tonumber(L, -1)))
    elif kind == LUA_TBOOLEAN:
        if booleans:
            reply_bool(reply, lua_toboolean(L, -1))
        elif lua_toboolean(L, -1):
            reply_int(reply, 1)
        else:
            reply_null(reply)
    elif kind != LUA_TTABLE:
        reply_null(reply)
    else:
        write_table(L, fields, reply, booleans)
    lua_settop(L, top - 1)
