# Twenty-four bits serve both policies, and are read by the policy in force: a change of policy makes what was noted before mean something
# else, as in Redis.

from zippy._core.ground.random cimport random_unit
from zippy._core.values.entry cimport entry_access
from zippy._core.values.settings cimport POLICY_ALLKEYS_LRU, POLICY_VOLATILE_LRU

cdef enum:
    LFU_START = 5            # a new key's counter: it gets a chance to be used before it is evicted
    MINUTE_MASK = 0xFFFF


cdef inline uint32_t now_minutes(const Keyspace* ks) noexcept nogil:
    return <uint32_t>(ks.clock.ms // 60000) & MINUTE_MASK


cdef bint policy_is_lru(const Keyspace* ks) noexcept nogil:
    return ks.settings.maxmemory_policy == POLICY_ALLKEYS_LRU or ks.settings.maxmemory_policy == POLICY_VOLATILE_LRU


cdef uint32_t access_of_saved(Keyspace* ks, int64_t idle, int64_t counter) noexcept nogil:
    if policy_is_lfu(ks):
        return (now_minutes(ks) << 8) | <uint32_t>(counter & 255) if counter >= 0 else access_for_new(ks)
    if idle < 0:
        return access_for_new(ks)
    # the clock goes round in 194 days: longer is as long as can be told
    return (now_seconds(ks) - <uint32_t>(idle if idle < LRU_MASK else LRU_MASK)) & LRU_MASK


cdef uint32_t lfu_for_new(const Keyspace* ks) noexcept nogil:
    return (now_minutes(ks) << 8) | LFU_START


cdef uint32_t lfu_counter(const Keyspace* ks, const Entry* e) noexcept nogil:
    cdef uint32_t access = entry_access(e)
    cdef uint32_t counter = access & 255
    cdef uint32_t elapsed = (now_minutes(ks) - (access >> 8)) & MINUTE_MASK
    cdef uint32_t decay
    if ks.settings.lfu_decay_time <= 0:
        return counter
    decay = <uint32_t>(elapsed // ks.settings.lfu_decay_time)
    return 0 if decay > counter else counter - decay


cdef uint32_t lfu_touched(Keyspace* ks, const Entry* e) noexcept nogil:
    cdef uint32_t counter = lfu_counter(ks, e)
    cdef double above
    if counter < 255:
        # logarithmic: the higher the counter, the rarer an access raises it
        above = counter - LFU_START if counter > LFU_START else 0
        if random_unit(&ks.random) < 1.0 / (above * ks.settings.lfu_log_factor + 1):
            counter += 1
    return (now_minutes(ks) << 8) | counter


cdef uint32_t idle_seconds(const Keyspace* ks, const Entry* e) noexcept nogil:
    return (now_seconds(ks) - entry_access(e)) & LRU_MASK
