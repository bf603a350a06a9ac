# A script is no command that writes: its commands are nested calls, each propagated on its own, together one unit. What its first line
# says of it is checked here, because the gate knows commands and no scripts.

from libc.stdint cimport int64_t, uint32_t
from zippy._core.ground.buf cimport slice_of
from zippy._core.commands.accounting cimport feed_monitors
from zippy._core.commands.args cimport OptionTable, arg_choice, arg_i64, option_table
from zippy._core.commands.engine cimport engine_admits_script, engine_make_room, propagate_nothing, reply_busy
from zippy._core.commands.scripting_cache cimport script_by_sha, script_load, script_used, scripting_free, scripting_of, scripting_retire
from zippy._core.commands.scripting_run cimport host_run
from zippy._core.commands.scripting_types cimport (
    REPL_ALL, SCRIPT_ALLOW_OOM, SCRIPT_CROSS_SLOT, SCRIPT_DECLARES, SCRIPT_NO_CLUSTER, SCRIPT_NO_WRITES, SHA_TEXT, Script, Scripting,
    ScriptRun
)
from zippy._core.commands.types cimport CLIENT_MASTER
from zippy._core.resp.writer cimport reply_array, reply_bulk, reply_error, reply_int, reply_ok

cdef enum DebugWord:
    DEBUG_NO = 1
    DEBUG_WITH = 2               # YES and SYNC
    FLUSH_ASYNC = 1
    FLUSH_SYNC = 2

cdef OptionTable FLUSH_WORDS = option_table("script|flush", [("async", FLUSH_ASYNC), ("sync", FLUSH_SYNC)])
cdef OptionTable DEBUG_WORDS = option_table("script|debug", [("no", DEBUG_NO), ("yes", DEBUG_WITH), ("sync", DEBUG_WITH)])


cdef bint key_count(Client* c, int argc, Slice* argv, int* count) noexcept nogil:
    cdef int64_t n
    if not arg_i64(c, argv[2], &n):
        return False
    if n > argc - 3:
        reply_error(&c.reply, b"ERR Number of keys can't be greater than number of args")
        return False
    if n < 0:
        reply_error(&c.reply, b"ERR Number of keys can't be negative")
        return False
    count[0] = <int>n
    return True


cdef void run_script(Scripting* s, Client* c, Script* script, int argc, Slice* argv, int keys, bint reads_only) noexcept nogil:
    cdef Engine* e = s.host.engine
    cdef ScriptRun run
    cdef bint may_write = script.flags & SCRIPT_DECLARES and not script.flags & SCRIPT_NO_WRITES
    cdef bint over = e.settings.maxmemory != 0 and not engine_make_room(e)
    if may_write and not engine_admits_script(e, c, over and not script.flags & SCRIPT_ALLOW_OOM):
        return
    if script.flags & SCRIPT_NO_CLUSTER and e.cluster != NULL:
        reply_error(&c.reply, b"ERR Can not run script on cluster, 'no-cluster' flag is set.")
        return
    if may_write and reads_only:
        reply_error(&c.reply, b"ERR Can not execute a script with write flag using *_ro command.")
        return
    script_used(s, script)
    run.caller = c
    run.name = slice_of(script.sha, SHA_TEXT)
    run.function = script.function
    run.keys = argv + 3
    run.key_count = keys
    run.args = argv + 3 + keys
    run.arg_count = argc - 3 - keys
    run.rights.reads_only = reads_only or script.flags & SCRIPT_NO_WRITES
    run.rights.over_memory = over and not script.flags & SCRIPT_ALLOW_OOM
    run.rights.as_master = c.flags & CLIENT_MASTER != 0
    run.rights.wrote = False
    run.rights.cross_slot = not script.flags & SCRIPT_DECLARES or script.flags & SCRIPT_CROSS_SLOT
    run.replicate = REPL_ALL
    host_run(&s.host, &run, s.body)
    propagate_nothing(e)


