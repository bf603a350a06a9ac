"""ACL: users and what they may do."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void acl_cat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void acl_deluser_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void acl_dryrun_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void acl_getuser_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void acl_list_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void acl_log_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void acl_setuser_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void acl_users_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void acl_whoami_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
