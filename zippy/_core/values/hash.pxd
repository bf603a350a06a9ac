"""Hashes: a listpack of fields and values in turn, in order of insertion, while small; else a hash table.

A field in the table is one block: flags (1 byte), the lengths of field and value (1, 2, 4 or 8 bytes each, as the flags say), the field,
the value, and six bytes of its moment if it expires. The table has an index of these then (`element_expiry`).

A small hash of which a field was ever given an expiry is a listpack of field, value and moment (0: none), called "listpackex" as in Redis.
Those that expire come first, in the order of their moments, as Redis expects them in a file.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint32_t, uint64_t
from zippy._core.ground.slice cimport Slice
from zippy._core.ground.hashtable cimport HashTable, HtIter
from zippy._core.ground.random cimport Random
from zippy._core.values.element_expiry cimport ExpiringElement
from zippy._core.values.entry cimport Entry
from zippy._core.values.settings cimport Settings

cdef enum:
    HASH_TEXT = 24         # bytes of scratch that the text of an integer needs
    KEEP_EXPIRY = -2       # for hash_put: the field's own expiry, if it has one


cdef struct HashPair:
    # a field and its value, borrowed until the next change; small integers are in the scratch, so a pair must not be moved
    Slice field
    Slice value
    int64_t expiry         # ms since the epoch, or NO_EXPIRY
    char[24] field_text
    char[24] value_text


cdef struct HashIter:
    Entry* entry
    HtIter table           # when the hash is a hash table
    unsigned char* p       # when it is a listpack: the next field
    HashPair pair          # the one just returned


cdef Entry* hash_new(Slice key) noexcept nogil                                     # an empty hash
cdef uint64_t hash_length(const Entry* e) noexcept nogil                           # fields
cdef bint hash_find(const Entry* e, Slice field, HashPair* pair) noexcept nogil    # False: no such field
# To be called before count words (fields and values in turn) are set at once: makes a hash table of a listpack that they do not fit
cdef void hash_make_room(Entry* e, const Settings* s, int count, const Slice* words) noexcept nogil
cdef bint hash_set(Entry* e, const Settings* s, Slice field, Slice value) noexcept nogil   # hash_put without an expiry
# Sets a field that expires at that moment, or NO_EXPIRY, or KEEP_EXPIRY; True: the field is new
cdef bint hash_put(Entry* e, const Settings* s, Slice field, Slice value, int64_t expiry) noexcept nogil
# Gives a field that is there this moment, or NO_EXPIRY
cdef void hash_set_expiry(Entry* e, Slice field, int64_t expiry) noexcept nogil
cdef int64_t hash_next_expiry(const Entry* e) noexcept nogil       # when the first field expires, NO_EXPIRY: none does
cdef int64_t hash_last_expiry(const Entry* e) noexcept nogil       # when the last field does, NO_EXPIRY: not all expire
cdef uint64_t hash_count_below(const Entry* e, int64_t moment) noexcept nogil       # fields that expire earlier, as ti_count_below
cdef int hash_first_expiring(const Entry* e, ExpiringElement* some) noexcept nogil      # as in ElementOps
cdef void hash_remove_first(Entry* e, int count) noexcept nogil                         # as in ElementOps
cdef void hash_keep_expiry(Entry* e) noexcept nogil                # makes a plain listpack one that can hold expiries
cdef bint hash_remove(Entry* e, Slice field) noexcept nogil                        # False: no such field
# A uniform field of a hash that is not empty. Who draws many gives what hash_places said, which is then freed by mem_free, else NULL
cdef void hash_random(const Entry* e, Random* r, const uint32_t* places, HashPair* pair) noexcept nogil
cdef uint32_t* hash_places(const Entry* e) noexcept nogil                          # where a listpack's fields are; NULL: nothing to know
cdef void hash_iter(HashIter* it, Entry* e) noexcept nogil                         # ends with hash_iter_done
cdef bint hash_iter_next(HashIter* it) noexcept nogil                              # it.pair is the field and value; False at the end
cdef void hash_iter_done(HashIter* it) noexcept nogil
cdef HashTable* hash_table(const Entry* e) noexcept nogil                          # the table of fields, NULL for a listpack
cdef void hash_field_of(const void* block, Slice* field) noexcept nogil            # of a block in the table
cdef Slice hash_value_of(const void* block) noexcept nogil
cdef int64_t hash_expiry_of(const void* block) noexcept nogil      # or NO_EXPIRY
cdef void hash_free(Entry* e) noexcept nogil
cdef bint hash_free_some(Entry* e, uint64_t items) noexcept nogil
cdef uint64_t hash_free_effort(const Entry* e) noexcept nogil
cdef Entry* hash_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil
cdef size_t hash_memory(Entry* e, uint64_t samples) noexcept nogil
