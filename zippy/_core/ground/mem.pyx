"""Slabs of equal blocks, as in Bonwick's allocator: 64 KiB each, 64 to a chunk of 4 MiB that is mapped from the system.

No block has a header: a byte per 64 KiB of address space says whether a slab is there and of which class, and the slab's own header is
found by rounding the address down to its chunk. The headers lie together at the start of the chunk, not in their slabs, so that a slab
holds whole powers of two and headers do not all compete for the same cache set. Blocks above 16 KiB are the C library's, those of 256 KiB
and more mappings of their own (pages).

A class allocates from one current slab; when that is full it goes on with one of the fullest slabs that have room (four lists by quarters
of their fill), so that the emptier ones can drain. Where too many do not, the keyspace moves what it can out of the sparse ones. Empty
slabs beyond a small reserve are given back page-wise, empty chunks beyond one are unmapped.

A large block that is freed keeps its pages for the next one. Where somebody gives back now and then, what nobody wanted for some seconds
leaves by and by, as half a gigabyte takes the system 40 ms, and so does what is more than a part of all that is in use; where nobody does,
little is kept.
"""

from libc.stdint cimport SIZE_MAX, uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport abort, calloc, free, realloc
from libc.string cimport memcpy, memset, strcpy, strlen
from zippy._core.ground.format cimport format_text
from zippy._core.ground.pages cimport (
    HUGE_PAGE, PAGES_LEAST, pages_are_stale, pages_ask_for_huge, pages_ask_for_small, pages_clock, pages_free, pages_give_back,
    pages_good_size, pages_held, pages_keep, pages_kept, pages_leave, pages_map, pages_new, pages_provide, pages_resize, pages_size,
    pages_unmap
)

