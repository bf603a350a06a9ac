"""The hash group: setting, reading, counting, scanning. Drawing fields at random is in hash_random, what has to do with the expiry of
fields in hash_expiry."""

from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, Engine
from zippy._core.values.entry cimport NO_EXPIRY, Entry
from zippy._core.values.hash cimport HashPair, hash_find


cdef void hset_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hmset_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hsetnx_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hincrby_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hincrbyfloat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hdel_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hget_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hmget_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hgetall_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hkeys_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hvals_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hlen_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hstrlen_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hexists_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void hscan_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil

# The entry, or if there is none a new hash under the key
cdef Entry* opened_or_new(Client* c, Slice key, Entry* entry) noexcept nogil
# After count fields of a hash were removed, the first of which to expire was due at `before`: tells of it, deletes an empty hash
cdef void fields_removed(Client* c, Slice key, Entry* entry, int64_t count, int64_t before) noexcept nogil
cdef uint64_t live_length(Client* c, const Entry* entry) noexcept nogil    # how many fields are not over; entry may be NULL
# Whether a field that has an expiry is there still. Else it is removed, if it may be: *expired is counted up, and the caller calls
# elements_expired when it has looked at all fields
cdef bint still_there(Client* c, Entry* entry, Slice field, const HashPair* pair, int* expired) noexcept nogil


cdef inline bint find_live(Client* c, Entry* entry, Slice field, HashPair* pair, int* expired) noexcept nogil:
    """Finds a field whose time is not over; entry may be NULL. See still_there."""
    if entry == NULL or not hash_find(entry, field, pair):
        return False
    return pair.expiry == NO_EXPIRY or still_there(c, entry, field, pair, expired)
