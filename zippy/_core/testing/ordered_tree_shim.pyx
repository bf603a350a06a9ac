# An OrderedTree for tests, with an account of its own.

from libc.stdint cimport uint64_t
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.mem cimport Account, mem_charge_to, mem_charged
from zippy._core.ground.ordered_item cimport OtItem, ot_item_free, ot_item_memory, ot_item_new, ot_key_of, ot_member
from zippy._core.ground.ordered_tree cimport (
    OrderedTree, OtCursor, OtLeaf, OtLexRange, OtScoreRange, ot_append, ot_free, ot_init, ot_insert, ot_lex_above_min, ot_lex_below_max,
    ot_lex_span, ot_next, ot_order, ot_prev, ot_rank, ot_remove, ot_remove_ranks, ot_rescore, ot_score_above_min, ot_score_below_max,
    ot_score_span, ot_seek, ot_seek_score
)


cdef void free_removed(void* context, OtItem* item) noexcept nogil:
    (<uint64_t*>context)[0] += 1
    ot_item_free(item)


cdef object pair_of(const OtItem* item):
    cdef Slice member
    if item == NULL:
        return None
    member = ot_member(item)
    return item.score, member.ptr[:member.len]


cdef OtScoreRange score_range(double low, double high, bint low_open, bint high_open):
    cdef OtScoreRange range
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


cdef OtLexRange lex_range(bytes low, bytes high):
    cdef OtLexRange range
    lex_end(low, &range.min, &range.min_open, &range.min_infinite)
    lex_end(high, &range.max, &range.max_open, &range.max_infinite)
    return range