cdef extern from *:
    """
    #include <fcntl.h>
    #include <stdint.h>
    #include <stdlib.h>
    #include <string.h>
    #include <unistd.h>
    #if defined(__APPLE__)
    #include <malloc/malloc.h>
    #define zippy_usable malloc_size
    #else
    #include <malloc.h>
    #define zippy_usable malloc_usable_size
    #endif

    #define ZIPPY_CHUNK ((size_t)4 << 20)

    /* the largest block that comes from a slab, and whether the largest are mappings of their own; a sanitizer sees more if every block is
       malloc's own */
    #if ZIPPY_SANITIZE
    #define ZIPPY_MAX_SLABBED 0
    #define ZIPPY_MAPS 0
    #else
    #define ZIPPY_MAX_SLABBED 16384
    #define ZIPPY_MAPS 1
    #endif

    /* what the C library gives for a request that is too large for a slab, at least */
    static inline size_t zippy_big_size(size_t size) {
    #if defined(__GLIBC__) && !ZIPPY_SANITIZE
        return ((size + 8 + 15) & ~(size_t)15) - 8;
    #elif defined(__APPLE__) && !ZIPPY_SANITIZE
        return malloc_good_size(size);
    #else
        return size;
    #endif
    }

    static inline void zippy_trim_library(void) {
    #if defined(__GLIBC__)
        malloc_trim(0);
    #elif defined(__APPLE__)
        malloc_zone_pressure_relief(NULL, 0);
    #endif
    }

    static inline void zippy_poison(void* block, int byte, size_t size) {
    #if ZIPPY_DEBUG
        memset(block, byte, size);
    #endif
    }

    /* writes a line to stderr and at the end of a file, unless its path is empty */
    static void zippy_tell(const char* path, const char* line, size_t length) {
        int fd = path[0] ? open(path, O_WRONLY | O_APPEND | O_CREAT, 0644) : -1;
        if (write(STDERR_FILENO, line, length) < 0 || (fd >= 0 && write(fd, line, length) < 0))
            return;
    }

    /* memcpy by moves of registers. For what is long the C library uses an instruction (rep movsb) that takes three times as long on some
       processors (AMD Zen 4: 128 MB in 45 ms, so in 15) where the target lies a little behind the source within their pages */
    typedef uint64_t zippy_registers __attribute__((vector_size(64), aligned(1), may_alias));
    static inline void zippy_copy(char* to, const char* from, size_t size) {
        for (; size >= sizeof(zippy_registers); size -= sizeof(zippy_registers)) {
            *(zippy_registers*)to = *(const zippy_registers*)from;
            to += sizeof(zippy_registers);
            from += sizeof(zippy_registers);
        }
        memcpy(to, from, size);
    }

    /* a debug build can have the allocator fail: calls that may still succeed, then calls that must not, and how many did not. Only the
       thread that asked for it: what another engine's threads allocate meanwhile counts nothing */
    #if ZIPPY_DEBUG
    static _Thread_local uint64_t zippy_calls_left, zippy_failures_left, zippy_failures;
    static inline int zippy_denied(void) {
        if (zippy_failures_left == 0)
            return 0;
        if (zippy_calls_left) {
            zippy_calls_left--;
            return 0;
        }
        zippy_failures_left--;
        zippy_failures++;
        return 1;
    }
    static inline void zippy_fail(uint64_t calls, uint64_t failures) {
        zippy_calls_left = calls;
        zippy_failures_left = failures;
        zippy_failures = 0;
    }
    #else
    #define zippy_failures 0
    static inline int zippy_denied(void) { return 0; }
    static inline void zippy_fail(uint64_t calls, uint64_t failures) { (void)calls; (void)failures; }
    #endif
    #define zippy_ctz __builtin_ctzll
    #define zippy_bits __builtin_popcountll
    """
    size_t CHUNK "ZIPPY_CHUNK"
    size_t MAX_SLABBED "ZIPPY_MAX_SLABBED"
    bint MAPS "ZIPPY_MAPS"
    size_t library_usable "zippy_usable"(void* block) noexcept nogil
    size_t zippy_big_size(size_t size) noexcept nogil
    void zippy_trim_library() noexcept nogil
    void zippy_poison(void* block, int byte, size_t size) noexcept nogil
    void zippy_copy(char* to, const char* source, size_t size) noexcept nogil
    void zippy_tell(const char* path, const char* line, size_t length) noexcept nogil
    int getpid() noexcept nogil
    uint64_t zippy_failures
    bint zippy_denied() noexcept nogil
    void zippy_fail(uint64_t calls, uint64_t failures) noexcept nogil
    int zippy_ctz(uint64_t v) noexcept nogil
    int zippy_bits(uint64_t v) noexcept nogil

cdef enum:
    SLAB_BITS = 16
    SLAB = 1 << 16          # bytes
    SLABS = 64              # slabs a chunk
    MAX_CLASSES = 80
    QUARTERS = 4
    SPARSE = 2              # quarters of a slab that is worth emptying
    UNLISTED = QUARTERS     # slab.quarter of a current or a full slab
    FINE = 1024             # up to here the class is looked up in steps of 8 bytes, above in steps of 64
    FINE_STEPS = 1024 // 8
    COARSE_STEPS = 16384 // 64
    MAP_PARTS = 1 << 16
    PROVIDED = 256 * 1024   # bytes whose pages are asked for at a time
    BY_REGISTERS = 2048     # bytes from which on the C library does not copy by moves itself
    SLABS_HUGE = HUGE_PAGE >> SLAB_BITS
    HUGE_FROM = 32 << 20    # bytes in use from which on chunks are of huge pages
    KEPT_SLABS = 16         # empty slabs that keep their pages for good: 1 MiB
    KEPT_ALONE = 16 << 20   # bytes of large blocks that are kept when they are freed, where nobody gives back,
    KEPT_LEAST = 128 << 20  # and where somebody does, so many
    KEPT_PART = 2           # or a part of what is in use
    LONGEST_PATH = 4096     # of a log file, with its NUL


