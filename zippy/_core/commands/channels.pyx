# A subscription is found by channel and client in one table, and is also a link of the client's list and a place in the channel's array,
# so that joining, leaving and delivering cost the same however many there are.

from libc.string cimport memcpy
from zippy._core.ground.buf cimport Buf, buf_append, buf_append_byte, buf_free, buf_init, slice_of, slice_text
from zippy._core.ground.glob cimport glob_match
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport (
    HtIter, ht_find, ht_find_hashed, ht_free, ht_init, ht_insert, ht_iter, ht_iter_done, ht_iter_next, ht_remove
)
from zippy._core.ground.mem cimport mem_free, mem_realloc, mem_zalloc
from zippy._core.commands.output cimport client_has_output
from zippy._core.commands.types cimport Call, Channel, Subscription
from zippy._core.resp.writer cimport reply_bulk, reply_push


cdef void channel_key_of(const void* item, Slice* key) noexcept nogil:
    key[0] = (<Channel*>item).name


cdef void subscription_of(const void* item, Slice* pair) noexcept nogil:
    pair[0] = slice_of(<const char*>&(<Subscription*>item).channel, sizeof(Channel*) + sizeof(Client*))


cdef void pubsub_init(PubSub* p) noexcept nogil:
    ht_init(&p.channels, channel_key_of)
    ht_init(&p.patterns, channel_key_of)
    ht_init(&p.shard_channels, channel_key_of)
    ht_init(&p.subscriptions, subscription_of)
    buf_init(&p.published)


cdef void pubsub_free(PubSub* p) noexcept nogil:
    ht_free(&p.channels)
    ht_free(&p.patterns)
    ht_free(&p.shard_channels)
    ht_free(&p.subscriptions)
    buf_free(&p.published)


cdef Subscription* find_subscription(Client* c, Channel* channel, uint64_t* hash) noexcept nogil:
    """The client's subscription or NULL; hash becomes that of the pair, unless the only one of the channel is the client's."""
    cdef Subscription wanted
    cdef Slice pair
    if channel.alone != NULL and channel.alone.client == c:
        return channel.alone
    wanted.channel = channel
    wanted.client = c
    subscription_of(&wanted, &pair)
    hash[0] = hash_bytes(pair.ptr, pair.len)
    return <Subscription*>ht_find_hashed(&c.engine.pubsub.subscriptions, pair, hash[0])


cdef void join(Channel* channel, Subscription* s, uint64_t hash) noexcept nogil:
    """Adds a subscriber, whose pair has that hash."""
    cdef Subscription** places
    if channel.count == 0:
        channel.alone = s
    else:
        ht_insert(&s.client.engine.pubsub.subscriptions, s, hash)
    if channel.count == channel.cap:
        channel.cap *= 2
        places = NULL if channel.subscribers == &channel.first_place else channel.subscribers
        channel.subscribers = <Subscription**>mem_realloc(places, channel.cap * sizeof(Subscription*))
        channel.subscribers[0] = channel.first_place if places == NULL else channel.subscribers[0]
    s.at = channel.count
    channel.subscribers[channel.count] = s
    channel.count += 1


cdef void leave(Channel* channel, Subscription* s) noexcept nogil:
    cdef Slice pair
    if channel.alone == s:
        channel.alone = NULL
    else:
        subscription_of(s, &pair)
        ht_remove(&s.client.engine.pubsub.subscriptions, pair)
    channel.count -= 1
    channel.subscribers[s.at] = channel.subscribers[channel.count]
    channel.subscribers[s.at].at = s.at


cdef bint subscribe(HashTable* channels, SubscriptionList* mine, Client* c, Slice name) noexcept nogil:
    cdef uint64_t hash = hash_bytes(name.ptr, name.len)
    cdef Channel* channel = <Channel*>ht_find_hashed(channels, name, hash)
    cdef Subscription* s
    if channel == NULL:
        channel = <Channel*>mem_zalloc(sizeof(Channel) + name.len)
        memcpy(channel + 1, name.ptr, name.len)
        channel.name = slice_of(<char*>(channel + 1), name.len)
        channel.subscribers = &channel.first_place
        channel.cap = 1
        ht_insert(channels, channel, hash)
    elif find_subscription(c, channel, &hash) != NULL:
        return False
    s = <Subscription*>mem_zalloc(sizeof(Subscription))
    s.channel = channel
    s.client = c
    join(channel, s, hash)
    s.prev = mine.last
    if mine.last != NULL:
        mine.last.next = s
    else:
        mine.first = s
    mine.last = s
    mine.count += 1
    return True


