"""Clients by their ids."""

from libc.stdint cimport uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.hashtable cimport HtIter
from zippy._core.commands.types cimport Client, Engine

cdef enum:
    FETCHED = 16                 # clients at a time


cdef struct ClientWalk:
    # Over all clients, in no order. Many are in no cache, so some are fetched side by side
    HtIter it
    Client* some[FETCHED]
    int count
    int at


cdef Client* client_by_id(Engine* e, uint64_t id) noexcept nogil            # NULL: there is none
cdef void client_key_of(const void* item, Slice* key) noexcept nogil        # for Engine.clients_by_id
cdef void walk_begin(ClientWalk* w, Engine* e) noexcept nogil               # until it is over, no client may come or go
cdef void walk_end(ClientWalk* w) noexcept nogil                            # for who needs no more of them
cdef Client* walk_next(ClientWalk* w) noexcept nogil                        # NULL: that was all, and the walk is over
