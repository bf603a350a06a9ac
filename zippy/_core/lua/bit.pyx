# A number becomes 32 bits by adding 2^52 + 2^51: its integer part, rounded to even and wrapped, is then the low half of the double's
# own bits. Beyond 2^51 the low half is what it happens to be, the same on every machine with IEEE doubles.

from libc.stdint cimport INT32_MIN, int32_t, uint32_t, uint64_t
from libc.string cimport memcpy
from zippy._core.lua.api cimport (
    LUA_TNONE, lua_createtable, lua_gettop, lua_pushcfunction, lua_pushlstring, lua_pushnumber, lua_setfield, lua_type
)
from zippy._core.lua.api cimport lua_CFunction, lua_State
from zippy._core.lua.arguments cimport number_argument

cdef enum:
    HEX_DIGITS = 8


cdef double ROUNDING = 6755399441055744.0    # 2^52 + 2^51


cdef inline uint32_t bits_argument(lua_State* L, int number) noexcept nogil:
    cdef double shifted = number_argument(L, number) + ROUNDING
    cdef uint64_t image
    memcpy(&image, &shifted, sizeof(image))
    return <uint32_t>image


cdef inline int push_bits(lua_State* L, uint32_t bits) noexcept nogil:
    lua_pushnumber(L, <int32_t>bits)
    return 1


cdef inline uint32_t rotated(uint32_t bits, uint32_t left) noexcept nogil:
    left &= 31
    return bits << left | bits >> (-left & 31)


cdef int bit_tobit(lua_State* L) noexcept nogil:
    """bit.tobit(x)"""
    return push_bits(L, bits_argument(L, 1))


cdef int bit_bnot(lua_State* L) noexcept nogil:
    """bit.bnot(x)"""
    return push_bits(L, ~bits_argument(L, 1))


cdef int bit_band(lua_State* L) noexcept nogil:
    """bit.band(x [, x ...]): of several arguments that are no numbers, Redis names the first or else the last"""
    cdef uint32_t bits = bits_argument(L, 1)
    cdef int i
    for i in range(lua_gettop(L), 1, -1):
        bits &= bits_argument(L, i)
    return push_bits(L, bits)


cdef int bit_bor(lua_State* L) noexcept nogil:
    """bit.bor(x [, x ...])"""
    cdef uint32_t bits = bits_argument(L, 1)
    cdef int i
    for i in range(lua_gettop(L), 1, -1):
        bits |= bits_argument(L, i)
    return push_bits(L, bits)


cdef int bit_bxor(lua_State* L) noexcept nogil:
    """bit.bxor(x [, x ...])"""
    cdef uint32_t bits = bits_argument(L, 1)
    cdef int i
    for i in range(lua_gettop(L), 1, -1):
        bits ^= bits_argument(L, i)
    return push_bits(L, bits)


cdef int bit_lshift(lua_State* L) noexcept nogil:
    """bit.lshift(x, n): n modulo 32, as everywhere here"""
    cdef uint32_t bits = bits_argument(L, 1)
    return push_bits(L, bits << (bits_argument(L, 2) & 31))


cdef int bit_rshift(lua_State* L) noexcept nogil:
    """bit.rshift(x, n)"""
    cdef uint32_t bits = bits_argument(L, 1)
    return push_bits(L, bits >> (bits_argument(L, 2) & 31))


cdef int bit_arshift(lua_State* L) noexcept nogil:
    """bit.arshift(x, n)"""
    cdef int32_t bits = <int32_t>bits_argument(L, 1)
    return push_bits(L, <uint32_t>(bits >> (bits_argument(L, 2) & 31)))


cdef int bit_rol(lua_State* L) noexcept nogil:
    """bit.rol(x, n)"""
    cdef uint32_t bits = bits_argument(L, 1)
    return push_bits(L, rotated(bits, bits_argument(L, 2)))


cdef int bit_ror(lua_State* L) noexcept nogil:
    """bit.ror(x, n)"""
    cdef uint32_t bits = bits_argument(L, 1)
    return push_bits(L, rotated(bits, -bits_argument(L, 2)))


cdef int bit_bswap(lua_State* L) noexcept nogil:
    """bit.bswap(x)"""
    cdef uint32_t bits = bits_argument(L, 1)
    return push_bits(L, bits >> 24 | (bits >> 8 & 0xFF00) | (bits << 8 & 0xFF0000) | bits << 24)


cdef int bit_tohex(lua_State* L) noexcept nogil:
    """bit.tohex(x [, n]): the last n digits, of eight; in capitals where n is negative"""
    cdef uint32_t bits = bits_argument(L, 1)
    cdef int32_t wanted = HEX_DIGITS if lua_type(L, 2) == LUA_TNONE else <int32_t>bits_argument(L, 2)
    cdef const char* digits = b"0123456789abcdef"
    cdef char[HEX_DIGITS] text
    cdef int count
    cdef int i
    if wanted < 0:
        digits = b"0123456789ABCDEF"
        wanted = HEX_DIGITS if wanted == INT32_MIN else -wanted
    count = wanted if wanted < HEX_DIGITS else HEX_DIGITS
    for i in range(count):
        text[count - 1 - i] = digits[bits & 15]
        bits >>= 4
    lua_pushlstring(L, text, count)
    return 1


cdef void function(lua_State* L, const char* name, lua_CFunction address) noexcept nogil:
    lua_pushcfunction(L, address)
    lua_setfield(L, -2, name)


cdef int open_bit(lua_State* L) noexcept nogil:
    lua_createtable(L, 0, 12)
    function(L, b"tobit", bit_tobit)
    function(L, b"bnot", bit_bnot)
    function(L, b"band", bit_band)
    function(L, b"bor", bit_bor)
    function(L, b"bxor", bit_bxor)
    function(L, b"lshift", bit_lshift)
    function(L, b"rshift", bit_rshift)
    function(L, b"arshift", bit_arshift)
    function(L, b"rol", bit_rol)
    function(L, b"ror", bit_ror)
    function(L, b"bswap", bit_bswap)
    function(L, b"tohex", bit_tohex)
    return 1
