"""A type of value as a row: what the server does with every value, whatever it holds. `value` has the table.

A type is one module beside its structure (`list_type` beside `list`) that fills a row; nothing else asks for a value's type but its own
commands. An entry's block moves (compaction, an expiry, a new name), so nothing in a value may point to its entry.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.sha1 cimport Sha1
from zippy._core.ground.slice cimport Slice
from zippy._core.values.element_expiry cimport ElementOps
from zippy._core.values.entry cimport Entry
from zippy._core.values.rdb_stream cimport RdbReader, RdbWriter
from zippy._core.values.settings cimport Settings

cdef enum:
    TYPES = 16                      # that the four bits of an entry can tell apart
    ENCODINGS = 16
    RDB_PART_WORDS = 24

cdef enum RdbType:
    # the byte before a key
    RDB_STRING = 0
    RDB_LIST = 1                    # elements as strings
    RDB_SET = 2                     # members as strings
    RDB_ZSET = 3                    # scores as text
    RDB_HASH = 4
    RDB_ZSET_2 = 5                  # scores as eight bytes
    RDB_HASH_ZIPMAP = 9
    RDB_LIST_ZIPLIST = 10
    RDB_SET_INTSET = 11
    RDB_ZSET_ZIPLIST = 12
    RDB_HASH_ZIPLIST = 13
    RDB_LIST_QUICKLIST = 14         # of ziplists
    RDB_STREAM_LISTPACKS = 15
    RDB_HASH_LISTPACK = 16
    RDB_ZSET_LISTPACK = 17
    RDB_LIST_QUICKLIST_2 = 18       # of listpacks and plain elements
    RDB_STREAM_LISTPACKS_2 = 19
    RDB_SET_LISTPACK = 20           # since version 11
    RDB_STREAM_LISTPACKS_3 = 21     # since version 11
    RDB_HASH_METADATA_OLD = 22
    RDB_HASH_LISTPACK_EX_OLD = 23
    RDB_HASH_METADATA = 24          # fields that expire, since version 12
    RDB_HASH_LISTPACK_EX = 25
    RDB_TYPES = 26


cdef struct RdbPart:
    # a value that is being written; it must not change meanwhile
    Entry* entry
    bint whole                      # in: it is written without a pause, so that a string may be packed as a whole
    bint done                       # all is written
    uint64_t[RDB_PART_WORDS] state  # the type's own: where it is


# Reads what follows the key of this RdbType and makes an entry without expiry. It trusts no byte. NULL after rdb_fail; an entry that was
# begun before rdb_fail is returned, and freed by the caller
ctypedef Entry* (*rdb_read_fn)(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil


cdef struct TypeOps:
    const char* name                        # the reply to TYPE
    const char* encodings[ENCODINGS]        # the reply to OBJECT ENCODING; NULL: the type has no such Encoding
    rdb_read_fn[RDB_TYPES] readers          # of the RdbTypes that hold values of this type; among them all that rdb_type names
    size_t part_bytes                       # of RdbPart.state that are in use
    const ElementOps* elements              # NULL: elements of this type do not expire
    # What follows are functions, and all of them have to be there.
    # The value; the entry's block is the caller's to free, and a string in it goes with that
    void (*free)(Entry* e) noexcept nogil
    # Frees up to so many elements; True: all is gone. Until then only this may be called
    bint (*free_some)(Entry* e, uint64_t items) noexcept nogil
    uint64_t (*free_effort)(const Entry* e) noexcept nogil          # blocks that freeing takes, roughly
    Entry* (*copy)(Entry* e, Slice key, int64_t expiry) noexcept nogil   # a deep copy under another key; NULL: out of memory
    uint64_t (*length)(const Entry* e) noexcept nogil               # elements; bytes of a string
    # Bytes beside those that entry_memory counts, from so many sampled elements (0: all)
    size_t (*memory)(Entry* e, uint64_t samples) noexcept nogil
    # The RdbType that it is written as in this version of the format; a value, which may be NULL, can need a newer one
    int (*rdb_type)(const Entry* e, int version) noexcept nogil
    # 0, or, where writing it takes long, so that it is done in pieces, in some 20 microseconds how long
    uint64_t (*rdb_weight)(const Entry* e) noexcept nogil
    void (*rdb_begin)(RdbWriter* w, RdbPart* part) noexcept nogil   # the head; or all that follows the key, and part.done is set
    void (*rdb_next)(RdbWriter* w, RdbPart* part) noexcept nogil    # an element or a piece; sets part.done if there was none left
    void (*rdb_end)(RdbPart* part) noexcept nogil                   # ends what rdb_begin began, done or not
    void (*rebuild)(RdbWriter* w, Entry* e) noexcept nogil          # the commands that bring the value about, without its expiry
    # Adds the value to a sum: equal data give equal ones, whatever the encoding and a table's order. Reads alone
    void (*digest)(Sha1* h, Entry* e) noexcept nogil
