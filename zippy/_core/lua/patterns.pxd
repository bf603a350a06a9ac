"""string.find, match, gmatch, gsub and rep: Lua's patterns, matched in bounded stack and so that a script can be stopped within them.

Lua's own matcher recurses as deeply as a pattern says and calls no hook: a pattern could end the process or hold it up for ever.
"""

from zippy._core.lua.api cimport lua_State


cdef void pattern_functions(lua_State* L) noexcept nogil         # puts them into the table on top; may raise a Lua error
