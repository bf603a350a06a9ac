# Records are delivered in the order in which the command made them, so that who subscribes and tracks hears of both as they happened.

from libc.stdint cimport int64_t
from libc.string cimport memcpy
from zippy._core.ground.buf cimport (
    Buf, Slice, buf_append, buf_append_i64, buf_append_text, buf_clear, buf_free, buf_init, slice_of, slice_text
)
from zippy._core.keyspace.types cimport EVENT_NOTIFICATION, NOTIFY_KEYEVENT, NOTIFY_KEYSPACE, EventRecord
from zippy._core.commands.channels cimport publish
from zippy._core.commands.tracking cimport invalidate, tell_own
from zippy._core.commands.types cimport CLIENT_REPLY_OFF, CLIENT_REPLY_SKIP
from zippy._core.resp.writer cimport reply_raw


cdef void publish_named(Engine* e, Buf* name, Slice message) noexcept nogil:
    """Publishes an event whose channel's name is complete. It is lost, as any message may be, if there was no memory for that."""
    if not name.failed:
        publish(e, slice_of(name.data, name.len), message)
    buf_clear(name)


cdef void publish_event(Engine* e, EventRecord* event, Slice key, Buf* name) noexcept nogil:
    cdef int64_t wanted = e.settings.notify_keyspace_events
    if wanted & NOTIFY_KEYSPACE:
        buf_append_text(name, b"__keyspace@")
        buf_append_i64(name, event.db)
        buf_append_text(name, b"__:")
        buf_append(name, key.ptr, key.len)
        publish_named(e, name, slice_text(event.event))
    if wanted & NOTIFY_KEYEVENT:
        buf_append_text(name, b"__keyevent@")
        buf_append_i64(name, event.db)
        buf_append_text(name, b"__:")
        buf_append_text(name, event.event)
        publish_named(e, name, key)


cdef void publish_events(Engine* e) noexcept nogil:
    cdef Buf* events = &e.ks.effects.events
    cdef EventRecord event
    cdef Buf name
    cdef size_t at = 0
    buf_init(&name)
    while at < events.len:
        memcpy(&event, events.data + at, sizeof(event))
        at += sizeof(event)
        if event.kind == EVENT_NOTIFICATION:
            publish_event(e, &event, slice_of(events.data + at, event.key_len), &name)
        else:
            invalidate(e, event.kind, slice_of(events.data + at, event.key_len))
        at += event.key_len
    buf_clear(events)
    buf_free(&name)


cdef void tell_before_reply(Engine* e, Client* c) noexcept nogil:
    if c.flags & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP) or e.call.parent != NULL:
        return
    publish_events(e)
    tell_own(e, c)
    reply_raw(&c.reply, e.pushes.out.data, e.pushes.out.len)
    buf_clear(&e.pushes.out)
