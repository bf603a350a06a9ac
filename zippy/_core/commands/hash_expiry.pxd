"""The hash group: expiry of fields, and the commands that take fields as FIELDS numfields field ..."""

from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void hexpire_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hpexpire_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hexpireat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hpexpireat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void httl_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hpttl_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hexpiretime_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hpexpiretime_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hpersist_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hgetdel_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hgetex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hsetex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
