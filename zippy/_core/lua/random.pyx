# The generator is the linear congruential one of drand48 (POSIX), of which Redis takes the upper 31 bits, as lrand48 does.

from libc.math cimport floor
from libc.stdint cimport int32_t, uint32_t
from zippy._core.lua.api cimport (
    lua_gettop, lua_pushcfunction, lua_pushnumber, lua_setfield, luaL_argerror, luaL_checkinteger
)
from zippy._core.lua.vm cimport vm_of, vm_raise

cdef enum:
    MOST = 0x7FFFFFFF                # what is drawn is divided by it

RANDOM_SEED = <uint64_t>0x1234ABCD330E
cdef uint64_t STATE_MASK = (<uint64_t>1 << 48) - 1
cdef uint64_t FACTOR = <uint64_t>0x5DEECE66D
cdef uint64_t LOW_BITS = 0x330E


cdef double draw(lua_State* L) noexcept nogil:
    """The next number of the machine, of [0, 1)."""
    cdef uint64_t* state = &vm_of(L).random
    state[0] = (state[0] * FACTOR + 0xB) & STATE_MASK
    return <double>((state[0] >> 17) % MOST) / MOST


cdef int math_random(lua_State* L) noexcept nogil:
    """math.random([[low,] high])."""
    cdef double drawn = draw(L)
    cdef int arguments = lua_gettop(L)
    cdef int32_t low = 1
    cdef int32_t high
    if arguments == 0:
        lua_pushnumber(L, drawn)
        return 1
    if arguments > 2:
        return vm_raise(L, b"wrong number of arguments", True)
    high = <int32_t>luaL_checkinteger(L, 1)
    if arguments == 2:
        low = high
        high = <int32_t>luaL_checkinteger(L, 2)
    if low > high:
        return luaL_argerror(L, arguments, b"interval is empty")
    lua_pushnumber(L, floor(drawn * (<double>high - low + 1)) + low)
    return 1


cdef int math_randomseed(lua_State* L) noexcept nogil:
    """math.randomseed(seed)."""
    cdef uint32_t seed = <uint32_t>luaL_checkinteger(L, 1)
    vm_of(L).random = (<uint64_t>seed << 16) | LOW_BITS
    return 0


cdef void random_functions(lua_State* L) noexcept nogil:
    lua_pushcfunction(L, math_random)
    lua_setfield(L, -2, b"random")
    lua_pushcfunction(L, math_randomseed)
    lua_setfield(L, -2, b"randomseed")
