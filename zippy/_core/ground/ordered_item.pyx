"""A merge sort of keys with the items' addresses beside them, first by score alone. So only members of equal scores are read, and most of
those but once: they are sorted by the eight bytes from where they begin to differ.
"""

from libc.string cimport memcpy
from zippy._core.ground.buf cimport slice_compare
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_size
from zippy._core.ground.slice cimport slice_equal

cdef enum:
    FEW = 8                  # items that are sorted by insertion


cdef OtItem* ot_item_new(double score, Slice member) noexcept nogil:
    cdef bint is_long = member.len >= OT_LONG_MEMBER
    cdef OtItem* item = <OtItem*>mem_alloc(sizeof(OtItem) + (1 + sizeof(size_t) if is_long else 1) + member.len)
    cdef uint8_t* p = <uint8_t*>(item + 1)
    item.score = score
    p[0] = <uint8_t>OT_LONG_MEMBER if is_long else <uint8_t>member.len
    p += 1
    if is_long:
        memcpy(p, &member.len, sizeof(member.len))
        p += sizeof(member.len)
    if member.len:
        memcpy(p, member.ptr, member.len)
    return item


cdef void ot_item_free(OtItem* item) noexcept nogil:
    mem_free(item)


cdef size_t ot_item_memory(const OtItem* item) noexcept nogil:
    return mem_size(item)


cdef void ot_key_of(const void* item, Slice* key) noexcept nogil:
    key[0] = ot_member(<const OtItem*>item)


cdef inline uint64_t key_of_member(Slice member, size_t first) noexcept nogil:
    """Eight bytes of it, zeros behind its end. So members with equal keys may differ, but none comes before one of a smaller key."""
    cdef uint64_t key = 0
    cdef size_t i
    for i in range(first, first + sizeof(key)):
        key = key << 8 | (<uint8_t>member.ptr[i] if i < member.len else 0)
    return key


cdef inline bint goes_before(const OtRanked* a, const OtRanked* b, bint by_member) noexcept nogil:
    return a.key < b.key or (by_member and a.key == b.key and slice_compare(ot_member(a.item), ot_member(b.item)) < 0)


cdef inline void insertion_sort(OtRanked* ranked, size_t count, bint by_member) noexcept nogil:
    cdef OtRanked taken
    cdef size_t i, place
    for i in range(1, count):
        taken = ranked[i]
        place = i
        while place and goes_before(&taken, &ranked[place - 1], by_member):
            ranked[place] = ranked[place - 1]
            place -= 1
        ranked[place] = taken


cdef inline void merge(OtRanked* ranked, OtRanked* spare, size_t half, size_t count, bint by_member) noexcept nogil:
    """Of two sorted parts. Which part is next is a number and no branch, since that would be mispredicted every other time."""
    cdef const OtRanked* left = spare
    cdef const OtRanked* left_end = spare + half
    cdef const OtRanked* right = ranked + half
    cdef const OtRanked* right_end = ranked + count
    cdef size_t from_right
    memcpy(spare, ranked, half * sizeof(OtRanked))
    while left < left_end and right < right_end:
        from_right = goes_before(right, left, by_member)
        ranked[0] = (right if from_right else left)[0]
        right += from_right
        left += 1 - from_right
        ranked += 1
    memcpy(ranked, left, (left_end - left) * sizeof(OtRanked))


cdef void sort(OtRanked* ranked, OtRanked* spare, size_t count, bint by_member) noexcept nogil:
    """Leaves those that are equal as they were; by_member: members decide where keys are equal. The spare has room for half of them.
    Parts that are in order already take a comparison each."""
    cdef size_t half = count // 2
    if count <= FEW:
        insertion_sort(ranked, count, by_member)
        return
    sort(ranked, spare, half, by_member)
    sort(ranked + half, spare, count - half, by_member)
    if goes_before(&ranked[half], &ranked[half - 1], by_member):
        merge(ranked, spare, half, count, by_member)


cdef size_t common_length(const OtRanked* ranked, size_t count) noexcept nogil:
    """With how many bytes all of the members begin alike."""
    cdef Slice first = ot_member(ranked[0].item)
    cdef Slice other
    cdef size_t common = first.len
    cdef size_t i, same
    for i in range(1, count):
        other = ot_member(ranked[i].item)
        common = min(common, other.len)
        if not slice_equal(slice_of(first.ptr, common), slice_of(other.ptr, common)):
            same = 0
            while first.ptr[same] == other.ptr[same]:
                same += 1
            common = same
    return common


cdef void sort_equal_scores(OtRanked* ranked, OtRanked* spare, size_t count) noexcept nogil:
    """By the bytes in which the members begin to differ, which spares the reading of most of them."""
    cdef size_t common = common_length(ranked, count)
    cdef size_t i
    for i in range(count):
        ranked[i].key = key_of_member(ot_member(ranked[i].item), common)
    sort(ranked, spare, count, True)


cdef void ot_sort(OtRanked* ranked, OtRanked* spare, size_t count) noexcept nogil:
    cdef size_t first = 0
    cdef size_t end
    sort(ranked, spare, count, False)
    while first < count:
        end = first + 1
        while end < count and ranked[end].key == ranked[first].key:
            end += 1
        if end - first > 1:
            sort_equal_scores(ranked + first, spare, end - first)
        first = end
