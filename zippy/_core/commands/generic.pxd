"""The generic group: keys whatever they hold. Expiry is in generic_expire, iteration in generic_scan."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void del_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void unlink_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void exists_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void touch_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void type_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void rename_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void renamenx_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void copy_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void move_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void object_encoding_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void object_refcount_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void object_idletime_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void object_freq_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
