"""Linear hashing (Litwin 1980) with cache-line buckets.

Home bucket of hash h: with 2^L <= buckets < 2^(L+1), the low L+1 bits of h if such a bucket is in use, else the low L bits. Bucket 2^L + i
is made by splitting bucket i; merging undoes that.

Bucket counts are Poisson distributed and unsplit buckets are twice as full as split ones, so overflow is the rule: what counts for memory
is that it costs little. What a bucket cannot hold is in one block beside it, its tail, cut to the number of items: their tags, then their
addresses (seven bytes an item, the allocator's classes go by 8). So the best load lies above the nine slots of a home bucket. Bytes per
item and the share of items that are in a tail, averaged over a doubling of the table: 8.9, 0.21 at 8.75 items a home bucket; 8.05, 0.36 at
12 (taken); 7.85, 0.44 at 14. Most misses need no extra line thanks to the filter of the tail's tags in the bucket.

A position numbers the slots of a home bucket and its tail: 0-7 are the bucket's, 8 and on the tail's (or 8 the bucket's own last slot).
A tail takes over the item of slot 8 as its first, and keeps the places of its items when it grows, so an item keeps its position until it
moves to another bucket or a removal lets the tail shrink; neither happens while the table is paused.
"""

from libc.string cimport memcpy, memset
from zippy._core.ground.buf cimport slice_equal
from zippy._core.ground.slice cimport prefetch
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_good_size, mem_realloc, mem_size
from zippy._core.ground.random cimport random_below

cdef extern from *:
    """
    #include <stdint.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    /* eight bytes of tags, the first in the lowest byte */
    static inline uint64_t zippy_word(const void* at) {
        uint64_t w;
        memcpy(&w, at, 8);
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        w = __builtin_bswap64(w);
    #endif
        return w;
    }
    /* a block is `area` bytes of tags and addresses of six bytes behind; reading eight bytes that end with the address stays inside */
    static inline void* zippy_item(const void* block, size_t area, size_t slot) {
        return (void*)(uintptr_t)(zippy_word((const char*)block + area + 6 * slot - 2) >> 16);
    }
    static inline void zippy_item_put(void* block, size_t area, size_t slot, const void* item) {
        uint64_t w = (uintptr_t)item;
        if (__builtin_expect(w >> 48 != 0, 0)) {
            fprintf(stderr, "zippy: the address %p does not fit into the hash table's 48 bits\\n", item);
            abort();
        }
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        w = __builtin_bswap64(w);
    #endif
        memcpy((char*)block + area + 6 * slot, &w, 6);
    }
    static inline uint64_t zippy_reverse(uint64_t v) {
        v = (v >> 1 & 0x5555555555555555u) | (v & 0x5555555555555555u) << 1;
        v = (v >> 2 & 0x3333333333333333u) | (v & 0x3333333333333333u) << 2;
        v = (v >> 4 & 0x0F0F0F0F0F0F0F0Fu) | (v & 0x0F0F0F0F0F0F0F0Fu) << 4;
        return __builtin_bswap64(v);
    }
    #define zippy_ctz __builtin_ctzll
    #define zippy_clz __builtin_clzll
    #define zippy_bits __builtin_popcountll
    """
    uint64_t zippy_word(const void* at) noexcept nogil
    void* zippy_item(const void* block, size_t area, size_t slot) noexcept nogil
    void zippy_item_put(void* block, size_t area, size_t slot, const void* item) noexcept nogil
    uint64_t zippy_reverse(uint64_t v) noexcept nogil
    int zippy_ctz(uint64_t v) noexcept nogil
    int zippy_clz(uint64_t v) noexcept nogil
    int zippy_bits(uint64_t v) noexcept nogil

