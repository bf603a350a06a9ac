from libc.stdio cimport fprintf, stderr
from libc.stdlib cimport abort, free, malloc, realloc
from libc.string cimport memset

cdef extern from "<malloc.h>" nogil:
    size_t malloc_usable_size(void* block)


cdef Account* charged = NULL


cdef void mem_charge_to(Account* account) noexcept nogil:
    global charged
    charged = account


cdef Account* mem_charged() noexcept nogil:
    return charged


cdef inline void charge(int64_t size, int64_t blocks) noexcept nogil:
    if charged != NULL:
        charged.used += size
        charged.blocks += blocks
        if charged.used > charged.peak:
            charged.peak = charged.used


cdef void* mem_try_alloc(size_t size) noexcept nogil:
    cdef void* block = malloc(size if size > 0 else 1)
    if block != NULL:
        charge(malloc_usable_size(block), 1)
    return block


cdef void out_of_memory(size_t size) noexcept nogil:
    fprintf(stderr, "zippy: out of memory allocating %zu bytes\n", size)
    abort()


cdef void* mem_alloc(size_t size) noexcept nogil:
    cdef void* block = mem_try_alloc(size)
    if block == NULL:
        out_of_memory(size)
    return block


cdef void* mem_zalloc(size_t size) noexcept nogil:
    cdef void* block = mem_alloc(size)
    memset(block, 0, size)
    return block


cdef void* mem_try_realloc(void* block, size_t size) noexcept nogil:
    if block == NULL:
        return mem_try_alloc(size)
    cdef int64_t before = malloc_usable_size(block)
    cdef void* moved = realloc(block, size if size > 0 else 1)
    if moved != NULL:
        charge(<int64_t>malloc_usable_size(moved) - before, 0)
    return moved


cdef void* mem_realloc(void* block, size_t size) noexcept nogil:
    cdef void* moved = mem_try_realloc(block, size)
    if moved == NULL:
        out_of_memory(size)
    return moved


cdef void mem_free(void* block) noexcept nogil:
    if block != NULL:
        charge(-<int64_t>malloc_usable_size(block), -1)
        free(block)


cdef size_t mem_size(const void* block) noexcept nogil:
    return malloc_usable_size(<void*>block)


cdef size_t mem_good_size(size_t size) noexcept nogil:
    return (size + 8 + 15) & ~<size_t>15 if size > 24 else 24


cdef size_t mem_resident() noexcept nogil:
    return 0


cdef void mem_release() noexcept nogil:
    pass
