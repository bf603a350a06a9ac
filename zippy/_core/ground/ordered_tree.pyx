"""Leaves are linked and hold the items' addresses; inner nodes hold children, how many items are below each, and each one's first item with
its score. So a search reads no item but those whose score equals the one searched for.

A leaf has no room for whole scores (8 bytes an item), so it holds four bytes of each: the difference to a score of that leaf, as a float.
Rounding keeps the order, and only where two of these keys are equal do the items decide. A leaf chooses its base anew when it is split.

Nodes are kept full, since a leaf's slot is a fourth of what an item takes: a full leaf first gives items to a sibling with room, and only
when there is none are two leaves made three. At both ends of the tree a split leaves the old leaf full, so that items which come in
ascending or descending order fill the leaves: 98 of a hundred slots, against 85 when they come in any order.

An inner node's slot 0 has no separator: its first item is known further up. A separator always is the first item below it.

A change that does not fit alters one node and is tried again from the root. This happens every tenth insertion or so, and keeps each
alteration independent of those above and below it.

Many items at once are appended in any order, to be put in order together: beside them in an array, and written back to the leaves that they
came from. Nothing of the tree's form has to change for that, so it can be freed, as a whole or from its end, before it is in order.
"""

from libc.math cimport isinf
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memmove
from zippy._core.ground.buf cimport slice_compare
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_size, mem_try_alloc
from zippy._core.ground.ordered_item cimport OtItem, OtRanked, ot_member, ot_score_key, ot_sort
from zippy._core.ground.slice cimport prefetch, slice_of

cdef enum:
    LEAF = 72             # items: 896 bytes, 14 cache lines, of which a search reads the five with the keys
    SMALLEST_LEAF = 6     # of a tree that is one leaf; doubled until LEAF. Even, for the alignment of the items behind the keys
    INNER = 31            # children: 1000 bytes
    MAX_HEIGHT = 32
    AHEAD = 8             # items fetched ahead of a walk
    # of a node: to the end of its scores or keys, of an inner one's children, and of an inner one
    LINES_TO_SCORES = 5
    LINES_TO_CHILDREN = 8
    LINES = 16


ctypedef fused Number:
    float
    double


cdef struct Inner:
    uint64_t n
    double scores[INNER]      # of firsts, from slot 1 on as these
    void* children[INNER]
    OtItem* firsts[INNER]     # the first item below the child
    uint64_t counts[INNER]    # items below the child


cdef struct Bound:
    # parts the items: those that precede it, then those that don't
    double score
    Slice member
    bint any_score        # members alone count
    bint any_member       # scores alone count
    bint inclusive        # an item equal to it precedes it


cdef struct Path:
    # from the root to a place in a leaf
    Inner* nodes[MAX_HEIGHT]
    int index[MAX_HEIGHT]     # of the child in each
    OtLeaf* leaf
    int at                    # as many items of the leaf are before the place


# ---- nodes


cdef inline float* keys(const OtLeaf* leaf) noexcept nogil:
    return <float*>(leaf + 1)


cdef inline OtItem** items(const OtLeaf* leaf) noexcept nogil:
    return <OtItem**>(keys(leaf) + leaf.capacity)


cdef inline float key_in(const OtLeaf* leaf, double score) noexcept nogil:
    """The base is finite, so this is a number; it never falls when the score rises."""
    return <float>(score - leaf.base)


cdef OtLeaf* leaf_new(OrderedTree* t, int capacity) noexcept nogil:
    cdef OtLeaf* leaf = <OtLeaf*>mem_alloc(sizeof(OtLeaf) + capacity * (sizeof(float) + sizeof(void*)))
    leaf.prev = NULL
    leaf.next = NULL
    leaf.base = 0
    leaf.n = 0
    leaf.capacity = <uint16_t>capacity
    t.node_bytes += mem_size(leaf)
    return leaf


cdef Inner* inner_new(OrderedTree* t) noexcept nogil:
    cdef Inner* inner = <Inner*>mem_alloc(sizeof(Inner))
    inner.n = 0
    t.node_bytes += mem_size(inner)
    return inner


