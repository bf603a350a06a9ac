# Apart from the life of clients, since those who are told of something are named by id.

from zippy._core.ground.buf cimport slice_of
from zippy._core.ground.hashtable cimport ht_find


cdef void client_key_of(const void* item, Slice* key) noexcept nogil:
    key[0] = slice_of(<const char*>&(<const Client*>item).id, sizeof(uint64_t))


cdef Client* client_by_id(Engine* e, uint64_t id) noexcept nogil:
    return <Client*>ht_find(&e.clients_by_id, slice_of(<const char*>&id, sizeof(id)))
