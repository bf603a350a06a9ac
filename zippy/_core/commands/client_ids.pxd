"""Clients by their ids."""

from libc.stdint cimport uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.hashtable cimport HtIter
from zippy._core.commands.types cimport Client, Engine

cdef enum:
    FETCHED = 16                 # clients at a time


ctypedef void (*fetch_fn)(const Client* c) noexcept nogil


cdef struct ClientWalk:
    # Over all clients, in no order. Many are in no cache, so some are fetched side by side
    HtIter it
    fetch_fn fetch
    Client* some[FETCHED]
    int count
    int at


cdef Client* client_by_id(Engine* e, uint64_t id) noexcept nogil            # NULL: there is none
cdef void client_key_of(const void* item, Slice* key) noexcept nogil        # for Engine.clients_by_id
cdef void walk_begin(ClientWalk* w, Engine* e, fetch_fn fetch) noexcept nogil    # until it is over, no client may come or go
cdef void walk_end(ClientWalk* w) noexcept nogil                            # for who needs no more of them
# Which parts of a client are looked at: those that tell of which kind it is, or how much memory it holds
cdef void fetch_kind(const Client* c) noexcept nogil
cdef void fetch_memory(const Client* c) noexcept nogil
cdef Client* walk_next(ClientWalk* w) noexcept nogil                        # NULL: that was all, and the walk is over