cdef struct Slab:
    void* vacant        # list of freed blocks, linked by their first word
    char* fresh         # the first block that was never handed out
    char* end           # behind the last whole block
    Slab* prev          # in the list of its quarter
    Slab* next
    uint32_t used       # live blocks
    uint32_t low        # when used falls below, the slab changes its list
    uint32_t capacity   # blocks
    uint32_t size       # bytes of a block
    uint8_t klass       # index of the size class
    uint8_t quarter     # the list that it is in: fill between quarter/4 and (quarter+1)/4; UNLISTED: in none


cdef struct Chunk:
    Slab slabs[SLABS]
    uint64_t idle       # bit i: slab i is not in use
    uint64_t touched    # bit i: slab i is idle and still holds pages
    uint64_t huge       # bit i: slab i is in a huge page, if the system gave one
    Chunk* prev         # in the list of chunks with idle slabs
    Chunk* next
    char padding[24]    # to a multiple of 64: the first slab's blocks begin behind


cdef Account nobody
cdef Account* charged = &nobody

cdef uint8_t* slab_map[MAP_PARTS]    # by address >> 32, then by the next 16 bits: size class + 1, 0 where no slab is
cdef uint8_t fine_class[FINE_STEPS + 1]
cdef uint8_t coarse_class[COARSE_STEPS + 1]
cdef uint16_t class_size[MAX_CLASSES]
cdef int classes = 0

cdef Slab no_slab                  # stands for "no current slab": it has no block to give
cdef Slab* current[MAX_CLASSES]
cdef Slab* partial[MAX_CLASSES][QUARTERS]
cdef Chunk* roomy = NULL           # chunks with an idle slab and one in use
cdef Chunk* spare = NULL           # a chunk without any slab in use
cdef uint32_t kept = 0             # touched slabs
cdef size_t sparse = 0             # listed slabs of the lower quarters
cdef size_t resident = 0           # bytes, without those in pages
cdef int givers = 0                # who call mem_give_back now and then
cdef char[LONGEST_PATH] log_path   # empty: there is none


cdef void add_class(size_t size) noexcept nogil:
    global classes
    class_size[classes] = <uint16_t>size
    current[classes] = &no_slab
    classes += 1


