# A format is a row of options, read one after the other; what it says of the byte order and of alignment holds for the options behind it.
# Sizes in a format are below 2^31, and positions are compared so that no sum can wrap.

from libc.limits cimport INT_MAX
from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memchr, memcpy
from zippy._core.ground.buf cimport Buf, buf_append, buf_append_byte, buf_reserve
from zippy._core.ground.format cimport format_text
from zippy._core.lua.api cimport (
    lua_createtable, lua_isnumber, lua_pop, lua_pushinteger, lua_pushlstring, lua_pushnil, lua_pushnumber, lua_settop,
    lua_State, lua_tonumber
)
from zippy._core.lua.arguments cimport (
    integer_argument_or, number_argument, raise_argument, raise_text, string_argument, want_stack
)
from zippy._core.lua.scratch cimport library_function, scratch_begin, scratch_is_over, scratch_push, scratch_raise, scratch_return

cdef enum:
    MAX_INTEGER = 32                 # bytes of an integer
    MAX_ALIGNMENT = 8                # that "!" means without a number
    MESSAGE = 64
    DOUBLE = 8                       # bytes of one


cdef struct Format:
    lua_State* L
    const char* at                   # what is not yet read of it; a NUL ends it
    bint big_endian
    size_t alignment                 # that sizes are cut to; 1 is none
    char option                      # the one read last
    size_t size                      # of what it stands for; 0 where that isn't known yet
    size_t padding                   # bytes before it


cdef bint is_digit(char c) noexcept nogil:
    return c'0' <= c <= c'9'


cdef bint is_letter(char c) noexcept nogil:
    return c'a' <= c <= c'z' or c'A' <= c <= c'Z'


cdef size_t read_size(Format* f, size_t absent) noexcept nogil:
    """The number behind an option, or `absent`."""
    cdef size_t value = 0
    cdef size_t digit
    if not is_digit(f.at[0]):
        return absent
    while is_digit(f.at[0]):
        digit = <size_t>(f.at[0] - c'0')
        if value > (INT_MAX - digit) // 10:
            raise_text(f.L, b"integral size overflow")
        value = value * 10 + digit
        f.at += 1
    return value


cdef size_t integer_size(Format* f) noexcept nogil:
    cdef char[MESSAGE] text
    cdef size_t size = read_size(f, sizeof(int))
    if size > MAX_INTEGER:
        format_text(text, MESSAGE, b"integral size %d is larger than limit of %d", <int>size, <int>MAX_INTEGER)
        raise_text(f.L, text)
    return size


cdef size_t option_size(Format* f) noexcept nogil:
    if f.option == c'b' or f.option == c'B' or f.option == c'x':
        return 1
    if f.option == c'h' or f.option == c'H':
        return sizeof(short)
    if f.option == c'l' or f.option == c'L':
        return sizeof(long)
    if f.option == c'T':
        return sizeof(size_t)
    if f.option == c'f':
        return sizeof(float)
    if f.option == c'd':
        return sizeof(double)
    if f.option == c'c':
        return read_size(f, 1)
    if f.option == c'i' or f.option == c'I':
        return integer_size(f)
    return 0


cdef bint next_option(Format* f, size_t position) noexcept nogil:
    """Reads the next option, to be laid at `position` or behind padding; False at the format's end."""
    cdef size_t boundary
    f.option = f.at[0]
    if f.option == 0:
        return False
    f.at += 1
    f.size = option_size(f)
    f.padding = 0
    boundary = f.size if f.size < f.alignment else f.alignment
    if boundary > 1 and f.option != c'c':
        f.padding = (boundary - (position & (boundary - 1))) & (boundary - 1)
    return True


cdef void obey_control(Format* f) noexcept nogil:
    """Does what an option says that stands for no value, or raises when there is none such."""
    cdef char[MESSAGE] text
    if f.option == c' ':
        return
    if f.option == c'>' or f.option == c'<':
        f.big_endian = f.option == c'>'
    elif f.option == c'!':
        f.alignment = read_size(f, MAX_ALIGNMENT)
        if f.alignment == 0 or f.alignment & (f.alignment - 1):
            format_text(text, MESSAGE, b"alignment %d is not a power of 2", <int>f.alignment)
            raise_text(f.L, text)
    else:
        format_text(text, MESSAGE, b"invalid format option '%c'", <int>f.option)
        raise_argument(f.L, 1, text)


