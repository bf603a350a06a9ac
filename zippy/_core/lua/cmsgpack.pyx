# https://github.com/msgpack/msgpack/blob/master/spec.md, as it was before types for binary data and extensions: both are refused.

from libc.limits cimport INT_MAX
from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport INT32_MIN, int8_t, int16_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t, UINT32_MAX
from libc.string cimport memcpy
from zippy._core.ground.buf cimport Buf, buf_append, buf_append_byte
from zippy._core.ground.format cimport format_text
from zippy._core.lua.api cimport (
    LUA_TBOOLEAN, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE, lua_createtable, lua_gettop, lua_insert, lua_next, lua_pop, lua_pushboolean,
    lua_pushinteger, lua_pushlstring, lua_pushnil, lua_pushnumber, lua_pushstring, lua_pushvalue, lua_rawgeti, lua_rawseti, lua_setfield,
    lua_settable, lua_settop, lua_State, lua_toboolean, lua_tolstring, lua_tonumber, lua_type
)
from zippy._core.lua.arguments cimport (
    integer_argument, integer_argument_or, raise_argument, raise_text, string_argument, want_stack
)
from zippy._core.lua.scratch cimport library_function, scratch_begin, scratch_is_over, scratch_push, scratch_raise, scratch_return

cdef enum:
    MAX_NESTING = 16                 # tables within tables; those further inside are packed as nil
    MESSAGE = 128

cdef enum:
    # a value's first byte
    FIX_MAP = 0x80
    FIX_ARRAY = 0x90
    FIX_STRING = 0xA0
    NIL = 0xC0
    FALSE = 0xC2
    TRUE = 0xC3
    FLOAT = 0xCA
    DOUBLE = 0xCB
    UINT8 = 0xCC
    UINT16 = 0xCD
    UINT32 = 0xCE
    UINT64 = 0xCF
    INT8 = 0xD0
    INT16 = 0xD1
    INT32 = 0xD2
    INT64 = 0xD3
    STRING8 = 0xD9
    STRING16 = 0xDA
    STRING32 = 0xDB
    ARRAY16 = 0xDC
    ARRAY32 = 0xDD
    MAP16 = 0xDE
    MAP32 = 0xDF
    FIX_NEGATIVE = 0xE0

cdef enum Outcome:
    READ
    CUT_OFF                          # the data ends before the value does
    MALFORMED


cdef void append_tagged(Buf* out, int tag, uint64_t number, int size) noexcept nogil:
    """A first byte, and a number of so many bytes, the highest first."""
    cdef char[9] bytes
    cdef int i
    bytes[0] = <char>tag
    for i in range(size):
        bytes[size - i] = <char>(number >> (8 * i) & 255)
    buf_append(out, bytes, size + 1)


cdef void append_integer(Buf* out, int64_t n) noexcept nogil:
    if n >= 0:
        if n <= 127:
            buf_append_byte(out, <char>n)
        elif n <= 0xFF:
            append_tagged(out, UINT8, n, 1)
        elif n <= 0xFFFF:
            append_tagged(out, UINT16, n, 2)
        elif n <= UINT32_MAX:
            append_tagged(out, UINT32, n, 4)
        else:
            append_tagged(out, UINT64, n, 8)
    elif n >= -32:
        buf_append_byte(out, <char>n)
    elif n >= -128:
        append_tagged(out, INT8, n, 1)
    elif n >= -32768:
        append_tagged(out, INT16, n, 2)
    elif n >= INT32_MIN:
        append_tagged(out, INT32, n, 4)
    else:
        append_tagged(out, INT64, n, 8)


cdef bint is_integer(double number) noexcept nogil:
    return -9223372036854775808.0 <= number < 9223372036854775808.0 and <double><int64_t>number == number


cdef void append_number(Buf* out, double number) noexcept nogil:
    cdef float single = <float>number
    cdef uint32_t image32
    cdef uint64_t image64
    if is_integer(number):
        append_integer(out, <int64_t>number)
    elif <double>single == number:
        memcpy(&image32, &single, sizeof(image32))
        append_tagged(out, FLOAT, image32, 4)
    else:
        memcpy(&image64, &number, sizeof(image64))
        append_tagged(out, DOUBLE, image64, 8)


