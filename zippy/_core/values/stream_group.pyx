# Groups.
from zippy._core.ground.slice cimport slice_of


cdef Slice group_name(const StreamGroup* g) noexcept nogil:
    return slice_of(NULL, 0)


cdef Slice consumer_name(const StreamConsumer* c) noexcept nogil:
    return slice_of(NULL, 0)


cdef StreamConsumer* consumer_find(const StreamGroup* g, Slice name) noexcept nogil:
    return NULL


cdef StreamConsumer* consumer_create(StreamGroup* g, Slice name, int64_t now) noexcept nogil:
    return NULL


cdef uint64_t consumer_delete(StreamGroup* g, StreamConsumer* c) noexcept nogil:
    return 0


cdef bint pending_find(StreamGroup* g, StreamId id, Pending* p) noexcept nogil:
    return 0


cdef bint pending_put(StreamGroup* g, const Pending* p) noexcept nogil:
    return 0


cdef bint pending_remove(StreamGroup* g, StreamId id) noexcept nogil:
    return 0


cdef bint pending_first(StreamGroup* g, StreamId* id) noexcept nogil:
    return 0


cdef bint pending_last(StreamGroup* g, StreamId* id) noexcept nogil:
    return 0


cdef void pending_iter(PendingIter* it, StreamGroup* g, const StreamConsumer* consumer, StreamId start) noexcept nogil:
    pass


cdef bint pending_iter_next(PendingIter* it) noexcept nogil:
    return 0


cdef StreamGroup* group_new(Slice name, StreamId last_id, int64_t entries_read) noexcept nogil:
    return NULL


cdef void group_free(StreamGroup* g) noexcept nogil:
    pass


cdef bint group_free_some(StreamGroup* g, uint64_t* items) noexcept nogil:
    return 0


cdef uint64_t group_free_effort(const StreamGroup* g) noexcept nogil:
    return 0


cdef StreamGroup* group_copy(const StreamGroup* g) noexcept nogil:
    return NULL


cdef size_t group_memory(const StreamGroup* g, uint64_t samples) noexcept nogil:
    return 0
