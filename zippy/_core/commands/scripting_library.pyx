# The arguments of redis.call are read where Lua has them, and the reply where the command wrote it: no copy of either is made between.

from libc.math cimport isnan, signbit, trunc
from libc.string cimport memchr, memcpy
from zippy._core.ground.buf cimport Buf, Slice, buf_clear, buf_free, slice_of
from zippy._core.ground.number cimport NUM_DOUBLE_TEXT, num_write_double
from zippy._core.ground.sha1 cimport SHA1_BYTES, Sha1, sha1_begin, sha1_end, sha1_take
from zippy._core.commands.acl_check cimport acl_check
from zippy._core.commands.acl_user cimport ACL_ALLOWED
from zippy._core.commands.engine cimport engine_call_in_script, find_command
from zippy._core.commands.scripting_types cimport REPL_ALL, REPL_AOF, REPL_NONE, REPL_REPLICA, ScriptRun
from zippy._core.commands.types cimport Command, Engine
from zippy._core.lua.api cimport (
    LUA_REGISTRYINDEX, LUA_TNUMBER, LUA_TSTRING, lua_CFunction, lua_concat, lua_error, lua_getmetatable, lua_gettop, lua_insert,
    lua_isnumber, lua_newtable, lua_newuserdata, lua_pushboolean, lua_pushcclosure, lua_pushlightuserdata, lua_pushlstring,
    lua_pushnumber, lua_pushstring, lua_rawgeti, lua_replace, lua_setfield, lua_setmetatable, lua_tolstring, lua_tonumber,
    lua_touserdata, lua_type, lua_upvalueindex
)
from zippy._core.lua.convert cimport reply_to_lua
from zippy._core.lua.sandbox cimport sandbox_protect

cdef enum:
    FEW = 16                     # arguments, or numbers among them, that need no block of memory
    NUMBER_TEXT = NUM_DOUBLE_TEXT
    LOG_LINE = 1024              # bytes of a line that a script logs
    LOG_LEVELS = 4


cdef struct Arguments:
    Slice* argv
    int argc
    Slice[FEW] few
    int numbers
    char[FEW][NUMBER_TEXT] texts     # of the first numbers among them


cdef int scripting_raise(lua_State* L, const char* text) noexcept nogil:
    lua_pushstring(L, text)
    return scripting_raise_pushed(L)


cdef void make_error(lua_State* L) noexcept nogil:
    """Replaces the text on top by an error's table."""
    lua_newtable(L)
    lua_insert(L, -2)
    lua_setfield(L, -2, b"err")


cdef int scripting_raise_pushed(lua_State* L) noexcept nogil:
    make_error(L)
    return lua_error(L)


cdef inline ScriptHost* host_of(lua_State* L) noexcept nogil:
    return <ScriptHost*>lua_touserdata(L, lua_upvalueindex(1))


cdef size_t write_number(char* to, double number) noexcept nogil:
    """As Redis writes an argument that is a number."""
    if number == 0:
        number = 0
    if isnan(number) and signbit(number):
        to[0] = c'-'
        return 1 + num_write_double(to + 1, number)
    return num_write_double(to, number)


cdef bint read_argument(lua_State* L, Arguments* a, int i) noexcept nogil:
    cdef char[NUMBER_TEXT] text
    cdef int kind = lua_type(L, i + 1)
    if kind == LUA_TNUMBER and a.numbers < FEW:
        a.argv[i] = slice_of(a.texts[a.numbers], write_number(a.texts[a.numbers], lua_tonumber(L, i + 1)))
        a.numbers += 1
        return True
    if kind == LUA_TNUMBER:
        lua_pushlstring(L, text, write_number(text, lua_tonumber(L, i + 1)))
        lua_replace(L, i + 1)
    elif kind != LUA_TSTRING:
        return False
    a.argv[i].ptr = lua_tolstring(L, i + 1, &a.argv[i].len)
    return True


cdef const char* read_arguments(lua_State* L, Arguments* a) noexcept nogil:
    """The arguments of the running function as those of a command, borrowed until it returns; what is wrong with them, or NULL."""
    cdef int i
    a.argc = lua_gettop(L)
    a.numbers = 0
    a.argv = a.few
    if a.argc == 0:
        return b"ERR Please specify at least one argument for this redis lib call"
    if a.argc > FEW:
        a.argv = <Slice*>lua_newuserdata(L, a.argc * sizeof(Slice))
    for i in range(a.argc):
        if not read_argument(L, a, i):
            return b"ERR Lua redis lib command arguments must be strings or integers"
    return NULL


cdef void run_command(ScriptHost* host, Arguments* a) noexcept nogil:
    cdef Engine* e = host.engine
    cdef int recording = e.ks.effects.recording
    buf_clear(&host.client.reply.out)
    # one stream for both: with replicas, whoever asks for one of them has the other one get it too
    if not host.run.replicate & (REPL_ALL if e.relay.copies else REPL_AOF):
        e.ks.effects.recording = 0
    engine_call_in_script(e, host.client, &host.run.rights, a.argc, a.argv)
    e.ks.effects.recording = recording


