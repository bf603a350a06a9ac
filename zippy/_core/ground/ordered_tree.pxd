"""Counted B+ tree of (score, member) with ranks, as sorted sets need; an item is one block of memory, the tree holds its address.

Ranks are 0 for the first. An item stays where it is in memory until it is freed.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint16_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.ordered_item cimport OtItem

cdef struct OtLeaf:
    OtLeaf* prev         # NULL for the first
    OtLeaf* next         # NULL for the last
    double base          # finite; what the keys are relative to
    uint16_t n           # items
    uint16_t capacity
    # behind the struct: capacity keys (float), capacity items


cdef struct OrderedTree:
    void* root           # an inner node, or a leaf if height is 0
    OtLeaf* first
    OtLeaf* last
    uint64_t length      # items
    size_t node_bytes    # of all nodes, without the items
    int height           # levels of inner nodes


cdef struct OtCursor:
    # where a walk is; a change of the tree ends the walk
    OtLeaf* leaf         # NULL behind the end
    int index


cdef struct OtScoreRange:
    double min, max
    bint min_open, max_open     # exclusive


cdef struct OtLexRange:
    Slice min, max              # without the leading [ or (
    bint min_open, max_open     # exclusive
    int min_infinite, max_infinite   # -1: "-", 1: "+", 0: min or max counts


ctypedef void (*ot_removed_fn)(void* context, OtItem* item) noexcept nogil


cdef void ot_init(OrderedTree* t) noexcept nogil
cdef void ot_free(OrderedTree* t) noexcept nogil                                     # and all items
cdef void ot_insert(OrderedTree* t, OtItem* item) noexcept nogil                     # takes it over; its member must be absent
# Puts an item behind all others; its member must be absent. If it doesn't belong there, or if scores are then written to the items, there
# is no order until ot_order: only these, ot_remove_ranks, ot_seek and walks from there, and ot_free may be called
cdef void ot_append(OrderedTree* t, OtItem* item) noexcept nogil
cdef bint ot_order(OrderedTree* t) noexcept nogil                                    # False: out of memory, and nothing was done
cdef void ot_remove(OrderedTree* t, OtItem* item) noexcept nogil                     # gives it back, for the caller to free
cdef void ot_rescore(OrderedTree* t, OtItem* item, double score) noexcept nogil
cdef uint64_t ot_rank(const OrderedTree* t, const OtItem* item) noexcept nogil
# Removes the items of ranks first .. first + count - 1, which must be there; calls removed for each, which then owns it
cdef void ot_remove_ranks(OrderedTree* t, uint64_t first, uint64_t count, ot_removed_fn removed, void* context) noexcept nogil
cdef void ot_seek(const OrderedTree* t, OtCursor* c, uint64_t rank) noexcept nogil   # behind the end if there is no such rank
cdef void ot_seek_score(const OrderedTree* t, OtCursor* c, double score) noexcept nogil   # the first item of this score or more
cdef OtItem* ot_next(OtCursor* c) noexcept nogil                                     # the item at c, and a step upwards; NULL at the end
cdef OtItem* ot_prev(OtCursor* c) noexcept nogil                                     # the same downwards
cdef bint ot_score_above_min(double score, const OtScoreRange* range) noexcept nogil
cdef bint ot_score_below_max(double score, const OtScoreRange* range) noexcept nogil
cdef bint ot_lex_above_min(Slice member, const OtLexRange* range) noexcept nogil
cdef bint ot_lex_below_max(Slice member, const OtLexRange* range) noexcept nogil
# How many items are in the range; *first becomes the rank of its first one, if it has any
cdef uint64_t ot_score_span(const OrderedTree* t, const OtScoreRange* range, uint64_t* first) noexcept nogil
cdef uint64_t ot_lex_span(const OrderedTree* t, const OtLexRange* range, uint64_t* first) noexcept nogil
