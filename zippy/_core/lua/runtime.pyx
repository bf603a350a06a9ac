# The registry holds by number what a machine needs: so nothing is looked up by a name, which would have to be made a string each time.

from libc.string cimport memset
from zippy._core.ground.buf cimport buf_append, buf_append_text, slice_text
from zippy._core.ground.format cimport format_text
from zippy._core.ground.mem cimport mem_abort
from zippy._core.lua.api cimport (
    LUA_GCCOLLECT, LUA_GCSTEP, LUA_MASKCOUNT, LUA_REGISTRYINDEX, LUA_TBOOLEAN, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE, lua_atpanic,
    lua_close, lua_concat, lua_cpcall, lua_Debug, lua_gc, lua_getinfo, lua_getstack, lua_gettop, lua_insert, lua_newstate, lua_newtable,
    lua_pcall, lua_pop, lua_pushcclosure, lua_pushcfunction, lua_pushinteger, lua_pushlightuserdata, lua_pushstring, lua_pushvalue,
    lua_rawget, lua_rawgeti, lua_rawset, lua_rawseti, lua_replace, lua_setfield, lua_sethook, lua_settop, lua_toboolean, lua_tolstring,
    lua_tonumber, lua_topointer, lua_touserdata, lua_type, lua_typename, luaL_ref, luaL_unref
)
from zippy._core.lua.convert cimport FIELD_COUNTED, FIELD_ERR, FIELD_LINE, FIELD_SOURCE, fields_new, get_field
from zippy._core.lua.random cimport RANDOM_SEED
from zippy._core.lua.sandbox cimport sandbox_build, sandbox_is_protected, sandbox_load
from zippy._core.lua.vm cimport vm_allocate, vm_register

cdef enum:
    COLLECT_CALLS = 50           # after so many runs the collector does a step
    COLLECT_STEP = 10            # KiB of garbage that it looks for


cdef struct Opening:
    LuaVm* vm
    lua_CFunction build


cdef struct Compiling:
    LuaVm* vm
    Slice code
    const char* name
    int function
    Buf* wrong


cdef int open_machine(lua_State* L) noexcept nogil:
    cdef Opening* opening = <Opening*>lua_touserdata(L, 1)
    cdef LuaVm* vm = opening.vm
    lua_settop(L, 0)
    vm_register(vm)
    fields_new(L)
    vm.fields = luaL_ref(L, LUA_REGISTRYINDEX)
    lua_pushcfunction(L, error_handler)
    vm.handler = luaL_ref(L, LUA_REGISTRYINDEX)
    sandbox_build(L)
    lua_pushstring(L, b"__redis__err__handler")
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm.handler)
    lua_rawset(L, -3)
    opening.build(L)
    vm.globals = luaL_ref(L, LUA_REGISTRYINDEX)
    # the list of numbers that were given back begins here; were it nil when empty, vm_forget might need memory for it, and cannot ask
    lua_pushinteger(L, 0)
    lua_rawseti(L, LUA_REGISTRYINDEX, 0)
    return 0


cdef int panic(lua_State* L) noexcept nogil:
    """An error that no call of ours catches: Lua would end the process without a word."""
    mem_abort(b"Lua raised an error outside of a protected call")
    return 0


cdef bint vm_open(LuaVm* vm, void* owner, lua_CFunction build, lua_Hook hook) noexcept nogil:
    cdef Opening opening
    memset(vm, 0, sizeof(LuaVm))
    vm.owner = owner
    vm.hook = hook
    vm.random = RANDOM_SEED
    vm.L = lua_newstate(vm_allocate, vm)
    if vm.L == NULL:
        return False
    lua_atpanic(vm.L, panic)
    opening.vm = vm
    opening.build = build
    if lua_cpcall(vm.L, open_machine, &opening) != 0:
        vm_close(vm)
        return False
    # coroutines take it over from who makes them
    lua_sethook(vm.L, hook, LUA_MASKCOUNT, HOOK_INSTRUCTIONS)
    return True


cdef void vm_close(LuaVm* vm) noexcept nogil:
    if vm.L != NULL:
        lua_close(vm.L)
        vm.L = NULL


cdef int compile_code(lua_State* L) noexcept nogil:
    cdef Compiling* compiling = <Compiling*>lua_touserdata(L, 1)
    cdef Slice wrong
    if sandbox_load(L, compiling.code.ptr, compiling.code.len, compiling.name) == 0:
        compiling.function = luaL_ref(L, LUA_REGISTRYINDEX)
        return 0
    wrong.ptr = lua_tolstring(L, -1, &wrong.len)
    buf_append(compiling.wrong, wrong.ptr, wrong.len)
    return 0


cdef int vm_compile(LuaVm* vm, Slice code, const char* name, Buf* wrong) noexcept nogil:
    cdef Compiling compiling
    compiling.vm = vm
    compiling.code = code
    compiling.name = name
    compiling.function = 0
    compiling.wrong = wrong
    if lua_cpcall(vm.L, compile_code, &compiling) != 0:
        lua_settop(vm.L, 0)
        buf_append_text(wrong, b"not enough memory")
        return 0
    return compiling.function


cdef void vm_forget(LuaVm* vm, int function) noexcept nogil:
    luaL_unref(vm.L, LUA_REGISTRYINDEX, function)


