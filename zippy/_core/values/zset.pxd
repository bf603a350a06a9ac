"""Sorted sets: a listpack of member, score pairs in order while small, then a hash table of items by member beside an ordered tree of the
same items. To users that encoding is "skiplist", as in Redis.

The listpack is also the RDB form: scores are integers where they are integral, else their shortest text.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint32_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.hashtable cimport HashTable
from zippy._core.ground.listpack cimport LP_INT_TEXT
from zippy._core.ground.ordered_tree cimport OrderedTree, OtCursor, OtLexRange, OtScoreRange
from zippy._core.ground.random cimport Random
from zippy._core.values.entry cimport Entry
from zippy._core.values.settings cimport Settings

cdef enum ZSetFlag:
    # how zset_add treats a member
    ZSET_NX = 1          # only a new one
    ZSET_XX = 2          # only one that is there
    ZSET_GT = 4          # not to a lower or the same score
    ZSET_LT = 8          # not to a higher or the same score
    ZSET_INCR = 16       # the score is added to the present one
    ZSET_EXACTLY = 32    # an equal score is set too: 0 and -0 are equal

cdef enum ZSetOutcome:
    ZSET_UNTOUCHED = 0   # a flag was against it
    ZSET_ADDED = 1
    ZSET_UPDATED = 2
    ZSET_SAME = 3        # it had that score
    ZSET_NAN = 4         # the sum is not a number


cdef struct ZSet:
    # the structure of a large sorted set
    HashTable members            # OtItem by member
    OrderedTree tree             # owns the items


cdef struct ZSetIter:
    Entry* entry
    unsigned char* p             # of a listpack: the next pair's member, NULL at the end
    OtCursor at                  # of a tree: the next item
    bint reverse
    Slice member                 # of the pair just returned, borrowed until the next step or change
    double score
    char[LP_INT_TEXT] scratch    # of a member that the listpack holds as an integer


cdef Entry* zset_new(Slice key) noexcept nogil                                          # an empty sorted set
# an empty one with room for so many members in its table
cdef Entry* zset_new_tree(Slice key, uint64_t members) noexcept nogil
cdef uint64_t zset_length(const Entry* e) noexcept nogil
# Makes a tree of it if so many members are too many for a listpack. For ZADD, before its members are added
cdef void zset_make_room(Entry* e, const Settings* s, uint64_t members) noexcept nogil
cdef void zset_to_tree(Entry* e) noexcept nogil
# makes a listpack of a tree whose members fit one
cdef void zset_try_listpack(Entry* e, const Settings* s) noexcept nogil
cdef bint zset_score(const Entry* e, Slice member, double* score) noexcept nogil        # False: absent
# Adds a member or changes its score; *score becomes the score it has then. flags: ZSET_ bits; a ZSetOutcome
cdef int zset_add(Entry* e, const Settings* s, Slice member, double* score, int flags) noexcept nogil
# Many members into one of zset_new_tree, in any order: until zset_order only these three and zset_length may be called, or it is freed
cdef double* zset_find_score(Entry* e, Slice member, uint64_t hash) noexcept nogil      # where its score is, to be changed; NULL: absent
cdef void zset_append(Entry* e, Slice member, uint64_t hash, double score) noexcept nogil   # an absent one; hash is hash_bytes of it
cdef bint zset_order(Entry* e) noexcept nogil                                           # False: out of memory
cdef bint zset_remove(Entry* e, Slice member) noexcept nogil                            # False: absent
cdef uint64_t zset_remove_ranks(Entry* e, uint64_t first, uint64_t count) noexcept nogil   # how many
# As zset_remove_ranks where little of a tree stays: that moves to a new one. What there was is returned as an entry of its own, to be freed
# in steps; NULL: too much stays, and nothing was done. first + count is at most the length
cdef Entry* zset_leave_ranks(Entry* e, uint64_t first, uint64_t count) noexcept nogil
# The place in ascending order, 0 for the first, and the score; -1: absent
cdef int64_t zset_rank(const Entry* e, Slice member, double* score) noexcept nogil
# How many members lie in the range, and the rank of the first of them: O(log n) in a tree
cdef uint64_t zset_score_span(const Entry* e, const OtScoreRange* range, uint64_t* first) noexcept nogil
cdef uint64_t zset_lex_span(const Entry* e, const OtLexRange* range, uint64_t* first) noexcept nogil
cdef void zset_iter(ZSetIter* it, Entry* e, uint64_t rank, bint reverse) noexcept nogil    # from that rank on, upwards or downwards
cdef void zset_iter_score(ZSetIter* it, Entry* e, double score) noexcept nogil          # upwards from the first of this score or more
cdef bint zset_iter_next(ZSetIter* it) noexcept nogil                                   # it.member and it.score; False at the end
# it.member and it.score of one of them, each as likely; not empty
cdef void zset_random(ZSetIter* it, Entry* e, Random* r, const uint32_t* places) noexcept nogil
# Where a listpack's members are, for who draws many: to be given to zset_random, then to mem_free; NULL: nothing to know
cdef uint32_t* zset_places(const Entry* e) noexcept nogil
cdef HashTable* zset_table(const Entry* e) noexcept nogil                               # of OtItems by member; NULL: it is a listpack
# Takes over a listpack that came from outside (its structure is valid: lp_valid) and makes an entry of it, in the encoding that the
# settings ask for. NULL, and lp is freed: it is not an ordered list of different members with scores.
cdef Entry* zset_adopt_listpack(Slice key, unsigned char* lp, const Settings* s, int64_t expiry) noexcept nogil

cdef void zset_free(Entry* e) noexcept nogil                                            # the payload alone, as all of these
cdef bint zset_free_some(Entry* e, uint64_t items) noexcept nogil
cdef uint64_t zset_free_effort(const Entry* e) noexcept nogil
cdef Entry* zset_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil
cdef size_t zset_memory(Entry* e, uint64_t samples) noexcept nogil