cdef void append_string(Buf* out, const char* text, size_t length) noexcept nogil:
    if length < 32:
        buf_append_byte(out, <char>(FIX_STRING | length))
    elif length <= 0xFF:
        append_tagged(out, STRING8, length, 1)
    elif length <= 0xFFFF:
        append_tagged(out, STRING16, length, 2)
    else:
        append_tagged(out, STRING32, length, 4)
    buf_append(out, text, length)


cdef void append_count(Buf* out, size_t count, int fixed, int tag16) noexcept nogil:
    """How many items an array or map has; the tag for 32 bits follows the one for 16."""
    if count <= 15:
        buf_append_byte(out, <char>(fixed | count))
    elif count <= 0xFFFF:
        append_tagged(out, tag16, count, 2)
    else:
        append_tagged(out, tag16 + 1, count, 4)


cdef size_t table_count(lua_State* L, bint* is_array) noexcept nogil:
    """How many items the table on top has, and whether their keys are 1 to so many."""
    cdef size_t count = 0
    cdef double largest = 0
    cdef double key
    is_array[0] = True
    lua_pushnil(L)
    while lua_next(L, -2):
        lua_pop(L, 1)
        count += 1
        if is_array[0]:
            key = lua_tonumber(L, -1) if lua_type(L, -1) == LUA_TNUMBER else 0
            if not 0 < key <= INT_MAX or key != <double><int64_t>key:
                is_array[0] = False
            elif key > largest:
                largest = key
    is_array[0] = is_array[0] and largest == <double>count
    return count


cdef void stop_if_over(lua_State* L, Buf* out) noexcept nogil:
    if scratch_is_over(out):
        scratch_raise(L, out, b"result is longer than 512 MiB")


cdef void pack_table(lua_State* L, Buf* out, int depth) noexcept nogil:
    """Packs the table on top."""
    cdef bint is_array
    cdef size_t count
    cdef size_t i
    want_stack(L, 3, b"in function mp_encode_lua_table")
    count = table_count(L, &is_array)
    if is_array:
        append_count(out, count, FIX_ARRAY, ARRAY16)
        for i in range(count):
            lua_rawgeti(L, -1, <int>(i + 1))
            pack_value(L, out, depth)
            lua_pop(L, 1)
            stop_if_over(L, out)
        return
    append_count(out, count, FIX_MAP, MAP16)
    lua_pushnil(L)
    while lua_next(L, -2):
        lua_pushvalue(L, -2)
        pack_value(L, out, depth)
        lua_pop(L, 1)
        pack_value(L, out, depth)
        lua_pop(L, 1)
        stop_if_over(L, out)


cdef void pack_value(lua_State* L, Buf* out, int depth) noexcept nogil:
    """Packs the value on top, which lies in so many tables."""
    cdef int type = lua_type(L, -1)
    cdef size_t length
    cdef const char* text
    if type == LUA_TSTRING:
        text = lua_tolstring(L, -1, &length)
        append_string(out, text, length)
    elif type == LUA_TNUMBER:
        append_number(out, lua_tonumber(L, -1))
    elif type == LUA_TBOOLEAN:
        buf_append_byte(out, <char>(TRUE if lua_toboolean(L, -1) else FALSE))
    elif type == LUA_TTABLE and depth < MAX_NESTING:
        pack_table(L, out, depth + 1)
    else:
        buf_append_byte(out, <char>NIL)


cdef int cmsgpack_pack(lua_State* L) noexcept nogil:
    """cmsgpack.pack(value [, value ...])"""
    cdef Buf* out = scratch_begin(L)
    cdef int count = lua_gettop(L)
    cdef int i
    if count == 0:
        return raise_argument(L, 0, b"MessagePack pack needs input.")
    want_stack(L, 1, b"Too many arguments for MessagePack pack.")
    for i in range(1, count + 1):
        lua_pushvalue(L, i)
        pack_value(L, out, 0)
        lua_pop(L, 1)
        stop_if_over(L, out)
    return scratch_return(L, out, True)


