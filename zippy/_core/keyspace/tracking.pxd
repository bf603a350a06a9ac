"""The keys that clients may have in their caches: for each, who has read it since it was last changed."""

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.mem cimport mem_size
from zippy._core.keyspace.types cimport TrackedKey


cdef inline Slice tracked_key(const TrackedKey* t) noexcept nogil:
    """The key; good until the block is freed."""
    return slice_of(<const char*>(t + 1), t.key_len)


cdef inline size_t tracked_head(size_t key_len) noexcept nogil:
    """Bytes in front of the ids."""
    return (sizeof(TrackedKey) + key_len + 7) & ~<size_t>7


cdef inline uint64_t* tracked_ids(TrackedKey* t) noexcept nogil:
    """The ids, in ascending order."""
    return <uint64_t*>(<char*>t + tracked_head(t.key_len))


cdef inline bint tracked_is_full(const TrackedKey* t) noexcept nogil:
    """Whether no further id fits."""
    return tracked_head(t.key_len) + (t.count + 1) * sizeof(uint64_t) > mem_size(t)


# one key that one client has read; NULL: out of memory
cdef TrackedKey* tracked_new(Slice key, uint64_t id) noexcept nogil
cdef uint32_t tracked_place(TrackedKey* t, uint64_t id) noexcept nogil       # the place of the first id that is not below this one
cdef void tracked_insert(TrackedKey* t, uint32_t place, uint64_t id) noexcept nogil    # at its place; there is room
# the same in a block with room for twice as many, in the place of this one; NULL: out of memory, nothing has changed
cdef TrackedKey* tracked_grow(TrackedKey* t) noexcept nogil
cdef void tracked_key_of(const void* item, Slice* key) noexcept nogil        # for Keyspace.tracked
cdef void tracked_free(void* context, void* item) noexcept nogil            # for ht_drain
