# Keys have no order, so their checksums are mixed bit by bit: the outcome is the same however the tables lie.

from libc.string cimport memset
from zippy._core.ground.sha1 cimport SHA1_BYTES, Sha1, sha1_begin, sha1_end, sha1_take
from zippy._core.keyspace.db cimport is_expired
from zippy._core.keyspace.key_table cimport KeyIter, kt_iter, kt_iter_done, kt_iter_next
from zippy._core.keyspace.types cimport Db
from zippy._core.values.digest cimport digest_mix, digest_text
from zippy._core.values.entry cimport Entry, entry_key
from zippy._core.values.value cimport value_checksum


cdef void digest_key(Db* db, Entry* e, uint8_t* sum) noexcept nogil:
    """The sum of database, key and value."""
    cdef Sha1 h
    value_checksum(e, sum)
    sha1_begin(&h)
    sha1_take(&h, &db.id, sizeof(db.id))
    digest_text(&h, entry_key(e))
    sha1_take(&h, sum, SHA1_BYTES)
    sha1_end(&h, sum)


cdef void digest_keyspace(Keyspace* ks, uint8_t* total) noexcept nogil:
    cdef uint8_t[SHA1_BYTES] sum
    cdef KeyIter it
    cdef Entry* e
    cdef Db* db
    cdef int i
    memset(total, 0, SHA1_BYTES)
    for i in range(ks.db_count):
        db = ks.dbs[i]
        kt_iter(&it, &db.table)
        e = kt_iter_next(&it)
        while e != NULL:
            if not is_expired(db, e):
                digest_key(db, e, sum)
                digest_mix(total, sum)
            e = kt_iter_next(&it)
        kt_iter_done(&it)
