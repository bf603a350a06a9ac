"""INFO's counters, and the rates and peaks that need to be looked at while time goes by: the cron feeds them."""

from __future__ import annotations

import time
from collections import deque

from zippy._core.introspection import EngineStats, LoopStats, engine_stats, longest_buffers, thread_load, used_memory
from zippy._core.session import Core
from zippy.server.info import Fields, Sections

SAMPLES = 16
SAMPLE_SECONDS = 0.1
BUFFER_SECONDS = 8
MEASURED = ("total_commands_processed", "total_net_input_bytes", "total_net_output_bytes", "eventloop_cycles", "eventloop_duration_sum")

STATS = (
    "total_connections_received", "total_commands_processed", "instantaneous_ops_per_sec", "total_net_input_bytes",
    "total_net_output_bytes", "total_net_repl_input_bytes", "total_net_repl_output_bytes", "instantaneous_input_kbps",
    "instantaneous_output_kbps", "instantaneous_input_repl_kbps", "instantaneous_output_repl_kbps", "rejected_connections", "sync_full",
    "sync_partial_ok", "sync_partial_err", "expired_subkeys", "expired_keys", "expired_stale_perc", "expired_time_cap_reached_count",
    "expire_cycle_cpu_milliseconds", "evicted_keys", "evicted_clients", "evicted_scripts", "total_eviction_exceeded_time",
    "current_eviction_exceeded_time", "keyspace_hits", "keyspace_misses", "pubsub_channels", "pubsub_patterns", "pubsubshard_channels",
    "latest_fork_usec", "total_forks", "migrate_cached_sockets", "slave_expires_tracked_keys", "active_defrag_hits",
    "active_defrag_misses", "active_defrag_key_hits", "active_defrag_key_misses", "total_active_defrag_time",
    "current_active_defrag_time", "tracking_total_keys", "tracking_total_items", "tracking_total_prefixes", "unexpected_error_replies",
    "total_error_replies", "dump_payload_sanitizations", "total_reads_processed", "total_writes_processed",
    "io_threaded_reads_processed", "io_threaded_writes_processed", "io_threaded_total_prefetch_batches",
    "io_threaded_total_prefetch_entries", "client_query_buffer_limit_disconnections", "client_output_buffer_limit_disconnections",
    "reply_buffer_shrinks", "reply_buffer_expands", "eventloop_cycles", "eventloop_duration_sum", "eventloop_duration_cmd_sum",
    "instantaneous_eventloop_cycles_per_sec", "instantaneous_eventloop_duration_usec", "acl_access_denied_auth",
    "acl_access_denied_cmd", "acl_access_denied_key", "acl_access_denied_channel", "acl_access_denied_tls_cert",
)  # fmt: skip
# counters of things that zippy does not have stay 0 and keep their place
NOTHING_COUNTED: Fields = {**dict.fromkeys(STATS, 0), "instantaneous_input_repl_kbps": "0.00", "instantaneous_output_repl_kbps": "0.00"}
NO_SCRIPTS: Fields = dict.fromkeys(
    ("allocator_allocated_lua", "allocator_active_lua", "allocator_resident_lua", "allocator_frag_bytes_lua"), 0
)


class Meter:
    """What a core does a second, over the last 1.6 seconds."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.startup_memory: int = used_memory(core)[0]
        self.peak = 0
        self.buffers: deque[tuple[int, int]] = deque([(0, 0)], round(BUFFER_SECONDS / SAMPLE_SECONDS))
        self.longest: Fields = {}
        self.peak_time = int(time.time())
        self.reset()

    def reset(self) -> None:
        """Begins anew."""
        self.sampled_at = time.monotonic()
        self.last = self.read()
        self.rates: dict[str, deque[float]] = {name: deque([0.0] * SAMPLES, SAMPLES) for name in MEASURED}
        self.instantaneous = self.instantaneous_fields()

    def read(self) -> dict[str, int]:
        """The counters now."""
        stats = engine_stats(self.core)
        return {name: stats[name] for name in MEASURED}

    def sample(self) -> None:
        """To be called often; takes a sample when one is due."""
        now = time.monotonic()
        if now - self.sampled_at < SAMPLE_SECONDS:
            return
        self.buffers.append(longest_buffers(self.core))
        self.longest = self.longest_fields()
        counters = self.read()
        for name, rates in self.rates.items():
            rates.append((counters[name] - self.last[name]) / (now - self.sampled_at))
        self.last, self.sampled_at = counters, now
        self.instantaneous = self.instantaneous_fields()
        peak = used_memory(self.core)[1]
        if peak > self.peak:
            self.peak, self.peak_time = peak, int(time.time())

    def rate(self, name: str) -> float:
        """A second, of one of MEASURED."""
        return sum(self.rates[name]) / SAMPLES

    def sections(self) -> Sections:
        """For INFO."""
        return {
            "stats": (NOTHING_COUNTED, EngineStats(self.core), lambda: self.instantaneous),
            "memory": lambda: {"used_memory_peak_time": self.peak_time},
            "debug": (LoopStats(self.core), NO_SCRIPTS),
            "clients": lambda: self.longest,
            "threads": lambda: {"io_thread_0": thread_load(self.core)},
        }

    def longest_fields(self) -> Fields:
        """The longest pieces of input and of output of the last seconds."""
        return {
            "client_recent_max_input_buffer": max(read for read, _ in self.buffers),
            "client_recent_max_output_buffer": max(written for _, written in self.buffers),
        }

    def instantaneous_fields(self) -> Fields:
        """INFO's rates, which change with each sample only."""
        return {
            "instantaneous_ops_per_sec": round(self.rate("total_commands_processed")),
            "instantaneous_input_kbps": f"{self.rate('total_net_input_bytes') / 1024:.2f}",
            "instantaneous_output_kbps": f"{self.rate('total_net_output_bytes') / 1024:.2f}",
            "instantaneous_eventloop_cycles_per_sec": round(self.rate("eventloop_cycles")),
            "instantaneous_eventloop_duration_usec": round(self.rate("eventloop_duration_sum") / max(self.rate("eventloop_cycles"), 1)),
        }
