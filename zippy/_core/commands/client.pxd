"""Clients of the engine: their life, their transactions' queues and their blocking."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.acl_user cimport User
from zippy._core.commands.types cimport Client, Command, Engine, QueuedCommand, Wanted, serve_fn


cdef Client* client_new(Engine* e, void* owner, Slice peer) noexcept nogil
cdef void client_free(Engine* e, Client* c) noexcept nogil                  # leaves all queues, channels and lists
# makes it who it is at first: a stranger, if a password is asked for
cdef void client_begin_as_default(Client* c) noexcept nogil
cdef void client_log_in(Client* c, User* user) noexcept nogil               # makes it that user; NULL: one that nothing is asked about
cdef bint asks_for_password(const Engine* e) noexcept nogil                 # whether nobody is the default user just by coming
cdef void client_note_restriction(Client* c) noexcept nogil                 # of client_note_rights, what its own user tells
cdef void client_note_rights(Client* c) noexcept nogil                      # to be called after its user, or the default user, was changed
cdef void client_reset(Engine* e, Client* c) noexcept nogil                 # what RESET does to the engine's side of a client
# takes the first client off whose input has to be looked at again
cdef Client* next_unblocked(Engine* e) noexcept nogil
cdef size_t client_memory(const Client* c) noexcept nogil                   # bytes that this client holds
cdef void note_held(Engine* e, Client* c) noexcept nogil                    # visits it: its share of all that clients hold is as of now
cdef size_t memory_of_clients(Engine* e) noexcept nogil                     # all of that; where there are many, as of their last visits
# Client eviction (maxmemory-clients). What clients hold is noted when it may have changed, so that no turn has to look at all of them.
cdef void note_memory(Engine* e, Client* c) noexcept nogil                  # to be called after input or output of the client
cdef void set_clients_limit(Engine* e, size_t limit) noexcept nogil         # bytes, 0: none
# the largest one while they are above the limit, else NULL; O(clients) then
cdef Client* client_to_evict(Engine* e) noexcept nogil

cdef void discard_queue(Client* c) noexcept nogil                           # ends MULTI
cdef void end_pause(Engine* e) noexcept nogil                                # of CLIENT PAUSE: those it held go on at the end of the turn
cdef void end_pause_if_over(Engine* e) noexcept nogil
cdef void start_monitoring(Engine* e, Client* c) noexcept nogil               # it is sent every command that runs; once is enough
cdef bint is_valid_name(Slice name) noexcept nogil                          # printable ASCII without spaces: it stands in CLIENT LIST
cdef bint client_set_name(Client* c, Slice name) noexcept nogil             # empty: none; False: it has bytes that a name may not have
# The same with the argument at this place of the client's command, whose block is taken over if it has one of its own
cdef bint client_set_name_to_argument(Client* c, const Slice* argv, int place) noexcept nogil
cdef void leave_watches(Engine* e, Client* c) noexcept nogil                # UNWATCH
cdef void look_at_input_again(Engine* e, Client* c) noexcept nogil          # at the end of the turn: it was stopped and is not any more
# Copies the arguments, which q owns then; False: out of memory, q is as it was
cdef bint queued_copy(QueuedCommand* q, Command* command, int argc, const Slice* argv) noexcept nogil
cdef void queued_free(QueuedCommand* q) noexcept nogil

# Serves the command that is being run, or blocks its client on the keys until one of them holds a value of value_type and it can be served;
# when its time is over it is answered with timeout_reply. Where blocking is not allowed (in MULTI, in a script) that is answered at once.
cdef void serve_or_block(Engine* e, Client* c, const Wanted* w) noexcept nogil
# what waits for values of that type at so many keys from argv[first] on, and takes one
cdef void want_keys(Wanted* w, serve_fn serve, Slice* argv, int first, int count, int value_type) noexcept nogil
cdef bint cannot_wait(const Engine* e, const Client* c) noexcept nogil            # whether a command of its must be answered at once
cdef bint can_wait_for_memory(const Engine* e, const Client* c) noexcept nogil    # whether block_until_freed may be called
cdef void block_until_freed(Engine* e, Client* c) noexcept nogil            # what was deleted up to now; it is answered OK then
cdef void answer_freed(Engine* e) noexcept nogil                            # those whose part has been freed
cdef void unblock(Engine* e, Client* c) noexcept nogil                      # leaves all queues; the reply is the caller's business
cdef void unblock_in_vain(Engine* e, Client* c) noexcept nogil              # with the reply for a timeout
cdef void unblock_with_error(Engine* e, Client* c, const char* error) noexcept nogil
cdef void set_alarm(Engine* e, Client* c) noexcept nogil                     # of a blocked client, by timeout_at_us and again_at_us
cdef int64_t next_deadline_us(const Engine* e) noexcept nogil               # of the monotonic clock, the end of CLIENT PAUSE too; 0: none
