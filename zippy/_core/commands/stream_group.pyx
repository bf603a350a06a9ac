# What happens to groups and consumers is told as an event and counts as a change, but nobody who watches the key hears of it, as in Redis.

from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memchr
from zippy._core.ground.buf cimport Buf, buf_append, buf_append_text, buf_free, buf_init, slice_text
from zippy._core.ground.id_tree cimport StreamId
from zippy._core.ground.number cimport NUM_I64_TEXT, num_write_i64
from zippy._core.ground.slice cimport slice_of
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_i64, arg_option, check_type, option_table, options_begin, reply_out_of_memory, reply_subcommand_error
)
from zippy._core.commands.engine cimport propagate_instead
from zippy._core.commands.stream_id cimport STREAM_ID_TEXT, arg_stream_id, is_sign, least_stream_id, stream_id_slice
from zippy._core.keyspace.db cimport open_for_write, put_new
from zippy._core.keyspace.effects cimport mutated, mutated_aside, wake_waiting
from zippy._core.keyspace.lazy_free cimport free_entry
from zippy._core.keyspace.types cimport NOTIFY_STREAM
from zippy._core.resp.writer cimport reply_error, reply_error_slice, reply_int, reply_ok
from zippy._core.values.entry cimport TYPE_STREAM
from zippy._core.values.stream cimport (
    Stream, stream_consumer_delete, stream_group, stream_group_create, stream_group_delete, stream_group_set_id, stream_new, stream_of,
    stream_take_remains
)
from zippy._core.values.stream_group cimport READ_UNKNOWN, consumer_create, consumer_find, consumer_name, group_name

cdef enum GroupFlag:
    GROUP_NEW_ID = 1 << 0        # $
    GROUP_MKSTREAM = 1 << 1
    GROUP_ENTRIESREAD = 1 << 2

cdef enum:
    CREATE_WORDS = 8             # of the longest XGROUP CREATE
    SETID_WORDS = 7

cdef OptionTable ID_WORDS = option_table("xgroup|create xgroup|setid", [("$", GROUP_NEW_ID)])
cdef OptionTable CREATE_OPTIONS = option_table("xgroup|create", [
    ("mkstream", GROUP_MKSTREAM),
    ("entriesread", GROUP_ENTRIESREAD, 0, 1),
])
cdef OptionTable SETID_OPTIONS = option_table("xgroup|setid", [("entriesread", GROUP_ENTRIESREAD, 0, 1)])


cdef void append_name(Buf* text, Slice name) noexcept nogil:
    """A name as an error tells it: up to a NUL."""
    cdef const char* nul = <const char*>memchr(name.ptr, 0, name.len)
    buf_append(text, name.ptr, nul - name.ptr if nul != NULL else name.len)


cdef void reply_error_naming(
    Client* c, const char* before, Slice first, const char* between, Slice second, const char* after
) noexcept nogil:
    cdef Buf text
    buf_init(&text)
    buf_append_text(&text, before)
    append_name(&text, first)
    buf_append_text(&text, between)
    append_name(&text, second)
    buf_append_text(&text, after)
    if text.failed:
        reply_out_of_memory(c)
    else:
        reply_error_slice(&c.reply, slice_of(text.data, text.len))
    buf_free(&text)


cdef StreamGroup* check_group(Client* c, Slice key, Entry* entry, Slice name, const char* after) noexcept nogil:
    cdef StreamGroup* group
    if not check_type(c, entry, TYPE_STREAM):
        return NULL
    group = stream_group(stream_of(entry), name) if entry != NULL else NULL
    if group == NULL:
        reply_error_naming(c, b"NOGROUP No such key '", key, b"' or consumer group '", name, after)
    return group


cdef void reply_no_such_group(Client* c, Slice key, Slice name) noexcept nogil:
    reply_error_naming(c, b"NOGROUP No such consumer group '", name, b"' for key name '", key, b"'")


