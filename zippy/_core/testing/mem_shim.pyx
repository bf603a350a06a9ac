# Blocks of the allocator for tests: each is filled with a pattern of its own, which is checked before it goes.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t, uintptr_t
from libc.stdlib cimport calloc, free
from zippy._core.ground.mem cimport (
    Account, mem_alloc, mem_charge_to, mem_charged, mem_clock, mem_fail, mem_failures, mem_free, mem_give_back, mem_good_size, mem_has_room,
    mem_leave_in_steps, mem_leaves, mem_realloc, mem_release, mem_resident, mem_size, mem_spare, mem_try_alloc, mem_try_realloc, mem_zalloc
)
from zippy._core.ground.pages cimport pages_kept, pages_size, pages_suppose

cdef extern from *:
    """
    static const int shim_sanitized = ZIPPY_SANITIZE;
    static const int shim_debug = ZIPPY_DEBUG;
    """
    int shim_sanitized
    int shim_debug

SANITIZED = bool(shim_sanitized)
DEBUG = bool(shim_debug)


def fail_allocations(uint64_t calls, uint64_t failures=1):
    """Lets so many calls that may fail succeed and then has some fail, in a debug build; with no failures all is as ever."""
    mem_fail(calls, failures)


def failures():
    """How many calls failed since."""
    return mem_failures()


def has_room(size_t size):
    """Whether a block of so many bytes could be had."""
    return mem_has_room(size)


def abort_for_want_of(size_t size):
    """Asks for so many bytes in the way that aborts the process when there are not so many."""
    mem_free(mem_alloc(size))


cdef struct Block:
    unsigned char* data
    size_t size
    unsigned char mark


cdef unsigned char pattern(Block* block, size_t i) noexcept nogil:
    return <unsigned char>(block.mark + i * 7)


cdef class Blocks:
    """Live blocks by number, charged to an account of their own."""

    cdef Block* blocks
    cdef size_t room
    cdef Account account
    cdef Account* before

    def __cinit__(self, room=1000):
        self.room = room
        self.blocks = <Block*>calloc(room, sizeof(Block))

    def __dealloc__(self):
        for i in range(self.room):
            self.free(i)
        free(self.blocks)

    cdef void enter(self) noexcept:
        self.before = mem_charged()
        mem_charge_to(&self.account)

    cdef void leave(self) noexcept:
        mem_charge_to(self.before)

    cdef Block* at(self, size_t i) except NULL:
        if i >= self.room:
            raise IndexError(i)
        return &self.blocks[i]

    cdef void write(self, Block* block, size_t start, size_t size) noexcept:
        cdef size_t i
        block.size = size
        for i in range(start, size):
            block.data[i] = pattern(block, i)

    def alloc(self, i, size, zeroed=False):
        """A new block in the free place i."""
        cdef Block* block = self.at(i)
        cdef size_t j
        assert block.data == NULL
        self.enter()
        block.data = <unsigned char*>(mem_zalloc(size) if zeroed else mem_alloc(size))
        self.leave()
        assert mem_size(block.data) >= size
        if zeroed:
            for j in range(<size_t>size):
                assert block.data[j] == 0
        block.mark = (i * 31 + size) & 255
        self.write(block, 0, size)

    def alloc_blank(self, i, size):
        """A new block in the free place i, none of whose bytes is written or checked."""
        cdef Block* block = self.at(i)
        assert block.data == NULL
        self.enter()
        block.data = <unsigned char*>mem_alloc(size)
        self.leave()

    def realloc(self, i, size):
        """Resize the block at i (or make it), whose bytes must come along."""
        cdef Block* block = self.at(i)
        cdef size_t kept = min(block.size, <size_t>size)
        self.check(i)
        self.enter()
        block.data = <unsigned char*>mem_realloc(block.data, size)
        self.leave()
        block.size = kept
        self.check(i)
        self.write(block, kept, size)

    def check(self, i):
        """Assert that the block at i holds what was written."""
        cdef Block* block = self.at(i)
        cdef size_t j
        if block.data != NULL:
            for j in range(block.size):
                assert block.data[j] == pattern(block, j), (i, j, block.size)

    def free(self, i):
        cdef Block* block = self.at(i)
        self.check(i)
        self.enter()
        mem_free(block.data)
        self.leave()
        block.data = NULL
        block.size = 0

    def live(self, i):
        return self.at(i).data != NULL

    def address(self, i):
        return <uintptr_t>self.at(i).data

    def size(self, i):
        """Usable bytes of the block at i."""
        return mem_size(self.at(i).data)

    def can_alloc(self, size):
        """Whether mem_try_alloc gives a block of that size; it is freed again."""
        cdef void* block
        self.enter()
        block = mem_try_alloc(size)
        mem_free(block)
        self.leave()
        return block != NULL

    def can_realloc(self, i, size):
        """Whether mem_try_realloc resizes the block at i, which is unharmed if it does not."""
        cdef Block* block = self.at(i)
        cdef void* moved
        self.enter()
        moved = mem_try_realloc(block.data, size)
        self.leave()
        if moved != NULL:
            block.data = <unsigned char*>moved
            block.size = min(block.size, <size_t>size)
        self.check(i)
        return moved != NULL

    def is_mapped(self, i):
        """Whether the block at i is a mapping of its own."""
        return pages_size(self.at(i).data) != 0

    @property
    def used(self):
        return self.account.used

    @property
    def peak(self):
        return self.account.peak

    @property
    def count(self):
        return self.account.blocks


def good_size(size):
    return mem_good_size(size)


def resident():
    return mem_resident()


def give_back(slabs, keep=0):
    """Whether there is more to give back."""
    return bool(mem_give_back(slabs, keep))


def leave_in_steps(wanted):
    """Somebody begins, or ends, to give back now and then."""
    mem_leave_in_steps(wanted)


def leaves():
    """Whether large blocks that were freed are to leave."""
    return bool(mem_leaves())


def set_clock(us):
    """What the time is, for them."""
    mem_clock(us)


def kept():
    """Bytes of them that have pages yet."""
    return pages_kept()


def suppose(int plenty=-1, limit=-1):
    """Supposes that the system has plenty of free memory (1) or not (0), and that a huge page is slow from so many microseconds on."""
    pages_suppose(plenty, limit)


def spare():
    return mem_spare()


def release():
    mem_release()


def charged_to_nobody():
    """Whether no account is charged now; blocks made then change none."""
    cdef Account* before = mem_charged()
    mem_charge_to(NULL)
    mem_free(mem_alloc(100))
    nobody = mem_charged() == NULL
    mem_charge_to(before)
    return nobody
