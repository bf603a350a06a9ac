# The elements are gathered in a reply of their own, since their number and the next cursor stand before them.

from libc.stdint cimport INT64_MAX, uint32_t
from libc.string cimport memcpy
from zippy._core.ground.buf cimport slice_of
from zippy._core.ground.glob cimport glob_match
from zippy._core.ground.hashtable cimport ht_scan
from zippy._core.ground.number cimport NUM_I64_TEXT, num_read_i64, num_write_u64
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_choice, arg_i64, arg_option, option_table, options_begin, reply_syntax_error
)
from zippy._core.keyspace.key_table cimport kt_scan, kt_scan_slot
from zippy._core.resp.writer cimport (
    reply_array, reply_bulk, reply_bulk_text, reply_error, reply_free, reply_init, reply_raw
)

cdef extern from *:
    """
    #include <errno.h>
    #include <stdint.h>
    #include <stdlib.h>
    /* all of the text as strtoull reads it, which takes leading blanks and signs */
    static int zippy_read_cursor(const char* text, uint64_t* n) {
        char* end;
        errno = 0;
        *n = strtoull(text, &end, 10);
        return errno == 0 && end != text && *end == 0;
    }
    """
    bint zippy_read_cursor(const char* text, uint64_t* n) noexcept nogil

cdef enum:
    CURSOR_TEXT = 40         # bytes; no cursor is longer
    STEPS_PER_ITEM = 10      # buckets looked at for each item wanted, at most


cdef bint scan_cursor(Client* c, Slice s, uint64_t* cursor) noexcept nogil:
    cdef char[CURSOR_TEXT + 1] text
    cdef int64_t n
    if num_read_i64(s, &n):
        if n >= 0:
            cursor[0] = <uint64_t>n
            return True
    elif 0 < s.len <= CURSOR_TEXT:
        memcpy(text, s.ptr, s.len)
        text[s.len] = 0
        if zippy_read_cursor(text, cursor):
            return True
    reply_error(&c.reply, b"ERR invalid cursor")
    return False


cdef enum ScanFlag:
    SCAN_MATCH = 1
    SCAN_COUNT = 2
    SCAN_TYPE = 4
    SCAN_NOVALUES = 8

cdef OptionTable KEYS_OPTIONS = option_table("scan", [
    ("match", SCAN_MATCH, 0, 1),
    ("count", SCAN_COUNT, 0, 1),
    ("type", SCAN_TYPE, 0, 1),
])
cdef OptionTable MEMBERS_OPTIONS = option_table("sscan zscan", [
    ("match", SCAN_MATCH, 0, 1),
    ("count", SCAN_COUNT, 0, 1),
])
cdef OptionTable FIELDS_OPTIONS = option_table("hscan", [
    ("match", SCAN_MATCH, 0, 1),
    ("count", SCAN_COUNT, 0, 1),
    ("novalues", SCAN_NOVALUES),
])


cdef const OptionTable* table_of(int kind) noexcept nogil:
    if kind == SCAN_KEYS:
        return &KEYS_OPTIONS
    return &MEMBERS_OPTIONS if kind == SCAN_MEMBERS else &FIELDS_OPTIONS


cdef void reply_no_option(Client* c, Slice word) noexcept nogil:
    """Replies with the error for a word that is no option of this command: HSCAN's own option has one of its own."""
    if arg_choice(&FIELDS_OPTIONS, word) == SCAN_NOVALUES:
        reply_error(&c.reply, b"ERR NOVALUES option can only be used in HSCAN")
    else:
        reply_syntax_error(c)


