# A script runs inside of one protected call, from its arguments to its reply: an error of Lua ends that and nothing else.

from libc.stddef cimport size_t
from libc.stdint cimport SIZE_MAX, int64_t, uint64_t
from zippy._core.ground.buf cimport Buf, Slice, buf_append, buf_append_i64, buf_append_text, buf_clear, buf_free, buf_init, slice_of
from zippy._core.ground.format cimport format_text
from zippy._core.ground.clock cimport clock_ticks, clock_ticks_per_us
from zippy._core.commands.args cimport reply_out_of_memory
from zippy._core.commands.types cimport CLIENT_OF_CALLER, Client, Engine
from zippy._core.commands.scripting_library cimport scripting_raise
from zippy._core.lua.api cimport (
    LUA_MASKCOUNT, LUA_REGISTRYINDEX, lua_call, lua_createtable, lua_pushlstring, lua_rawgeti, lua_rawset, lua_rawseti, lua_replace,
    lua_sethook, lua_touserdata, lua_upvalueindex
)
from zippy._core.lua.convert cimport FIELD_ARGV, FIELD_KEYS, lua_to_reply
from zippy._core.lua.runtime cimport HOOK_INSTRUCTIONS, LuaError, vm_collect, vm_drop_error, vm_run
from zippy._core.lua.vm cimport vm_of
from zippy._core.resp.writer cimport reply_cut, reply_error_slice

cdef extern from *:
    """
    #if defined(_WIN32)
    static size_t zippy_system_memory(void) { return (size_t)4 << 30; }
    #else
    #include <unistd.h>
    static size_t zippy_system_memory(void) {
        static size_t size;
        if (!size) {
            long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
            size = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : (size_t)4 << 30;
        }
        return size;
    }
    #endif
    """
    size_t system_memory "zippy_system_memory"() noexcept nogil

cdef enum:
    LOG_WARNING = 3
    LEAST_MEMORY = 64 << 20      # bytes that scripts may hold whatever maxmemory says
    NAME_SHOWN = 100             # bytes of a script's name that the log tells


cdef void push_list(lua_State* L, const Slice* items, int count) noexcept nogil:
    cdef int i
    lua_createtable(L, count, 0)
    for i in range(count):
        lua_pushlstring(L, items[i].ptr, items[i].len)
        lua_rawseti(L, -2, i + 1)


cdef int run_body(lua_State* L) noexcept nogil:
    cdef ScriptHost* host = <ScriptHost*>lua_touserdata(L, lua_upvalueindex(1))
    cdef ScriptRun* run = host.run
    lua_rawgeti(L, LUA_REGISTRYINDEX, host.vm.globals)
    lua_rawgeti(L, 1, FIELD_KEYS)
    push_list(L, run.keys, run.key_count)
    lua_rawset(L, 2)
    lua_rawgeti(L, 1, FIELD_ARGV)
    push_list(L, run.args, run.arg_count)
    lua_rawset(L, 2)
    lua_rawgeti(L, LUA_REGISTRYINDEX, run.function)
    lua_call(L, 0, 1)
    # as few places are taken as with Redis: a value may be nested as deeply
    lua_replace(L, 2)
    lua_to_reply(L, 1, &run.caller.reply, host.client.reply.proto == 3)
    vm_collect(&host.vm)
    return 0


cdef void reply_lua_error(ScriptRun* run, const LuaError* error) noexcept nogil:
    cdef Client* c = run.caller
    cdef Buf text
    buf_init(&text)
    if error.is_table:
        # as Redis writes texts, to a NUL
        buf_append_text(&text, error.text.ptr)
        buf_append_text(&text, b" script: ")
        buf_append(&text, run.name.ptr, run.name.len)
        if error.source.ptr != NULL:
            buf_append_text(&text, b", on ")
            buf_append(&text, error.source.ptr, error.source.len)
            buf_append_text(&text, b":")
            buf_append_i64(&text, error.line)
            buf_append_text(&text, b".")
    else:
        buf_append_text(&text, b"ERR Error running script ")
        buf_append(&text, run.name.ptr, run.name.len)
        buf_append_text(&text, b", ")
        buf_append(&text, error.text.ptr, error.text.len)
    if text.failed:
        reply_out_of_memory(c)
    else:
        reply_error_slice(&c.reply, slice_of(text.data, text.len))
    if error.counted:
        c.reply.error_at = SIZE_MAX
    buf_free(&text)


