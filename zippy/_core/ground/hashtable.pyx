"""Linear hashing (Litwin 1980) with cache-line buckets.

Home bucket of hash h: with 2^L <= buckets < 2^(L+1), the low L+1 bits of h if such a bucket is in use, else the low L bits. Bucket 2^L + i
is made by splitting bucket i; merging undoes that.

Bucket counts are Poisson distributed and unsplit buckets are twice as full as split ones, so overflow is the rule: what counts for memory
is that it costs little. A child bucket has as many slots as it needs (24 to 64 bytes, the allocator's classes go by 8), and so the best
load lies above the seven slots of a home bucket. Bytes per item and extra cache lines per hit and per miss, averaged over a doubling of the
table:
12.2, 0.21, 0.16 at 6.3 items a home bucket; 10.9, 0.41, 0.38 at 8.75 (taken); 10.5, 0.69, 0.73 at 12. Most misses need no extra line thanks
to the filter: the bits (tag & 7) of all tags below a bucket, in the byte that would be slot 6's tag.

A position numbers the slots of a home bucket and its children: 0-5 are the bucket's, 6-11 the child's (or 6 the bucket's own last slot).
Adding a child turns slot 6 of the bucket into slot 0 of the child, so an item keeps its position until it moves to another bucket.
"""

from libc.string cimport memcpy, memset
from zippy._core.ground.buf cimport slice_equal
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_good_size, mem_realloc, mem_size
from zippy._core.ground.random cimport random_below

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    /* the seven tags in the low bytes, meta in the top byte */
    static inline uint64_t zippy_tag_word(const void* bucket) {
        uint64_t w;
        memcpy(&w, bucket, 8);
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        w = __builtin_bswap64(w);
    #endif
        return w;
    }
    static inline uint64_t zippy_reverse(uint64_t v) {
        v = (v >> 1 & 0x5555555555555555u) | (v & 0x5555555555555555u) << 1;
        v = (v >> 2 & 0x3333333333333333u) | (v & 0x3333333333333333u) << 2;
        v = (v >> 4 & 0x0F0F0F0F0F0F0F0Fu) | (v & 0x0F0F0F0F0F0F0F0Fu) << 4;
        return __builtin_bswap64(v);
    }
    #define zippy_ctz __builtin_ctzll
    #define zippy_clz __builtin_clzll
    #define zippy_bits __builtin_popcount
    #define zippy_prefetch(p) __builtin_prefetch(p)
    """
    uint64_t zippy_tag_word(const void* bucket) noexcept nogil
    uint64_t zippy_reverse(uint64_t v) noexcept nogil
    int zippy_ctz(uint64_t v) noexcept nogil
    int zippy_clz(uint64_t v) noexcept nogil
    int zippy_bits(unsigned int v) noexcept nogil
    void zippy_prefetch(const void* p) noexcept nogil

cdef enum:
    SLOTS = 7
    CHILD = 0x80            # meta: slot 6 is a child
    FULL = 0x7F             # meta: seven items
    SEGMENT_BITS = 6
    SEGMENT = 64            # buckets: 4 KiB
    WHOLE_SEGMENTS = 4096   # from so many buckets on, a segment is not grown bit by bit: half of one is less than a hundredth of the table
    GROW_SIXTEENTHS = 140   # split above 8.75 items a home bucket (see the head)
    SHRINK_SIXTEENTHS = 96  # merge below 6
    STEPS = 2               # splits or merges an operation may do

cdef struct Place:
    Bucket* home
    Bucket* bucket    # where the item is: home or one of its children; NULL: nowhere
    int slot


cdef inline Bucket* bucket_at(const HashTable* t, uint64_t index) noexcept nogil:
    return &t.segments[index >> SEGMENT_BITS][index & (SEGMENT - 1)]


cdef inline uint64_t home_index(const HashTable* t, uint64_t hash) noexcept nogil:
    cdef uint64_t mask = (~<uint64_t>0) >> zippy_clz(t.buckets)
    cdef uint64_t index = hash & mask
    return index if index < t.buckets else hash & (mask >> 1)


cdef inline unsigned int tag_of(uint64_t hash) noexcept nogil:
    cdef unsigned int tag = <unsigned int>(hash >> 56)
    return tag if tag != 0 else 1


cdef inline uint64_t matches(uint64_t word, unsigned int tag) noexcept nogil:
    # the high bit of each byte of word that equals tag, exactly; slots only, not meta, and not the filter above a child
    cdef uint64_t differ = word ^ (tag * <uint64_t>0x0101010101010101)
    cdef uint64_t low = <uint64_t>0x7F7F7F7F7F7F7F7F
    return ~(((differ & low) + low) | differ | low) & (<uint64_t>0x0080808080808080 >> (word >> 63 << 3))


cdef inline Bucket* child_for(const Bucket* b, uint64_t word, unsigned int tag) noexcept nogil:
    # the child, or NULL if there is none or its filter says that the tag is not below
    if (word >> 63) & (word >> (48 + (tag & 7))):
        return <Bucket*>b.slots[6]
    return NULL


cdef inline Place seek(const HashTable* t, Slice key, uint64_t hash) noexcept nogil:
    cdef Place place
    cdef unsigned int tag = tag_of(hash)
    cdef uint64_t word, match
    cdef Slice other
    place.home = place.bucket = NULL
    place.slot = 0
    if t.count == 0:
        return place
    place.home = place.bucket = bucket_at(t, home_index(t, hash))
    while place.bucket != NULL:
        word = zippy_tag_word(place.bucket)
        match = matches(word, tag)
        while match:
            place.slot = zippy_ctz(match) >> 3
            t.key_of(place.bucket.slots[place.slot], &other)
            if slice_equal(other, key):
                return place
            match &= match - 1
        place.bucket = child_for(place.bucket, word, tag)
    return place


cdef void ht_init(HashTable* t, ht_key_fn key_of) noexcept nogil:
    memset(t, 0, sizeof(HashTable))
    t.key_of = key_of


cdef void* ht_find(HashTable* t, Slice key) noexcept nogil:
    return ht_find_hashed(t, key, hash_bytes(key.ptr, key.len)) if t.count else NULL


cdef void* ht_find_hashed(HashTable* t, Slice key, uint64_t hash) noexcept nogil:
    cdef Place place = seek(t, key, hash)
    return place.bucket.slots[place.slot] if place.bucket != NULL else NULL


cdef void** ht_find_slot(HashTable* t, Slice key, uint64_t hash) noexcept nogil:
    cdef Place place = seek(t, key, hash)
    return &place.bucket.slots[place.slot] if place.bucket != NULL else NULL


cdef void ht_prefetch(HashTable* t, uint64_t hash) noexcept nogil:
    if t.buckets:
        zippy_prefetch(bucket_at(t, home_index(t, hash)))


cdef void ht_prefetch_item(HashTable* t, uint64_t hash) noexcept nogil:
    cdef unsigned int tag = tag_of(hash)
    cdef Bucket* b
    cdef uint64_t word, match
    if not t.buckets:
        return
    b = bucket_at(t, home_index(t, hash))
    word = zippy_tag_word(b)
    match = matches(word, tag)
    while match:
        zippy_prefetch(b.slots[zippy_ctz(match) >> 3])
        match &= match - 1
    b = child_for(b, word, tag)
    if b != NULL:
        zippy_prefetch(b)


# ---- one home bucket and its children


cdef inline void fill(Bucket* b, int slot, void* item, unsigned int tag) noexcept nogil:
    b.slots[slot] = item
    b.tags[slot] = <uint8_t>tag
    b.meta |= <uint8_t>(1 << slot)


cdef inline void clear(Bucket* b, int slot) noexcept nogil:
    b.slots[slot] = NULL
    b.tags[slot] = 0
    b.meta &= <uint8_t>~(1 << slot)


cdef inline unsigned int capacity(const Bucket* child) noexcept nogil:
    cdef size_t slots = mem_size(child) // sizeof(void*) - 1
    return <unsigned int>slots if slots < SLOTS else SLOTS


cdef inline size_t cut_size(unsigned int slots) noexcept nogil:
    return (slots + 1) * sizeof(void*)


cdef Bucket* child_resize(HashTable* t, Bucket* child, unsigned int slots) noexcept nogil:
    # the child (NULL: a new one) with room for so many items, which are all in the first slots
    cdef unsigned int before = 0
    if child != NULL:
        before = capacity(child) + 1
        child = <Bucket*>mem_realloc(child, cut_size(slots))
    else:
        child = <Bucket*>mem_alloc(cut_size(slots))
        memset(child, 0, sizeof(void*))
    t.overflow += capacity(child) + 1 - before
    return child


cdef void child_free(HashTable* t, Bucket* child) noexcept nogil:
    t.overflow -= capacity(child) + 1
    mem_free(child)


cdef void chain_extend(HashTable* t, Bucket* parent, Bucket* last, unsigned int depth, void* item, unsigned int tag) noexcept nogil:
    # one more slot behind `last`, which is full, child of `parent` (NULL if it is a home bucket) and below `depth` other buckets
    cdef Bucket* child
    cdef unsigned int slots
    if last.meta != FULL:
        slots = <unsigned int>zippy_bits(last.meta) + 1
        child = child_resize(t, last, slots)
        parent.slots[6] = child
        fill(child, <int>slots - 1, item, tag)
    else:
        depth += 1
        slots = 2
        child = child_resize(t, NULL, slots)
        fill(child, 0, last.slots[6], last.tags[6])
        fill(child, 1, item, tag)
        last.tags[6] = <uint8_t>((1 << (last.tags[6] & 7)) | (1 << (tag & 7)))
        last.meta = CHILD | (FULL >> 1)
        last.slots[6] = child
    if depth * (SLOTS - 1) + slots > t.deepest:
        t.deepest = depth * (SLOTS - 1) + slots


cdef void chain_put(HashTable* t, Bucket* home, void* item, unsigned int tag) noexcept nogil:
    cdef Bucket* b = home
    cdef Bucket* parent = NULL
    cdef unsigned int depth = 0
    cdef unsigned int vacant
    while True:
        vacant = ~<unsigned int>b.meta & (FULL >> (b.meta >> 7))
        if vacant and parent != NULL:
            vacant &= (<unsigned int>1 << capacity(b)) - 1
        if vacant:
            fill(b, zippy_ctz(vacant), item, tag)
            return
        if not b.meta & CHILD:
            break
        b.tags[6] |= <uint8_t>(1 << (tag & 7))
        parent = b
        b = <Bucket*>b.slots[6]
        depth += 1
    chain_extend(t, parent, b, depth, item, tag)


cdef void chain_trim(HashTable* t, Bucket* parent, Bucket* last) noexcept nogil:
    # gives back the vacant slots of the last child; a single item goes back into the parent
    cdef unsigned int meta = last.meta
    cdef unsigned int items = 0
    cdef int slot
    while meta:
        slot = zippy_ctz(meta)
        last.slots[items] = last.slots[slot]
        last.tags[items] = last.tags[slot]
        items += 1
        meta &= meta - 1
    if items > 1:
        last.meta = <uint8_t>((1 << items) - 1)
        memset(last.tags + items, 0, SLOTS - items)
        parent.slots[6] = child_resize(t, last, items)
        return
    parent.meta &= FULL
    clear(parent, 6)
    if items:
        fill(parent, 6, last.slots[0], last.tags[0])
    child_free(t, last)


cdef void chain_compact(HashTable* t, Bucket* home, Bucket* b, int slot) noexcept nogil:
    # an item of the last child fills the vacant slot, so that overflow stays as small as it can be
    cdef Bucket* parent = home
    cdef Bucket* last = <Bucket*>home.slots[6]
    cdef int from_slot
    while last.meta & CHILD:
        parent = last
        last = <Bucket*>last.slots[6]
    if b != last and last.meta:
        from_slot = 63 - zippy_clz(last.meta)
        fill(b, slot, last.slots[from_slot], last.tags[from_slot])
        clear(last, from_slot)
    chain_trim(t, parent, last)


cdef inline void* item_at(const Bucket* home, uint64_t position, bint* beyond) noexcept nogil:
    # the item at a position, NULL if it is vacant; beyond is set behind the last item
    cdef const Bucket* b = home
    while b.meta & CHILD and position >= SLOTS - 1:
        b = <const Bucket*>b.slots[6]
        position -= SLOTS - 1
    if b.meta & CHILD == 0 and (position >= SLOTS or (b.meta >> position) == 0):
        beyond[0] = True
        return NULL
    return b.slots[position] if (b.meta >> position) & 1 else NULL


# ---- growing and shrinking


cdef void directory_append(HashTable* t, Bucket* segment) noexcept nogil:
    cdef size_t room = mem_size(t.segments) // sizeof(void*) if t.segments != NULL else 0
    if t.directory == room:
        t.segments = <Bucket**>mem_realloc(t.segments, (room + room // 2 + 1) * sizeof(void*))
    t.segments[t.directory] = segment
    t.directory += 1


cdef void bucket_append(HashTable* t) noexcept nogil:
    # one more home bucket, empty
    cdef uint64_t index = t.buckets
    cdef size_t bytes = ((index & (SEGMENT - 1)) + 1) * sizeof(Bucket)
    cdef Bucket** segment
    if bytes == sizeof(Bucket):
        directory_append(t, <Bucket*>mem_alloc(SEGMENT * sizeof(Bucket) if index >= WHOLE_SEGMENTS else bytes))
    else:
        segment = &t.segments[index >> SEGMENT_BITS]
        if bytes > mem_size(segment[0]):
            segment[0] = <Bucket*>mem_realloc(segment[0], bytes)
    t.buckets += 1
    memset(bucket_at(t, index), 0, sizeof(Bucket))


cdef void bucket_drop(HashTable* t) noexcept nogil:
    # takes the last home bucket away, whose items have gone
    cdef size_t bytes
    cdef Bucket** segment
    t.buckets -= 1
    bytes = (t.buckets & (SEGMENT - 1)) * sizeof(Bucket)
    segment = &t.segments[t.buckets >> SEGMENT_BITS]
    if bytes == 0:
        mem_free(segment[0])
        t.directory -= 1
        if mem_size(t.segments) > 4 * t.directory * sizeof(void*):
            t.segments = <Bucket**>mem_realloc(t.segments, (t.directory + t.directory // 2) * sizeof(void*))
    elif t.buckets < WHOLE_SEGMENTS and mem_good_size(bytes) < mem_size(segment[0]):
        segment[0] = <Bucket*>mem_realloc(segment[0], bytes)


cdef void prefetch_items(const Bucket* b) noexcept nogil:
    cdef int slot
    while True:
        for slot in range(SLOTS - 1):
            if (b.meta >> slot) & 1:
                zippy_prefetch(b.slots[slot])
        zippy_prefetch(b.slots[6] if b.meta & (CHILD | 1 << 6) else NULL)
        if not b.meta & CHILD:
            return
        b = <const Bucket*>b.slots[6]


cdef void split(HashTable* t) noexcept nogil:
    # the new bucket takes the items of its partner whose hash has the next bit set
    cdef uint64_t bit = (<uint64_t>1 << 63) >> zippy_clz(t.buckets)
    cdef uint64_t partner = t.buckets - bit
    cdef Bucket old
    cdef Bucket* b = &old
    cdef Bucket* child
    cdef Bucket* low
    cdef Bucket* high
    cdef Slice key
    cdef int slot
    bucket_append(t)
    low = bucket_at(t, partner)
    high = bucket_at(t, t.buckets - 1)
    prefetch_items(low)
    memcpy(&old, low, sizeof(Bucket))
    memset(low, 0, sizeof(Bucket))
    while True:
        for slot in range(SLOTS):
            if (b.meta >> slot) & 1:
                t.key_of(b.slots[slot], &key)
                chain_put(t, high if hash_bytes(key.ptr, key.len) & bit else low, b.slots[slot], b.tags[slot])
        child = <Bucket*>b.slots[6] if b.meta & CHILD else NULL
        if b != &old:
            child_free(t, b)
        if child == NULL:
            return
        b = child


cdef void merge(HashTable* t) noexcept nogil:
    # the last bucket's items go back to the bucket that it was split from
    cdef uint64_t last = t.buckets - 1
    cdef Bucket* into = bucket_at(t, last - ((<uint64_t>1 << 63) >> zippy_clz(last)))
    cdef Bucket* home = bucket_at(t, last)
    cdef Bucket* b = home
    cdef Bucket* child
    cdef int slot
    while True:
        for slot in range(SLOTS):
            if (b.meta >> slot) & 1:
                chain_put(t, into, b.slots[slot], b.tags[slot])
        child = <Bucket*>b.slots[6] if b.meta & CHILD else NULL
        if b != home:
            child_free(t, b)
        if child == NULL:
            break
        b = child
    bucket_drop(t)


cdef void grow(HashTable* t, uint64_t count, uint64_t steps) noexcept nogil:
    while steps and t.paused == 0 and count * 16 > t.buckets * GROW_SIXTEENTHS:
        split(t)
        steps -= 1


cdef void shrink(HashTable* t, uint64_t steps) noexcept nogil:
    while steps and t.paused == 0 and t.buckets > 1 and t.count * 16 < t.buckets * SHRINK_SIXTEENTHS:
        merge(t)
        steps -= 1


cdef void ht_free(HashTable* t) noexcept nogil:
    cdef uint64_t index
    cdef Bucket* child
    cdef Bucket* next_child
    for index in range(t.buckets if t.overflow else 0):
        child = bucket_at(t, index)
        child = <Bucket*>child.slots[6] if child.meta & CHILD else NULL
        while child != NULL:
            next_child = <Bucket*>child.slots[6] if child.meta & CHILD else NULL
            mem_free(child)
            child = next_child
    for index in range(t.directory):
        mem_free(t.segments[index])
    mem_free(t.segments)
    ht_init(t, t.key_of)


cdef void ht_reserve(HashTable* t, uint64_t count) noexcept nogil:
    if count == 0:
        return
    if t.buckets == 0:
        bucket_append(t)
    if t.count:
        grow(t, count, t.count + count)
        return
    while t.paused == 0 and count * 16 > t.buckets * GROW_SIXTEENTHS:
        bucket_append(t)


cdef void ht_insert(HashTable* t, void* item, uint64_t hash) noexcept nogil:
    if t.buckets == 0:
        bucket_append(t)
    t.count += 1
    grow(t, t.count, STEPS)
    chain_put(t, bucket_at(t, home_index(t, hash)), item, tag_of(hash))


cdef void* ht_remove(HashTable* t, Slice key) noexcept nogil:
    return ht_remove_hashed(t, key, hash_bytes(key.ptr, key.len)) if t.count else NULL


cdef void* ht_remove_hashed(HashTable* t, Slice key, uint64_t hash) noexcept nogil:
    cdef Place place = seek(t, key, hash)
    cdef void* item
    if place.bucket == NULL:
        return NULL
    item = place.bucket.slots[place.slot]
    clear(place.bucket, place.slot)
    t.count -= 1
    if t.paused == 0:
        if place.home.meta & CHILD:
            chain_compact(t, place.home, place.bucket, place.slot)
        shrink(t, STEPS)
    return item


cdef void ht_replace(HashTable* t, void* old, void* new_item, uint64_t hash) noexcept nogil:
    cdef unsigned int tag = tag_of(hash)
    cdef Bucket* b = bucket_at(t, home_index(t, hash)) if t.count else NULL
    cdef uint64_t word, match
    cdef int slot
    while b != NULL:
        word = zippy_tag_word(b)
        match = matches(word, tag)
        while match:
            slot = zippy_ctz(match) >> 3
            if b.slots[slot] == old:
                b.slots[slot] = new_item
                return
            match &= match - 1
        b = child_for(b, word, tag)


# ---- walking


cdef uint64_t ht_scan(HashTable* t, uint64_t cursor, ht_scan_fn fn, void* context) noexcept nogil:
    cdef uint64_t before = t.count
    cdef uint64_t index, half, end
    cdef uint64_t position = 0
    cdef bint beyond = False
    cdef void* item
    if t.count == 0:
        return 0
    index = home_index(t, cursor)
    # the bucket holds the hashes that end in its index's `depth` bits: an interval of the reversed space whose end is one such step further
    half = (<uint64_t>1 << 63) >> zippy_clz(t.buckets)
    if index + half < t.buckets or index >= half:
        half <<= 1
    end = zippy_reverse(index) + (zippy_reverse(half) << 1 if half > 1 else 0)
    t.paused += 1
    while not beyond:
        item = item_at(bucket_at(t, index), position, &beyond)
        if item != NULL:
            fn(context, item)
        position += 1
    t.paused -= 1
    shrink(t, STEPS * (before - t.count))
    return zippy_reverse(end) if half > 1 else 0


cdef void* random_by_rank(HashTable* t, Random* r) noexcept nogil:
    # counts through all buckets, and finds `deepest` anew on the way
    cdef uint64_t rank = random_below(r, t.count)
    cdef uint64_t index, position
    cdef void* item
    cdef void* chosen = NULL
    cdef bint beyond
    t.deepest = SLOTS
    for index in range(t.buckets):
        position = 0
        beyond = False
        while not beyond:
            item = item_at(bucket_at(t, index), position, &beyond)
            if item != NULL:
                if rank == 0:
                    chosen = item
                rank -= 1
            position += 1
        if position - 1 > t.deepest:
            t.deepest = <uint32_t>(position - 1)
    return chosen


cdef void* ht_random(HashTable* t, Random* r) noexcept nogil:
    # a uniform position of a uniform bucket until an item is there; a table left nearly empty by removals while paused is counted through
    cdef uint64_t tries = 64 + t.buckets // 16
    cdef uint64_t depth = t.deepest if t.deepest > SLOTS else SLOTS
    cdef uint64_t draw
    cdef bint beyond = False
    cdef void* item
    if t.count == 0:
        return NULL
    while tries:
        draw = random_below(r, t.buckets * depth)
        item = item_at(bucket_at(t, draw // depth), draw % depth, &beyond)
        if item != NULL:
            return item
        tries -= 1
    return random_by_rank(t, r)


cdef void ht_iter(HtIter* it, HashTable* t) noexcept nogil:
    it.table = t
    it.index = 0
    it.position = 0
    it.before = t.count
    t.paused += 1


cdef void* ht_iter_next(HtIter* it) noexcept nogil:
    cdef bint beyond = False
    cdef void* item
    while it.index < it.table.buckets:
        item = item_at(bucket_at(it.table, it.index), it.position, &beyond)
        it.position += 1
        if item != NULL:
            return item
        if beyond:
            it.index += 1
            it.position = 0
            beyond = False
    return NULL


cdef void ht_iter_done(HtIter* it) noexcept nogil:
    cdef HashTable* t = it.table
    t.paused -= 1
    if t.count < it.before:
        shrink(t, STEPS * (it.before - t.count))


cdef size_t ht_memory(const HashTable* t) noexcept nogil:
    cdef size_t bytes = mem_size(t.segments) if t.segments != NULL else 0
    if t.directory:
        bytes += (t.directory - 1) * SEGMENT * sizeof(Bucket) + mem_size(t.segments[t.directory - 1])
    return bytes + t.overflow * sizeof(void*)
