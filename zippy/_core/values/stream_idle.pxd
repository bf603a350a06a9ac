"""Pending entries of a group by how long nobody has touched them, which no order of the group tells: XREADGROUP CLAIM."""

from libc.stdint cimport int64_t, uint64_t
from zippy._core.values.stream_group cimport Pending, StreamGroup


# The entries that were delivered last at `until` (ms since the epoch) or before: those of the earliest moments, at most `room`, in the
# order of their moments and ids. How many. O(pending entries / ID_LEAF + those that are as old)
cdef uint64_t pending_idle(const StreamGroup* g, int64_t until, Pending* found, uint64_t room) noexcept nogil
cdef int64_t pending_earliest(const StreamGroup* g) noexcept nogil      # the earliest moment of a delivery; INT64_MAX: nothing is pending
