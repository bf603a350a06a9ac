"""The fast transport: plain TCP and Unix sockets in a poll set of the core's own, which the event loop watches as one file."""

from libc.stdint cimport uint64_t
from zippy._core.session cimport Core, Session, Transport


cdef class Reactor:
    cdef readonly Core core
    cdef object loop
    cdef int poll                     # the descriptor of the poll set, -1 once closed
    cdef dict links                   # Link by descriptor
    cdef list again                   # links whose sockets held more than one read took
    cdef list leaving                 # links that are over, whose sockets are to be closed
    cdef int allowance                # so many more sockets may this pass close
    cdef list closed                  # kept until the pass is over: its events may name them
    cdef object passes                # bound method, made once
    cdef void* events                 # zippy_event[EVENTS], those of the pass under way
    cdef int event_at                 # the next of them
    cdef int event_count
    cdef bint passing                 # a pass is under way
    cdef uint64_t pass_number         # of the last one
    cdef bint scheduled               # the loop will call passes, whether there are events or not
    cdef int schedule(self) except -1
    cdef int wait(self) except -1
    cdef int take_events(self) except -1
    cdef int take_again(self) except -1
    cdef int let_some_go(self) except -1


cdef class Link(Transport):
    cdef Reactor reactor
    cdef Session session
    cdef readonly int fd              # -1 once closed
    cdef readonly bytes peer          # its address until start, "ip:port" or "[ip]:port", b"" for a Unix socket; None: by Reactor.link
    cdef readonly bint is_unix        # it came over a Unix socket
    cdef readonly bint is_local       # or from the loopback
    cdef bint over                    # nothing is served any more, the socket is in reactor.leaving or closed
    cdef bint full                    # the socket takes no more for now: an event will tell
    cdef bint watches_output          # events tell when the socket has room again
    cdef bint listed                  # in reactor.again
    cdef uint64_t sent_in             # the pass in which it sent last
    cdef size_t may_send              # bytes that it may send in it still
    cdef bint sends_on                # there is more to send, and no event will tell
    cdef bint ended                   # the peer sends no more: what has come is read up to the end
    cdef int fail(self) except -1
    cdef int ready(self, int what) except -1
    cdef int write_on(self) except -1
    cdef int read(self) except -1
    cdef int read_again(self) except -1
    cdef int drop(self) except -1
    cdef int let_go(self) except -1
    cdef void close_descriptor(self) noexcept