cdef void node_free(OrderedTree* t, void* node) noexcept nogil:
    t.node_bytes -= mem_size(node)
    mem_free(node)


cdef void ot_init(OrderedTree* t) noexcept nogil:
    t.length = 0
    t.node_bytes = 0
    t.height = 0
    t.first = leaf_new(t, SMALLEST_LEAF)
    t.last = t.first
    t.root = t.first


cdef void free_inner(OrderedTree* t, Inner* inner, int height) noexcept nogil:
    cdef uint64_t i
    if height > 1:
        for i in range(inner.n):
            free_inner(t, <Inner*>inner.children[i], height - 1)
    node_free(t, inner)


cdef void ot_free(OrderedTree* t) noexcept nogil:
    cdef OtLeaf* leaf = t.first
    cdef OtLeaf* next
    cdef int i
    if t.height:
        free_inner(t, <Inner*>t.root, t.height)
    while leaf != NULL:
        next = leaf.next
        for i in range(leaf.n):
            mem_free(items(leaf)[i])
        node_free(t, leaf)
        leaf = next


cdef void fetch_items(const OtLeaf* leaf, int first, int count) noexcept nogil:
    cdef int i
    for i in range(first, first + count):
        prefetch(items(leaf)[i])


cdef void rebase(OtLeaf* leaf) noexcept nogil:
    """Makes the keys relative to the score in the middle."""
    cdef double base
    cdef int i
    fetch_items(leaf, 0, leaf.n)
    base = items(leaf)[leaf.n // 2].score
    leaf.base = 0 if isinf(base) else base
    for i in range(leaf.n):
        keys(leaf)[i] = key_in(leaf, items(leaf)[i].score)


cdef void leaf_shift(OtLeaf* leaf, int at, int by) noexcept nogil:
    """Moves what is from `at` on by so many slots: opens a gap there, or closes one that ends there."""
    cdef size_t count = leaf.n - at
    memmove(keys(leaf) + at + by, keys(leaf) + at, count * sizeof(float))
    memmove(items(leaf) + at + by, items(leaf) + at, count * sizeof(void*))
    leaf.n = <uint16_t>(leaf.n + by)


cdef void leaf_copy(OtLeaf* target, int at, OtLeaf* source, int first, int count, bint was_empty) noexcept nogil:
    """Copies items into a gap."""
    cdef int i
    memcpy(items(target) + at, items(source) + first, count * sizeof(void*))
    if was_empty:
        target.base = source.base
        memcpy(keys(target) + at, keys(source) + first, count * sizeof(float))
        return
    fetch_items(source, first, count)
    for i in range(at, at + count):
        keys(target)[i] = key_in(target, items(target)[i].score)


cdef void leaf_move(OtLeaf* left, OtLeaf* right, int count) noexcept nogil:
    """The first count items of the right one to the left one; if count is negative, the last ones of the left one to the right one."""
    cdef bint was_empty
    if count > 0:
        was_empty = left.n == 0
        left.n = <uint16_t>(left.n + count)
        leaf_copy(left, left.n - count, right, 0, count, was_empty)
        leaf_shift(right, count, -count)
    else:
        was_empty = right.n == 0
        leaf_shift(right, 0, -count)
        leaf_copy(right, 0, left, left.n + count, -count, was_empty)
        left.n = <uint16_t>(left.n + count)


cdef void inner_copy(Inner* target, uint64_t at, Inner* source, uint64_t first, uint64_t count) noexcept nogil:
    memmove(target.scores + at, source.scores + first, count * sizeof(double))
    memmove(target.children + at, source.children + first, count * sizeof(void*))
    memmove(target.firsts + at, source.firsts + first, count * sizeof(void*))
    memmove(target.counts + at, source.counts + first, count * sizeof(uint64_t))


cdef void inner_move(Inner* left, Inner* right, int count) noexcept nogil:
    """As leaf_move; slot 0 of the right one has its separator, before and after."""
    if count > 0:
        inner_copy(left, left.n, right, 0, count)
        inner_copy(right, 0, right, count, right.n - count)
    else:
        inner_copy(right, -count, right, 0, right.n)
        inner_copy(right, 0, left, left.n + count, -count)
    left.n += count
    right.n -= count


cdef uint64_t items_below(const Inner* inner, uint64_t children) noexcept nogil:
    """Of the first so many children."""
    cdef uint64_t sum = 0
    cdef uint64_t i
    for i in range(children):
        sum += inner.counts[i]
    return sum


cdef void move(Inner* parent, int left, int count, bint leaves) noexcept nogil:
    """From child left + 1 to child left, the other way if count is negative."""
    cdef Inner* here
    cdef Inner* there
    if leaves:
        leaf_move(<OtLeaf*>parent.children[left], <OtLeaf*>parent.children[left + 1], count)
        parent.counts[left] += count
        parent.counts[left + 1] -= count
        if parent.counts[left + 1]:
            parent.firsts[left + 1] = items(<OtLeaf*>parent.children[left + 1])[0]
            parent.scores[left + 1] = parent.firsts[left + 1].score
        return
    here = <Inner*>parent.children[left]
    there = <Inner*>parent.children[left + 1]
    there.firsts[0] = parent.firsts[left + 1]
    there.scores[0] = parent.scores[left + 1]
    inner_move(here, there, count)
    parent.firsts[left + 1] = there.firsts[0]
    parent.scores[left + 1] = there.scores[0]
    parent.counts[left] = items_below(here, here.n)
    parent.counts[left + 1] = items_below(there, there.n)


cdef void add_child(OrderedTree* t, Inner* parent, int before, bint leaf) noexcept nogil:
    """An empty one behind child `before`; it must get something at once, which gives it a separator."""
    cdef OtLeaf* left
    cdef OtLeaf* right
    inner_copy(parent, before + 2, parent, before + 1, parent.n - before - 1)
    parent.n += 1
    parent.counts[before + 1] = 0
    parent.firsts[before + 1] = NULL
    parent.scores[before + 1] = 0
    if not leaf:
        parent.children[before + 1] = inner_new(t)
        return
    left = <OtLeaf*>parent.children[before]
    right = leaf_new(t, LEAF)
    parent.children[before + 1] = right
    right.prev = left
    right.next = left.next
    left.next = right
    if right.next != NULL:
        right.next.prev = right
    else:
        t.last = right


cdef void drop_child(OrderedTree* t, Inner* parent, int index, bint leaf) noexcept nogil:
    """One that is empty and not the first."""
    cdef OtLeaf* gone
    if leaf:
        gone = <OtLeaf*>parent.children[index]
        gone.prev.next = gone.next
        if gone.next != NULL:
            gone.next.prev = gone.prev
        else:
            t.last = gone.prev
    node_free(t, parent.children[index])
    inner_copy(parent, index, parent, index + 1, parent.n - index - 1)
    parent.n -= 1


# ---- searching


cdef inline Bound bound_of(double score, Slice member) noexcept nogil:
    """Behind an item."""
    cdef Bound b
    b.score = score
    b.member = member
    b.any_score = False
    b.any_member = False
    b.inclusive = True
    return b


cdef inline bint precedes(const OtItem* item, const Bound* b) noexcept nogil:
    cdef int order
    if not b.any_score and item.score != b.score:
        return item.score < b.score
    order = 0 if b.any_member else slice_compare(ot_member(item), b.member)
    return order < 0 or (order == 0 and b.inclusive)


cdef inline int part(OtItem** candidates, int low, int high, const Bound* b) noexcept nogil:
    """The first of low .. high that does not precede the bound, or high."""
    cdef int middle
    while low < high:
        middle = (low + high) // 2
        if precedes(candidates[middle], b):
            low = middle + 1
        else:
            high = middle
    return low


cdef inline int first_from(const Number* numbers, int low, int high, Number wanted) noexcept nogil:
    """The first of low .. high that is not below the number, or high. Without branches, which would be mispredicted every other time."""
    cdef int half
    cdef int count = high - low
    while count > 1:
        half = count >> 1
        low += half * (numbers[low + half - 1] < wanted)
        count -= half
    return low + (numbers[low] < wanted) if count > 0 else low


cdef inline int end_of_run(const Number* numbers, int low, int high, Number wanted) noexcept nogil:
    """Behind the numbers that are equal to it, which begin at low."""
    if low < high and numbers[high - 1] == wanted:
        return high
    while low < high and numbers[low] == wanted:
        low += 1
    return low


cdef inline int child_at(const Inner* inner, const Bound* b) noexcept nogil:
    """The last child whose first item precedes the bound, or the first one."""
    cdef int n = <int>inner.n
    cdef int low = 1
    cdef int high = n
    if not b.any_score:
        low = first_from(&inner.scores[0], 1, n, b.score)
        high = end_of_run(&inner.scores[0], low, n, b.score)
        if b.any_member:
            return (high if b.inclusive else low) - 1
    return part(<OtItem**>inner.firsts, low, high, b) - 1


cdef inline int place_in(const OtLeaf* leaf, const Bound* b) noexcept nogil:
    """How many items of the leaf precede the bound."""
    cdef int low = 0
    cdef int high = leaf.n
    cdef float key
    if not b.any_score:
        key = key_in(leaf, b.score)
        low = first_from(keys(leaf), 0, leaf.n, key)
        high = end_of_run(keys(leaf), low, leaf.n, key)
    return part(items(leaf), low, high, b)


cdef inline void fetch_lines(const void* node, int lines) noexcept nogil:
    """Those that a search may read next, all at once: a search for a place waits for one line after the other."""
    cdef int line
    for line in range(lines):
        prefetch(<const char*>node + 64 * line)


cdef void descend(const OrderedTree* t, const Bound* b, Path* path) noexcept nogil:
    cdef void* node = t.root
    cdef int level
    for level in range(t.height):
        path.nodes[level] = <Inner*>node
        path.index[level] = child_at(<Inner*>node, b)
        node = (<Inner*>node).children[path.index[level]]
        fetch_lines(node, LINES_TO_SCORES if level == t.height - 1 else LINES_TO_CHILDREN)
    path.leaf = <OtLeaf*>node
    path.at = place_in(path.leaf, b)


cdef void descend_to_rank(const OrderedTree* t, uint64_t rank, Path* path) noexcept nogil:
    """The rank must be there."""
    cdef void* node = t.root
    cdef Inner* inner
    cdef int level
    cdef int i
    for level in range(t.height):
        inner = <Inner*>node
        i = 0
        while rank >= inner.counts[i]:
            rank -= inner.counts[i]
            i += 1
        path.nodes[level] = inner
        path.index[level] = i
        node = inner.children[i]
    path.leaf = <OtLeaf*>node
    path.at = <int>rank


cdef uint64_t count_preceding(const OrderedTree* t, const Bound* b) noexcept nogil:
    cdef void* node = t.root
    cdef uint64_t count = 0
    cdef int level
    cdef int i
    for level in range(t.height):
        i = child_at(<Inner*>node, b)
        fetch_lines((<Inner*>node).children[i], LINES_TO_SCORES if level == t.height - 1 else LINES)
        count += items_below(<Inner*>node, i)
        node = (<Inner*>node).children[i]
    return count + place_in(<OtLeaf*>node, b)


cdef uint64_t ot_rank(const OrderedTree* t, const OtItem* item) noexcept nogil:
    cdef Bound b = bound_of(item.score, ot_member(item))
    return count_preceding(t, &b) - 1


# ---- walking


cdef void ot_seek(const OrderedTree* t, OtCursor* c, uint64_t rank) noexcept nogil:
    cdef Path path
    c.leaf = NULL
    c.index = 0
    if rank >= t.length:
        return
    descend_to_rank(t, rank, &path)
    c.leaf = path.leaf
    c.index = path.at
    # both ways, since it is not known which way the walk goes; the leaf's other items are fetched as the walk comes near them
    fetch_items(c.leaf, c.index, min(AHEAD, c.leaf.n - c.index))
    fetch_items(c.leaf, c.index - min(AHEAD, c.index), min(AHEAD, c.index))


cdef void ot_seek_score(const OrderedTree* t, OtCursor* c, double score) noexcept nogil:
    cdef Bound b = bound_of(score, slice_of(NULL, 0))
    cdef Path path
    b.any_member = True
    b.inclusive = False
    descend(t, &b, &path)
    c.leaf = path.leaf
    c.index = path.at
    if c.index == c.leaf.n:
        c.leaf = c.leaf.next
        c.index = 0
    if c.leaf != NULL:
        fetch_items(c.leaf, c.index, min(AHEAD, c.leaf.n - c.index))


cdef OtItem* ot_next(OtCursor* c) noexcept nogil:
    cdef OtLeaf* leaf = c.leaf
    cdef OtItem* item
    if leaf == NULL:
        return NULL
    item = items(leaf)[c.index]
    c.index += 1
    if c.index + AHEAD < leaf.n:
        prefetch(items(leaf)[c.index + AHEAD])
    elif c.index == leaf.n:
        c.leaf = leaf.next
        c.index = 0
        if c.leaf != NULL:
            fetch_items(c.leaf, 0, min(AHEAD, c.leaf.n))
            prefetch(c.leaf.next)
    return item


cdef OtItem* ot_prev(OtCursor* c) noexcept nogil:
    cdef OtLeaf* leaf = c.leaf
    cdef OtItem* item
    if leaf == NULL:
        return NULL
    item = items(leaf)[c.index]
    c.index -= 1
    if c.index >= AHEAD:
        prefetch(items(leaf)[c.index - AHEAD])
    elif c.index < 0:
        c.leaf = leaf.prev
        if c.leaf != NULL:
            c.index = c.leaf.n - 1
            fetch_items(c.leaf, c.leaf.n - min(AHEAD, c.leaf.n), min(AHEAD, c.leaf.n))
            prefetch(c.leaf.prev)
    return item


# ---- inserting


cdef void grow_leaf(OrderedTree* t) noexcept nogil:
    """The leaf that is the whole tree."""
    cdef OtLeaf* old = t.first
    cdef OtLeaf* leaf = leaf_new(t, min(2 * old.capacity, LEAF))
    leaf_move(leaf, old, old.n)
    node_free(t, old)
    t.first = leaf
    t.last = leaf
    t.root = leaf


cdef void raise_root(OrderedTree* t) noexcept nogil:
    """A new root with the old one as its only child."""
    cdef Inner* root = inner_new(t)
    root.n = 1
    root.children[0] = t.root
    root.counts[0] = t.length
    t.root = root
    t.height += 1


cdef void split_inner(OrderedTree* t, Path* path, int level) noexcept nogil:
    """That of this level, which is full; or what must be split before it, further up."""
    cdef Inner* parent
    cdef int count = INNER // 2
    if level == 0:
        raise_root(t)
        return
    parent = path.nodes[level - 1]
    if parent.n == INNER:
        split_inner(t, path, level - 1)
        return
    # at an end of the tree as little as makes a node is parted from it, since nothing more will come to the rest
    if path.leaf == t.last:
        count = 2
    elif path.leaf == t.first:
        count = INNER - 2
    add_child(t, parent, path.index[level - 1], False)
    move(parent, path.index[level - 1], -count, False)


cdef bint give_to_sibling(Inner* parent, int i) noexcept nogil:
    """A full leaf gives half of what it has more. An eighth must be free there, or it would soon be done again."""
    cdef int right = <int>parent.counts[i + 1] if i + 1 < <int>parent.n else LEAF
    cdef int left = <int>parent.counts[i - 1] if i > 0 else LEAF
    if min(left, right) > LEAF - LEAF // 8:
        return False
    if right < left:
        move(parent, i, -((LEAF - right) // 2), True)
    else:
        move(parent, i - 1, (LEAF - left) // 2, True)
    return True


cdef void split_leaf(OrderedTree* t, Inner* parent, int i, int at) noexcept nogil:
    """A full one, for something to be put at `at`; its parent has room."""
    cdef OtLeaf* leaf = <OtLeaf*>parent.children[i]
    cdef int left = i
    cdef int j
    cdef bint at_end = leaf == t.last and at == leaf.n
    cdef bint at_start = leaf == t.first and at == 0
    cdef bint two = parent.n > 1 and not at_end and not at_start
    if two and i + 1 == <int>parent.n:
        left = i - 1
    add_child(t, parent, left, True)
    if at_end:
        move(parent, left, -1, True)
    elif at_start:
        move(parent, left, -(LEAF - 1), True)
    elif two:
        move(parent, left, -(LEAF // 3), True)
        move(parent, left + 1, LEAF // 3, True)
    else:
        move(parent, left, -(LEAF // 2), True)
    for j in range(left, left + 3 if two else left + 2):
        rebase(<OtLeaf*>parent.children[j])


cdef void make_room(OrderedTree* t, Path* path) noexcept nogil:
    """A step towards room for one more in the path's leaf, which is full; the path is then out of date."""
    cdef int level = t.height - 1
    if level < 0 and path.leaf.capacity < LEAF:
        grow_leaf(t)
    elif level < 0:
        raise_root(t)
    elif give_to_sibling(path.nodes[level], path.index[level]):
        return
    elif path.nodes[level].n == INNER:
        split_inner(t, path, level)
    else:
        split_leaf(t, path.nodes[level], path.index[level], path.at)


cdef void path_to_end(const OrderedTree* t, bint last, Path* path) noexcept nogil:
    cdef void* node = t.root
    cdef int level
    for level in range(t.height):
        path.nodes[level] = <Inner*>node
        path.index[level] = <int>(<Inner*>node).n - 1 if last else 0
        node = (<Inner*>node).children[path.index[level]]
    path.leaf = <OtLeaf*>node
    path.at = path.leaf.n if last else 0


cdef void find_place(const OrderedTree* t, const Bound* b, Path* path) noexcept nogil:
    """As descend, but at once if the place is at an end: items often come in order, and then those leaves are in the cache."""
    cdef OtLeaf* first = t.first
    cdef OtLeaf* last = t.last
    if last.n and keys(last)[last.n - 1] <= key_in(last, b.score) and precedes(items(last)[last.n - 1], b):
        path_to_end(t, True, path)
    elif first.n and keys(first)[0] >= key_in(first, b.score) and not precedes(items(first)[0], b):
        path_to_end(t, False, path)
    else:
        descend(t, b, path)


cdef inline void put(OrderedTree* t, Path* path, OtItem* item) noexcept nogil:
    """At the path's place; its leaf has room."""
    cdef int level
    leaf_shift(path.leaf, path.at, 1)
    items(path.leaf)[path.at] = item
    keys(path.leaf)[path.at] = key_in(path.leaf, item.score)
    for level in range(t.height):
        path.nodes[level].counts[path.index[level]] += 1
    t.length += 1


cdef void ot_insert(OrderedTree* t, OtItem* item) noexcept nogil:
    cdef Bound b = bound_of(item.score, ot_member(item))
    cdef Path path
    find_place(t, &b, &path)
    while path.leaf.n == path.leaf.capacity:
        make_room(t, &path)
        find_place(t, &b, &path)
    put(t, &path, item)


cdef void ot_append(OrderedTree* t, OtItem* item) noexcept nogil:
    cdef Path path
    path_to_end(t, True, &path)
    while path.leaf.n == path.leaf.capacity:
        make_room(t, &path)
        path_to_end(t, True, &path)
    put(t, &path, item)


# ---- putting in order


cdef bint in_order(const OrderedTree* t) noexcept nogil:
    cdef OtCursor at
    cdef OtItem* before
    cdef OtItem* item
    ot_seek(t, &at, 0)
    before = ot_next(&at)
    item = ot_next(&at)
    while item != NULL:
        if item.score < before.score or (item.score == before.score and slice_compare(ot_member(item), ot_member(before)) < 0):
            return False
        before = item
        item = ot_next(&at)
    return True


cdef bint sort_items(OrderedTree* t) noexcept nogil:
    """Leaves the keys and inner nodes as they were. False: out of memory."""
    cdef OtRanked* ranked = <OtRanked*>mem_try_alloc((t.length + t.length // 2) * sizeof(OtRanked))
    cdef OtRanked* next = ranked
    cdef OtLeaf* leaf = t.first
    cdef OtCursor at
    cdef OtItem* item
    cdef int i
    if ranked == NULL:
        return False
    ot_seek(t, &at, 0)
    item = ot_next(&at)
    while item != NULL:
        next[0] = OtRanked(ot_score_key(item.score), item)
        next += 1
        item = ot_next(&at)
    ot_sort(ranked, ranked + t.length, t.length)
    next = ranked
    while leaf != NULL:
        for i in range(leaf.n):
            items(leaf)[i] = next[i].item
        next += leaf.n
        leaf = leaf.next
    mem_free(ranked)
    return True


cdef OtItem* set_firsts(void* node, int height) noexcept nogil:
    """Tells all inner nodes anew which items are the first ones below their children; that below this node."""
    cdef Inner* inner = <Inner*>node
    cdef uint64_t i
    if height == 0:
        return items(<OtLeaf*>node)[0]
    for i in range(inner.n):
        inner.firsts[i] = set_firsts(inner.children[i], height - 1)
        inner.scores[i] = inner.firsts[i].score
    return inner.firsts[0]


cdef bint ot_order(OrderedTree* t) noexcept nogil:
    cdef OtLeaf* leaf = t.first
    if t.length == 0:
        return True
    if not in_order(t) and not sort_items(t):
        return False
    while leaf != NULL:
        if leaf.next != NULL:
            fetch_items(leaf.next, 0, leaf.next.n)
        rebase(leaf)
        leaf = leaf.next
    set_firsts(t.root, t.height)
    return True


# ---- removing


cdef void set_first(Path* path, int level, OtItem* item) noexcept nogil:
    """Tells the node that must know it that this is now the first item below the path's child of this level."""
    while level >= 0 and path.index[level] == 0:
        level -= 1
    if level >= 0:
        path.nodes[level].firsts[path.index[level]] = item
        path.nodes[level].scores[path.index[level]] = item.score


cdef inline int size_of_child(const Inner* parent, int i, bint leaf) noexcept nogil:
    return <int>(parent.counts[i] if leaf else (<Inner*>parent.children[i]).n)


cdef bint mend(OrderedTree* t, Path* path, int level) noexcept nogil:
    """Merges the path's child of this level with a sibling if they fit one node well, or gives it some of the sibling's if it has too few.
    Is a child gone?"""
    cdef Inner* parent = path.nodes[level]
    cdef bint leaf = level == t.height - 1
    cdef int room = LEAF if leaf else INNER
    cdef int i = path.index[level]
    cdef int size = size_of_child(parent, i, leaf)
    cdef int left = i
    cdef int sizes
    if size >= room // 2:
        return False
    if i + 1 == <int>parent.n or (i > 0 and size_of_child(parent, i - 1, leaf) < size_of_child(parent, i + 1, leaf)):
        left = i - 1
    sizes = size_of_child(parent, left, leaf) + size_of_child(parent, left + 1, leaf)
    if size == 0 or sizes <= room - room // 8:
        move(parent, left, size_of_child(parent, left + 1, leaf), leaf)
        drop_child(t, parent, left + 1, leaf)
        if size == 0 and left == i:
            set_first(path, level, items(path.leaf)[0])
        return True
    if size < room // 4:
        move(parent, left, sizes // 2 - size_of_child(parent, left, leaf), leaf)
    return False


cdef void take_out(OrderedTree* t, Path* path, int count) noexcept nogil:
    """So many items from the path's place on."""
    cdef int level
    cdef Inner* root
    leaf_shift(path.leaf, path.at + count, -count)
    t.length -= count
    for level in range(t.height):
        path.nodes[level].counts[path.index[level]] -= count
    if path.at == 0 and path.leaf.n:
        set_first(path, t.height - 1, items(path.leaf)[0])
    level = t.height - 1
    while level >= 0 and mend(t, path, level):
        level -= 1
    while t.height and (<Inner*>t.root).n == 1:
        root = <Inner*>t.root
        t.root = root.children[0]
        t.height -= 1
        node_free(t, root)


cdef void ot_remove(OrderedTree* t, OtItem* item) noexcept nogil:
    cdef Bound b = bound_of(item.score, ot_member(item))
    cdef Path path
    descend(t, &b, &path)
    path.at -= 1
    take_out(t, &path, 1)


cdef void ot_remove_ranks(OrderedTree* t, uint64_t first, uint64_t count, ot_removed_fn removed, void* context) noexcept nogil:
    cdef Path path
    cdef int here
    cdef int i
    while count:
        descend_to_rank(t, first, &path)
        here = path.leaf.n - path.at
        if <uint64_t>here > count:
            here = <int>count
        fetch_items(path.leaf, path.at, here)
        for i in range(path.at, path.at + here):
            removed(context, items(path.leaf)[i])
        take_out(t, &path, here)
        count -= here


cdef bint stays(const Path* path, const Bound* b) noexcept nogil:
    """Does the order hold when the path's item becomes what the bound says?"""
    cdef OtLeaf* leaf = path.leaf
    cdef int place = place_in(leaf, b)
    if place != path.at and place != path.at + 1:
        return False
    if place == 0 and leaf.prev != NULL and not precedes(items(leaf.prev)[leaf.prev.n - 1], b):
        return False
    return place < leaf.n or leaf.next == NULL or not precedes(items(leaf.next)[0], b)


cdef void ot_rescore(OrderedTree* t, OtItem* item, double score) noexcept nogil:
    cdef Bound b = bound_of(item.score, ot_member(item))
    cdef Path path
    descend(t, &b, &path)
    path.at -= 1
    b.score = score
    if not stays(&path, &b):
        take_out(t, &path, 1)
        item.score = score
        ot_insert(t, item)
        return
    item.score = score
    keys(path.leaf)[path.at] = key_in(path.leaf, score)
    if path.at == 0:
        set_first(&path, t.height - 1, item)


# ---- ranges


cdef bint ot_score_above_min(double score, const OtScoreRange* range) noexcept nogil:
    return score > range.min if range.min_open else score >= range.min


cdef bint ot_score_below_max(double score, const OtScoreRange* range) noexcept nogil:
    return score < range.max if range.max_open else score <= range.max


cdef bint ot_lex_above_min(Slice member, const OtLexRange* range) noexcept nogil:
    cdef int order
    if range.min_infinite:
        return range.min_infinite < 0
    order = slice_compare(member, range.min)
    return order > 0 if range.min_open else order >= 0


cdef bint ot_lex_below_max(Slice member, const OtLexRange* range) noexcept nogil:
    cdef int order
    if range.max_infinite:
        return range.max_infinite > 0
    order = slice_compare(member, range.max)
    return order < 0 if range.max_open else order <= 0


cdef inline uint64_t span(uint64_t below, uint64_t upto, uint64_t* first) noexcept nogil:
    first[0] = below
    return upto - below if upto > below else 0


cdef uint64_t ot_score_span(const OrderedTree* t, const OtScoreRange* range, uint64_t* first) noexcept nogil:
    cdef Bound low = bound_of(range.min, slice_of(NULL, 0))
    cdef Bound high = bound_of(range.max, slice_of(NULL, 0))
    low.any_member = True
    low.inclusive = range.min_open
    high.any_member = True
    high.inclusive = not range.max_open
    return span(count_preceding(t, &low), count_preceding(t, &high), first)


cdef uint64_t lex_end(const OrderedTree* t, Slice member, bint inclusive, int infinite) noexcept nogil:
    """How many items are before an end of a range of members."""
    cdef Bound b = bound_of(0, member)
    if infinite:
        return 0 if infinite < 0 else t.length
    b.any_score = True
    b.inclusive = inclusive
    return count_preceding(t, &b)


cdef uint64_t ot_lex_span(const OrderedTree* t, const OtLexRange* range, uint64_t* first) noexcept nogil:
    return span(
        lex_end(t, range.min, range.min_open, range.min_infinite),
        lex_end(t, range.max, not range.max_open, range.max_infinite),
        first,
    )
