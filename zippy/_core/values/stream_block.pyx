# Elements are written with room reserved for a whole entry, so that a block moves at most once for each; blocks from elsewhere are gone
# through entry by entry before they are used.

from zippy._core.ground.id_tree cimport stream_id_compare
from zippy._core.ground.listpack cimport (
    LP_MAX_BYTES, LP_OVERHEAD, lp_append_int_into, lp_append_into, lp_bytes, lp_equals, lp_first, lp_new, lp_next, lp_replace_int
)
from zippy._core.ground.mem cimport mem_realloc, mem_size


cdef size_t block_largest(const Settings* settings) noexcept nogil:
    cdef uint64_t most = <uint64_t>settings.stream_node_max_bytes
    return most if 0 < most < LP_MAX_BYTES else LP_MAX_BYTES


cdef unsigned char* with_room(unsigned char* lp, size_t extra, size_t most) noexcept nogil:
    """The block with room for so many bytes more. It grows by halves, to `most` unless more is needed."""
    cdef size_t need = lp_bytes(lp) + extra
    cdef size_t size = mem_size(lp)
    if need <= size:
        return lp
    return <unsigned char*>mem_realloc(lp, max(need, min(size + size // 2, most)))


cdef inline size_t text_room(Slice s) noexcept nogil:
    """Bytes that it takes in a listpack, at most."""
    return s.len + (2 if s.len < 64 else LP_OVERHEAD)


cdef inline size_t int_room(int64_t n) noexcept nogil:
    return 3 if -4096 <= n <= 4095 else LP_OVERHEAD


cdef size_t entry_room(int pairs, const Slice* elements, StreamId base, StreamId id, bint same) noexcept nogil:
    """Bytes that the entry takes in a block, at most."""
    cdef size_t room = int_room(0) + 2 * int_room(2 * <int64_t>pairs + 4)
    cdef int i
    room += int_room(<int64_t>(id.ms - base.ms)) + int_room(<int64_t>(id.seq - base.seq))
    for i in range(pairs):
        room += text_room(elements[2 * i + 1]) + (0 if same else text_room(elements[2 * i]))
    return room


cdef size_t master_room(int pairs, const Slice* elements) noexcept nogil:
    cdef size_t room = 3 * int_room(0) + int_room(pairs)
    cdef int i
    for i in range(pairs):
        room += text_room(elements[2 * i])
    return room


cdef bint has_fields_of_master(const unsigned char* lp, int pairs, const Slice* elements) noexcept nogil:
    """Whether a block's master entry has the fields of these pairs, in this order."""
    cdef const unsigned char* p = lp_next(lp, lp_next(lp, lp_first(lp)))
    cdef int i
    if block_int(p) != pairs:
        return False
    for i in range(pairs):
        p = lp_next(lp, p)
        if not lp_equals(p, elements[2 * i]):
            return False
    return True


cdef void write_master(unsigned char* lp, int pairs, const Slice* elements) noexcept nogil:
    """The master entry of a block without entries."""
    cdef int i
    lp_append_int_into(lp, 0)
    lp_append_int_into(lp, 0)
    lp_append_int_into(lp, pairs)
    for i in range(pairs):
        lp_append_into(lp, elements[2 * i])
    lp_append_int_into(lp, 0)


cdef void write_entry(unsigned char* lp, StreamId base, StreamId id, int pairs, const Slice* elements, bint same) noexcept nogil:
    cdef int i
    lp_append_int_into(lp, ENTRY_SAME_FIELDS if same else 0)
    lp_append_int_into(lp, <int64_t>(id.ms - base.ms))
    lp_append_int_into(lp, <int64_t>(id.seq - base.seq))
    if not same:
        lp_append_int_into(lp, pairs)
    for i in range(pairs):
        if not same:
            lp_append_into(lp, elements[2 * i])
        lp_append_into(lp, elements[2 * i + 1])
    lp_append_int_into(lp, pairs + 3 if same else 2 * <int64_t>pairs + 4)


cdef bint block_takes(const unsigned char* lp, size_t bytes, const Settings* settings) noexcept nogil:
    cdef unsigned char* p = lp_first(lp)
    if lp_bytes(lp) + bytes >= block_largest(settings):
        return False
    return settings.stream_node_max_entries == 0 or block_int(p) + block_int(lp_next(lp, p)) < settings.stream_node_max_entries


cdef unsigned char* block_new(StreamId id, int pairs, const Slice* elements, size_t most) noexcept nogil:
    cdef unsigned char* p
    cdef unsigned char* lp = with_room(lp_new(0), master_room(pairs, elements) + entry_room(pairs, elements, id, id, True), most)
    write_master(lp, pairs, elements)
    write_entry(lp, id, id, pairs, elements, True)
    p = lp_first(lp)
    return lp_replace_int(lp, &p, 1)


cdef unsigned char* block_add(
    unsigned char* lp, StreamId base, StreamId id, int pairs, const Slice* elements, size_t most
) noexcept nogil:
    cdef unsigned char* p
    cdef bint same = has_fields_of_master(lp, pairs, elements)
    # what the count at the head may need more
    lp = with_room(lp, entry_room(pairs, elements, base, id, same) + LP_OVERHEAD, most)
    write_entry(lp, base, id, pairs, elements, same)
    p = lp_first(lp)
    return lp_replace_int(lp, &p, block_int(p) + 1)


cdef unsigned char* block_count_deleted(unsigned char* lp) noexcept nogil:
    cdef unsigned char* p = lp_first(lp)
    lp = lp_replace_int(lp, &p, block_int(p) - 1)
    p = lp_next(lp, p)
    return lp_replace_int(lp, &p, block_int(p) + 1)


# Blocks from elsewhere


cdef bint take_int(const unsigned char* lp, unsigned char** p, int64_t* n) noexcept nogil:
    """Reads the element at p and goes on; False: it is not there or no integer."""
    cdef LpItem item
    if p[0] == NULL:
        return False
    lp_get(p[0], &item)
    n[0] = item.num
    p[0] = lp_next(lp, p[0])
    return item.ptr == NULL


cdef bint take_count(const unsigned char* lp, unsigned char** p, int64_t* n) noexcept nogil:
    """The same for a number of elements that the block may have."""
    return take_int(lp, p, n) and 0 <= n[0] <= LP_MAX_BYTES


cdef bint skip(const unsigned char* lp, unsigned char** p, int64_t count) noexcept nogil:
    """Goes over so many elements; False: they are not there."""
    while count and p[0] != NULL:
        p[0] = lp_next(lp, p[0])
        count -= 1
    return count == 0


cdef bint take_entry(const unsigned char* lp, unsigned char** p, int64_t master_fields, StreamId* id, bint* deleted) noexcept nogil:
    """Reads an entry of the block whose id is *id, which becomes the entry's; False: it is none."""
    cdef int64_t flags
    cdef int64_t ms
    cdef int64_t seq
    cdef int64_t fields = master_fields
    cdef int64_t length
    if not (take_int(lp, p, &flags) and take_int(lp, p, &ms) and take_int(lp, p, &seq)) or flags & ~(ENTRY_DELETED | ENTRY_SAME_FIELDS):
        return False
    id.ms += <uint64_t>ms
    id.seq += <uint64_t>seq
    deleted[0] = (flags & ENTRY_DELETED) != 0
    if not flags & ENTRY_SAME_FIELDS and not take_count(lp, p, &fields):
        return False
    if fields == 0 or not skip(lp, p, fields if flags & ENTRY_SAME_FIELDS else 2 * fields) or not take_int(lp, p, &length):
        return False
    return length == (fields + 3 if flags & ENTRY_SAME_FIELDS else 2 * fields + 4)


cdef bint block_check(const unsigned char* lp, StreamId base, uint64_t* live, StreamId* last) noexcept nogil:
    cdef unsigned char* p = lp_first(lp)
    cdef int64_t count
    cdef int64_t deleted
    cdef int64_t fields
    cdef int64_t end
    cdef int64_t seen_deleted = 0
    cdef int64_t i
    cdef bint is_deleted
    cdef StreamId id
    if not (take_count(lp, &p, &count) and take_count(lp, &p, &deleted) and take_count(lp, &p, &fields)):
        return False
    if count + deleted == 0 or fields == 0 or not (skip(lp, &p, fields) and take_int(lp, &p, &end)) or end != 0:
        return False
    for i in range(count + deleted):
        id = base
        if not take_entry(lp, &p, fields, &id, &is_deleted):
            return False
        if stream_id_compare(id, last[0] if i else base) < (1 if i else 0):
            return False
        last[0] = id
        seen_deleted += is_deleted
    live[0] = <uint64_t>count
    return p == NULL and seen_deleted == deleted
