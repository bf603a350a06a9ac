"""Leaves are linked and begin small; a full one is split in halves, or at the end of the tree left full, since ids come nearly always in
order. Inner nodes hold children and for each but the first an id that its ids are not below. A leaf that has lost three quarters of its
ids is joined with a neighbour or gets a smaller block.

What does not fit a leaf's widths or room has it written anew: its columns are unpacked, changed and packed. That happens some ten times
in the life of a leaf that is filled in order; all else is moving a few bytes in each column.
"""

from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memmove
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_size

cdef enum:
    INNER = 64              # children: 1544 bytes
    MAX_HEIGHT = 16         # more than 2 ** 64 ids could make
    LEAST_ROOM = 4
    MS = 0                  # the columns
    SEQ = 1
    FIRST_NUMBER = 2


cdef struct Inner:
    uint64_t count
    StreamId[INNER] least       # from slot 1 on: no id of the child is below it, all of the child before are
    void* child[INNER]


cdef struct Path:
    # from the root to a leaf, by inner nodes
    Inner* node[MAX_HEIGHT]
    int[MAX_HEIGHT] slot


cdef struct Columns:
    # the content of a leaf, and of one more id
    int columns
    int count
    uint64_t[ID_COLUMNS][ID_LEAF + 1] values


# Leaves


cdef inline uint64_t difference(const unsigned char* column, int width, int at) noexcept nogil:
    cdef uint64_t n = 0
    if width == 1:
        return column[at]
    if width == 2:
        memcpy(&n, column + at * 2, 2)
    elif width == 4:
        memcpy(&n, column + at * 4, 4)
    elif width == 8:
        memcpy(&n, column + at * 8, 8)
    return n


cdef inline unsigned char* column_of(const IdLeaf* leaf, int column) noexcept nogil:
    cdef unsigned char* at = <unsigned char*>(leaf + 1)
    cdef int i
    for i in range(column):
        at += <size_t>leaf.room * leaf.width[i]
    return at


cdef inline uint64_t value_at(const IdLeaf* leaf, int column, int at) noexcept nogil:
    return leaf.base[column] + difference(column_of(leaf, column), leaf.width[column], at)


cdef StreamId id_leaf_id(const IdLeaf* leaf, int at) noexcept nogil:
    return stream_id_of(value_at(leaf, MS, at), value_at(leaf, SEQ, at))


cdef uint64_t id_leaf_number(const IdLeaf* leaf, int at, int number) noexcept nogil:
    return value_at(leaf, FIRST_NUMBER + number, at)


cdef uint64_t id_leaf_sum(const IdLeaf* leaf, int number) noexcept nogil:
    cdef const unsigned char* column = column_of(leaf, FIRST_NUMBER + number)
    cdef int width = leaf.width[FIRST_NUMBER + number]
    cdef uint64_t sum = leaf.base[FIRST_NUMBER + number] * leaf.count
    cdef uint32_t small = 0
    cdef int at
    if width == 1:
        # what the compiler makes vectors of
        for at in range(leaf.count):
            small += column[at]
        return sum + small
    for at in range(leaf.count if width else 0):
        sum += difference(column, width, at)
    return sum


cdef int place_of(const IdLeaf* leaf, StreamId id) noexcept nogil:
    """The first place whose id is not below this one; count if all are."""
    cdef const unsigned char* ms = column_of(leaf, MS)
    cdef const unsigned char* seq = column_of(leaf, SEQ)
    cdef int low = 0
    cdef int high = leaf.count
    cdef int middle
    cdef StreamId other
    while low < high:
        middle = (low + high) // 2
        other.ms = leaf.base[MS] + difference(ms, leaf.width[MS], middle)
        other.seq = leaf.base[SEQ] + difference(seq, leaf.width[SEQ], middle)
        if stream_id_compare(other, id) < 0:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline bint is_at(const IdLeaf* leaf, int at, StreamId id) noexcept nogil:
    return at < leaf.count and stream_id_compare(id_leaf_id(leaf, at), id) == 0


