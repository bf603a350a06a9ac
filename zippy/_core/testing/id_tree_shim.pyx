# An IdTree for tests, with an account of its own. An id is a pair of integers, numbers are a tuple.

from libc.stdint cimport uint64_t
from zippy._core.ground.id_tree cimport (
    ID_NUMBERS, IdCursor, IdLeaf, IdTree, StreamId, id_leaf_id, id_leaf_number, id_leaf_sum, id_tree_above, id_tree_append_leaf,
    id_tree_below, id_tree_blocks, id_tree_clear, id_tree_copy, id_tree_cut_before, id_tree_cut_first, id_tree_find, id_tree_init,
    id_tree_memory, id_tree_next, id_tree_prev, id_tree_put, id_tree_remove, id_tree_remove_alike, id_tree_set, id_tree_skip,
    stream_id_of, stream_id_step, stream_id_step_back
)
from zippy._core.ground.mem cimport Account, mem_charge_to, mem_charged, mem_free


cdef StreamId id_from(tuple pair):
    return stream_id_of(pair[0], pair[1])


cdef tuple item_of(const IdCursor* c, int numbers):
    return (c.id.ms, c.id.seq), tuple([c.numbers[i] for i in range(numbers)])


def step(tuple pair):
    """The id that follows, or None."""
    cdef StreamId id = id_from(pair)
    return (id.ms, id.seq) if stream_id_step(&id) else None


def step_back(tuple pair):
    """The id before, or None."""
    cdef StreamId id = id_from(pair)
    return (id.ms, id.seq) if stream_id_step_back(&id) else None


