# A hash is made by the first write to it and deleted with its last field; all commands that remove fields end in fields_removed.

from libc.stdint cimport INT64_MAX, INT64_MIN, uint64_t
from zippy._core.ground.buf cimport slice_text
from zippy._core.ground.number cimport NUM_LONG_DOUBLE_TEXT, num_read_i64, num_read_long_double, num_write_i64, num_write_long_double
from zippy._core.ground.slice cimport slice_of
from zippy._core.commands.args cimport arg_i64, check_type
from zippy._core.commands.engine cimport propagate_instead
from zippy._core.commands.scan_arguments cimport (
    SCAN_FIELDS, Scan, scan_add, scan_begin, scan_cursor, scan_end, scan_options, scan_reply_empty, scan_table, scan_wants
)
from zippy._core.keyspace.db cimport delete_key, lookup_read, open_for_write, put_new
from zippy._core.keyspace.effects cimport mutated, notify
from zippy._core.keyspace.element_expiry cimport element_is_over, elements_changed, elements_expired, elements_next, expire_element
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, NOTIFY_HASH, Db
from zippy._core.resp.writer cimport (
    reply_array, reply_bulk, reply_error, reply_int, reply_map, reply_null, reply_ok
)
from zippy._core.values.entry cimport TYPE_HASH
from zippy._core.values.hash cimport (
    HASH_TEXT, KEEP_EXPIRY, HashIter, hash_count_below, hash_expiry_of, hash_field_of, hash_iter, hash_iter_done, hash_iter_next,
    hash_length, hash_make_room, hash_new, hash_put, hash_remove, hash_set, hash_table, hash_value_of
)


cdef bint still_there(Client* c, Entry* entry, Slice field, const HashPair* pair, int* expired) noexcept nogil:
    if not element_is_over(c.db, pair.expiry):
        return True
    expired[0] += expire_element(c.db, entry, field)
    return False


# ---- setting


cdef Entry* opened_or_new(Client* c, Slice key, Entry* entry) noexcept nogil:
    if entry == NULL:
        entry = hash_new(key)
        put_new(c.db, entry)
    return entry


cdef bint set_pairs(Engine* e, Client* c, int argc, Slice* argv, int64_t* created) noexcept nogil:
    """False: the key holds something else, which was replied."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef int64_t before
    cdef int i
    created[0] = 0
    if not check_type(c, entry, TYPE_HASH):
        return False
    before = elements_next(entry)
    entry = opened_or_new(c, argv[1], entry)
    hash_make_room(entry, &e.settings, argc - 2, argv + 2)
    for i in range(2, argc, 2):
        if hash_set(entry, &e.settings, argv[i], argv[i + 1]):
            created[0] += 1
    elements_changed(c.db, entry, before)
    mutated(c.db, argv[1], NOTIFY_HASH, b"hset", (argc - 2) // 2)
    return True


cdef void hset_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HSET key field value [field value ...]."""
    cdef int64_t created
    if argc % 2:
        reply_error(&c.reply, b"ERR wrong number of arguments for 'hset' command")
    elif set_pairs(e, c, argc, argv, &created):
        reply_int(&c.reply, created)


cdef void hmset_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HMSET key field value [field value ...]."""
    cdef int64_t created
    if argc % 2:
        reply_error(&c.reply, b"ERR wrong number of arguments for 'hmset' command")
    elif set_pairs(e, c, argc, argv, &created):
        reply_ok(&c.reply)


cdef Entry* without_expired(Client* c, Slice key, Entry* entry, int expired) noexcept nogil:
    """The entry after so many fields of it expired; NULL if it went with the last one."""
    return NULL if expired and elements_expired(c.db, key, entry) else entry


cdef void put_field(Engine* e, Client* c, Slice key, Entry* entry, Slice field, Slice value, int64_t expiry) noexcept nogil:
    """Sets a field, of a new hash if there is none; expiry: as for hash_put. One whose time is over may be there still (CLIENT PAUSE)."""
    cdef int64_t before = elements_next(entry)
    entry = opened_or_new(c, key, entry)
    hash_put(entry, &e.settings, field, value, expiry)
    elements_changed(c.db, entry, before)


cdef void hsetnx_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HSETNX key field value."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef HashPair pair
    cdef int expired = 0
    if not check_type(c, entry, TYPE_HASH):
        return
    if find_live(c, entry, argv[2], &pair, &expired):
        reply_int(&c.reply, 0)
        return
    entry = without_expired(c, argv[1], entry, expired)
    put_field(e, c, argv[1], entry, argv[2], argv[3], NO_EXPIRY)
    reply_int(&c.reply, 1)
    mutated(c.db, argv[1], NOTIFY_HASH, b"hset", 1)


cdef void hincrby_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HINCRBY key field increment. The field keeps its expiry."""
    cdef Entry* entry
    cdef HashPair pair
    cdef int64_t increment
    cdef int64_t n = 0
    cdef bint there
    cdef int expired = 0
    cdef char[HASH_TEXT] text
    if not arg_i64(c, argv[3], &increment):
        return
    entry = open_for_write(c.db, argv[1])
    if not check_type(c, entry, TYPE_HASH):
        return
    there = find_live(c, entry, argv[2], &pair, &expired)
    if there and not num_read_i64(pair.value, &n):
        reply_error(&c.reply, b"ERR hash value is not an integer")
        return
    entry = without_expired(c, argv[1], entry, expired)
    if (increment > 0 and n > INT64_MAX - increment) or (increment < 0 and n < INT64_MIN - increment):
        reply_error(&c.reply, b"ERR increment or decrement would overflow")
        return
    n += increment
    put_field(e, c, argv[1], entry, argv[2], slice_of(text, num_write_i64(text, n)), KEEP_EXPIRY if there else <int64_t>NO_EXPIRY)
    reply_int(&c.reply, n)
    mutated(c.db, argv[1], NOTIFY_HASH, b"hincrby", 1)


