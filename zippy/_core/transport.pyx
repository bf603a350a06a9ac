"""The portable transport: an asyncio BufferedProtocol that drives a session. Replies leave by send(2) at the end of the turn; the asyncio
transport takes over only when that would block, and for TLS."""

import asyncio


from cpython.bytes cimport PyBytes_FromStringAndSize
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


cdef class StreamTransport(Transport):
    """Sends a session's output to an asyncio transport; the protocol's logic is here, StreamProtocol adds the asyncio type."""

    cdef object server            # zippy.server.Server: admits and forgets connections
    cdef Session session
    cdef object transport
    cdef int fd                   # -1: not to be written to directly (TLS)
    cdef bint full                # the asyncio transport holds bytes: it has to write what follows too

    def __init__(self, server):
        self.server = server
        self.fd = -1

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=0)
        self.session = self.server.connection_made(self, transport)
        if self.session is None:
            return
        if transport.get_extra_info("sslcontext") is None:
            self.fd = transport.get_extra_info("socket").fileno()

    def connection_lost(self, error):
        if self.session is not None:
            session, self.session = self.session, None
            self.server.connection_lost(session)
            session.close()
        self.transport = None

    def get_buffer(self, sizehint):
        return self.session.read_buffer()

    def buffer_updated(self, size):
        self.session.received(size)

    def eof_received(self):
        if self.session is None:
            return False
        self.session.close_after_reply()
        return True

    def pause_writing(self):
        self.full = True

    def resume_writing(self):
        self.full = False
        if self.session is not None:
            self.session.core.begin_turn()
            self.session.output_again()

    cdef int flush(self, Session session) except -1:
        cdef const char* data
        cdef size_t size
        cdef ssize_t sent
        if self.full or self.transport is None:
            return 0
        data = session.client.reply.out.data + session.client.reply.sent
        size = session.client.reply.out.len - session.client.reply.sent
        if self.fd >= 0:
            sent = c_send(self.fd, data, size, ZIPPY_SEND_FLAGS)
            if sent > 0:
                session.sent_bytes(sent)
                if <size_t>sent == size:
                    return 0
                data += sent
                size -= sent
        # the socket is full, or broken: then the asyncio transport finds the error and reports it
        if size > CHUNK:
            size = CHUNK
        self.transport.write(PyBytes_FromStringAndSize(data, size))
        session.sent_bytes(size)
        if not self.full and session.client.reply.out.len:
            self.flush(session)
        return 0

    cdef int close(self, Session session) except -1:
        if self.transport is None:
            return 0
        if session.client.reply.out.len > session.client.reply.sent:
            self.transport.abort()
        else:
            self.transport.close()
        return 0


class StreamProtocol(StreamTransport, asyncio.BufferedProtocol):
    """StreamTransport as asyncio knows it."""
