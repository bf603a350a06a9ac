"""What nodes of a cluster give each other that clients published."""

from libc.string cimport memcpy
from zippy._core.ground.buf cimport Buf, buf_clear, slice_of
from zippy._core.commands.channels cimport publish, publish_shard
from zippy._core.commands.engine cimport engine_use
from zippy._core.session cimport Core


def take_published(Core core):
    """What clients have published since the last time: channel, message and whether it is a shard's."""
    cdef Buf* published = &core.engine.pubsub.published
    cdef list found = []
    cdef size_t at = 0
    cdef size_t[2] lengths
    cdef bint sharded
    engine_use(core.engine)
    # what there was no memory for is lost, as it is to subscribers who are too slow
    while not published.failed and at < published.len:
        sharded = published.data[at]
        memcpy(lengths, published.data + at + 1, sizeof(lengths))
        at += 1 + sizeof(lengths)
        found.append((
            published.data[at:at + lengths[0]], published.data[at + lengths[0]:at + lengths[0] + lengths[1]], sharded
        ))
        at += lengths[0] + lengths[1]
    buf_clear(published)
    return found


def deliver(Core core, bytes channel, bytes message, bint sharded):
    """Gives those who listen here what another node published; how many they are."""
    core.begin_turn()
    engine_use(core.engine)
    if sharded:
        return publish_shard(core.engine, slice_of(<const char*>channel, len(channel)), slice_of(<const char*>message, len(message)))
    return publish(core.engine, slice_of(<const char*>channel, len(channel)), slice_of(<const char*>message, len(message)))
