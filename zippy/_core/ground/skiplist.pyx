from libc.string cimport memcpy
from zippy._core.ground.buf cimport slice_compare
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_size
from zippy._core.ground.random cimport random_next
from zippy._core.ground.slice cimport slice_of


cdef extern from *:
    """
    #define zippy_fetch(p) __builtin_prefetch(p)
    """
    void zippy_fetch(const void* p) noexcept nogil


cdef inline ZslNode** forwards(const ZslNode* n) noexcept nogil:
    return <ZslNode**>(n + 1)


cdef inline uint32_t* spans(const ZslNode* n) noexcept nogil:
    """How many elements each forward pointer passes over, its target counted; of a last pointer: how many are behind."""
    return <uint32_t*>(forwards(n) + n.levels)


cdef Slice zsl_member(const ZslNode* n) noexcept nogil:
    return slice_of(<const char*>(spans(n) + n.levels), n.member_len)


cdef void zsl_key_of(const void* node, Slice* key) noexcept nogil:
    key[0] = zsl_member(<const ZslNode*>node)


cdef ZslNode* node_new(double score, Slice member, int levels) noexcept nogil:
    cdef ZslNode* n = <ZslNode*>mem_alloc(sizeof(ZslNode) + levels * (sizeof(void*) + sizeof(uint32_t)) + member.len)
    n.score = score
    n.backward = NULL
    n.member_len = <uint32_t>member.len
    n.levels = <uint8_t>levels
    if member.len:
        memcpy(spans(n) + levels, member.ptr, member.len)
    return n


cdef void zsl_node_free(ZslNode* n) noexcept nogil:
    mem_free(n)


cdef Skiplist* zsl_new() noexcept nogil:
    cdef Skiplist* z = <Skiplist*>mem_alloc(sizeof(Skiplist))
    cdef int i
    z.header = node_new(0, slice_of(NULL, 0), ZSL_MAX_LEVEL)
    for i in range(ZSL_MAX_LEVEL):
        forwards(z.header)[i] = NULL
        spans(z.header)[i] = 0
    z.tail = NULL
    z.length = 0
    z.level = 1
    return z


cdef void zsl_free(Skiplist* z) noexcept nogil:
    while not zsl_free_some(z, 1 << 20):
        pass


cdef bint zsl_free_some(Skiplist* z, uint64_t nodes) noexcept nogil:
    cdef ZslNode* n = forwards(z.header)[0]
    while n != NULL and nodes:
        forwards(z.header)[0] = forwards(n)[0]
        mem_free(n)
        n = forwards(z.header)[0]
        nodes -= 1
    if n != NULL:
        return False
    mem_free(z.header)
    mem_free(z)
    return True


cdef ZslNode* zsl_first(const Skiplist* z) noexcept nogil:
    return forwards(z.header)[0]


cdef ZslNode* zsl_next(const ZslNode* n) noexcept nogil:
    return forwards(n)[0]


cdef inline bint before(const ZslNode* n, double score, Slice member) noexcept nogil:
    return n.score < score or n.score == score and slice_compare(zsl_member(n), member) < 0


cdef inline int random_levels(Random* r) noexcept nogil:
    """1 with probability 3/4, 2 with 3/16, ...: two bits of one draw a level."""
    cdef uint64_t bits = random_next(r)
    cdef int levels = 1
    while levels < ZSL_MAX_LEVEL and bits & 3 == 0:
        levels += 1
        bits >>= 2
    return levels


cdef void find_path(const Skiplist* z, double score, Slice member, ZslNode** path, uint64_t* ranks) noexcept nogil:
    """On each level the last node before (score, member), and how many elements are up to it."""
    cdef ZslNode* n = z.header
    cdef ZslNode* next
    cdef uint64_t rank = 0
    cdef int i = z.level - 1
    while i >= 0:
        next = forwards(n)[i]
        if i:
            # most likely the next one to be looked at: fetched while this one is compared
            zippy_fetch(forwards(n)[i - 1])
        while next != NULL and before(next, score, member):
            rank += spans(n)[i]
            n = next
            next = forwards(n)[i]
            zippy_fetch(next)
            if i:
                zippy_fetch(forwards(n)[i - 1])
        path[i] = n
        ranks[i] = rank
        i -= 1


