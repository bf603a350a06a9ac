# Libraries are made aside, among `Libraries` of their own, and join those of the engine when all of them are well: what fails changes
# nothing.

from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memchr, memcmp
from zippy._core.ground.buf cimport (
    buf_append, buf_append_text, buf_clear, buf_free, buf_init, slice_is, slice_of
)
from zippy._core.ground.clock cimport clock_ticks, clock_ticks_per_us
from zippy._core.ground.glob cimport glob_match
from zippy._core.ground.number cimport num_read_i64
from zippy._core.ground.words cimport WORD_FOUND, WORD_UNBALANCED, word_next
from zippy._core.commands.accounting cimport feed_monitors
from zippy._core.commands.args cimport (
    OptionTable, arg_choice, option_table, reply_out_of_memory, reply_subcommand_error
)
from zippy._core.commands.engine cimport engine_admits_script, engine_make_room, propagate_nothing, reply_busy, reply_error_text
from zippy._core.commands.functions_lua cimport (
    functions_lua_forget, functions_lua_load, functions_lua_retire, functions_lua_run, functions_lua_running
)
from zippy._core.commands.scripting_types cimport ScriptRun
from zippy._core.commands.types cimport CLIENT_MASTER, Call, ScriptRights
from zippy._core.keyspace.libraries cimport (
    FUNCTION_ALLOW_CROSS_SLOT_KEYS, FUNCTION_ALLOW_OOM, FUNCTION_FLAGS, FUNCTION_NO_CLUSTER, FUNCTION_NO_WRITES, LIBRARY_LUA,
    LIBRARY_PYTHON, Function, Libraries, function_find, function_flag_word, function_of_key, libraries_free, libraries_init, libraries_put,
    libraries_take, libraries_write, library_find, library_free, library_name_fits, library_new
)
from zippy._core.keyspace.rdb_op cimport OP_FUNCTION, OP_FUNCTION_OLD
from zippy._core.resp.writer cimport (
    reply_array, reply_bulk, reply_bulk_of, reply_bulk_text, reply_defer, reply_defer_array, reply_error, reply_error_about, reply_int,
    reply_map, reply_null, reply_ok, reply_set, reply_simple
)
from zippy._core.values.rdb cimport RDB_PAYLOAD_FOOTER, RDB_VERSION, rdb_payload_fits, rdb_write_footer
from zippy._core.values.rdb_stream cimport (
    RdbReader, RdbText, RdbWriter, rdb_left, rdb_read_byte, rdb_read_text, rdb_reader_init, rdb_text_free, rdb_writer_free, rdb_writer_init
)

cdef enum Policy:
    # what becomes of libraries that are there already
    POLICY_FLUSH = 1
    POLICY_APPEND = 2
    POLICY_REPLACE = 3

cdef OptionTable POLICIES = option_table("function|restore", [
    ("flush", POLICY_FLUSH), ("append", POLICY_APPEND), ("replace", POLICY_REPLACE)
])

cdef enum LoadOption:
    LOAD_REPLACE = 1 << 0

cdef OptionTable LOAD_OPTIONS = option_table("function|load", [("replace", LOAD_REPLACE)])

cdef enum ListOption:
    LIST_LIBRARY_NAME = 1 << 0
    LIST_WITH_CODE = 1 << 1

cdef OptionTable LIST_OPTIONS = option_table("function|list", [
    ("libraryname", LIST_LIBRARY_NAME, 0, 1), ("withcode", LIST_WITH_CODE)
])

cdef enum FlushWay:
    FLUSH_ASYNC = 1
    FLUSH_SYNC = 2

cdef OptionTable FLUSH_WAYS = option_table("function|flush", [("async", FLUSH_ASYNC), ("sync", FLUSH_SYNC)])


cdef struct Metadata:
    # a library's first line
    Buf engine                   # with the #! before it
    Buf name
    bint named


cdef void tell(Buf* error, const char* before, Slice what, const char* after) noexcept nogil:
    buf_append_text(error, before)
    buf_append(error, what.ptr, what.len)
    buf_append_text(error, after)


