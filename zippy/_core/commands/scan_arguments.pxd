"""What SCAN, HSCAN, SSCAN and ZSCAN share: the cursor, the options, and the reply that begins with the next cursor.

    if not scan_cursor(c, argv[2], &scan.cursor): return
    ... find the value; scan_reply_empty(c) if it is absent ...
    if not scan_options(c, argc, argv, 3, SCAN_MEMBERS, &scan): return
    scan_begin(&scan, c)
    next_cursor = scan_table(&scan, table, add_member)      # add_member: if scan_wants(...): scan_add(...)
    scan_end(&scan, c, next_cursor)
"""

from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.hashtable cimport HashTable, ht_scan_fn
from zippy._core.commands.types cimport Client
from zippy._core.keyspace.key_table cimport KeyTable
from zippy._core.resp.writer cimport Reply

cdef enum ScanKind:
    # whose options are taken
    SCAN_KEYS = 0
    SCAN_MEMBERS = 1
    SCAN_FIELDS = 2


cdef struct Scan:
    uint64_t cursor
    int64_t count        # items wanted, roughly; at least 1
    Slice pattern        # borrowed; ptr is NULL when everything matches
    Slice type_name      # SCAN's TYPE as given, borrowed; ptr is NULL without it
    bint no_values
    uint64_t seen        # items that callbacks were called for, wanted or not
    int64_t added        # elements in `items`
    Reply items          # the elements' bytes


cdef bint scan_cursor(Client* c, Slice s, uint64_t* cursor) noexcept nogil        # False: replied "ERR invalid cursor"
# The options from argv[at] on; False: replied with an error. Leaves scan.cursor alone
cdef bint scan_options(Client* c, int argc, const Slice* argv, int at, int kind, Scan* scan) noexcept nogil
cdef void scan_begin(Scan* scan, Client* c) noexcept nogil                        # ends with scan_end
cdef bint scan_wants(const Scan* scan, Slice text) noexcept nogil                 # does it match the pattern
cdef void scan_add(Scan* scan, Slice element) noexcept nogil                      # one more element of the reply's array
# From scan.cursor on until count items were seen: calls fn(scan, item) for each. Returns the next cursor
cdef uint64_t scan_table(Scan* scan, HashTable* table, ht_scan_fn fn) noexcept nogil
# The same for a database's keys, or those of one slot; slot: -1 for all
cdef uint64_t scan_keys(Scan* scan, KeyTable* table, int slot, ht_scan_fn fn) noexcept nogil
cdef void scan_end(Scan* scan, Client* c, uint64_t cursor) noexcept nogil         # replies [cursor, [elements]]
cdef void scan_reply_empty(Client* c) noexcept nogil                              # ["0", []]
