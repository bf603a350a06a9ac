# Functions have a Lua machine of their own, as in Redis. A library is run with other globals than its functions have: the protected table
# of globals, which its code knows from then on, stands for a poorer one while it is loaded.

from libc.stdint cimport UINT64_MAX, uint32_t, uint64_t
from libc.string cimport memchr
from zippy._core.ground.buf cimport buf_append, buf_append_text, slice_equal, slice_of, slice_text
from zippy._core.ground.clock cimport clock_ticks, clock_ticks_per_us
from zippy._core.ground.mem cimport mem_free, mem_zalloc
from zippy._core.commands.scripting_cache cimport host_close, host_empty_some, host_open
from zippy._core.commands.scripting_library cimport loading_library, scripting_library, scripting_raise
from zippy._core.commands.scripting_run cimport host_run, push_list, script_memory_limit, scripting_hook
from zippy._core.commands.scripting_types cimport REPL_ALL, ScriptHost, ScriptRun
from zippy._core.keyspace.lazy_free cimport free_remains
from zippy._core.keyspace.libraries cimport (
    FUNCTION_FLAGS, function_flag_word, libraries_free, library_add, library_free, library_name_fits
)
from zippy._core.lua.api cimport (
    LUA_GLOBALSINDEX, LUA_MASKCOUNT, LUA_REGISTRYINDEX, LUA_TFUNCTION, LUA_TNIL, LUA_TTABLE, lua_call, lua_Debug, lua_error,
    lua_getmetatable, lua_gettop, lua_isstring, lua_newtable, lua_next, lua_pcall, lua_pop, lua_pushnil, lua_pushvalue, lua_rawgeti,
    lua_replace, lua_setfield, lua_sethook, lua_setmetatable, lua_settop, lua_State, lua_tolstring, lua_touserdata, lua_type,
    lua_upvalueindex, luaL_ref, luaL_unref
)
from zippy._core.lua.convert cimport lua_to_reply
from zippy._core.lua.runtime cimport (
    HOOK_INSTRUCTIONS, LuaError, vm_collect, vm_compile, vm_drop_error, vm_forget, vm_keep, vm_run
)
from zippy._core.lua.vm cimport vm_of

cdef enum:
    LOAD_INSTRUCTIONS = 1000     # after so many of them is looked how long a library has been loading
    LOAD_US = 500_000            # it may take no longer, as in Redis; from a file as long as it likes


cdef struct LuaFunctions:
    ScriptHost host              # first: it is the owner of the machine
    int run_body                 # of vm_keep: what runs a function
    int load_body                # of vm_keep: what runs the code of a library
    int load_globals             # in Lua's registry: the globals while a library is loaded
    int globals_meta             # and the metatable of the protected table of globals
    Library* loading             # NULL: none
    int code                     # of vm_compile: its code
    uint64_t load_until          # clock_ticks; 0: for ever
    const Call* call             # that runs a function, or NULL
    Libraries libraries          # of a machine that is freed: what goes with it


cdef struct Registration:
    # what redis.register_function was given
    Slice name                   # ptr NULL: nothing
    Slice description
    bint has_callback
    uint32_t flags


cdef inline LuaFunctions* functions_of(lua_State* L) noexcept nogil:
    return <LuaFunctions*>lua_touserdata(L, lua_upvalueindex(1))


# redis.register_function. The stack is that of its arguments; the callback is put at place 1


cdef Slice text_at(lua_State* L, int at) noexcept nogil:
    cdef Slice text
    text.ptr = lua_tolstring(L, at, &text.len)
    return text


cdef bint read_flags(lua_State* L, uint32_t* flags) noexcept nogil:
    """Reads the array of flags on top; False: one is unknown."""
    cdef Slice word
    cdef uint32_t known
    cdef int i = 1
    cdef int place
    while True:
        lua_rawgeti(L, -1, i)
        if lua_type(L, -1) == LUA_TNIL:
            lua_pop(L, 1)
            return True
        known = 0
        word = text_at(L, -1)
        for place in range(FUNCTION_FLAGS):
            if word.ptr != NULL and slice_equal(word, slice_text(function_flag_word(place))):
                known = <uint32_t>1 << place
        if known == 0:
            return False
        flags[0] |= known
        lua_pop(L, 1)
        i += 1