cdef void make_classes() noexcept nogil:
    # the wasted part of a block is an eighth at most and a sixteenth on average; above 4 KiB the classes are whole fractions of a slab
    cdef size_t size = 0
    cdef size_t step = 8
    cdef size_t limit = 128
    cdef int index
    cdef int klass = 0
    while size < 4096:
        size += step
        add_class(size)
        if size == limit:
            step *= 2
            limit *= 2
    for index in range(15, 3, -1):
        add_class(SLAB // index & ~<size_t>63)
    for index in range(FINE_STEPS + 1):
        klass += class_size[klass] < index * 8
        fine_class[index] = <uint8_t>klass
    klass = 0
    for index in range(COARSE_STEPS + 1):
        while class_size[klass] < index * 64:
            klass += 1
        coarse_class[index] = <uint8_t>klass


make_classes()


cdef inline int class_of(size_t size) noexcept nogil:
    return fine_class[(size + 7) >> 3] if size <= FINE else coarse_class[(size + 63) >> 6]


cdef inline int class_at(const void* block) noexcept nogil:
    # the class of a block, -1 if it is not in a slab; NULL is in none
    cdef uintptr_t address = <uintptr_t>block
    cdef uint8_t* part = slab_map[(address >> 32) & 0xFFFF]
    return part[(address >> SLAB_BITS) & 0xFFFF] - 1 if part != NULL else -1


cdef inline Chunk* chunk_of(const void* p) noexcept nogil:
    return <Chunk*>(<uintptr_t>p & ~(<uintptr_t>CHUNK - 1))


cdef inline Slab* slab_of(const void* block) noexcept nogil:
    return &chunk_of(block).slabs[(<uintptr_t>block >> SLAB_BITS) & (SLABS - 1)]


cdef inline char* slab_start(Chunk* chunk, int index) noexcept nogil:
    return <char*>chunk + <size_t>index * SLAB + (sizeof(Chunk) if index == 0 else 0)


cdef inline void charge(int64_t size, int64_t blocks) noexcept nogil:
    charged.used += size
    charged.blocks += blocks
    if charged.used > charged.peak:
        charged.peak = charged.used


cdef inline void discharge(int64_t size) noexcept nogil:
    charged.used -= size
    charged.blocks -= 1


cdef void mem_charge_to(Account* account) noexcept nogil:
    global charged
    charged = account if account != NULL else &nobody


cdef Account* mem_charged() noexcept nogil:
    return charged if charged != &nobody else NULL


# ---- chunks: where slabs come from and go to


cdef void chunk_link(Chunk* chunk) noexcept nogil:
    global roomy
    chunk.prev = NULL
    chunk.next = roomy
    if roomy != NULL:
        roomy.prev = chunk
    roomy = chunk


cdef void chunk_unlink(Chunk* chunk) noexcept nogil:
    global roomy
    if chunk.prev != NULL:
        chunk.prev.next = chunk.next
    else:
        roomy = chunk.next
    if chunk.next != NULL:
        chunk.next.prev = chunk.prev


cdef void chunk_ask(Chunk* chunk, bint asked_before, char* untouched) noexcept nogil:
    # for huge pages, where what may not be used of one is little beside all that is
    cdef bint asked = mem_resident() >= HUGE_FROM and pages_ask_for_huge(<char*>chunk, <char*>chunk + CHUNK, untouched)
    if asked_before and not asked:
        pages_ask_for_small(<char*>chunk, <char*>chunk + CHUNK)
    chunk.huge = ~<uint64_t>0 if asked else 0


cdef Chunk* chunk_new() noexcept nogil:
    # a chunk of idle slabs, or NULL; the part of the slab map for it is there then
    global resident
    cdef Chunk* chunk = <Chunk*>pages_map(CHUNK, CHUNK)
    cdef uintptr_t part = <uintptr_t>chunk >> 32
    if chunk == NULL:
        return NULL
    if part < MAP_PARTS and slab_map[part] == NULL:
        slab_map[part] = <uint8_t*>pages_map(MAP_PARTS, MAP_PARTS)
    if part >= MAP_PARTS or slab_map[part] == NULL:
        pages_unmap(chunk, CHUNK)
        return NULL
    chunk_ask(chunk, False, <char*>chunk)
    chunk.idle = ~<uint64_t>0
    resident += sizeof(Chunk)
    return chunk


cdef void chunk_split(Chunk* chunk, int index) noexcept nogil:
    # the huge page of a slab is to be small ones: else the system would fill it up again in the background
    cdef int first = index - index % SLABS_HUGE
    pages_ask_for_small(<char*>chunk + <size_t>first * SLAB, <char*>chunk + <size_t>(first + SLABS_HUGE) * SLAB)
    chunk.huge &= ~(((<uint64_t>1 << SLABS_HUGE) - 1) << first)


cdef void chunk_clean(Chunk* chunk, uint64_t which) noexcept nogil:
    # gives the pages of some touched slabs back
    global kept, resident
    cdef int index
    chunk.touched &= ~which
    while which:
        index = zippy_ctz(which)
        if (chunk.huge >> index) & 1:
            chunk_split(chunk, index)
        pages_give_back(slab_start(chunk, index), <char*>chunk + <size_t>(index + 1) * SLAB)
        kept -= 1
        resident -= SLAB
        which &= which - 1


cdef void chunk_unmap(Chunk* chunk) noexcept nogil:
    global kept, resident
    cdef uint32_t touched = <uint32_t>zippy_bits(chunk.touched)
    kept -= touched
    resident -= touched * <size_t>SLAB + sizeof(Chunk)
    pages_unmap(chunk, CHUNK)


cdef Slab* slab_take(int klass) noexcept nogil:
    # an empty slab for a class, or NULL when the system has nothing left
    global kept, resident, spare
    cdef Chunk* chunk = roomy
    cdef Slab* slab
    cdef int index
    cdef char* start
    if chunk == NULL:
        chunk = spare if spare != NULL else chunk_new()
        if chunk == NULL:
            return NULL
        if chunk == spare:
            spare = NULL
            chunk_ask(chunk, chunk.huge != 0, <char*>chunk + CHUNK // 2)
        chunk_link(chunk)
    index = zippy_ctz(chunk.touched if chunk.touched else chunk.idle)
    if (chunk.touched >> index) & 1:
        chunk.touched ^= <uint64_t>1 << index
        kept -= 1
    else:
        resident += SLAB
    chunk.idle ^= <uint64_t>1 << index
    if chunk.idle == 0:
        chunk_unlink(chunk)
    start = slab_start(chunk, index)
    slab = &chunk.slabs[index]
    memset(slab, 0, sizeof(Slab))
    slab.size = class_size[klass]
    slab.capacity = <uint32_t>(<size_t>(<char*>chunk + <size_t>(index + 1) * SLAB - start) // slab.size)
    slab.fresh = start
    slab.end = start + <size_t>slab.capacity * slab.size
    slab.klass = <uint8_t>klass
    slab.quarter = UNLISTED
    slab_map[<uintptr_t>start >> 32][(<uintptr_t>start >> SLAB_BITS) & 0xFFFF] = <uint8_t>(klass + 1)
    return slab


cdef void slab_give(Slab* slab) noexcept nogil:
    # an empty slab, in no list and not current, goes back to its chunk; its pages go back to the system by and by
    global kept
    cdef Chunk* chunk = chunk_of(slab)
    cdef int index = <int>(slab - chunk.slabs)
    cdef uint64_t bit = <uint64_t>1 << index
    cdef uintptr_t start = <uintptr_t>slab_start(chunk, index)
    slab_map[start >> 32][(start >> SLAB_BITS) & 0xFFFF] = 0
    if chunk.idle == 0:
        chunk_link(chunk)
    chunk.idle |= bit
    chunk.touched |= bit
    kept += 1


# ---- slabs and blocks


cdef void slab_link(Slab* slab, int quarter) noexcept nogil:
    global sparse
    cdef Slab** first = &partial[slab.klass][quarter]
    sparse += quarter < SPARSE
    slab.quarter = <uint8_t>quarter
    slab.prev = NULL
    slab.next = first[0]
    if slab.next != NULL:
        slab.next.prev = slab
    first[0] = slab


cdef void slab_unlink(Slab* slab) noexcept nogil:
    global sparse
    if slab.quarter == UNLISTED:
        return
    sparse -= slab.quarter < SPARSE
    if slab.prev != NULL:
        slab.prev.next = slab.next
    else:
        partial[slab.klass][slab.quarter] = slab.next
    if slab.next != NULL:
        slab.next.prev = slab.prev
    slab.quarter = UNLISTED


cdef void slab_drained(Slab* slab) noexcept nogil:
    # fewer blocks than its list is for (or than a full slab has) are left in it
    cdef int quarter = QUARTERS - 1
    slab_unlink(slab)
    if slab.used == 0:
        slab_give(slab)
        return
    while quarter and slab.used < (quarter * slab.capacity + QUARTERS - 1) // QUARTERS:
        quarter -= 1
    slab.low = (quarter * slab.capacity + QUARTERS - 1) // QUARTERS if quarter else 1
    slab_link(slab, quarter)


cdef Slab* next_slab(int klass) noexcept nogil:
    # the current slab is full: the fullest other one that has room, or a new one; NULL when out of memory
    cdef Slab* slab = NULL
    cdef int quarter = QUARTERS
    while quarter and slab == NULL:
        quarter -= 1
        slab = partial[klass][quarter]
    if slab != NULL:
        slab_unlink(slab)
    else:
        slab = slab_take(klass)
        if slab == NULL:
            return NULL
    current[klass].low = current[klass].capacity
    slab.low = 0
    current[klass] = slab
    return slab


cdef inline void* take_block(Slab* slab) noexcept nogil:
    cdef void* block = slab.vacant
    if block != NULL:
        slab.vacant = (<void**>block)[0]
    elif slab.fresh != slab.end:
        block = slab.fresh
        slab.fresh += slab.size
    else:
        return NULL
    slab.used += 1
    charge(slab.size, 1)
    zippy_poison(block, 0xA5, slab.size)
    return block


cdef inline void* slab_alloc(int klass) noexcept nogil:
    cdef void* block = take_block(current[klass])
    cdef Slab* slab
    if block != NULL:
        return block
    slab = next_slab(klass)
    return take_block(slab) if slab != NULL else NULL


cdef inline void slab_free(void* block) noexcept nogil:
    cdef Slab* slab = slab_of(block)
    zippy_poison(block, 0xDF, slab.size)
    (<void**>block)[0] = slab.vacant
    slab.vacant = block
    slab.used -= 1
    discharge(slab.size)
    if slab.used < slab.low:
        slab_drained(slab)


# ---- large blocks


cdef inline bint gets_pages(size_t size) noexcept nogil:
    return MAPS and size >= PAGES_LEAST


cdef inline size_t usable(void* block) noexcept nogil:
    cdef size_t size = pages_size(block)
    return size if size else library_usable(block)


cdef void* of_library(void* block, size_t size, bint zeroed) noexcept nogil:
    # a block, or this one in another size; NULL: that is as it was
    cdef void* made = calloc(1, size) if zeroed else realloc(block, size)
    if made != NULL or pages_kept() == 0:
        return made
    pages_keep(0)
    return calloc(1, size) if zeroed else realloc(block, size)


cdef void* big_alloc(size_t size, bint zeroed) noexcept nogil:
    global resident
    cdef void* block = NULL
    if size == 0:
        size = 1
    if gets_pages(size):
        block = pages_new(size, zeroed)
        size = pages_good_size(size) if size <= SIZE_MAX // 2 else size
    if block == NULL:
        block = of_library(NULL, size, zeroed)
        if block == NULL:
            return NULL
        resident += library_usable(block)
    charge(<int64_t>usable(block), 1)
    return block


cdef inline size_t to_keep() noexcept nogil:
    cdef size_t part = mem_in_use() // KEPT_PART
    if givers == 0:
        return KEPT_ALONE
    return part if part > KEPT_LEAST else <size_t>KEPT_LEAST


cdef void big_free(void* block) noexcept nogil:
    global resident
    cdef size_t size = usable(block)
    discharge(<int64_t>size)
    if pages_size(block) == 0:
        resident -= size
        free(block)
        return
    # one may be beyond the limit, and leave by and by; what still is of those before goes at once
    pages_keep(to_keep())
    pages_free(block)
    if givers == 0:
        pages_keep(KEPT_ALONE)


cdef void* big_realloc(void* block, size_t size) noexcept nogil:
    global resident
    cdef size_t before = usable(block)
    cdef bint in_pages = pages_size(block) != 0
    # what is in pages stays there while it grows, and until it has shrunk to half. Where a mapping begins, the page map knows of nothing
    # else within a slab's bytes: a shorter one would leave room for a block of the C library's there
    cdef bint to_pages = gets_pages(size) or (in_pages and size > before // 2 and size >= SLAB)
    cdef void* moved
    if size == 0:
        size = 1
    if in_pages != to_pages:
        moved = big_alloc(size, False)
        if moved != NULL:
            memcpy(moved, block, before if before < size else size)
            big_free(block)
        return moved
    if in_pages:
        moved = pages_resize(block, size)
    else:
        moved = of_library(block, size, False)
        if moved != NULL:
            resident += library_usable(moved) - before
    if moved != NULL:
        charge(<int64_t>usable(moved) - <int64_t>before, 0)
    return moved


# ---- what the rest of the core calls


cdef void out_of_memory(size_t size) noexcept nogil:
    """Tells of it without asking for memory again, and aborts."""
    cdef char[64] why
    format_text(why, sizeof(why), b"Out of memory allocating %zu bytes", size)
    mem_abort(why)


cdef void mem_abort(const char* why) noexcept nogil:
    cdef char[128] line
    zippy_tell(log_path, line, format_text(line, sizeof(line), b"%d:M # %s, aborting\n", getpid(), why))
    abort()


cdef void mem_log_to(const char* path) noexcept nogil:
    log_path[0] = 0
    if strlen(path) < sizeof(log_path):
        strcpy(log_path, path)


def log_aborts_to(bytes path not None):
    """Has want of memory, where it aborts the process, be said at the end of this file as well as to stderr; b"": to stderr alone."""
    mem_log_to(path)


cdef inline void* block_of(size_t size) noexcept nogil:
    return slab_alloc(class_of(size)) if size <= MAX_SLABBED and MAX_SLABBED else big_alloc(size, False)


cdef void* mem_try_alloc(size_t size) noexcept nogil:
    return NULL if zippy_denied() else block_of(size)


cdef void* mem_alloc(size_t size) noexcept nogil:
    cdef void* block = block_of(size)
    if block == NULL:
        out_of_memory(size)
    return block


cdef inline void* zeroed_block_of(size_t size) noexcept nogil:
    cdef void* block
    if size > MAX_SLABBED:
        # what the system has zeroed already is not touched
        return big_alloc(size, True)
    block = block_of(size)
    if block != NULL:
        memset(block, 0, size)
    return block


cdef void* mem_try_zalloc(size_t size) noexcept nogil:
    return NULL if zippy_denied() else zeroed_block_of(size)


cdef void* mem_zalloc(size_t size) noexcept nogil:
    cdef void* block = zeroed_block_of(size)
    if block == NULL:
        out_of_memory(size)
    return block


cdef inline void* resized(void* block, size_t size) noexcept nogil:
    cdef int klass = class_at(block)
    cdef bint small = size <= MAX_SLABBED and MAX_SLABBED
    cdef size_t bytes
    cdef void* moved
    if block == NULL:
        return block_of(size)
    if klass < 0 and not small:
        return big_realloc(block, size)
    if klass >= 0 and small and klass == class_of(size):
        return block
    moved = block_of(size)
    if moved == NULL:
        return NULL
    bytes = mem_size(block)
    memcpy(moved, block, bytes if bytes < size else size)
    mem_free(block)
    return moved


cdef void* mem_try_realloc(void* block, size_t size) noexcept nogil:
    return NULL if zippy_denied() else resized(block, size)


cdef void* mem_realloc(void* block, size_t size) noexcept nogil:
    cdef void* moved = resized(block, size)
    if moved == NULL:
        out_of_memory(size)
    return moved


cdef bint mem_has_room(size_t size) noexcept nogil:
    # not by the C library, whose ways with large blocks depend on those that were freed
    cdef void* pages = NULL if zippy_denied() else pages_map(size, 1)
    if pages == NULL:
        return False
    pages_unmap(pages, size)
    return True


cdef void mem_fail(uint64_t calls, uint64_t failures) noexcept nogil:
    zippy_fail(calls, failures)


cdef uint64_t mem_failures() noexcept nogil:
    return zippy_failures


cdef void mem_free(void* block) noexcept nogil:
    if class_at(block) >= 0:
        slab_free(block)
    elif block != NULL:
        big_free(block)


cdef void mem_copy(void* to, const void* source, size_t size) noexcept nogil:
    cdef char* at = <char*>to
    cdef const char* rest = <const char*>source
    while size >= PROVIDED:
        # what was zeroed just now is still in the cache
        pages_provide(at, at + PROVIDED)
        zippy_copy(at, rest, PROVIDED)
        at += PROVIDED
        rest += PROVIDED
        size -= PROVIDED
    if size >= BY_REGISTERS:
        zippy_copy(at, rest, size)
    elif size:
        memcpy(at, rest, size)


cdef void mem_provide(void* block, size_t size) noexcept nogil:
    if size >= PROVIDED:
        pages_provide(<char*>block, <char*>block + size)


cdef size_t mem_size(const void* block) noexcept nogil:
    cdef int klass = class_at(block)
    return class_size[klass] if klass >= 0 else usable(<void*>block)


cdef size_t mem_good_size(size_t size) noexcept nogil:
    if size <= MAX_SLABBED and MAX_SLABBED:
        return class_size[class_of(size)]
    return pages_good_size(size) if gets_pages(size) else zippy_big_size(size)


cdef size_t mem_resident() noexcept nogil:
    return resident + pages_held()


cdef size_t mem_in_use() noexcept nogil:
    return mem_resident() - mem_spare() - pages_kept()


cdef bint mem_is_sparse(const void* block) noexcept nogil:
    return class_at(block) >= 0 and slab_of(block).quarter < SPARSE


cdef size_t mem_sparse_bytes() noexcept nogil:
    return sparse * SLAB


cdef void chunk_leave(Chunk* chunk) noexcept nogil:
    # a chunk of idle slabs is kept in reserve or goes back to the system
    global spare
    chunk_unlink(chunk)
    if spare == NULL and chunk.touched == 0:
        spare = chunk
    else:
        chunk_unmap(chunk)


cdef size_t mem_spare() noexcept nogil:
    return (kept - KEPT_SLABS) * <size_t>SLAB if kept > KEPT_SLABS else 0


cdef void mem_leave_in_steps(bint wanted) noexcept nogil:
    global givers
    givers += 1 if wanted else -1
    if givers == 0:
        pages_keep(KEPT_ALONE)


cdef void mem_clock(uint64_t us) noexcept nogil:
    pages_clock(us)


cdef bint mem_leaves() noexcept nogil:
    return pages_kept() != 0 and (pages_are_stale() or pages_kept() > to_keep())


cdef bint mem_give_back(uint64_t slabs, size_t keep) noexcept nogil:
    cdef Chunk* chunk = roomy
    cdef Chunk* after
    if slabs and mem_leaves():
        pages_leave(slabs * SLAB)
        return mem_leaves() or mem_spare() > keep
    while chunk != NULL and slabs and mem_spare() > keep:
        after = chunk.next
        while chunk.touched and slabs and mem_spare() > keep:
            chunk_clean(chunk, chunk.touched & (~chunk.touched + 1))
            slabs -= 1
        if chunk.idle == ~<uint64_t>0 and chunk.touched == 0:
            chunk_leave(chunk)
        chunk = after
    return mem_spare() > keep


cdef void mem_release() noexcept nogil:
    global spare
    cdef Chunk* after
    cdef Slab* slab
    cdef Chunk* chunk
    cdef int klass
    for klass in range(classes):
        slab = current[klass]
        if slab.used == 0 and slab != &no_slab:
            current[klass] = &no_slab
            slab_give(slab)
    pages_keep(0)
    if spare != NULL:
        chunk_unmap(spare)
        spare = NULL
    chunk = roomy
    while chunk != NULL:
        after = chunk.next
        if chunk.idle == ~<uint64_t>0:
            chunk_unlink(chunk)
            chunk_unmap(chunk)
        else:
            chunk_clean(chunk, chunk.touched)
        chunk = after
    zippy_trim_library()
