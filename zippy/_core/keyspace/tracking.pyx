# One block a key, since a million of them are the usual limit: no list, no second table. Ids are given in ascending order, so new clients
# join at the end.

from libc.string cimport memcpy, memmove
from zippy._core.ground.mem cimport mem_free, mem_try_alloc, mem_try_realloc


cdef TrackedKey* tracked_new(Slice key, uint64_t id) noexcept nogil:
    cdef TrackedKey* t = <TrackedKey*>mem_try_alloc(tracked_head(key.len) + sizeof(uint64_t))
    if t == NULL:
        return NULL
    t.key_len = <uint32_t>key.len
    t.count = 1
    memcpy(t + 1, key.ptr, key.len)
    tracked_ids(t)[0] = id
    return t


cdef uint32_t tracked_place(TrackedKey* t, uint64_t id) noexcept nogil:
    cdef const uint64_t* ids = tracked_ids(t)
    cdef uint32_t low = 0
    cdef uint32_t high = t.count
    cdef uint32_t middle
    while low < high:
        middle = (low + high) // 2
        if ids[middle] < id:
            low = middle + 1
        else:
            high = middle
    return low


cdef void tracked_insert(TrackedKey* t, uint32_t place, uint64_t id) noexcept nogil:
    cdef uint64_t* ids = tracked_ids(t)
    memmove(ids + place + 1, ids + place, (t.count - place) * sizeof(uint64_t))
    ids[place] = id
    t.count += 1


cdef TrackedKey* tracked_grow(TrackedKey* t) noexcept nogil:
    return <TrackedKey*>mem_try_realloc(t, tracked_head(t.key_len) + 2 * t.count * sizeof(uint64_t))


cdef void tracked_key_of(const void* item, Slice* key) noexcept nogil:
    key[0] = tracked_key(<const TrackedKey*>item)


cdef void tracked_free(void* context, void* item) noexcept nogil:
    mem_free(item)
