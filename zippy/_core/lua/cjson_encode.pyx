# One pass over the value, into the state's buffer. A table is looked through once before: only its keys tell whether it is an array.

from libc.limits cimport INT_MAX, INT_MIN
from libc.math cimport floor, isinf, isnan
from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t
from zippy._core.ground.buf cimport Buf, buf_append, buf_append_byte, buf_append_text, buf_reserve
from zippy._core.ground.format cimport format_text
from zippy._core.ground.number cimport NUM_DOUBLE_TEXT, num_write_general
from zippy._core.lua.api cimport (
    LUA_TBOOLEAN, LUA_TLIGHTUSERDATA, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE, lua_checkstack, lua_next, lua_pop, lua_pushnil,
    lua_rawgeti, lua_toboolean, lua_tolstring, lua_tonumber, lua_touserdata, lua_type, lua_typename
)
from zippy._core.lua.scratch cimport scratch_begin, scratch_is_over, scratch_raise, scratch_return

cdef enum:
    MESSAGE = 128
    ESCAPED = 6                      # bytes of an escaped byte at most
    OBJECT = -1                      # the length of what is no array


cdef char[256] escapes               # 0: as it is; 'u': by its number; else the letter behind the backslash


def fill_escapes():
    """The bytes that JSON or JavaScript want escaped, DEL and the slash among them."""
    for i in range(256):
        escapes[i] = c'u' if i < 32 or i == 127 else 0
    for byte, letter in zip(b'\b\t\n\f\r"\\/', b'btnfr"\\/', strict=True):
        escapes[byte] = letter


fill_escapes()


cdef struct Writer:
    lua_State* L
    Buf* out
    const EncodeSettings* settings


cdef void refuse(Writer* w, int at, const char* why) noexcept nogil:
    """Raises that the value at this place of the stack cannot be written."""
    cdef char[MESSAGE] text
    format_text(text, MESSAGE, b"Cannot serialise %s: %s", lua_typename(w.L, lua_type(w.L, at)), why)
    scratch_raise(w.L, w.out, text)


cdef void stop_if_over(Writer* w) noexcept nogil:
    if scratch_is_over(w.out):
        scratch_raise(w.L, w.out, b"Cannot serialise, result is longer than 512 MiB")


cdef void write_escape(Writer* w, unsigned char byte) noexcept nogil:
    cdef const char* digits = b"0123456789abcdef"
    cdef char* dst
    stop_if_over(w)
    if buf_reserve(w.out, ESCAPED) != 0:
        return
    dst = w.out.data + w.out.len
    dst[0] = c'\\'
    dst[1] = escapes[byte]
    w.out.len += 2
    if escapes[byte] == c'u':
        dst[2] = c'0'
        dst[3] = c'0'
        dst[4] = digits[byte >> 4]
        dst[5] = digits[byte & 15]
        w.out.len += 4


cdef void write_string(Writer* w, int at) noexcept nogil:
    cdef size_t length
    cdef const char* text = lua_tolstring(w.L, at, &length)
    cdef const char* end = text + length
    cdef const char* plain
    if buf_reserve(w.out, length + 2) != 0:
        return
    buf_append_byte(w.out, c'"')
    while True:
        plain = text
        while text < end and escapes[<unsigned char>text[0]] == 0:
            text += 1
        buf_append(w.out, plain, text - plain)
        if text == end:
            break
        write_escape(w, <unsigned char>text[0])
        text += 1
    buf_append_byte(w.out, c'"')


cdef void write_number(Writer* w, int at) noexcept nogil:
    cdef double number = lua_tonumber(w.L, at)
    if isnan(number) or isinf(number):
        if w.settings.invalid == INVALID_REFUSED:
            refuse(w, at, b"must not be NaN or Inf")
        elif w.settings.invalid == INVALID_AS_NULL:
            buf_append_text(w.out, b"null")
        else:
            buf_append_text(w.out, b"nan" if isnan(number) else b"inf" if number > 0 else b"-inf")
    elif buf_reserve(w.out, NUM_DOUBLE_TEXT) == 0:
        w.out.len += num_write_general(w.out.data + w.out.len, number, w.settings.precision)