cdef int call_command(lua_State* L, bint raises) noexcept nogil:
    cdef ScriptHost* host = host_of(L)
    cdef Buf* out = &host.client.reply.out
    cdef Arguments a
    cdef const char* wrong = read_arguments(L, &a)
    cdef bint is_error
    if wrong == NULL and host.run == NULL:
        wrong = b"ERR redis.call/pcall can only be called inside a script invocation"
    if wrong == NULL:
        run_command(host, &a)
        if out.failed:
            buf_free(out)
            wrong = b"OOM out of memory"
    if wrong != NULL:
        lua_pushstring(L, wrong)
        make_error(L)
        return lua_error(L) if raises else 1
    is_error = out.data[0] == c'-'
    lua_rawgeti(L, LUA_REGISTRYINDEX, host.vm.fields)
    reply_to_lua(L, lua_gettop(L), out.data)
    return lua_error(L) if is_error and raises else 1


cdef int redis_call(lua_State* L) noexcept nogil:
    """redis.call(command, ...)."""
    return call_command(L, True)


cdef int redis_pcall(lua_State* L) noexcept nogil:
    """redis.pcall(command, ...)."""
    return call_command(L, False)


cdef int redis_log(lua_State* L) noexcept nogil:
    """redis.log(level, text, ...)."""
    cdef Engine* e = host_of(L).engine
    cdef int count = lua_gettop(L)
    cdef double level = trunc(lua_tonumber(L, 1))
    cdef Slice piece
    cdef char[LOG_LINE] line
    cdef size_t used = 0
    cdef int i
    if count < 2:
        return scripting_raise(L, b"ERR redis.log() requires two arguments or more.")
    if not lua_isnumber(L, 1):
        return scripting_raise(L, b"ERR First argument must be a number (log level).")
    if not 0 <= level < LOG_LEVELS:
        return scripting_raise(L, b"ERR Invalid log level.")
    for i in range(2, count + 1):
        piece.ptr = lua_tolstring(L, i, &piece.len)
        if piece.ptr == NULL:
            continue
        if i > 2 and used < LOG_LINE:
            line[used] = c' '
            used += 1
        piece.len = min(piece.len, LOG_LINE - used)
        memcpy(line + used, piece.ptr, piece.len)
        used += piece.len
    if e.log_line != NULL:
        e.log_line(e, <int>level, slice_of(line, used))
    return 0


cdef int redis_sha1hex(lua_State* L) noexcept nogil:
    """redis.sha1hex(text)."""
    cdef char[2 * SHA1_BYTES] text
    cdef Slice data = slice_of(NULL, 0)
    if lua_gettop(L) != 1:
        return scripting_raise(L, b"ERR wrong number of arguments")
    data.ptr = lua_tolstring(L, 1, &data.len)
    sha1_text(data if data.ptr != NULL else slice_of(b"", 0), text)
    lua_pushlstring(L, text, sizeof(text))
    return 1


cdef void sha1_text(Slice data, char* text) noexcept nogil:
    cdef unsigned char[SHA1_BYTES] sum
    cdef Sha1 sha
    cdef int i
    sha1_begin(&sha)
    sha1_take(&sha, data.ptr, data.len)
    sha1_end(&sha, sum)
    for i in range(SHA1_BYTES):
        text[2 * i] = b"0123456789abcdef"[sum[i] >> 4]
        text[2 * i + 1] = b"0123456789abcdef"[sum[i] & 15]


cdef bint single_text(lua_State* L) noexcept nogil:
    """Whether the only argument is a string; else an error's table is pushed."""
    if lua_gettop(L) == 1 and lua_type(L, 1) == LUA_TSTRING:
        return True
    lua_pushstring(L, b"ERR wrong number or type of arguments")
    make_error(L)
    return False


cdef int redis_error_reply(lua_State* L) noexcept nogil:
    """redis.error_reply(text). A text of one word gets the code ERR."""
    cdef Slice text
    if not single_text(L):
        return 1
    text.ptr = lua_tolstring(L, 1, &text.len)
    if text.len and text.ptr[0] == c'-':
        text = slice_of(text.ptr + 1, text.len - 1)
    if text.len and memchr(text.ptr, c' ', text.len) != NULL:
        lua_pushlstring(L, text.ptr, text.len)
    else:
        lua_pushstring(L, b"ERR ")
        lua_pushlstring(L, text.ptr, text.len)
        lua_concat(L, 2)
    make_error(L)
    return 1


cdef int redis_status_reply(lua_State* L) noexcept nogil:
    """redis.status_reply(text)."""
    if single_text(L):
        lua_newtable(L)
        lua_insert(L, 1)
        lua_setfield(L, 1, b"ok")
    return 1


