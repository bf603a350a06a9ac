"""What was refused: the entries of ACL LOG."""

from libc.stdint cimport int64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine

cdef enum:
    ACL_LOG_TEXT = 4096          # bytes that an entry keeps of a key, channel or name: clients choose how long they are


# Counts a refusal (an AclVerdict) in an AclContext and notes it; object: what was refused, user: to whom
cdef void acl_log_add(Engine* e, Client* c, int verdict, int context, Slice object, Slice user) noexcept nogil
cdef void acl_log_trim(Engine* e, int64_t most) noexcept nogil      # the oldest go until there are no more than that