cdef void eval_body(Engine* e, Client* c, int argc, Slice* argv, bint reads_only) noexcept nogil:
    cdef Scripting* s
    cdef Script* script
    cdef int keys
    if e.monitor_count:
        # its commands come after it
        feed_monitors(e, e.call)
    if not key_count(c, argc, argv, &keys):
        return
    s = scripting_of(e, c)
    if s == NULL:
        return
    script = script_load(s, c, argv, 1, False)
    if script != NULL:
        run_script(s, c, script, argc, argv, keys, reads_only)


cdef void eval_sha(Engine* e, Client* c, int argc, Slice* argv, bint reads_only) noexcept nogil:
    cdef Scripting* s = <Scripting*>e.scripting
    cdef Script* script = NULL
    cdef int keys
    if e.monitor_count:
        feed_monitors(e, e.call)
    if argv[1].len == SHA_TEXT:
        # what cannot be a name is told before a wrong number of keys
        if not key_count(c, argc, argv, &keys):
            return
        script = script_by_sha(s, argv[1]) if s != NULL else NULL
    if script == NULL:
        reply_error(&c.reply, b"NOSCRIPT No matching script. Please use EVAL.")
    else:
        run_script(s, c, script, argc, argv, keys, reads_only)


cdef void eval_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """EVAL script numkeys [key [key ...]] [arg [arg ...]]."""
    eval_body(e, c, argc, argv, False)


cdef void evalsha_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """EVALSHA sha1 numkeys [key [key ...]] [arg [arg ...]]."""
    eval_sha(e, c, argc, argv, False)


cdef void eval_ro_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """EVAL_RO script numkeys [key [key ...]] [arg [arg ...]]."""
    eval_body(e, c, argc, argv, True)


cdef void evalsha_ro_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """EVALSHA_RO sha1 numkeys [key [key ...]] [arg [arg ...]]."""
    eval_sha(e, c, argc, argv, True)


cdef void script_load_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SCRIPT LOAD script."""
    cdef Scripting* s = scripting_of(e, c)
    cdef Script* script = script_load(s, c, argv, 2, True) if s != NULL else NULL
    if script != NULL:
        reply_bulk(&c.reply, slice_of(script.sha, SHA_TEXT))


cdef void script_exists_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SCRIPT EXISTS sha1 [sha1 ...]."""
    cdef Scripting* s = <Scripting*>e.scripting
    cdef int i
    reply_array(&c.reply, argc - 2)
    for i in range(2, argc):
        reply_int(&c.reply, 1 if s != NULL and script_by_sha(s, argv[i]) != NULL else 0)


cdef void script_flush_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SCRIPT FLUSH [ASYNC | SYNC]. Closes Lua with what scripts left in it, in steps unless SYNC is said; the next script opens it anew."""
    cdef uint32_t how = arg_choice(&FLUSH_WORDS, argv[2]) if argc == 3 else FLUSH_ASYNC
    if argc > 3 or how == 0:
        reply_error(&c.reply, b"ERR SCRIPT FLUSH only support SYNC|ASYNC option")
        return
    if how == FLUSH_SYNC:
        scripting_free(e)
    else:
        scripting_retire(e)
    reply_ok(&c.reply)


cdef void script_kill_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SCRIPT KILL."""
    cdef Scripting* s = <Scripting*>e.scripting
    if e.runs_function:
        reply_busy(e, c)
    elif s == NULL or s.host.run == NULL:
        reply_error(&c.reply, b"NOTBUSY No scripts in execution right now.")
    elif s.host.run.rights.wrote:
        reply_error(
            &c.reply,
            b"UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script "
            b"termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
        )
    else:
        s.host.run.killed = True
        reply_ok(&c.reply)


cdef void script_debug_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SCRIPT DEBUG <YES | SYNC | NO>. There is no debugger: it can only be switched off."""
    cdef uint32_t mode = arg_choice(&DEBUG_WORDS, argv[2])
    if mode == DEBUG_NO:
        reply_ok(&c.reply)
    elif mode == DEBUG_WITH:
        reply_error(&c.reply, b"ERR zippy has no debugger for scripts")
    else:
        reply_error(&c.reply, b"ERR Use SCRIPT DEBUG YES/SYNC/NO")