cdef bint take_word(Metadata* m, const Buf* word, Buf* error) noexcept nogil:
    """Understands a word of the first line behind the engine."""
    cdef Slice value = slice_of(word.data, word.len)
    if word.len < 5 or not slice_is(slice_of(word.data, 5), b"name="):
        tell(error, b"Invalid metadata value given: ", value, b"")
        return False
    if m.named:
        buf_append_text(error, b"Invalid metadata value, name argument was given multiple times")
        return False
    m.named = True
    buf_append(&m.name, word.data + 5, word.len - 5)
    return True


cdef bint read_words(const char* line, size_t length, Metadata* m, Buf* word, Buf* error) noexcept nogil:
    cdef size_t at = 0
    cdef int found = word_next(line, length, &at, word)
    # a line that is not well-formed is told before anything about its words
    while found == WORD_FOUND:
        found = word_next(line, length, &at, word)
    if found == WORD_UNBALANCED:
        buf_append_text(error, b"Invalid library metadata")
        return False
    at = 0
    word_next(line, length, &at, &m.engine)
    buf_clear(word)
    while word_next(line, length, &at, word) == WORD_FOUND and not word.failed:
        if not take_word(m, word, error):
            return False
        buf_clear(word)
    if word.failed or m.engine.failed or m.name.failed:
        error.failed = True
    return not error.failed


cdef bint read_metadata(Slice code, Metadata* m, Buf* error) noexcept nogil:
    """Reads the first line; False: `error` says what is wrong. Either way m is the caller's to free."""
    cdef const char* end
    cdef Buf word
    cdef bint well
    buf_init(&m.engine)
    buf_init(&m.name)
    m.named = False
    if code.len < 2 or memcmp(code.ptr, b"#!", 2) != 0:
        buf_append_text(error, b"Missing library metadata")
        return False
    end = <const char*>memchr(code.ptr, 10, code.len)
    # Redis looks for the line's end in a C string
    if end == NULL or memchr(code.ptr, 0, end - code.ptr) != NULL:
        buf_append_text(error, b"Invalid library metadata")
        return False
    buf_init(&word)
    well = read_words(code.ptr, end - code.ptr, m, &word, error)
    buf_free(&word)
    return well


cdef Library* library_of(Engine* e, const Metadata* m, Slice code, Libraries* taken, Buf* error) noexcept nogil:
    """The library that the code makes, as yet on its own; NULL: `error` says why not. taken: may have none of its name; or NULL."""
    cdef Slice name = slice_of(m.name.data, m.name.len)
    cdef Slice engine = slice_of(m.engine.data + 2, m.engine.len - 2)
    cdef Library* library
    if not m.named:
        buf_append_text(error, b"Library name was not given")
        return NULL
    if not library_name_fits(name):
        buf_append_text(
            error, b"Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
        )
        return NULL
    if not slice_is(engine, b"lua"):
        tell(error, b"Engine '", engine, b"' not found")
        return NULL
    if taken != NULL and library_find(taken, name) != NULL:
        tell(error, b"Library '", name, b"' already exists")
        return NULL
    library = library_new(LIBRARY_LUA, name, code)
    if library == NULL:
        error.failed = True
        return NULL
    if functions_lua_load(e, library, error):
        if library.count:
            return library
        buf_append_text(error, b"No functions registered")
    drop_library(e, library)
    return NULL


cdef bint make_library(Engine* e, Libraries* incoming, Slice code, Libraries* taken, Buf* error) noexcept nogil:
    """Puts the library that the code makes among the incoming; False: `error` says why not."""
    cdef Metadata m
    cdef Library* library = NULL
    cdef Function* f
    if read_metadata(code, &m, error):
        library = library_of(e, &m, code, taken, error)
    buf_free(&m.engine)
    buf_free(&m.name)
    if library == NULL:
        return False
    f = library.first
    while f != NULL:
        if function_of_key(incoming, f.key) != NULL:
            tell(error, b"Function ", f.name, b" already exists")
            drop_library(e, library)
            return False
        f = f.next
    libraries_put(incoming, library)
    return True


