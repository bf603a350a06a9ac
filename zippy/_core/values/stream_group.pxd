"""Consumer groups of a stream: what each has read, its consumers, and the entries that are pending.

A pending entry is in two orders: in its group's, with consumer, delivery time and count, and, as an id alone, in its consumer's. Both are
id trees, so it takes a few bytes, and who asks for one consumer's entries reads no others.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint32_t, uint64_t
from zippy._core.ground.id_tree cimport IdCursor, IdTree, StreamId
from zippy._core.ground.slice cimport Slice

cdef enum:
    NEVER = -1                  # the moment of what did not happen yet
    READ_UNKNOWN = -1           # entries_read of a group that cannot know


cdef struct StreamConsumer:
    IdTree pending              # its ids; pending.count tells how many
    int64_t seen                # ms since the epoch: the last attempt to read or claim
    int64_t active              # ms since the epoch: the last one that brought entries; NEVER
    uint32_t number             # in its group's by_number
    uint32_t name_len           # bytes; they follow the struct


cdef struct StreamGroup:
    StreamId last_id            # the last one delivered
    int64_t entries_read        # READ_UNKNOWN
    IdTree pending              # id: consumer number, delivery time, delivery count; pending.count tells how many
    StreamConsumer** consumers  # by name
    StreamConsumer** by_number  # NULL where a number is free
    uint32_t count              # consumers
    uint32_t numbers            # places in by_number
    uint32_t free_number        # no number below this one is free
    uint32_t name_len           # bytes; they follow the struct


cdef struct Pending:
    # a pending entry, as a copy
    StreamId id
    StreamConsumer* consumer
    int64_t time                # of its last delivery, ms since the epoch
    uint64_t count              # deliveries


cdef struct PendingIter:
    Pending pending             # the one just returned
    StreamGroup* group
    StreamConsumer* consumer    # NULL: the entries of all
    const IdTree* tree
    StreamId next               # where to go on when the tree changed meanwhile
    bint more
    bint fresh                  # the cursor is not set yet
    uint64_t changes            # the tree's, when it was
    IdCursor cursor


# The names, borrowed from the struct
cdef Slice group_name(const StreamGroup* g) noexcept nogil
cdef Slice consumer_name(const StreamConsumer* c) noexcept nogil
# Consumers. They are in the order of their names: group.consumers[0 .. group.count - 1]
cdef StreamConsumer* consumer_find(const StreamGroup* g, Slice name) noexcept nogil                # NULL: there is none
# A new one, seen now and never active; NULL: the name is taken
cdef StreamConsumer* consumer_create(StreamGroup* g, Slice name, int64_t now) noexcept nogil
# Takes it out of the group with the entries that are pending for it: what is to be freed, as a group without a name. It takes a step for
# each leaf of the group's tree that has such entries, and one alone where nothing else is pending
cdef StreamGroup* consumer_cut(StreamGroup* g, StreamConsumer* c) noexcept nogil
# Pending entries of a group
cdef bint pending_find(StreamGroup* g, StreamId id, Pending* p) noexcept nogil                     # False: it is not pending
# Adds it, or gives the one that is there this consumer, time and count: a delivery, a claim, whosever it was. Whether it is new
cdef bint pending_put(StreamGroup* g, const Pending* p) noexcept nogil
cdef bint pending_remove(StreamGroup* g, StreamId id) noexcept nogil                               # whether it was pending
cdef bint pending_first(StreamGroup* g, StreamId* id) noexcept nogil       # the least pending id; False: there is none
cdef bint pending_last(StreamGroup* g, StreamId* id) noexcept nogil        # the greatest
# The pending entries from `start` on, of one consumer or (NULL) of all, in order. Entries may come, go and change between two calls: what
# is returned next is the first one behind the last that was returned
cdef void pending_iter(PendingIter* it, StreamGroup* g, StreamConsumer* consumer, StreamId start) noexcept nogil
cdef bint pending_iter_next(PendingIter* it) noexcept nogil                                        # it.pending; False at the end
# For `stream`, which has the groups' list, and for its row
# The array, or NULL, with room for one address beside `count`: its block is doubled
cdef void* addresses_with_room(void* array, uint32_t count) noexcept nogil
ctypedef Slice (*name_of_fn)(const void* item) noexcept nogil
# Where the item of this name is in an array that is in the order of the names, or would be
cdef uint32_t address_place(void** array, uint32_t count, Slice name, name_of_fn name_of, bint* found) noexcept nogil
# Puts an array of addresses into the order of their names; False: two have the same name. O(count) if it is in order already
cdef bint addresses_by_name(void** array, uint32_t count, name_of_fn name_of) noexcept nogil
cdef StreamConsumer* consumer_append(StreamGroup* g, Slice name) noexcept nogil   # in any order, to be sorted when all are there
cdef bint group_sort_consumers(StreamGroup* g) noexcept nogil                     # False: two have the same name
# A pending entry of the consumer with this number; False: it is pending already
cdef bint group_set_pending(StreamGroup* g, StreamId id, uint32_t number, int64_t time, uint64_t count) noexcept nogil
cdef StreamGroup* group_new(Slice name) noexcept nogil
cdef void group_free(StreamGroup* g) noexcept nogil
# Frees about so many blocks, and counts them off; True: all is gone
cdef bint group_free_some(StreamGroup* g, uint64_t* items) noexcept nogil
cdef uint64_t group_free_effort(const StreamGroup* g) noexcept nogil
cdef StreamGroup* group_copy(const StreamGroup* g) noexcept nogil
cdef size_t group_memory(const StreamGroup* g, uint64_t samples) noexcept nogil