cdef struct Reader:
    lua_State* L
    const uint8_t* at
    size_t left                      # bytes from there on


cdef bint take(Reader* r, size_t size, uint64_t* number) noexcept nogil:
    """Reads a number of so many bytes behind the first one, and passes over all of them; False when the data ends before."""
    cdef size_t i
    if r.left < size + 1:
        return False
    number[0] = 0
    for i in range(1, size + 1):
        number[0] = number[0] << 8 | r.at[i]
    r.at += size + 1
    r.left -= size + 1
    return True


cdef Outcome unpack_string(Reader* r, size_t length) noexcept nogil:
    if r.left < length:
        return CUT_OFF
    lua_pushlstring(r.L, <const char*>r.at, length)
    r.at += length
    r.left -= length
    return READ


cdef Outcome unpack_array(Reader* r, size_t count, int depth) noexcept nogil:
    cdef Outcome outcome
    cdef size_t i
    lua_createtable(r.L, 0, 0)
    # as many places as if each item's number lay on the stack as well: arrays are as deep as elsewhere
    want_stack(r.L, depth + 1, b"in function mp_decode_to_lua_array")
    for i in range(count):
        outcome = unpack_value(r, depth + 1)
        if outcome != READ:
            return outcome
        lua_rawseti(r.L, -2, <int>(i + 1))
    return READ


cdef Outcome unpack_map(Reader* r, size_t count, int depth) noexcept nogil:
    cdef Outcome outcome
    lua_createtable(r.L, 0, 0)
    for _ in range(count):
        outcome = unpack_value(r, depth)
        if outcome == READ:
            outcome = unpack_value(r, depth)
        if outcome != READ:
            return outcome
        lua_settable(r.L, -3)
    return READ


cdef double signed_number(uint64_t number, size_t size) noexcept nogil:
    if size == 1:
        return <int8_t>number
    if size == 2:
        return <int16_t>number
    if size == 4:
        return <int32_t>number
    return <double><int64_t>number


cdef double float_number(uint64_t number, size_t size) noexcept nogil:
    cdef uint32_t half = <uint32_t>number
    cdef float single
    cdef double whole
    memcpy(&single, &half, sizeof(single))
    memcpy(&whole, &number, sizeof(whole))
    return single if size == 4 else whole


cdef size_t width_of(int tag) noexcept nogil:
    """The bytes of the number behind a first byte, 0 where there is none."""
    if tag == UINT8 or tag == INT8 or tag == STRING8:
        return 1
    if tag == UINT16 or tag == INT16 or tag == STRING16 or tag == ARRAY16 or tag == MAP16:
        return 2
    if tag == UINT32 or tag == INT32 or tag == STRING32 or tag == ARRAY32 or tag == MAP32 or tag == FLOAT:
        return 4
    return 8 if tag == UINT64 or tag == INT64 or tag == DOUBLE else 0


cdef Outcome unpack_wide(Reader* r, int tag, int depth) noexcept nogil:
    """Unpacks a value whose first byte says how wide the number behind it is."""
    cdef size_t width = width_of(tag)
    cdef uint64_t number
    if width == 0:
        return MALFORMED
    if not take(r, width, &number):
        return CUT_OFF
    if tag == STRING8 or tag == STRING16 or tag == STRING32:
        return unpack_string(r, number)
    if tag == ARRAY16 or tag == ARRAY32:
        return unpack_array(r, number, depth)
    if tag == MAP16 or tag == MAP32:
        return unpack_map(r, number, depth)
    if tag == FLOAT or tag == DOUBLE:
        lua_pushnumber(r.L, float_number(number, width))
    elif tag < INT8 and tag != UINT64:
        lua_pushnumber(r.L, <double>number)
    else:
        lua_pushnumber(r.L, signed_number(number, width))    # of 64 bits without a sign, too: that is what is expected here
    return READ


