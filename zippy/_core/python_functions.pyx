"""Functions in Python, which FCALL runs. Their commands are nested calls under the rules of scripts, as those of Lua's are."""

cimport cython
from libc.stdint cimport SIZE_MAX, uint32_t, uint64_t
from libc.string cimport memset
from zippy._core.ground.buf cimport Buf, Slice, buf_free, buf_init, slice_of
from zippy._core.commands.engine cimport engine_call_in_script, engine_use
from zippy._core.commands.types cimport CLIENT_INTERNAL, CLIENT_OF_CALLER, Client, Engine, ScriptRights
from zippy._core.keyspace.libraries cimport (
    FUNCTION_FLAGS, LIBRARY_PYTHON, Function, Library, function_find, function_flag_word, libraries_put, library_add, library_find,
    library_free, library_new
)
from zippy._core.local cimport Words, drop_words, put_arguments, read_value
from zippy._core.resp.kinds import ReplyError
from zippy._core.resp.values cimport list_of_bytes, write_value
from zippy._core.resp.writer cimport reply_cut, reply_error, reply_free, reply_init
from zippy._core.session cimport Core, Session


@cython.final
cdef class Call:
    """What a function is given to run commands with: call("SET", key, value). It is good while the function runs."""

    cdef Engine* engine              # NULL: the function has ended
    cdef Client* client              # to whom its commands reply, on the stack of who runs the function
    cdef ScriptRights rights
    cdef object last_error           # that a command replied with

    def __call__(self, *words):
        cdef Words w
        cdef Buf output
        if self.engine == NULL:
            raise RuntimeError("the function that this call was for has ended")
        _kept = put_arguments(&w, words)
        engine_use(self.engine)
        engine_call_in_script(self.engine, self.client, &self.rights, w.argc, w.argv)
        drop_words(&w)
        # making objects can run a finalizer: it must not find what is being read
        output = self.client.reply.out
        buf_init(&self.client.reply.out)
        try:
            if output.failed:
                raise MemoryError
            value = read_value(output.data, output.len)
        finally:
            engine_use(self.engine)
            buf_free(&output)
        if type(value) is ReplyError:
            self.last_error = value
            raise value
        return value


cdef object value_of(Core core, function, Call call, list keys, list args):
    """What a function comes to; an error is a ReplyError."""
    try:
        return function(call, keys, args)
    except ReplyError as error:
        return error
    except MemoryError:
        return ReplyError("OOM out of memory")
    except Exception as error:
        core.log_exception(f"function={function.name}")
        return ReplyError(f"ERR {type(error).__name__}: {error} (function {function.name})")


cdef int answer(Core core, Client* c, function, Call call, list keys, list args) except -1:
    cdef size_t place = c.reply.out.len
    cdef uint64_t errors = c.reply.errors
    value = value_of(core, function, call, keys, args)
    engine_use(core.engine)
    try:
        write_value(&c.reply, value)
    except Exception as error:
        core.log_exception(f"function={function.name}, what it returned is no reply")
        engine_use(core.engine)
        reply_cut(&c.reply, place)
        c.reply.errors = errors
        write_value(&c.reply, ReplyError(f"ERR {type(error).__name__}: {error} (what the function {function.name} returned is no reply)"))
    if value is call.last_error and value is not None:
        # an error is counted once, of the command
        c.reply.error_at = SIZE_MAX
    return 0


cdef void run_python_function(
    Engine* e, Client* c, const Function* f, const ScriptRights* rights, int keys, int argc, Slice* argv
) noexcept with gil:
    cdef Session session = <Session>c.owner
    cdef Call call = Call.__new__(Call)
    cdef Client client
    memset(&client, 0, sizeof(Client))
    client.engine = e
    client.flags = CLIENT_INTERNAL | c.flags & CLIENT_OF_CALLER
    client.user = c.user
    client.db = c.db
    client.owner = c.owner
    reply_init(&client.reply)
    client.reply.proto = 3
    call.engine = e
    call.client = &client
    call.rights = rights[0]
    try:
        key_words = list_of_bytes(keys, argv)
        words = list_of_bytes(argc - keys, argv + keys)
        answer(session.core, c, session.core.functions[f.callback], call, key_words, words)
    except BaseException as error:
        # no reply, and nothing may be raised through the engine
        session.core.stashed = error
        reply_error(&c.reply, b"ERR the function was interrupted")
    call.engine = NULL
    engine_use(e)
    reply_free(&client.reply)


cdef Slice slice_of_bytes(bytes data):
    return slice_of(<const char*>data, len(data))


cdef int add(Core core, Library* library, function, int callback) except -1:
    cdef bytes name = function.name.encode()
    cdef bytes description = b"" if function.description is None else function.description.encode()
    cdef uint32_t flags = 0
    cdef int place
    if function_find(&core.engine.ks.libraries, slice_of_bytes(name)) != NULL:
        raise ValueError(f"there is a function {function.name} already")
    for place in range(FUNCTION_FLAGS):
        if function_flag_word(place).decode() in function.flags:
            flags |= <uint32_t>1 << place
    library_add(
        library, slice_of_bytes(name), slice_of_bytes(description) if description else slice_of(NULL, 0), flags, callback
    )
    return 0


def install(Core core, list functions):
    """Makes libraries of functions in Python (zippy.functions.Function), which FCALL finds from now on. Once for a core, before it has any
    libraries. ValueError: a name is taken."""
    cdef Library* library
    cdef bytes name
    by_library = {}
    for place, function in enumerate(functions):
        by_library.setdefault(function.library, []).append((place, function))
    engine_use(core.engine)
    for library_name, members in by_library.items():
        name = library_name.encode()
        if library_find(&core.engine.ks.libraries, slice_of_bytes(name)) != NULL:
            raise ValueError(f"there is a library {library_name} already")
        library = library_new(LIBRARY_PYTHON, slice_of_bytes(name), slice_of(NULL, 0))
        if library == NULL:
            raise MemoryError
        try:
            for place, function in members:
                add(core, library, function, place)
        except BaseException:
            library_free(library)
            raise
        libraries_put(&core.engine.ks.libraries, library)
    core.functions = functions
    core.engine.run_python_function = run_python_function
