# The defaults of the settings that the core reads, for an engine that no table was pushed to, as in tests.

from libc.string cimport memset


cdef void settings_defaults(Settings* s) noexcept nogil:
    memset(s, 0, sizeof(Settings))
    s.hash_max_listpack_entries = 512
    s.hash_max_listpack_value = 64
    s.list_max_listpack_size = -2
    s.set_max_intset_entries = 512
    s.set_max_listpack_entries = 128
    s.set_max_listpack_value = 64
    s.zset_max_listpack_entries = 128
    s.zset_max_listpack_value = 64
    s.stream_node_max_bytes = 4096
    s.stream_node_max_entries = 100
    s.proto_max_bulk_len = 512 << 20
    s.client_query_buffer_limit = 1 << 30
    s.maxmemory_samples = 5
    s.maxmemory_eviction_tenacity = 10
    s.lfu_log_factor = 10
    s.lfu_decay_time = 1
    s.active_expire_effort = 1
    s.active_expire_enabled = 1
    s.slowlog_log_slower_than = 10000
    s.slowlog_max_len = 128
    s.latency_tracking = 1
    s.hz = 10
    s.lazyexpire_nested_arbitrary_keys = 1
