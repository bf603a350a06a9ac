"""The pubsub group."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void publish_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void spublish_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void subscribe_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void psubscribe_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void ssubscribe_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void unsubscribe_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void punsubscribe_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void sunsubscribe_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void pubsub_channels_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void pubsub_shardchannels_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void pubsub_numsub_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void pubsub_shardnumsub_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void pubsub_numpat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