cdef Outcome unpack_value(Reader* r, int depth) noexcept nogil:
    """Pushes the next value, which lies in so many arrays."""
    cdef int tag
    if r.left == 0:
        return CUT_OFF
    want_stack(r.L, depth + 1, b"too many return values at once; use unpack_one or unpack_limit instead.")
    tag = r.at[0]
    if NIL < tag < FIX_NEGATIVE and tag != FALSE and tag != TRUE:
        return unpack_wide(r, tag, depth)
    r.at += 1
    r.left -= 1
    if tag < FIX_MAP:
        lua_pushnumber(r.L, tag)
    elif tag < FIX_ARRAY:
        return unpack_map(r, tag & 15, depth)
    elif tag < FIX_STRING:
        return unpack_array(r, tag & 15, depth)
    elif tag < NIL:
        return unpack_string(r, tag & 31)
    elif tag == NIL:
        lua_pushnil(r.L)
    elif tag < FIX_NEGATIVE:
        lua_pushboolean(r.L, tag == TRUE)
    else:
        lua_pushnumber(r.L, tag - 256)
    return READ


cdef int unpack_from(lua_State* L, ptrdiff_t limit, ptrdiff_t offset) noexcept nogil:
    """Unpacks argument 1 from `offset` on, `limit` values at most; the first result is where to go on, or -1. All of it if both are 0."""
    cdef Reader r
    cdef size_t length
    cdef const char* data = string_argument(L, 1, &length)
    cdef bint everything = limit == 0 and offset == 0
    cdef char[MESSAGE] text
    cdef Outcome outcome
    cdef int count = 0
    if offset < 0 or limit < 0:
        format_text(text, MESSAGE, b"Invalid request to unpack with offset of %d and limit of %d.", <int>offset, <int>length)
        return raise_text(L, text)
    if <size_t>offset > length:
        format_text(text, MESSAGE, b"Start offset %d greater than input length %d.", <int>offset, <int>length)
        return raise_text(L, text)
    r.L = L
    r.at = <const uint8_t*>data + offset
    r.left = length - offset
    while r.left and (everything or count < limit):
        outcome = unpack_value(&r, 0)
        if outcome != READ:
            return raise_text(L, b"Missing bytes in input." if outcome == CUT_OFF else b"Bad data format in input.")
        count += 1
    if everything:
        return count
    want_stack(L, 1, b"in function mp_unpack_full")
    lua_pushinteger(L, -1 if r.left == 0 else <ptrdiff_t>(length - r.left))
    lua_insert(L, 2)
    return count + 1


cdef int cmsgpack_unpack(lua_State* L) noexcept nogil:
    """cmsgpack.unpack(data): all values in it"""
    return unpack_from(L, 0, 0)


cdef void drop_options(lua_State* L) noexcept nogil:
    if lua_gettop(L) > 1:
        lua_settop(L, 1)


cdef int cmsgpack_unpack_one(lua_State* L) noexcept nogil:
    """cmsgpack.unpack_one(data [, offset]): where to go on, or -1, and the value"""
    cdef ptrdiff_t offset = integer_argument_or(L, 2, 0)
    drop_options(L)
    return unpack_from(L, 1, offset)


cdef int cmsgpack_unpack_limit(lua_State* L) noexcept nogil:
    """cmsgpack.unpack_limit(data, limit [, offset]): where to go on, or -1, and `limit` values at most"""
    cdef ptrdiff_t limit = integer_argument(L, 2)
    cdef ptrdiff_t offset = integer_argument_or(L, 3, 0)
    drop_options(L)
    return unpack_from(L, limit, offset)


cdef void field(lua_State* L, const char* name, const char* text) noexcept nogil:
    lua_pushstring(L, text)
    lua_setfield(L, -2, name)


cdef int open_cmsgpack(lua_State* L) noexcept nogil:
    lua_createtable(L, 0, 8)
    scratch_push(L)
    lua_pushnil(L)
    library_function(L, b"pack", cmsgpack_pack)
    library_function(L, b"unpack", cmsgpack_unpack)
    library_function(L, b"unpack_one", cmsgpack_unpack_one)
    library_function(L, b"unpack_limit", cmsgpack_unpack_limit)
    lua_pop(L, 2)
    field(L, b"_NAME", b"cmsgpack")
    field(L, b"_VERSION", b"lua-cmsgpack 0.4.0")
    field(L, b"_DESCRIPTION", b"MessagePack C implementation for Lua")
    return 1
