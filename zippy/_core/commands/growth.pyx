# An answer holds for a step and no longer: others take memory, too.

from zippy._core.ground.mem cimport mem_has_room


cdef bint growth_ask(Growth* g) noexcept nogil:
    g.failed = g.failed or not mem_has_room(g.bytes + GROWTH_STEP)
    g.bytes = 0
    return not g.failed
