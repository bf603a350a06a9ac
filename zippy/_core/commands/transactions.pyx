# EXEC runs its queue in one loop of nested calls; a command that is answered in Python is an ordinary handler there.

from libc.stdint cimport uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.mem cimport mem_zalloc
from zippy._core.commands.acl_check cimport acl_admits_queued
from zippy._core.commands.client cimport discard_queue, leave_watches
from zippy._core.commands.engine cimport engine_run_admitted, propagate_nothing
from zippy._core.commands.types cimport CLIENT_DIRTY_EXEC, CLIENT_IN_EXEC, CLIENT_MULTI, CLIENT_RESTRICTED, Client, Engine, QueuedCommand
from zippy._core.keyspace.db cimport is_expired
from zippy._core.keyspace.effects cimport watch_any_expired, watch_key
from zippy._core.keyspace.key_table cimport kt_find
from zippy._core.keyspace.types cimport Watches
from zippy._core.resp.parser cimport parser_pending, parser_request_size
from zippy._core.resp.writer cimport reply_array, reply_error, reply_null_array, reply_ok
from zippy._core.values.entry cimport Entry


cdef void multi_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """MULTI."""
    if c.flags & CLIENT_MULTI:
        reply_error(&c.reply, b"ERR MULTI calls can not be nested")
        return
    c.flags |= CLIENT_MULTI
    c.unit_at = c.bytes_in - parser_pending(&c.parser) - parser_request_size(&c.parser)
    reply_ok(&c.reply)


cdef void discard_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """DISCARD."""
    if not c.flags & CLIENT_MULTI:
        reply_error(&c.reply, b"ERR DISCARD without MULTI")
        return
    discard_queue(c)
    leave_watches(e, c)
    reply_ok(&c.reply)


cdef void exec_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """EXEC. Runs the queue as nested calls. Each command is propagated on its own, as one unit; EXEC is not."""
    cdef QueuedCommand* queued
    cdef bint changed
    cdef int i
    if not c.flags & CLIENT_MULTI:
        reply_error(&c.reply, b"ERR EXEC without MULTI")
        return
    changed = c.watches != NULL and (c.watches.dirty or watch_any_expired(c.watches))
    if c.flags & CLIENT_DIRTY_EXEC or changed:
        if c.flags & CLIENT_DIRTY_EXEC:
            reply_error(&c.reply, b"EXECABORT Transaction discarded because of previous errors.")
        else:
            reply_null_array(&c.reply)
        discard_queue(c)
        leave_watches(e, c)
        return
    # the commands may not block and may watch anew: the watches end before they run
    leave_watches(e, c)
    reply_array(&c.reply, c.multi.count)
    c.flags = (c.flags | CLIENT_IN_EXEC) & ~<uint64_t>CLIENT_MULTI
    e.stats.transactions += 1
    for i in range(c.multi.count):
        queued = &c.multi.queue[i]
        if c.flags & CLIENT_RESTRICTED and not acl_admits_queued(e, c, queued.command, queued.argc, queued.argv):
            continue
        engine_run_admitted(e, c, queued.command, queued.argc, queued.argv)
    discard_queue(c)
    leave_watches(e, c)
    # each command of the queue has been propagated on its own; EXEC itself is not
    propagate_nothing(e)


cdef void watch_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """WATCH key [key ...]. Counts a key that has expired as absent: that it is deleted later is no change."""
    cdef int i
    cdef Entry* entry
    if c.flags & CLIENT_MULTI:
        reply_error(&c.reply, b"ERR WATCH inside MULTI is not allowed")
        return
    if c.watches == NULL:
        c.watches = <Watches*>mem_zalloc(sizeof(Watches))
        e.stats.watching_clients += 1
    if not c.watches.dirty:
        for i in range(1, argc):
            # expired keys are not deleted here: that they vanish later is no change to the watcher
            entry = kt_find(&c.db.table, argv[i])
            watch_key(c.db, argv[i], c.watches, entry != NULL and is_expired(c.db, entry))
    reply_ok(&c.reply)


cdef void unwatch_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """UNWATCH. Many watches end in steps: until then INFO counts their keys among those that are watched."""
    leave_watches(e, c)
    reply_ok(&c.reply)