cdef const char* read_field(lua_State* L, Slice key, Registration* r) noexcept nogil:
    """Reads a named argument, whose value is on top; what is wrong, or NULL. The table stays at place 1, the callback is put at place 2."""
    if slice_equal(key, slice_text(b"function_name")):
        if not lua_isstring(L, -1):
            return b"ERR function_name argument given to redis.register_function must be a string"
        r.name = text_at(L, -1)
        # a number's text belongs to the copy on the stack
        lua_pushvalue(L, -1)
        lua_replace(L, 3)
    elif slice_equal(key, slice_text(b"description")):
        if not lua_isstring(L, -1):
            return b"ERR description argument given to redis.register_function must be a string"
        r.description = text_at(L, -1)
        lua_pushvalue(L, -1)
        lua_replace(L, 4)
    elif slice_equal(key, slice_text(b"callback")):
        if lua_type(L, -1) != LUA_TFUNCTION:
            return b"ERR callback argument given to redis.register_function must be a function"
        r.has_callback = True
        lua_pushvalue(L, -1)
        lua_replace(L, 2)
    elif slice_equal(key, slice_text(b"flags")):
        if lua_type(L, -1) != LUA_TTABLE:
            return b"ERR flags argument to redis.register_function must be a table representing function flags"
        if not read_flags(L, &r.flags):
            return b"ERR unknown flag given"
    else:
        return b"ERR unknown argument given to redis.register_function"
    return NULL


cdef const char* read_named(lua_State* L, Registration* r) noexcept nogil:
    """Reads the table at place 1; what is wrong, or NULL. Leaves the callback at place 2."""
    cdef const char* wrong
    if lua_type(L, 1) != LUA_TTABLE:
        return b"ERR calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments)."
    # places for the callback, the name and the description
    lua_settop(L, 4)
    lua_pushnil(L)
    while lua_next(L, 1):
        if not lua_isstring(L, -2):
            return b"ERR named argument key given to redis.register_function is not a string"
        # a key that is a number would become a text, and lua_next lose its way
        lua_pushvalue(L, -2)
        lua_pushvalue(L, -2)
        wrong = read_field(L, text_at(L, -2), r)
        if wrong != NULL:
            return wrong
        lua_pop(L, 3)
    if r.name.ptr == NULL:
        return b"ERR redis.register_function must get a function name argument"
    if not r.has_callback:
        return b"ERR redis.register_function must get a callback argument"
    return NULL


cdef const char* read_registration(lua_State* L, Registration* r) noexcept nogil:
    cdef int count = lua_gettop(L)
    if not 1 <= count <= 2:
        return b"ERR wrong number of arguments to redis.register_function"
    if count == 1:
        return read_named(L, r)
    if not lua_isstring(L, 1):
        return b"ERR first argument to redis.register_function must be a string"
    r.name = text_at(L, 1)
    if lua_type(L, 2) != LUA_TFUNCTION:
        return b"ERR second argument to redis.register_function must be a function"
    return NULL


cdef int register_function(lua_State* L) noexcept nogil:
    """redis.register_function(name, callback), or with a table {function_name=, callback=, flags=, description=}."""
    cdef LuaFunctions* s = functions_of(L)
    cdef Registration r
    cdef const char* wrong
    cdef int callback
    r.name = r.description = slice_of(NULL, 0)
    r.has_callback = False
    r.flags = 0
    if s.loading == NULL:
        return scripting_raise(L, b"ERR redis.register_function can only be called on FUNCTION LOAD command")
    wrong = read_registration(L, &r)
    if wrong != NULL:
        return scripting_raise(L, wrong)
    if not library_name_fits(r.name):
        return scripting_raise(
            L, b"ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
        )
    lua_pushvalue(L, 2)
    callback = luaL_ref(L, LUA_REGISTRYINDEX)
    if library_add(s.loading, r.name, r.description, r.flags, callback) == NULL:
        luaL_unref(L, LUA_REGISTRYINDEX, callback)
        return scripting_raise(L, b"ERR Function already exists in the library")
    return 0