cdef void drop_library(Engine* e, Library* library) noexcept nogil:
    """Frees a library that is in no Libraries."""
    if library.engine == LIBRARY_LUA:
        functions_lua_forget(e, library)
    library_free(library)


cdef void drop_all(Engine* e, Libraries* l) noexcept nogil:
    """All libraries of clients."""
    cdef Library* library = l.first
    cdef Library* next
    while library != NULL:
        next = library.next
        if library.engine == LIBRARY_LUA:
            libraries_take(l, library)
            drop_library(e, library)
        library = next


cdef bint is_replaced(const Library* old, Libraries* incoming, int policy) noexcept nogil:
    """Whether a library goes when the incoming ones join. Those of the operator never do."""
    if old.engine != LIBRARY_LUA:
        return False
    return policy == POLICY_FLUSH or policy == POLICY_REPLACE and library_find(incoming, old.name) != NULL


cdef bint may_join(Engine* e, Libraries* incoming, int policy, Buf* error) noexcept nogil:
    cdef Library* library = incoming.first
    cdef Library* old
    cdef Function* f
    cdef Function* found
    while library != NULL:
        old = library_find(&e.ks.libraries, library.name)
        if old != NULL and not is_replaced(old, incoming, policy):
            tell(error, b"Library ", library.name, b" already exists")
            return False
        library = library.next
    library = incoming.first
    while library != NULL:
        f = library.first
        while f != NULL:
            found = function_of_key(&e.ks.libraries, f.key)
            if found != NULL and not is_replaced(found.library, incoming, policy):
                tell(error, b"Function ", f.name, b" already exists")
                return False
            f = f.next
        library = library.next
    return True


cdef bint join(Engine* e, Libraries* incoming, int policy, Buf* error) noexcept nogil:
    """Moves the incoming libraries to the engine's, in the place of those that the policy replaces; False: nothing was done, `error` says
    why."""
    cdef Library* library
    cdef Library* old
    if not may_join(e, incoming, policy, error):
        return False
    if policy == POLICY_FLUSH:
        drop_all(e, &e.ks.libraries)
    library = incoming.first
    while library != NULL:
        # all of them go before the first one comes: a function may be in another library than before
        old = library_find(&e.ks.libraries, library.name)
        if old != NULL:
            libraries_take(&e.ks.libraries, old)
            drop_library(e, old)
        library = library.next
    while incoming.first != NULL:
        library = incoming.first
        libraries_take(incoming, library)
        libraries_put(&e.ks.libraries, library)
    return True


cdef Library* functions_load(Engine* e, Slice code, bint replace, Buf* error) noexcept nogil:
    cdef Libraries incoming
    cdef Library* library = NULL
    libraries_init(&incoming)
    if make_library(e, &incoming, code, NULL if replace else &e.ks.libraries, error):
        library = incoming.first
        if not join(e, &incoming, POLICY_REPLACE if replace else POLICY_APPEND, error):
            library = NULL
    drop_all(e, &incoming)
    libraries_free(&incoming)
    return library


cdef void functions_flush(Engine* e) noexcept nogil:
    cdef Libraries* after = &e.ks.libraries
    cdef Libraries before = after[0]
    cdef Library* library = before.first
    cdef Library* next
    libraries_init(after)
    while library != NULL:
        next = library.next
        if library.engine != LIBRARY_LUA:
            libraries_take(&before, library)
            libraries_put(after, library)
        library = next
    functions_lua_retire(e, &before)


cdef void function_load_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """FUNCTION LOAD [REPLACE] function-code. Runs the code once, to hear of the functions."""
    cdef Library* library
    cdef Buf error
    cdef bint replace = False
    cdef int i
    for i in range(2, argc - 1):
        if arg_choice(&LOAD_OPTIONS, argv[i]) != LOAD_REPLACE:
            reply_error_about(&c.reply, b"ERR Unknown option given: ", argv[i], b"")
            return
        replace = True
    buf_init(&error)
    buf_append_text(&error, b"ERR ")
    library = functions_load(e, argv[argc - 1], replace, &error)
    if library == NULL:
        e.stats.libraries_refused += 1
        reply_error_text(c, &error)
        return
    buf_free(&error)
    e.ks.dirty += 1
    reply_bulk(&c.reply, library.name)


