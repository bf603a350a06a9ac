"""Id tree: stream ids in order, each with up to three numbers beside it, packed in columns.

A B+ tree whose leaves hold up to 128 ids. In a leaf each column (ms, seq, the numbers) is stored as differences to its least value, all as
wide as the largest of them needs (0, 1, 2, 4 or 8 bytes): ids that come one after another with numbers that are alike take a few bytes
each. It stands for what Redis has radix trees for: the blocks of a stream, and the pending entries of groups and consumers.
"""

from libc.stddef cimport size_t
from libc.stdint cimport UINT64_MAX, uint8_t, uint16_t, uint64_t

cdef enum:
    ID_NUMBERS = 3              # numbers beside an id, at most
    ID_COLUMNS = 2 + ID_NUMBERS
    ID_LEAF = 128               # ids of a full leaf


cdef struct StreamId:
    uint64_t ms
    uint64_t seq


cdef struct IdLeaf:
    # the columns follow one another, each with room for `room` differences
    IdLeaf* prev
    IdLeaf* next
    uint8_t columns             # 2 and the numbers
    uint8_t[ID_COLUMNS] width   # bytes of a difference: 0, 1, 2, 4 or 8
    uint8_t count
    uint8_t room                # ids that the block can hold
    uint64_t[ID_COLUMNS] base   # what the differences are to


cdef struct IdTree:
    void* root                  # an IdLeaf, or above height 0 an inner node; NULL: no ids
    IdLeaf* first
    IdLeaf* last
    uint64_t count
    uint8_t height              # of inner nodes
    uint8_t numbers             # beside each id
    uint64_t changes            # goes up when ids come or go: cursors from before are void


cdef struct IdCursor:
    # an id in a tree; void after any id came or went
    IdLeaf* leaf                # NULL: none
    int at
    StreamId id
    uint64_t[ID_NUMBERS] numbers


cdef inline int stream_id_compare(StreamId a, StreamId b) noexcept nogil:
    """Below, equal to or above zero, as a stands to b."""
    if a.ms != b.ms:
        return -1 if a.ms < b.ms else 1
    return (a.seq > b.seq) - (a.seq < b.seq)


cdef inline bint stream_id_is_zero(StreamId id) noexcept nogil:
    return id.ms == 0 and id.seq == 0


cdef inline StreamId stream_id_of(uint64_t ms, uint64_t seq) noexcept nogil:
    cdef StreamId id
    id.ms = ms
    id.seq = seq
    return id


cdef inline bint stream_id_step(StreamId* id) noexcept nogil:
    """Makes it the id that follows; False, and it is as it was: it is the greatest."""
    if id.seq == UINT64_MAX:
        if id.ms == UINT64_MAX:
            return False
        id.ms += 1
        id.seq = 0
    else:
        id.seq += 1
    return True


cdef inline bint stream_id_step_back(StreamId* id) noexcept nogil:
    """Makes it the id before; False, and it is as it was: it is 0-0."""
    if id.seq == 0:
        if id.ms == 0:
            return False
        id.ms -= 1
        id.seq = UINT64_MAX
    else:
        id.seq -= 1
    return True


cdef void id_tree_init(IdTree* t, int numbers) noexcept nogil               # an empty one: no memory yet
cdef void id_tree_clear(IdTree* t) noexcept nogil                           # frees all; it is empty then
# Adds the id, or gives the one that is there these numbers; whether it is new. O(log n)
cdef bint id_tree_put(IdTree* t, StreamId id, const uint64_t* numbers) noexcept nogil
cdef bint id_tree_remove(IdTree* t, StreamId id) noexcept nogil             # whether it was there
cdef bint id_tree_find(const IdTree* t, StreamId id, IdCursor* c) noexcept nogil
cdef bint id_tree_above(const IdTree* t, StreamId id, IdCursor* c) noexcept nogil       # the first id >= this one; False: there is none
cdef bint id_tree_below(const IdTree* t, StreamId id, IdCursor* c) noexcept nogil       # the last id <= this one
cdef bint id_tree_next(IdCursor* c) noexcept nogil                          # False at the end
cdef bint id_tree_prev(IdCursor* c) noexcept nogil
cdef bint id_tree_skip(IdCursor* c, int count) noexcept nogil               # so many ids further; False: there are none left
# One of the numbers at the cursor, which stays valid
cdef void id_tree_set(IdTree* t, IdCursor* c, int number, uint64_t n) noexcept nogil
# Takes the first leaf out, or NULL: it is the caller's, and mem_free frees it
cdef IdLeaf* id_tree_cut_first(IdTree* t) noexcept nogil
# Moves the leaves before this one, which is not the first and before which there are so many ids, to an empty tree. O(log n)
cdef void id_tree_cut_before(IdTree* t, IdLeaf* leaf, uint64_t ids, IdTree* cut) noexcept nogil
# Removes the ids beside which this number is n from the leaf that holds (or would hold) an id of a tree that is not empty: how many
cdef int id_tree_remove_alike(IdTree* t, StreamId id, int number, uint64_t n) noexcept nogil
cdef void id_tree_append_leaf(IdTree* t, IdLeaf* leaf) noexcept nogil       # takes over a leaf that was cut, with ids above all others
cdef StreamId id_leaf_id(const IdLeaf* leaf, int at) noexcept nogil
cdef uint64_t id_leaf_number(const IdLeaf* leaf, int at, int number) noexcept nogil
cdef uint64_t id_leaf_sum(const IdLeaf* leaf, int number) noexcept nogil      # of this number over all ids
cdef void id_tree_copy(IdTree* to, const IdTree* t) noexcept nogil          # into an empty one
# Bytes of its blocks, from so many sampled leaves (0: all)
cdef size_t id_tree_memory(const IdTree* t, uint64_t samples) noexcept nogil
cdef uint64_t id_tree_blocks(const IdTree* t) noexcept nogil                # how many that are, roughly, by its count
