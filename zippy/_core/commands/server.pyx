# FLUSHALL and FLUSHDB hand their tables to lazy_free; the client that asked for SYNC is blocked like one that waits for a key.

from libc.limits cimport INT_MAX, INT_MIN
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy
from zippy._core.ground.buf cimport Slice, buf_reserve, slice_of
from zippy._core.ground.glob cimport glob_match
from zippy._core.ground.hashtable cimport ht_find
from zippy._core.ground.mem cimport mem_free, mem_try_alloc
from zippy._core.ground.number cimport num_read_i64
from zippy._core.keyspace.db cimport flush_db, swap_dbs
from zippy._core.keyspace.effects cimport flushed
from zippy._core.keyspace.key_table cimport kt_count
from zippy._core.keyspace.lazy_free cimport lazy_waits
from zippy._core.commands.accounting cimport latency_reset
from zippy._core.commands.acl_rules cimport category_of
from zippy._core.commands.args cimport OptionTable, arg_choice, option_table, reply_out_of_memory, reply_syntax_error
from zippy._core.commands.client cimport block_until_freed, can_wait_for_memory, cannot_wait, start_monitoring
from zippy._core.commands.engine cimport find_command, propagate_instead
from zippy._core.commands.events cimport tell_before_reply
from zippy._core.commands.keys cimport command_has_keys, command_keys
from zippy._core.commands.types cimport CLIENT_MONITOR, CMD_NO_MANDATORY_KEYS, Client, Command, Engine, KeyRef
from zippy._core.resp.writer cimport (
    HEADER_ROOM, Reply, reply_array, reply_bulk, reply_bulk_int, reply_defer, reply_defer_array, reply_error, reply_int, reply_ok,
    reply_raw, reply_set, reply_simple
)


cdef extern from *:
    int count_bits "__builtin_popcount"(unsigned int bits) noexcept nogil


cdef void dbsize_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """DBSIZE."""
    reply_int(&c.reply, <int64_t>kt_count(&c.db.table))


cdef enum FlushWay:
    FLUSH_ASYNC = 1
    FLUSH_SYNC = 2

cdef OptionTable FLUSH_WORDS = option_table("flushdb flushall", [("async", FLUSH_ASYNC), ("sync", FLUSH_SYNC)])


cdef bint flush_dbs(Engine* e, Client* c, int argc, const Slice* argv, int first, int end) noexcept nogil:
    """FLUSHDB and FLUSHALL of the databases from first to before end; False: a syntax error was replied.

    With SYNC the client hears OK when the memory is free. That is waited for beside the traffic, by a client that can wait."""
    cdef bint wait = not e.settings.lazyfree_lazy_user_flush
    cdef bint lazy
    cdef uint32_t way
    cdef int i
    if argc > 1:
        way = arg_choice(&FLUSH_WORDS, argv[1]) if argc == 2 else 0
        if way == 0:
            reply_syntax_error(c)
            return False
        wait = way == FLUSH_SYNC
    lazy = not wait or can_wait_for_memory(e, c)
    for i in range(first, end):
        e.ks.dirty += <int64_t>flush_db(e.ks.dbs[i], lazy)
    flushed(&e.ks)
    # also when there was nothing to flush here: a replica may hold keys that have expired on this side
    propagate_instead(e, c, argc, argv)
    if wait and lazy and lazy_waits(&e.ks):
        block_until_freed(e, c)
    else:
        if wait and e.ks.tracking and not cannot_wait(e, c):
            # it is told as if it had waited
            tell_before_reply(e, c)
        reply_ok(&c.reply)
    return True


cdef void flushdb_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """FLUSHDB [ASYNC | SYNC]. Frees the tables between turns. With SYNC, replies OK when the memory is free; other clients do not wait."""
    flush_dbs(e, c, argc, argv, c.db.id, c.db.id + 1)


cdef void flushall_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """FLUSHALL [ASYNC | SYNC]. Frees the tables between turns. With SYNC, replies OK when the memory is free; other clients do not wait."""
    if flush_dbs(e, c, argc, argv, 0, e.ks.db_count) and not e.ks.loading:
        e.all_flushed = True


