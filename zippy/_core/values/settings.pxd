"""The settings that the core reads, pushed down from zippy/settings.py; every field is an int64 so that one table of names fills it."""

from libc.stdint cimport int64_t

cdef enum MaxmemoryPolicy:
    POLICY_NOEVICTION = 0
    POLICY_ALLKEYS_LRU = 1
    POLICY_ALLKEYS_LFU = 2
    POLICY_ALLKEYS_RANDOM = 3
    POLICY_VOLATILE_LRU = 4
    POLICY_VOLATILE_LFU = 5
    POLICY_VOLATILE_RANDOM = 6
    POLICY_VOLATILE_TTL = 7


cdef struct Settings:
    int64_t hash_max_listpack_entries
    int64_t hash_max_listpack_value         # bytes
    int64_t list_max_listpack_size          # > 0: elements, -1 .. -5: 4 .. 64 KiB
    int64_t list_compress_depth
    int64_t set_max_intset_entries
    int64_t set_max_listpack_entries
    int64_t set_max_listpack_value          # bytes
    int64_t zset_max_listpack_entries
    int64_t zset_max_listpack_value         # bytes
    int64_t stream_node_max_bytes
    int64_t stream_node_max_entries
    int64_t proto_max_bulk_len              # bytes; also the longest string value
    int64_t client_query_buffer_limit       # bytes
    int64_t maxmemory                       # bytes, 0: no limit
    int64_t maxmemory_policy                # a MaxmemoryPolicy
    int64_t maxmemory_samples
    int64_t maxmemory_eviction_tenacity
    int64_t lfu_log_factor
    int64_t lfu_decay_time                  # minutes
    int64_t lazyfree_lazy_eviction
    int64_t lazyfree_lazy_expire
    int64_t lazyfree_lazy_server_del
    int64_t lazyfree_lazy_user_del
    int64_t lazyfree_lazy_user_flush
    int64_t notify_keyspace_events          # NOTIFY_ bits of the keyspace
    int64_t active_expire_effort            # 1 .. 10
    int64_t active_expire_enabled           # DEBUG SET-ACTIVE-EXPIRE
    int64_t slowlog_log_slower_than         # us, negative: off
    int64_t slowlog_max_len
    int64_t latency_monitor_threshold       # ms, 0: off
    int64_t latency_tracking                # per-command histograms
    int64_t require_authentication          # the default user has a password
    int64_t hz
    int64_t lazyexpire_nested_arbitrary_keys    # SCAN and RANDOMKEY delete expired keys inside of a transaction, too


cdef void settings_defaults(Settings* s) noexcept nogil     # Redis 8.2's defaults, for tests of parts; a server fills in its own