cdef void function_delete_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """FUNCTION DELETE library-name. Leaves libraries in Python, which are the operator's, and tells so."""
    cdef Library* library = library_find(&e.ks.libraries, argv[2])
    if library == NULL:
        reply_error(&c.reply, b"ERR Library not found")
        return
    if library.engine != LIBRARY_LUA:
        reply_error(&c.reply, b"ERR This library was given when the server started, and cannot be deleted")
        return
    libraries_take(&e.ks.libraries, library)
    drop_library(e, library)
    e.ks.dirty += 1
    reply_ok(&c.reply)


cdef void function_flush_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """FUNCTION FLUSH [ASYNC | SYNC]. Both free libraries and their machine in steps. Leaves libraries in Python."""
    if argc > 3:
        reply_subcommand_error(c, argv[1], b"FUNCTION")
        return
    if argc == 3 and arg_choice(&FLUSH_WAYS, argv[2]) == 0:
        reply_error(&c.reply, b"ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
        return
    functions_flush(e)
    e.ks.dirty += 1
    reply_ok(&c.reply)


cdef void reply_function(Client* c, const Function* f) noexcept nogil:
    cdef int flags = 0
    cdef int i
    reply_map(&c.reply, 3)
    reply_bulk_text(&c.reply, b"name")
    reply_bulk(&c.reply, f.name)
    reply_bulk_text(&c.reply, b"description")
    if f.description.ptr != NULL:
        reply_bulk(&c.reply, f.description)
    else:
        reply_null(&c.reply)
    reply_bulk_text(&c.reply, b"flags")
    for i in range(FUNCTION_FLAGS):
        flags += f.flags >> i & 1
    reply_set(&c.reply, flags)
    for i in range(FUNCTION_FLAGS):
        if f.flags >> i & 1:
            reply_simple(&c.reply, function_flag_word(i))


cdef void reply_library(Client* c, const Library* library, bint with_code) noexcept nogil:
    cdef const Function* f = library.first
    reply_map(&c.reply, 4 if with_code else 3)
    reply_bulk_text(&c.reply, b"library_name")
    reply_bulk(&c.reply, library.name)
    reply_bulk_text(&c.reply, b"engine")
    reply_bulk_text(&c.reply, b"LUA" if library.engine == LIBRARY_LUA else b"PYTHON")
    reply_bulk_text(&c.reply, b"functions")
    reply_array(&c.reply, library.count)
    while f != NULL:
        reply_function(c, f)
        f = f.next
    if with_code:
        reply_bulk_text(&c.reply, b"library_code")
        if library.code.ptr != NULL:
            reply_bulk(&c.reply, library.code)
        else:
            reply_null(&c.reply)


cdef void function_list_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """FUNCTION LIST [LIBRARYNAME library-name-pattern] [WITHCODE]. Libraries in Python have no code to show."""
    cdef const Library* library = e.ks.libraries.first
    cdef Slice pattern = slice_of(NULL, 0)
    cdef bint with_code = False
    cdef size_t place
    cdef int64_t count = 0
    cdef uint32_t option
    cdef int i = 2
    while i < argc:
        option = arg_choice(&LIST_OPTIONS, argv[i])
        if option == LIST_WITH_CODE and not with_code:
            with_code = True
        elif option == LIST_LIBRARY_NAME and pattern.ptr == NULL:
            i += 1
            if i == argc:
                reply_error(&c.reply, b"ERR library name argument was not given")
                return
            pattern = argv[i]
        else:
            reply_error_about(&c.reply, b"ERR Unknown argument ", argv[i], b"")
            return
        i += 1
    place = reply_defer(&c.reply)
    while library != NULL:
        if pattern.ptr == NULL or glob_match(pattern, library.name, True):
            reply_library(c, library, with_code)
            count += 1
        library = library.next
    reply_defer_array(&c.reply, place, count)


cdef void reply_counts(Engine* e, Client* c, int engine, const char* name) noexcept nogil:
    reply_bulk_text(&c.reply, name)
    reply_map(&c.reply, 2)
    reply_bulk_text(&c.reply, b"libraries_count")
    reply_int(&c.reply, e.ks.libraries.library_counts[engine])
    reply_bulk_text(&c.reply, b"functions_count")
    reply_int(&c.reply, e.ks.libraries.function_counts[engine])


cdef void reply_running(Engine* e, Client* c) noexcept nogil:
    cdef ScriptRun* run
    cdef const Call* call
    cdef int i
    if not functions_lua_running(e, &run, &call):
        reply_null(&c.reply)
        return
    reply_map(&c.reply, 3)
    reply_bulk_text(&c.reply, b"name")
    reply_bulk(&c.reply, run.name)
    reply_bulk_text(&c.reply, b"command")
    reply_array(&c.reply, call.argc)
    for i in range(call.argc):
        reply_bulk(&c.reply, call.argv[i])
    reply_bulk_text(&c.reply, b"duration_ms")
    reply_int(&c.reply, <int64_t>((clock_ticks() - run.began) / (1000 * clock_ticks_per_us())))


cdef void function_stats_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """FUNCTION STATS. Tells of the engine PYTHON where there are functions in Python."""
    reply_map(&c.reply, 2)
    reply_bulk_text(&c.reply, b"running_script")
    reply_running(e, c)
    reply_bulk_text(&c.reply, b"engines")
    reply_map(&c.reply, 2 if e.run_python_function != NULL else 1)
    reply_counts(e, c, LIBRARY_LUA, b"LUA")
    if e.run_python_function != NULL:
        reply_counts(e, c, LIBRARY_PYTHON, b"PYTHON")


cdef void function_kill_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """FUNCTION KILL. A function in Python is nobody's to end: others are not served while it runs."""
    cdef ScriptRun* run
    cdef const Call* call
    if e.busy and not e.runs_function:
        reply_busy(e, c)
    elif not functions_lua_running(e, &run, &call):
        reply_error(&c.reply, b"NOTBUSY No scripts in execution right now.")
    elif run.rights.wrote:
        reply_error(
            &c.reply,
            b"UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script "
            b"termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
        )
    else:
        run.killed = True
        reply_ok(&c.reply)


cdef void function_dump_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """FUNCTION DUMP. Libraries in Python are no part of it."""
    cdef RdbWriter w
    if rdb_writer_init(&w, -1, RDB_VERSION):
        w.compress = True
        libraries_write(&w, &e.ks.libraries)
        rdb_write_footer(&w)
    if w.error == 0:
        reply_bulk_of(&c.reply, &w.data, w.len, w.cap)
    else:
        reply_out_of_memory(c)
    rdb_writer_free(&w)


cdef bint read_payload(Engine* e, Slice payload, Libraries* incoming, Buf* error) noexcept nogil:
    """Makes the libraries of a payload; False: `error` says why not."""
    cdef RdbReader r
    cdef RdbText code
    cdef int type
    cdef bint well = True
    rdb_reader_init(&r, payload.ptr, payload.len - RDB_PAYLOAD_FOOTER)
    while well and rdb_left(&r):
        type = rdb_read_byte(&r)
        if type == OP_FUNCTION_OLD:
            buf_append_text(error, b"Pre-GA function format not supported")
            return False
        if type != OP_FUNCTION:
            buf_append_text(error, b"given type is not a function")
            return False
        if not rdb_read_text(&r, &code):
            buf_append_text(error, b"Failed loading library payload")
            return False
        well = make_library(e, incoming, code.s, incoming, error)
        rdb_text_free(&code)
    return well


cdef void function_restore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """FUNCTION RESTORE serialized-value [FLUSH | APPEND | REPLACE]. Changes nothing if one of the libraries cannot be had."""
    cdef uint32_t policy = arg_choice(&POLICIES, argv[3]) if argc > 3 else POLICY_APPEND
    cdef Libraries incoming
    cdef Buf error
    cdef bint well
    if argc > 4:
        reply_subcommand_error(c, argv[1], b"FUNCTION")
        return
    if policy == 0:
        reply_error(&c.reply, b"ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
        return
    if not rdb_payload_fits(argv[2]):
        reply_error(&c.reply, b"ERR DUMP payload version or checksum are wrong")
        return
    libraries_init(&incoming)
    buf_init(&error)
    buf_append_text(&error, b"ERR ")
    well = read_payload(e, argv[2], &incoming, &error) and join(e, &incoming, <int>policy, &error)
    drop_all(e, &incoming)
    libraries_free(&incoming)
    if not well:
        reply_error_text(c, &error)
        return
    buf_free(&error)
    e.ks.dirty += 1
    reply_ok(&c.reply)


cdef bint find_called(Engine* e, Client* c, int argc, const Slice* argv, const Function** f, int* keys) noexcept nogil:
    """The function of an FCALL and how many keys it is given; False: replied with an error."""
    cdef int64_t count
    f[0] = function_find(&e.ks.libraries, argv[1])
    if f[0] == NULL:
        reply_error(&c.reply, b"ERR Function not found")
    elif not num_read_i64(argv[2], &count):
        reply_error(&c.reply, b"ERR Bad number of keys provided")
    elif count > argc - 3:
        reply_error(&c.reply, b"ERR Number of keys can't be greater than number of args")
    elif count < 0:
        reply_error(&c.reply, b"ERR Number of keys can't be negative")
    else:
        keys[0] = <int>count
        return True
    return False


cdef bint may_run(Engine* e, Client* c, const Function* f, bint reads_only, ScriptRights* rights) noexcept nogil:
    """What a function's flags allow now; False: it was refused with an error."""
    cdef bint writes = not f.flags & FUNCTION_NO_WRITES
    cdef bint over = e.settings.maxmemory != 0 and not engine_make_room(e)
    if writes and not engine_admits_script(e, c, over and not f.flags & FUNCTION_ALLOW_OOM):
        return False
    if f.flags & FUNCTION_NO_CLUSTER and e.cluster != NULL:
        reply_error(&c.reply, b"ERR Can not run script on cluster, 'no-cluster' flag is set.")
        return False
    if writes and reads_only:
        reply_error(&c.reply, b"ERR Can not execute a script with write flag using *_ro command.")
        return False
    rights.reads_only = not writes
    rights.over_memory = over and not f.flags & FUNCTION_ALLOW_OOM
    rights.as_master = c.flags & CLIENT_MASTER != 0
    rights.wrote = False
    rights.cross_slot = f.flags & FUNCTION_ALLOW_CROSS_SLOT_KEYS != 0
    return True


cdef void call_function(Engine* e, Client* c, int argc, Slice* argv, bint reads_only) noexcept nogil:
    cdef const Function* f
    cdef ScriptRights rights
    cdef int keys
    if e.monitor_count:
        # its commands come after it
        feed_monitors(e, e.call)
    if not find_called(e, c, argc, argv, &f, &keys) or not may_run(e, c, f, reads_only, &rights):
        return
    e.runs_function = True
    if f.library.engine == LIBRARY_PYTHON:
        e.run_python_function(e, c, f, &rights, keys, argc - 3, argv + 3)
    else:
        functions_lua_run(e, c, f, &rights, keys, argc - 3, argv + 3)
    e.runs_function = False
    propagate_nothing(e)


cdef void fcall_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """FCALL function numkeys [key [key ...]] [arg [arg ...]]. Propagates what the function's commands do, and not itself."""
    call_function(e, c, argc, argv, False)


cdef void fcall_ro_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """FCALL_RO function numkeys [key [key ...]] [arg [arg ...]]."""
    call_function(e, c, argc, argv, True)
