"""math.random and math.randomseed as Redis has them: the same numbers on every system and after every start."""

from libc.stdint cimport uint64_t
from zippy._core.lua.api cimport lua_State


cdef uint64_t RANDOM_SEED                                        # the state before anybody has given a seed
cdef void random_functions(lua_State* L) noexcept nogil          # puts both into the table on top; may raise a Lua error
