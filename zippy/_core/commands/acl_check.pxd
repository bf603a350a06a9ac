"""Whether a user may run a command with these arguments: asked by the gate, by EXEC, for blocked clients, by ACL DRYRUN and by scripts."""

from zippy._core.ground.buf cimport Buf, Slice
from zippy._core.commands.acl_user cimport User
from zippy._core.commands.types cimport Client, Command, Engine

# An AclVerdict. place becomes that of the key or channel in argv. user NULL: everything is allowed
cdef int acl_check(const User* user, const Command* command, int argc, const Slice* argv, int* place) noexcept nogil
# Whether one selector allows the command and the reading of every key: what SORT needs for patterns of keys that are not among its words
cdef bint acl_reads_all_keys(const User* user, const Command* command, int argc, const Slice* argv) noexcept nogil
# Whether the user may run a command that the client sent; else it is logged and replied to
cdef bint acl_admits(Engine* e, Client* c, const Command* command, int argc, const Slice* argv) noexcept nogil
# The same for a command of EXEC's queue
cdef bint acl_admits_queued(Engine* e, Client* c, const Command* command, int argc, const Slice* argv) noexcept nogil
# The same for a command of a script that this client sent; the reply goes to the script's own client, who has the same user
cdef bint acl_admits_in_script(Engine* e, Client* c, Client* sender, const Command* command, int argc, const Slice* argv) noexcept nogil
# Appends why, as ACL DRYRUN tells it: "User a has no permissions to run the 'get' command"; about: the key or channel
cdef void acl_explain(Buf* text, int verdict, const User* user, const Command* command, Slice about) noexcept nogil
# Whether a selector of the user names these channels. literal: it is a pattern itself, which must be among the user's
cdef bint acl_has_channel(const User* user, Slice name, bint literal) noexcept nogil
