# Searching is by halves; inserting moves what is behind. An integer too wide for the rest widens all of them, and nothing makes them
# narrow again, as in Redis.

from libc.stdint cimport INT16_MAX, INT16_MIN, INT32_MAX, INT32_MIN, int16_t, int32_t
from libc.string cimport memcpy, memmove
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_realloc

cdef enum:
    HEADER = 8      # bytes an integer (4), integers (4); little endian


cdef inline uint32_t width_of(const unsigned char* s) noexcept nogil:
    cdef uint32_t n
    memcpy(&n, s, 4)
    return n


cdef inline void set_header(unsigned char* s, uint32_t width, uint32_t count) noexcept nogil:
    memcpy(s, &width, 4)
    memcpy(s + 4, &count, 4)


cdef inline uint32_t width_for(int64_t n) noexcept nogil:
    if INT16_MIN <= n <= INT16_MAX:
        return 2
    return 4 if INT32_MIN <= n <= INT32_MAX else 8


cdef inline int64_t at(const unsigned char* s, uint32_t width, uint32_t index) noexcept nogil:
    cdef int16_t n16
    cdef int32_t n32
    cdef int64_t n64
    cdef const unsigned char* p = s + HEADER + <size_t>index * width
    if width == 2:
        memcpy(&n16, p, 2)
        return n16
    if width == 4:
        memcpy(&n32, p, 4)
        return n32
    memcpy(&n64, p, 8)
    return n64


cdef inline void put(unsigned char* s, uint32_t width, uint32_t index, int64_t n) noexcept nogil:
    # little endian: the low bytes of n are its first ones
    memcpy(s + HEADER + <size_t>index * width, &n, width)


cdef unsigned char* is_new() noexcept nogil:
    cdef unsigned char* s = <unsigned char*>mem_alloc(HEADER)
    set_header(s, 2, 0)
    return s


cdef void is_free(unsigned char* s) noexcept nogil:
    mem_free(s)


cdef unsigned char* is_copy(const unsigned char* s) noexcept nogil:
    cdef unsigned char* copy = <unsigned char*>mem_alloc(is_bytes(s))
    memcpy(copy, s, is_bytes(s))
    return copy


cdef uint32_t is_length(const unsigned char* s) noexcept nogil:
    cdef uint32_t n
    memcpy(&n, s + 4, 4)
    return n


cdef size_t is_bytes(const unsigned char* s) noexcept nogil:
    return HEADER + <size_t>width_of(s) * is_length(s)


cdef int64_t is_get(const unsigned char* s, uint32_t index) noexcept nogil:
    return at(s, width_of(s), index)


cdef bint search(const unsigned char* s, int64_t n, uint32_t* place) noexcept nogil:
    """Binary search; *place is where n is or belongs."""
    cdef uint32_t width = width_of(s)
    cdef uint32_t low = 0
    cdef uint32_t high = is_length(s)
    cdef uint32_t middle
    cdef int64_t found
    if high and n > at(s, width, high - 1):
        # sets are mostly filled in order
        low = high
    while low < high:
        middle = low + (high - low) // 2
        found = at(s, width, middle)
        if found == n:
            place[0] = middle
            return True
        if found < n:
            low = middle + 1
        else:
            high = middle
    place[0] = low
    return False


cdef bint is_contains(const unsigned char* s, int64_t n) noexcept nogil:
    cdef uint32_t place
    return width_for(n) <= width_of(s) and search(s, n, &place)


cdef unsigned char* widened(unsigned char* s, int64_t n) noexcept nogil:
    """The set with wider integers and n, which then is the smallest or the largest."""
    cdef uint32_t old = width_of(s)
    cdef uint32_t width = width_for(n)
    cdef uint32_t count = is_length(s)
    cdef uint32_t before = 1 if n < 0 else 0
    cdef uint32_t i
    s = <unsigned char*>mem_realloc(s, HEADER + <size_t>width * (count + 1))
    for i in range(count):
        # from behind: the wider integers overwrite only what has been moved
        put(s, width, count - 1 - i + before, at(s, old, count - 1 - i))
    put(s, width, 0 if before else count, n)
    set_header(s, width, count + 1)
    return s


cdef unsigned char* is_add(unsigned char* s, int64_t n, bint* added) noexcept nogil:
    cdef uint32_t width = width_of(s)
    cdef uint32_t count = is_length(s)
    cdef uint32_t place
    cdef unsigned char* p
    added[0] = True
    if width_for(n) > width:
        return widened(s, n)
    if search(s, n, &place):
        added[0] = False
        return s
    s = <unsigned char*>mem_realloc(s, HEADER + <size_t>width * (count + 1))
    p = s + HEADER + <size_t>place * width
    memmove(p + width, p, <size_t>(count - place) * width)
    put(s, width, place, n)
    set_header(s, width, count + 1)
    return s


cdef unsigned char* is_remove(unsigned char* s, int64_t n, bint* removed) noexcept nogil:
    cdef uint32_t width = width_of(s)
    cdef uint32_t count = is_length(s)
    cdef uint32_t place
    cdef unsigned char* p
    removed[0] = width_for(n) <= width and search(s, n, &place)
    if not removed[0]:
        return s
    p = s + HEADER + <size_t>place * width
    memmove(p, p + width, <size_t>(count - place - 1) * width)
    set_header(s, width, count - 1)
    return <unsigned char*>mem_realloc(s, HEADER + <size_t>width * (count - 1))


cdef bint is_valid(const unsigned char* s, size_t size, bint deep) noexcept nogil:
    cdef uint32_t width
    cdef uint32_t count
    cdef uint32_t i
    if size < HEADER:
        return False
    width = width_of(s)
    count = is_length(s)
    if width != 2 and width != 4 and width != 8 or count == 0 or HEADER + <size_t>width * count != size:
        return False
    if deep:
        for i in range(1, count):
            if at(s, width, i - 1) >= at(s, width, i):
                return False
    return True
