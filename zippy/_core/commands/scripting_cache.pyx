# EVAL's script is looked for by its body, so that nothing is hashed with SHA-1 but what is new. Those that came with EVAL alone are evicted
# beyond a number, as in Redis: clients that put arguments into bodies would fill the memory.

from libc.stdint cimport UINT64_MAX
from libc.string cimport memcpy, memset
from zippy._core.ground.buf cimport Buf, buf_append, buf_append_text, buf_free, buf_init, slice_of
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport ht_drain, ht_find, ht_find_hashed, ht_free, ht_init, ht_insert, ht_remove
from zippy._core.ground.mem cimport mem_free, mem_size, mem_try_alloc, mem_zalloc
from zippy._core.commands.args cimport reply_out_of_memory
from zippy._core.commands.engine cimport reply_error_text
from zippy._core.commands.scripting_flags cimport read_first_line
from zippy._core.commands.scripting_library cimport scripting_library, sha1_text
from zippy._core.commands.scripting_run cimport run_body, scripting_hook
from zippy._core.commands.scripting_types cimport SHA_TEXT
from zippy._core.commands.types cimport CLIENT_INTERNAL
from zippy._core.keyspace.lazy_free cimport free_remains
from zippy._core.lua.api cimport lua_find, lua_is_there, lua_missing, lua_State
from zippy._core.lua.runtime cimport vm_close, vm_collect_some, vm_compile, vm_forget, vm_keep, vm_open
from zippy._core.lua.vm cimport vm_of
from zippy._core.resp.parser cimport Bulk, parser_bulk
from zippy._core.resp.writer cimport reply_error_slice, reply_free, reply_init

cdef enum:
    EVICTABLE_MAX = 500          # scripts that came with EVAL
    COLLECTIONS = 2              # of Lua's collector, before a machine is closed


cdef void script_sha_of(const void* item, Slice* key) noexcept nogil:
    key[0] = slice_of((<const Script*>item).sha, SHA_TEXT)


cdef void script_body_of(const void* item, Slice* key) noexcept nogil:
    key[0] = (<const Script*>item).body


cdef bint host_open(ScriptHost* host, Engine* e, lua_CFunction build, Buf* wrong) noexcept nogil:
    if not lua_is_there() and not lua_find():
        buf_append_text(wrong, b"Scripts need Lua, which cannot be had here: ")
        buf_append_text(wrong, lua_missing())
        return False
    host.engine = e
    if not vm_open(&host.vm, host, build, scripting_hook):
        wrong.failed = True
        return False
    host.client = <Client*>mem_zalloc(sizeof(Client))
    host.client.engine = e
    host.client.flags = CLIENT_INTERNAL
    reply_init(&host.client.reply)
    return True


cdef void host_close(ScriptHost* host) noexcept nogil:
    vm_close(&host.vm)
    reply_free(&host.client.reply)
    mem_free(host.client)


cdef bint host_empty_some(ScriptHost* host) noexcept nogil:
    # what is left for lua_close goes at once, so the collector takes the functions before, in steps of its own; it may have begun too early
    # to see that they are gone, but not twice
    host.collections += vm_collect_some(&host.vm)
    return host.collections == COLLECTIONS


cdef int add_library(lua_State* L) noexcept nogil:
    cdef ScriptHost* host = <ScriptHost*>vm_of(L).owner
    scripting_library(L, host, False)
    (<Scripting*>host).body = vm_keep(L, run_body, host)
    return 0


cdef Scripting* scripting_of(Engine* e, Client* c) noexcept nogil:
    cdef Scripting* s = <Scripting*>e.scripting
    cdef Buf wrong
    if s != NULL:
        return s
    s = <Scripting*>mem_zalloc(sizeof(Scripting))
    buf_init(&wrong)
    buf_append_text(&wrong, b"ERR ")
    if not host_open(&s.host, e, add_library, &wrong):
        mem_free(s)
        reply_error_text(c, &wrong)
        return NULL
    buf_free(&wrong)
    ht_init(&s.by_sha, script_sha_of)
    ht_init(&s.by_body, script_body_of)
    e.scripting = s
    return s


cdef void scripting_retire(Engine* e) noexcept nogil:
    cdef Scripting* s = <Scripting*>e.scripting
    if s != NULL:
        e.scripting = NULL
        free_remains(&e.ks, free_scripts_some, s, UINT64_MAX, s.bytes + s.host.vm.bytes)


cdef void scripting_free(Engine* e) noexcept nogil:
    cdef Scripting* s = <Scripting*>e.scripting
    e.scripting = NULL
    while s != NULL and not free_scripts_some(s, UINT64_MAX):
        pass


cdef void free_drained(void* context, void* item) noexcept nogil:
    script_free(<Scripting*>context, <Script*>item)


cdef bint free_scripts_some(void* remains, uint64_t items) noexcept nogil:
    cdef Scripting* s = <Scripting*>remains
    if not ht_drain(&s.by_sha, items, free_drained, s) or items != UINT64_MAX and not host_empty_some(&s.host):
        return False
    ht_free(&s.by_body)
    host_close(&s.host)
    mem_free(s)
    return True


