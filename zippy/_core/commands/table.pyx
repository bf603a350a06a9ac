from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport HashTable, ht_find, ht_init, ht_insert, ht_remove
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_zalloc
from zippy._core.commands.bitmap cimport bitmap_handler
from zippy._core.commands.connection cimport connection_handler
from zippy._core.commands.generic cimport generic_handler
from zippy._core.commands.hash cimport hash_handler
from zippy._core.commands.list cimport list_handler
from zippy._core.commands.pubsub cimport pubsub_handler
from zippy._core.commands.server cimport server_handler
from zippy._core.commands.set cimport set_handler
from zippy._core.commands.sorted_set cimport sorted_set_handler
from zippy._core.commands.string cimport string_handler
from zippy._core.commands.transactions cimport transactions_handler
from zippy._core.commands.types cimport (
    CMD_ADMIN, CMD_ALLOW_BUSY, CMD_ASKING, CMD_BLOCKING, CMD_DENYOOM, CMD_FAST, CMD_LOADING, CMD_MAY_REPLICATE, CMD_MOVABLEKEYS,
    CMD_NO_ASYNC_LOADING, CMD_NO_AUTH, CMD_NO_MULTI, CMD_NOSCRIPT, CMD_PUBSUB, CMD_PYTHON, CMD_READONLY, CMD_RUNS_IN_MULTI, CMD_RUNS_QUEUE,
    CMD_RUNS_SUBSCRIBED, CMD_SKIP_MONITOR, CMD_SKIP_SLOWLOG, CMD_STALE, CMD_TELLS_HEALTH, CMD_WRITE, command_fn
)

FLAGS = {
    "write": CMD_WRITE, "readonly": CMD_READONLY, "denyoom": CMD_DENYOOM, "admin": CMD_ADMIN, "pubsub": CMD_PUBSUB,
    "noscript": CMD_NOSCRIPT, "blocking": CMD_BLOCKING, "loading": CMD_LOADING, "stale": CMD_STALE, "skip_monitor": CMD_SKIP_MONITOR,
    "skip_slowlog": CMD_SKIP_SLOWLOG, "asking": CMD_ASKING, "fast": CMD_FAST, "no_auth": CMD_NO_AUTH, "may_replicate": CMD_MAY_REPLICATE,
    "no_async_loading": CMD_NO_ASYNC_LOADING, "no_multi": CMD_NO_MULTI, "allow_busy": CMD_ALLOW_BUSY, "movablekeys": CMD_MOVABLEKEYS,
}
RUNS_IN_MULTI = {"exec", "discard", "multi", "watch", "quit", "reset"}
# what these do reaches replicas though it writes no key; COMMAND INFO does not tell
MAY_REPLICATE = {"publish", "spublish", "pfcount", "eval", "evalsha", "fcall", "script|load", "script|flush"}
RUNS_SUBSCRIBED = {
    "subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe", "ping", "quit", "reset",
}


cdef command_fn handler_of(const char* name) noexcept nogil:
    """Asks each group in turn; once a command at start-up."""
    cdef command_fn handler = connection_handler(name)
    if handler == NULL:
        handler = string_handler(name)
    if handler == NULL:
        handler = generic_handler(name)
    if handler == NULL:
        handler = bitmap_handler(name)
    if handler == NULL:
        handler = list_handler(name)
    if handler == NULL:
        handler = set_handler(name)
    if handler == NULL:
        handler = hash_handler(name)
    if handler == NULL:
        handler = sorted_set_handler(name)
    if handler == NULL:
        handler = transactions_handler(name)
    if handler == NULL:
        handler = pubsub_handler(name)
    if handler == NULL:
        handler = server_handler(name)
    return handler


cdef void command_word_of(const void* item, Slice* key) noexcept nogil:
    key[0] = (<const Command*>item).word


cdef Slice copied(bytes text) except *:
    """A copy with a NUL behind it, owned by the command table."""
    cdef Slice s
    cdef char* at = <char*>mem_alloc(len(text) + 1)
    cdef const char* source = text
    memcpy(at, source, len(text) + 1)
    s.ptr = at
    s.len = len(text)
    return s


cdef int fill(Command* command, object spec, int id) except -1:
    cdef bytes name = spec.name.encode()
    cdef Py_ssize_t bar = name.find(b"|") + 1
    command.name = copied(name)
    command.word = slice_of(command.name.ptr + bar, command.name.len - bar)
    command.id = id
    command.arity = spec.arity
    command.first_key = spec.first_key
    command.last_key = spec.last_key
    command.key_step = spec.key_step
    for flag in spec.flags:
        command.flags |= <uint64_t>FLAGS.get(flag, 0)
    if spec.name in RUNS_IN_MULTI:
        command.flags |= CMD_RUNS_IN_MULTI
    if spec.name == "exec":
        command.flags |= CMD_RUNS_QUEUE
    if spec.name in MAY_REPLICATE:
        command.flags |= CMD_MAY_REPLICATE
    if spec.name in RUNS_SUBSCRIBED:
        command.flags |= CMD_RUNS_SUBSCRIBED
    if spec.name == "ping":
        command.flags |= CMD_TELLS_HEALTH
    command.handler = handler_of(command.name.ptr)
    if command.handler == NULL:
        command.flags |= CMD_PYTHON
    return 0


cdef int table_build(Engine* e, object specs) except -1:
    cdef int count = sum(1 + len(spec.subcommands) for spec in specs)
    cdef int id = 0
    cdef Command* command
    cdef Command* container
    cdef HashTable* table
    e.all_commands = <Command*>mem_zalloc(count * sizeof(Command))
    for spec in specs:
        container = &e.all_commands[id]
        fill(container, spec, id)
        ht_insert(&e.commands, container, hash_bytes(container.word.ptr, container.word.len))
        id += 1
        if not spec.subcommands:
            continue
        table = <HashTable*>mem_zalloc(sizeof(HashTable))
        ht_init(table, command_word_of)
        container.subcommands = table
        for sub in spec.subcommands:
            command = &e.all_commands[id]
            fill(command, sub, id)
            command.parent = container
            ht_insert(table, command, hash_bytes(command.word.ptr, command.word.len))
            id += 1
    e.command_count = count
    return 0


cdef object table_rename(Engine* e, bytes old, bytes new):
    cdef Slice word = slice_of(<const char*>old, len(old))
    cdef Command* command = <Command*>ht_find(&e.commands, word)
    if command == NULL:
        return "No such command in rename-command"
    if new and ht_find(&e.commands, slice_of(<const char*>new, len(new))) != NULL:
        return "Target command name already exists"
    memset(e.known, 0, sizeof(e.known))
    ht_remove(&e.commands, word)
    if new:
        mem_free(command.renamed)
        word = copied(new)
        command.renamed = <void*>word.ptr
        command.word = word
        ht_insert(&e.commands, command, hash_bytes(word.ptr, word.len))
    return None
