"""Channels, patterns and their subscribers; delivery of messages to them."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.hashtable cimport HashTable
from zippy._core.commands.types cimport Client, Engine, PubSub, Subscription, SubscriptionList
from zippy._core.resp.writer cimport Reply


cdef void pubsub_init(PubSub* p) noexcept nogil
cdef void pubsub_free(PubSub* p) noexcept nogil                                     # all clients have left
cdef bint subscribe(HashTable* channels, SubscriptionList* mine, Client* c, Slice name) noexcept nogil     # False: was subscribed already
cdef bint unsubscribe(HashTable* channels, SubscriptionList* mine, Client* c, Slice name) noexcept nogil   # False: was not subscribed
cdef void drop_subscription(HashTable* channels, SubscriptionList* mine, Subscription* s) noexcept nogil   # frees it
cdef void channel_key_of(const void* item, Slice* key) noexcept nogil               # for HashTables of Channel
cdef void unsubscribe_all(Engine* e, Client* c) noexcept nogil                      # silently, of all three kinds
cdef size_t publish(Engine* e, Slice channel, Slice message) noexcept nogil         # to channel and pattern subscribers; how many got it
cdef size_t publish_shard(Engine* e, Slice channel, Slice message) noexcept nogil
# Has the other nodes of a cluster get the message at the end of the turn: a byte, two size_t, channel and message in PubSub.published
cdef void note_published(Engine* e, bint sharded, Slice channel, Slice message) noexcept nogil
cdef Client* outermost_client(const Engine* e) noexcept nogil                       # whose call all others are part of; NULL: nobody's
# Where a push to the client is written: its reply, or, if it is the outermost call's, what comes after that. push_written follows
cdef Reply* push_reply(Engine* e, Client* c) noexcept nogil
cdef void push_written(Engine* e, Client* c) noexcept nogil
# Closes a client, the outermost call's, if there was no memory for what was published to it
cdef void ask_pushes(Engine* e, Client* c) noexcept nogil