cdef int vm_keep(lua_State* L, lua_CFunction function, void* owner) noexcept nogil:
    lua_pushlightuserdata(L, owner)
    lua_pushcclosure(L, function, 1)
    return luaL_ref(L, LUA_REGISTRYINDEX)


cdef int collect_all(lua_State* L) noexcept nogil:
    lua_gc(L, LUA_GCCOLLECT, 0)
    return 0


cdef bint vm_run(LuaVm* vm, int body, LuaError* error) noexcept nogil:
    cdef bint done
    lua_rawgeti(vm.L, LUA_REGISTRYINDEX, vm.handler)
    lua_rawgeti(vm.L, LUA_REGISTRYINDEX, body)
    lua_rawgeti(vm.L, LUA_REGISTRYINDEX, vm.fields)
    done = lua_pcall(vm.L, 1, 0, 1) == 0
    if done:
        lua_settop(vm.L, 0)
    else:
        read_error(vm, error)
    if vm.limit and vm.bytes > vm.limit // 2:
        # Lua's collector waits until twice as much is held, and the next script would find no room
        lua_cpcall(vm.L, collect_all, NULL)
    return done


cdef void vm_drop_error(LuaVm* vm) noexcept nogil:
    lua_settop(vm.L, 0)


cdef bint vm_collect_some(LuaVm* vm) noexcept nogil:
    return lua_gc(vm.L, LUA_GCSTEP, COLLECT_STEP) == 1


cdef void vm_collect(LuaVm* vm) noexcept nogil:
    vm.calls += 1
    if vm.calls >= COLLECT_CALLS:
        vm.calls = 0
        vm_collect_some(vm)


# Errors


cdef void read_error(LuaVm* vm, LuaError* error) noexcept nogil:
    """Reads the value on top, an error; what it says stays on the stack. Makes nothing: there may be no memory."""
    cdef lua_State* L = vm.L
    cdef int fields, value
    memset(error, 0, sizeof(LuaError))
    error.text = slice_text(b"execution failure")
    value = lua_gettop(L)
    if lua_type(L, value) == LUA_TSTRING:
        error.text.ptr = lua_tolstring(L, value, &error.text.len)
        return
    if lua_type(L, value) != LUA_TTABLE:
        return
    error.is_table = True
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm.fields)
    fields = value + 1
    get_field(L, fields, value, FIELD_ERR)
    if lua_type(L, -1) == LUA_TSTRING:
        error.text.ptr = lua_tolstring(L, -1, &error.text.len)
    else:
        error.text = slice_text(b"ERR unknown error")
    get_field(L, fields, value, FIELD_SOURCE)
    if lua_type(L, -1) == LUA_TSTRING:
        error.source.ptr = lua_tolstring(L, -1, &error.source.len)
    get_field(L, fields, value, FIELD_LINE)
    error.line = <int>lua_tonumber(L, -1)
    get_field(L, fields, value, FIELD_COUNTED)
    error.counted = lua_toboolean(L, -1)


cdef void wrap_error(lua_State* L) noexcept nogil:
    """Makes the error at place 1, which is no table that can be written to, a table with its text."""
    cdef char[64] text
    if lua_type(L, 1) == LUA_TTABLE:
        lua_newtable(L)
        lua_replace(L, 1)
        return
    lua_pushstring(L, b"ERR ")
    if lua_type(L, 1) == LUA_TNIL:
        lua_pushstring(L, b"nil")
    elif lua_tolstring(L, 1, NULL) != NULL:
        lua_pushvalue(L, 1)
    elif lua_type(L, 1) == LUA_TBOOLEAN and lua_toboolean(L, 1):
        lua_pushstring(L, b"true")
    elif lua_type(L, 1) == LUA_TBOOLEAN:
        lua_pushstring(L, b"false")
    else:
        format_text(text, sizeof(text), b"%s: %p", lua_typename(L, lua_type(L, 1)), lua_topointer(L, 1))
        lua_pushstring(L, text)
    lua_concat(L, 2)
    lua_newtable(L)
    lua_insert(L, -2)
    lua_setfield(L, -2, b"err")
    lua_replace(L, 1)


cdef void text_of_number(lua_State* L) noexcept nogil:
    """Makes the text of the error at place 1 a string if it is a number: whoever reads it cannot ask for memory."""
    lua_pushstring(L, b"err")
    lua_rawget(L, 1)
    if lua_type(L, -1) == LUA_TNUMBER:
        lua_tolstring(L, -1, NULL)
        lua_pushstring(L, b"err")
        lua_insert(L, -2)
        lua_rawset(L, 1)
    else:
        lua_pop(L, 1)


cdef int error_handler(lua_State* L) noexcept nogil:
    """Makes a table of an error, with where it was: in the function that raised it or, if that is one of C, in who called that."""
    cdef lua_Debug frame
    cdef bint known
    lua_settop(L, 1)
    if lua_type(L, 1) != LUA_TTABLE or sandbox_is_protected(L, 1):
        wrap_error(L)
    known = lua_getstack(L, 1, &frame) and lua_getinfo(L, b"Sl", &frame)
    if known and frame.what[0] == c'C':
        known = lua_getstack(L, 2, &frame) and lua_getinfo(L, b"Sl", &frame)
    text_of_number(L)
    if known:
        lua_pushstring(L, b"source")
        lua_pushstring(L, frame.source)
        lua_rawset(L, 1)
        lua_pushstring(L, b"line")
        lua_pushinteger(L, frame.currentline)
        lua_rawset(L, 1)
    return 1