cdef StreamConsumer* consumer_seen(Engine* e, Client* c, Slice key, StreamGroup* group, Slice name, bint* fresh) noexcept nogil:
    cdef StreamConsumer* consumer = consumer_find(group, name)
    fresh[0] = consumer == NULL
    if consumer == NULL:
        consumer = consumer_create(group, name, e.ks.clock.ms)
        mutated_aside(c.db, key, NOTIFY_STREAM, b"xgroup-createconsumer", 1)
    consumer.seen = e.ks.clock.ms
    return consumer


cdef void propagate_consumer(Engine* e, Client* c, Slice key, const StreamGroup* group, const StreamConsumer* consumer) noexcept nogil:
    cdef Slice[5] words
    words[0] = slice_text(b"XGROUP")
    words[1] = slice_text(b"CREATECONSUMER")
    words[2] = key
    words[3] = group_name(group)
    words[4] = consumer_name(consumer)
    propagate_instead(e, c, 5, words)


cdef void propagate_read(Engine* e, Client* c, Slice key, const StreamGroup* group) noexcept nogil:
    cdef Slice[7] words
    cdef char[STREAM_ID_TEXT] id
    cdef char[NUM_I64_TEXT] entries_read
    words[0] = slice_text(b"XGROUP")
    words[1] = slice_text(b"SETID")
    words[2] = key
    words[3] = group_name(group)
    words[4] = stream_id_slice(id, group.last_id)
    words[5] = slice_text(b"ENTRIESREAD")
    words[6] = slice_of(entries_read, num_write_i64(entries_read, group.entries_read))
    propagate_instead(e, c, 7, words)


cdef bint arg_group_options(
    Client* c, const OptionTable* table, int argc, Slice* argv, uint32_t* flags, int64_t* entries_read
) noexcept nogil:
    """Reads what stands behind the id; entries_read is READ_UNKNOWN unless it is said."""
    cdef Options options
    cdef uint32_t option
    entries_read[0] = READ_UNKNOWN
    options_begin(&options, table, argc, argv, 5)
    while options.at < argc:
        option = arg_option(&options)
        if option == 0:
            reply_subcommand_error(c, argv[1], b"XGROUP")
            return False
        if option == GROUP_ENTRIESREAD and not arg_entries_read(c, options.value[0], entries_read):
            return False
    flags[0] = options.flags
    return True


cdef bint check_words(Client* c, int argc, Slice* argv, int most) noexcept nogil:
    """Whether there are no more words than all options take; the last thing that Redis looks at before the id."""
    if argc <= most:
        return True
    reply_subcommand_error(c, argv[1], b"XGROUP")
    return False


cdef bint arg_entries_read(Client* c, Slice word, int64_t* n) noexcept nogil:
    if not arg_i64(c, word, n):
        return False
    if n[0] < 0 and n[0] != READ_UNKNOWN:
        reply_error(&c.reply, b"ERR value for ENTRIESREAD must be positive or -1")
        return False
    return True


cdef bint arg_group_id(Client* c, const Stream* s, Slice word, StreamId* id) noexcept nogil:
    """Reads an id, or $, which is the stream's last one; s may be NULL."""
    if is_sign(word, c'$'):
        id[0] = s.last_id if s != NULL else least_stream_id()
        return True
    return arg_stream_id(c, word, id)


cdef bint check_key(Client* c, Entry* entry) noexcept nogil:
    if entry == NULL:
        reply_error(
            &c.reply, b"ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option "
            b"to create an empty stream automatically."
        )
        return False
    return check_type(c, entry, TYPE_STREAM)


cdef StreamGroup* open_group(Client* c, Slice* argv) noexcept nogil:
    """The group of the request, about to be changed; NULL: replied with an error."""
    cdef Entry* entry = open_for_write(c.db, argv[2])
    cdef StreamGroup* group
    if not check_key(c, entry):
        return NULL
    group = stream_group(stream_of(entry), argv[3])
    if group == NULL:
        reply_no_such_group(c, argv[2], argv[3])
    return group