cdef void format_begin(Format* f, lua_State* L) noexcept nogil:
    f.L = L
    f.at = string_argument(L, 1, NULL)
    f.big_endian = False
    f.alignment = 1


cdef uint64_t integer_of(double number) noexcept nogil:
    """The number cut to 64 bits, where C leaves it open as the oracle's processor does."""
    if number >= 9223372036854775808.0:
        return <uint64_t>number if number < 18446744073709551616.0 else 0
    if number >= -9223372036854775808.0:
        return <uint64_t><int64_t>number
    return <uint64_t>1 << 63


cdef void reverse(char* bytes, size_t size) noexcept nogil:
    cdef size_t i
    cdef char byte
    for i in range(size // 2):
        byte = bytes[i]
        bytes[i] = bytes[size - 1 - i]
        bytes[size - 1 - i] = byte


cdef void append_in_order(Format* f, Buf* out, char* bytes) noexcept nogil:
    """Appends f.size bytes, the lowest of them first, in the format's order."""
    if f.big_endian:
        reverse(bytes, f.size)
    buf_append(out, bytes, f.size)


cdef void append_integer(Format* f, Buf* out, double number) noexcept nogil:
    cdef char[MAX_INTEGER] bytes
    cdef uint64_t value = integer_of(number)
    cdef size_t i
    for i in range(f.size):
        bytes[i] = <char>(value & 255)
        value >>= 8
    append_in_order(f, out, bytes)


cdef void append_float(Format* f, Buf* out, double number) noexcept nogil:
    cdef char[DOUBLE] bytes
    cdef float single = <float>number
    if f.option == c'f':
        memcpy(bytes, &single, sizeof(single))
    else:
        memcpy(bytes, &number, sizeof(number))
    append_in_order(f, out, bytes)


cdef void append_string(Format* f, Buf* out, int argument) noexcept nogil:
    cdef size_t length
    cdef const char* text = string_argument(f.L, argument, &length)
    if f.size == 0:
        f.size = length
    if length < f.size:
        raise_argument(f.L, argument + 1, b"string too short")
    buf_append(out, text, f.size)
    if f.option == c's':
        buf_append_byte(out, 0)


cdef int pack_option(Format* f, Buf* out, int argument) noexcept nogil:
    """Appends what the option stands for; the number of the next argument."""
    if f.option == c'x':
        buf_append_byte(out, 0)
        return argument
    if f.option == c'c' or f.option == c's':
        append_string(f, out, argument)
        return argument + 1
    if f.option == c'f' or f.option == c'd':
        append_float(f, out, number_argument(f.L, argument))
        return argument + 1
    if f.size or f.option == c'i' or f.option == c'I':
        append_integer(f, out, number_argument(f.L, argument))
        return argument + 1
    obey_control(f)
    return argument


cdef int struct_pack(lua_State* L) noexcept nogil:
    """struct.pack(format, value, value ...)"""
    cdef Format f
    cdef Buf* out = scratch_begin(L)
    cdef int argument = 2
    format_begin(&f, L)
    lua_pushnil(L)                   # an argument that isn't there is nil
    while next_option(&f, out.len):
        if buf_reserve(out, f.padding) == 0:
            while f.padding:
                buf_append_byte(out, 0)
                f.padding -= 1
        argument = pack_option(&f, out, argument)
        if scratch_is_over(out):
            return scratch_raise(L, out, b"result is longer than 512 MiB")
    return scratch_return(L, out, True)


cdef double read_integer(Format* f, const char* bytes) noexcept nogil:
    cdef uint64_t value = 0
    cdef uint64_t sign
    cdef size_t i
    for i in range(f.size):
        value = value << 8 | <unsigned char>bytes[i if f.big_endian else f.size - 1 - i]
    if is_unsigned(f.option):
        return <double>value
    # of more than 64 bits the sign is taken from where the shift, counted modulo 64, comes to
    sign = ~<uint64_t>0 << ((f.size * 8 - 1) & 63)
    if value & sign:
        value |= sign
    return <double><int64_t>value


cdef bint is_unsigned(char option) noexcept nogil:
    return option == c'B' or option == c'H' or option == c'L' or option == c'T' or option == c'I'


cdef double read_float(Format* f, const char* source) noexcept nogil:
    cdef char[DOUBLE] bytes
    cdef float single
    cdef double number
    memcpy(bytes, source, f.size)
    if f.big_endian:
        reverse(bytes, f.size)
    if f.option == c'f':
        memcpy(&single, bytes, sizeof(single))
        return single
    memcpy(&number, bytes, sizeof(number))
    return number


cdef void want_bytes(Format* f, size_t position, size_t length) noexcept nogil:
    if f.size > length or position > length - f.size:
        raise_argument(f.L, 2, b"data string too short")


cdef void push_counted(Format* f, const char* data, size_t position, size_t length, int* results) noexcept nogil:
    """Pushes f.size bytes; as many as the result before says where that is 0."""
    if f.size == 0:
        if results[0] == 0 or not lua_isnumber(f.L, -1):
            raise_text(f.L, b"format 'c0' needs a previous size")
        f.size = <size_t>integer_of(lua_tonumber(f.L, -1))
        want_bytes(f, position, length)
        lua_pop(f.L, 1)
        results[0] -= 1
    lua_pushlstring(f.L, data + position, f.size)
    results[0] += 1


cdef void push_terminated(Format* f, const char* data, size_t position, size_t length) noexcept nogil:
    cdef const char* nul = <const char*>memchr(data + position, 0, length - position)
    if nul == NULL:
        raise_text(f.L, b"unfinished string in data")
    f.size = <size_t>(nul - data) - position
    lua_pushlstring(f.L, data + position, f.size)
    f.size += 1


cdef int unpack_option(Format* f, const char* data, size_t position, size_t length, int results) noexcept nogil:
    """Pushes what the option stands for; how many results there are then."""
    want_bytes(f, position, length)
    want_stack(f.L, 2, b"too many results")
    if f.option == c'x':
        return results
    if f.option == c'c':
        push_counted(f, data, position, length, &results)
        return results
    if f.option == c's':
        push_terminated(f, data, position, length)
        return results + 1
    if f.option == c'f' or f.option == c'd':
        lua_pushnumber(f.L, read_float(f, data + position))
        return results + 1
    if f.size or f.option == c'i' or f.option == c'I':
        lua_pushnumber(f.L, read_integer(f, data + position))
        return results + 1
    obey_control(f)
    return results


cdef int struct_unpack(lua_State* L) noexcept nogil:
    """struct.unpack(format, data [, position]): the values, and the position behind them"""
    cdef Format f
    cdef size_t length
    cdef const char* data
    cdef size_t position
    cdef int results = 0
    format_begin(&f, L)
    data = string_argument(L, 2, &length)
    position = <size_t>integer_argument_or(L, 3, 1)
    if position == 0:
        raise_argument(L, 3, b"offset must be 1 or greater")
    position -= 1
    lua_settop(L, 2)
    while next_option(&f, position):
        position += f.padding
        results = unpack_option(&f, data, position, length, results)
        position += f.size
    lua_pushinteger(L, <int64_t>(position + 1))
    return results + 1


cdef int struct_size(lua_State* L) noexcept nogil:
    """struct.size(format): the bytes of what pack makes"""
    cdef Format f
    cdef size_t position = 0
    format_begin(&f, L)
    while next_option(&f, position):
        if f.option == c's' or f.option == c'c' and f.size == 0:
            raise_argument(L, 1, b"option 's' has no fixed size" if f.option == c's' else b"option 'c0' has no fixed size")
        if not is_letter(f.option) and not is_digit(f.option):
            obey_control(&f)
        position += f.padding + f.size
    lua_pushinteger(L, <int64_t>position)
    return 1


cdef int open_struct(lua_State* L) noexcept nogil:
    lua_createtable(L, 0, 3)
    scratch_push(L)
    lua_pushnil(L)
    library_function(L, b"pack", struct_pack)
    library_function(L, b"unpack", struct_unpack)
    library_function(L, b"size", struct_size)
    lua_pop(L, 2)
    return 1