cdef size_t script_memory_limit(const Engine* e) noexcept nogil:
    # strings grow twofold in one instruction, and would take all that the machine has
    cdef size_t most = system_memory() // 4
    cdef size_t wanted = <size_t>e.settings.maxmemory
    if wanted == 0 or wanted > most:
        return most
    # where data has no room at all a script still runs
    return wanted if wanted > LEAST_MEMORY else LEAST_MEMORY


cdef void host_run(ScriptHost* host, ScriptRun* run, int body) noexcept nogil:
    cdef Engine* e = host.engine
    cdef Client* c = host.client
    cdef size_t reply_at = run.caller.reply.out.len
    cdef uint64_t errors = run.caller.reply.errors
    cdef LuaError error
    c.db = run.caller.db
    c.owner = run.caller.owner
    c.reply.proto = 2
    c.user = run.caller.user
    c.flags = c.flags & ~<uint64_t>CLIENT_OF_CALLER | run.caller.flags & CLIENT_OF_CALLER
    run.began = clock_ticks()
    host.vm.limit = script_memory_limit(e)
    run.killed = run.told = False
    host.run = run
    if not vm_run(&host.vm, body, &error):
        # part of a reply may have been written when there was no memory for the rest
        reply_cut(&run.caller.reply, reply_at)
        run.caller.reply.errors = errors
        reply_lua_error(run, &error)
        vm_drop_error(&host.vm)
    host.run = NULL
    c.owner = NULL
    c.user = NULL
    buf_clear(&c.reply.out)
    if run.killed:
        host.vm.stopped = False
        lua_sethook(host.vm.L, scripting_hook, LUA_MASKCOUNT, HOOK_INSTRUCTIONS)
    e.busy = False


# Scripts that run for long


cdef void tell_slow(Engine* e, const ScriptRun* run) noexcept nogil:
    """One line in the log."""
    cdef char[256] line
    cdef int name = <int>run.name.len if run.name.len < NAME_SHOWN else NAME_SHOWN
    cdef const char* what = b"FUNCTION" if e.runs_function else b"SCRIPT"
    if e.log_line != NULL:
        e.log_line(e, LOG_WARNING, slice_of(line, format_text(
            line, sizeof(line),
            b"Slow script detected: still in execution after %lld milliseconds. %s KILL ends it if it has written nothing. Name: %.*s",
            <long long>((clock_ticks() - run.began) / clock_ticks_per_us() / 1000), what, name, run.name.ptr
        )))


cdef void scripting_hook(lua_State* L, lua_Debug* frame) noexcept nogil:
    cdef ScriptHost* host = <ScriptHost*>vm_of(L).owner
    cdef ScriptRun* run = host.run
    cdef Engine* e = host.engine
    cdef int64_t threshold = e.settings.busy_reply_threshold
    # what took long without instructions has had it called sooner
    lua_sethook(L, scripting_hook, LUA_MASKCOUNT, HOOK_INSTRUCTIONS)
    if run == NULL or threshold <= 0:
        return
    if not run.killed and (clock_ticks() - run.began) / clock_ticks_per_us() > threshold * 1000 and e.while_busy != NULL:
        if not run.told:
            run.told = True
            tell_slow(e, run)
        e.while_busy(e)
    if run.killed:
        # each instruction from now on raises it again, so that no pcall of the script holds it up
        host.vm.stopped = True
        lua_sethook(L, scripting_hook, LUA_MASKCOUNT, 1)
        scripting_raise(L, b"ERR Script killed by user with SCRIPT KILL...")
