"""Growth of what a command makes beside the data, where how much it will be shows only on the way: each mebibyte asks for the next.

Items are made in the middle of a change and abort where memory ends (`ground/mem.pxd`). So a handler tells here of each before it makes it,
makes none that is refused, and at the end of a growth that failed throws away what was made and replies `OOM out of memory`.
"""

from libc.stddef cimport size_t

cdef enum:
    GROWTH_STEP = 1 << 20       # bytes between two questions


cdef struct Growth:
    size_t bytes                # since it was asked last, about
    bint failed                 # there is no memory for more


cdef bint growth_ask(Growth* g) noexcept nogil          # whether there is room for as much again and a step more; False for good


cdef inline void growth_begin(Growth* g) noexcept nogil:
    g.bytes = 0
    g.failed = False


cdef inline bint growth_takes(Growth* g, size_t bytes) noexcept nogil:
    """Whether an item of about so many bytes may be made."""
    g.bytes += bytes
    return growth_ask(g) if g.bytes >= GROWTH_STEP else not g.failed
