"""One pass reads, runs and answers whatever is ready, with no Python object made on the way, and is one turn.

The set is edge-triggered: a descriptor is registered once for reading, and once for writing when its socket is full for the first time, and
one that was read until it was empty costs the next wait nothing. What held more than a read takes is looked at again after everybody else
had a turn.

Connections are accepted here, too, with no Python socket: accepting one takes two calls of the system, accept4 and epoll_ctl.
"""

from cpython.exc cimport PyErr_SetFromErrno
from libc.errno cimport EAGAIN, ECONNABORTED, EINTR, ENOBUFS, errno
from libc.stddef cimport size_t
from libc.stdlib cimport free, malloc
from zippy._core.commands.engine cimport engine_is_calling
from zippy._core.commands.output cimport client_unsent
from zippy._core.ground.format cimport format_text
from zippy._core.ground.slice cimport Slice
from zippy._core.session cimport Core, Session, Transport

cdef extern from *:
    """
    #include <arpa/inet.h>
    #include <errno.h>
    #include <fcntl.h>
    #include <netinet/in.h>
    #include <netinet/tcp.h>
    #include <poll.h>
    #include <stdint.h>
    #include <sys/socket.h>
    #include <sys/types.h>
    #include <unistd.h>
    #ifdef MSG_NOSIGNAL
    #define ZIPPY_LINK_SEND (MSG_DONTWAIT | MSG_NOSIGNAL)
    #else
    #define ZIPPY_LINK_SEND MSG_DONTWAIT
    #endif
    /* of a socket's end; host: zero-terminated, empty unless the family is one of IP's */
    typedef struct { int is_unix; int is_ipv6; int is_loopback; int port; char host[INET6_ADDRSTRLEN]; } zippy_address;
    static void zippy_address_read(zippy_address* self, const struct sockaddr_storage* at) {
        self->is_unix = at->ss_family == AF_UNIX;
        self->is_ipv6 = at->ss_family == AF_INET6;
        self->is_loopback = self->port = self->host[0] = 0;
        if (at->ss_family == AF_INET) {
            const struct sockaddr_in* in = (const struct sockaddr_in*)at;
            self->is_loopback = ntohl(in->sin_addr.s_addr) >> 24 == 127;
            self->port = ntohs(in->sin_port);
            inet_ntop(AF_INET, &in->sin_addr, self->host, sizeof self->host);
        } else if (at->ss_family == AF_INET6) {
            const struct sockaddr_in6* in = (const struct sockaddr_in6*)at;
            self->is_loopback = IN6_IS_ADDR_LOOPBACK(&in->sin6_addr)
                || (IN6_IS_ADDR_V4MAPPED(&in->sin6_addr) && in->sin6_addr.s6_addr[12] == 127);
            self->port = ntohs(in->sin6_port);
            inet_ntop(AF_INET6, &in->sin6_addr, self->host, sizeof self->host);
        }
    }
    static int zippy_accept(int listener, zippy_address* peer) {
        struct sockaddr_storage at;
        socklen_t size = sizeof at;
        int fd;
        at.ss_family = AF_UNSPEC;
    #if defined(SOCK_NONBLOCK) && defined(SOCK_CLOEXEC)
        fd = accept4(listener, (struct sockaddr*)&at, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    #else
        fd = accept(listener, (struct sockaddr*)&at, &size);
        if (fd >= 0 && (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)) {
            close(fd);
            return -1;
        }
    #endif
        if (fd >= 0) zippy_address_read(peer, &at);
        return fd;
    }
    static int zippy_somebody_waits(int listener) {
        struct pollfd polled = { .fd = listener, .events = POLLIN };
        return poll(&polled, 1, 0) != 0;
    }
    static int zippy_local_address(int fd, zippy_address* local) {
        struct sockaddr_storage at;
        socklen_t size = sizeof at;
        if (getsockname(fd, (struct sockaddr*)&at, &size) != 0) return -1;
        zippy_address_read(local, &at);
        return 0;
    }
    static void zippy_unpace(int fd) {
    #ifdef TCP_CONGESTION
        setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
    #endif
    }
    enum { ZIPPY_CAN_READ = 1, ZIPPY_CAN_WRITE = 2, ZIPPY_ENDED = 4 };
    typedef struct { void* item; int what; } zippy_event;
    #if defined(__linux__)
    #include <sys/epoll.h>
    #define ZIPPY_HAS_POLL 1
    static int zippy_poll_new(void) { return epoll_create1(EPOLL_CLOEXEC); }
    static int zippy_poll_add(int poll, int fd, void* item) {
        struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = { .ptr = item } };
        return epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    }
    static int zippy_poll_add_output(int poll, int fd, void* item) {
        struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = { .ptr = item } };
        return epoll_ctl(poll, EPOLL_CTL_MOD, fd, &event);
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
        struct kevent change;
        EV_SET(&change, fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, item);
        return kevent(poll, &change, 1, NULL, 0, NULL);
    }
    static int zippy_poll_add_output(int poll, int fd, void* item) {
        struct kevent change;
        EV_SET(&change, fd, EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0, item);
        return kevent(poll, &change, 1, NULL, 0, NULL);
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
    static int zippy_poll_add_output(int poll, int fd, void* item) { (void)poll; (void)fd; (void)item; return -1; }
    static void zippy_poll_remove(int poll, int fd) { (void)poll; (void)fd; }
    static int zippy_poll_wait(int poll, zippy_event* out, int most) { (void)poll; (void)out; (void)most; return 0; }
    #endif
    """
    ctypedef struct zippy_event:
        void* item
        int what
    ctypedef struct zippy_address:
        bint is_unix
        bint is_ipv6
        bint is_loopback
        int port
        const char* host
    int zippy_accept(int listener, zippy_address* peer) noexcept nogil
    bint zippy_somebody_waits(int listener) noexcept nogil
    int zippy_local_address(int fd, zippy_address* local) noexcept nogil
    void zippy_unpace(int fd) noexcept nogil
    int ZIPPY_HAS_POLL
    int ZIPPY_LINK_SEND
    int ZIPPY_CAN_READ
    int ZIPPY_CAN_WRITE
    int ZIPPY_ENDED
    int zippy_poll_new() noexcept nogil
    int zippy_poll_add(int poll, int fd, void* item) noexcept nogil
    int zippy_poll_add_output(int poll, int fd, void* item) noexcept nogil
    void zippy_poll_remove(int poll, int fd) noexcept nogil
    int zippy_poll_wait(int poll, zippy_event* out, int most) noexcept nogil
    ssize_t c_recv "recv"(int fd, void* data, size_t size, int flags) noexcept nogil
    ssize_t c_send "send"(int fd, const void* data, size_t size, int flags) noexcept nogil
    int c_close "close"(int fd) noexcept nogil

