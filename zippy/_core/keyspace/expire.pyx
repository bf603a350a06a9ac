# Tables are scanned by cursor where the last cycle ended, and a cycle goes on for as long as it finds many that have expired or until its
# time is over.

from libc.stdint cimport uint64_t
from zippy._core.ground.clock cimport clock_ticks, clock_ticks_per_us
from zippy._core.keyspace.db cimport expire_if_needed
from zippy._core.keyspace.element_expiry cimport expire_elements_cycle
from zippy._core.keyspace.key_table cimport kt_count_expiring, kt_scan_expiring
from zippy._core.keyspace.types cimport Db
from zippy._core.values.entry cimport Entry, entry_expiry

cdef enum:
    ROUND_KEYS = 20           # keys looked at between two looks at the share of expired ones, at effort 1
    EXTRA_KEYS = 5            # more of them for each further effort
    STALE_PERCENT = 10        # a database goes on being searched while more than this share was expired
    NO_BUDGET_US = 1000000000  # for who wants it done, whatever it takes
    TTL_SMOOTHING = 50        # one sample's weight in the average is one in so many


cdef struct Round:
    # what one pass over some buckets saw
    Db* db
    int64_t looked_at
    int64_t expired
    int64_t ttl_sum           # ms, of those not expired


cdef void look_at(void* context, void* item) noexcept nogil:
    cdef Round* round = <Round*>context
    cdef Entry* e = <Entry*>item
    cdef int64_t expiry = entry_expiry(e)
    round.looked_at += 1
    if expire_if_needed(round.db, e):
        round.expired += 1
    else:
        round.ttl_sum += expiry - round.db.keyspace.clock.ms


cdef void note_ttl(Db* db, const Round* round) noexcept nogil:
    cdef int64_t live = round.looked_at - round.expired
    cdef int64_t average
    if live <= 0:
        return
    average = round.ttl_sum // live
    db.avg_ttl = average if db.avg_ttl == 0 else db.avg_ttl + (average - db.avg_ttl) // TTL_SMOOTHING


cdef bint expire_db(Db* db, int64_t budget_us, uint64_t began) noexcept nogil:
    """Searches one database while it pays; True when the time was over first."""
    cdef Round round
    cdef int64_t effort = db.keyspace.settings.active_expire_effort - 1
    cdef int64_t keys = ROUND_KEYS + EXTRA_KEYS * effort
    cdef uint64_t visited
    while kt_count_expiring(&db.table):
        round.db = db
        round.looked_at = round.expired = round.ttl_sum = 0
        visited = 0
        # sparse tables have many empty buckets: those are bounded too
        while round.looked_at < keys and visited < <uint64_t>keys * 20 and kt_count_expiring(&db.table):
            db.expire_cursor = kt_scan_expiring(&db.table, db.expire_cursor, look_at, &round)
            visited += 1
            if db.expire_cursor == 0:
                break
        note_ttl(db, &round)
        if (clock_ticks() - began) / clock_ticks_per_us() > budget_us:
            return True
        if round.looked_at == 0 or round.expired * 100 <= round.looked_at * (STALE_PERCENT - effort):
            return False
    return False


cdef bint expire_cycle(Keyspace* ks, int64_t budget_us) noexcept nogil:
    cdef uint64_t began = clock_ticks()
    cdef bint cut
    cdef int i
    if ks.expiry_paused or ks.replica or ks.loading:
        return False
    # keys have at least the other half of the time
    cut = expire_elements_cycle(ks, budget_us // 2, began)
    for i in range(ks.db_count):
        # the database that was next when time ran out comes first now
        if expire_db(ks.dbs[(ks.expire_db + i) % ks.db_count], budget_us, began):
            ks.expire_db = (ks.expire_db + i) % ks.db_count
            ks.stats.expired_time_cap_reached += 1
            cut = True
            break
    ks.stats.expire_cycle_us += <uint64_t>((clock_ticks() - began) / clock_ticks_per_us())
    return cut


cdef void expire_all(Keyspace* ks) noexcept nogil:
    cdef Round round
    cdef uint64_t cursor
    cdef int i
    if ks.expiry_paused or ks.replica or ks.loading:
        return
    expire_elements_cycle(ks, NO_BUDGET_US, clock_ticks())
    for i in range(ks.db_count):
        round.db = ks.dbs[i]
        round.looked_at = round.expired = round.ttl_sum = 0
        cursor = kt_scan_expiring(&round.db.table, 0, look_at, &round)
        while cursor:
            cursor = kt_scan_expiring(&round.db.table, cursor, look_at, &round)
        note_ttl(round.db, &round)
