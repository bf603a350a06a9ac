# Nodes are a kilobyte, so a search among a million reads three of them. A leaf is as large as what is in it asks for, since most hashes
# with a few expiring fields have one leaf; only when it is full it splits, in the middle, or at its end if what is new comes behind all
# there is.

from libc.stdint cimport UINT64_MAX, uint16_t, uint32_t
from libc.string cimport memcpy, memmove
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_realloc, mem_size

cdef enum:
    LEAF_PAIRS = 84          # of a full leaf
    LEAF_LEAST = 4           # that a new leaf has room for
    CHILDREN = 50            # of a full inner node
    SMALL_SHARE = 4          # a node that is less than one in so many full is merged with a neighbour that leaves room


cdef struct Pair:
    uint32_t[3] words        # 48 bits of the moment and 48 of the address, the highest first


cdef struct Leaf:
    uint16_t n               # pairs
    uint16_t capacity
    Pair[LEAF_PAIRS] pairs           # in order; capacity of them


cdef struct Inner:
    uint16_t n               # children
    Pair[CHILDREN] lows            # no pair of child i > 0 is before lows[i], all of child i - 1 are; lows[0] tells nothing
    void* children[CHILDREN]


cdef inline Pair pair_of(int64_t moment, const void* item) noexcept nogil:
    cdef Pair p
    cdef uint64_t address = <uint64_t>item
    p.words[0] = <uint32_t>(<uint64_t>moment >> 16)
    p.words[1] = <uint32_t>((<uint64_t>moment & 0xFFFF) << 16 | address >> 32)
    p.words[2] = <uint32_t>address
    return p


cdef inline int64_t moment_of(const Pair* p) noexcept nogil:
    return <int64_t>(<uint64_t>p.words[0] << 16 | p.words[1] >> 16)


cdef inline void* item_of(const Pair* p) noexcept nogil:
    return <void*>(<uint64_t>(p.words[1] & 0xFFFF) << 32 | p.words[2])


cdef inline bint is_before(const Pair* a, const Pair* b) noexcept nogil:
    if a.words[0] != b.words[0]:
        return a.words[0] < b.words[0]
    return (<uint64_t>a.words[1] << 32 | a.words[2]) < (<uint64_t>b.words[1] << 32 | b.words[2])


cdef inline bint is_same(const Pair* a, const Pair* b) noexcept nogil:
    return a.words[0] == b.words[0] and a.words[1] == b.words[1] and a.words[2] == b.words[2]


cdef int place_of(const Pair* pairs, int n, const Pair* key) noexcept nogil:
    """The first pair that is not before the key."""
    cdef int low = 0
    cdef int high = n
    cdef int middle
    while low < high:
        middle = (low + high) // 2
        if is_before(&pairs[middle], key):
            low = middle + 1
        else:
            high = middle
    return low


cdef int child_of(const Inner* node, const Pair* key) noexcept nogil:
    """The child that the key belongs to."""
    cdef int low = 1
    cdef int high = node.n
    cdef int middle
    while low < high:
        middle = (low + high) // 2
        if is_before(key, &node.lows[middle]):
            high = middle
        else:
            low = middle + 1
    return low - 1


# ---- nodes


cdef inline size_t leaf_bytes(int capacity) noexcept nogil:
    return sizeof(Leaf) - (LEAF_PAIRS - capacity) * sizeof(Pair)


cdef void* node_new(TimeIndex* t, size_t size) noexcept nogil:
    cdef void* node = mem_alloc(size)
    t.node_bytes += mem_size(node)
    return node


cdef void node_free(TimeIndex* t, void* node) noexcept nogil:
    t.node_bytes -= mem_size(node)
    mem_free(node)


cdef Leaf* leaf_new(TimeIndex* t, int capacity) noexcept nogil:
    cdef Leaf* leaf = <Leaf*>node_new(t, leaf_bytes(capacity))
    leaf.n = 0
    leaf.capacity = <uint16_t>capacity
    return leaf


