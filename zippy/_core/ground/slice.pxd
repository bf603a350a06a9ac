"""Byte slices: where some bytes are and how many."""

from libc.stddef cimport size_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    /* memcmp's yes or no for what is mostly short: without a call up to 32 bytes, in parts that may overlap; names differ at their ends */
    static inline int zippy_same(const char* a, const char* b, size_t n) {
        if (n >= 8) {
            uint64_t v, w, x, y;
            memcpy(&x, a + n - 8, 8); memcpy(&y, b + n - 8, 8);
            if (x != y) return 0;
            if (n > 32) return memcmp(a, b, n - 8) == 0;
            memcpy(&v, a, 8); memcpy(&w, b, 8);
            if (n <= 16) return v == w;
            memcpy(&x, a + 8, 8); memcpy(&y, b + 8, 8);
            v = (v ^ w) | (x ^ y);
            memcpy(&x, a + n - 16, 8); memcpy(&y, b + n - 16, 8);
            return (v | (x ^ y)) == 0;
        }
        if (n >= 4) {
            uint32_t v, w, x, y;
            memcpy(&v, a, 4); memcpy(&w, b, 4); memcpy(&x, a + n - 4, 4); memcpy(&y, b + n - 4, 4);
            return ((v ^ w) | (x ^ y)) == 0;
        }
        return !n || (a[0] == b[0] && a[n >> 1] == b[n >> 1] && a[n - 1] == b[n - 1]);
    }
    /* memcpy for what is mostly short: without a call up to 32 bytes, in halves that may overlap */
    static inline void zippy_copy(char* to, const char* from, size_t n) {
        if (n > 32) { memcpy(to, from, n); return; }
        if (n >= 16) {
            uint64_t a, b, c, d;
            memcpy(&a, from, 8); memcpy(&b, from + 8, 8); memcpy(&c, from + n - 16, 8); memcpy(&d, from + n - 8, 8);
            memcpy(to, &a, 8); memcpy(to + 8, &b, 8); memcpy(to + n - 16, &c, 8); memcpy(to + n - 8, &d, 8);
        } else if (n >= 8) {
            uint64_t a, b;
            memcpy(&a, from, 8); memcpy(&b, from + n - 8, 8);
            memcpy(to, &a, 8); memcpy(to + n - 8, &b, 8);
        } else if (n >= 4) {
            uint32_t a, b;
            memcpy(&a, from, 4); memcpy(&b, from + n - 4, 4);
            memcpy(to, &a, 4); memcpy(to + n - 4, &b, 4);
        } else if (n) {
            char a = from[0], b = from[n / 2], c = from[n - 1];
            to[0] = a; to[n / 2] = b; to[n - 1] = c;
        }
    }
    """
    bint zippy_same(const char* a, const char* b, size_t n) noexcept nogil
    void copy_bytes "zippy_copy"(char* to, const char* source, size_t n) noexcept nogil     # memcpy for what is mostly short
    void prefetch "__builtin_prefetch"(const void* place) noexcept nogil    # begins to read what will be needed; of any address


cdef struct Slice:
    const char* ptr  # borrowed; NULL stands for "no value"
    size_t len       # bytes


cdef inline Slice slice_of(const char* ptr, size_t len) noexcept nogil:
    cdef Slice s
    s.ptr = ptr
    s.len = len
    return s


cdef inline bint slice_equal(Slice a, Slice b) noexcept nogil:
    return a.len == b.len and zippy_same(a.ptr, b.ptr, a.len)
