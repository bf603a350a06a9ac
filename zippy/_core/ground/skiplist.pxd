"""Skip list of (score, member) with ranks, as sorted sets need; the member's bytes are in the node, so that one block is one element.

Order: score, then member bytes as memcmp. Nodes are stable in memory until deleted.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.random cimport Random

cdef enum:
    ZSL_MAX_LEVEL = 32

cdef struct ZslNode:
    double score
    ZslNode* backward     # the node before, NULL for the first
    uint32_t member_len   # bytes
    uint8_t levels        # 1 .. ZSL_MAX_LEVEL
    # behind the struct: levels forward pointers, levels spans (uint32), the member's bytes


cdef struct Skiplist:
    ZslNode* header
    ZslNode* tail
    uint64_t length
    int level


cdef struct ZslScoreRange:
    double min, max
    bint min_open, max_open     # exclusive


cdef struct ZslLexRange:
    Slice min, max              # without the leading [ or (
    bint min_open, max_open     # exclusive
    int min_infinite, max_infinite   # -1: "-", 1: "+", 0: min or max counts


ctypedef void (*zsl_removed_fn)(void* context, ZslNode* node) noexcept nogil


cdef Slice zsl_member(const ZslNode* n) noexcept nogil                              # borrowed
cdef void zsl_key_of(const void* node, Slice* key) noexcept nogil                   # for a HashTable of nodes by member
cdef ZslNode* zsl_next(const ZslNode* n) noexcept nogil                             # NULL at the end
cdef Skiplist* zsl_new() noexcept nogil
cdef void zsl_free(Skiplist* z) noexcept nogil                                      # and all nodes
cdef ZslNode* zsl_first(const Skiplist* z) noexcept nogil                           # NULL if empty
cdef ZslNode* zsl_insert(Skiplist* z, double score, Slice member, Random* r) noexcept nogil   # the member must be absent
# takes the node out; the caller frees it with zsl_node_free
cdef void zsl_unlink(Skiplist* z, ZslNode* n) noexcept nogil
cdef void zsl_node_free(ZslNode* n) noexcept nogil
cdef void zsl_rescore(Skiplist* z, ZslNode* n, double score) noexcept nogil         # moves the node; its address stays
cdef uint64_t zsl_rank(const Skiplist* z, const ZslNode* n) noexcept nogil          # 1 for the first
cdef ZslNode* zsl_by_rank(const Skiplist* z, uint64_t rank) noexcept nogil          # NULL out of range
cdef bint zsl_score_above_min(double score, const ZslScoreRange* range) noexcept nogil
cdef bint zsl_score_below_max(double score, const ZslScoreRange* range) noexcept nogil
cdef ZslNode* zsl_first_in_score(const Skiplist* z, const ZslScoreRange* range) noexcept nogil   # NULL: none
cdef ZslNode* zsl_last_in_score(const Skiplist* z, const ZslScoreRange* range) noexcept nogil
cdef bint zsl_lex_above_min(Slice member, const ZslLexRange* range) noexcept nogil
cdef bint zsl_lex_below_max(Slice member, const ZslLexRange* range) noexcept nogil
cdef ZslNode* zsl_first_in_lex(const Skiplist* z, const ZslLexRange* range) noexcept nogil
cdef ZslNode* zsl_last_in_lex(const Skiplist* z, const ZslLexRange* range) noexcept nogil
# Unlinks the nodes of ranks first..last (1-based, inclusive), calls removed for each (which then owns it); how many
cdef uint64_t zsl_remove_ranks(Skiplist* z, uint64_t first, uint64_t last, zsl_removed_fn removed, void* context) noexcept nogil
cdef size_t zsl_node_memory(const ZslNode* n) noexcept nogil
# frees up to so many nodes from the head; True when all and the header are freed
cdef bint zsl_free_some(Skiplist* z, uint64_t nodes) noexcept nogil