cdef inline bint fits(const IdLeaf* leaf, int column, uint64_t value) noexcept nogil:
    cdef int width = leaf.width[column]
    return width == 8 or (value - leaf.base[column]) >> (8 * width) == 0


cdef inline void write_at(IdLeaf* leaf, int column, int at, uint64_t value) noexcept nogil:
    """Writes a value that fits."""
    cdef int width = leaf.width[column]
    value -= leaf.base[column]
    memcpy(column_of(leaf, column) + at * width, &value, width)


cdef bint insert_in_place(IdLeaf* leaf, int at, const uint64_t* values) noexcept nogil:
    """False, and nothing is done: there is no room, or a value does not fit."""
    cdef int i
    cdef int width
    cdef uint64_t value
    cdef unsigned char* column = <unsigned char*>(leaf + 1)
    if leaf.count == leaf.room:
        return False
    for i in range(leaf.columns):
        if not fits(leaf, i, values[i]):
            return False
    for i in range(leaf.columns):
        width = leaf.width[i]
        if at < leaf.count:
            memmove(column + (at + 1) * width, column + at * width, (leaf.count - at) * width)
        value = values[i] - leaf.base[i]
        memcpy(column + at * width, &value, width)
        column += <size_t>leaf.room * width
    leaf.count += 1
    return True


cdef void remove_in_place(IdLeaf* leaf, int at) noexcept nogil:
    cdef unsigned char* column = <unsigned char*>(leaf + 1)
    cdef int i
    cdef int width
    for i in range(leaf.columns):
        width = leaf.width[i]
        memmove(column + at * width, column + (at + 1) * width, (leaf.count - at - 1) * width)
        column += <size_t>leaf.room * width
    leaf.count -= 1


cdef void unpack(Columns* c, const IdLeaf* leaf) noexcept nogil:
    """Adds what the leaf holds behind what is there."""
    cdef const unsigned char* column
    cdef int i
    cdef int at
    for i in range(leaf.columns):
        column = column_of(leaf, i)
        for at in range(leaf.count):
            c.values[i][c.count + at] = leaf.base[i] + difference(column, leaf.width[i], at)
    c.columns = leaf.columns
    c.count += leaf.count


cdef void insert_unpacked(Columns* c, int at, const uint64_t* values) noexcept nogil:
    cdef int i
    for i in range(c.columns):
        memmove(&c.values[i][at + 1], &c.values[i][at], (c.count - at) * sizeof(uint64_t))
        c.values[i][at] = values[i]
    c.count += 1


cdef inline int width_for(uint64_t difference) noexcept nogil:
    if difference < 1 << 16:
        return (2 if difference > 255 else 1) if difference else 0
    return 4 if difference >> 32 == 0 else 8


