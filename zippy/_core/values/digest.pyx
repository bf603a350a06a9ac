# Each part is hashed with its length before it, so that no two values read alike; what has no order is hashed item by item and mixed bit
# by bit.

from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset
from zippy._core.ground.sha1 cimport SHA1_BYTES, sha1_begin, sha1_end, sha1_take
from zippy._core.values.entry cimport (
    NO_EXPIRY, TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_STRING, TYPE_ZSET, entry_expiry, entry_string, entry_type
)
from zippy._core.values.hash cimport HashIter, hash_iter, hash_iter_done, hash_iter_next
from zippy._core.values.list cimport LIST_TAIL, ListIter, item_text, list_iter, list_iter_done, list_iter_next, list_length
from zippy._core.values.set cimport SET_TEXT, SetIter, set_iter, set_iter_done, set_iter_next, set_text
from zippy._core.values.zset cimport ZSetIter, zset_iter, zset_iter_next

cdef enum:
    TYPES = 5                    # of values
    ITEM_TEXT = 24               # bytes of scratch that the text of an integer needs


ctypedef void (*content_fn)(Sha1* h, Entry* e) noexcept nogil

cdef content_fn[TYPES] contents
contents[<int>TYPE_STRING] = string_content
contents[<int>TYPE_LIST] = list_content
contents[<int>TYPE_SET] = set_content
contents[<int>TYPE_ZSET] = zset_content
contents[<int>TYPE_HASH] = hash_content


cdef void digest_number(Sha1* h, uint64_t n) noexcept nogil:
    """In eight bytes, the lowest first, whatever the machine has."""
    cdef uint8_t[8] text
    cdef int i
    for i in range(8):
        text[i] = <uint8_t>(n >> 8 * i)
    sha1_take(h, text, sizeof(text))


cdef void digest_text(Sha1* h, Slice s) noexcept nogil:
    digest_number(h, s.len)
    sha1_take(h, s.ptr, s.len)


cdef void digest_mix(uint8_t* total, const uint8_t* sum) noexcept nogil:
    cdef int i
    for i in range(SHA1_BYTES):
        total[i] ^= sum[i]


cdef void string_content(Sha1* h, Entry* e) noexcept nogil:
    cdef char[ITEM_TEXT] scratch
    digest_text(h, entry_string(e, scratch))


cdef void list_content(Sha1* h, Entry* e) noexcept nogil:
    cdef char[ITEM_TEXT] scratch
    cdef ListIter it
    digest_number(h, list_length(e))
    list_iter(&it, e, 0, LIST_TAIL)
    while list_iter_next(&it):
        digest_text(h, item_text(&it.item, scratch))
    list_iter_done(&it)


cdef void set_content(Sha1* h, Entry* e) noexcept nogil:
    cdef char[SET_TEXT] scratch
    cdef uint8_t[SHA1_BYTES] total
    cdef uint8_t[SHA1_BYTES] sum
    cdef Sha1 one
    cdef SetIter it
    memset(total, 0, sizeof(total))
    set_iter(&it, e)
    while set_iter_next(&it):
        sha1_begin(&one)
        digest_text(&one, set_text(&it.member, scratch))
        sha1_end(&one, sum)
        digest_mix(total, sum)
    set_iter_done(&it)
    sha1_take(h, total, sizeof(total))


cdef void hash_content(Sha1* h, Entry* e) noexcept nogil:
    cdef uint8_t[SHA1_BYTES] total
    cdef uint8_t[SHA1_BYTES] sum
    cdef Sha1 one
    cdef HashIter it
    memset(total, 0, sizeof(total))
    hash_iter(&it, e)
    while hash_iter_next(&it):
        sha1_begin(&one)
        digest_text(&one, it.pair.field)
        digest_text(&one, it.pair.value)
        sha1_end(&one, sum)
        digest_mix(total, sum)
    hash_iter_done(&it)
    sha1_take(h, total, sizeof(total))


cdef void zset_content(Sha1* h, Entry* e) noexcept nogil:
    cdef ZSetIter it
    cdef uint64_t bits
    zset_iter(&it, e, 0, False)
    while zset_iter_next(&it):
        digest_text(h, it.member)
        memcpy(&bits, &it.score, sizeof(bits))
        digest_number(h, bits)


cdef void digest_value(Entry* e, uint8_t* sum) noexcept nogil:
    cdef Sha1 h
    sha1_begin(&h)
    digest_number(&h, <uint64_t>entry_type(e))
    digest_number(&h, entry_expiry(e) != NO_EXPIRY)
    contents[entry_type(e)](&h, e)
    sha1_end(&h, sum)
