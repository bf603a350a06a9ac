"""A plain state of Lua with the libraries of scripts, for tests: what a chunk returns, without a server around it.

What the libraries allocate for themselves is charged to nobody: the engine that was used last, which it would be charged to, may be garbage
that goes while the state is there.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stddef cimport size_t
from libc.stdlib cimport free, realloc
from zippy._core.ground.mem cimport Account, mem_charge_to, mem_charged
from zippy._core.lua.api cimport (
    LUA_GCCOLLECT, LUA_MULTRET, LUA_OK, LUA_TBOOLEAN, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE, lua_close, lua_createtable,
    lua_gc, lua_gettop, lua_is_there, lua_newstate, lua_objlen, lua_pcall, lua_pop, lua_pushcfunction, lua_pushlstring, lua_rawgeti,
    lua_rawseti, lua_setglobal, lua_settop, lua_State, lua_toboolean, lua_tolstring, lua_tonumber, lua_type, lua, luaL_loadbuffer
)
from zippy._core.lua.bit cimport open_bit
from zippy._core.lua.cjson cimport open_cjson
from zippy._core.lua.cmsgpack cimport open_cmsgpack
from zippy._core.lua.struct_pack cimport open_struct


cdef struct Memory:
    size_t used
    size_t limit                     # bytes that Lua may have; what would be beyond is refused


cdef void* allocate(void* state, void* block, size_t old_size, size_t new_size) noexcept nogil:
    cdef Memory* memory = <Memory*>state
    cdef void* made
    if new_size == 0:
        free(block)
        memory.used -= old_size
        return NULL
    if new_size > old_size and memory.used + (new_size - old_size) > memory.limit:
        return NULL
    made = realloc(block, new_size)
    if made != NULL:
        memory.used += new_size - old_size
    return made


cdef int open_libraries(lua_State* L) noexcept nogil:
    lua_pushcfunction(L, lua.open_base)
    lua.call(L, 0, 0)
    lua_pushcfunction(L, lua.open_table)
    lua.call(L, 0, 0)
    lua_pushcfunction(L, lua.open_string)
    lua.call(L, 0, 0)
    lua_pushcfunction(L, lua.open_math)
    lua.call(L, 0, 0)
    open_cjson(L)
    lua_setglobal(L, b"cjson")
    open_cmsgpack(L)
    lua_setglobal(L, b"cmsgpack")
    open_struct(L)
    lua_setglobal(L, b"struct")
    open_bit(L)
    lua_setglobal(L, b"bit")
    return 0


class LuaError(Exception):
    """A chunk that failed: its message."""


cdef class State:
    """A state; closed with the object."""

    cdef lua_State* L
    cdef Memory memory

    def __cinit__(self):
        assert lua_is_there()
        mem_charge_to(NULL)
        self.memory = Memory(0, <size_t>-1)
        self.L = lua_newstate(allocate, &self.memory)
        assert self.L != NULL
        lua_pushcfunction(self.L, open_libraries)
        if lua_pcall(self.L, 0, 0, 0) != LUA_OK:
            raise LuaError(self.pop())

    def __dealloc__(self):
        # this may be in the middle of an engine's command
        cdef Account* charged = mem_charged()
        if self.L != NULL:
            mem_charge_to(NULL)
            lua_close(self.L)
            mem_charge_to(charged)

    def run(self, bytes code, arguments=(), size_t room=0):
        """What a chunk called `user_script` returns; `room`: bytes that Lua may take beside what it has, 0 for no limit."""
        cdef int status
        mem_charge_to(NULL)
        lua_createtable(self.L, len(arguments), 0)
        for i, argument in enumerate(arguments, 1):
            lua_pushlstring(self.L, argument, len(argument))
            lua_rawseti(self.L, -2, i)
        lua_setglobal(self.L, b"ARGV")
        if luaL_loadbuffer(self.L, code, len(code), b"@user_script") != LUA_OK:
            raise LuaError(self.pop())
        if room:
            self.memory.limit = self.memory.used + room
        # no other thread runs meanwhile, whose engine could allocate as well
        status = lua_pcall(self.L, 0, LUA_MULTRET, 0)
        self.memory.limit = <size_t>-1
        if status != LUA_OK:
            raise LuaError(self.pop())
        try:
            values = [self.value(i) for i in range(1, lua_gettop(self.L) + 1)]
        finally:
            lua_settop(self.L, 0)
        return values[0] if len(values) == 1 else values

    def collect(self):
        """Collects all garbage; the bytes that Lua has then."""
        mem_charge_to(NULL)
        lua_gc(self.L, LUA_GCCOLLECT, 0)
        return self.memory.used

    cdef bytes pop(self):
        cdef size_t length
        cdef const char* text = lua_tolstring(self.L, -1, &length)
        made = PyBytes_FromStringAndSize(text, length) if text != NULL else b"?"
        lua_settop(self.L, 0)
        return made

    cdef object value(self, int at):
        """None, a bool, a float, bytes or a list of these; of anything else its type's number."""
        cdef int type = lua_type(self.L, at)
        cdef size_t length
        cdef const char* text
        if type == LUA_TNIL:
            return None
        if type == LUA_TBOOLEAN:
            return bool(lua_toboolean(self.L, at))
        if type == LUA_TNUMBER:
            return lua_tonumber(self.L, at)
        if type == LUA_TSTRING:
            text = lua_tolstring(self.L, at, &length)
            return PyBytes_FromStringAndSize(text, length)
        if type != LUA_TTABLE:
            return type
        items = []
        for i in range(1, lua_objlen(self.L, at) + 1):
            lua_rawgeti(self.L, at, i)
            items.append(self.value(lua_gettop(self.L)))
            lua_pop(self.L, 1)
        return items
