"""One pass reads, runs and answers whatever is ready, with no Python object made on the way, and is one turn.

The set is edge-triggered: a descriptor is registered once for reading and writing and never touched again, and one that was read until it
was empty costs the next wait nothing. What held more than a read takes is looked at again after everybody else had a turn.
"""

from libc.errno cimport EAGAIN, EINTR, ENOBUFS, errno
from libc.stddef cimport size_t
from libc.stdlib cimport free, malloc
from zippy._core.commands.engine cimport engine_is_calling
from zippy._core.commands.output cimport client_unsent
from zippy._core.ground.slice cimport Slice
from zippy._core.session cimport Core, Session, Transport

cdef extern from *:
    """
    #include <errno.h>
    #include <stdint.h>
    #include <sys/socket.h>
    #include <sys/types.h>
    #include <unistd.h>
    #ifdef MSG_NOSIGNAL
    #define ZIPPY_LINK_SEND (MSG_DONTWAIT | MSG_NOSIGNAL)
    #else
    #define ZIPPY_LINK_SEND MSG_DONTWAIT
    #endif
    enum { ZIPPY_CAN_READ = 1, ZIPPY_CAN_WRITE = 2, ZIPPY_ENDED = 4 };
    typedef struct { void* item; int what; } zippy_event;
    #if defined(__linux__)
    #include <sys/epoll.h>
    #define ZIPPY_HAS_POLL 1
    static int zippy_poll_new(void) { return epoll_create1(EPOLL_CLOEXEC); }
    static int zippy_poll_add(int poll, int fd, void* item) {
        struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = { .ptr = item } };
        return epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    }
    static void zippy_poll_remove(int poll, int fd) {
        /* needed: while a forked child has a copy of the descriptor, closing ours takes nothing out of the set */
        struct epoll_event event = { 0 };
        epoll_ctl(poll, EPOLL_CTL_DEL, fd, &event);
    }
    static int zippy_poll_wait(int poll, zippy_event* out, int most) {
        struct epoll_event events[256];
        int count = epoll_wait(poll, events, most < 256 ? most : 256, 0), i;
        for (i = 0; i < count; i++) {
            uint32_t e = events[i].events;
            out[i].item = events[i].data.ptr;
            out[i].what = (e & EPOLLIN ? ZIPPY_CAN_READ : 0) | (e & EPOLLOUT ? ZIPPY_CAN_WRITE : 0);
            if (e & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) out[i].what |= ZIPPY_CAN_READ | ZIPPY_ENDED;
        }
        return count;
    }
    #elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__)
    #include <sys/event.h>
    #include <sys/time.h>
    #define ZIPPY_HAS_POLL 1
    static int zippy_poll_new(void) { return kqueue(); }
    static int zippy_poll_add(int poll, int fd, void* item) {
        struct kevent changes[2];
        EV_SET(&changes[0], fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, item);
        EV_SET(&changes[1], fd, EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0, item);
        return kevent(poll, changes, 2, NULL, 0, NULL);
    }
    static void zippy_poll_remove(int poll, int fd) { (void)poll; (void)fd; /* closing does it */ }
    static int zippy_poll_wait(int poll, zippy_event* out, int most) {
        struct kevent events[256];
        struct timespec now = { 0, 0 };
        int count = kevent(poll, NULL, 0, events, most < 256 ? most : 256, &now), i;
        for (i = 0; i < count; i++) {
            out[i].item = events[i].udata;
            out[i].what = events[i].filter == EVFILT_READ ? ZIPPY_CAN_READ : ZIPPY_CAN_WRITE;
            if (events[i].filter == EVFILT_READ && events[i].flags & EV_EOF) out[i].what |= ZIPPY_ENDED;
        }
        return count;
    }
    #else
    #define ZIPPY_HAS_POLL 0
    static int zippy_poll_new(void) { errno = ENOSYS; return -1; }
    static int zippy_poll_add(int poll, int fd, void* item) { (void)poll; (void)fd; (void)item; return -1; }
    static void zippy_poll_remove(int poll, int fd) { (void)poll; (void)fd; }
    static int zippy_poll_wait(int poll, zippy_event* out, int most) { (void)poll; (void)out; (void)most; return 0; }
    #endif
    """
    ctypedef struct zippy_event:
        void* item
        int what
    int ZIPPY_HAS_POLL
    int ZIPPY_LINK_SEND
    int ZIPPY_CAN_READ
    int ZIPPY_CAN_WRITE
    int ZIPPY_ENDED
    int zippy_poll_new() noexcept nogil
    int zippy_poll_add(int poll, int fd, void* item) noexcept nogil
    void zippy_poll_remove(int poll, int fd) noexcept nogil
    int zippy_poll_wait(int poll, zippy_event* out, int most) noexcept nogil
    ssize_t c_recv "recv"(int fd, void* data, size_t size, int flags) noexcept nogil
    ssize_t c_send "send"(int fd, const void* data, size_t size, int flags) noexcept nogil
    int c_close "close"(int fd) noexcept nogil

