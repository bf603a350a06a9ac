"""What the commands of each slot of a cluster's node took, while Engine.slot_use says that it is counted."""

from zippy._core.commands.types cimport Call, Engine

cdef void slot_use_count(Engine* e, bint wanted) noexcept nogil                # from now on, or not; what was counted is forgotten
cdef void slot_use_add(Engine* e, const Call* call) noexcept nogil              # of a command that has ended
cdef void slot_use_add_time(Engine* e, const Call* call) noexcept nogil         # of one that waited and ends without having been served
