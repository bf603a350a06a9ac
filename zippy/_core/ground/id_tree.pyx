# Ids in order.


cdef void id_tree_init(IdTree* t, int numbers) noexcept nogil:
    pass


cdef void id_tree_clear(IdTree* t) noexcept nogil:
    pass


cdef bint id_tree_put(IdTree* t, StreamId id, const uint64_t* numbers) noexcept nogil:
    return 0


cdef bint id_tree_remove(IdTree* t, StreamId id) noexcept nogil:
    return 0


cdef bint id_tree_find(const IdTree* t, StreamId id, IdCursor* c) noexcept nogil:
    return 0


cdef bint id_tree_above(const IdTree* t, StreamId id, IdCursor* c) noexcept nogil:
    return 0


cdef bint id_tree_below(const IdTree* t, StreamId id, IdCursor* c) noexcept nogil:
    return 0


cdef bint id_tree_next(IdCursor* c) noexcept nogil:
    return 0


cdef bint id_tree_prev(IdCursor* c) noexcept nogil:
    return 0


cdef void id_tree_set(IdTree* t, IdCursor* c, int number, uint64_t n) noexcept nogil:
    pass


cdef IdLeaf* id_tree_cut_first(IdTree* t) noexcept nogil:
    return NULL


cdef StreamId id_leaf_id(const IdLeaf* leaf, int at) noexcept nogil:
    return stream_id_of(0, 0)


cdef uint64_t id_leaf_number(const IdLeaf* leaf, int at, int number) noexcept nogil:
    return 0


cdef IdTree* id_tree_copy(IdTree* to, const IdTree* t) noexcept nogil:
    return NULL


cdef size_t id_tree_memory(const IdTree* t, uint64_t samples) noexcept nogil:
    return 0


cdef uint64_t id_tree_leaves(const IdTree* t) noexcept nogil:
    return 0