cdef class SortedMembers:
    """A tree of (score, member) with a dictionary of its items, since insertion wants members that are absent."""

    cdef OrderedTree tree
    cdef bint closed
    cdef dict places             # the address of each member's item
    cdef Account account

    def __cinit__(self):
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        ot_init(&self.tree)
        mem_charge_to(before)
        self.places = {}

    def __dealloc__(self):
        self.close()

    def close(self):
        """Free the tree; returns the account's bytes and blocks."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        if not self.closed:
            ot_free(&self.tree)
        self.closed = True
        mem_charge_to(before)
        return self.account.used, self.account.blocks

    cdef OtItem* item_of(self, bytes member) except NULL:
        return <OtItem*><size_t>self.places[member]

    cdef object put(self, double score, bytes member, bint behind):
        cdef Account* before = mem_charged()
        cdef OtItem* item
        mem_charge_to(&self.account)
        item = ot_item_new(score, slice_of(<const char*>member, len(member)))
        if behind:
            ot_append(&self.tree, item)
        else:
            ot_insert(&self.tree, item)
        mem_charge_to(before)
        self.places[member] = <size_t>item

    def insert(self, double score, bytes member):
        """Put in a member that is absent."""
        self.put(score, member, False)

    def append(self, double score, bytes member):
        """Put in a member that is absent behind all others."""
        self.put(score, member, True)

    def write_score(self, bytes member, double score):
        """Change a score where it is, without a word to the tree."""
        self.item_of(member).score = score

    def order(self):
        """Put what was appended in order; False: out of memory."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        done = ot_order(&self.tree)
        mem_charge_to(before)
        return bool(done)

    def remove(self, bytes member):
        """Take out a member that is there."""
        cdef Account* before = mem_charged()
        cdef OtItem* item = self.item_of(member)
        mem_charge_to(&self.account)
        ot_remove(&self.tree, item)
        ot_item_free(item)
        mem_charge_to(before)
        del self.places[member]

    def rescore(self, bytes member, double score):
        """Give a member that is there a new score; its item stays where it is in memory."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        ot_rescore(&self.tree, self.item_of(member), score)
        mem_charge_to(before)

    def remove_ranks(self, uint64_t first, uint64_t count):
        """Take out so many members from a rank on, which are there."""
        cdef Account* before = mem_charged()
        cdef uint64_t told = 0
        gone = [self.by_rank(rank) for rank in range(first, first + count)]
        mem_charge_to(&self.account)
        ot_remove_ranks(&self.tree, first, count, free_removed, &told)
        mem_charge_to(before)
        assert told == count
        for _, member in gone:
            del self.places[member]

    def rank(self, bytes member):
        """0 for the first."""
        return ot_rank(&self.tree, self.item_of(member))

    def by_rank(self, uint64_t rank):
        """(score, member), or None."""
        cdef OtCursor cursor
        ot_seek(&self.tree, &cursor, rank)
        return pair_of(ot_next(&cursor))

    def from_score(self, double score):
        """The first pair of this score or more and the one behind it, as far as they are there."""
        cdef OtCursor cursor
        ot_seek_score(&self.tree, &cursor, score)
        return [pair for pair in (pair_of(ot_next(&cursor)), pair_of(ot_next(&cursor))) if pair is not None]

    def forward(self, uint64_t rank=0):
        """All pairs from a rank on."""
        cdef OtCursor cursor
        cdef OtItem* item
        cdef Slice key
        pairs = []
        ot_seek(&self.tree, &cursor, rank)
        item = ot_next(&cursor)
        while item != NULL:
            ot_key_of(item, &key)
            assert key.ptr[:key.len] == pair_of(item)[1]
            pairs.append(pair_of(item))
            item = ot_next(&cursor)
        return pairs

    def backward(self, uint64_t rank):
        """All pairs from a rank on downwards."""
        cdef OtCursor cursor
        cdef OtItem* item
        pairs = []
        ot_seek(&self.tree, &cursor, rank)
        item = ot_prev(&cursor)
        while item != NULL:
            pairs.append(pair_of(item))
            item = ot_prev(&cursor)
        return pairs

    def __len__(self):
        return self.tree.length

    @property
    def leaves(self):
        """How many items each leaf has."""
        cdef OtLeaf* leaf = self.tree.first
        sizes = []
        while leaf != NULL:
            sizes.append(leaf.n)
            leaf = leaf.next
        return sizes

    @property
    def height(self):
        return self.tree.height

    def score_span(self, double low, double high, bint low_open, bint high_open):
        """The rank of the first pair in the range, and how many there are."""
        cdef OtScoreRange range = score_range(low, high, low_open, high_open)
        cdef uint64_t first
        cdef uint64_t count = ot_score_span(&self.tree, &range, &first)
        return first, count

    def lex_span(self, bytes low, bytes high):
        """The same between two ends as ZRANGEBYLEX writes them."""
        cdef OtLexRange range = lex_range(low, high)
        cdef uint64_t first
        cdef uint64_t count = ot_lex_span(&self.tree, &range, &first)
        return first, count

    @property
    def memory(self):
        """Bytes of all nodes and items."""
        cdef OtCursor cursor
        cdef OtItem* item
        size = self.tree.node_bytes
        ot_seek(&self.tree, &cursor, 0)
        item = ot_next(&cursor)
        while item != NULL:
            size += ot_item_memory(item)
            item = ot_next(&cursor)
        return size

    @property
    def used(self):
        return self.account.used

    @property
    def blocks(self):
        return self.account.blocks


def score_within(double score, double low, double high, bint low_open, bint high_open):
    """Whether a score is above a range's beginning, and below its end."""
    cdef OtScoreRange range = score_range(low, high, low_open, high_open)
    return bool(ot_score_above_min(score, &range)), bool(ot_score_below_max(score, &range))


def member_within(bytes member, bytes low, bytes high):
    """Whether a member is above a range's beginning, and below its end."""
    cdef OtLexRange range = lex_range(low, high)
    cdef Slice word = slice_of(<const char*>member, len(member))
    return bool(ot_lex_above_min(word, &range)), bool(ot_lex_below_max(word, &range))
