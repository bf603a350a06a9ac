"""Streams: entries by id in packed blocks, each a listpack as Redis has it, under an id tree; and consumer groups (`stream_group`).

A deleted entry is marked in its block (`stream_block`), which goes when all of it is deleted.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint32_t, uint64_t
from zippy._core.ground.id_tree cimport IdCursor, IdTree, StreamId
from zippy._core.ground.listpack cimport LP_INT_TEXT
from zippy._core.ground.slice cimport Slice
from zippy._core.values.entry cimport Entry, entry_value
from zippy._core.values.settings cimport Settings
from zippy._core.values.stream_group cimport StreamConsumer, StreamGroup

cdef enum StreamStatus:
    STREAM_OK = 0
    STREAM_ID_TOO_SMALL = 1     # it is not above last_id
    STREAM_TOO_LARGE = 2        # no block can hold an entry of these bytes

cdef enum StreamReferences:
    # what a deletion does about groups that still refer to the entry
    KEEP_REFERENCES = 0         # KEEPREF: pending it stays, without its fields
    DELETE_REFERENCES = 1       # DELREF: it is pending nowhere any more
    ACKED_ONLY = 2              # ACKED: an entry that a group has not acknowledged is not deleted

cdef enum StreamDeleted:
    # what stream_delete came to; the replies of XDELEX
    DELETED_NOT_FOUND = -1
    DELETED = 1
    DELETED_NOT_ACKED = 2       # ACKED_ONLY, and a group still refers to it: nothing was done

cdef enum TrimBy:
    TRIM_BY_LENGTH = 0          # MAXLEN
    TRIM_BY_ID = 1              # MINID


cdef struct Stream:
    IdTree blocks               # by the id of a block's first entry: its listpack's address, entries that are not deleted
    uint64_t length             # entries that are not deleted
    StreamId last_id            # the greatest that was ever added, or what XSETID said
    StreamId first_id           # of the first entry; 0-0: there is none
    StreamId max_deleted_id     # the greatest that was ever deleted
    uint64_t entries_added      # ever
    uint32_t group_count
    StreamGroup** groups        # by name
    Stream* remains             # what was cut off and is still to be freed; NULL: nothing


cdef struct StreamIter:
    StreamId id                 # of the entry at hand
    uint64_t fields             # its pairs that stream_iter_field has not returned yet: all of them after stream_iter_next
    # What follows is the iterator's own
    Stream* stream
    StreamId start
    StreamId end
    bint backwards
    IdCursor block              # the one that the entry is in
    unsigned char* lp           # NULL: a block is to be looked for
    unsigned char* ahead        # where the entry after the one at hand begins, or backwards ends; NULL: behind all that is left of this one
    unsigned char* entry        # the one at hand begins
    unsigned char* p            # the next element of it
    bint same_fields            # it has values alone
    unsigned char* field        # the next field of the master entry
    unsigned char* master       # the first one
    uint64_t master_fields
    char[LP_INT_TEXT] field_text
    char[LP_INT_TEXT] value_text


cdef struct StreamTrim:
    int by                      # TrimBy
    bint approximate            # whole blocks alone
    uint64_t limit              # approximate: entries to be removed at most; 0: any number
    uint64_t length             # TRIM_BY_LENGTH: entries that stay
    StreamId id                 # TRIM_BY_ID: the least that stays
    int references              # StreamReferences


cdef inline Stream* stream_of(const Entry* e) noexcept nogil:
    return <Stream*>entry_value(e)


cdef Entry* stream_new(Slice key) noexcept nogil                                   # an empty one: a stream may be empty
cdef uint64_t stream_length(const Entry* e) noexcept nogil
# The id that XADD * takes at this moment (ms since the epoch): above last_id. False: there is none left
cdef bint stream_next_id(const Stream* s, uint64_t now, StreamId* id) noexcept nogil
# Appends an entry of so many pairs; `elements` is field, value, field, value ... StreamStatus: unless STREAM_OK, nothing was done
cdef int stream_append(Stream* s, const Settings* settings, StreamId id, int pairs, const Slice* elements) noexcept nogil
cdef bint stream_has(Stream* s, StreamId id) noexcept nogil                        # is there an entry of this id
cdef bint stream_last_entry(Stream* s, StreamId* id) noexcept nogil                # of the last entry; False: the stream is empty
# The entries from start to end, both included, forwards or backwards. Only stream_iter_delete may change the stream meanwhile
cdef void stream_iter(StreamIter* it, Stream* s, StreamId start, StreamId end, bint backwards) noexcept nogil
cdef bint stream_iter_next(StreamIter* it) noexcept nogil                          # it.id and it.fields: the next entry's; False at the end
# The next pair of the entry at hand, borrowed until the iterator or the stream moves on; it.fields counts down to 0
cdef void stream_iter_field(StreamIter* it, Slice* field, Slice* value) noexcept nogil
# Deletes the entry at hand (its fields must not be read any more); the iteration goes on
cdef void stream_iter_delete(StreamIter* it) noexcept nogil
# Deletes an entry. StreamDeleted; max_deleted_id and first_id follow
cdef int stream_delete(Stream* s, StreamId id, int references) noexcept nogil
# Removes entries from the start of the stream: how many. What is left begins at s.first_id. Ask for stream_take_remains after it
cdef uint64_t stream_trim(Stream* s, const StreamTrim* trim) noexcept nogil
# What trimming and deleting groups and consumers cut off, as an entry without a key that free_entry frees in steps; NULL: there is nothing
cdef Entry* stream_take_remains(Stream* s) noexcept nogil
# XSETID: last_id, and what follows unless it is negative, NULL or 0-0
cdef void stream_set_id(Stream* s, StreamId last_id, int64_t entries_added, const StreamId* max_deleted_id) noexcept nogil
# Groups. They are in the order of their names: s.groups[0 .. s.group_count - 1]
cdef StreamGroup* stream_group(const Stream* s, Slice name) noexcept nogil         # NULL: there is none
# A new one (see stream_group_set_id); NULL: the name is taken
cdef StreamGroup* stream_group_create(Stream* s, Slice name, StreamId last_id, int64_t entries_read) noexcept nogil
# What it has read: up to last_id, so many entries, but not more than were added; or READ_UNKNOWN
cdef void stream_group_set_id(const Stream* s, StreamGroup* g, StreamId last_id, int64_t entries_read) noexcept nogil
cdef void stream_group_delete(Stream* s, StreamGroup* g) noexcept nogil            # it is in the remains then
# Deletes a consumer with the entries that are pending for it, which are in the remains then; how many these were
cdef uint64_t stream_consumer_delete(Stream* s, StreamGroup* g, StreamConsumer* c) noexcept nogil
# The group has read the entry of this id, the first one behind its last_id: moves last_id and entries_read, as XREADGROUP > does
cdef void stream_group_advance(const Stream* s, StreamGroup* g, StreamId id) noexcept nogil
# How many entries were added up to this id, as far as that can be told; READ_UNKNOWN
cdef int64_t stream_entries_up_to(const Stream* s, StreamId id) noexcept nogil
# Entries still to be delivered, below 0 where XSETID said too little; False: that cannot be told
cdef bint stream_group_lag(const Stream* s, const StreamGroup* g, int64_t* lag) noexcept nogil
# Whether a group has the entry pending or has not come to it yet, so that ACKED_ONLY keeps it
cdef bint stream_is_referenced(const Stream* s, StreamId id) noexcept nogil
cdef void stream_drop_references(Stream* s, StreamId id) noexcept nogil            # it is pending in no group any more
cdef uint64_t stream_blocks(const Stream* s) noexcept nogil                        # XINFO's radix-tree-keys
cdef uint64_t stream_radix_nodes(const Stream* s) noexcept nogil                   # XINFO's radix-tree-nodes: Redis's. O(blocks)
# For the row
# Takes over a valid listpack as the next block; False, and it is still the caller's: its entries are none, or not above those before
cdef bint stream_take_block(Stream* s, StreamId id, unsigned char* lp) noexcept nogil
# To be called behind the last block, whose last id is s.last_id until then
cdef void stream_loaded(Stream* s, StreamId last_id, uint64_t entries_added, StreamId max_deleted_id) noexcept nogil
cdef StreamGroup* stream_append_group(Stream* s, Slice name) noexcept nogil       # in any order, to be sorted when all are there
cdef bint stream_sort_groups(Stream* s) noexcept nogil                            # False: two have the same name
cdef void stream_free(Entry* e) noexcept nogil
cdef bint stream_free_some(Entry* e, uint64_t items) noexcept nogil
cdef uint64_t stream_free_effort(const Entry* e) noexcept nogil
cdef Entry* stream_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil
cdef size_t stream_memory(Entry* e, uint64_t samples) noexcept nogil
