"""Pages of the system, and blocks of a quarter of a mebibyte and more, each a mapping of its own: a page map tells where one begins, and it
grows by being mapped elsewhere.

A mapping that is freed is kept with its pages, in bins by length and in a list by age, for the next block that fits into it, in which case
the rest is for others, or that is up to twice as long. One that grows takes the freed one behind it, or is copied into a longer one, as
long as that is quicker than new pages are. The C library gives such blocks back at once, and to fill new pages takes longer than what is
done with most of them. Whether and when they leave is the caller's business, but where the system has nothing left they do.

Huge pages are asked for where the caller says so: who reads here and there in much memory looks up fewer addresses, and to fill one takes a
third of the time of its 512 small ones. A huge page is had all at once, though: where memory is short the system moves or drops others'
pages for it, and a virtual machine may first have to ask its host for each part, while the command waits. So they are asked for as long as
memory is plenty, and where one took longer than a millisecond, none is for an hour.
"""

from libc.stdint cimport SIZE_MAX, int64_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    #include <sys/mman.h>
    #include <time.h>
    #include <unistd.h>
    #if defined(__linux__)
    #include <sys/prctl.h>
    #include <sys/sysinfo.h>
    #endif
    #if defined(__APPLE__)
    #define ZIPPY_GIVE_BACK MADV_FREE
    #else
    #define ZIPPY_GIVE_BACK MADV_DONTNEED
    #endif

    static inline size_t zippy_page(void) {
        static size_t page;
        if (page == 0)
            page = (size_t)sysconf(_SC_PAGESIZE);
        return page;
    }

    static void* zippy_map(size_t size) {
        void* p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return p == MAP_FAILED ? NULL : p;
    }

    /* pages at a multiple of a power of two: mostly where the system puts them, else the aligned part of more */
    static void* zippy_map_at_multiple(size_t size, size_t multiple) {
        char* p = zippy_map(size);
        size_t before;
        if (p == NULL || ((uintptr_t)p & (multiple - 1)) == 0)
            return p;
        munmap(p, size);
        p = zippy_map(size + multiple);
        if (p == NULL)
            return NULL;
        before = -(uintptr_t)p & (multiple - 1);
        if (before)
            munmap(p, before);
        munmap(p + before + size, multiple - before);
        return p + before;
    }

    /* whether a mapping has another size now, where it is */
    static int zippy_resize(char* start, size_t before, size_t size) {
    #if defined(__linux__)
        return mremap(start, before, size, 0) != MAP_FAILED;
    #else
        (void)start; (void)before; (void)size;
        return 0;
    #endif
    }

    /* whether what a mapping holds is in another one now, which replaces it */
    static int zippy_move(char* start, size_t before, size_t size, char* target) {
    #if defined(__linux__)
        return mremap(start, before, size, MREMAP_MAYMOVE | MREMAP_FIXED, target) != MAP_FAILED;
    #else
        memcpy(target, start, before < size ? before : size);
        munmap(start, before);
        return 1;
    #endif
    }

    /* gives the whole pages between two addresses back to the system */
    static void zippy_give_back(char* from, char* to) {
        uintptr_t page = zippy_page();
        char* first = (char*)(((uintptr_t)from + page - 1) & ~(page - 1));
        if (first < to)
            madvise(first, to - first, ZIPPY_GIVE_BACK);
    }

    /* whether an eighth of the system's memory is free, not counting what it could drop */
    static int zippy_is_plenty(void) {
    #if defined(__linux__)
        struct sysinfo now;
        return sysinfo(&now) == 0 && now.freeram >= now.totalram / 8;
    #else
        return 0;
    #endif
    }

    static uint64_t zippy_us(clockid_t clock) {
        struct timespec now;
        clock_gettime(clock, &now);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    }

    /* microseconds that the system takes to provide the page of a byte, which is zero, not counting what others do meanwhile */
    static uint64_t zippy_touch_us(volatile char* byte) {
        uint64_t before = zippy_us(CLOCK_THREAD_CPUTIME_ID);
        *byte = 0;
        return zippy_us(CLOCK_THREAD_CPUTIME_ID) - before;
    }

    static uint64_t zippy_uptime_us(void) { return zippy_us(CLOCK_MONOTONIC); }

    /* asks for huge pages between two addresses, or for small ones */
    static void zippy_ask(char* from, char* to, int huge) {
    #if defined(MADV_HUGEPAGE)
        (void)madvise(from, to - from, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    #else
        (void)from; (void)to; (void)huge;
    #endif
    }

    /* has the process get no huge pages but those that it asks for, or where the system can't tell them apart, none; whether it does */
    static int zippy_shun(void) {
    #if defined(PR_SET_THP_DISABLE)
        const unsigned long except_advised = 2;
        return prctl(PR_SET_THP_DISABLE, 1, except_advised, 0, 0) == 0 || prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0;
    #else
        return 0;
    #endif
    }

    /* has the system provide the whole pages between two addresses at once; without that, each is provided when it is first touched */
    static inline void zippy_provide(char* from, char* to) {
    #if defined(MADV_POPULATE_WRITE)
        uintptr_t page = zippy_page();
        char* first = (char*)(((uintptr_t)from + page - 1) & ~(page - 1));
        char* last = (char*)((uintptr_t)to & ~(page - 1));
        if (first < last)
            (void)madvise(first, last - first, MADV_POPULATE_WRITE);
    #else
        (void)from; (void)to;
    #endif
    }

    static inline int zippy_log2(uint64_t v) { return 63 - __builtin_clzll(v); }
    """
    size_t zippy_page() noexcept nogil
    void* zippy_map_at_multiple(size_t size, size_t multiple) noexcept nogil
    bint zippy_resize(char* start, size_t before, size_t size) noexcept nogil
    bint zippy_move(char* start, size_t before, size_t size, char* target) noexcept nogil
    int munmap(void* start, size_t size) noexcept nogil
    void zippy_give_back(char* first, char* to) noexcept nogil
    bint zippy_is_plenty() noexcept nogil
    uint64_t zippy_touch_us(char* byte) noexcept nogil
    uint64_t zippy_uptime_us() noexcept nogil
    void zippy_ask(char* first, char* to, bint huge) noexcept nogil
    bint zippy_shun() noexcept
    void zippy_provide(char* first, char* to) noexcept nogil
    int zippy_log2(uint64_t v) noexcept nogil

cdef enum:
    STEP_BITS = 16
    STEP = 1 << 16          # bytes: mappings begin at multiples
    MAP_PARTS = 1 << 16
    HEAD = 64               # bytes in front of a block
    IN_USE = 1              # what the page map says of a mapping
    KEPT = 2
    MAPPINGS_MAX = 1 << 14  # of the 65,530 that Linux allows a process
    ALWAYS = 4 << 20        # bytes of a block that is one however many there are
    SLOW_US = 1000          # of a huge page, which takes a fifth of that
    SHUN_S = 3600           # how long none is asked for then
    JOINED_MAX = 64 << 20   # bytes of what may be put together of mappings that the system does not take for one
    COPIED_MAX = 8 << 20    # and of what is copied rather than given new pages
    KEPT_US = 10 * 1000 * 1000
    BINS = 160              # four to a doubling of the size
    OF_A_BIN = 8            # mappings that are looked at where not all are long enough


cdef struct Mapping:
    size_t size         # bytes of all of it; it begins at a multiple of STEP, and its block HEAD behind that
    # of a freed one
    Mapping* prev       # in its bin
    Mapping* next
    Mapping* older
    Mapping* newer
    uint64_t freed_us   # when
    size_t gap          # bytes in front of it that are its own


cdef uint8_t* page_map[MAP_PARTS]  # by address >> 32, then by the next 16 bits: 0 where no mapping begins
cdef Mapping* bins[BINS]           # freed mappings by their sizes
cdef Mapping* oldest = NULL        # of them
cdef Mapping* newest = NULL
cdef uint32_t mappings = 0         # freed ones included
cdef size_t held = 0               # bytes of the blocks of all
cdef size_t kept = 0               # and of the freed ones
cdef uint64_t now_us = 0
cdef bint huge = True              # huge pages are wanted
cdef uint64_t slow_us = 0          # when one of them was slow; 0: none was for long
cdef uint64_t limit_us = SLOW_US   # of one that is not
cdef int supposed = -1             # by a test: whether memory is plenty


cdef void* pages_map(size_t size, size_t multiple) noexcept nogil:
    cdef void* pages = zippy_map_at_multiple(size, multiple)
    if pages == NULL and kept:
        pages_keep(0)
        pages = zippy_map_at_multiple(size, multiple)
    return pages


cdef void pages_unmap(void* pages, size_t size) noexcept nogil:
    munmap(pages, size)


cdef void pages_give_back(char* first, char* to) noexcept nogil:
    zippy_give_back(first, to)


cdef void pages_provide(char* first, char* to) noexcept nogil:
    zippy_provide(first, to)


def ask_for_huge_pages(bint wanted):
    """Has the core ask for huge pages from now on, or not."""
    global huge
    huge = wanted


def shun_huge_pages():
    """Has the system give this process no huge pages that were not asked for, or none at all before Linux 6.18; whether it will."""
    return zippy_shun()


cdef bint are_quick() noexcept nogil:
    # whether huge pages are wanted, and to be had without waiting
    global slow_us
    if not huge or (slow_us and (zippy_uptime_us() - slow_us) // 1000000 < <uint64_t>SHUN_S):
        return False
    slow_us = 0
    return supposed > 0 if supposed >= 0 else zippy_is_plenty()


cdef bint pages_ask_for_huge(char* first, char* to, char* untouched) noexcept nogil:
    global slow_us
    if not are_quick():
        return False
    zippy_ask(first, to, True)
    if zippy_touch_us(untouched) < limit_us:
        return True
    slow_us = zippy_uptime_us()
    zippy_ask(first, to, False)
    return False


cdef void pages_suppose(int plenty, int64_t limit) noexcept nogil:
    global limit_us, slow_us, supposed
    supposed = plenty
    limit_us = <uint64_t>limit if limit >= 0 else SLOW_US
    slow_us = 0


cdef void pages_ask_for_small(char* first, char* to) noexcept nogil:
    zippy_ask(first, to, False)


# ---- mappings


cdef inline Mapping* mapping_of(const void* block) noexcept nogil:
    cdef uintptr_t address = <uintptr_t>block
    cdef uint8_t* part = page_map[(address >> 32) & 0xFFFF]
    if part == NULL or part[(address >> STEP_BITS) & 0xFFFF] == 0:
        return NULL
    return <Mapping*>(address - HEAD)


cdef inline size_t mapped_size(size_t size) noexcept nogil:
    return (size + HEAD + zippy_page() - 1) & ~(zippy_page() - 1)


cdef bint note(const void* mapping, uint8_t what) noexcept nogil:
    # whether the page map says so from now on. It may lack memory for a part in which no mapping was before
    cdef uintptr_t address = <uintptr_t>mapping
    cdef uintptr_t part = address >> 32
    if part >= MAP_PARTS:
        return False
    if page_map[part] == NULL:
        page_map[part] = <uint8_t*>pages_map(MAP_PARTS, STEP)
    if page_map[part] == NULL:
        return False
    page_map[part][(address >> STEP_BITS) & 0xFFFF] = what
    return True


cdef void* noted(size_t size) noexcept nogil:
    # new pages where the page map says that a mapping begins, or NULL
    cdef void* pages = pages_map(size, STEP)
    if pages == NULL or note(pages, IN_USE):
        return pages
    munmap(pages, size)
    return NULL


cdef void unmap(Mapping* mapping, size_t gap) noexcept nogil:
    global held, mappings
    note(mapping, 0)
    held -= gap + mapping.size - HEAD
    mappings -= 1
    munmap(<char*>mapping - gap, gap + mapping.size)


cdef Mapping* resized(Mapping* mapping, size_t size) noexcept nogil:
    # where it is then; NULL: it is as it was
    global held
    cdef size_t before = mapping.size
    cdef char* target
    if not zippy_resize(<char*>mapping, before, size):
        target = <char*>noted(size)
        if target == NULL:
            return NULL
        if not zippy_move(<char*>mapping, before, size, target):
            # it is of several, to the system
            memcpy(target, mapping, before if before < size else size)
            munmap(mapping, before)
        note(mapping, 0)
        mapping = <Mapping*>target
    mapping.size = size
    held += size - before
    return mapping


# ---- those that were freed


cdef inline int bin_of(size_t size) noexcept nogil:
    # by the place of the highest bit and by the two behind it
    cdef int bit = zippy_log2(size)
    return min((bit - PAGES_BITS) * 4 + <int>(size >> (bit - 2) & 3), BINS - 1)


cdef void put_in_bin(Mapping* mapping) noexcept nogil:
    cdef Mapping** first = &bins[bin_of(mapping.size)]
    mapping.prev = NULL
    mapping.next = first[0]
    if first[0] != NULL:
        first[0].prev = mapping
    first[0] = mapping


cdef void take_from_bin(Mapping* mapping) noexcept nogil:
    if mapping.prev != NULL:
        mapping.prev.next = mapping.next
    else:
        bins[bin_of(mapping.size)] = mapping.next
    if mapping.next != NULL:
        mapping.next.prev = mapping.prev


cdef void keep(Mapping* mapping, size_t gap) noexcept nogil:
    global kept, newest, oldest
    mapping.gap = gap
    note(mapping, KEPT)
    put_in_bin(mapping)
    mapping.freed_us = now_us
    mapping.newer = NULL
    mapping.older = newest
    if newest != NULL:
        newest.newer = mapping
    else:
        oldest = mapping
    newest = mapping
    kept += gap + mapping.size - HEAD


cdef void keep_no_more(Mapping* mapping) noexcept nogil:
    global kept, newest, oldest
    note(mapping, IN_USE)
    take_from_bin(mapping)
    if mapping.older != NULL:
        mapping.older.newer = mapping.newer
    else:
        oldest = mapping.newer
    if mapping.newer != NULL:
        mapping.newer.older = mapping.older
    else:
        newest = mapping.older
    kept -= mapping.gap + mapping.size - HEAD


cdef void free_mapping(Mapping* mapping) noexcept nogil:
    if mapping.size < PAGES_LEAST:
        # it has shrunk
        unmap(mapping, 0)
    else:
        keep(mapping, 0)


cdef void use(Mapping* mapping, size_t size) noexcept nogil:
    # so many bytes of a freed one, or all of it
    global held
    cdef size_t gap = mapping.gap
    keep_no_more(mapping)
    if gap:
        held -= gap
        munmap(<char*>mapping - gap, gap)
    if mapping.size > size:
        split(mapping, size)


cdef Mapping* kept_of(size_t size) noexcept nogil:
    # one with so many bytes, or else with half of them and more; NULL if there is none
    cdef int index = bin_of(size)
    cdef Mapping* mapping = bins[index]
    cdef int looked = 0
    cdef int other
    while mapping != NULL and looked < OF_A_BIN:
        if mapping.size >= size:
            return mapping
        mapping = mapping.next
        looked += 1
    for other in range(index + 1, BINS):
        if bins[other] != NULL:
            return bins[other]
    for other in range(index, max(index - 4, -1), -1):
        if bins[other] != NULL:
            return bins[other]
    return NULL


cdef void split(Mapping* mapping, size_t size) noexcept nogil:
    # what is behind so many bytes of one in use is a freed one, if it is long enough, or goes back to the system
    global held, mappings
    cdef char* end = <char*>mapping + mapping.size
    cdef char* rest = <char*>((<uintptr_t>mapping + size + STEP - 1) & ~(<uintptr_t>STEP - 1))
    cdef Mapping* other
    held -= mapping.size - size
    mapping.size = size
    if rest >= end or <size_t>(end - rest) < PAGES_LEAST or not note(rest, KEPT):
        munmap(<char*>mapping + size, end - (<char*>mapping + size))
        return
    other = <Mapping*>rest
    other.size = end - rest
    mappings += 1
    held += end - (<char*>mapping + size) - HEAD
    keep(other, rest - (<char*>mapping + size))


cdef void join_next(Mapping* mapping) noexcept nogil:
    # the freed one behind one in use becomes a part of it, if there is one
    global held, mappings
    cdef uintptr_t end = <uintptr_t>mapping + mapping.size
    cdef uintptr_t after = (end + STEP - 1) & ~(<uintptr_t>STEP - 1)
    cdef uint8_t* part = page_map[(after >> 32) & 0xFFFF]
    cdef Mapping* other = <Mapping*>after
    if part == NULL or part[(after >> STEP_BITS) & 0xFFFF] != KEPT or other.gap != after - end:
        return
    if mapping.size + other.gap + other.size > JOINED_MAX:
        return
    keep_no_more(other)
    note(other, 0)
    mapping.size += other.gap + other.size
    mappings -= 1
    held += HEAD


cdef Mapping* reused(size_t size) noexcept nogil:
    # one of so many bytes out of the freed ones, or NULL
    cdef Mapping* mapping = kept_of(size)
    cdef Mapping* longer
    if mapping == NULL:
        return NULL
    use(mapping, size)
    if mapping.size >= size:
        return mapping
    longer = resized(mapping, size)
    if longer == NULL:
        unmap(mapping, 0)
    return longer


# ---- what the allocator calls


cdef void* pages_new(size_t size, bint zeroed) noexcept nogil:
    global held, mappings
    cdef Mapping* mapping = NULL
    if size > SIZE_MAX // 2 or (mappings >= MAPPINGS_MAX and size < ALWAYS):
        return NULL
    size = mapped_size(size)
    if oldest != NULL and not zeroed:
        mapping = reused(size)
    if mapping == NULL:
        mapping = <Mapping*>noted(size)
        if mapping == NULL:
            return NULL
        mapping.size = size
        held += size - HEAD
        mappings += 1
    return <char*>mapping + HEAD


cdef Mapping* grown(Mapping* mapping, size_t size) noexcept nogil:
    # where it is then; NULL: it is as it was
    cdef size_t before = mapping.size
    cdef Mapping* longer
    if oldest != NULL:
        join_next(mapping)
    if mapping.size > size:
        split(mapping, size)
    if mapping.size >= size:
        return mapping
    if oldest != NULL and mapping.size <= COPIED_MAX:
        longer = kept_of(size)
        if longer != NULL and longer.size >= size:
            use(longer, size)
            memcpy(<char*>longer + HEAD, <char*>mapping + HEAD, mapping.size - HEAD)
            free_mapping(mapping)
            return longer
    longer = resized(mapping, size)
    if longer == NULL and mapping.size > before:
        split(mapping, before)
    return longer


cdef void* pages_resize(void* block, size_t size) noexcept nogil:
    cdef Mapping* mapping = mapping_of(block)
    if size > SIZE_MAX // 2:
        return NULL
    size = mapped_size(size)
    mapping = grown(mapping, size) if size > mapping.size else resized(mapping, size)
    return <char*>mapping + HEAD if mapping != NULL else NULL


cdef void pages_free(void* block) noexcept nogil:
    free_mapping(mapping_of(block))


cdef size_t pages_size(const void* block) noexcept nogil:
    cdef Mapping* mapping = mapping_of(block)
    return mapping.size - HEAD if mapping != NULL else 0


cdef size_t pages_good_size(size_t size) noexcept nogil:
    return mapped_size(size) - HEAD


cdef size_t pages_held() noexcept nogil:
    return held


cdef size_t pages_kept() noexcept nogil:
    return kept


cdef void pages_clock(uint64_t us) noexcept nogil:
    global now_us
    now_us = us


cdef bint pages_are_stale() noexcept nogil:
    # a clock that was set back makes them old, too
    return oldest != NULL and now_us - oldest.freed_us >= KEPT_US


cdef void pages_keep(size_t bytes) noexcept nogil:
    cdef Mapping* mapping
    while kept > bytes:
        mapping = oldest
        keep_no_more(mapping)
        unmap(mapping, mapping.gap)


cdef void pages_leave(size_t bytes) noexcept nogil:
    global held, kept
    cdef Mapping* mapping = oldest
    if mapping == NULL:
        return
    if mapping.size < bytes + PAGES_LEAST:
        keep_no_more(mapping)
        unmap(mapping, mapping.gap)
        return
    take_from_bin(mapping)
    mapping.size -= bytes
    munmap(<char*>mapping + mapping.size, bytes)
    put_in_bin(mapping)
    held -= bytes
    kept -= bytes