cdef class Ids:
    """A tree of ids with so many numbers beside each."""

    cdef IdTree tree
    cdef Account account

    def __cinit__(self, int numbers=0):
        id_tree_init(&self.tree, numbers)

    def __dealloc__(self):
        self.close()

    def close(self):
        """Free the tree; returns the account's bytes and blocks."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        id_tree_clear(&self.tree)
        mem_charge_to(before)
        return self.account.used, self.account.blocks

    def __len__(self):
        return self.tree.count

    def put(self, tuple id, tuple numbers=()):
        """Whether the id is new."""
        cdef Account* before = mem_charged()
        cdef uint64_t[ID_NUMBERS] values
        cdef bint new
        for i, number in enumerate(numbers):
            values[i] = number
        mem_charge_to(&self.account)
        new = id_tree_put(&self.tree, id_from(id), values)
        mem_charge_to(before)
        return new

    def remove(self, tuple id):
        """Whether it was there."""
        cdef Account* before = mem_charged()
        cdef bint found
        mem_charge_to(&self.account)
        found = id_tree_remove(&self.tree, id_from(id))
        mem_charge_to(before)
        return found

    def set(self, tuple id, int number, uint64_t n):
        """Change one number of an id that is there, and look at what the cursor says of it then."""
        cdef Account* before = mem_charged()
        cdef IdCursor c
        assert id_tree_find(&self.tree, id_from(id), &c)
        mem_charge_to(&self.account)
        id_tree_set(&self.tree, &c, number, n)
        mem_charge_to(before)
        assert id_leaf_number(c.leaf, c.at, number) == c.numbers[number] == n
        return item_of(&c, self.tree.numbers)

    def find(self, tuple id):
        """(id, numbers), or None."""
        cdef IdCursor c
        return item_of(&c, self.tree.numbers) if id_tree_find(&self.tree, id_from(id), &c) else None

    def above(self, tuple id):
        """The first one that is not below; and the same for `below`."""
        cdef IdCursor c
        return item_of(&c, self.tree.numbers) if id_tree_above(&self.tree, id_from(id), &c) else None

    def below(self, tuple id):
        """The last one that is not above."""
        cdef IdCursor c
        return item_of(&c, self.tree.numbers) if id_tree_below(&self.tree, id_from(id), &c) else None

    def forward(self, tuple id=(0, 0)):
        """All from an id on."""
        cdef IdCursor c
        cdef bint more = id_tree_above(&self.tree, id_from(id), &c)
        items = []
        while more:
            items.append(item_of(&c, self.tree.numbers))
            more = id_tree_next(&c)
        return items

    def backward(self, tuple id):
        """All from an id on, towards the first."""
        cdef IdCursor c
        cdef bint more = id_tree_below(&self.tree, id_from(id), &c)
        items = []
        while more:
            items.append(item_of(&c, self.tree.numbers))
            more = id_tree_prev(&c)
        return items

    def cut_first(self):
        """The ids of the first leaf, which is taken out and freed."""
        cdef Account* before = mem_charged()
        cdef IdLeaf* leaf
        cdef StreamId id
        ids = []
        mem_charge_to(&self.account)
        leaf = id_tree_cut_first(&self.tree)
        if leaf != NULL:
            for i in range(leaf.count):
                id = id_leaf_id(leaf, i)
                ids.append((id.ms, id.seq))
            mem_free(leaf)
        mem_charge_to(before)
        return ids

    def cut_before(self, int leaves, Ids other):
        """Move so many leaves, but not the last, from the start to an empty tree; how many ids. They are charged to this tree's account
        still, so both are to be closed together."""
        cdef IdLeaf* leaf = self.tree.first
        cdef uint64_t ids = 0
        cdef Account* before = mem_charged()
        while leaves and leaf != NULL and leaf.next != NULL:
            ids += leaf.count
            leaf = leaf.next
            leaves -= 1
        if ids:
            mem_charge_to(&self.account)
            id_tree_cut_before(&self.tree, leaf, ids, &other.tree)
            mem_charge_to(before)
        return ids

    def remove_alike(self, tuple id, int number, uint64_t n):
        """How many are gone of the leaf that would have the id."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        removed = id_tree_remove_alike(&self.tree, id_from(id), number, n)
        mem_charge_to(before)
        return removed

    def skip(self, tuple id, int count):
        """The id so many places behind the first that is not below, or None."""
        cdef IdCursor c
        found = id_tree_above(&self.tree, id_from(id), &c) and id_tree_skip(&c, count)
        return item_of(&c, self.tree.numbers) if found else None

    def move_to(self, Ids other):
        """Move all leaves behind those of another tree, which then are charged to its account; that is for both to be closed together."""
        cdef IdLeaf* leaf = id_tree_cut_first(&self.tree)
        while leaf != NULL:
            id_tree_append_leaf(&other.tree, leaf)
            leaf = id_tree_cut_first(&self.tree)

    def copy(self):
        """Another tree of the same ids."""
        cdef Account* before = mem_charged()
        cdef Ids other = Ids(self.tree.numbers)
        mem_charge_to(&other.account)
        id_tree_copy(&other.tree, &self.tree)
        mem_charge_to(before)
        return other

    @property
    def leaves(self):
        """How many ids each leaf has, forwards; their links backwards are looked at."""
        cdef const IdLeaf* leaf = self.tree.first
        counts = []
        while leaf != NULL:
            assert leaf.count <= leaf.room
            assert leaf.next == NULL or leaf.next.prev == leaf
            assert leaf.next != NULL or self.tree.last == leaf
            counts.append(leaf.count)
            leaf = leaf.next
        return counts

    def sum(self, int number):
        """Of one of the numbers, leaf by leaf, modulo 2 ** 64."""
        cdef const IdLeaf* leaf = self.tree.first
        cdef uint64_t sum = 0
        while leaf != NULL:
            sum += id_leaf_sum(leaf, number)
            leaf = leaf.next
        return sum

    @property
    def height(self):
        return self.tree.height

    @property
    def blocks(self):
        return id_tree_blocks(&self.tree)

    @property
    def memory(self):
        return id_tree_memory(&self.tree, 0)

    @property
    def used(self):
        """Bytes charged."""
        return self.account.used
