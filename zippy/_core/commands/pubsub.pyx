# SUBSCRIBE, PSUBSCRIBE and SSUBSCRIBE are one function over three tables; confirmations are pushes and are sent whatever CLIENT REPLY
# says.

from libc.stdint cimport int64_t
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.glob cimport glob_match
from zippy._core.ground.hashtable cimport HashTable, HtIter, ht_find, ht_iter, ht_iter_done, ht_iter_next
from zippy._core.keyspace.relay cimport relay_copy, relay_request
from zippy._core.keyspace.stream cimport Stream
from zippy._core.commands.args cimport reply_subcommand_error
from zippy._core.commands.channels cimport ask_pushes, publish, publish_shard, subscribe, unsubscribe
from zippy._core.commands.engine cimport propagate_instead, propagate_nothing
from zippy._core.commands.types cimport CLIENT_REPLY_OFF, CLIENT_REPLY_SKIP, Channel, Client, Engine, SubscriptionList
from zippy._core.resp.writer cimport (
    Reply, reply_array, reply_bulk, reply_bulk_text, reply_defer, reply_defer_array, reply_int, reply_null, reply_push
)


cdef void publish_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PUBLISH channel message. Goes to replicas, and to no file."""
    reply_int(&c.reply, publish(e, argv[1], argv[2]))
    tell_replicas(e, c, argc, argv)


cdef void spublish_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SPUBLISH shardchannel message. Goes to replicas, and to no file."""
    reply_int(&c.reply, publish_shard(e, argv[1], argv[2]))
    tell_replicas(e, c, argc, argv)


cdef void tell_replicas(Engine* e, Client* c, int argc, const Slice* argv) noexcept nogil:
    """Has replicas get the message behind what was written before it; in a transaction that has written, files get it too."""
    cdef Stream* stream = &e.ks.effects.stream
    if not e.relay.copies:
        propagate_nothing(e)
    elif stream.unit_count > 0:
        propagate_instead(e, c, argc, argv)
    else:
        propagate_nothing(e)
        relay_copy(&e.relay, stream, stream.bytes.end)
        relay_request(&e.relay, argc, argv)


cdef bint is_subscribed(const Client* c) noexcept nogil:
    return c.channels.count or c.patterns.count or c.shard_channels.count


cdef void confirm(Client* c, const char* kind, Slice name, size_t count) noexcept nogil:
    cdef Reply* r = &c.reply
    if c.flags & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP):
        # who wants no replies still gets pushes
        r = &c.engine.pushes
        r.proto = c.reply.proto
    reply_push(r, 3)
    reply_bulk_text(r, kind)
    if name.ptr == NULL:
        reply_null(r)
    else:
        reply_bulk(r, name)
    reply_int(r, count)
    ask_pushes(c.engine, c)


cdef void join(
    Engine* e, Client* c, HashTable* channels, SubscriptionList* mine, const char* kind, int argc, const Slice* argv
) noexcept nogil:
    cdef int i
    cdef bint before = is_subscribed(c)
    for i in range(1, argc):
        subscribe(channels, mine, c, argv[i])
        confirm(c, kind, argv[i], subscription_count(c, mine))
    if not before:
        e.stats.pubsub_clients += 1


cdef inline size_t subscription_count(const Client* c, const SubscriptionList* mine) noexcept nogil:
    """What a confirmation counts: channels and patterns together, shard channels on their own."""
    if mine == &c.shard_channels:
        return mine.count
    return c.channels.count + c.patterns.count


cdef void leave(
    Engine* e, Client* c, HashTable* channels, SubscriptionList* mine, const char* kind, int argc, const Slice* argv
) noexcept nogil:
    cdef int i
    cdef bint before = is_subscribed(c)
    if argc > 1:
        for i in range(1, argc):
            unsubscribe(channels, mine, c, argv[i])
            confirm(c, kind, argv[i], subscription_count(c, mine))
    elif mine.count == 0:
        confirm(c, kind, slice_of(NULL, 0), subscription_count(c, mine))
    else:
        leave_each(c, channels, mine, kind)
    if before and not is_subscribed(c):
        e.stats.pubsub_clients -= 1