cdef void drop_subscription(HashTable* channels, SubscriptionList* mine, Subscription* s) noexcept nogil:
    cdef Channel* channel = s.channel
    leave(channel, s)
    if channel.count == 0:
        ht_remove(channels, channel.name)
        if channel.subscribers != &channel.first_place:
            mem_free(channel.subscribers)
        mem_free(channel)
    if s.prev != NULL:
        s.prev.next = s.next
    else:
        mine.first = s.next
    if s.next != NULL:
        s.next.prev = s.prev
    else:
        mine.last = s.prev
    mine.count -= 1
    mem_free(s)


cdef bint unsubscribe(HashTable* channels, SubscriptionList* mine, Client* c, Slice name) noexcept nogil:
    cdef Channel* channel = <Channel*>ht_find(channels, name)
    cdef Subscription* s
    cdef uint64_t hash = 0
    if channel == NULL or mine.count == 0:
        return False
    s = find_subscription(c, channel, &hash)
    if s == NULL:
        return False
    drop_subscription(channels, mine, s)
    return True


cdef void unsubscribe_all(Engine* e, Client* c) noexcept nogil:
    if c.channels.count or c.patterns.count or c.shard_channels.count:
        e.stats.pubsub_clients -= 1
    while c.channels.first != NULL:
        drop_subscription(&e.pubsub.channels, &c.channels, c.channels.first)
    while c.patterns.first != NULL:
        drop_subscription(&e.pubsub.patterns, &c.patterns, c.patterns.first)
    while c.shard_channels.first != NULL:
        drop_subscription(&e.pubsub.shard_channels, &c.shard_channels, c.shard_channels.first)


cdef Client* outermost_client(const Engine* e) noexcept nogil:
    cdef const Call* call = e.call
    while call != NULL and call.parent != NULL:
        call = call.parent
    return NULL if call == NULL else call.client


cdef void ask_pushes(Engine* e, Client* c) noexcept nogil:
    if e.pushes.out.failed:
        c.reply.out.failed = True
        buf_free(&e.pushes.out)


cdef Reply* push_reply(Engine* e, Client* c) noexcept nogil:
    if c != outermost_client(e):
        return &c.reply
    e.pushes.proto = c.reply.proto
    return &e.pushes


cdef void push_written(Engine* e, Client* c) noexcept nogil:
    if c == outermost_client(e):
        ask_pushes(e, c)
    else:
        client_has_output(e, c)


cdef size_t deliver(Engine* e, Channel* channel, const char* kind, Slice name, Slice message, bint pattern) noexcept nogil:
    cdef size_t i
    cdef Client* c
    cdef Reply* r
    for i in range(channel.count):
        c = channel.subscribers[i].client
        r = push_reply(e, c)
        reply_push(r, 4 if pattern else 3)
        reply_bulk(r, slice_text(kind))
        if pattern:
            reply_bulk(r, channel.name)
        reply_bulk(r, name)
        reply_bulk(r, message)
        push_written(e, c)
    return channel.count


cdef size_t publish(Engine* e, Slice name, Slice message) noexcept nogil:
    cdef Channel* channel
    cdef HtIter it
    cdef size_t receivers = 0
    if e.pubsub.channels.count:
        channel = <Channel*>ht_find(&e.pubsub.channels, name)
        if channel != NULL:
            receivers = deliver(e, channel, b"message", name, message, False)
    if e.pubsub.patterns.count:
        ht_iter(&it, &e.pubsub.patterns)
        channel = <Channel*>ht_iter_next(&it)
        while channel != NULL:
            if glob_match(channel.name, name, False):
                receivers += deliver(e, channel, b"pmessage", name, message, True)
            channel = <Channel*>ht_iter_next(&it)
        ht_iter_done(&it)
    return receivers


cdef size_t publish_shard(Engine* e, Slice name, Slice message) noexcept nogil:
    cdef Channel* channel = <Channel*>ht_find(&e.pubsub.shard_channels, name)
    return 0 if channel == NULL else deliver(e, channel, b"smessage", name, message, False)


cdef void note_published(Engine* e, bint sharded, Slice name, Slice message) noexcept nogil:
    cdef Buf* published = &e.pubsub.published
    buf_append_byte(published, sharded)
    buf_append(published, &name.len, sizeof(size_t))
    buf_append(published, &message.len, sizeof(size_t))
    buf_append(published, name.ptr, name.len)
    buf_append(published, message.ptr, message.len)