cdef bint scan_options(Client* c, int argc, const Slice* argv, int at, int kind, Scan* scan) noexcept nogil:
    cdef Options options
    cdef uint32_t option
    scan.count = 10
    scan.pattern = slice_of(NULL, 0)
    scan.type_name = slice_of(NULL, 0)
    options_begin(&options, table_of(kind), argc, argv, at)
    while options.at < argc:
        option = arg_option(&options)
        if option == 0:
            reply_no_option(c, argv[options.at])
            return False
        if option == SCAN_COUNT:
            if not arg_i64(c, options.value[0], &scan.count):
                return False
            if scan.count < 1:
                reply_syntax_error(c)
                return False
        elif option == SCAN_MATCH:
            scan.pattern = options.value[0]
            if scan.pattern.len == 1 and scan.pattern.ptr[0] == c'*':
                scan.pattern = slice_of(NULL, 0)
        elif option == SCAN_TYPE:
            scan.type_name = options.value[0]
    scan.no_values = (options.flags & SCAN_NOVALUES) != 0
    return True


cdef void scan_begin(Scan* scan, Client* c) noexcept nogil:
    reply_init(&scan.items)
    scan.items.proto = c.reply.proto
    scan.seen = 0
    scan.added = 0


cdef bint scan_wants(const Scan* scan, Slice text) noexcept nogil:
    return scan.pattern.ptr == NULL or glob_match(scan.pattern, text, False)


cdef void scan_add(Scan* scan, Slice element) noexcept nogil:
    reply_bulk(&scan.items, element)
    scan.added += 1


cdef struct Visit:
    Scan* scan
    ht_scan_fn fn
    uint64_t steps       # that are left


cdef void visit_item(void* context, void* item) noexcept nogil:
    cdef Visit* visit = <Visit*>context
    visit.scan.seen += 1
    visit.fn(visit.scan, item)


cdef void visit_begin(Visit* visit, Scan* scan, ht_scan_fn fn) noexcept nogil:
    visit.scan = scan
    visit.fn = fn
    visit.steps = <uint64_t>scan.count
    if scan.count < INT64_MAX // STEPS_PER_ITEM:
        visit.steps *= STEPS_PER_ITEM


cdef bint visit_goes_on(Visit* visit, uint64_t cursor) noexcept nogil:
    """After a step: whether another is wanted."""
    visit.steps -= 1
    return cursor != 0 and visit.steps != 0 and visit.scan.seen < <uint64_t>visit.scan.count


cdef uint64_t scan_table(Scan* scan, HashTable* table, ht_scan_fn fn) noexcept nogil:
    cdef Visit visit
    cdef uint64_t cursor
    visit_begin(&visit, scan, fn)
    cursor = ht_scan(table, scan.cursor, visit_item, &visit)
    while visit_goes_on(&visit, cursor):
        cursor = ht_scan(table, cursor, visit_item, &visit)
    return cursor


cdef inline uint64_t scan_step(KeyTable* table, int slot, uint64_t cursor, Visit* visit) noexcept nogil:
    return kt_scan(table, cursor, visit_item, visit) if slot < 0 else kt_scan_slot(table, slot, cursor, visit_item, visit)


cdef uint64_t scan_keys(Scan* scan, KeyTable* table, int slot, ht_scan_fn fn) noexcept nogil:
    cdef Visit visit
    cdef uint64_t cursor
    visit_begin(&visit, scan, fn)
    cursor = scan_step(table, slot, scan.cursor, &visit)
    while visit_goes_on(&visit, cursor):
        cursor = scan_step(table, slot, cursor, &visit)
    return cursor


cdef void scan_end(Scan* scan, Client* c, uint64_t cursor) noexcept nogil:
    cdef char[NUM_I64_TEXT] text
    reply_array(&c.reply, 2)
    reply_bulk(&c.reply, slice_of(text, num_write_u64(text, cursor)))
    reply_array(&c.reply, scan.added)
    reply_raw(&c.reply, scan.items.out.data, scan.items.out.len)
    if scan.items.out.failed:
        c.reply.out.failed = True
    reply_free(&scan.items)


cdef void scan_reply_empty(Client* c) noexcept nogil:
    reply_array(&c.reply, 2)
    reply_bulk_text(&c.reply, b"0")
    reply_array(&c.reply, 0)
