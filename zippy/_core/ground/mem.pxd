"""Memory for the whole core: size classes without a header per block, every byte charged to an account.

Single-threaded: the core runs under one lock, the GIL. A block is aligned to 64 bytes if its size (as mem_good_size says) is a multiple of
64, to 16 if it is a multiple of 16, else to 8. A forked child may allocate and free as it likes.

Want of memory is told in one of two ways, and which one is a matter of the block, never of the moment:

- `mem_alloc`, `mem_zalloc`, `mem_realloc` log how much was wanted and abort, as Redis does. They are for what the house is built of, in
  pieces of a bounded size that go with what is there already: entries, items, nodes, buckets, tables, clients, packed values.
- `mem_try_alloc`, `mem_try_realloc` return NULL. They are for what a client can make as large as it likes with one command: a string, an
  argument, a queued command, a reply, working space that goes with a value's length or with the number of arguments, a payload. Who calls
  them leaves everything as it was and says so: a command replies with `reply_out_of_memory`; a parser, a reply or a push closes the client,
  with a line in the log; a save fails with ENOMEM; the stream of effects is marked as failed; what Python calls raises MemoryError.

An item (an element in a node of its own, a field, a member, a channel) is as long as an argument may be, but is made in the middle of
a change. So before a command with arguments of a mebibyte and more runs, the gate asks `mem_has_room` for as much as they are.

A Buf, and so a Reply, that failed takes nothing more and remembers it (`failed`): it is asked once, before anybody uses what it holds.

`mem_fail` makes these calls fail on purpose, in a debug build: `tests/unit/want_of_memory.py` does it to every command, call by call.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t

cdef struct Account:
    int64_t used    # bytes handed out (rounded up to what each block really occupies) and not yet freed
    int64_t peak    # the highest `used` since the account began or was last reset
    int64_t blocks  # live blocks; the debug build's object count


cdef void mem_charge_to(Account* account) noexcept nogil         # from now on, blocks are charged to this account (NULL: to nobody)
cdef Account* mem_charged() noexcept nogil                       # the account being charged now
cdef void* mem_alloc(size_t size) noexcept nogil                 # never NULL: aborts with a message when the system has nothing left
cdef void* mem_zalloc(size_t size) noexcept nogil                # mem_alloc, zero filled
cdef void* mem_try_alloc(size_t size) noexcept nogil             # NULL when out of memory
cdef void* mem_try_zalloc(size_t size) noexcept nogil            # the same, zero filled; a long block has no pages until it is written to
cdef void* mem_realloc(void* block, size_t size) noexcept nogil  # never NULL; block may be NULL
cdef void* mem_try_realloc(void* block, size_t size) noexcept nogil  # NULL when out of memory, the block is then as it was
cdef void mem_abort(const char* why) noexcept nogil              # aborts with a message, without asking for memory
cdef void mem_log_to(const char* path) noexcept nogil            # the file that an abort is logged to beside stderr; "": none
cdef bint mem_has_room(size_t size) noexcept nogil               # whether so much, not 0, could be had now in one block; charges nothing
cdef void mem_free(void* block) noexcept nogil                   # block may be NULL
# memcpy to memory that may be new: where it is long, the system is asked for its pages in advance, which takes a third of the time less
cdef void mem_copy(void* to, const void* source, size_t size) noexcept nogil
cdef void mem_provide(void* block, size_t size) noexcept nogil   # the same in advance for memory that will be written to at once
cdef size_t mem_size(const void* block) noexcept nogil           # usable bytes of the block (>= the size asked for)
cdef size_t mem_good_size(size_t size) noexcept nogil            # usable bytes that a request of this size would get at least
cdef size_t mem_resident() noexcept nogil                        # bytes that the allocator holds from the system, free blocks included
cdef size_t mem_in_use() noexcept nogil                          # of those, what is neither spare nor kept
cdef size_t mem_spare() noexcept nogil                           # bytes of empty slabs that could be given back to the system
# Somebody begins, or ends, to call mem_give_back now and then: for as long as anybody does, pages of large blocks that were freed are kept
# for ten seconds, as far as they are not many more than what is in use
cdef void mem_leave_in_steps(bint wanted) noexcept nogil
cdef void mem_clock(uint64_t us) noexcept nogil                  # what the time is, for that
cdef bint mem_leaves() noexcept nogil                            # whether some of them were kept for long enough, or are too many
# Gives the pages of so many slabs back: those of such blocks first, then of empty slabs, for as long as more than so many bytes are spare;
# whether there are more. It takes the system's time
cdef bint mem_give_back(uint64_t slabs, size_t keep) noexcept nogil
cdef void mem_release() noexcept nogil                           # gives all of them back at once
cdef bint mem_is_sparse(const void* block) noexcept nogil        # its slab is less than half full: moving it would help to empty that
cdef size_t mem_sparse_bytes() noexcept nogil                    # what all slabs that are less than half full take
# In a debug build: lets `calls` calls that may fail succeed, then has `failures` of them fail. mem_failures tells how many did since
cdef void mem_fail(uint64_t calls, uint64_t failures) noexcept nogil
cdef uint64_t mem_failures() noexcept nogil
