# A set is made in the encoding that its first members ask for and deleted with its last one; all commands that remove members end in
# set_removal.

from libc.stdint cimport int64_t, uint64_t
from zippy._core.commands.args cimport check_type
from zippy._core.commands.scan_arguments cimport (
    SCAN_MEMBERS, Scan, scan_add, scan_begin, scan_cursor, scan_end, scan_options, scan_reply_empty, scan_table, scan_wants
)
from zippy._core.commands.set_removal cimport members_removed
from zippy._core.keyspace.db cimport lookup_read, open_for_write, put_new
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.types cimport NOTIFY_SET
from zippy._core.resp.writer cimport reply_array, reply_bulk, reply_int, reply_set
from zippy._core.values.entry cimport TYPE_SET, Entry
from zippy._core.values.set cimport (
    SET_TEXT, SetIter, set_add, set_contains, set_iter, set_iter_done, set_iter_next, set_length, set_make_room, set_member_of, set_new,
    set_remove, set_table, set_text
)


cdef void sadd_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SADD key member [member ...]."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef int64_t added = 0
    cdef int i
    if not check_type(c, entry, TYPE_SET):
        return
    if entry == NULL:
        entry = set_new(argv[1], &e.settings, argv[2], argc - 2)
        put_new(c.db, entry)
    else:
        set_make_room(entry, &e.settings, argc - 2)
    for i in range(2, argc):
        if set_add(entry, &e.settings, argv[i]):
            added += 1
    if added:
        mutated(c.db, argv[1], NOTIFY_SET, b"sadd", added)
    reply_int(&c.reply, added)


cdef void srem_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SREM key member [member ...]."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef int64_t removed = 0
    cdef int i
    if not check_type(c, entry, TYPE_SET):
        return
    if entry != NULL:
        for i in range(2, argc):
            if set_remove(entry, argv[i]):
                removed += 1
        if removed:
            members_removed(c, argv[1], entry, b"srem", removed)
    reply_int(&c.reply, removed)


cdef void smove_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SMOVE source destination member."""
    cdef Entry* source = open_for_write(c.db, argv[1])
    cdef Entry* target = open_for_write(c.db, argv[2])
    if source == NULL:
        reply_int(&c.reply, 0)
        return
    if not check_type(c, source, TYPE_SET) or not check_type(c, target, TYPE_SET):
        return
    if source == target:
        reply_int(&c.reply, set_contains(source, argv[3]))
        return
    if not set_remove(source, argv[3]):
        reply_int(&c.reply, 0)
        return
    members_removed(c, argv[1], source, b"srem", 1)
    if target == NULL:
        target = set_new(argv[2], &e.settings, argv[3], 1)
        put_new(c.db, target)
    if set_add(target, &e.settings, argv[3]):
        mutated(c.db, argv[2], NOTIFY_SET, b"sadd", 1)
    reply_int(&c.reply, 1)


cdef void scard_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SCARD key."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    if check_type(c, entry, TYPE_SET):
        reply_int(&c.reply, set_length(entry) if entry != NULL else 0)


cdef void sismember_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SISMEMBER key member."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    if check_type(c, entry, TYPE_SET):
        reply_int(&c.reply, entry != NULL and set_contains(entry, argv[2]))


cdef void smismember_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SMISMEMBER key member [member ...]."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    cdef int i
    if not check_type(c, entry, TYPE_SET):
        return
    reply_array(&c.reply, argc - 2)
    for i in range(2, argc):
        reply_int(&c.reply, entry != NULL and set_contains(entry, argv[i]))


cdef void smembers_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SMEMBERS key."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    cdef SetIter it
    cdef char[SET_TEXT] scratch
    if not check_type(c, entry, TYPE_SET):
        return
    reply_set(&c.reply, set_length(entry) if entry != NULL else 0)
    if entry == NULL:
        return
    set_iter(&it, entry)
    while set_iter_next(&it):
        reply_bulk(&c.reply, set_text(&it.member, scratch))
    set_iter_done(&it)


cdef void add_member(void* context, void* block) noexcept nogil:
    cdef Scan* scan = <Scan*>context
    cdef Slice member
    set_member_of(block, &member)
    if scan_wants(scan, member):
        scan_add(scan, member)


cdef void add_all_members(Scan* scan, Entry* entry) noexcept nogil:
    cdef SetIter it
    cdef char[SET_TEXT] scratch
    cdef Slice member
    set_iter(&it, entry)
    while set_iter_next(&it):
        member = set_text(&it.member, scratch)
        if scan_wants(scan, member):
            scan_add(scan, member)
    set_iter_done(&it)


cdef void sscan_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SSCAN key cursor [MATCH pattern] [COUNT count]."""
    cdef Entry* entry
    cdef Scan scan
    cdef uint64_t cursor = 0
    if not scan_cursor(c, argv[2], &scan.cursor):
        return
    entry = lookup_read(c.db, argv[1])
    if entry == NULL:
        scan_reply_empty(c)
        return
    if not check_type(c, entry, TYPE_SET) or not scan_options(c, argc, argv, 3, SCAN_MEMBERS, &scan):
        return
    scan_begin(&scan, c)
    if set_table(entry) != NULL:
        cursor = scan_table(&scan, set_table(entry), add_member)
    else:
        add_all_members(&scan, entry)
    scan_end(&scan, c, cursor)
