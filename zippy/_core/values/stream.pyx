# Streams.


cdef Entry* stream_new(Slice key) noexcept nogil:
    return NULL


cdef uint64_t stream_length(const Entry* e) noexcept nogil:
    return 0


cdef bint stream_next_id(const Stream* s, uint64_t now, StreamId* id) noexcept nogil:
    return 0


cdef int stream_append(Stream* s, const Settings* settings, StreamId id, int pairs, const Slice* elements) noexcept nogil:
    return 0


cdef bint stream_has(Stream* s, StreamId id) noexcept nogil:
    return 0


cdef bint stream_last_entry(Stream* s, StreamId* id) noexcept nogil:
    return 0


cdef void stream_iter(StreamIter* it, Stream* s, StreamId start, StreamId end, bint backwards) noexcept nogil:
    pass


cdef bint stream_iter_next(StreamIter* it) noexcept nogil:
    return 0


cdef void stream_iter_field(StreamIter* it, Slice* field, Slice* value) noexcept nogil:
    pass


cdef void stream_iter_delete(StreamIter* it) noexcept nogil:
    pass


cdef int stream_delete(Stream* s, StreamId id, int references) noexcept nogil:
    return 0


cdef uint64_t stream_trim(Stream* s, const StreamTrim* trim) noexcept nogil:
    return 0


cdef Entry* stream_take_remains(Stream* s) noexcept nogil:
    return NULL


cdef void stream_set_id(Stream* s, StreamId last_id, int64_t entries_added, const StreamId* max_deleted_id) noexcept nogil:
    pass


cdef StreamGroup* stream_group(const Stream* s, Slice name) noexcept nogil:
    return NULL


cdef StreamGroup* stream_group_create(Stream* s, Slice name, StreamId last_id, int64_t entries_read) noexcept nogil:
    return NULL


cdef void stream_group_delete(Stream* s, StreamGroup* g) noexcept nogil:
    pass


cdef void stream_group_advance(const Stream* s, StreamGroup* g, StreamId id) noexcept nogil:
    pass


cdef int64_t stream_entries_up_to(const Stream* s, StreamId id) noexcept nogil:
    return 0


cdef int64_t stream_group_lag(const Stream* s, const StreamGroup* g) noexcept nogil:
    return 0


cdef bint stream_is_referenced(const Stream* s, StreamId id) noexcept nogil:
    return 0


cdef void stream_drop_references(Stream* s, StreamId id) noexcept nogil:
    pass


cdef uint64_t stream_blocks(const Stream* s) noexcept nogil:
    return 0


cdef uint64_t stream_radix_nodes(const Stream* s) noexcept nogil:
    return 0


cdef void stream_free(Entry* e) noexcept nogil:
    pass


cdef bint stream_free_some(Entry* e, uint64_t items) noexcept nogil:
    return 0


cdef uint64_t stream_free_effort(const Entry* e) noexcept nogil:
    return 0


cdef Entry* stream_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil:
    return NULL


cdef size_t stream_memory(Entry* e, uint64_t samples) noexcept nogil:
    return 0