cdef int array_length(Writer* w) noexcept nogil:
    """The last index of the table on top, or OBJECT if it has other keys; raises where an array is too sparse."""
    cdef int last = 0
    cdef int items = 0
    cdef double key
    lua_pushnil(w.L)
    while lua_next(w.L, -2):
        lua_pop(w.L, 1)
        key = lua_tonumber(w.L, -1) if lua_type(w.L, -1) == LUA_TNUMBER else 0
        if key < 1 or key != floor(key):
            lua_pop(w.L, 1)
            return OBJECT
        items += 1
        if key > last:
            # an index beyond 2^31 counts as none at all
            last = <int>key if key <= INT_MAX else INT_MIN
    # the product wraps: so a ratio that is too large to mean anything does what it does elsewhere
    if w.settings.ratio > 0 and last > <int32_t>(<int64_t>items * w.settings.ratio) and last > w.settings.safe:
        if w.settings.convert:
            return OBJECT
        refuse(w, -1, b"excessively sparse array")
    return last


cdef void write_array(Writer* w, int length, int depth) noexcept nogil:
    cdef int64_t i                   # the length may be the largest int
    buf_append_byte(w.out, c'[')
    for i in range(1, <int64_t>length + 1):
        if i > 1:
            buf_append_byte(w.out, c',')
        lua_rawgeti(w.L, -1, <int>i)
        write_value(w, depth)
        lua_pop(w.L, 1)
        stop_if_over(w)
    buf_append_byte(w.out, c']')


cdef void write_key(Writer* w) noexcept nogil:
    """Writes the key below the top."""
    cdef int type = lua_type(w.L, -2)
    if type == LUA_TSTRING:
        write_string(w, -2)
    elif type == LUA_TNUMBER:
        buf_append_byte(w.out, c'"')
        write_number(w, -2)
        buf_append_byte(w.out, c'"')
    else:
        refuse(w, -2, b"table key must be a number or string")
    buf_append_byte(w.out, c':')


cdef void write_object(Writer* w, int depth) noexcept nogil:
    cdef bint first = True
    buf_append_byte(w.out, c'{')
    lua_pushnil(w.L)
    while lua_next(w.L, -2):
        if not first:
            buf_append_byte(w.out, c',')
        first = False
        write_key(w)
        write_value(w, depth)
        lua_pop(w.L, 1)
        stop_if_over(w)
    buf_append_byte(w.out, c'}')


cdef void write_table(Writer* w, int depth) noexcept nogil:
    cdef char[MESSAGE] text
    cdef int length
    if depth > w.settings.max_depth or not lua_checkstack(w.L, 3):
        format_text(text, MESSAGE, b"Cannot serialise, excessive nesting (%d)", depth)
        scratch_raise(w.L, w.out, text)
    length = array_length(w)
    if length > 0:
        write_array(w, length, depth)
    else:
        write_object(w, depth)


cdef void write_value(Writer* w, int depth) noexcept nogil:
    """Writes the value on top, which lies in so many tables."""
    cdef int type = lua_type(w.L, -1)
    if type == LUA_TSTRING:
        write_string(w, -1)
    elif type == LUA_TNUMBER:
        write_number(w, -1)
    elif type == LUA_TBOOLEAN:
        buf_append_text(w.out, b"true" if lua_toboolean(w.L, -1) else b"false")
    elif type == LUA_TTABLE:
        write_table(w, depth + 1)
    elif type == LUA_TNIL or type == LUA_TLIGHTUSERDATA and lua_touserdata(w.L, -1) == NULL:
        buf_append_text(w.out, b"null")
    else:
        refuse(w, -1, b"type not supported")


cdef int cjson_encode(lua_State* L, const EncodeSettings* settings) noexcept nogil:
    cdef Writer w
    w.L = L
    w.out = scratch_begin(L)
    w.settings = settings
    write_value(&w, 0)
    return scratch_return(L, w.out, settings.keep_buffer)