cdef enum:
    SLOTS = 9
    AREA = 10               # bytes of tags in a home bucket
    TAIL = 0x8000           # last: there is a tail
    BEYOND = 256            # in place of a tag: behind the last position
    WINDOW = 64             # items that a split looks at at once
    ROOMY_TAIL = 64         # slots from which on a tail grows by a quarter: it is that of a paused table
    SEGMENT_BITS = 6
    SEGMENT = 64            # buckets: 4 KiB
    WHOLE_SEGMENTS = 4096   # from so many buckets on, a segment is not grown bit by bit: half of one is less than a hundredth of the table
    GROW_SIXTEENTHS = 192   # split above 12 items a home bucket (see the head)
    SHRINK_SIXTEENTHS = 132     # merge below 8.25
    STEPS = 2               # splits or merges an operation may do
    SPARSE_STEPS = 8        # the same where there is less than an item in two buckets
    EMPTIED_AT_ONCE = 1024  # buckets: a table that has lost its last item and is no larger is freed as a whole
    MERGED_MAX = 48         # items: by chance no merged bucket has so many (16.5 on average at most)

cdef struct Place:
    Bucket* home
    void* block     # where the item is: home or its tail; NULL: nowhere
    size_t area     # bytes of tags in that block
    size_t slot
    void* item


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
    # the high bit of each byte of word that equals tag, exactly
    cdef uint64_t differ = word ^ (tag * <uint64_t>0x0101010101010101)
    cdef uint64_t low = <uint64_t>0x7F7F7F7F7F7F7F7F
    return ~(((differ & low) + low) | differ | low)


cdef inline uint64_t tail_matches(const uint8_t* tail, size_t room, size_t first, unsigned int tag) noexcept nogil:
    # the same for the eight tags from `first` on, a multiple of 8 below room; a tail's eight bytes from there on are its own
    cdef uint64_t match = matches(zippy_word(tail + first), tag)
    return match if room - first >= 8 else match & ((<uint64_t>1 << ((room - first) * 8)) - 1)


cdef inline uint8_t* tail_of(const Bucket* home) noexcept nogil:
    return <uint8_t*>zippy_item(home, AREA, SLOTS - 1) if home.last & TAIL else NULL


cdef inline bint tail_may_have(unsigned int last, unsigned int tag) noexcept nogil:
    # bit 15, which says that there is a tail, is the filter's bit of every sixteenth tag
    return last & TAIL and (last >> (tag & 15)) & 1


cdef inline size_t tail_room(const uint8_t* tail) noexcept nogil:
    # asks the address alone: the tail's cache line may still be on its way
    return mem_size(tail) // 7


cdef inline bint is_here(const HashTable* t, Place* place, size_t slot, Slice key) noexcept nogil:
    cdef Slice other
    place.slot = slot
    place.item = zippy_item(place.block, place.area, slot)
    t.key_of(place.item, &other)
    return slice_equal(other, key)


cdef void seek_tail(const HashTable* t, Place* place, Slice key, unsigned int tag) noexcept nogil:
    cdef uint8_t* tail = tail_of(place.home)
    cdef size_t first = 0
    cdef uint64_t match
    place.block = tail
    place.area = tail_room(tail)
    while first < place.area:
        match = tail_matches(tail, place.area, first, tag)
        while match:
            if is_here(t, place, first + (zippy_ctz(match) >> 3), key):
                return
            match &= match - 1
        first += 8
    place.block = NULL


cdef inline Place seek(const HashTable* t, Slice key, uint64_t hash) noexcept nogil:
    cdef Place place
    cdef unsigned int tag = tag_of(hash)
    cdef uint64_t match
    place.home = NULL
    place.block = place.item = NULL
    place.area = AREA
    place.slot = 0
    if t.count == 0:
        return place
    place.home = bucket_at(t, home_index(t, hash))
    place.block = place.home
    match = matches(zippy_word(place.home), tag)
    while match:
        if is_here(t, &place, zippy_ctz(match) >> 3, key):
            return place
        match &= match - 1
    if place.home.last == tag:
        if is_here(t, &place, SLOTS - 1, key):
            return place
    elif tail_may_have(place.home.last, tag):
        seek_tail(t, &place, key, tag)
        return place
    place.block = NULL
    return place


cdef void ht_init(HashTable* t, ht_key_fn key_of) noexcept nogil:
    memset(t, 0, sizeof(HashTable))
    t.key_of = key_of


cdef void* ht_find(HashTable* t, Slice key) noexcept nogil:
    return ht_find_hashed(t, key, hash_bytes(key.ptr, key.len)) if t.count else NULL


