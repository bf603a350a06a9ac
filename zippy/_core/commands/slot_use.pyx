# A command is counted in the slot that the gate found for it, once: what it was sent and what it was answered when it has ended, and no
# bytes if it waited in vain, as Redis has it.

from zippy._core.ground.crc cimport SLOTS
from zippy._core.ground.mem cimport mem_free, mem_zalloc
from zippy._core.commands.types cimport Client, SlotUse


cdef void slot_use_count(Engine* e, bint wanted) noexcept nogil:
    mem_free(e.slot_use)
    e.slot_use = <SlotUse*>mem_zalloc(SLOTS * sizeof(SlotUse)) if wanted else NULL


cdef size_t size_as_bulk(size_t length) noexcept nogil:
    """Bytes of an argument in a request."""
    cdef size_t size = length + 6
    while length >= 10:
        size += 1
        length //= 10
    return size


cdef void slot_use_add_time(Engine* e, const Call* call) noexcept nogil:
    if call.client.slot >= 0:
        e.slot_use[call.client.slot].ticks += e.ticks - call.ticks + call.client.block.ticks


cdef void slot_use_add(Engine* e, const Call* call) noexcept nogil:
    cdef Client* c = call.client
    cdef SlotUse* use
    cdef size_t size
    cdef int i
    if c.slot < 0 or call.parent != NULL:
        return
    slot_use_add_time(e, call)
    use = &e.slot_use[c.slot]
    size = size_as_bulk(call.argc) - call.argc - 2
    for i in range(call.argc):
        size += size_as_bulk(call.argv[i].len)
    use.bytes_in += size
    if c.reply.out.len > call.reply_at:
        use.bytes_out += c.reply.out.len - call.reply_at
