"""Output of clients: who has some, and whose has grown past its limit."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.commands.types cimport CLIENT_PENDING, CLIENT_STRANGER, Client, Engine


cdef inline bint client_is_heard(const Engine* e, const Client* c) noexcept nogil:
    """Whether the client is on the list of those with output already, and below any limit; of a stranger that is never known."""
    if c.flags & (CLIENT_PENDING | CLIENT_STRANGER) != CLIENT_PENDING:
        return False
    return c.reply.out.len - c.reply.sent <= e.unlimited_output and not c.soft_limit_us and not c.reply.out.failed


cdef inline bint client_has_unsent(const Client* c) noexcept nogil:
    """Whether there is something to send: replies, and behind them what a replica gets."""
    return c.reply.out.len > c.reply.sent or c.feed != NULL and client_feed_bytes(c) != 0


cdef inline Slice client_unsent(const Client* c) noexcept nogil:
    """What is to be sent next, as far as it lies in one piece; empty: that was all."""
    if c.reply.out.len > c.reply.sent or c.feed == NULL:
        return slice_of(c.reply.out.data + c.reply.sent, c.reply.out.len - c.reply.sent)
    return feed_piece(c)


cdef size_t client_feed_bytes(const Client* c) noexcept nogil              # of the relay, that a replica may be sent now
cdef size_t client_waiting_bytes(const Client* c) noexcept nogil           # that are unsent, those a replica will be sent later among them
cdef Slice feed_piece(const Client* c) noexcept nogil                       # of these the next ones
# to be called after writing to c.reply outside of its own command
cdef void client_has_output(Engine* e, Client* c) noexcept nogil
cdef void take_pending(Engine* e, Client* c) noexcept nogil                        # takes a client off that list if it is on it
cdef Client* next_pending(Engine* e) noexcept nogil                         # takes the first client with output off the list; NULL: none
cdef void closing_first(Engine* e) noexcept nogil                           # who is to be closed leaves before anybody is answered
cdef void client_close(Client* c, Engine* e) noexcept nogil                 # marks it to be closed at the end of the turn
cdef void leave_soft_limit(Engine* e, Client* c) noexcept nogil             # it is below, or goes
cdef void check_soft_limits(Engine* e) noexcept nogil                       # marks those to be closed that were above it for too long
# bytes, bytes; 0: none
cdef void set_output_limit(Engine* e, int output_class, int64_t hard, int64_t soft, int64_t soft_seconds) noexcept nogil
# Whether a reply of so many items that the client chose, and may repeat, can be made and sent at all; else replies with an error
cdef bint reply_may_repeat(Engine* e, Client* c, uint64_t items) noexcept nogil
# Whether such a reply, which began at `place`, is still short enough; else an error takes its place
cdef bint reply_may_go_on(Engine* e, Client* c, size_t place) noexcept nogil
cdef int client_output_class(const Client* c) noexcept nogil                # an OutputClass
