from libc.limits cimport INT_MAX, INT_MIN
from libc.stdint cimport int64_t
from libc.string cimport strcmp
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.number cimport num_read_i64
from zippy._core.keyspace.db cimport flush_db, swap_dbs
from zippy._core.commands.args cimport arg_is, reply_syntax_error
from zippy._core.commands.client cimport start_monitoring
from zippy._core.commands.engine cimport propagate_instead
from zippy._core.commands.types cimport CLIENT_IN_EXEC, CLIENT_MONITOR, Client, Engine
from zippy._core.resp.writer cimport reply_array, reply_bulk_int, reply_error, reply_int, reply_ok


cdef command_fn server_handler(const char* name) noexcept nogil:
    if strcmp(name, b"dbsize") == 0:
        return dbsize_command
    if strcmp(name, b"flushall") == 0:
        return flushall_command
    if strcmp(name, b"flushdb") == 0:
        return flushdb_command
    if strcmp(name, b"swapdb") == 0:
        return swapdb_command
    if strcmp(name, b"time") == 0:
        return time_command
    if strcmp(name, b"monitor") == 0:
        return monitor_command
    return NULL


cdef void dbsize_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    reply_int(&c.reply, <int64_t>c.db.keys.count)


cdef bint read_flush_mode(Engine* e, Client* c, int argc, const Slice* argv, bint* lazy) noexcept nogil:
    """Reads [ASYNC | SYNC]; False: a syntax error was replied."""
    lazy[0] = e.settings.lazyfree_lazy_user_flush != 0
    if argc == 2 and arg_is(argv[1], b"async"):
        lazy[0] = True
    elif argc == 2 and arg_is(argv[1], b"sync"):
        lazy[0] = False
    elif argc > 1:
        reply_syntax_error(c)
        return False
    return True


cdef void flushdb_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    cdef bint lazy
    if not read_flush_mode(e, c, argc, argv, &lazy):
        return
    e.ks.dirty += <int64_t>flush_db(c.db, lazy)
    # also when there was nothing to flush here: a replica may hold keys that have expired on this side
    propagate_instead(e, c, argc, argv)
    reply_ok(&c.reply)


cdef void flushall_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    cdef bint lazy
    cdef int i
    if not read_flush_mode(e, c, argc, argv, &lazy):
        return
    for i in range(e.ks.db_count):
        e.ks.dirty += <int64_t>flush_db(e.ks.dbs[i], lazy)
    if not e.ks.loading:
        e.all_flushed = True
    propagate_instead(e, c, argc, argv)
    reply_ok(&c.reply)


cdef void swapdb_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    cdef int64_t first
    cdef int64_t second
    if not num_read_i64(argv[1], &first) or not INT_MIN <= first <= INT_MAX:
        reply_error(&c.reply, b"ERR invalid first DB index")
    elif not num_read_i64(argv[2], &second) or not INT_MIN <= second <= INT_MAX:
        reply_error(&c.reply, b"ERR invalid second DB index")
    elif not 0 <= first < e.ks.db_count or not 0 <= second < e.ks.db_count:
        reply_error(&c.reply, b"ERR DB index is out of range")
    else:
        swap_dbs(&e.ks, <int>first, <int>second)
        e.ks.dirty += 1
        reply_ok(&c.reply)


cdef void time_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    reply_array(&c.reply, 2)
    reply_bulk_int(&c.reply, e.ks.clock.us // 1000000)
    reply_bulk_int(&c.reply, e.ks.clock.us % 1000000)


cdef void monitor_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    if c.flags & CLIENT_IN_EXEC:
        reply_error(&c.reply, b"ERR MONITOR isn't allowed for DENY BLOCKING client")
    elif not c.flags & CLIENT_MONITOR:
        # a second MONITOR gets no reply at all, as in Redis
        start_monitoring(e, c)
        reply_ok(&c.reply)