cdef void link(Skiplist* z, ZslNode* n) noexcept nogil:
    """Puts a node in its place."""
    cdef ZslNode* path[ZSL_MAX_LEVEL]
    cdef uint64_t ranks[ZSL_MAX_LEVEL]
    cdef int i
    cdef uint32_t passed
    find_path(z, n.score, zsl_member(n), path, ranks)
    while z.level < n.levels:
        path[z.level] = z.header
        ranks[z.level] = 0
        spans(z.header)[z.level] = <uint32_t>z.length
        z.level += 1
    for i in range(n.levels):
        forwards(n)[i] = forwards(path[i])[i]
        forwards(path[i])[i] = n
        passed = <uint32_t>(ranks[0] - ranks[i])
        spans(n)[i] = spans(path[i])[i] - passed
        spans(path[i])[i] = passed + 1
    for i in range(n.levels, z.level):
        spans(path[i])[i] += 1
    n.backward = NULL if path[0] == z.header else path[0]
    if forwards(n)[0] != NULL:
        forwards(n)[0].backward = n
    else:
        z.tail = n
    z.length += 1


cdef ZslNode* zsl_insert(Skiplist* z, double score, Slice member, Random* r) noexcept nogil:
    cdef ZslNode* n = node_new(score, member, random_levels(r))
    link(z, n)
    return n


cdef void unlink_after(Skiplist* z, ZslNode* n, ZslNode** path) noexcept nogil:
    """Takes n out, whose path is known."""
    cdef int i
    for i in range(z.level):
        if forwards(path[i])[i] == n:
            spans(path[i])[i] += spans(n)[i] - 1
            forwards(path[i])[i] = forwards(n)[i]
        else:
            spans(path[i])[i] -= 1
    if forwards(n)[0] != NULL:
        forwards(n)[0].backward = n.backward
    else:
        z.tail = n.backward
    while z.level > 1 and forwards(z.header)[z.level - 1] == NULL:
        z.level -= 1
    z.length -= 1


cdef void zsl_unlink(Skiplist* z, ZslNode* n) noexcept nogil:
    cdef ZslNode* path[ZSL_MAX_LEVEL]
    cdef uint64_t ranks[ZSL_MAX_LEVEL]
    find_path(z, n.score, zsl_member(n), path, ranks)
    unlink_after(z, n, path)


cdef void zsl_rescore(Skiplist* z, ZslNode* n, double score) noexcept nogil:
    cdef ZslNode* next = forwards(n)[0]
    cdef Slice member = zsl_member(n)
    if (n.backward == NULL or before(n.backward, score, member)) and (next == NULL or not before(next, score, member)):
        n.score = score
        return
    zsl_unlink(z, n)
    n.score = score
    link(z, n)


cdef uint64_t zsl_rank(const Skiplist* z, const ZslNode* wanted) noexcept nogil:
    cdef ZslNode* n = z.header
    cdef ZslNode* next
    cdef uint64_t rank = 0
    cdef int i = z.level - 1
    cdef Slice member = zsl_member(wanted)
    while i >= 0:
        next = forwards(n)[i]
        while next != NULL and (next == wanted or before(next, wanted.score, member)):
            rank += spans(n)[i]
            n = next
            if n == wanted:
                return rank
            next = forwards(n)[i]
        i -= 1
    return 0


cdef ZslNode* zsl_by_rank(const Skiplist* z, uint64_t rank) noexcept nogil:
    cdef ZslNode* n = z.header
    cdef uint64_t passed = 0
    cdef int i = z.level - 1
    if rank == 0 or rank > z.length:
        return NULL
    while i >= 0:
        while forwards(n)[i] != NULL and passed + spans(n)[i] <= rank:
            passed += spans(n)[i]
            n = forwards(n)[i]
        if passed == rank:
            return n
        i -= 1
    return NULL