cdef inline bint is_finite(long double n) noexcept nogil:
    # a long double may be where a double is not
    return n - n == 0


cdef bint incremented(Client* c, Entry** entry, const Slice* argv, long double* n, int64_t* expiry) noexcept nogil:
    """The field's new value, and the expiry that it has; False: replied with an error. The entry is NULL if it went with a field that had
    expired."""
    cdef HashPair pair
    cdef bint there
    cdef long double by
    cdef int expired = 0
    num_read_long_double(argv[3], &by)
    n[0] = 0
    there = find_live(c, entry[0], argv[2], &pair, &expired)
    expiry[0] = pair.expiry if there else <int64_t>NO_EXPIRY
    if there and not num_read_long_double(pair.value, n):
        reply_error(&c.reply, b"ERR hash value is not a float")
        return False
    entry[0] = without_expired(c, argv[1], entry[0], expired)
    n[0] += by
    if not is_finite(n[0]):
        reply_error(&c.reply, b"ERR increment would produce NaN or Infinity")
        return False
    return True


cdef void propagate_value(Engine* e, Client* c, Slice key, Slice field, Slice value, bint expires) noexcept nogil:
    """Propagates what a field was set to; expires: its expiry was kept, which HSET, known to older servers, would take away."""
    cdef Slice[7] effect
    effect[0] = slice_text(b"HSETEX" if expires else b"HSET")
    effect[1] = key
    if expires:
        effect[2] = slice_text(b"KEEPTTL")
        effect[3] = slice_text(b"FIELDS")
        effect[4] = slice_text(b"1")
    effect[5 if expires else 2] = field
    effect[6 if expires else 3] = value
    propagate_instead(e, c, 7 if expires else 4, effect)


cdef void hincrbyfloat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HINCRBYFLOAT key field increment. Computes in long double and propagates the outcome with HSET; the field keeps its expiry."""
    cdef Entry* entry
    cdef long double n
    cdef char[NUM_LONG_DOUBLE_TEXT] text
    cdef Slice value
    cdef int64_t expiry
    if not num_read_long_double(argv[3], &n):
        reply_error(&c.reply, b"ERR value is not a valid float")
        return
    if not is_finite(n):
        reply_error(&c.reply, b"ERR value is NaN or Infinity")
        return
    entry = open_for_write(c.db, argv[1])
    if not check_type(c, entry, TYPE_HASH) or not incremented(c, &entry, argv, &n, &expiry):
        return
    # what a replica computes might be rounded otherwise
    value = slice_of(text, num_write_long_double(text, n))
    put_field(e, c, argv[1], entry, argv[2], value, expiry)
    reply_bulk(&c.reply, value)
    mutated(c.db, argv[1], NOTIFY_HASH, b"hincrbyfloat", 1)
    propagate_value(e, c, argv[1], argv[2], value, expiry != NO_EXPIRY)


# ---- removing


cdef void fields_removed(Client* c, Slice key, Entry* entry, int64_t count, int64_t before) noexcept nogil:
    cdef bint empty = hash_length(entry) == 0
    if count == 0:
        return
    elements_changed(c.db, entry, before)
    if empty:
        delete_key(c.db, key)
    mutated(c.db, key, NOTIFY_HASH, b"hdel", count)
    if empty:
        notify(c.db, NOTIFY_GENERIC, b"del", key)


cdef void hdel_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HDEL key field [field ...]."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef int64_t before = NO_EXPIRY
    cdef int64_t removed = 0
    cdef int i
    if not check_type(c, entry, TYPE_HASH):
        return
    if entry != NULL:
        before = elements_next(entry)
        for i in range(2, argc):
            if hash_remove(entry, argv[i]):
                removed += 1
        fields_removed(c, argv[1], entry, removed, before)
    reply_int(&c.reply, removed)


# ---- reading


cdef bint read_hash(Client* c, Slice key, Entry** entry) noexcept nogil:
    """False: the key holds something else, which was replied. The entry is NULL if the key is absent."""
    entry[0] = lookup_read(c.db, key)
    return check_type(c, entry[0], TYPE_HASH)


cdef inline void reply_value(Client* c, Entry* entry, Slice field, int* expired) noexcept nogil:
    cdef HashPair pair
    if find_live(c, entry, field, &pair, expired):
        reply_bulk(&c.reply, pair.value)
    else:
        reply_null(&c.reply)


cdef void hget_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HGET key field. A field whose time is over is removed, as by HMGET, HSTRLEN and HEXISTS."""
    cdef Entry* entry
    cdef int expired = 0
    if read_hash(c, argv[1], &entry):
        reply_value(c, entry, argv[2], &expired)
        if expired:
            elements_expired(c.db, argv[1], entry)


