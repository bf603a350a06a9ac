"""Sessions and the core that they share: bytes in, commands run, reply bytes out. Neither knows a transport's kind."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Command, Engine
from zippy._core.resp.values cimport Words


cdef class Transport:
    cdef int flush(self, Session session) except -1       # send session's output now, as much as goes; the rest when it can
    cdef int close_session(self, Session session) except -1       # the session has been closed by the engine: drop the connection
    # the session has input left that it may not run in this turn: call go_on in the next one, and read nothing before it is over
    cdef int run_later(self, Session session) except -1
    cdef bint divides_input               # whether it has run_later; else all that was read is run at once


cdef class Journal:
    cdef int turn(self) except -1         # takes what effects.stream got and keeps it as its setting asks; replies leave after that


cdef class Relaying:
    cdef int turn(self) except -1         # takes what effects.stream got, after the journal, and has replicas get it


cdef class Core:
    cdef Engine* engine
    cdef readonly dict sessions           # Session by client id
    cdef list functions                   # zippy.functions.Function by the number that FCALL knows it by; None: there are none
    cdef list handlers                    # Python functions by command id, None where the handler is in the core
    cdef dict command_ids                 # id by full name
    cdef readonly tuple command_names     # full names by id
    cdef public object schedule_turn_end  # called once a turn: has end_turn called after all ready input was read
    cdef public object schedule_wake      # called with seconds: has wake called then
    cdef public object log_exception      # logging's: called with a text inside an except block, or with exc_info
    cdef public object on_limit           # called with a session that is being closed for its size and a text that says why
    cdef public object on_published       # called at the end of a turn in which clients of a cluster's node published
    cdef public object on_flush_all      # called before the replies of a turn in which FLUSHALL ran leave
    cdef public object on_log_line        # called with a level (0 debug to 3 warning) and the bytes that a script logs
    cdef object schedule_free             # of free_between_turns
    cdef bint freeing
    cdef list busy_passes                 # of while_busy
    cdef char* busy_shared                # where transports read to while a script that may hold arguments of `shared` runs; NULL: not yet
    cdef set held                         # clients whose output waits for the end of the script: the journal has not kept what it tells of
    cdef int64_t freed_at_us              # monotonic, when a part of a large value was freed last
    cdef public Journal journal           # who keeps what the commands of a turn did; None: nobody
    cdef public Relaying relaying         # who has replicas get what was done; None: nobody
    cdef readonly bint in_turn
    cdef uint64_t turn_began              # clock_ticks
    cdef uint64_t turn_commands           # that had run before it
    cdef BaseException stashed            # raised by a command in Python, to be raised where the engine has returned
    cdef public bint watched              # commands of connections must go through Host.feed, none past it
    cdef public bint forked               # this is a copy of the engine in a child process, in whatever state it was
    cdef double wake_at                   # monotonic seconds of the scheduled wake, 0: none
    cdef char* shared                     # where transports read to
    cdef object shared_view
    cdef bint has_to_free(self) noexcept
    cdef size_t spare_to_keep(self) noexcept
    cdef int run_unblocked(self) except -1
    cdef int flush_pending(self) except -1
    cdef int lose(self, Session session) except -1
    cdef int persist_turn(self) except -1
    cdef int flush(self, Session session) except -1
    cdef int evict_clients(self) except -1
    cdef int tell_limit(self, Session session, str reason) except -1
    cdef int arrange_wake(self) except -1
    cdef int serve_busy(self) except -1
    cdef int flush_busy(self) except -1
    cdef int raise_stashed(self) except -1
    cpdef int open_turn(self) except -1
    cpdef int begin_turn(self) except -1
    cpdef int end_turn(self) except -1


cdef class Session:
    cdef Client* client                   # NULL after close
    cdef readonly Core core
    cdef Transport transport
    cdef bint reading_own                 # the read under way goes to the parser's own buffer
    cdef public object on_sent            # of a replica: called when all of its replies are sent
    cdef public object state              # the server's own record of this client (names, addresses, user)
    cdef object task                      # the Python handler being awaited, or the Later that is to come
    cdef bint close_when_run              # closed in the middle of a command of its own
    cdef readonly bint has_more           # run_later was called, and the input is still there
    cdef bint input_ended                 # the peer will send no more: close when all is answered
    cdef char* read_place(self, size_t* room) except NULL        # where to read to, good until was_read
    cdef void count_input(self, size_t size) noexcept
    cdef int was_read(self, size_t size) except -1
    cdef void note_long_arguments(self) noexcept
    cpdef int end_input(self) except -1
    cpdef int go_on(self) except -1
    cpdef int output_again(self) except -1
    cdef int run_input(self, const char* data, size_t size) except -1
    cdef int run_python(self, Command* command, int argc, const Slice* argv) except -1
    cdef int begin_to_wait(self, Words words) except -1
    cdef int await_handler(self, coroutine, Words words) except -1
    cdef int close_at_end(self) except -1
    cdef int check_query_buffer(self) except -1
    cdef int sent_bytes(self, size_t size) except -1
    cpdef int close(self) except -1
