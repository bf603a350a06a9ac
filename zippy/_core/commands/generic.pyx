# Whatever a key holds, it is one entry: RENAME and MOVE take the entry along instead of copying the value.

from libc.stdint cimport int64_t, uint32_t
from zippy._core.ground.buf cimport Slice, slice_equal
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_int, arg_option, option_table, options_begin, reply_out_of_memory, reply_syntax_error
)
from zippy._core.commands.types cimport Client, Engine
from zippy._core.keyspace.db cimport (
    PREFETCHED, db_prefetch, delete_key, detach, lookup_peek, lookup_quiet, lookup_read, open_for_write, put_new
)
from zippy._core.keyspace.effects cimport mutated, notify
from zippy._core.keyspace.lru cimport idle_seconds, lfu_counter, policy_is_lfu
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, NOTIFY_OVERWRITTEN, NOTIFY_TYPE_CHANGED, Db
from zippy._core.resp.writer cimport reply_bulk_text, reply_error, reply_int, reply_null, reply_ok, reply_simple
from zippy._core.values.entry cimport Entry, entry_expiry, entry_type, entry_with_key
from zippy._core.values.value cimport value_copy, value_encoding_name, value_type_name


cdef void del_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """DEL key [key ...]. Frees large values in steps between turns, so it costs O(1) a key."""
    cdef int i
    cdef int64_t deleted = 0
    for i in range(1, argc):
        if i % PREFETCHED == 1:
            db_prefetch(c.db, argc - i, argv + i, 1)
        if open_for_write(c.db, argv[i]) != NULL:
            delete_key(c.db, argv[i])
            mutated(c.db, argv[i], NOTIFY_GENERIC, b"del", 1)
            deleted += 1
    reply_int(&c.reply, deleted)


cdef void unlink_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """UNLINK key [key ...]. Is DEL, which frees large values in steps too."""
    # large values are freed in steps either way
    del_command(e, c, argc, argv)


cdef void exists_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """EXISTS key [key ...]. Leaves the keys' access times alone."""
    cdef int i
    cdef int64_t found = 0
    for i in range(1, argc):
        if i % PREFETCHED == 1:
            db_prefetch(c.db, argc - i, argv + i, 1)
        if lookup_quiet(c.db, argv[i]) != NULL:
            found += 1
    reply_int(&c.reply, found)


cdef void touch_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """TOUCH key [key ...]. Touches even for a client that sent CLIENT NO-TOUCH."""
    cdef int i
    cdef int64_t touched = 0
    # TOUCH touches even for a client that said NO-TOUCH
    e.ks.no_touch = False
    for i in range(1, argc):
        if lookup_read(c.db, argv[i]) != NULL:
            touched += 1
    reply_int(&c.reply, touched)


cdef void type_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """TYPE key. Leaves the key's access time alone."""
    cdef Entry* entry = lookup_quiet(c.db, argv[1])
    if entry == NULL:
        reply_simple(&c.reply, b"none")
    else:
        reply_simple(&c.reply, value_type_name(entry))


cdef void rename_key(Engine* e, Client* c, Slice* argv, bint only_new) noexcept nogil:
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef Entry* old
    cdef bint same = slice_equal(argv[1], argv[2])
    cdef int old_type = -1
    if entry == NULL:
        reply_error(&c.reply, b"ERR no such key")
        return
    old = open_for_write(c.db, argv[2])
    if same or old != NULL and only_new:
        if only_new:
            reply_int(&c.reply, 0)
        else:
            reply_ok(&c.reply)
        return
    if old != NULL:
        old_type = entry_type(old)
        delete_key(c.db, argv[2])
    entry = entry_with_key(detach(c.db, argv[1]), argv[2])
    put_new(c.db, entry)
    mutated(c.db, argv[1], NOTIFY_GENERIC, b"rename_from", 0)
    mutated(c.db, argv[2], NOTIFY_GENERIC, b"rename_to", 1)
    if old_type >= 0:
        notify(c.db, NOTIFY_OVERWRITTEN, b"overwritten", argv[2])
        if old_type != entry_type(entry):
            notify(c.db, NOTIFY_TYPE_CHANGED, b"type_changed", argv[2])
    if only_new:
        reply_int(&c.reply, 1)
    else:
        reply_ok(&c.reply)


cdef void rename_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """RENAME key newkey. Moves the value, in O(1); a large old value of newkey is freed in steps."""
    rename_key(e, c, argv, False)


cdef void renamenx_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """RENAMENX key newkey. Moves the value, in O(1)."""
    rename_key(e, c, argv, True)