cdef void hmget_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HMGET key field [field ...]."""
    cdef Entry* entry
    cdef int expired = 0
    cdef int i
    if not read_hash(c, argv[1], &entry):
        return
    reply_array(&c.reply, argc - 2)
    for i in range(2, argc):
        reply_value(c, entry, argv[i], &expired)
    if expired:
        elements_expired(c.db, argv[1], entry)


cdef uint64_t live_length(Client* c, const Entry* entry) noexcept nogil:
    if entry == NULL:
        return 0
    if not element_is_over(c.db, elements_next(entry)):
        return hash_length(entry)
    return hash_length(entry) - hash_count_below(entry, c.engine.ks.clock.ms)


cdef void reply_pairs(Client* c, Entry* entry, uint64_t count, bint fields, bint values) noexcept nogil:
    """Replies with the fields that are not over, which are so many, or values, or both."""
    cdef HashIter it
    if count == 0:
        return
    hash_iter(&it, entry)
    while count and hash_iter_next(&it):
        if element_is_over(c.db, it.pair.expiry):
            continue
        if fields:
            reply_bulk(&c.reply, it.pair.field)
        if values:
            reply_bulk(&c.reply, it.pair.value)
        count -= 1
    hash_iter_done(&it)


cdef void hgetall_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HGETALL key. Passes over fields whose time is over, as HKEYS, HVALS and HSCAN do."""
    cdef Entry* entry
    cdef uint64_t count
    if not read_hash(c, argv[1], &entry):
        return
    count = live_length(c, entry)
    reply_map(&c.reply, count)
    reply_pairs(c, entry, count, True, True)


cdef void hkeys_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HKEYS key."""
    cdef Entry* entry
    cdef uint64_t count
    if not read_hash(c, argv[1], &entry):
        return
    count = live_length(c, entry)
    reply_array(&c.reply, count)
    reply_pairs(c, entry, count, True, False)


cdef void hvals_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HVALS key."""
    cdef Entry* entry
    cdef uint64_t count
    if not read_hash(c, argv[1], &entry):
        return
    count = live_length(c, entry)
    reply_array(&c.reply, count)
    reply_pairs(c, entry, count, False, True)


cdef void hlen_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HLEN key. Counts fields whose time is over until they are removed, as Redis does."""
    cdef Entry* entry
    if read_hash(c, argv[1], &entry):
        reply_int(&c.reply, hash_length(entry) if entry != NULL else 0)


cdef void hstrlen_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HSTRLEN key field."""
    cdef Entry* entry
    cdef HashPair pair
    cdef int expired = 0
    if read_hash(c, argv[1], &entry):
        reply_int(&c.reply, pair.value.len if find_live(c, entry, argv[2], &pair, &expired) else 0)
        if expired:
            elements_expired(c.db, argv[1], entry)


cdef void hexists_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HEXISTS key field."""
    cdef Entry* entry
    cdef HashPair pair
    cdef int expired = 0
    if read_hash(c, argv[1], &entry):
        reply_int(&c.reply, find_live(c, entry, argv[2], &pair, &expired))
        if expired:
            elements_expired(c.db, argv[1], entry)


# ---- scanning


cdef struct FieldScan:
    Scan scan
    const Db* db


cdef void add_field(FieldScan* fields, Slice field, Slice value, int64_t expiry) noexcept nogil:
    if not scan_wants(&fields.scan, field) or element_is_over(fields.db, expiry):
        return
    scan_add(&fields.scan, field)
    if not fields.scan.no_values:
        scan_add(&fields.scan, value)


cdef void add_block(void* context, void* block) noexcept nogil:
    cdef Slice field
    hash_field_of(block, &field)
    add_field(<FieldScan*>context, field, hash_value_of(block), hash_expiry_of(block))


cdef void add_all_fields(FieldScan* fields, Entry* entry) noexcept nogil:
    cdef HashIter it
    hash_iter(&it, entry)
    while hash_iter_next(&it):
        add_field(fields, it.pair.field, it.pair.value, it.pair.expiry)
    hash_iter_done(&it)


cdef void hscan_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]."""
    cdef Entry* entry
    cdef FieldScan fields
    cdef Scan* scan = &fields.scan
    cdef uint64_t cursor = 0
    fields.db = c.db
    if not scan_cursor(c, argv[2], &scan.cursor) or not read_hash(c, argv[1], &entry):
        return
    if entry == NULL:
        scan_reply_empty(c)
        return
    if not scan_options(c, argc, argv, 3, SCAN_FIELDS, scan):
        return
    scan_begin(scan, c)
    if hash_table(entry) != NULL:
        cursor = scan_table(scan, hash_table(entry), add_block)
    else:
        add_all_fields(&fields, entry)
    scan_end(scan, c, cursor)