# The machine


cdef int run_function(lua_State* L) noexcept nogil:
    """Runs the function of the run under way with its keys and arguments."""
    cdef ScriptHost* host = &functions_of(L).host
    cdef ScriptRun* run = host.run
    lua_rawgeti(L, LUA_REGISTRYINDEX, run.function)
    push_list(L, run.keys, run.key_count)
    push_list(L, run.args, run.arg_count)
    lua_call(L, 2, 1)
    lua_to_reply(L, 1, &run.caller.reply, host.client.reply.proto == 3)
    vm_collect(&host.vm)
    return 0


cdef void set_globals(lua_State* L, LuaFunctions* s, int globals) noexcept nogil:
    """Has the protected table of globals stand for this table of the registry."""
    lua_rawgeti(L, LUA_REGISTRYINDEX, s.globals_meta)
    lua_rawgeti(L, LUA_REGISTRYINDEX, globals)
    lua_setfield(L, -2, b"__index")
    lua_pop(L, 1)


cdef int run_code(lua_State* L) noexcept nogil:
    """Runs the code of the library that is being loaded."""
    cdef LuaFunctions* s = functions_of(L)
    cdef int status
    set_globals(L, s, s.load_globals)
    lua_rawgeti(L, LUA_REGISTRYINDEX, s.host.vm.handler)
    lua_rawgeti(L, LUA_REGISTRYINDEX, s.code)
    status = lua_pcall(L, 0, 0, -2)
    set_globals(L, s, s.host.vm.globals)
    vm_collect(&s.host.vm)
    return lua_error(L) if status else 0


cdef int add_globals(lua_State* L) noexcept nogil:
    """Puts what functions have into the table of globals on top, and makes that of loading."""
    cdef LuaFunctions* s = <LuaFunctions*>vm_of(L).owner
    scripting_library(L, &s.host, True)
    lua_pushnil(L)
    lua_setfield(L, -2, b"__redis__err__handler")
    lua_newtable(L)
    # it tells of what it lacks as the other one does
    lua_getmetatable(L, -2)
    lua_setmetatable(L, -2)
    loading_library(L, &s.host, register_function)
    s.load_globals = luaL_ref(L, LUA_REGISTRYINDEX)
    lua_getmetatable(L, LUA_GLOBALSINDEX)
    s.globals_meta = luaL_ref(L, LUA_REGISTRYINDEX)
    s.run_body = vm_keep(L, run_function, s)
    s.load_body = vm_keep(L, run_code, s)
    return 0


cdef LuaFunctions* functions_of_engine(Engine* e, Buf* error) noexcept nogil:
    """The machine, opened when it is needed first; NULL: `error` says why there is none."""
    cdef LuaFunctions* s = <LuaFunctions*>e.lua_functions
    if s != NULL:
        return s
    s = <LuaFunctions*>mem_zalloc(sizeof(LuaFunctions))
    if not host_open(&s.host, e, add_globals, error):
        mem_free(s)
        return NULL
    e.lua_functions = s
    return s


cdef bint free_libraries_some(LuaFunctions* s, uint64_t items) noexcept nogil:
    """Frees so many libraries and functions, without taking them out of the tables; True: nothing but these is left."""
    cdef Library* library = s.libraries.first
    cdef Function* f
    while library != NULL and items:
        f = library.first
        if f != NULL:
            library.first = f.next
            vm_forget(&s.host.vm, <int>f.callback)
            mem_free(f)
        else:
            s.libraries.first = library.next
            library_free(library)
            library = s.libraries.first
        items -= 1
    return library == NULL


cdef bint free_machine_some(void* remains, uint64_t items) noexcept nogil:
    cdef LuaFunctions* s = <LuaFunctions*>remains
    if not free_libraries_some(s, items) or not host_empty_some(&s.host):
        return False
    libraries_free(&s.libraries)
    host_close(&s.host)
    mem_free(s)
    return True