cdef enum:
    EVENTS = 256          # taken at a time
    BUSY = 2              # so many events: there are more by the time their answers are sent
    PASSES = 16           # in a row before the event loop has its turn
    SEND_BYTES = 1 << 18  # that a connection is sent in a turn: a reader as fast as the writer would have the server to itself
    LET_GO = 32           # sockets that one pass closes: the system takes some 8 us for each, and there may be ten thousand


def available():
    """Whether this system has a poll set that the reactor knows."""
    return bool(ZIPPY_HAS_POLL)


cdef class Reactor:
    """The poll set of one core. `loop` is an asyncio loop that can watch descriptors."""

    def __cinit__(self):
        self.poll = -1
        self.events = malloc(EVENTS * sizeof(zippy_event))
        if self.events == NULL:
            raise MemoryError

    def __init__(self, Core core, loop):
        self.core = core
        self.loop = loop
        self.links = {}
        self.again = []
        self.leaving = []
        self.allowance = LET_GO
        self.closed = []
        self.poll = zippy_poll_new()
        if self.poll < 0:
            raise OSError(errno, "no poll set")
        self.passes = self.run_passes
        loop.add_reader(self.poll, self.passes)
        core.serve_while_busy(self.serve_busy)

    def __dealloc__(self):
        if self.poll >= 0:
            c_close(self.poll)
        free(self.events)

    def __len__(self):
        """How many sockets are open."""
        return len(self.links)

    def close(self):
        """Closes all sockets at once and the poll set."""
        for link in [*self.links.values(), *self.leaving]:
            link.abort()
        self.leaving.clear()
        self.closed.clear()
        if self.poll >= 0:
            self.core.serve_no_more_while_busy(self.serve_busy)
            self.loop.remove_reader(self.poll)
            c_close(self.poll)
            self.poll = -1

    def forget(self):
        """In a forked child: closes its copies of the descriptors, with no word to the poll set, which is the parent's."""
        for link in [*self.links.values(), *self.leaving]:
            (<Link>link).socket.close()
            (<Link>link).fd = -1
        if self.poll >= 0:
            c_close(self.poll)
            self.poll = -1

    def link(self, socket, peer):
        """A Link for a connected socket, which it owns from now on; nothing is read before Link.start."""
        return Link(self, socket, peer)

    def run_passes(self):
        """Serves what is ready, again while it keeps coming."""
        cdef int served = 0
        cdef int _
        self.scheduled = False
        for _ in range(PASSES):
            if self.poll < 0:
                return
            served = self.wait()
            if served < BUSY:
                break
        if self.again or self.leaving:
            # their edges are gone: nobody but us knows that there is more
            self.schedule()

    cdef int schedule(self) except -1:
        """Has the loop call run_passes soon, once."""
        if not self.scheduled:
            self.scheduled = True
            self.loop.call_soon(self.passes)
        return 0

    cdef int wait(self) except -1:
        """One pass; the number of events."""
        cdef int count = zippy_poll_wait(self.poll, <zippy_event*>self.events, EVENTS)
        if count <= 0 and not self.again:
            self.let_some_go()
            self.closed.clear()
            return 0
        self.event_at = 0
        self.event_count = count if count > 0 else 0
        self.pass_number += 1
        self.passing = True
        try:
            self.core.open_turn()
            if self.again:
                self.take_again()
            self.take_events()
            self.core.end_turn()
        finally:
            self.passing = False
        self.let_some_go()
        self.closed.clear()
        return count if count > 0 else 0

    cdef int let_some_go(self) except -1:
        """Ends a pass: closes sockets that had to wait, the first that ended first, as far as the pass has not closed enough already."""
        cdef list some
        if self.leaving:
            some = self.leaving[:self.allowance]
            del self.leaving[:self.allowance]
            for link in some:
                (<Link>link).let_go()
        self.allowance = LET_GO
        return 0

    cdef int take_events(self) except -1:
        """Serves the events that are left. A script that runs for long has this done within it, so each is taken before it is served."""
        cdef zippy_event event
        event.item = NULL
        while self.event_at < self.event_count:
            # an edge is told once: the failure of one connection must not cost the others theirs
            try:
                while self.event_at < self.event_count:
                    event = (<zippy_event*>self.events)[self.event_at]
                    self.event_at += 1
                    (<Link>event.item).ready(event.what)
            except Exception:
                (<Link>event.item).fail()
        return 0

    def serve_busy(self):
        """Serves what is ready while a script runs, as far as the core lets it."""
        cdef int count
        if self.poll < 0:
            return
        # what this pass has not come to yet is told by no event again
        self.take_events()
        count = zippy_poll_wait(self.poll, <zippy_event*>self.events, EVENTS)
        self.event_at = 0
        self.event_count = count if count > 0 else 0
        if self.again:
            self.take_again()
        self.take_events()
        self.let_some_go()

    cdef int take_again(self) except -1:
        cdef Link link = None
        cdef list links = self.again
        cdef Py_ssize_t i = 0
        cdef Py_ssize_t count = len(links)
        self.again = []
        while i < count:
            try:
                while i < count:
                    link = <Link>links[i]
                    i += 1
                    link.listed = False
                    link.write_on()
                    link.read()
            except Exception:
                link.fail()
        return 0


