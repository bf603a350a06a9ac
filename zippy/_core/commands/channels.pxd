"""Channels, patterns and their subscribers; delivery of messages to them."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.hashtable cimport HashTable
from zippy._core.commands.types cimport Client, Engine, PubSub, SubscriptionList


cdef void pubsub_init(PubSub* p) noexcept nogil
cdef void pubsub_free(PubSub* p) noexcept nogil                                     # all clients have left
cdef bint subscribe(HashTable* channels, SubscriptionList* mine, Client* c, Slice name) noexcept nogil     # False: was subscribed already
cdef bint unsubscribe(HashTable* channels, SubscriptionList* mine, Client* c, Slice name) noexcept nogil   # False: was not subscribed
cdef void unsubscribe_all(Engine* e, Client* c) noexcept nogil                      # silently, of all three kinds
cdef size_t publish(Engine* e, Slice channel, Slice message) noexcept nogil         # to channel and pattern subscribers; how many got it
cdef size_t publish_shard(Engine* e, Slice channel, Slice message) noexcept nogil
# Closes a client, the outermost call's, if there was no memory for what was published to it
cdef void ask_pushes(Engine* e, Client* c) noexcept nogil
# delivers the keyspace notifications that commands left in the effects
cdef void publish_events(Engine* e) noexcept nogil
