"""What users and clients have to do with each other: who logs in, and what becomes of the clients of a user that was changed or deleted."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.acl_user cimport User, Users
from zippy._core.commands.types cimport Client, Engine


# Logs a client in if the password is right; else it is noted in ACL LOG. how: the command that does it, as the log tells it
cdef bint acl_log_in(Engine* e, Client* c, Slice name, Slice password, Slice how) noexcept nogil
# Logs a client in whose certificate names it. False: there is no such user that is on, which is noted
cdef bint acl_log_in_by_certificate(Engine* e, Client* c, Slice name) noexcept nogil
# Puts a user with other rights in the place of the one of its name, if there is one. `changed` is the engine's then
cdef void acl_put(Engine* e, User* changed) noexcept nogil
# Closes their clients, too; how many users there were. Never with the default user
cdef int acl_delete(Engine* e, int count, const Slice* names) noexcept nogil
# Puts other users in the place of all; those of a name that there is no more lose their clients. `users` is empty then
cdef void acl_replace_all(Engine* e, Users* users) noexcept nogil
# requirepass; ptr NULL: every password is right
cdef void acl_set_default_password(Engine* e, Slice password) noexcept nogil