cdef Db* numbered_db(Engine* e, Client* c, Slice text) noexcept nogil:
    """The database of that number, or NULL after an error reply."""
    cdef int64_t index
    if not arg_int(c, text, &index):
        return NULL
    if index < 0 or index >= e.ks.db_count:
        reply_error(&c.reply, b"ERR DB index is out of range")
        return NULL
    return e.ks.dbs[index]


cdef enum CopyFlag:
    COPY_REPLACE = 1
    COPY_DB = 2

cdef OptionTable COPY_OPTIONS = option_table("copy", [
    ("db", COPY_DB, 0, 1),
    ("replace", COPY_REPLACE),
])


cdef void copy_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """COPY source destination [DB destination-db] [REPLACE]. Copies the value as it is encoded, in O(N); the expiry goes with it."""
    cdef Db* target = c.db
    cdef Options options
    cdef uint32_t option
    cdef int old_type = -1
    cdef Entry* entry
    cdef Entry* old
    options_begin(&options, &COPY_OPTIONS, argc, argv, 3)
    while options.at < argc:
        option = arg_option(&options)
        if option == 0:
            reply_syntax_error(c)
            return
        if option == COPY_DB:
            target = numbered_db(e, c, options.value[0])
            if target == NULL:
                return
    if target == c.db and slice_equal(argv[1], argv[2]):
        reply_error(&c.reply, b"ERR source and destination objects are the same")
        return
    entry = lookup_read(c.db, argv[1])
    if entry == NULL:
        reply_int(&c.reply, 0)
        return
    old = open_for_write(target, argv[2])
    if old != NULL:
        if not options.flags & COPY_REPLACE:
            reply_int(&c.reply, 0)
            return
        old_type = entry_type(old)
    entry = value_copy(entry, argv[2], entry_expiry(entry))
    if entry == NULL:
        reply_out_of_memory(c)
        return
    if old != NULL:
        delete_key(target, argv[2])
    put_new(target, entry)
    mutated(target, argv[2], NOTIFY_GENERIC, b"copy_to", 1)
    if old_type >= 0:
        notify(target, NOTIFY_OVERWRITTEN, b"overwritten", argv[2])
        if old_type != entry_type(entry):
            notify(target, NOTIFY_TYPE_CHANGED, b"type_changed", argv[2])
    reply_int(&c.reply, 1)


cdef void move_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """MOVE key db. Moves the entry itself, in O(1)."""
    cdef Db* target
    cdef Entry* entry
    if e.cluster != NULL:
        reply_error(&c.reply, b"ERR MOVE is not allowed in cluster mode")
        return
    target = numbered_db(e, c, argv[2])
    if target == NULL:
        return
    if target == c.db:
        reply_error(&c.reply, b"ERR source and destination objects are the same")
        return
    entry = open_for_write(c.db, argv[1])
    if entry == NULL or open_for_write(target, argv[1]) != NULL:
        reply_int(&c.reply, 0)
        return
    put_new(target, detach(c.db, argv[1]))
    mutated(c.db, argv[1], NOTIFY_GENERIC, b"move_from", 1)
    mutated(target, argv[1], NOTIFY_GENERIC, b"move_to", 0)
    reply_int(&c.reply, 1)


cdef Entry* object_subject(Client* c, Slice key) noexcept nogil:
    """The entry that OBJECT is about, or NULL after a null reply."""
    cdef Entry* entry = lookup_peek(c.db, key)
    if entry == NULL:
        reply_null(&c.reply)
    return entry


cdef void object_encoding_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """OBJECT ENCODING key. Calls a large sorted set skiplist, as Redis does; it is a tree beside a table."""
    cdef Entry* entry = object_subject(c, argv[2])
    if entry != NULL:
        reply_bulk_text(&c.reply, value_encoding_name(entry))


cdef void object_refcount_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """OBJECT REFCOUNT key. Replies 1 for every key: no value is shared."""
    if object_subject(c, argv[2]) != NULL:
        reply_int(&c.reply, 1)


cdef void object_idletime_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """OBJECT IDLETIME key."""
    cdef Entry* entry = object_subject(c, argv[2])
    if entry == NULL:
        return
    if policy_is_lfu(&e.ks):
        reply_error(
            &c.reply,
            b"ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at "
            b"runtime LRU and LFU data will take some time to adjust."
        )
    else:
        reply_int(&c.reply, idle_seconds(&e.ks, entry))


cdef void object_freq_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """OBJECT FREQ key."""
    cdef Entry* entry = object_subject(c, argv[2])
    if entry == NULL:
        return
    if not policy_is_lfu(&e.ks):
        reply_error(
            &c.reply,
            b"ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between "
            b"policies at runtime LRU and LFU data will take some time to adjust."
        )
    else:
        reply_int(&c.reply, lfu_counter(&e.ks, entry))
