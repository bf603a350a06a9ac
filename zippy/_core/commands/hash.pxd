"""The hash group: setting, reading, counting, scanning. Drawing fields at random is in hash_random."""

from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void hset_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hmset_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hsetnx_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hincrby_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hincrbyfloat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hdel_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hgetdel_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hget_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hmget_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hgetall_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hkeys_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hvals_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hlen_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hstrlen_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hexists_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hscan_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