cdef void* ht_find_hashed(HashTable* t, Slice key, uint64_t hash) noexcept nogil:
    # as seek, but it has no place to tell
    cdef unsigned int tag = tag_of(hash)
    cdef Place place
    cdef Slice other
    cdef void* item
    cdef uint64_t match
    if t.count == 0:
        return NULL
    place.home = bucket_at(t, home_index(t, hash))
    match = matches(zippy_word(place.home), tag)
    while match:
        item = zippy_item(place.home, AREA, zippy_ctz(match) >> 3)
        t.key_of(item, &other)
        if slice_equal(other, key):
            return item
        match &= match - 1
    if place.home.last == tag:
        item = zippy_item(place.home, AREA, SLOTS - 1)
        t.key_of(item, &other)
        if slice_equal(other, key):
            return item
    elif tail_may_have(place.home.last, tag):
        seek_tail(t, &place, key, tag)
        if place.block != NULL:
            return place.item
    return NULL


cdef const Bucket* ht_prefetch(HashTable* t, uint64_t hash) noexcept nogil:
    cdef const Bucket* home = bucket_at(t, home_index(t, hash)) if t.buckets else NULL
    prefetch(home)
    return home


cdef void ht_prefetch_item(const Bucket* home, uint64_t hash) noexcept nogil:
    cdef unsigned int tag = tag_of(hash)
    cdef uint64_t match = matches(zippy_word(home), tag)
    while match:
        prefetch(zippy_item(home, AREA, zippy_ctz(match) >> 3))
        match &= match - 1
    if home.last == tag or tail_may_have(home.last, tag):
        prefetch(zippy_item(home, AREA, SLOTS - 1))


# ---- one home bucket and its tail


