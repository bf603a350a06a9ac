"""A transport that is Python functions: an engine in process, a file that is loaded, a test."""

cimport cython
from zippy._core.session cimport Session, Transport


@cython.final
cdef class CallbackTransport(Transport):
    """A transport in Python: on_output(session) when there is something to take, on_close(session) when the engine closes it.

    on_more(session): long input is divided, and session.go_on has to be called in the next turn; without it no input is.
    """

    cdef object on_output
    cdef object on_close
    cdef object on_more

    def __init__(self, on_output, on_close, on_more=None):
        self.on_output = on_output
        self.on_close = on_close
        self.on_more = on_more
        self.divides_input = on_more is not None

    cdef int flush(self, Session session) except -1:
        self.on_output(session)
        return 0

    cdef int close_session(self, Session session) except -1:
        self.on_close(session)
        return 0

    cdef int run_later(self, Session session) except -1:
        self.on_more(session)
        return 0