cdef IdLeaf* pack(const Columns* c, int first, int count, int room) noexcept nogil:
    """A leaf of so many ids from `first` on, with room for so many at least."""
    cdef IdLeaf* leaf
    cdef uint8_t[ID_COLUMNS] width
    cdef uint64_t[ID_COLUMNS] least
    cdef uint64_t most
    cdef uint64_t value
    cdef size_t bytes = 0
    cdef int i
    cdef int at
    for i in range(c.columns):
        least[i] = most = c.values[i][first]
        for at in range(first + 1, first + count):
            value = c.values[i][at]
            least[i] = min(least[i], value)
            most = max(most, value)
        width[i] = <uint8_t>width_for(most - least[i])
        bytes += width[i]
    leaf = <IdLeaf*>mem_alloc(sizeof(IdLeaf) + room * bytes)
    if bytes:
        room = <int>((mem_size(leaf) - sizeof(IdLeaf)) // bytes)
    leaf.prev = leaf.next = NULL
    leaf.columns = <uint8_t>c.columns
    leaf.count = <uint8_t>count
    leaf.room = <uint8_t>(min(room, ID_LEAF) if bytes else ID_LEAF)
    memcpy(leaf.width, width, sizeof(width))
    memcpy(leaf.base, least, sizeof(least))
    for i in range(c.columns):
        for at in range(count):
            write_at(leaf, i, at, c.values[i][first + at])
    return leaf


cdef int room_for(const IdTree* t, int count) noexcept nogil:
    """How large a leaf is made that holds so many ids: it grows in doubles unless the tree is large."""
    if t.count >= ID_LEAF:
        return ID_LEAF
    return min(max(count * 2, <int>LEAST_ROOM), <int>ID_LEAF)


# The tree above them


cdef int child_for(const Inner* node, StreamId id) noexcept nogil:
    """The slot of the child that has the id, if it is there."""
    cdef int low = 1
    cdef int high = <int>node.count
    cdef int middle
    while low < high:
        middle = (low + high) // 2
        if stream_id_compare(node.least[middle], id) <= 0:
            low = middle + 1
        else:
            high = middle
    return low - 1


cdef IdLeaf* descend(const IdTree* t, StreamId id, Path* path) noexcept nogil:
    """The leaf that has the id, if it is there; NULL in an empty tree."""
    cdef void* node = t.root
    cdef int level
    for level in range(t.height):
        path.node[level] = <Inner*>node
        path.slot[level] = child_for(<Inner*>node, id)
        node = path.node[level].child[path.slot[level]]
    return <IdLeaf*>node


cdef void replace(IdTree* t, Path* path, IdLeaf* old, IdLeaf* leaf) noexcept nogil:
    """Puts a leaf in the place of another, which is freed."""
    leaf.prev = old.prev
    leaf.next = old.next
    if leaf.prev != NULL:
        leaf.prev.next = leaf
    else:
        t.first = leaf
    if leaf.next != NULL:
        leaf.next.prev = leaf
    else:
        t.last = leaf
    if t.height:
        path.node[t.height - 1].child[path.slot[t.height - 1]] = leaf
    else:
        t.root = leaf
    mem_free(old)


cdef void link_behind(IdTree* t, IdLeaf* before, IdLeaf* leaf) noexcept nogil:
    leaf.prev = before
    leaf.next = before.next
    before.next = leaf
    if leaf.next != NULL:
        leaf.next.prev = leaf
    else:
        t.last = leaf


cdef void insert_child(Inner* node, int slot, StreamId least, void* child) noexcept nogil:
    memmove(&node.least[slot + 1], &node.least[slot], (node.count - slot) * sizeof(StreamId))
    memmove(&node.child[slot + 1], &node.child[slot], (node.count - slot) * sizeof(void*))
    node.least[slot] = least
    node.child[slot] = child
    node.count += 1


cdef Inner* split_inner(Inner* node, int slot) noexcept nogil:
    """Moves a half of a full node to a new one; nothing, if a child is to be added at its end."""
    cdef Inner* right = <Inner*>mem_alloc(sizeof(Inner))
    cdef int kept = INNER if slot == INNER else INNER // 2
    right.count = INNER - kept
    memcpy(right.least, &node.least[kept], right.count * sizeof(StreamId))
    memcpy(right.child, &node.child[kept], right.count * sizeof(void*))
    node.count = kept
    return right


cdef void add_child(IdTree* t, Path* path, StreamId least, void* child) noexcept nogil:
    """Adds a node of the lowest level behind the one at the path's end."""
    cdef int level = t.height - 1
    cdef Inner* node
    cdef Inner* right
    cdef int slot
    while level >= 0:
        node = path.node[level]
        slot = path.slot[level] + 1
        if node.count < INNER:
            insert_child(node, slot, least, child)
            return
        right = split_inner(node, slot)
        if slot > <int>node.count or right.count == 0:
            insert_child(right, slot - <int>node.count, least, child)
        else:
            insert_child(node, slot, least, child)
        # the first separator of the new node is its own in the node above
        least = right.least[0]
        child = right
        level -= 1
    node = <Inner*>mem_alloc(sizeof(Inner))
    node.count = 2
    node.child[0] = t.root
    node.least[1] = least
    node.child[1] = child
    t.root = node
    t.height += 1


cdef void remove_child(IdTree* t, Path* path) noexcept nogil:
    """Takes the path's last slot out of the tree, and what becomes empty by that."""
    cdef int level = t.height - 1
    cdef Inner* node
    cdef int slot
    while level >= 0:
        node = path.node[level]
        slot = path.slot[level]
        if node.count > 1:
            node.count -= 1
            memmove(&node.least[slot], &node.least[slot + 1], (node.count - slot) * sizeof(StreamId))
            memmove(&node.child[slot], &node.child[slot + 1], (node.count - slot) * sizeof(void*))
            break
        mem_free(node)
        level -= 1
    if level < 0:
        t.root = NULL
        t.height = 0
        return
    lower(t)


cdef void lower(IdTree* t) noexcept nogil:
    """Takes nodes off the top that have one child."""
    cdef Inner* node = <Inner*>t.root
    while t.height and node.count == 1:
        t.root = node.child[0]
        mem_free(node)
        t.height -= 1
        node = <Inner*>t.root


cdef void unlink(IdTree* t, Path* path, IdLeaf* leaf) noexcept nogil:
    """Takes the leaf at the path's end out of the tree."""
    if leaf.prev != NULL:
        leaf.prev.next = leaf.next
    else:
        t.first = leaf.next
    if leaf.next != NULL:
        leaf.next.prev = leaf.prev
    else:
        t.last = leaf.prev
    remove_child(t, path)


# Changes


cdef void id_tree_init(IdTree* t, int numbers) noexcept nogil:
    t.root = NULL
    t.first = t.last = NULL
    t.count = 0
    t.height = 0
    t.numbers = <uint8_t>numbers
    t.changes = 0


cdef void free_node(void* node, int height) noexcept nogil:
    cdef Inner* inner = <Inner*>node
    cdef uint64_t i
    if height:
        for i in range(inner.count):
            free_node(inner.child[i], height - 1)
    mem_free(node)


cdef void id_tree_clear(IdTree* t) noexcept nogil:
    if t.root != NULL:
        free_node(t.root, t.height)
    id_tree_init(t, t.numbers)


cdef void insert_anew(IdTree* t, Path* path, IdLeaf* leaf, int at, const uint64_t* values) noexcept nogil:
    """Inserts into a leaf that is written anew, or made two."""
    cdef Columns c
    cdef IdLeaf* right
    cdef int kept
    c.count = 0
    unpack(&c, leaf)
    insert_unpacked(&c, at, values)
    if c.count <= ID_LEAF:
        replace(t, path, leaf, pack(&c, 0, c.count, room_for(t, c.count)))
        return
    kept = ID_LEAF if at == ID_LEAF and leaf.next == NULL else ID_LEAF // 2
    right = pack(&c, kept, c.count - kept, ID_LEAF)
    link_behind(t, leaf, right)
    if kept < ID_LEAF:
        replace(t, path, leaf, pack(&c, 0, kept, ID_LEAF))
    add_child(t, path, id_leaf_id(right, 0), right)


cdef void set_number(IdTree* t, Path* path, IdLeaf** leaf, int at, int column, uint64_t value) noexcept nogil:
    """Changes a number in the leaf at the path's end, which may be another one then."""
    cdef Columns c
    cdef IdLeaf* made
    if not fits(leaf[0], column, value):
        c.count = 0
        unpack(&c, leaf[0])
        c.values[column][at] = value
        made = pack(&c, 0, c.count, leaf[0].room)
        replace(t, path, leaf[0], made)
        leaf[0] = made
        t.changes += 1
    else:
        write_at(leaf[0], column, at, value)


cdef void add_first(IdTree* t, const uint64_t* values) noexcept nogil:
    """The first id of an empty tree."""
    cdef Columns c
    c.columns = FIRST_NUMBER + t.numbers
    c.count = 0
    insert_unpacked(&c, 0, values)
    t.first = t.last = pack(&c, 0, 1, LEAST_ROOM)
    t.root = t.first


cdef bint id_tree_put(IdTree* t, StreamId id, const uint64_t* numbers) noexcept nogil:
    cdef uint64_t[ID_COLUMNS] values
    cdef Path path
    cdef IdLeaf* leaf = t.last
    cdef int at
    cdef int i
    values[MS] = id.ms
    values[SEQ] = id.seq
    for i in range(t.numbers):
        values[FIRST_NUMBER + i] = numbers[i]
    if leaf == NULL:
        add_first(t, values)
    elif stream_id_compare(id_leaf_id(leaf, leaf.count - 1), id) >= 0 or not insert_in_place(leaf, leaf.count, values):
        leaf = descend(t, id, &path)
        at = place_of(leaf, id)
        if is_at(leaf, at, id):
            for i in range(t.numbers):
                set_number(t, &path, &leaf, at, FIRST_NUMBER + i, numbers[i])
            return False
        if not insert_in_place(leaf, at, values):
            insert_anew(t, &path, leaf, at, values)
    t.count += 1
    t.changes += 1
    return True


cdef void id_tree_set(IdTree* t, IdCursor* c, int number, uint64_t n) noexcept nogil:
    cdef Path path
    if not fits(c.leaf, FIRST_NUMBER + number, n):
        descend(t, c.id, &path)
    set_number(t, &path, &c.leaf, c.at, FIRST_NUMBER + number, n)
    c.numbers[number] = n


cdef void shrink(IdTree* t, Path* path, IdLeaf* leaf) noexcept nogil:
    """Joins a leaf that has lost most of its ids with the next one below the same node, or gives it a smaller block."""
    cdef Columns c
    cdef IdLeaf* next = leaf.next
    cdef Inner* parent = path.node[t.height - 1] if t.height else NULL
    cdef int slot = path.slot[t.height - 1] if t.height else 0
    c.count = 0
    unpack(&c, leaf)
    if parent != NULL and slot + 1 < <int>parent.count and leaf.count + next.count <= ID_LEAF * 3 // 4:
        unpack(&c, next)
        path.slot[t.height - 1] += 1
        unlink(t, path, next)
        mem_free(next)
        # what held the leaf may be gone with the other: the way is to be found again
        leaf = descend(t, stream_id_of(c.values[MS][0], c.values[SEQ][0]), path)
    replace(t, path, leaf, pack(&c, 0, c.count, min(max(c.count * 2, <int>LEAST_ROOM), <int>ID_LEAF)))


cdef inline void shrink_sparse(IdTree* t, Path* path, IdLeaf* leaf) noexcept nogil:
    if leaf.count <= leaf.room // 4 and leaf.room > 2 * LEAST_ROOM:
        shrink(t, path, leaf)


cdef bint id_tree_remove(IdTree* t, StreamId id) noexcept nogil:
    cdef Path path
    cdef IdLeaf* leaf = descend(t, id, &path)
    cdef int at
    if leaf == NULL:
        return False
    at = place_of(leaf, id)
    if not is_at(leaf, at, id):
        return False
    remove_in_place(leaf, at)
    t.count -= 1
    t.changes += 1
    if leaf.count == 0:
        unlink(t, &path, leaf)
        mem_free(leaf)
    else:
        shrink_sparse(t, &path, leaf)
    return True


cdef inline void keep_places(unsigned char* column, size_t width, const uint8_t* places, int kept) noexcept nogil:
    """Moves what stands at these places, which ascend, to the column's start."""
    cdef int i
    for i in range(kept):
        memcpy(column + i * width, column + places[i] * width, width)


cdef void keep_in_place(IdLeaf* leaf, const uint8_t* places, int kept) noexcept nogil:
    """Removes all from a leaf but the ids at these places."""
    cdef unsigned char* column = <unsigned char*>(leaf + 1)
    cdef int i
    for i in range(leaf.columns):
        # four loops, each of moves of one size
        if leaf.width[i] == 1:
            keep_places(column, 1, places, kept)
        elif leaf.width[i] == 2:
            keep_places(column, 2, places, kept)
        elif leaf.width[i] == 4:
            keep_places(column, 4, places, kept)
        elif leaf.width[i] == 8:
            keep_places(column, 8, places, kept)
        column += <size_t>leaf.room * leaf.width[i]
    leaf.count = <uint8_t>kept


cdef int places_of_others(const IdLeaf* leaf, int column, uint64_t value, uint8_t* places) noexcept nogil:
    """The places where the column has another value; how many."""
    cdef const unsigned char* at = column_of(leaf, column)
    cdef int width = leaf.width[column]
    cdef int kept = 0
    cdef int i
    value -= leaf.base[column]
    if width == 1:
        for i in range(leaf.count):
            places[kept] = <uint8_t>i
            kept += at[i] != value
        return kept
    for i in range(leaf.count):
        places[kept] = <uint8_t>i
        kept += difference(at, width, i) != value
    return kept


cdef int id_tree_remove_alike(IdTree* t, StreamId id, int number, uint64_t n) noexcept nogil:
    cdef Path path
    cdef uint8_t[ID_LEAF] places
    cdef IdLeaf* leaf = descend(t, id, &path)
    cdef int kept = places_of_others(leaf, FIRST_NUMBER + number, n, places)
    cdef int removed = leaf.count - kept
    t.count -= removed
    t.changes += 1
    if kept == 0:
        unlink(t, &path, leaf)
        mem_free(leaf)
    elif removed:
        keep_in_place(leaf, places, kept)
        shrink_sparse(t, &path, leaf)
    return removed


cdef IdLeaf* id_tree_cut_first(IdTree* t) noexcept nogil:
    cdef Path path
    cdef IdLeaf* leaf = t.first
    if leaf == NULL:
        return NULL
    descend(t, stream_id_of(0, 0), &path)
    unlink(t, &path, leaf)
    t.count -= leaf.count
    t.changes += 1
    leaf.prev = leaf.next = NULL
    return leaf


cdef Inner* cut_children(Inner* node, int slot, void* part) noexcept nogil:
    """Moves the children before a slot to a new node, behind them what was cut off the child there (NULL: nothing). NULL: no children."""
    cdef Inner* cut
    if slot == 0 and part == NULL:
        return NULL
    cut = <Inner*>mem_alloc(sizeof(Inner))
    cut.count = slot
    memcpy(&cut.least[1], &node.least[1], slot * sizeof(StreamId))
    memcpy(cut.child, node.child, slot * sizeof(void*))
    if part != NULL:
        cut.child[slot] = part
        cut.count += 1
    node.count -= slot
    memmove(node.least, &node.least[slot], node.count * sizeof(StreamId))
    memmove(node.child, &node.child[slot], node.count * sizeof(void*))
    return cut


cdef void id_tree_cut_before(IdTree* t, IdLeaf* leaf, uint64_t ids, IdTree* cut) noexcept nogil:
    cdef Path path
    cdef void* part = NULL
    cdef int level
    descend(t, id_leaf_id(leaf, 0), &path)
    for level in range(t.height - 1, -1, -1):
        part = cut_children(path.node[level], path.slot[level], part)
    cut.root = part
    cut.height = t.height
    cut.first = t.first
    cut.last = leaf.prev
    cut.count = ids
    cut.last.next = NULL
    leaf.prev = NULL
    t.first = leaf
    t.count -= ids
    t.changes += 1
    lower(t)
    lower(cut)


cdef void id_tree_append_leaf(IdTree* t, IdLeaf* leaf) noexcept nogil:
    cdef Path path
    leaf.prev = leaf.next = NULL
    t.count += leaf.count
    t.changes += 1
    if t.last == NULL:
        t.first = t.last = leaf
        t.root = leaf
        return
    descend(t, stream_id_of(UINT64_MAX, UINT64_MAX), &path)
    link_behind(t, t.last, leaf)
    add_child(t, &path, id_leaf_id(leaf, 0), leaf)


cdef void id_tree_copy(IdTree* to, const IdTree* t) noexcept nogil:
    cdef const IdLeaf* leaf = t.first
    cdef IdLeaf* copy
    while leaf != NULL:
        copy = <IdLeaf*>mem_alloc(mem_size(leaf))
        memcpy(copy, leaf, mem_size(leaf))
        id_tree_append_leaf(to, copy)
        leaf = leaf.next


# Looking


cdef bint read_cursor(IdCursor* c) noexcept nogil:
    cdef int i
    c.id = id_leaf_id(c.leaf, c.at)
    for i in range(c.leaf.columns - FIRST_NUMBER):
        c.numbers[i] = id_leaf_number(c.leaf, c.at, i)
    return True


cdef bint id_tree_find(const IdTree* t, StreamId id, IdCursor* c) noexcept nogil:
    return id_tree_above(t, id, c) and stream_id_compare(c.id, id) == 0


cdef bint id_tree_above(const IdTree* t, StreamId id, IdCursor* c) noexcept nogil:
    cdef Path path
    c.leaf = descend(t, id, &path)
    if c.leaf == NULL:
        return False
    c.at = place_of(c.leaf, id)
    if c.at < c.leaf.count:
        return read_cursor(c)
    c.at -= 1
    return id_tree_next(c)


cdef bint id_tree_below(const IdTree* t, StreamId id, IdCursor* c) noexcept nogil:
    cdef Path path
    c.leaf = descend(t, id, &path)
    if c.leaf == NULL:
        return False
    c.at = place_of(c.leaf, id)
    if is_at(c.leaf, c.at, id):
        return read_cursor(c)
    return id_tree_prev(c)


cdef bint id_tree_next(IdCursor* c) noexcept nogil:
    c.at += 1
    if c.at == c.leaf.count:
        c.leaf = c.leaf.next
        c.at = 0
    return c.leaf != NULL and read_cursor(c)


cdef bint id_tree_skip(IdCursor* c, int count) noexcept nogil:
    c.at += count
    while c.leaf != NULL and c.at >= c.leaf.count:
        c.at -= c.leaf.count
        c.leaf = c.leaf.next
    return c.leaf != NULL and read_cursor(c)


cdef bint id_tree_prev(IdCursor* c) noexcept nogil:
    if c.at == 0:
        c.leaf = c.leaf.prev
        c.at = c.leaf.count if c.leaf != NULL else 0
    c.at -= 1
    return c.leaf != NULL and read_cursor(c)


# Memory


cdef uint64_t id_tree_blocks(const IdTree* t) noexcept nogil:
    return (t.count + ID_LEAF - 1) // ID_LEAF


cdef size_t inner_memory(const void* node, int height) noexcept nogil:
    cdef const Inner* inner = <const Inner*>node
    cdef size_t total = mem_size(node)
    cdef uint64_t i
    if height > 1:
        for i in range(inner.count):
            total += inner_memory(inner.child[i], height - 1)
    return total


cdef size_t id_tree_memory(const IdTree* t, uint64_t samples) noexcept nogil:
    cdef const IdLeaf* leaf = t.first
    cdef uint64_t seen = 0
    cdef uint64_t ids = 0
    cdef size_t total = 0
    while leaf != NULL and (samples == 0 or seen < samples):
        total += mem_size(leaf)
        ids += leaf.count
        seen += 1
        leaf = leaf.next
    if leaf != NULL:
        total = <size_t>(<double>total / ids * t.count)
    return total + (inner_memory(t.root, t.height) if t.height else 0)
