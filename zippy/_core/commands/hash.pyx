# A hash is made by the first write to it and deleted with its last field; all commands that remove fields end in fields_removed.

from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uint64_t
from zippy._core.ground.buf cimport slice_text
from zippy._core.ground.number cimport NUM_LONG_DOUBLE_TEXT, num_read_i64, num_read_long_double, num_write_i64, num_write_long_double
from zippy._core.ground.slice cimport slice_of
from zippy._core.commands.args cimport OptionTable, arg_choice, arg_i64, arg_in_range, check_type, option_table
from zippy._core.commands.engine cimport propagate_instead
from zippy._core.commands.scan_arguments cimport (
    SCAN_FIELDS, Scan, scan_add, scan_begin, scan_cursor, scan_end, scan_options, scan_reply_empty, scan_table, scan_wants
)
from zippy._core.keyspace.db cimport delete_key, lookup_read, open_for_write, put_new
from zippy._core.keyspace.effects cimport mutated, notify
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, NOTIFY_HASH
from zippy._core.resp.writer cimport (
    reply_array, reply_bulk, reply_error, reply_int, reply_map, reply_null, reply_ok
)
from zippy._core.values.entry cimport TYPE_HASH, Entry
from zippy._core.values.hash cimport (
    HASH_TEXT, HashIter, HashPair, hash_field_of, hash_find, hash_iter, hash_iter_done, hash_iter_next, hash_length, hash_make_room,
    hash_new, hash_remove, hash_set, hash_table, hash_value_of
)


# ---- setting


cdef inline Entry* opened_or_new(Client* c, Slice key, Entry* entry) noexcept nogil:
    """The entry, or if there is none a new hash under the key."""
    if entry == NULL:
        entry = hash_new(key)
        put_new(c.db, entry)
    return entry


cdef bint set_pairs(Engine* e, Client* c, int argc, Slice* argv, int64_t* created) noexcept nogil:
    """False: the key holds something else, which was replied."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef int i
    created[0] = 0
    if not check_type(c, entry, TYPE_HASH):
        return False
    entry = opened_or_new(c, argv[1], entry)
    hash_make_room(entry, &e.settings, argc - 2, argv + 2)
    for i in range(2, argc, 2):
        if hash_set(entry, &e.settings, argv[i], argv[i + 1]):
            created[0] += 1
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


cdef void hsetnx_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HSETNX key field value."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef HashPair pair
    if not check_type(c, entry, TYPE_HASH):
        return
    if entry != NULL and hash_find(entry, argv[2], &pair):
        reply_int(&c.reply, 0)
        return
    hash_set(opened_or_new(c, argv[1], entry), &e.settings, argv[2], argv[3])
    reply_int(&c.reply, 1)
    mutated(c.db, argv[1], NOTIFY_HASH, b"hset", 1)


cdef void hincrby_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HINCRBY key field increment."""
    cdef Entry* entry
    cdef HashPair pair
    cdef int64_t increment
    cdef int64_t n = 0
    cdef char[HASH_TEXT] text
    if not arg_i64(c, argv[3], &increment):
        return
    entry = open_for_write(c.db, argv[1])
    if not check_type(c, entry, TYPE_HASH):
        return
    if entry != NULL and hash_find(entry, argv[2], &pair) and not num_read_i64(pair.value, &n):
        reply_error(&c.reply, b"ERR hash value is not an integer")
        return
    if (increment > 0 and n > INT64_MAX - increment) or (increment < 0 and n < INT64_MIN - increment):
        reply_error(&c.reply, b"ERR increment or decrement would overflow")
        return
    n += increment
    entry = opened_or_new(c, argv[1], entry)
    hash_set(entry, &e.settings, argv[2], slice_of(text, num_write_i64(text, n)))
    reply_int(&c.reply, n)
    mutated(c.db, argv[1], NOTIFY_HASH, b"hincrby", 1)


cdef inline bint is_finite(long double n) noexcept nogil:
    # a long double may be where a double is not
    return n - n == 0


cdef bint incremented(Client* c, const Entry* entry, Slice field, Slice increment, long double* n) noexcept nogil:
    """The field's new value; False: replied with an error."""
    cdef HashPair pair
    cdef long double by
    num_read_long_double(increment, &by)
    n[0] = 0
    if entry != NULL and hash_find(entry, field, &pair) and not num_read_long_double(pair.value, n):
        reply_error(&c.reply, b"ERR hash value is not a float")
        return False
    n[0] += by
    if not is_finite(n[0]):
        reply_error(&c.reply, b"ERR increment would produce NaN or Infinity")
        return False
    return True


