# Blocks in a list, from the one with the oldest byte on. Most are of one size, which the allocator has at hand; those for large pieces are
# larger, up to a size that is given back in little time. When everything was read, one block stays and is filled anew.

from libc.string cimport memcpy, memmove
from zippy._core.ground.mem cimport mem_copy, mem_free, mem_size, mem_try_alloc
from zippy._core.ground.slice cimport slice_of

cdef enum:
    BLOCK = 16 * 1024           # bytes of an ordinary block, with its struct
    LARGEST_BLOCK = 1 << 20     # the same of one for a large piece
    BESIDE = sizeof(QueueBlock) + BQ_INSERT   # bytes of a block that hold nothing at first


cdef QueueBlock* block_new(size_t size) noexcept nogil:
    """A block for so many bytes, or for as many as a block takes; NULL: out of memory."""
    cdef size_t whole = LARGEST_BLOCK if size > LARGEST_BLOCK - BESIDE else size + BESIDE
    cdef QueueBlock* b
    if whole < BLOCK:
        whole = BLOCK
    b = <QueueBlock*>mem_try_alloc(whole)
    if b != NULL:
        b.next = NULL
        b.limit = <char*>b + whole
        block_begin(b, 0)
    return b


cdef inline void block_begin(QueueBlock* b, uint64_t at) noexcept nogil:
    """Makes a block empty and gives it an offset."""
    b.data = b.tail = <char*>(b + 1) + BQ_INSERT
    b.at = at


cdef inline uint64_t block_end(const QueueBlock* b) noexcept nogil:
    """The offset behind a block's last byte."""
    return b.at + <uint64_t>(b.tail - b.data)


cdef void free_blocks(ByteQueue* q, QueueBlock* b) noexcept nogil:
    """Frees a block and all that follow it."""
    cdef QueueBlock* next
    while b != NULL:
        next = b.next
        q.memory -= mem_size(b)
        mem_free(b)
        b = next


cdef void bq_free(ByteQueue* q) noexcept nogil:
    free_blocks(q, q.first)
    q.first = q.last = NULL


cdef int bq_add_blocks(ByteQueue* q, size_t size) noexcept nogil:
    cdef QueueBlock* first = NULL
    cdef QueueBlock** link = &first
    cdef QueueBlock* b
    cdef size_t room
    while size:
        b = block_new(size)
        if b == NULL:
            free_blocks(q, first)
            return -1
        q.memory += mem_size(b)
        link[0] = b
        link = &b.next
        room = <size_t>(b.limit - b.tail)
        size -= room if room < size else size
    if q.last == NULL:
        q.first = first
    else:
        free_blocks(q, q.last.next)
        q.last.next = first
    q.last = first
    first.at = q.end
    return 0


cdef void bq_append(ByteQueue* q, const void* ptr, size_t len) noexcept nogil:
    cdef const char* rest = <const char*>ptr
    cdef size_t part
    while len:
        part = <size_t>(q.last.limit - q.last.tail)
        if part == 0:
            q.last = q.last.next
            q.last.at = q.end
            continue
        if part > len:
            part = len
        mem_copy(q.last.tail, rest, part)
        bq_put(q, part)
        rest += part
        len -= part


cdef void bq_insert(ByteQueue* q, QueueBlock* block, uint64_t at, const void* ptr, size_t len) noexcept nogil:
    cdef char* place = block.data + (at - block.at)
    if at == block.at:
        block.data -= len
        place = block.data
    else:
        # not at the block's begin, so it is all in this block
        memmove(place + len, place, <size_t>(block.tail - place))
        block.tail += len
    memcpy(place, ptr, len)
    q.end += len
    while block != q.last:
        block = block.next
        block.at += len


cdef bint bq_attach(ByteQueue* q, QueueCursor* c, uint64_t at) noexcept nogil:
    cdef QueueBlock* b = q.last if at == q.end else q.first
    if at > q.end or at < (q.first.at if q.first != NULL else q.end):
        return False
    while b != NULL and b != q.last and at >= block_end(b):
        b = b.next
    c.block = b
    c.at = at
    c.next = q.cursors
    q.cursors = c
    return True


cdef void bq_detach(ByteQueue* q, QueueCursor* c) noexcept nogil:
    cdef QueueCursor** link = &q.cursors
    while link[0] != c:
        link = &link[0].next
    link[0] = c.next
    bq_release(q)


cdef inline void enter_block(const ByteQueue* q, QueueCursor* c) noexcept nogil:
    """Has the cursor name the block that its offset is in, which is the last one if that is the end."""
    if c.block == NULL:
        c.block = q.first
    while c.block != q.last and c.at == block_end(c.block):
        c.block = c.block.next


cdef Slice bq_piece(const ByteQueue* q, QueueCursor* c) noexcept nogil:
    cdef const char* data
    enter_block(q, c)
    if c.at == q.end:
        return slice_of(NULL, 0)
    data = c.block.data + (c.at - c.block.at)
    return slice_of(data, <size_t>(c.block.tail - data))


cdef void bq_restart(ByteQueue* q, uint64_t at) noexcept nogil:
    cdef QueueCursor* c = q.cursors
    bq_free(q)
    q.end = at
    while c != NULL:
        c.block = NULL
        c.at = at
        c = c.next


cdef void bq_release(ByteQueue* q) noexcept nogil:
    cdef uint64_t needed = q.end - q.kept if q.end > q.kept else 0
    cdef QueueCursor* c = q.cursors
    cdef QueueBlock* b
    while c != NULL:
        enter_block(q, c)
        if c.at < needed:
            needed = c.at
        c = c.next
    while q.first != q.last and block_end(q.first) <= needed:
        b = q.first
        q.first = b.next
        b.next = NULL
        free_blocks(q, b)
    if q.last == NULL or needed < q.end:
        return
    if q.last.limit - <char*>q.last <= BLOCK:
        free_blocks(q, q.last.next)
        q.last.next = NULL
        block_begin(q.last, q.end)
        return
    bq_free(q)
    c = q.cursors
    while c != NULL:
        c.block = NULL
        c = c.next
