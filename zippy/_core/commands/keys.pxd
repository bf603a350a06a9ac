"""Which words of a request are keys, and what the command does to them."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Command, KeyRef

cdef enum:
    KEYS_UNKNOWN = -1      # the words do not tell: a count that is no number, or more keys than words


cdef inline bint known_arity(const Command* command, int argc) noexcept nogil:
    return argc == command.arity if command.arity > 0 else argc >= -command.arity


# Whether a command may have keys; channels are none
cdef bint command_has_keys(const Command* command) noexcept nogil
# The keys of a request, in Redis's order; at most `room` of them are written. How many there are, or KEYS_UNKNOWN. argc fits the arity
cdef int command_keys(const Command* command, int argc, const Slice* argv, KeyRef* keys, int room) noexcept nogil
# The words that tell the slot of a request in a cluster: as command_keys, and shard channels; none where the words do not tell
cdef int command_slot_words(const Command* command, int argc, const Slice* argv, KeyRef* keys, int room) noexcept nogil
# For `keys_by` of a spec
cdef int set_keys(int argc, const Slice* argv, KeyRef* keys, int room) noexcept nogil
cdef int bitfield_keys(int argc, const Slice* argv, KeyRef* keys, int room) noexcept nogil
cdef int pfmerge_keys(int argc, const Slice* argv, KeyRef* keys, int room) noexcept nogil
cdef int migrate_keys(int argc, const Slice* argv, KeyRef* keys, int room) noexcept nogil
cdef int sort_keys(int argc, const Slice* argv, KeyRef* keys, int room) noexcept nogil