cdef uint8_t* tail_new(HashTable* t, size_t slots) noexcept nogil:
    # an empty tail with room for so many items at least
    cdef uint8_t* tail = <uint8_t*>mem_alloc((slots * 7 + 7) & ~<size_t>7)
    cdef size_t room = tail_room(tail)
    memset(tail, 0, room)
    t.overflow += <uint32_t>(mem_size(tail) // 8)
    if room + SLOTS - 1 > t.deepest:
        t.deepest = <uint32_t>(room + SLOTS - 1)
    return tail


cdef void tail_free(HashTable* t, uint8_t* tail) noexcept nogil:
    t.overflow -= <uint32_t>(mem_size(tail) // 8)
    mem_free(tail)


cdef inline void tail_fill(Bucket* home, uint8_t* tail, size_t room, size_t slot, void* item, unsigned int tag) noexcept nogil:
    tail[slot] = <uint8_t>tag
    zippy_item_put(tail, room, slot, item)
    home.last |= <uint16_t>(1 << (tag & 15))


cdef void tail_grow(HashTable* t, Bucket* home, size_t more) noexcept nogil:
    # room for so many items more than the bucket and its tail have slots now
    cdef uint8_t* old = tail_of(home)
    cdef uint8_t* tail
    cdef size_t room = tail_room(old) if old != NULL else 1
    cdef void* item
    cdef unsigned int tag
    if old == NULL:
        item = zippy_item(home, AREA, SLOTS - 1)
        tag = home.last
        tail = tail_new(t, room + more)
        home.last = TAIL
        if tag:
            tail_fill(home, tail, tail_room(tail), 0, item, tag)
    else:
        tail = tail_new(t, room + more + (room // 4 if room >= ROOMY_TAIL else 0))
        memcpy(tail, old, room)
        memcpy(tail + tail_room(tail), old + room, room * 6)
        tail_free(t, old)
    zippy_item_put(home, AREA, SLOTS - 1, tail)


cdef void chain_room(HashTable* t, Bucket* home, size_t items) noexcept nogil:
    # sees to it that so many items can be put
    cdef size_t vacant = <size_t>zippy_bits(matches(zippy_word(home), 0))
    cdef uint8_t* tail
    cdef size_t room
    cdef size_t first = 0
    if vacant >= items:
        return
    tail = tail_of(home)
    if tail == NULL:
        vacant += home.last == 0
    else:
        room = tail_room(tail)
        while first < room:
            vacant += <size_t>zippy_bits(tail_matches(tail, room, first, 0))
            first += 8
    if vacant < items:
        tail_grow(t, home, items - vacant)


cdef void chain_put(Bucket* home, void* item, unsigned int tag) noexcept nogil:
    # puts an item where chain_room made room
    cdef uint64_t vacant = matches(zippy_word(home), 0)
    cdef uint8_t* tail
    cdef size_t room
    cdef size_t slot = SLOTS - 1
    cdef size_t first = 0
    if vacant:
        slot = <size_t>zippy_ctz(vacant) >> 3
        home.tags[slot] = <uint8_t>tag
    elif home.last & TAIL:
        tail = tail_of(home)
        room = tail_room(tail)
        vacant = tail_matches(tail, room, 0, 0)
        while vacant == 0:
            first += 8
            vacant = tail_matches(tail, room, first, 0)
        tail_fill(home, tail, room, first + (zippy_ctz(vacant) >> 3), item, tag)
        return
    else:
        home.last = <uint16_t>tag
    zippy_item_put(home, AREA, slot, item)


cdef void chain_trim(HashTable* t, Bucket* home) noexcept nogil:
    # the tail's items fill the vacant slots of the home bucket; the tail is cut to those that are left, its filter made anew
    cdef uint8_t* tail = tail_of(home)
    cdef uint8_t* smaller
    cdef size_t room = tail_room(tail)
    cdef size_t slot
    cdef size_t left = 0
    cdef uint64_t vacant = matches(zippy_word(home), 0)
    home.last = TAIL
    for slot in range(room):
        if tail[slot] and vacant:
            chain_put(home, zippy_item(tail, room, slot), tail[slot])
            tail[slot] = 0
            vacant &= vacant - 1
        elif tail[slot]:
            home.last |= <uint16_t>(1 << (tail[slot] & 15))
            left += 1
    if left > 1 and mem_good_size(left * 7) == mem_size(tail):
        return
    smaller = tail_new(t, left) if left > 1 else NULL
    if smaller != NULL:
        zippy_item_put(home, AREA, SLOTS - 1, smaller)
    else:
        home.last = 0
    for slot in range(room):
        if tail[slot]:
            chain_put(home, zippy_item(tail, room, slot), tail[slot])
    tail_free(t, tail)


cdef inline void* item_at(const Bucket* home, uint64_t position, unsigned int* tag) noexcept nogil:
    # the item at a position and its tag; tag is 0 if the position is vacant, BEYOND behind the last one, and the item NULL then
    cdef const uint8_t* tail
    cdef size_t room
    if position < SLOTS - 1:
        tag[0] = home.tags[position]
        return zippy_item(home, AREA, position) if tag[0] else NULL
    tail = tail_of(home)
    position -= SLOTS - 1
    tag[0] = BEYOND
    if tail == NULL:
        if position == 0 and home.last:
            tag[0] = home.last
            return zippy_item(home, AREA, SLOTS - 1)
        return NULL
    room = tail_room(tail)
    if position >= room:
        return NULL
    tag[0] = tail[position]
    return zippy_item(tail, room, position) if tag[0] else NULL


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


cdef void prefetch_items(const Bucket* home) noexcept nogil:
    cdef uint64_t position = 0
    cdef unsigned int tag = 0
    while tag != BEYOND:
        prefetch(item_at(home, position, &tag))
        position += 1


cdef void split(HashTable* t) noexcept nogil:
    # the new bucket takes the items of its partner whose hash has the next bit set; a window of items at a time, so that tails are cut once
    cdef uint64_t bit = (<uint64_t>1 << 63) >> zippy_clz(t.buckets)
    cdef uint64_t partner = t.buckets - bit
    cdef uint64_t position = 0
    cdef uint64_t sides
    cdef Bucket old
    cdef Bucket* low
    cdef Bucket* high
    cdef void* items[WINDOW]
    cdef unsigned int tags[WINDOW]
    cdef unsigned int tag = 0
    cdef Slice key
    cdef size_t count, i
    bucket_append(t)
    low = bucket_at(t, partner)
    high = bucket_at(t, t.buckets - 1)
    prefetch_items(low)
    memcpy(&old, low, sizeof(Bucket))
    memset(low, 0, sizeof(Bucket))
    while tag != BEYOND:
        count = sides = 0
        while count < WINDOW:
            items[count] = item_at(&old, position, &tag)
            if tag == BEYOND:
                break
            position += 1
            if tag:
                tags[count] = tag
                t.key_of(items[count], &key)
                sides |= <uint64_t>(hash_bytes(key.ptr, key.len) & bit != 0) << count
                count += 1
        chain_room(t, high, <size_t>zippy_bits(sides))
        chain_room(t, low, count - <size_t>zippy_bits(sides))
        for i in range(count):
            chain_put(high if (sides >> i) & 1 else low, items[i], tags[i])
    if old.last & TAIL:
        tail_free(t, tail_of(&old))


cdef size_t chain_count(const Bucket* home) noexcept nogil:
    cdef size_t count = 8 - <size_t>zippy_bits(matches(zippy_word(home), 0))
    cdef const uint8_t* tail = tail_of(home)
    cdef size_t room
    cdef size_t first = 0
    if tail == NULL:
        return count + (home.last != 0)
    room = tail_room(tail)
    count += room
    while first < room:
        count -= <size_t>zippy_bits(tail_matches(tail, room, first, 0))
        first += 8
    return count


cdef bint merge(HashTable* t) noexcept nogil:
    # The last bucket's items go back to the bucket that it was split from. False: they stay, as both are full. That is so when items are
    # removed in the order of a scan: what is left of them is side by side, and would all come to one bucket.
    cdef uint64_t last = t.buckets - 1
    cdef Bucket* into = bucket_at(t, last - ((<uint64_t>1 << 63) >> zippy_clz(last)))
    cdef Bucket* home = bucket_at(t, last)
    cdef uint64_t position = 0
    cdef unsigned int tag = 0
    cdef size_t count = chain_count(home)
    cdef void* item
    if count + chain_count(into) > MERGED_MAX:
        return False
    chain_room(t, into, count)
    while tag != BEYOND:
        item = item_at(home, position, &tag)
        if item != NULL:
            chain_put(into, item, tag)
        position += 1
    if home.last & TAIL:
        tail_free(t, tail_of(home))
    bucket_drop(t)
    return True


cdef void grow(HashTable* t, uint64_t count, uint64_t steps) noexcept nogil:
    while steps and t.paused == 0 and count * 16 > t.buckets * GROW_SIXTEENTHS:
        split(t)
        steps -= 1


cdef bint ht_shrink(HashTable* t, uint64_t steps) noexcept nogil:
    if t.count == 0 and t.paused == 0 and 1 < t.buckets <= EMPTIED_AT_ONCE:
        ht_free(t)
    while t.paused == 0 and t.buckets > 1 and t.count * 16 < t.buckets * SHRINK_SIXTEENTHS:
        if steps == 0:
            return False
        if not merge(t):
            break
        steps -= 1
    return True


cdef void ht_free(HashTable* t) noexcept nogil:
    cdef uint64_t index
    for index in range(t.buckets if t.overflow else 0):
        mem_free(tail_of(bucket_at(t, index)))
    for index in range(t.directory):
        mem_free(t.segments[index])
    mem_free(t.segments)
    ht_init(t, t.key_of)


cdef bint ht_drain(HashTable* t, uint64_t items, ht_scan_fn fn, void* context) noexcept nogil:
    cdef uint64_t done = 0
    cdef uint64_t position
    cdef unsigned int tag
    cdef Bucket* home
    cdef void* item
    while t.buckets:
        if done >= items:
            return False
        home = bucket_at(t, t.buckets - 1)
        position = tag = 0
        while tag != BEYOND:
            item = item_at(home, position, &tag)
            if item != NULL:
                fn(context, item)
                t.count -= 1
                done += 1
            position += 1
        # an empty one takes time too
        done += 1
        if home.last & TAIL:
            tail_free(t, tail_of(home))
        if t.buckets == 1:
            break
        bucket_drop(t)
    ht_free(t)
    return True


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
    cdef Bucket* home
    if t.buckets == 0:
        bucket_append(t)
    t.count += 1
    grow(t, t.count, STEPS)
    home = bucket_at(t, home_index(t, hash))
    chain_room(t, home, 1)
    chain_put(home, item, tag_of(hash))


cdef void* ht_remove(HashTable* t, Slice key) noexcept nogil:
    return ht_remove_hashed(t, key, hash_bytes(key.ptr, key.len)) if t.count else NULL


cdef void* ht_remove_hashed(HashTable* t, Slice key, uint64_t hash) noexcept nogil:
    cdef Place place = seek(t, key, hash)
    if place.block == NULL:
        return NULL
    if place.block == place.home and place.slot == SLOTS - 1:
        place.home.last = 0
    else:
        (<uint8_t*>place.block)[place.slot] = 0
    t.count -= 1
    if t.paused == 0:
        if place.home.last & TAIL:
            chain_trim(t, place.home)
        ht_shrink(t, SPARSE_STEPS if t.count * 2 < t.buckets else STEPS)
    return place.item


cdef void ht_replace(HashTable* t, void* old, void* new_item, uint64_t hash) noexcept nogil:
    cdef unsigned int tag = tag_of(hash)
    cdef unsigned int other = 0
    cdef uint64_t position = 0
    cdef Bucket* home
    cdef uint8_t* tail
    if t.count == 0:
        return
    home = bucket_at(t, home_index(t, hash))
    while other != BEYOND:
        if item_at(home, position, &other) == old and other == tag:
            tail = tail_of(home)
            if position < SLOTS - 1 or tail == NULL:
                zippy_item_put(home, AREA, position, new_item)
            else:
                zippy_item_put(tail, tail_room(tail), position - (SLOTS - 1), new_item)
            return
        position += 1


# ---- walking


cdef uint64_t ht_scan(HashTable* t, uint64_t cursor, ht_scan_fn fn, void* context) noexcept nogil:
    cdef uint64_t before = t.count
    cdef uint64_t index, half, end
    cdef uint64_t position = 0
    cdef unsigned int tag = 0
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
    while tag != BEYOND:
        item = item_at(bucket_at(t, index), position, &tag)
        if item != NULL:
            fn(context, item)
        position += 1
    t.paused -= 1
    ht_shrink(t, STEPS * (before - t.count))
    return zippy_reverse(end) if half > 1 else 0


cdef void* random_by_rank(HashTable* t, Random* r) noexcept nogil:
    # counts through all buckets, and finds `deepest` anew on the way
    cdef uint64_t rank = random_below(r, t.count)
    cdef uint64_t index, position
    cdef void* item
    cdef void* chosen = NULL
    cdef unsigned int tag
    t.deepest = SLOTS
    for index in range(t.buckets):
        position = tag = 0
        while tag != BEYOND:
            item = item_at(bucket_at(t, index), position, &tag)
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
    cdef unsigned int tag
    cdef void* item
    if t.count == 0:
        return NULL
    while tries:
        draw = random_below(r, t.buckets * depth)
        item = item_at(bucket_at(t, draw // depth), draw % depth, &tag)
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
    cdef unsigned int tag
    cdef void* item
    while it.index < it.table.buckets:
        item = item_at(bucket_at(it.table, it.index), it.position, &tag)
        it.position += 1
        if item != NULL:
            return item
        if tag == BEYOND:
            it.index += 1
            it.position = 0
    return NULL


cdef void ht_iter_done(HtIter* it) noexcept nogil:
    cdef HashTable* t = it.table
    t.paused -= 1
    if t.count < it.before:
        ht_shrink(t, STEPS * (it.before - t.count))


cdef size_t ht_memory(const HashTable* t) noexcept nogil:
    cdef size_t bytes = mem_size(t.segments) if t.segments != NULL else 0
    if t.directory:
        bytes += (t.directory - 1) * SEGMENT * sizeof(Bucket) + mem_size(t.segments[t.directory - 1])
    return bytes + t.overflow * sizeof(void*)
