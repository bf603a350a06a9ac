"""Lists: a listpack while small, a quicklist beyond list-max-listpack-size; back again when a single node has shrunk to half of it."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.listpack cimport LpItem, LpNeedle
from zippy._core.ground.quicklist cimport QlIter
from zippy._core.values.entry cimport Entry
from zippy._core.values.settings cimport Settings

cdef enum:
    LIST_HEAD = 0
    LIST_TAIL = 1


cdef struct ListIter:
    Entry* entry
    QlIter quick           # when the list is a quicklist
    unsigned char* p       # when it is a listpack: the element just returned or, when fresh, the one to be returned
    bint fresh
    int direction          # LIST_TAIL: towards the tail
    LpItem item            # the element just returned, borrowed until the next change


cdef struct ListNodes:
    # of a list that is a quicklist
    uint64_t count
    uint64_t elements
    size_t bytes           # of the elements in all nodes, uncompressed
    int fill               # list-max-listpack-size and list-compress-depth, as they were when it became one
    int compress


cdef Entry* list_new(Slice key) noexcept nogil                                         # an empty list
cdef uint64_t list_length(const Entry* e) noexcept nogil
# To be called before count elements are pushed or inserted: makes a quicklist of a listpack that they would make too large
cdef void list_make_room(Entry* e, const Settings* s, int count, const Slice* elements) noexcept nogil
# makes a listpack of a quicklist that has shrunk enough
cdef void list_after_removal(Entry* e, const Settings* s) noexcept nogil
cdef void list_after_change(Entry* e, const Settings* s) noexcept nogil                # makes the encoding fit, whatever was done
cdef void list_push(Entry* e, Slice element, int where) noexcept nogil
# negative index from the end; False: out of range
cdef bint list_iter(ListIter* it, Entry* e, int64_t index, int direction) noexcept nogil
cdef bint list_iter_next(ListIter* it) noexcept nogil                                  # it.item is the element; False at the end
# the next ones, at most so many (borrowed); 0 at the end
cdef int list_iter_items(ListIter* it, LpItem* items, int most) noexcept nogil
# goes on to the next that matches, looking at so many at most, which are taken off; False: none, or none of these
cdef bint list_iter_find(ListIter* it, const LpNeedle* needle, uint64_t* most) noexcept nogil
cdef void list_iter_done(ListIter* it) noexcept nogil
# LP_BEFORE or LP_AFTER the one just returned; ends the iteration
cdef void list_iter_insert(ListIter* it, Slice element, int where) noexcept nogil
cdef void list_iter_replace(ListIter* it, Slice element) noexcept nogil                # the one just returned; ends the iteration
cdef void list_iter_delete(ListIter* it) noexcept nogil                                # the one just returned; the iteration goes on
cdef void list_delete_range(Entry* e, int64_t index, uint64_t count) noexcept nogil
cdef Slice item_text(const LpItem* item, char* scratch) noexcept nogil                 # as bytes; integers are written into scratch[24]
cdef void list_free(Entry* e) noexcept nogil
cdef bint list_free_some(Entry* e, uint64_t items) noexcept nogil
cdef uint64_t list_free_effort(const Entry* e) noexcept nogil
cdef Entry* list_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil
cdef bint list_nodes(const Entry* e, ListNodes* nodes) noexcept nogil                  # False: it is no quicklist. O(nodes)
cdef size_t list_memory(Entry* e, uint64_t samples) noexcept nogil
