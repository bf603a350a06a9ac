"""Sets: an intset while all members are integers, else a listpack, else a hash table; never back, but SPOP and the STORE commands make
fresh sets.

A member in the table is one block: its length (1 byte up to 252, else 253, 254 or 255 and 2, 4 or 8 bytes), then its bytes.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint32_t, uint64_t
from zippy._core.ground.slice cimport Slice
from zippy._core.ground.hashtable cimport HashTable, HtIter
from zippy._core.ground.listpack cimport LpItem
from zippy._core.ground.random cimport Random
from zippy._core.values.entry cimport Entry
from zippy._core.values.settings cimport Settings

cdef enum:
    SET_TEXT = 24          # bytes of scratch that the text of an integer needs


cdef struct SetIter:
    Entry* entry
    HtIter table           # when the set is a hash table
    unsigned char* p       # when it is a listpack: the next member
    uint32_t index         # when it is an intset: the next member
    LpItem member          # the one just returned, borrowed until the next change


# An empty set in the encoding that suits `expected` members of which this is one
cdef Entry* set_new(Slice key, const Settings* s, Slice member, uint64_t expected) noexcept nogil
cdef Entry* set_new_intset(Slice key) noexcept nogil
cdef Entry* set_new_listpack(Slice key) noexcept nogil
cdef Entry* set_new_table(Slice key) noexcept nogil
cdef uint64_t set_length(const Entry* e) noexcept nogil
cdef bint set_contains(const Entry* e, Slice member) noexcept nogil
cdef bint set_contains_item(const Entry* e, const LpItem* member) noexcept nogil
# To be called before `expected` members are added at once: makes a hash table of a set that so many could not go into
cdef void set_make_room(Entry* e, const Settings* s, uint64_t expected) noexcept nogil
cdef bint set_add(Entry* e, const Settings* s, Slice member) noexcept nogil            # False: it was there
cdef bint set_add_item(Entry* e, const Settings* s, const LpItem* member) noexcept nogil
cdef bint set_remove(Entry* e, Slice member) noexcept nogil                            # False: it was not there
cdef bint set_remove_item(Entry* e, const LpItem* member) noexcept nogil
# All members are integers: makes an intset of them, unless they are too many
cdef void set_try_intset(Entry* e, const Settings* s) noexcept nogil
# A uniform member of a set that is not empty. Who draws many gives what set_places said, which is then freed by mem_free, else NULL
cdef void set_random(const Entry* e, Random* r, const uint32_t* places, LpItem* member) noexcept nogil
cdef uint32_t* set_places(const Entry* e) noexcept nogil                             # where a listpack's members are; NULL: nothing to know
cdef void set_iter(SetIter* it, Entry* e) noexcept nogil                               # ends with set_iter_done
cdef bint set_iter_next(SetIter* it) noexcept nogil                                    # it.member is the member; False at the end
cdef void set_iter_done(SetIter* it) noexcept nogil
cdef HashTable* set_table(const Entry* e) noexcept nogil                               # the table of members, NULL in the other encodings
cdef void set_member_of(const void* block, Slice* member) noexcept nogil               # of a block in the table
cdef Slice set_text(const LpItem* member, char* scratch) noexcept nogil                # as bytes; integers are written to scratch[SET_TEXT]
cdef void set_swap(Entry* a, Entry* b) noexcept nogil                                  # exchanges members and encodings
cdef void set_free(Entry* e) noexcept nogil
cdef bint set_free_some(Entry* e, uint64_t items) noexcept nogil
cdef uint64_t set_free_effort(const Entry* e) noexcept nogil
cdef Entry* set_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil
cdef size_t set_memory(Entry* e, uint64_t samples) noexcept nogil