cdef Leaf* leaf_resized(TimeIndex* t, Leaf* leaf, int capacity) noexcept nogil:
    t.node_bytes -= mem_size(leaf)
    leaf = <Leaf*>mem_realloc(leaf, leaf_bytes(capacity))
    t.node_bytes += mem_size(leaf)
    leaf.capacity = <uint16_t>capacity
    return leaf


cdef inline void put_pair(Leaf* leaf, int at, const Pair* key) noexcept nogil:
    memmove(&leaf.pairs[at + 1], &leaf.pairs[at], (leaf.n - at) * sizeof(Pair))
    leaf.pairs[at] = key[0]
    leaf.n += 1


cdef void put_child(Inner* node, int at, void* child, const Pair* low) noexcept nogil:
    memmove(&node.lows[at + 1], &node.lows[at], (node.n - at) * sizeof(Pair))
    memmove(&node.children[at + 1], &node.children[at], (node.n - at) * sizeof(void*))
    node.lows[at] = low[0]
    node.children[at] = child
    node.n += 1


cdef void drop_child(Inner* node, int at) noexcept nogil:
    node.n -= 1
    memmove(&node.lows[at], &node.lows[at + 1], (node.n - at) * sizeof(Pair))
    memmove(&node.children[at], &node.children[at + 1], (node.n - at) * sizeof(void*))


# ---- inserting


cdef void* insert_in_leaf(TimeIndex* t, void** slot, const Pair* key, bint last, Pair* low) noexcept nogil:
    """A new leaf to the right of the one in the slot, whose first pair is `low` then; NULL: there was room."""
    cdef Leaf* leaf = <Leaf*>slot[0]
    cdef Leaf* right
    cdef int at = place_of(leaf.pairs, leaf.n, key)
    cdef int half = LEAF_PAIRS // 2
    if leaf.n == leaf.capacity and leaf.capacity < LEAF_PAIRS:
        leaf = leaf_resized(t, leaf, leaf.capacity * 2 if leaf.capacity * 2 < LEAF_PAIRS else LEAF_PAIRS)
        slot[0] = leaf
    if leaf.n < leaf.capacity:
        put_pair(leaf, at, key)
        return NULL
    if last and at == leaf.n:
        right = leaf_new(t, LEAF_LEAST)
        put_pair(right, 0, key)
        low[0] = key[0]
        return right
    right = leaf_new(t, LEAF_PAIRS)
    right.n = <uint16_t>(LEAF_PAIRS - half)
    leaf.n = <uint16_t>half
    memcpy(right.pairs, &leaf.pairs[half], right.n * sizeof(Pair))
    low[0] = right.pairs[0]
    if at > half:
        put_pair(right, at - half, key)
    else:
        put_pair(leaf, at, key)
    return right


cdef Inner* split_inner(TimeIndex* t, Inner* node, int at) noexcept nogil:
    """A new node with the children from `at` on."""
    cdef Inner* right = <Inner*>node_new(t, sizeof(Inner))
    right.n = <uint16_t>(node.n - at)
    node.n = <uint16_t>at
    memcpy(right.lows, &node.lows[at], right.n * sizeof(Pair))
    memcpy(right.children, &node.children[at], right.n * sizeof(void*))
    return right