cdef void functions_lua_retire(Engine* e, Libraries* libraries) noexcept nogil:
    cdef LuaFunctions* s = <LuaFunctions*>e.lua_functions
    if s == NULL:
        libraries_free(libraries)
        return
    s.libraries = libraries[0]
    e.lua_functions = NULL
    free_remains(&e.ks, free_machine_some, s, UINT64_MAX, libraries.bytes + s.host.vm.bytes)


cdef size_t functions_lua_bytes(const Engine* e) noexcept nogil:
    return (<const LuaFunctions*>e.lua_functions).host.vm.bytes if e.lua_functions != NULL else 0


# Libraries


cdef void load_hook(lua_State* L, lua_Debug* frame) noexcept nogil:
    cdef LuaFunctions* s = <LuaFunctions*>vm_of(L).owner
    if s.load_until and clock_ticks() > s.load_until:
        scripting_raise(L, b"ERR FUNCTION LOAD timeout")


cdef bint functions_lua_load(Engine* e, Library* library, Buf* error) noexcept nogil:
    cdef LuaFunctions* s = functions_of_engine(e, error)
    cdef const char* end = <const char*>memchr(library.code.ptr, 10, library.code.len)
    cdef LuaError wrong
    cdef size_t before = error.len
    cdef bint well
    if s == NULL:
        return False
    buf_append_text(error, b"Error compiling function: ")
    # from the end of the first line on, so that lines are counted as they are
    s.code = vm_compile(&s.host.vm, slice_of(end, library.code.len - (end - library.code.ptr)), b"@user_function", error)
    if s.code == 0:
        return False
    error.len = before
    s.host.vm.limit = script_memory_limit(e)
    s.loading = library
    s.load_until = 0 if e.ks.loading else clock_ticks() + <uint64_t>(LOAD_US * clock_ticks_per_us())
    lua_sethook(s.host.vm.L, load_hook, LUA_MASKCOUNT, LOAD_INSTRUCTIONS)
    well = vm_run(&s.host.vm, s.load_body, &wrong)
    lua_sethook(s.host.vm.L, scripting_hook, LUA_MASKCOUNT, HOOK_INSTRUCTIONS)
    s.loading = NULL
    if not well:
        buf_append_text(error, b"Error registering functions: ")
        buf_append(error, wrong.text.ptr, wrong.text.len)
        vm_drop_error(&s.host.vm)
    vm_forget(&s.host.vm, s.code)
    return well


cdef void functions_lua_forget(Engine* e, const Library* library) noexcept nogil:
    cdef LuaFunctions* s = <LuaFunctions*>e.lua_functions
    cdef const Function* f = library.first
    while f != NULL:
        vm_forget(&s.host.vm, <int>f.callback)
        f = f.next


cdef void functions_lua_run(
    Engine* e, Client* c, const Function* f, const ScriptRights* rights, int keys, int argc, Slice* argv
) noexcept nogil:
    cdef LuaFunctions* s = <LuaFunctions*>e.lua_functions
    cdef ScriptRun run
    run.caller = c
    run.name = f.name
    run.function = <int>f.callback
    run.keys = argv
    run.key_count = keys
    run.args = argv + keys
    run.arg_count = argc - keys
    run.rights = rights[0]
    run.replicate = REPL_ALL
    s.call = e.call
    host_run(&s.host, &run, s.run_body)
    s.call = NULL


cdef void functions_lua_stop(Engine* e) noexcept nogil:
    cdef LuaFunctions* s = <LuaFunctions*>e.lua_functions
    if s != NULL and s.host.run != NULL:
        s.host.run.killed = True


cdef bint functions_lua_running(const Engine* e, ScriptRun** run, const Call** call) noexcept nogil:
    cdef LuaFunctions* s = <LuaFunctions*>e.lua_functions
    if s == NULL or s.host.run == NULL:
        return False
    run[0] = s.host.run
    call[0] = s.call
    return True