cdef void xgroup_create_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XGROUP CREATE key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]."""
    cdef uint32_t flags
    cdef int64_t entries_read
    cdef StreamId id
    cdef Entry* entry
    if not arg_group_options(c, &CREATE_OPTIONS, argc, argv, &flags, &entries_read):
        return
    entry = open_for_write(c.db, argv[2])
    if entry == NULL and flags & GROUP_MKSTREAM:
        if check_words(c, argc, argv, CREATE_WORDS) and arg_group_id(c, NULL, argv[4], &id):
            entry = stream_new(argv[2])
            stream_group_create(stream_of(entry), argv[3], id, entries_read)
            put_new(c.db, entry)
            mutated(c.db, argv[2], NOTIFY_STREAM, b"xgroup-create", 1)
            reply_ok(&c.reply)
        return
    if not check_key(c, entry) or not check_words(c, argc, argv, CREATE_WORDS):
        return
    if not arg_group_id(c, stream_of(entry), argv[4], &id):
        return
    if stream_group_create(stream_of(entry), argv[3], id, entries_read) == NULL:
        reply_error(&c.reply, b"BUSYGROUP Consumer Group name already exists")
        return
    mutated_aside(c.db, argv[2], NOTIFY_STREAM, b"xgroup-create", 1)
    reply_ok(&c.reply)


cdef void xgroup_setid_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XGROUP SETID key group <id | $> [ENTRIESREAD entries-read]. Who waits for the group's entries goes on waiting, as in Redis."""
    cdef uint32_t flags
    cdef int64_t entries_read
    cdef StreamId id
    cdef StreamGroup* group
    cdef Stream* s
    if not arg_group_options(c, &SETID_OPTIONS, argc, argv, &flags, &entries_read):
        return
    group = open_group(c, argv)
    if group == NULL or not check_words(c, argc, argv, SETID_WORDS):
        return
    s = stream_of(open_for_write(c.db, argv[2]))
    if not arg_group_id(c, s, argv[4], &id):
        return
    stream_group_set_id(s, group, id, entries_read)
    mutated_aside(c.db, argv[2], NOTIFY_STREAM, b"xgroup-setid", 1)
    reply_ok(&c.reply)


cdef void xgroup_destroy_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XGROUP DESTROY key group. Wakes who reads for the group, to be told that it is gone."""
    cdef Entry* entry = open_for_write(c.db, argv[2])
    cdef StreamGroup* group
    if not check_key(c, entry):
        return
    group = stream_group(stream_of(entry), argv[3])
    if group == NULL:
        reply_int(&c.reply, 0)
        return
    stream_group_delete(stream_of(entry), group)
    free_entry(&e.ks, stream_take_remains(stream_of(entry)))
    mutated_aside(c.db, argv[2], NOTIFY_STREAM, b"xgroup-destroy", 1)
    wake_waiting(c.db, argv[2])
    reply_int(&c.reply, 1)


cdef void xgroup_createconsumer_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XGROUP CREATECONSUMER key group consumer."""
    cdef StreamGroup* group = open_group(c, argv)
    if group == NULL:
        return
    if consumer_create(group, argv[4], e.ks.clock.ms) == NULL:
        reply_int(&c.reply, 0)
        return
    mutated_aside(c.db, argv[2], NOTIFY_STREAM, b"xgroup-createconsumer", 1)
    reply_int(&c.reply, 1)


cdef void xgroup_delconsumer_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XGROUP DELCONSUMER key group consumer. Replies how many entries were pending for it."""
    cdef StreamGroup* group = open_group(c, argv)
    cdef StreamConsumer* consumer
    cdef Stream* s
    if group == NULL:
        return
    consumer = consumer_find(group, argv[4])
    if consumer == NULL:
        reply_int(&c.reply, 0)
        return
    s = stream_of(open_for_write(c.db, argv[2]))
    reply_int(&c.reply, <int64_t>stream_consumer_delete(s, group, consumer))
    free_entry(&e.ks, stream_take_remains(s))
    mutated_aside(c.db, argv[2], NOTIFY_STREAM, b"xgroup-delconsumer", 1)