cdef void leave_each(Client* c, HashTable* channels, SubscriptionList* mine, const char* kind) noexcept nogil:
    cdef Slice name
    while mine.first != NULL:
        name = mine.first.channel.name
        # the name dies with the last subscription: confirm first, with the count that will be
        confirm(c, kind, name, subscription_count(c, mine) - 1)
        unsubscribe(channels, mine, c, name)


cdef void subscribe_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SUBSCRIBE channel [channel ...]."""
    join(e, c, &e.pubsub.channels, &c.channels, b"subscribe", argc, argv)


cdef void psubscribe_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PSUBSCRIBE pattern [pattern ...]."""
    join(e, c, &e.pubsub.patterns, &c.patterns, b"psubscribe", argc, argv)


cdef void ssubscribe_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SSUBSCRIBE shardchannel [shardchannel ...]."""
    join(e, c, &e.pubsub.shard_channels, &c.shard_channels, b"ssubscribe", argc, argv)


cdef void unsubscribe_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """UNSUBSCRIBE [channel [channel ...]]."""
    leave(e, c, &e.pubsub.channels, &c.channels, b"unsubscribe", argc, argv)


cdef void punsubscribe_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PUNSUBSCRIBE [pattern [pattern ...]]."""
    leave(e, c, &e.pubsub.patterns, &c.patterns, b"punsubscribe", argc, argv)


cdef void sunsubscribe_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SUNSUBSCRIBE [shardchannel [shardchannel ...]]."""
    leave(e, c, &e.pubsub.shard_channels, &c.shard_channels, b"sunsubscribe", argc, argv)


cdef void list_channels(Client* c, HashTable* channels, int argc, const Slice* argv) noexcept nogil:
    cdef HtIter it
    cdef Channel* channel
    cdef int64_t count = 0
    cdef size_t place
    if argc > 3:
        reply_subcommand_error(c, argv[1], b"PUBSUB")
        return
    place = reply_defer(&c.reply)
    ht_iter(&it, channels)
    channel = <Channel*>ht_iter_next(&it)
    while channel != NULL:
        if argc == 2 or glob_match(argv[2], channel.name, False):
            reply_bulk(&c.reply, channel.name)
            count += 1
        channel = <Channel*>ht_iter_next(&it)
    ht_iter_done(&it)
    reply_defer_array(&c.reply, place, count)


cdef void count_subscribers(Client* c, HashTable* channels, int argc, const Slice* argv) noexcept nogil:
    cdef int i
    cdef Channel* channel
    reply_array(&c.reply, (argc - 2) * 2)
    for i in range(2, argc):
        channel = <Channel*>ht_find(channels, argv[i])
        reply_bulk(&c.reply, argv[i])
        reply_int(&c.reply, 0 if channel == NULL else channel.count)


cdef void pubsub_channels_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PUBSUB CHANNELS [pattern]."""
    list_channels(c, &e.pubsub.channels, argc, argv)


cdef void pubsub_shardchannels_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PUBSUB SHARDCHANNELS [pattern]."""
    list_channels(c, &e.pubsub.shard_channels, argc, argv)


cdef void pubsub_numsub_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PUBSUB NUMSUB [channel [channel ...]]."""
    count_subscribers(c, &e.pubsub.channels, argc, argv)


cdef void pubsub_shardnumsub_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PUBSUB SHARDNUMSUB [shardchannel [shardchannel ...]]."""
    count_subscribers(c, &e.pubsub.shard_channels, argc, argv)


cdef void pubsub_numpat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PUBSUB NUMPAT."""
    reply_int(&c.reply, e.pubsub.patterns.count)