cdef enum:
    ADDRESS_TEXT = 64     # bytes; "[", 45 of an address of IPv6, "]:", 5 digits
    EVENTS = 256          # taken at a time
    BUSY = 2              # so many events: there are more by the time their answers are sent
    PASSES = 16           # in a row before the event loop has its turn
    SEND_BYTES = 1 << 18  # that a connection is sent in a turn: a reader as fast as the writer would have the server to itself
    LET_GO = 32           # sockets that one pass closes: the system takes some 8 us for each, and there may be ten thousand


def available():
    """Whether this system has a poll set that the reactor knows."""
    return bool(ZIPPY_HAS_POLL)


def somebody_waits(int listener):
    """Whether a connection waits at a listening socket, or what accept would raise.

    An accept in vain tells it, too, but takes four times as long (1.2 us), since the system makes a socket before it looks.
    """
    return zippy_somebody_waits(listener)


cdef bytes text_of(const zippy_address* address):
    """An address as Redis writes it, b"" for one that is none of IP's."""
    cdef char[ADDRESS_TEXT] text
    if not address.host[0]:
        return b""
    if address.is_ipv6:
        return text[:format_text(text, ADDRESS_TEXT, b"[%s]:%d", address.host, address.port)]
    return text[:format_text(text, ADDRESS_TEXT, b"%s:%d", address.host, address.port)]


def address_of(int fd):
    """The address of our end of a socket, "ip:port" or "[ip]:port"; "" for a Unix socket, and for -1."""
    cdef zippy_address local
    if fd < 0 or zippy_local_address(fd, &local) != 0:
        return ""
    return text_of(&local).decode("ascii")


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
            (<Link>link).close_descriptor()
        if self.poll >= 0:
            c_close(self.poll)
            self.poll = -1

    def accept(self, int listener, bint unpaces=False):
        """Accepts a connection that waits at a listening socket; None where none does. OSError: the system cannot give one, as EMFILE.

        unpaces: a connection from the loopback is given plain congestion control. Nothing is read before Link.start.
        """
        cdef zippy_address peer
        cdef Link link
        cdef int fd = zippy_accept(listener, &peer)
        if fd < 0:
            if errno in (EAGAIN, EINTR, ECONNABORTED):
                return None
            PyErr_SetFromErrno(OSError)
        link = Link(self, fd)
        link.is_unix = peer.is_unix
        link.is_local = peer.is_unix or peer.is_loopback
        link.peer = text_of(&peer)
        if unpaces and peer.is_loopback:
            zippy_unpace(fd)
        return link

    def link(self, int fd):
        """A Link for the descriptor of a connection, which it owns from now on and which does not block; it tells no addresses."""
        return Link(self, fd)

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
    """One connection. Owns its descriptor."""

    def __cinit__(self, Reactor reactor, int fd):
        self.divides_input = True
        self.reactor = reactor
        self.fd = fd

    def __dealloc__(self):
        if self.fd >= 0:
            c_close(self.fd)

    def start(self, Session session):
        """Serves the session from now on. OSError when the system watches no more descriptors."""
        cdef int reason
        self.session = session
        self.peer = None
        self.reactor.links[self.fd] = self
        if zippy_poll_add(self.reactor.poll, self.fd, <void*>self) != 0:
            reason = errno
            self.drop()
            raise OSError(reason, "the connection cannot be watched")

    def local_address(self):
        """The address that the peer has reached, "ip:port" or "[ip]:port"; "" for a Unix socket, and once it is closed."""
        return address_of(self.fd)

    def write(self, bytes data):
        """The last words to a connection that is not served: as much as fits at once."""
        c_send(self.fd, <const char*>data, len(data), ZIPPY_LINK_SEND)

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
        self.close_descriptor()
        return 0

    cdef void close_descriptor(self) noexcept:
        if self.fd >= 0:
            c_close(self.fd)
        self.fd = -1

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
                if not self.watches_output:
                    self.watches_output = True
                    # room that there is again by now is told, too
                    if zippy_poll_add_output(self.reactor.poll, self.fd, <void*>self) != 0:
                        return self.drop()
            elif errno != EINTR:
                return self.drop()
        return 0

    cdef int close_session(self, Session session) except -1:
        return self.drop()
