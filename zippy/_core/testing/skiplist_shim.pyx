# A Skiplist for tests, with an account of its own.

from libc.stdint cimport uint64_t
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.mem cimport Account, mem_charge_to, mem_charged
from zippy._core.ground.random cimport Random, random_seed
from zippy._core.ground.skiplist cimport (
    Skiplist, ZslLexRange, ZslNode, ZslScoreRange, zsl_by_rank, zsl_first, zsl_first_in_lex, zsl_first_in_score, zsl_free, zsl_free_some,
    zsl_insert, zsl_key_of, zsl_last_in_lex, zsl_last_in_score, zsl_lex_above_min, zsl_lex_below_max, zsl_member, zsl_new, zsl_next,
    zsl_node_free, zsl_node_memory, zsl_rank, zsl_remove_ranks, zsl_rescore, zsl_score_above_min, zsl_score_below_max, zsl_unlink
)


cdef void free_removed(void* context, ZslNode* node) noexcept nogil:
    (<uint64_t*>context)[0] += 1
    zsl_node_free(node)


cdef object item_of(const ZslNode* node):
    cdef Slice member
    if node == NULL:
        return None
    member = zsl_member(node)
    return node.score, member.ptr[:member.len]


cdef ZslScoreRange score_range(double low, double high, bint low_open, bint high_open):
    cdef ZslScoreRange range
    range.min = low
    range.max = high
    range.min_open = low_open
    range.max_open = high_open
    return range


cdef void lex_end(bytes text, Slice* end, bint* is_open, int* infinite):
    """An end in the syntax of ZRANGEBYLEX; the slice borrows from text."""
    infinite[0] = -1 if text == b"-" else 1 if text == b"+" else 0
    is_open[0] = text[:1] == b"("
    end[0] = slice_of(<const char*>text + 1, len(text) - 1)


cdef ZslLexRange lex_range(bytes low, bytes high):
    cdef ZslLexRange range
    lex_end(low, &range.min, &range.min_open, &range.min_infinite)
    lex_end(high, &range.max, &range.max_open, &range.max_infinite)
    return range


cdef class SortedMembers:
    """A skip list of (score, member) with a dictionary of its nodes, since insertion wants members that are absent."""

    cdef Skiplist* list
    cdef dict places             # the address of each member's node
    cdef Account account
    cdef Random random

    def __cinit__(self, uint64_t seed=1):
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        self.list = zsl_new()
        mem_charge_to(before)
        self.places = {}
        random_seed(&self.random, seed)

    def __dealloc__(self):
        self.close()

    def close(self):
        """Free the list; returns the account's bytes and blocks."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        if self.list != NULL:
            zsl_free(self.list)
        self.list = NULL
        mem_charge_to(before)
        return self.account.used, self.account.blocks

    def free_in_steps(self, uint64_t nodes):
        """Free the list so many nodes at a time; how many steps that took."""
        cdef Account* before = mem_charged()
        steps = 1
        mem_charge_to(&self.account)
        while not zsl_free_some(self.list, nodes):
            steps += 1
        self.list = NULL
        mem_charge_to(before)
        return steps

    cdef ZslNode* node_of(self, bytes member) except NULL:
        return <ZslNode*><size_t>self.places[member]

    def insert(self, double score, bytes member):
        """Put in a member that is absent."""
        cdef Account* before = mem_charged()
        cdef ZslNode* node
        mem_charge_to(&self.account)
        node = zsl_insert(self.list, score, slice_of(<const char*>member, len(member)), &self.random)
        mem_charge_to(before)
        self.places[member] = <size_t>node

    def remove(self, bytes member):
        """Take out a member that is there."""
        cdef Account* before = mem_charged()
        cdef ZslNode* node = self.node_of(member)
        mem_charge_to(&self.account)
        zsl_unlink(self.list, node)
        zsl_node_free(node)
        mem_charge_to(before)
        del self.places[member]

    def rescore(self, bytes member, double score):
        """Give a member that is there a new score; its node stays where it is in memory."""
        zsl_rescore(self.list, self.node_of(member), score)

    def remove_ranks(self, uint64_t first, uint64_t last):
        """Take out the members of these ranks; how many."""
        cdef Account* before = mem_charged()
        cdef uint64_t told = 0
        cdef uint64_t removed
        gone = [item_of(zsl_by_rank(self.list, rank)) for rank in range(first, last + 1)]
        mem_charge_to(&self.account)
        removed = zsl_remove_ranks(self.list, first, last, free_removed, &told)
        mem_charge_to(before)
        assert told == removed
        for item in gone:
            if item is not None:
                del self.places[item[1]]
        return removed

    def rank(self, bytes member):
        """1 for the first."""
        return zsl_rank(self.list, self.node_of(member))

    def by_rank(self, uint64_t rank):
        """(score, member), or None."""
        return item_of(zsl_by_rank(self.list, rank))

    def forward(self):
        """All items from the first on."""
        cdef ZslNode* node = zsl_first(self.list)
        cdef Slice key
        items = []
        while node != NULL:
            zsl_key_of(node, &key)
            assert key.ptr[:key.len] == item_of(node)[1]
            items.append(item_of(node))
            node = zsl_next(node)
        return items

    def backward(self):
        """All items from the last on."""
        cdef ZslNode* node = self.list.tail
        items = []
        while node != NULL:
            items.append(item_of(node))
            node = node.backward
        return items

    def __len__(self):
        return self.list.length

    def in_score(self, double low, double high, bint low_open, bint high_open):
        """The first and the last item in the range, None for none."""
        cdef ZslScoreRange range = score_range(low, high, low_open, high_open)
        return item_of(zsl_first_in_score(self.list, &range)), item_of(zsl_last_in_score(self.list, &range))

    def in_lex(self, bytes low, bytes high):
        """The first and the last item between two ends as ZRANGEBYLEX writes them, None for none."""
        cdef ZslLexRange range = lex_range(low, high)
        return item_of(zsl_first_in_lex(self.list, &range)), item_of(zsl_last_in_lex(self.list, &range))

    @property
    def nodes_memory(self):
        """Bytes of all nodes."""
        cdef ZslNode* node = zsl_first(self.list)
        size = 0
        while node != NULL:
            size += zsl_node_memory(node)
            node = zsl_next(node)
        return size

    @property
    def used(self):
        return self.account.used

    @property
    def blocks(self):
        return self.account.blocks


def score_within(double score, double low, double high, bint low_open, bint high_open):
    """Whether a score is above a range's beginning, and below its end."""
    cdef ZslScoreRange range = score_range(low, high, low_open, high_open)
    return bool(zsl_score_above_min(score, &range)), bool(zsl_score_below_max(score, &range))


def member_within(bytes member, bytes low, bytes high):
    """Whether a member is above a range's beginning, and below its end."""
    cdef ZslLexRange range = lex_range(low, high)
    cdef Slice word = slice_of(<const char*>member, len(member))
    return bool(zsl_lex_above_min(word, &range)), bool(zsl_lex_below_max(word, &range))