cdef void* insert_below(TimeIndex* t, void** slot, int height, const Pair* key, bint last, Pair* low) noexcept nogil:
    """insert_in_leaf for a node of any height; last: nothing comes behind it."""
    cdef Inner* node
    cdef Inner* right
    cdef void* child
    cdef Pair child_low
    cdef int i
    if height == 0:
        return insert_in_leaf(t, slot, key, last, low)
    node = <Inner*>slot[0]
    i = child_of(node, key)
    last = last and i == node.n - 1
    child = insert_below(t, &node.children[i], height - 1, key, last, &child_low)
    if child == NULL:
        return NULL
    if node.n < CHILDREN:
        put_child(node, i + 1, child, &child_low)
        return NULL
    right = split_inner(t, node, node.n if last else node.n // 2)
    if i < node.n and not last:
        put_child(node, i + 1, child, &child_low)
    else:
        put_child(right, i + 1 - node.n, child, &child_low)
    low[0] = right.lows[0]
    return right


cdef void ti_insert(TimeIndex* t, int64_t moment, void* item) noexcept nogil:
    cdef Pair key = pair_of(moment, item)
    cdef Pair low
    cdef Inner* root
    cdef void* right
    if t.root == NULL:
        t.root = leaf_new(t, LEAF_LEAST)
    right = insert_below(t, &t.root, t.height, &key, True, &low)
    if right != NULL:
        root = <Inner*>node_new(t, sizeof(Inner))
        root.n = 0
        put_child(root, 0, t.root, &low)
        put_child(root, 1, right, &low)
        t.root = root
        t.height += 1
    t.count += 1


# ---- removing


cdef void remove_from_leaf(TimeIndex* t, void** slot, const Pair* key) noexcept nogil:
    cdef Leaf* leaf = <Leaf*>slot[0]
    cdef int at = place_of(leaf.pairs, leaf.n, key)
    assert at < leaf.n and is_same(&leaf.pairs[at], key)
    leaf.n -= 1
    memmove(&leaf.pairs[at], &leaf.pairs[at + 1], (leaf.n - at) * sizeof(Pair))
    if leaf.n and leaf.n * SMALL_SHARE < leaf.capacity and leaf.capacity > LEAF_LEAST:
        slot[0] = leaf_resized(t, leaf, leaf.capacity // 2)


cdef void merge_leaves(TimeIndex* t, Inner* node, int i) noexcept nogil:
    """Puts the pairs of the leaf behind the i-th into that one, if they fit."""
    cdef Leaf* left = <Leaf*>node.children[i]
    cdef Leaf* right = <Leaf*>node.children[i + 1]
    cdef int together = left.n + right.n
    if together > LEAF_PAIRS:
        return
    if together > left.capacity:
        left = leaf_resized(t, left, LEAF_PAIRS)
        node.children[i] = left
    memcpy(&left.pairs[left.n], right.pairs, right.n * sizeof(Pair))
    left.n = <uint16_t>together
    drop_child(node, i + 1)
    node_free(t, right)


cdef void merge_inner(TimeIndex* t, Inner* node, int i) noexcept nogil:
    """The same with inner nodes."""
    cdef Inner* left = <Inner*>node.children[i]
    cdef Inner* right = <Inner*>node.children[i + 1]
    if left.n + right.n > CHILDREN:
        return
    right.lows[0] = node.lows[i + 1]
    memcpy(&left.lows[left.n], right.lows, right.n * sizeof(Pair))
    memcpy(&left.children[left.n], right.children, right.n * sizeof(void*))
    left.n = <uint16_t>(left.n + right.n)
    drop_child(node, i + 1)
    node_free(t, right)


cdef void tidy_up(TimeIndex* t, Inner* node, int i, int height) noexcept nogil:
    """After a pair left the i-th child, which has that height: an empty child goes, a small one is merged."""
    cdef int n = (<Leaf*>node.children[i]).n if height == 0 else (<Inner*>node.children[i]).n
    if n == 0:
        node_free(t, node.children[i])
        drop_child(node, i)
    elif n * SMALL_SHARE < (LEAF_PAIRS if height == 0 else CHILDREN) and node.n > 1:
        if i + 1 == node.n:
            i -= 1
        if height == 0:
            merge_leaves(t, node, i)
        else:
            merge_inner(t, node, i)


cdef void remove_below(TimeIndex* t, void** slot, int height, const Pair* key) noexcept nogil:
    cdef Inner* node
    cdef int i
    if height == 0:
        remove_from_leaf(t, slot, key)
        return
    node = <Inner*>slot[0]
    i = child_of(node, key)
    remove_below(t, &node.children[i], height - 1, key)
    tidy_up(t, node, i, height - 1)


cdef void ti_remove(TimeIndex* t, int64_t moment, const void* item) noexcept nogil:
    cdef Pair key = pair_of(moment, item)
    cdef Inner* root
    remove_below(t, &t.root, t.height, &key)
    t.count -= 1
    if t.count == 0:
        while not ti_drain(t, UINT64_MAX):
            pass
        return
    while t.height and (<Inner*>t.root).n == 1:
        root = <Inner*>t.root
        t.root = root.children[0]
        t.height -= 1
        node_free(t, root)


cdef bint drain_below(TimeIndex* t, void* node, int height, uint64_t* left) noexcept nogil:
    """Frees a node with all below, or as much as so many nodes are; True: it is gone."""
    cdef Inner* inner = <Inner*>node
    if height:
        while inner.n:
            if not drain_below(t, inner.children[inner.n - 1], height - 1, left):
                return False
            inner.n -= 1
    if left[0] == 0:
        return False
    left[0] -= 1
    node_free(t, node)
    return True


cdef bint ti_drain(TimeIndex* t, uint64_t nodes) noexcept nogil:
    if t.root != NULL and not drain_below(t, t.root, t.height, &nodes):
        return False
    t.root = NULL
    t.count = 0
    t.height = 0
    return True


# ---- reading


cdef const Leaf* leaf_at(const TimeIndex* t, const Pair* key) noexcept nogil:
    """The leaf that the key belongs to; NULL: the first one."""
    cdef const void* node = t.root
    cdef int _
    for _ in range(t.height):
        node = (<const Inner*>node).children[child_of(<const Inner*>node, key) if key != NULL else 0]
    return <const Leaf*>node


cdef bint ti_contains(const TimeIndex* t, int64_t moment, const void* item) noexcept nogil:
    cdef Pair key = pair_of(moment, item)
    cdef const Leaf* leaf
    cdef int at
    if t.root == NULL:
        return False
    leaf = leaf_at(t, &key)
    at = place_of(leaf.pairs, leaf.n, &key)
    return at < leaf.n and is_same(&leaf.pairs[at], &key)


cdef int64_t ti_first_moment(const TimeIndex* t) noexcept nogil:
    return moment_of(&leaf_at(t, NULL).pairs[0])


cdef int64_t ti_last_moment(const TimeIndex* t) noexcept nogil:
    cdef const void* node = t.root
    cdef int _
    for _ in range(t.height):
        node = (<const Inner*>node).children[(<const Inner*>node).n - 1]
    return moment_of(&(<const Leaf*>node).pairs[(<const Leaf*>node).n - 1])


cdef int ti_first_some(const TimeIndex* t, int64_t* moments, void** items, int most) noexcept nogil:
    cdef const Leaf* leaf
    cdef int n
    cdef int i
    if t.root == NULL:
        return 0
    leaf = leaf_at(t, NULL)
    n = leaf.n if leaf.n < most else most
    for i in range(n):
        moments[i] = moment_of(&leaf.pairs[i])
        items[i] = item_of(&leaf.pairs[i])
    return n


cdef void walk_below(const void* node, int height, ti_walk_fn fn, void* context) noexcept nogil:
    cdef const Leaf* leaf = <const Leaf*>node
    cdef const Inner* inner = <const Inner*>node
    cdef int i
    if height == 0:
        for i in range(leaf.n):
            fn(context, moment_of(&leaf.pairs[i]), item_of(&leaf.pairs[i]))
        return
    for i in range(inner.n):
        walk_below(inner.children[i], height - 1, fn, context)


cdef void ti_walk(const TimeIndex* t, ti_walk_fn fn, void* context) noexcept nogil:
    if t.root != NULL:
        walk_below(t.root, t.height, fn, context)


cdef uint64_t count_below(const void* node, int height, int64_t moment) noexcept nogil:
    cdef const Leaf* leaf = <const Leaf*>node
    cdef const Inner* inner = <const Inner*>node
    cdef uint64_t count = 0
    cdef int i = 0
    if height == 0:
        # most leaves are all below
        i = leaf.n
        while i and moment_of(&leaf.pairs[i - 1]) >= moment:
            i -= 1
        return <uint64_t>i
    while i < inner.n and (i == 0 or moment_of(&inner.lows[i]) < moment):
        count += count_below(inner.children[i], height - 1, moment)
        i += 1
    return count


cdef uint64_t ti_count_below(const TimeIndex* t, int64_t moment) noexcept nogil:
    return count_below(t.root, t.height, moment) if t.root != NULL else 0
