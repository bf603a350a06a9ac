# KEYS walks the table in one turn, SCAN by a cursor over its buckets; neither needs an order of keys.

from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Slice, slice_is
from zippy._core.ground.crc cimport pattern_slot
from zippy._core.ground.glob cimport glob_match
from zippy._core.commands.scan_arguments cimport (
    SCAN_KEYS, Scan, scan_add, scan_begin, scan_cursor, scan_end, scan_keys, scan_options, scan_wants,
)
from zippy._core.commands.types cimport Client, Engine
from zippy._core.keyspace.db cimport expire_if_needed, is_expired, random_key
from zippy._core.keyspace.key_table cimport KeyIter, kt_iter, kt_iter_done, kt_iter_next, kt_scan_slot
from zippy._core.keyspace.types cimport Db
from zippy._core.resp.writer cimport reply_bulk, reply_defer, reply_defer_array, reply_null
from zippy._core.values.entry cimport Entry, entry_key
from zippy._core.values.value cimport value_type_name


cdef struct KeyList:
    Client* client
    Slice pattern
    bint all_keys
    int64_t count        # that were replied


cdef void list_key(void* context, void* item) noexcept nogil:
    cdef KeyList* keys = <KeyList*>context
    cdef Entry* entry = <Entry*>item
    if (keys.all_keys or glob_match(keys.pattern, entry_key(entry), False)) and not is_expired(keys.client.db, entry):
        reply_bulk(&keys.client.reply, entry_key(entry))
        keys.count += 1


cdef void keys_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """KEYS pattern. Walks the whole table in one turn, in a cluster that of the only slot that the pattern's keys can have; expired keys
    are left out and not deleted."""
    cdef KeyIter it
    cdef Entry* entry
    cdef KeyList keys = KeyList(c, argv[1], argv[1].len == 1 and argv[1].ptr[0] == c'*', 0)
    cdef int slot = pattern_slot(argv[1]) if e.cluster != NULL else -1
    cdef size_t place = reply_defer(&c.reply)
    cdef uint64_t cursor
    if slot >= 0:
        cursor = kt_scan_slot(&c.db.table, slot, 0, list_key, &keys)
        while cursor:
            cursor = kt_scan_slot(&c.db.table, slot, cursor, list_key, &keys)
    else:
        kt_iter(&it, &c.db.table)
        entry = kt_iter_next(&it)
        while entry != NULL:
            list_key(&keys, entry)
            entry = kt_iter_next(&it)
        kt_iter_done(&it)
    reply_defer_array(&c.reply, place, keys.count)


cdef bint leave_expired(Engine* e) noexcept nogil:
    """Has expired keys left where they are if a transaction must not delete what it does not name; whether that was so before."""
    cdef bint paused = e.ks.expiry_paused
    if not e.settings.lazyexpire_nested_arbitrary_keys and e.call.parent != NULL:
        e.ks.expiry_paused = True
    return paused


cdef void randomkey_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """RANDOMKEY."""
    cdef bint paused = leave_expired(e)
    cdef Entry* entry = random_key(c.db)
    e.ks.expiry_paused = paused
    if entry == NULL:
        reply_null(&c.reply)
    else:
        reply_bulk(&c.reply, entry_key(entry))


cdef struct KeyScan:
    Scan scan            # first: scan_keys' callback is given its address
    Db* db


cdef void look_at_key(void* context, void* item) noexcept nogil:
    cdef KeyScan* keys = <KeyScan*>context
    cdef Entry* entry = <Entry*>item
    # each key that is visited comes to its end, wanted or not
    if expire_if_needed(keys.db, entry):
        return
    if keys.scan.type_name.ptr != NULL and not slice_is(keys.scan.type_name, value_type_name(entry)):
        return
    if scan_wants(&keys.scan, entry_key(entry)):
        scan_add(&keys.scan, entry_key(entry))


cdef void scan_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]. Shows a key that is there from the first call to the last, whatever is added
    or removed meanwhile. Deletes each key that it visits and that has expired. In a cluster a pattern whose keys can be of one slot alone
    has that slot's scanned."""
    cdef KeyScan keys
    cdef uint64_t next
    cdef int slot = -1
    cdef bint paused
    if not scan_cursor(c, argv[1], &keys.scan.cursor) or not scan_options(c, argc, argv, 2, SCAN_KEYS, &keys.scan):
        return
    keys.db = c.db
    if e.cluster != NULL and keys.scan.pattern.ptr != NULL:
        slot = pattern_slot(keys.scan.pattern)
    scan_begin(&keys.scan, c)
    paused = leave_expired(e)
    next = scan_keys(&keys.scan, &c.db.table, slot, look_at_key)
    e.ks.expiry_paused = paused
    scan_end(&keys.scan, c, next)
