# Apart from the life of clients, since those who are told of something are named by id.

from zippy._core.ground.buf cimport slice_of
from zippy._core.ground.hashtable cimport ht_find, ht_iter, ht_iter_done, ht_iter_next
from zippy._core.ground.slice cimport prefetch


cdef void client_key_of(const void* item, Slice* key) noexcept nogil:
    key[0] = slice_of(<const char*>&(<const Client*>item).id, sizeof(uint64_t))


cdef Client* client_by_id(Engine* e, uint64_t id) noexcept nogil:
    return <Client*>ht_find(&e.clients_by_id, slice_of(<const char*>&id, sizeof(id)))


cdef void walk_begin(ClientWalk* w, Engine* e) noexcept nogil:
    ht_iter(&w.it, &e.clients_by_id)
    w.count = w.at = 0


cdef void fetch(const Client* c) noexcept nogil:
    """Has the parts of a client come that tell of which kind it is, and what it may do."""
    prefetch(&c.flags)
    prefetch(&c.shard_channels.count)


cdef Client* walk_next(ClientWalk* w) noexcept nogil:
    cdef Client* c
    if w.at == w.count:
        w.count = w.at = 0
        while w.count < FETCHED:
            c = <Client*>ht_iter_next(&w.it)
            if c == NULL:
                break
            fetch(c)
            w.some[w.count] = c
            w.count += 1
        if w.count == 0:
            ht_iter_done(&w.it)
            return NULL
    w.at += 1
    return w.some[w.at - 1]


cdef void walk_end(ClientWalk* w) noexcept nogil:
    ht_iter_done(&w.it)