cdef class Link(Transport):
    """One connection. The part of asyncio's transport interface that the server uses is here too."""

    def __init__(self, Reactor reactor, socket, peer):
        self.divides_input = True
        self.reactor = reactor
        self.socket = socket
        self.peer = peer
        self.fd = socket.fileno()

    def start(self, Session session):
        """Serves the session from now on. OSError when the system watches no more descriptors."""
        self.session = session
        self.reactor.links[self.fd] = self
        if zippy_poll_add(self.reactor.poll, self.fd, <void*>self) != 0:
            self.drop()
            raise OSError(errno, "the connection cannot be watched")

    def get_extra_info(self, name):
        """asyncio's names: socket, peername, sockname."""
        if name == "socket":
            return self.socket
        if name == "peername":
            return self.peer
        if name == "sockname" and self.fd >= 0:
            return self.socket.getsockname()
        return None

    def write(self, bytes data):
        """The last words to a connection that is not served: as much as fits at once."""
        try:
            self.socket.send(data)
        except OSError:
            self.abort()

    def close(self):
        """Closes; what was written is on its way."""
        self.abort()

    def abort(self):
        """Closes at once and frees the session."""
        self.drop()
        self.let_go()

    cdef int drop(self) except -1:
        """Ends the connection: its session is freed, and its socket closed, by a later pass if this one has closed many."""
        cdef Session session = self.session
        if self.over:
            return 0
        self.over = True
        self.session = None
        if session is not None:
            session.close()
        if self.reactor.allowance:
            self.reactor.allowance -= 1
            return self.let_go()
        self.reactor.leaving.append(self)
        # a pass goes on with them at its end
        return 0 if self.reactor.passing else self.reactor.schedule()

    cdef int let_go(self) except -1:
        if self.fd < 0:
            return 0
        # events of the pass under way may still name it
        self.reactor.closed.append(self)
        if self.reactor.links.pop(self.fd, None) is not None:
            zippy_poll_remove(self.reactor.poll, self.fd)
        self.fd = -1
        self.socket.close()
        return 0

    cdef int fail(self) except -1:
        """Closes the connection because of the exception that is being handled."""
        if self.session is not None:
            self.reactor.core.lose(self.session)
        return self.drop()

    cdef int ready(self, int what) except -1:
        if what & ZIPPY_CAN_WRITE and self.full:
            self.full = False
            if self.session is not None:
                self.session.output_again()
        if what & ZIPPY_ENDED:
            self.ended = True
        if what & ZIPPY_CAN_READ and not self.listed:
            # else this pass has read as much as is its due
            self.read()
        return 0

    cdef int write_on(self) except -1:
        """Has the output sent that the last turn had no time for."""
        if self.sends_on and self.session is not None:
            self.session.output_again()
        self.sends_on = False
        return 0

    cdef int read(self) except -1:
        cdef size_t room
        cdef char* at
        cdef ssize_t got
        if self.session is None:
            return 0
        if self.reactor.core.engine.busy and engine_is_calling(self.reactor.core.engine, self.session.client):
            # its script is running
            return self.read_again()
        if self.session.has_more:
            # its edge may come, or may have come and be gone, before what was read is run
            self.read_again()
            return self.session.go_on()
        at = self.session.read_place(&room)
        got = c_recv(self.fd, at, room, 0)
        if got > 0:
            # the end comes with the last bytes' edge, or has none of its own
            if <size_t>got == room or self.ended:
                self.read_again()
            self.session.was_read(got)
        elif got == 0:
            self.session.end_input()
        elif errno == EINTR:
            self.read_again()
        elif errno != EAGAIN:
            self.drop()
        return 0

    cdef int read_again(self) except -1:
        """Looks at the socket in the next pass, whether there is an event or not."""
        if not self.listed:
            self.listed = True
            self.reactor.again.append(self)
        return 0

    cdef int run_later(self, Session session) except -1:
        self.read_again()
        # the turn may be none of the reactor's
        return self.reactor.schedule()

    cdef int flush(self, Session session) except -1:
        cdef Slice piece = client_unsent(session.client)
        cdef ssize_t sent
        # whoever is told that all was sent may have more, again and again
        if self.sent_in != self.reactor.pass_number:
            self.sent_in = self.reactor.pass_number
            self.may_send = SEND_BYTES
        while not self.full and piece.len:
            if self.may_send == 0:
                self.sends_on = True
                return self.run_later(session)
            sent = c_send(self.fd, piece.ptr, min(piece.len, self.may_send), ZIPPY_LINK_SEND)
            if sent > 0:
                self.may_send -= <size_t>sent
                session.sent_bytes(sent)
                piece = client_unsent(session.client)
            elif errno in (EAGAIN, ENOBUFS):
                self.full = True
            elif errno != EINTR:
                return self.drop()
        return 0

    cdef int close_session(self, Session session) except -1:
        return self.drop()