# Ranges


cdef bint zsl_score_above_min(double score, const ZslScoreRange* range) noexcept nogil:
    return score > range.min if range.min_open else score >= range.min


cdef bint zsl_score_below_max(double score, const ZslScoreRange* range) noexcept nogil:
    return score < range.max if range.max_open else score <= range.max


cdef bint zsl_lex_above_min(Slice member, const ZslLexRange* range) noexcept nogil:
    cdef int order
    if range.min_infinite:
        return range.min_infinite < 0
    order = slice_compare(member, range.min)
    return order > 0 if range.min_open else order >= 0


cdef bint zsl_lex_below_max(Slice member, const ZslLexRange* range) noexcept nogil:
    cdef int order
    if range.max_infinite:
        return range.max_infinite > 0
    order = slice_compare(member, range.max)
    return order < 0 if range.max_open else order <= 0


cdef ZslNode* zsl_first_in_score(const Skiplist* z, const ZslScoreRange* range) noexcept nogil:
    cdef ZslNode* n = z.header
    cdef int i = z.level - 1
    while i >= 0:
        while forwards(n)[i] != NULL and not zsl_score_above_min(forwards(n)[i].score, range):
            n = forwards(n)[i]
        i -= 1
    n = forwards(n)[0]
    return n if n != NULL and zsl_score_below_max(n.score, range) else NULL


cdef ZslNode* zsl_last_in_score(const Skiplist* z, const ZslScoreRange* range) noexcept nogil:
    cdef ZslNode* n = z.header
    cdef int i = z.level - 1
    while i >= 0:
        while forwards(n)[i] != NULL and zsl_score_below_max(forwards(n)[i].score, range):
            n = forwards(n)[i]
        i -= 1
    return n if n != z.header and zsl_score_above_min(n.score, range) else NULL


cdef ZslNode* zsl_first_in_lex(const Skiplist* z, const ZslLexRange* range) noexcept nogil:
    cdef ZslNode* n = z.header
    cdef int i = z.level - 1
    while i >= 0:
        while forwards(n)[i] != NULL and not zsl_lex_above_min(zsl_member(forwards(n)[i]), range):
            n = forwards(n)[i]
        i -= 1
    n = forwards(n)[0]
    return n if n != NULL and zsl_lex_below_max(zsl_member(n), range) else NULL


cdef ZslNode* zsl_last_in_lex(const Skiplist* z, const ZslLexRange* range) noexcept nogil:
    cdef ZslNode* n = z.header
    cdef int i = z.level - 1
    while i >= 0:
        while forwards(n)[i] != NULL and zsl_lex_below_max(zsl_member(forwards(n)[i]), range):
            n = forwards(n)[i]
        i -= 1
    return n if n != z.header and zsl_lex_above_min(zsl_member(n), range) else NULL


cdef uint64_t zsl_remove_ranks(Skiplist* z, uint64_t first, uint64_t last, zsl_removed_fn removed, void* context) noexcept nogil:
    cdef ZslNode* path[ZSL_MAX_LEVEL]
    cdef ZslNode* n = z.header
    cdef ZslNode* next
    cdef uint64_t passed = 0
    cdef uint64_t count = 0
    cdef int i = z.level - 1
    if first == 0:
        first = 1
    while i >= 0:
        while forwards(n)[i] != NULL and passed + spans(n)[i] < first:
            passed += spans(n)[i]
            n = forwards(n)[i]
        path[i] = n
        i -= 1
    n = forwards(n)[0]
    passed += 1
    while n != NULL and passed <= last:
        next = forwards(n)[0]
        unlink_after(z, n, path)
        removed(context, n)
        count += 1
        passed += 1
        n = next
    return count


cdef size_t zsl_node_memory(const ZslNode* n) noexcept nogil:
    return mem_size(n)