cdef int redis_setresp(lua_State* L) noexcept nogil:
    """redis.setresp(2 | 3). From now on replies to the script's commands have the types of that protocol."""
    cdef double version = trunc(lua_tonumber(L, 1))
    if lua_gettop(L) != 1:
        return scripting_raise(L, b"ERR redis.setresp() requires one argument.")
    if version != 2 and version != 3:
        return scripting_raise(L, b"ERR RESP version must be 2 or 3.")
    host_of(L).client.reply.proto = <int>version
    return 0


cdef int redis_set_repl(lua_State* L) noexcept nogil:
    """redis.set_repl(where). Where what the commands do from now on is told."""
    cdef ScriptRun* run = host_of(L).run
    cdef double where = trunc(lua_tonumber(L, 1))
    if lua_gettop(L) != 1:
        return scripting_raise(L, b"ERR redis.set_repl() requires one argument.")
    if not 0 <= where < REPL_ALL + 1:
        return scripting_raise(L, b"ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
    if run != NULL:
        run.replicate = <int>where
    return 0


cdef int redis_replicate_commands(lua_State* L) noexcept nogil:
    """redis.replicate_commands(). It is always so."""
    lua_pushboolean(L, True)
    return 1


cdef int redis_breakpoint(lua_State* L) noexcept nogil:
    """redis.breakpoint(). There is no debugger."""
    lua_pushboolean(L, False)
    return 1


cdef int redis_debug(lua_State* L) noexcept nogil:
    """redis.debug(...). There is no debugger."""
    return 0


cdef int redis_acl_check_cmd(lua_State* L) noexcept nogil:
    """redis.acl_check_cmd(command, ...). Whether the user who called the script may run it; keys and channels are asked about too."""
    cdef ScriptHost* host = host_of(L)
    cdef Command* command
    cdef Arguments a
    cdef int place
    cdef const char* wrong = read_arguments(L, &a)
    if wrong != NULL:
        return scripting_raise(L, wrong)
    command = find_command(host.engine, a.argc, a.argv)
    if command == NULL:
        return scripting_raise(L, b"ERR Invalid command passed to redis.acl_check_cmd()")
    lua_pushboolean(L, acl_check(host.client.user, command, a.argc, a.argv, &place) == ACL_ALLOWED)
    return 1


cdef void put_function(lua_State* L, ScriptHost* host, const char* name, lua_CFunction function) noexcept nogil:
    lua_pushlightuserdata(L, host)
    lua_pushcclosure(L, function, 1)
    lua_setfield(L, -2, name)


cdef void put_number(lua_State* L, const char* name, int number) noexcept nogil:
    lua_pushnumber(L, number)
    lua_setfield(L, -2, name)


cdef void put_log_and_version(lua_State* L, ScriptHost* host) noexcept nogil:
    put_function(L, host, b"log", redis_log)
    put_number(L, b"LOG_DEBUG", 0)
    put_number(L, b"LOG_VERBOSE", 1)
    put_number(L, b"LOG_NOTICE", 2)
    put_number(L, b"LOG_WARNING", 3)
    put_number(L, b"REDIS_VERSION_NUM", 0x080203)
    lua_pushstring(L, b"8.2.3")
    lua_setfield(L, -2, b"REDIS_VERSION")


cdef void scripting_library(lua_State* L, ScriptHost* host, bint of_functions) noexcept nogil:
    lua_newtable(L)
    put_function(L, host, b"call", redis_call)
    put_function(L, host, b"pcall", redis_pcall)
    put_function(L, host, b"sha1hex", redis_sha1hex)
    put_function(L, host, b"error_reply", redis_error_reply)
    put_function(L, host, b"status_reply", redis_status_reply)
    put_function(L, host, b"setresp", redis_setresp)
    put_function(L, host, b"set_repl", redis_set_repl)
    put_function(L, host, b"acl_check_cmd", redis_acl_check_cmd)
    put_number(L, b"REPL_NONE", REPL_NONE)
    put_number(L, b"REPL_AOF", REPL_AOF)
    put_number(L, b"REPL_REPLICA", REPL_REPLICA)
    put_number(L, b"REPL_SLAVE", REPL_REPLICA)
    put_number(L, b"REPL_ALL", REPL_ALL)
    put_log_and_version(L, host)
    if not of_functions:
        put_function(L, host, b"replicate_commands", redis_replicate_commands)
        put_function(L, host, b"breakpoint", redis_breakpoint)
        put_function(L, host, b"debug", redis_debug)
    sandbox_protect(L)
    lua_setfield(L, -2, b"redis")


cdef void loading_library(lua_State* L, ScriptHost* host, lua_CFunction register_function) noexcept nogil:
    lua_newtable(L)
    put_function(L, host, b"register_function", register_function)
    put_log_and_version(L, host)
    lua_getmetatable(L, -2)
    lua_setmetatable(L, -2)
    sandbox_protect(L)
    lua_setfield(L, -2, b"redis")
