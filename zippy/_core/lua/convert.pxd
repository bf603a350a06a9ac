"""Replies to Lua values and Lua values to replies, as Redis 8.2 converts them."""

from libc.stddef cimport size_t
from zippy._core.lua.api cimport lua_State
from zippy._core.resp.writer cimport Reply

cdef enum Field:
    # the names of fields by their places in the array LuaVm.fields: so a table is read without making a string
    FIELD_OK = 1
    FIELD_ERR = 2
    FIELD_DOUBLE = 3
    FIELD_MAP = 4
    FIELD_SET = 5
    FIELD_BIG_NUMBER = 6
    FIELD_VERBATIM = 7
    FIELD_STRING = 8
    FIELD_FORMAT = 9
    FIELD_COUNTED = 10           # ignore_error_stats_update
    FIELD_SOURCE = 11
    FIELD_LINE = 12
    FIELD_KEYS = 13
    FIELD_ARGV = 14
    FIELDS = 14


cdef void fields_new(lua_State* L) noexcept nogil            # pushes the array of names; may raise a Lua error
# The stack place of `fields` is that of the array. Pushes the field of the table at `table`, read raw
cdef void get_field(lua_State* L, int fields, int table, Field field) noexcept nogil
# Pushes the reply at `data` as a value; behind it in the bytes. May raise a Lua error
cdef const char* reply_to_lua(lua_State* L, int fields, const char* data) noexcept nogil
# Takes the value on top off and writes it as a reply; booleans: true and false as RESP3 has them. May raise a Lua error (want of memory)
cdef void lua_to_reply(lua_State* L, int fields, Reply* reply, bint booleans) noexcept nogil
