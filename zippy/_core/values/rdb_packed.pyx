# Whatever is read is checked in full before anything uses it: the structure of each packed block, and that fields and members differ.

from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.listpack cimport LP_INT_TEXT, lp_first, lp_free, lp_length, lp_next, lp_text, lp_valid
from zippy._core.ground.mem cimport mem_free, mem_zalloc
from zippy._core.ground.slice cimport Slice, slice_equal, slice_of
from zippy._core.values.rdb_old cimport listpack_of_ziplist, listpack_of_zipmap
from zippy._core.values.rdb_stream cimport (
    RDB_CORRUPT, RDB_EMPTY, RDB_OK, rdb_fail, rdb_read_block, rdb_read_count, rdb_write_string
)

cdef enum:
    FEW = 16                    # elements: so many are compared each with each


cdef void rdb_write_block(RdbWriter* w, const void* block, size_t size) noexcept nogil:
    rdb_write_string(w, slice_of(<const char*>block, size))


cdef bint rdb_read_some(RdbReader* r, uint64_t* count, size_t least) noexcept nogil:
    if not rdb_read_count(r, count, least):
        return False
    if count[0] == 0:
        rdb_fail(r, RDB_EMPTY, b"a collection without elements")
        return False
    return True


cdef bint same_text(const unsigned char* a, const unsigned char* b) noexcept nogil:
    cdef char[LP_INT_TEXT] one
    cdef char[LP_INT_TEXT] other
    return slice_equal(lp_text(a, one), lp_text(b, other))


cdef bint differ_in_pairs(const unsigned char* lp, int step) noexcept nogil:
    """rdb_texts_differ for few elements."""
    cdef unsigned char* p = lp_first(lp)
    cdef unsigned char* q
    cdef int _
    while p != NULL:
        q = p
        while q != NULL:
            for _ in range(step):
                q = lp_next(lp, q)
            if q != NULL and same_text(p, q):
                return False
        for _ in range(step):
            p = lp_next(lp, p)
    return True


cdef bint rdb_texts_differ(const unsigned char* lp, uint32_t count, int step) noexcept nogil:
    cdef uint32_t* places           # offsets in the listpack by hash, 0: free
    cdef uint64_t slots = 4
    cdef uint64_t at
    cdef unsigned char* p = lp_first(lp)
    cdef char[LP_INT_TEXT] scratch
    cdef Slice text
    cdef bint differ = True
    cdef int _
    if count <= FEW:
        return differ_in_pairs(lp, step)
    while slots < <uint64_t>count * 2:
        slots *= 2
    places = <uint32_t*>mem_zalloc(slots * sizeof(uint32_t))
    while p != NULL and differ:
        text = lp_text(p, scratch)
        at = hash_bytes(text.ptr, text.len) & (slots - 1)
        while places[at] and differ:
            differ = not same_text(lp + places[at], p)
            at = (at + 1) & (slots - 1)
        places[at] = <uint32_t>(p - lp)
        for _ in range(step):
            p = lp_next(lp, p)
    mem_free(places)
    return differ


cdef unsigned char* rdb_read_listpack(RdbReader* r, int form, uint32_t step) noexcept nogil:
    cdef size_t size
    cdef unsigned char* lp = NULL
    cdef unsigned char* block = rdb_read_block(r, &size)
    if block == NULL:
        return NULL
    if form == PACKED_ZIPMAP:
        lp = listpack_of_zipmap(block, size)
    elif form == PACKED_ZIPLIST:
        lp = listpack_of_ziplist(block, size)
    elif lp_valid(block, size, True):
        lp = block
    if lp != block:
        mem_free(block)
    if lp == NULL:
        rdb_fail(r, RDB_CORRUPT, b"a packed value that is damaged")
        return NULL
    if lp_length(lp) == 0:
        rdb_fail(r, RDB_EMPTY, b"a collection without elements")
    elif lp_length(lp) % step:
        rdb_fail(r, RDB_CORRUPT, b"a field or member without its value")
    if r.status != RDB_OK:
        lp_free(lp)
        return NULL
    return lp
