# A quicklist for tests. An element is an int or bytes.

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.listpack cimport LP_AFTER, LP_BEFORE, LpItem, LpNeedle, lp_needle
from zippy._core.ground.mem cimport Account, mem_alloc, mem_charge_to, mem_charged, mem_try_alloc
from zippy._core.ground.quicklist cimport (
    QL_HEAD, QL_PLAIN, QL_TAIL, QlIter, Quicklist, QuicklistNode, ql_append_listpack, ql_append_plain, ql_copy, ql_delete_range, ql_free,
    ql_free_some, ql_iter, ql_iter_delete, ql_iter_done, ql_iter_find, ql_iter_insert, ql_iter_next, ql_iter_replace, ql_memory, ql_new,
    ql_push,
)


cdef Slice slice_from(bytes text):
    return slice_of(<const char*>text, len(text))


cdef object item_of(const LpItem* item):
    return item.ptr[:item.len] if item.ptr != NULL else item.num


cdef int check(bint holds) except -1:
    # a release build leaves out assert statements
    if not holds:
        raise AssertionError
    return 0


cdef unsigned char* block_of(bytes raw) except NULL:
    cdef unsigned char* block = <unsigned char*>mem_alloc(len(raw))
    memcpy(block, <const char*>raw, len(raw))
    return block


cdef class List:
    """A quicklist with an account of its own; call() charges it."""

    cdef Quicklist* q
    cdef Account account

    def __cinit__(self, int fill=-2, int compress=0):
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        self.q = ql_new(fill, compress)
        mem_charge_to(before)

    def __dealloc__(self):
        self.close()

    def close(self):
        """Free the list; returns the account's bytes and blocks."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        if self.q != NULL:
            ql_free(self.q)
        self.q = NULL
        mem_charge_to(before)
        return self.account.used, self.account.blocks

    def call(self, str verb, *args):
        """Call a method with the account charged."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        try:
            return getattr(self, "_" + verb)(*args)
        finally:
            mem_charge_to(before)

    def __len__(self):
        return self.q.count

    def nodes(self):
        """A tuple for each node: whether it is plain, its elements, bytes, compressed bytes (0: it is not) and data."""
        cdef QuicklistNode* n = self.q.head
        cdef QuicklistNode* prev = NULL
        found = []
        while n != NULL:
            check(n.prev == prev)
            size = n.packed_bytes if n.packed_bytes else n.bytes
            found.append((n.container == QL_PLAIN, n.count, n.bytes, n.packed_bytes, (<const char*>n.data)[:size]))
            prev = n
            n = n.next
        check(self.q.tail == prev)
        check(self.q.nodes == <uint64_t>len(found))
        return found

    def memory(self):
        """What ql_memory says, and what the account says."""
        return ql_memory(self.q), self.account.used

    def _push(self, bytes text, bint at_head):
        ql_push(self.q, slice_from(text), QL_HEAD if at_head else QL_TAIL)

    def _append_untouched(self, size_t size):
        """Appends a plain element whose bytes nobody has written, so that the system gives it no memory; False: no room for it."""
        cdef unsigned char* data = <unsigned char*>mem_try_alloc(size)
        if data == NULL:
            return False
        ql_append_plain(self.q, data, size)
        return True

    def _length_at(self, int64_t index):
        """Bytes of a string element."""
        cdef QlIter it
        check(ql_iter(&it, self.q, index, QL_TAIL) and ql_iter_next(&it))
        length = it.item.len
        ql_iter_done(&it)
        return length

    def _pop(self, bint at_head):
        cdef QlIter it
        cdef int64_t index = 0 if at_head else -1
        if not ql_iter(&it, self.q, index, QL_TAIL) or not ql_iter_next(&it):
            return None
        item = item_of(&it.item)
        ql_iter_done(&it)
        check(ql_delete_range(self.q, index, 1) == 1)
        return item

    def _append_listpack(self, bytes raw):
        ql_append_listpack(self.q, block_of(raw))

    def _append_plain(self, bytes data):
        ql_append_plain(self.q, block_of(data), len(data))

    def _items(self, int64_t index, bint backward, size_t limit):
        cdef QlIter it
        items = []
        if not ql_iter(&it, self.q, index, QL_HEAD if backward else QL_TAIL):
            check(not ql_iter_next(&it))
            ql_iter_done(&it)
            return None
        while <size_t>len(items) < limit and ql_iter_next(&it):
            items.append(item_of(&it.item))
        ql_iter_done(&it)
        return items

    def _visit(self, int64_t index, bint backward, verdicts):
        # goes over elements and deletes those whose verdict is true; returns what it saw
        cdef QlIter it
        seen = []
        if ql_iter(&it, self.q, index, QL_HEAD if backward else QL_TAIL):
            for delete in verdicts:
                if not ql_iter_next(&it):
                    break
                seen.append(item_of(&it.item))
                if delete:
                    ql_iter_delete(&it)
        ql_iter_done(&it)
        return seen

    def _remove(self, int64_t index, bint backward, bytes text, uint64_t most, uint64_t looked_at):
        # deletes up to so many that are equal among the next ones, and tells how far behind the start each was, and how many were looked at
        cdef QlIter it
        cdef LpNeedle needle = lp_needle(slice_from(text))
        cdef uint64_t left = looked_at
        found = []
        if ql_iter(&it, self.q, index, QL_HEAD if backward else QL_TAIL):
            while <uint64_t>len(found) < most and ql_iter_find(&it, &needle, &left):
                found.append(looked_at - left - 1)
                ql_iter_delete(&it)
        ql_iter_done(&it)
        return found, looked_at - left

    cdef int stand(self, QlIter* it, int64_t index, bint backward) except -1:
        if not ql_iter(it, self.q, index, QL_HEAD if backward else QL_TAIL):
            raise IndexError(index)
        ql_iter_next(it)
        return 0

    def _insert(self, int64_t index, bint backward, bytes text, bint after):
        cdef QlIter it
        self.stand(&it, index, backward)
        ql_iter_insert(&it, slice_from(text), LP_AFTER if after else LP_BEFORE)
        check(not ql_iter_next(&it))
        ql_iter_done(&it)

    def _replace(self, int64_t index, bint backward, bytes text):
        cdef QlIter it
        self.stand(&it, index, backward)
        ql_iter_replace(&it, slice_from(text))
        check(not ql_iter_next(&it))
        ql_iter_done(&it)

    def _delete_range(self, int64_t index, uint64_t count):
        return ql_delete_range(self.q, index, count)

    def _become_copy(self):
        cdef Quicklist* twin = ql_copy(self.q)
        ql_free(self.q)
        self.q = twin

    def _free_some(self, uint64_t nodes):
        done = ql_free_some(self.q, nodes)
        if done:
            self.q = NULL
        return done
