"""Clients as CLIENT LIST shows them."""

from zippy._core.ground.buf cimport Buf
from zippy._core.session cimport Session


cdef class ClientState:
    """One connection as CLIENT LIST shows it, beside what its session knows."""

    cdef object local                 # the address that the client has reached: text, or a function that finds it
    cdef readonly int fd              # -1: none
    cdef readonly bint is_tls
    cdef public str lib_name          # of CLIENT SETINFO
    cdef public str lib_version


# Appends a client's line, without the line's end; its session has a ClientState
cdef int append_client(Buf* line, Session session) except -1