cdef void hincrbyfloat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HINCRBYFLOAT key field increment. Computes in long double and propagates HSET with the outcome."""
    cdef Entry* entry
    cdef long double n
    cdef char[NUM_LONG_DOUBLE_TEXT] text
    cdef Slice[4] effect
    if not num_read_long_double(argv[3], &n):
        reply_error(&c.reply, b"ERR value is not a valid float")
        return
    if not is_finite(n):
        reply_error(&c.reply, b"ERR value is NaN or Infinity")
        return
    entry = open_for_write(c.db, argv[1])
    if not check_type(c, entry, TYPE_HASH) or not incremented(c, entry, argv[2], argv[3], &n):
        return
    # what a replica computes might be rounded otherwise
    effect[0] = slice_text(b"HSET")
    effect[1] = argv[1]
    effect[2] = argv[2]
    effect[3] = slice_of(text, num_write_long_double(text, n))
    hash_set(opened_or_new(c, argv[1], entry), &e.settings, argv[2], effect[3])
    reply_bulk(&c.reply, effect[3])
    mutated(c.db, argv[1], NOTIFY_HASH, b"hincrbyfloat", 1)
    propagate_instead(e, c, 4, effect)


# ---- removing


cdef void fields_removed(Client* c, Slice key, const Entry* entry, int64_t count) noexcept nogil:
    """After count fields of a hash were removed."""
    cdef bint empty = hash_length(entry) == 0
    if count == 0:
        return
    if empty:
        delete_key(c.db, key)
    mutated(c.db, key, NOTIFY_HASH, b"hdel", count)
    if empty:
        notify(c.db, NOTIFY_GENERIC, b"del", key)


cdef void hdel_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HDEL key field [field ...]."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef int64_t removed = 0
    cdef int i
    if not check_type(c, entry, TYPE_HASH):
        return
    if entry != NULL:
        for i in range(2, argc):
            if hash_remove(entry, argv[i]):
                removed += 1
        fields_removed(c, argv[1], entry, removed)
    reply_int(&c.reply, removed)


cdef enum FieldsWord:
    FIELDS = 1

cdef OptionTable FIELDS_WORDS = option_table("hgetdel", [("fields", FIELDS, 0, 2)])


cdef bint parse_fields(Client* c, int argc, const Slice* argv) noexcept nogil:
    """FIELDS numfields field ... from argv[2] on; False: replied with an error."""
    cdef int64_t count
    if arg_choice(&FIELDS_WORDS, argv[2]) != FIELDS:
        reply_error(&c.reply, b"ERR Mandatory argument FIELDS is missing or not at the right position")
        return False
    if not arg_in_range(c, argv[3], 1, INT64_MAX, &count, b"ERR Number of fields must be a positive integer"):
        return False
    if count != argc - 4:
        reply_error(&c.reply, b"ERR The `numfields` parameter must match the number of arguments")
        return False
    return True


cdef void hgetdel_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HGETDEL key FIELDS numfields field [field ...]. Propagates HDEL, which older servers know too."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef HashPair pair
    cdef int64_t removed = 0
    cdef int i
    if not check_type(c, entry, TYPE_HASH) or not parse_fields(c, argc, argv):
        return
    reply_array(&c.reply, argc - 4)
    for i in range(4, argc):
        if entry == NULL or not hash_find(entry, argv[i], &pair):
            reply_null(&c.reply)
            continue
        reply_bulk(&c.reply, pair.value)
        hash_remove(entry, argv[i])
        removed += 1
    if removed:
        propagate_removal(e, c, argc, argv)
        fields_removed(c, argv[1], entry, removed)


cdef void propagate_removal(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HGETDEL key FIELDS n f ... as HDEL key f ..., which older servers know too."""
    cdef Slice[2] words
    words[0] = argv[2]
    words[1] = argv[3]
    argv[2] = slice_text(b"HDEL")
    argv[3] = argv[1]
    propagate_instead(e, c, argc - 2, argv + 2)
    # the slow log reads them again
    argv[2] = words[0]
    argv[3] = words[1]


