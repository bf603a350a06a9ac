"""The portable transport: an asyncio BufferedProtocol that drives a session. Replies leave by send(2) at the end of the turn; the asyncio
transport takes over only when that would block, and for TLS."""

import asyncio

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.errno cimport EAGAIN, EINTR, ENOBUFS, errno
from zippy._core.commands.types cimport CLIENT_CLOSING
from zippy._core.commands.output cimport client_unsent
from zippy._core.ground.slice cimport Slice
from zippy._core.session cimport Session, Transport

cdef extern from "<sys/socket.h>" nogil:
    ssize_t c_send "send"(int fd, const void* data, size_t size, int flags)


cdef extern from *:
    """
    #ifdef MSG_NOSIGNAL
    #define ZIPPY_SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)
    #else
    #define ZIPPY_SEND_FLAGS MSG_DONTWAIT
    #endif
    """
    int ZIPPY_SEND_FLAGS

cdef enum:
    CHUNK = 256 * 1024        # bytes handed to the asyncio transport at a time when the socket is full
    SEND_BYTES = 4 * CHUNK    # sent in a turn: a reader as fast as the writer would have the server to itself


cdef class StreamTransport(Transport):
    """Sends a session's output to an asyncio transport; the protocol's logic is here, StreamProtocol adds the asyncio type."""

    cdef object admit             # admit(self, transport, is_tls): the session of a new connection, or None
    cdef Session session
    cdef object transport
    cdef int fd                   # -1: not to be written to directly (TLS)
    cdef bint full                # the asyncio transport holds bytes: it has to write what follows too

    def __init__(self, admit):
        self.divides_input = True
        self.admit = admit
        self.fd = -1

    def connection_made(self, transport):
        self.transport = transport
        is_tls = transport.get_extra_info("sslcontext") is not None
        # asyncio's TLS pauses at the limit, not above it: with 0 it would pause when nothing waits
        transport.set_write_buffer_limits(high=1 if is_tls else 0)
        self.session = self.admit(self, transport, is_tls)
        if self.session is not None and not is_tls:
            self.fd = transport.get_extra_info("socket").fileno()

    def connection_lost(self, error):
        self.forget()
        self.transport = None

    cdef int forget(self) except -1:
        """Frees the engine's side at once: what the peer still sends goes nowhere."""
        cdef Session session = self.session
        if session is not None:
            self.session = None
            session.close()
        return 0

    def get_buffer(self, sizehint):
        if self.session is None:
            return bytearray(CHUNK)
        return self.session.read_buffer()

    def buffer_updated(self, size):
        if self.session is not None:
            self.session.received(size)

    def eof_received(self):
        if self.session is None:
            return False
        self.session.end_input()
        # asyncio's TLS can't be half open
        return self.fd >= 0

    def pause_writing(self):
        self.full = True

    def resume_writing(self):
        self.full = False
        self.write_on()

    def write_on(self):
        if self.session is not None:
            self.session.core.begin_turn()
            self.session.output_again()

    cdef int flush(self, Session session) except -1:
        cdef Slice piece = client_unsent(session.client)
        cdef size_t size
        cdef size_t left = SEND_BYTES
        cdef ssize_t sent
        while not self.full and self.transport is not None and piece.len:
            if left == 0:
                asyncio.get_running_loop().call_soon(self.write_on)
                return 0
            if self.fd >= 0:
                sent = c_send(self.fd, piece.ptr, min(piece.len, left), ZIPPY_SEND_FLAGS)
                if sent > 0:
                    left -= sent
                    session.sent_bytes(sent)
                    piece = client_unsent(session.client)
                    continue
                if errno not in (EAGAIN, EINTR, ENOBUFS):
                    return self.abort()
            # the socket is full: the asyncio transport waits until it is not
            size = min(piece.len, <size_t>CHUNK)
            left -= min(left, size)
            data = PyBytes_FromStringAndSize(piece.ptr, size)
            session.sent_bytes(size)
            self.transport.write(data)
            if session.client == NULL:
                break
            piece = client_unsent(session.client)
        return 0

    cdef int run_later(self, Session session) except -1:
        self.transport.pause_reading()
        asyncio.get_running_loop().call_soon(self.go_on)
        return 0

    def go_on(self):
        if self.session is None:
            return
        self.session.go_on()
        if self.session is not None and not self.session.has_more and self.transport is not None:
            self.transport.resume_reading()

    cdef int close_session(self, Session session) except -1:
        if self.transport is None:
            return 0
        if not session.client.flags & CLIENT_CLOSING:
            self.transport.close()
            return 0
        # whoever must go does not choose when: no waiting until it has read what the transport holds
        return self.abort()

    cdef int abort(self) except -1:
        self.transport.abort()
        return self.forget()


class StreamProtocol(StreamTransport, asyncio.BufferedProtocol):
    """StreamTransport as asyncio knows it."""
