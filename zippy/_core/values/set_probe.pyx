# The index is an open table of hashes' tags and places in the listpack, made when so many questions are to come that it pays.

from libc.string cimport memset
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.listpack cimport LP_INT_TEXT, lp_equals, lp_first, lp_next, lp_text
from zippy._core.ground.mem cimport mem_free, mem_try_alloc
from zippy._core.values.entry cimport ENC_LISTPACK, entry_encoding, entry_value
from zippy._core.values.set cimport SET_TEXT, set_contains_item, set_length, set_text

cdef enum:
    WORTH = 8          # lookups, and members, from which on an index is


cdef inline uint64_t tag_of(uint64_t hash) noexcept nogil:
    return hash & <uint64_t>0xFFFFFFFF00000000


cdef void add(SetProbe* p, uint64_t hash, uint64_t offset) noexcept nogil:
    cdef uint32_t at = <uint32_t>hash & p.mask
    while p.places[at]:
        at = (at + 1) & p.mask
    p.places[at] = tag_of(hash) | offset


cdef void probe_init(SetProbe* p, const Entry* entry, uint64_t lookups) noexcept nogil:
    cdef char[LP_INT_TEXT] scratch
    cdef unsigned char* lp
    cdef unsigned char* element
    cdef Slice member
    cdef size_t size = 2 * WORTH
    p.entry = entry
    p.places = NULL
    if entry == NULL or entry_encoding(entry) != ENC_LISTPACK or lookups < WORTH or set_length(entry) < WORTH:
        return
    while size < 2 * set_length(entry):
        size *= 2
    p.mask = <uint32_t>(size - 1)
    p.places = <uint64_t*>mem_try_alloc(size * sizeof(uint64_t))
    if p.places == NULL:
        # it is slower without, and comes to the same
        return
    memset(p.places, 0, size * sizeof(uint64_t))
    lp = <unsigned char*>entry_value(entry)
    element = lp_first(lp)
    while element != NULL:
        member = lp_text(element, scratch)
        add(p, hash_bytes(member.ptr, member.len), <uint64_t>(element - lp))
        element = lp_next(lp, element)


cdef bint probe_contains(const SetProbe* p, const LpItem* item) noexcept nogil:
    cdef char[SET_TEXT] scratch
    cdef unsigned char* lp
    cdef Slice member
    cdef uint64_t hash
    cdef uint64_t place
    cdef uint32_t at
    if p.places == NULL:
        return set_contains_item(p.entry, item)
    lp = <unsigned char*>entry_value(p.entry)
    member = set_text(item, scratch)
    hash = hash_bytes(member.ptr, member.len)
    at = <uint32_t>hash & p.mask
    while p.places[at]:
        place = p.places[at]
        if tag_of(place) == tag_of(hash) and lp_equals(lp + <uint32_t>place, member):
            return True
        at = (at + 1) & p.mask
    return False


cdef void probe_free(SetProbe* p) noexcept nogil:
    mem_free(p.places)