# ---- reading


cdef bint read_hash(Client* c, Slice key, Entry** entry) noexcept nogil:
    """False: the key holds something else, which was replied. The entry is NULL if the key is absent."""
    entry[0] = lookup_read(c.db, key)
    return check_type(c, entry[0], TYPE_HASH)


cdef void reply_value(Client* c, const Entry* entry, Slice field) noexcept nogil:
    cdef HashPair pair
    if entry != NULL and hash_find(entry, field, &pair):
        reply_bulk(&c.reply, pair.value)
    else:
        reply_null(&c.reply)


cdef void hget_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HGET key field."""
    cdef Entry* entry
    if read_hash(c, argv[1], &entry):
        reply_value(c, entry, argv[2])


cdef void hmget_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HMGET key field [field ...]."""
    cdef Entry* entry
    cdef int i
    if not read_hash(c, argv[1], &entry):
        return
    reply_array(&c.reply, argc - 2)
    for i in range(2, argc):
        reply_value(c, entry, argv[i])


cdef void reply_pairs(Client* c, Entry* entry, bint fields, bint values) noexcept nogil:
    cdef HashIter it
    hash_iter(&it, entry)
    while hash_iter_next(&it):
        if fields:
            reply_bulk(&c.reply, it.pair.field)
        if values:
            reply_bulk(&c.reply, it.pair.value)
    hash_iter_done(&it)


cdef void hgetall_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HGETALL key."""
    cdef Entry* entry
    if not read_hash(c, argv[1], &entry):
        return
    reply_map(&c.reply, hash_length(entry) if entry != NULL else 0)
    if entry != NULL:
        reply_pairs(c, entry, True, True)


cdef void hkeys_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HKEYS key."""
    cdef Entry* entry
    if not read_hash(c, argv[1], &entry):
        return
    reply_array(&c.reply, hash_length(entry) if entry != NULL else 0)
    if entry != NULL:
        reply_pairs(c, entry, True, False)


cdef void hvals_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HVALS key."""
    cdef Entry* entry
    if not read_hash(c, argv[1], &entry):
        return
    reply_array(&c.reply, hash_length(entry) if entry != NULL else 0)
    if entry != NULL:
        reply_pairs(c, entry, False, True)


cdef void hlen_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HLEN key."""
    cdef Entry* entry
    if read_hash(c, argv[1], &entry):
        reply_int(&c.reply, hash_length(entry) if entry != NULL else 0)


cdef void hstrlen_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HSTRLEN key field."""
    cdef Entry* entry
    cdef HashPair pair
    if read_hash(c, argv[1], &entry):
        reply_int(&c.reply, pair.value.len if entry != NULL and hash_find(entry, argv[2], &pair) else 0)


cdef void hexists_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HEXISTS key field."""
    cdef Entry* entry
    cdef HashPair pair
    if read_hash(c, argv[1], &entry):
        reply_int(&c.reply, entry != NULL and hash_find(entry, argv[2], &pair))


cdef void add_field(void* context, void* block) noexcept nogil:
    cdef Scan* scan = <Scan*>context
    cdef Slice field
    hash_field_of(block, &field)
    if scan_wants(scan, field):
        scan_add(scan, field)
        if not scan.no_values:
            scan_add(scan, hash_value_of(block))


cdef void add_all_fields(Scan* scan, Entry* entry) noexcept nogil:
    cdef HashIter it
    hash_iter(&it, entry)
    while hash_iter_next(&it):
        if scan_wants(scan, it.pair.field):
            scan_add(scan, it.pair.field)
            if not scan.no_values:
                scan_add(scan, it.pair.value)
    hash_iter_done(&it)


cdef void hscan_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]."""
    cdef Entry* entry
    cdef Scan scan
    cdef uint64_t cursor = 0
    if not scan_cursor(c, argv[2], &scan.cursor) or not read_hash(c, argv[1], &entry):
        return
    if entry == NULL:
        scan_reply_empty(c)
        return
    if not scan_options(c, argc, argv, 3, SCAN_FIELDS, &scan):
        return
    scan_begin(&scan, c)
    if hash_table(entry) != NULL:
        cursor = scan_table(&scan, hash_table(entry), add_field)
    else:
        add_all_fields(&scan, entry)
    scan_end(&scan, c, cursor)
