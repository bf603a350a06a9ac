# What a handler here changes is the client itself: its database, its reply, its end.

from libc.stdint cimport int64_t
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.commands.args cimport arg_int
from zippy._core.commands.types cimport CLIENT_CLOSE_AFTER_REPLY, Client, Engine
from zippy._core.resp.writer cimport reply_array, reply_bulk, reply_bulk_text, reply_error, reply_ok, reply_simple


cdef void ping_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PING [message]. Replies to a RESP2 client in subscribed mode with an array, as a message would be."""
    if argc > 2:
        reply_error(&c.reply, b"ERR wrong number of arguments for 'ping' command")
        return
    if c.reply.proto == 2 and (c.channels.count or c.patterns.count or c.shard_channels.count):
        reply_array(&c.reply, 2)
        reply_bulk_text(&c.reply, b"pong")
        reply_bulk(&c.reply, argv[1] if argc == 2 else slice_of(b"", 0))
    elif argc == 2:
        reply_bulk(&c.reply, argv[1])
    else:
        reply_simple(&c.reply, b"PONG")


cdef void echo_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ECHO message."""
    reply_bulk(&c.reply, argv[1])


cdef void select_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SELECT index."""
    cdef int64_t index
    if not arg_int(c, argv[1], &index):
        return
    if e.cluster != NULL and index != 0:
        reply_error(&c.reply, b"ERR SELECT is not allowed in cluster mode")
        return
    if index < 0 or index >= e.ks.db_count:
        reply_error(&c.reply, b"ERR DB index is out of range")
    else:
        c.db = e.ks.dbs[index]
        reply_ok(&c.reply)


cdef void quit_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """QUIT. Closes the connection when the reply has been sent."""
    reply_ok(&c.reply)
    c.flags |= CLIENT_CLOSE_AFTER_REPLY
