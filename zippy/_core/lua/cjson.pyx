# Each library (`cjson`, and what `cjson.new` makes) has settings of its own, a userdata that its functions have as an upvalue. They last as
# long as the state: what a script sets holds for those after it.

from libc.limits cimport INT_MAX
from libc.string cimport strcmp
from zippy._core.lua.api cimport (
    LUA_TBOOLEAN, LUA_TNIL, lua_concat, lua_createtable, lua_gettop, lua_newuserdata, lua_pop, lua_pushboolean, lua_pushinteger,
    lua_pushlightuserdata, lua_pushstring, lua_setfield, lua_State, lua_toboolean, lua_tolstring, lua_touserdata, lua_type,
    lua_upvalueindex
)
from zippy._core.ground.format cimport format_text
from zippy._core.lua.arguments cimport integer_argument, raise_argument, string_argument
from zippy._core.lua.cjson_decode cimport cjson_decode, DecodeSettings
from zippy._core.lua.cjson_encode cimport (
    cjson_encode, EncodeSettings, INVALID_AS_NULL, INVALID_REFUSED, INVALID_WRITTEN, InvalidNumbers
)
from zippy._core.lua.scratch cimport library_function, scratch_push

cdef enum:
    MESSAGE = 80
    MAX_PRECISION = 14

cdef enum Word:
    # what a setting of a few words was given
    WORD_OFF
    WORD_ON
    WORD_NULL


cdef struct Settings:
    EncodeSettings encode
    DecodeSettings decode


cdef Settings* settings_of(lua_State* L) noexcept nogil:
    return <Settings*>lua_touserdata(L, lua_upvalueindex(2))


cdef void one_argument(lua_State* L) noexcept nogil:
    if lua_gettop(L) != 1:
        raise_argument(L, 1, b"expected 1 argument")


cdef bint is_given(lua_State* L, int number) noexcept nogil:
    return lua_type(L, number) > LUA_TNIL


cdef void want_arguments(lua_State* L, int most) noexcept nogil:
    if lua_gettop(L) > most:
        raise_argument(L, most + 1, b"found too many arguments")


cdef int integer_setting(lua_State* L, int number, int least, int most, int old) noexcept nogil:
    """The argument, or `old` where there is none."""
    cdef char[MESSAGE] text
    cdef int value
    if not is_given(L, number):
        return old
    value = <int>integer_argument(L, number)
    if not least <= value <= most:
        format_text(text, MESSAGE, b"expected integer between %d and %d", least, most)
        raise_argument(L, 1, text)
    return value


cdef int word_setting(lua_State* L, int number, bint has_null, int old) noexcept nogil:
    """The argument as a Word, or `old` where there is none."""
    cdef const char* text
    if not is_given(L, number):
        return old
    if lua_type(L, number) == LUA_TBOOLEAN:
        return WORD_ON if lua_toboolean(L, number) else WORD_OFF
    text = string_argument(L, number, NULL)
    if strcmp(text, b"off") == 0:
        return WORD_OFF
    if strcmp(text, b"on") == 0:
        return WORD_ON
    if has_null and strcmp(text, b"null") == 0:
        return WORD_NULL
    lua_pushstring(L, b"invalid option '")
    lua_pushstring(L, text)
    lua_pushstring(L, b"'")
    lua_concat(L, 3)
    return raise_argument(L, number, lua_tolstring(L, -1, NULL))


cdef int library_encode(lua_State* L) noexcept nogil:
    """cjson.encode(value)"""
    one_argument(L)
    return cjson_encode(L, &settings_of(L).encode)


cdef int library_decode(lua_State* L) noexcept nogil:
    """cjson.decode(text)"""
    one_argument(L)
    return cjson_decode(L, &settings_of(L).decode)


cdef int library_encode_sparse_array(lua_State* L) noexcept nogil:
    """cjson.encode_sparse_array([convert [, ratio [, safe]]]): what is set"""
    cdef EncodeSettings* settings = &settings_of(L).encode
    want_arguments(L, 3)
    settings.convert = word_setting(L, 1, False, settings.convert)
    settings.ratio = integer_setting(L, 2, 0, INT_MAX, settings.ratio)
    settings.safe = integer_setting(L, 3, 0, INT_MAX, settings.safe)
    lua_pushboolean(L, settings.convert)
    lua_pushinteger(L, settings.ratio)
    lua_pushinteger(L, settings.safe)
    return 3