cdef void script_stop(Engine* e) noexcept nogil:
    cdef Scripting* s = <Scripting*>e.scripting
    if s != NULL and s.host.run != NULL:
        s.host.run.killed = True


cdef Script* script_by_sha(Scripting* s, Slice sha) noexcept nogil:
    cdef char[SHA_TEXT] lower
    cdef int i
    if sha.len != SHA_TEXT:
        return NULL
    for i in range(SHA_TEXT):
        lower[i] = sha.ptr[i] + 32 if c'A' <= sha.ptr[i] <= c'Z' else sha.ptr[i]
    return <Script*>ht_find(&s.by_sha, slice_of(lower, SHA_TEXT))


# Those that may be evicted, by when they were last run


cdef void take_out(Scripting* s, Script* script) noexcept nogil:
    if script.older != NULL:
        script.older.newer = script.newer
    else:
        s.oldest = script.newer
    if script.newer != NULL:
        script.newer.older = script.older
    else:
        s.newest = script.older


cdef void put_newest(Scripting* s, Script* script) noexcept nogil:
    script.newer = NULL
    script.older = s.newest
    if s.newest != NULL:
        s.newest.newer = script
    else:
        s.oldest = script
    s.newest = script


cdef void script_used(Scripting* s, Script* script) noexcept nogil:
    if script.evictable and script.newer != NULL:
        take_out(s, script)
        put_newest(s, script)


cdef size_t script_bytes(const Script* script) noexcept nogil:
    return mem_size(script) + (mem_size(script.block) if script.block != NULL else 0)


cdef void script_free(Scripting* s, Script* script) noexcept nogil:
    vm_forget(&s.host.vm, script.function)
    s.bytes -= script_bytes(script)
    mem_free(script.block)
    mem_free(script)


cdef void evict_oldest(Scripting* s) noexcept nogil:
    cdef Script* script = s.oldest
    take_out(s, script)
    s.evictable -= 1
    s.host.engine.ks.stats.evicted_scripts += 1
    ht_remove(&s.by_sha, slice_of(script.sha, SHA_TEXT))
    ht_remove(&s.by_body, script.body)
    script_free(s, script)


# Loading


cdef void reply_wrong_code(Client* c, Buf* wrong) noexcept nogil:
    cdef Buf text
    buf_init(&text)
    buf_append_text(&text, b"ERR Error compiling script (new function): ")
    buf_append(&text, wrong.data, wrong.len)
    if text.failed or wrong.failed:
        reply_out_of_memory(c)
    else:
        reply_error_slice(&c.reply, slice_of(text.data, text.len))
    buf_free(&text)


cdef int compiled(Scripting* s, Client* c, Slice body, uint64_t* flags) noexcept nogil:
    """The function of a body, or 0: the client was told what is wrong."""
    cdef Slice code = body
    cdef Buf wrong
    cdef int function
    if not read_first_line(c, &code, flags):
        return 0
    buf_init(&wrong)
    function = vm_compile(&s.host.vm, code, b"@user_script", &wrong)
    if function == 0:
        reply_wrong_code(c, &wrong)
    buf_free(&wrong)
    return function


cdef Script* script_of_body(Slice body, Bulk* bulk) noexcept nogil:
    """A script with a copy of the body, or with the block that this is in; NULL: out of memory."""
    cdef Script* script = <Script*>mem_try_alloc(sizeof(Script) + (body.len if bulk == NULL else 0))
    if script == NULL:
        return NULL
    memset(script, 0, sizeof(Script))
    if bulk != NULL:
        script.block = bulk.block
        bulk.block = NULL
        script.body = body
    else:
        memcpy(script + 1, body.ptr, body.len)
        script.body = slice_of(<char*>(script + 1), body.len)
    return script


cdef Script* script_new(Scripting* s, Client* c, const Slice* argv, int place, uint64_t hash) noexcept nogil:
    cdef Slice body = argv[place]
    cdef uint64_t flags = 0
    cdef int function = compiled(s, c, body, &flags)
    cdef Script* script
    if function == 0:
        return NULL
    script = script_of_body(body, parser_bulk(&c.parser, place, body))
    if script == NULL:
        vm_forget(&s.host.vm, function)
        reply_out_of_memory(c)
        return NULL
    script.flags = flags
    script.function = function
    sha1_text(body, script.sha)
    ht_insert(&s.by_sha, script, hash_bytes(script.sha, SHA_TEXT))
    ht_insert(&s.by_body, script, hash)
    s.bytes += script_bytes(script)
    return script


cdef Script* script_load(Scripting* s, Client* c, const Slice* argv, int place, bint keeps) noexcept nogil:
    cdef Slice body = argv[place]
    cdef uint64_t hash = hash_bytes(body.ptr, body.len)
    cdef Script* script = <Script*>ht_find_hashed(&s.by_body, body, hash)
    if script == NULL:
        script = script_new(s, c, argv, place, hash)
        if script == NULL:
            return NULL
        if not keeps:
            script.evictable = True
            s.evictable += 1
            put_newest(s, script)
            if s.evictable > EVICTABLE_MAX:
                evict_oldest(s)
    elif keeps and script.evictable:
        take_out(s, script)
        script.evictable = False
        s.evictable -= 1
    return script