cdef void swapdb_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SWAPDB index1 index2. Swaps the tables, in O(1) beside the keys that are watched or waited for."""
    cdef int64_t first
    cdef int64_t second
    if e.cluster != NULL:
        reply_error(&c.reply, b"ERR SWAPDB is not allowed in cluster mode")
    elif not num_read_i64(argv[1], &first) or not INT_MIN <= first <= INT_MAX:
        reply_error(&c.reply, b"ERR invalid first DB index")
    elif not num_read_i64(argv[2], &second) or not INT_MIN <= second <= INT_MAX:
        reply_error(&c.reply, b"ERR invalid second DB index")
    elif not 0 <= first < e.ks.db_count or not 0 <= second < e.ks.db_count:
        reply_error(&c.reply, b"ERR DB index is out of range")
    else:
        swap_dbs(&e.ks, <int>first, <int>second)
        e.ks.dirty += 1
        reply_ok(&c.reply)


cdef void latency_reset_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """LATENCY RESET [event [event ...]]."""
    cdef int forgotten = 0
    cdef int i
    if argc == 2:
        forgotten = latency_reset(e, slice_of(NULL, 0))
    for i in range(2, argc):
        forgotten += latency_reset(e, argv[i])
    reply_int(&c.reply, forgotten)


cdef void command_count_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """COMMAND COUNT. A container counts as one, and what rename-command took away does not."""
    reply_int(&c.reply, <int64_t>e.commands.count)


cdef enum ListWord:
    LIST_FILTERBY = 1
    LIST_MODULE = 2
    LIST_CATEGORY = 4
    LIST_PATTERN = 8

cdef OptionTable LIST_WORDS = option_table("command|list", [
    ("filterby", LIST_FILTERBY, 0, 1), ("module", LIST_MODULE, 0, 1), ("aclcat", LIST_CATEGORY, 0, 1), ("pattern", LIST_PATTERN, 0, 1),
])


cdef void command_list_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """COMMAND LIST [FILTERBY MODULE module-name | ACLCAT category | PATTERN pattern]. Subcommands follow the command that they are of."""
    cdef uint32_t filter_by = 0
    cdef uint64_t category = 0
    cdef int64_t count = 0
    cdef size_t place
    cdef const Command* command
    cdef const Command* container
    cdef int i
    if argc > 2:
        if argc == 5 and arg_choice(&LIST_WORDS, argv[2]) == LIST_FILTERBY:
            filter_by = arg_choice(&LIST_WORDS, argv[3])
        if filter_by < LIST_MODULE:
            reply_syntax_error(c)
            return
        category = category_of(argv[4])
    place = reply_defer(&c.reply)
    # no command is of a module
    for i in range(e.command_count if filter_by != LIST_MODULE else 0):
        command = &e.all_commands[i]
        container = command if command.parent == NULL else command.parent
        if filter_by == LIST_CATEGORY and command.categories & category == 0:
            continue
        if filter_by == LIST_PATTERN and not glob_match(argv[4], command.name, True):
            continue
        # rename-command may have taken it away
        if ht_find(&e.commands, container.word) == container:
            reply_bulk(&c.reply, command.name)
            count += 1
    reply_defer_array(&c.reply, place, count)


cdef void time_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """TIME. Replies with the time at which the turn began."""
    reply_array(&c.reply, 2)
    reply_bulk_int(&c.reply, e.ks.clock.us // 1000000)
    reply_bulk_int(&c.reply, e.ks.clock.us % 1000000)


cdef void monitor_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """MONITOR. Gives no reply at all to a second MONITOR of a client, as Redis does."""
    if e.call.parent != NULL:
        reply_error(&c.reply, b"ERR MONITOR isn't allowed for DENY BLOCKING client")
    elif not c.flags & CLIENT_MONITOR:
        # a second MONITOR gets no reply at all, as in Redis
        start_monitoring(e, c)
        reply_ok(&c.reply)


cdef enum:
    KEY_FLAGS_SHOWN = 8
    FLAGS_ROOM = 128             # bytes that a reply with a key's flags takes
    MANY_KEYS = 1024
    BULK_ROOM = 8                # that a short bulk string takes beside its text

# the first of KEY_FLAGS in commandspec/spec.py; a key that is told has none of the others
cdef const char* KEY_FLAG_WORDS[KEY_FLAGS_SHOWN]
KEY_FLAG_WORDS[:] = [b"RO", b"RW", b"OW", b"RM", b"access", b"update", b"insert", b"delete"]


cdef bint find_keys(Engine* e, Client* c, int argc, const Slice* argv, KeyRef** keys, int* count) noexcept nogil:
    """Finds the keys of a request, for the caller to free; False: it was replied that there are none, or why."""
    cdef const Command* command = find_command(e, argc, argv)
    keys[0] = NULL
    if command == NULL:
        reply_error(&c.reply, b"ERR Invalid command specified")
    elif not command_has_keys(command):
        reply_error(&c.reply, b"ERR The command has no key arguments")
    elif argc != command.arity if command.arity > 0 else argc < -command.arity:
        reply_error(&c.reply, b"ERR Invalid number of arguments specified for command")
    else:
        keys[0] = <KeyRef*>mem_try_alloc(argc * sizeof(KeyRef))
        if keys[0] == NULL:
            reply_out_of_memory(c)
            return False
        count[0] = min(command_keys(command, argc, argv, keys[0], argc), argc)
        if count[0] > 0:
            return True
        mem_free(keys[0])
        if command.flags & CMD_NO_MANDATORY_KEYS:
            reply_array(&c.reply, 0)
        else:
            reply_error(&c.reply, b"ERR Invalid arguments specified for command")
    return False


cdef void reserve_keys(Client* c, const Slice* argv, const KeyRef* keys, int count) noexcept nogil:
    """Makes room for a reply with many keys at once, rather than by and by."""
    cdef size_t size = 0
    cdef int i
    if count < MANY_KEYS:
        return
    for i in range(count):
        size += argv[keys[i].place].len + BULK_ROOM
    buf_reserve(&c.reply.out, size + HEADER_ROOM)


cdef void command_getkeys_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """COMMAND GETKEYS command [arg [arg ...]]."""
    cdef KeyRef* keys
    cdef int count
    cdef int i
    if not find_keys(e, c, argc - 2, argv + 2, &keys, &count):
        return
    reserve_keys(c, argv + 2, keys, count)
    reply_array(&c.reply, count)
    for i in range(count):
        reply_bulk(&c.reply, argv[2 + keys[i].place])
    mem_free(keys)


cdef size_t write_key_flags(Reply* r, uint32_t flags, char* written) noexcept nogil:
    """Writes a key's flags and copies what it wrote; how many bytes these are. 0: more than FLAGS_ROOM, or out of memory."""
    cdef size_t before = r.out.len
    cdef int flag
    reply_set(r, count_bits(flags))
    for flag in range(KEY_FLAGS_SHOWN):
        if flags >> flag & 1:
            reply_simple(r, KEY_FLAG_WORDS[flag])
    if r.out.failed or r.out.len - before > FLAGS_ROOM:
        return 0
    memcpy(written, r.out.data + before, r.out.len - before)
    return r.out.len - before


cdef void command_getkeysandflags_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """COMMAND GETKEYSANDFLAGS command [arg [arg ...]]."""
    cdef KeyRef* keys
    cdef uint32_t flags = 0
    cdef int count
    cdef int i
    cdef char[FLAGS_ROOM] written
    cdef size_t length = 0
    if not find_keys(e, c, argc - 2, argv + 2, &keys, &count):
        return
    reply_array(&c.reply, count)
    for i in range(count):
        reply_array(&c.reply, 2)
        reply_bulk(&c.reply, argv[2 + keys[i].place])
        # most keys have the flags of the one before
        if length == 0 or keys[i].flags != flags:
            flags = keys[i].flags
            length = write_key_flags(&c.reply, flags, written)
        else:
            reply_raw(&c.reply, written, length)
    mem_free(keys)