cdef int library_encode_max_depth(lua_State* L) noexcept nogil:
    """cjson.encode_max_depth([depth]): what is set"""
    cdef EncodeSettings* settings = &settings_of(L).encode
    want_arguments(L, 1)
    settings.max_depth = integer_setting(L, 1, 1, INT_MAX, settings.max_depth)
    lua_pushinteger(L, settings.max_depth)
    return 1


cdef int library_decode_max_depth(lua_State* L) noexcept nogil:
    """cjson.decode_max_depth([depth]): what is set"""
    cdef DecodeSettings* settings = &settings_of(L).decode
    want_arguments(L, 1)
    settings.max_depth = integer_setting(L, 1, 1, INT_MAX, settings.max_depth)
    lua_pushinteger(L, settings.max_depth)
    return 1


cdef int library_encode_number_precision(lua_State* L) noexcept nogil:
    """cjson.encode_number_precision([digits]): what is set"""
    cdef EncodeSettings* settings = &settings_of(L).encode
    want_arguments(L, 1)
    settings.precision = integer_setting(L, 1, 1, MAX_PRECISION, settings.precision)
    lua_pushinteger(L, settings.precision)
    return 1


cdef int library_encode_keep_buffer(lua_State* L) noexcept nogil:
    """cjson.encode_keep_buffer([on]): what is set"""
    cdef EncodeSettings* settings = &settings_of(L).encode
    want_arguments(L, 1)
    settings.keep_buffer = word_setting(L, 1, False, settings.keep_buffer)
    lua_pushboolean(L, settings.keep_buffer)
    return 1


cdef int library_encode_invalid_numbers(lua_State* L) noexcept nogil:
    """cjson.encode_invalid_numbers([on | "null"]): what is set"""
    cdef EncodeSettings* settings = &settings_of(L).encode
    want_arguments(L, 1)
    settings.invalid = <InvalidNumbers>word_setting(L, 1, True, settings.invalid)
    if settings.invalid == INVALID_AS_NULL:
        lua_pushstring(L, b"null")
    else:
        lua_pushboolean(L, settings.invalid == INVALID_WRITTEN)
    return 1


cdef int library_decode_invalid_numbers(lua_State* L) noexcept nogil:
    """cjson.decode_invalid_numbers([on]): what is set"""
    cdef DecodeSettings* settings = &settings_of(L).decode
    want_arguments(L, 1)
    settings.invalid_numbers = word_setting(L, 1, False, settings.invalid_numbers)
    lua_pushboolean(L, settings.invalid_numbers)
    return 1


cdef int library_new(lua_State* L) noexcept nogil:
    """cjson.new(): a library like this one, with the settings that it begins with"""
    return open_cjson(L)


cdef void push_settings(lua_State* L) noexcept nogil:
    cdef Settings* settings = <Settings*>lua_newuserdata(L, sizeof(Settings))
    settings.encode = EncodeSettings(False, 2, 10, 1000, MAX_PRECISION, INVALID_REFUSED, True)
    settings.decode = DecodeSettings(1000, True)


cdef void field(lua_State* L, const char* name, const char* text) noexcept nogil:
    lua_pushstring(L, text)
    lua_setfield(L, -2, name)


cdef int open_cjson(lua_State* L) noexcept nogil:
    lua_createtable(L, 0, 16)
    scratch_push(L)
    push_settings(L)
    library_function(L, b"encode", library_encode)
    library_function(L, b"decode", library_decode)
    library_function(L, b"encode_sparse_array", library_encode_sparse_array)
    library_function(L, b"encode_max_depth", library_encode_max_depth)
    library_function(L, b"decode_max_depth", library_decode_max_depth)
    library_function(L, b"encode_number_precision", library_encode_number_precision)
    library_function(L, b"encode_keep_buffer", library_encode_keep_buffer)
    library_function(L, b"encode_invalid_numbers", library_encode_invalid_numbers)
    library_function(L, b"decode_invalid_numbers", library_decode_invalid_numbers)
    library_function(L, b"new", library_new)
    lua_pop(L, 2)
    lua_pushlightuserdata(L, NULL)
    lua_setfield(L, -2, b"null")
    field(L, b"_NAME", b"cjson")
    field(L, b"_VERSION", b"2.1.0")
    return 1
