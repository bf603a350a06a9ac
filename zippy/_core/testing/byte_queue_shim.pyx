# A queue of bytes for tests, with an account of its own.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy
from zippy._core.ground.byte_queue cimport (
    ByteQueue, QueueBlock, QueueCursor, bq_append, bq_attach, bq_detach, bq_fits, bq_free, bq_insert, bq_place, bq_piece, bq_put,
    bq_release, bq_reserve
)
from zippy._core.ground.mem cimport Account, mem_charge_to, mem_charged
from zippy._core.ground.slice cimport Slice

BLOCK = 16 * 1024
LARGEST_BLOCK = 1 << 20
INSERT = 16


cdef class Queue:
    """A queue; readers are numbers that `attach` gives."""

    cdef ByteQueue q
    cdef Account account
    cdef dict readers            # address of a QueueCursor by number
    cdef QueueBlock* last_block  # where what was put in last begins
    cdef uint64_t last_at

    def __cinit__(self, size_t kept=0):
        self.q.kept = kept
        self.readers = {}

    def __dealloc__(self):
        self.close()

    def close(self):
        """Frees it; returns the account's bytes and blocks."""
        cdef Account* before = mem_charged()
        for number in list(self.readers):
            self.detach(number)
        mem_charge_to(&self.account)
        bq_free(&self.q)
        mem_charge_to(before)
        return self.account.used, self.account.blocks

    @property
    def end(self):
        """The offset behind the last byte."""
        return self.q.end

    @property
    def memory(self):
        """Bytes that the blocks take, by the queue's own account and by that of memory."""
        return self.q.memory, self.account.used

    @property
    def blocks(self):
        """How many there are."""
        return self.account.blocks

    def put(self, bytes data):
        """Puts bytes in as one piece that may get something before it."""
        cdef Account* before = mem_charged()
        cdef const char* source = data
        mem_charge_to(&self.account)
        assert bq_reserve(&self.q, len(data) + INSERT) == 0
        self.last_block = self.q.last
        self.last_at = self.q.end
        if bq_fits(&self.q, len(data)):
            memcpy(bq_place(&self.q), source, len(data))
            bq_put(&self.q, len(data))
        else:
            bq_append(&self.q, source, len(data))
        mem_charge_to(before)

    def reserve(self, size_t size):
        """Makes room that is not used."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        assert bq_reserve(&self.q, size) == 0
        mem_charge_to(before)

    def insert(self, bytes data):
        """Puts bytes in before what was put in last."""
        cdef const char* source = data
        bq_insert(&self.q, self.last_block, self.last_at, source, len(data))

    def attach(self, int number, uint64_t at):
        """Has a reader begin at an offset; False: that is not there."""
        cdef QueueCursor* c = <QueueCursor*>calloc(1, sizeof(QueueCursor))
        if not bq_attach(&self.q, c, at):
            free(c)
            return False
        self.readers[number] = <size_t>c
        return True

    cdef QueueCursor* cursor(self, int number) except NULL:
        return <QueueCursor*><size_t>self.readers[number]

    def detach(self, int number):
        """Ends a reader."""
        cdef Account* before = mem_charged()
        cdef QueueCursor* c = self.cursor(number)
        del self.readers[number]
        mem_charge_to(&self.account)
        bq_detach(&self.q, c)
        mem_charge_to(before)
        free(c)

    def read(self, int number, size_t most):
        """Reads up to so many bytes and frees what nobody needs any more."""
        cdef Account* before = mem_charged()
        cdef QueueCursor* c = self.cursor(number)
        cdef Slice piece = bq_piece(&self.q, c)
        cdef bytes found = b""
        while piece.len and most:
            if piece.len > most:
                piece.len = most
            found += piece.ptr[:piece.len]
            c.at += piece.len
            most -= piece.len
            piece = bq_piece(&self.q, c)
        mem_charge_to(&self.account)
        bq_release(&self.q)
        mem_charge_to(before)
        return found

    def release(self):
        """Frees what nobody needs any more."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        bq_release(&self.q)
        mem_charge_to(before)
