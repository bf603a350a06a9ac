"""INFO: each section is a list of functions that give its fields, so that every part of the server can add its own.

`add("persistence", function)` puts a function's fields into a section: a name that is there already keeps its place and gets the
new value, other names follow at the end. A section of an unknown name is made, and shown by default.
"""

from __future__ import annotations

import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from zippy._core.introspection import clock_us, command_stats, engine_stats, error_stats, keyspace, may_wait, memory_stats
from zippy._core.resp.kinds import Verbatim
from zippy.server.arguments import text
from zippy.server.key_sizes import KeySizesCount
from zippy.server.registry import command
from zippy.version import REDIS_VERSION, __version__

if TYPE_CHECKING:
    from zippy._core.session import Session
    from zippy.server.server import Server

Fields = Mapping[str, Any]
"""Values as INFO shows them once they are str()."""

NOT_BY_DEFAULT = frozenset({"commandstats", "latencystats"})
BY_NAME_ALONE = frozenset({"debug"})
ALLOCATOR = "zippy-slabs"


class Info:
    """The sections of one server, in the order in which INFO shows them."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.key_sizes = KeySizesCount(server.core)
        self.sections: dict[str, list[Callable[[], Fields]]] = {}
        for name, function in (
            ("server", self.server_fields),
            ("clients", self.client_fields),
            ("memory", self.memory_fields),
            ("persistence", self.persistence_fields),
            ("threads", dict),
            ("stats", self.stats_fields),
            ("replication", self.replication_fields),
            ("cpu", cpu_fields),
            ("modules", dict),
            ("commandstats", self.command_fields),
            ("errorstats", self.error_fields),
            ("latencystats", self.latency_fields),
            ("cluster", lambda: {"cluster_enabled": 0}),
            ("keyspace", self.keyspace_fields),
            ("keysizes", self.key_sizes.fields),
            ("zippy", self.zippy_fields),
            ("debug", self.debug_fields),
        ):
            self.add(name, function)

    def add(self, section: str, function: Callable[[], Fields]) -> None:
        """Asks the function for fields of the section from now on."""
        self.sections.setdefault(section, []).append(function)

    def fields(self, section: str) -> dict[str, Any]:
        """The fields of one section."""
        merged: dict[str, Any] = {}
        for function in self.sections[section]:
            merged.update(function())
        return merged

    def report(self, wanted: list[str]) -> str:
        """The text of the sections wanted, each once and in their own order; none wanted is "default"."""
        names = {name.lower() for name in wanted} or {"default"}
        if names & {"all", "everything"}:
            names |= set(self.sections) - BY_NAME_ALONE
        elif "default" in names:
            names |= set(self.sections) - NOT_BY_DEFAULT - BY_NAME_ALONE
        parts = []
        for section in self.sections:
            if section in names:
                title = {"cpu": "CPU"}.get(section, section.capitalize())
                lines = [f"{name}:{value}\r\n" for name, value in self.fields(section).items()]
                parts.append(f"# {title}\r\n" + "".join(lines))
        return "\r\n".join(parts)

    def server_fields(self) -> Fields:
        """Who and where this process is."""
        server, system = self.server, os.uname()
        uptime = int(time.time() - server.started_at)
        fields = {
            "redis_version": REDIS_VERSION,
            "redis_git_sha1": "00000000",
            "redis_git_dirty": 0,
            "redis_build_id": "0000000000000000",
            "redis_mode": "standalone",
            "os": f"{system.sysname} {system.release} {system.machine}",
            "arch_bits": 64 if sys.maxsize > 2**32 else 32,
            "monotonic_clock": "POSIX clock_gettime",
            "multiplexing_api": "epoll",
            "atomicvar_api": "c11-builtin",
            "gcc_version": gcc_version(),
            "process_id": os.getpid(),
            "process_supervised": server.settings.text("supervised"),
            "run_id": server.run_id,
            "tcp_port": server.settings.integer("port"),
            "server_time_usec": clock_us(server.core),
            "uptime_in_seconds": uptime,
            "uptime_in_days": uptime // 86400,
            "hz": server.settings.integer("hz"),
            "configured_hz": server.settings.integer("hz"),
            "lru_clock": int(time.time()) & 0xFFFFFF,
            "executable": sys.executable,
            "config_file": server.config_path or "",
            "io_threads_active": 0,
        }
        return fields | {f"listener{number}": line for number, line in enumerate(self.listener_lines())}

    def listener_lines(self) -> list[str]:
        """One line for each kind of listening socket."""
        settings: Any = self.server.settings
        binds = ",".join(f"bind={address}" for address in settings.value("bind"))
        ports = [("tcp", settings.value("port")), ("tls", settings.value("tls-port"))]
        lines = [f"name={kind},{binds},port={port}" for kind, port in ports if port]
        return lines + ([f"name=unix,bind={settings.text('unixsocket')}"] if settings.text("unixsocket") else [])

    def client_fields(self) -> Fields:
        """How many clients there are and what they do."""
        stats = engine_stats(self.server.core)
        return {
            "connected_clients": stats["connected_clients"],
            "cluster_connections": 0,
            "maxclients": self.server.settings.integer("maxclients"),
            "client_recent_max_input_buffer": 0,
            "client_recent_max_output_buffer": 0,
            "blocked_clients": stats["blocked_clients"],
            "tracking_clients": 0,
            "pubsub_clients": stats["pubsub_clients"],
            "watching_clients": stats["watching_clients"],
            "clients_in_timeout_table": stats["clients_in_timeout_table"],
            "total_watched_keys": stats["total_watched_keys"],
            "total_blocking_keys": stats["total_blocking_keys"],
            "total_blocking_keys_on_nokey": 0,
        }

    def memory_fields(self) -> Fields:
        """Bytes, by what they are for. What Redis asks its allocator, zippy knows: nothing is lost inside of blocks."""
        memory = memory_summary(self.server)
        used, resident, rss = memory["used"], memory["resident"], memory["rss"]
        limit = self.server.settings.integer("maxmemory")
        system = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        stats = engine_stats(self.server.core)
        return {
            "used_memory": used,
            "used_memory_human": human(used),
            "used_memory_rss": rss,
            "used_memory_rss_human": human(rss),
            "used_memory_peak": memory["peak"],
            "used_memory_peak_human": human(memory["peak"]),
            "used_memory_peak_time": self.server.meter.peak_time,
            "used_memory_peak_perc": f"{used / memory['peak'] * 100:.2f}%",
            "used_memory_overhead": memory["overhead"],
            "used_memory_startup": memory["startup"],
            "used_memory_dataset": memory["dataset"],
            "used_memory_dataset_perc": f"{memory['dataset_share'] * 100:.2f}%",
            "allocator_allocated": used,
            "allocator_active": resident,
            "allocator_resident": resident,
            "allocator_muzzy": 0,
            "total_system_memory": system,
            "total_system_memory_human": human(system),
            **dict.fromkeys(("used_memory_lua", "used_memory_vm_eval"), 0),
            "used_memory_lua_human": human(0),
            **dict.fromkeys(("used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions", "number_of_libraries"), 0),
            **dict.fromkeys(("used_memory_vm_functions", "used_memory_vm_total"), 0),
            "used_memory_vm_total_human": human(0),
            **dict.fromkeys(("used_memory_functions", "used_memory_scripts"), 0),
            "used_memory_scripts_human": human(0),
            "maxmemory": limit,
            "maxmemory_human": human(limit),
            "maxmemory_policy": self.server.settings.text("maxmemory-policy"),
            "allocator_frag_ratio": f"{resident / used:.2f}",
            "allocator_frag_bytes": resident - used,
            "allocator_rss_ratio": "1.00",
            "allocator_rss_bytes": 0,
            "rss_overhead_ratio": f"{rss / max(resident, 1):.2f}",
            "rss_overhead_bytes": rss - resident,
            "mem_fragmentation_ratio": f"{rss / used:.2f}",
            "mem_fragmentation_bytes": rss - used,
            "mem_not_counted_for_evict": memory["not_counted"],
            **dict.fromkeys(("mem_replication_backlog", "mem_total_replication_buffers", "mem_replica_full_sync_buffer"), 0),
            "mem_clients_slaves": 0,
            "mem_clients_normal": memory["clients"],
            **dict.fromkeys(("mem_cluster_links", "mem_aof_buffer"), 0),
            "mem_allocator": ALLOCATOR,
            "mem_overhead_db_hashtable_rehashing": 0,
            "active_defrag_running": int(self.server.compacting),
            "lazyfree_pending_objects": stats["lazyfree_pending_objects"],
            "lazyfreed_objects": stats["lazyfreed_objects"],
        }

    def persistence_fields(self) -> Fields:
        """What holds of a server that saves nothing; a service that does puts its values over these."""
        stats = engine_stats(self.server.core)
        return {
            "loading": int(stats["loading"]),
            **dict.fromkeys(("async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age"), 0),
            "current_fork_perc": "0.00",
            **dict.fromkeys(("current_save_keys_processed", "current_save_keys_total"), 0),
            "rdb_changes_since_last_save": stats["dirty"],
            "rdb_bgsave_in_progress": 0,
            "rdb_last_save_time": int(self.server.started_at),
            "rdb_last_bgsave_status": "ok",
            "rdb_last_bgsave_time_sec": -1,
            "rdb_current_bgsave_time_sec": -1,
            **dict.fromkeys(("rdb_saves", "rdb_last_cow_size", "rdb_last_load_keys_expired", "rdb_last_load_keys_loaded"), 0),
            **dict.fromkeys(("aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled"), 0),
            "aof_last_rewrite_time_sec": -1,
            "aof_current_rewrite_time_sec": -1,
            "aof_last_bgrewrite_status": "ok",
            **dict.fromkeys(("aof_rewrites", "aof_rewrites_consecutive_failures"), 0),
            "aof_last_write_status": "ok",
            **dict.fromkeys(("aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"), 0),
        }

    def stats_fields(self) -> Fields:
        """Counters since the start or CONFIG RESETSTAT; those of things that zippy does not have stay 0 and keep their place."""
        stats, meter = engine_stats(self.server.core), self.server.meter
        known = {
            **stats,
            "instantaneous_ops_per_sec": round(meter.rate("total_commands_processed")),
            "instantaneous_input_kbps": f"{meter.rate('total_net_input_bytes') / 1024:.2f}",
            "instantaneous_output_kbps": f"{meter.rate('total_net_output_bytes') / 1024:.2f}",
            "instantaneous_input_repl_kbps": "0.00",
            "instantaneous_output_repl_kbps": "0.00",
            "instantaneous_eventloop_cycles_per_sec": round(meter.rate("eventloop_cycles")),
            "instantaneous_eventloop_duration_usec": round(meter.rate("eventloop_duration_sum") / max(meter.rate("eventloop_cycles"), 1)),
            "expired_stale_perc": f"{stats['expired_stale_perc']:.2f}",
            "expire_cycle_cpu_milliseconds": stats["expire_cycle_us"] // 1000,
            "total_eviction_exceeded_time": (stats["over_limit_us"] + stats["over_limit_now_us"]) // 1000,
            "current_eviction_exceeded_time": stats["over_limit_now_us"] // 1000,
        }
        return {name: known.get(name, 0) for name in STATS}

    def replication_fields(self) -> Fields:
        """A primary without replicas; replication puts its values over these."""
        return {
            "role": "master",
            "connected_slaves": 0,
            "master_failover_state": "no-failover",
            "master_replid": self.server.replication_id,
            "master_replid2": "0" * 40,
            "master_repl_offset": 0,
            "second_repl_offset": -1,
            "repl_backlog_active": 0,
            "repl_backlog_size": self.server.settings.integer("repl-backlog-size"),
            "repl_backlog_first_byte_offset": 0,
            "repl_backlog_histlen": 0,
        }

    def command_fields(self) -> Fields:
        """Calls and times by command."""
        fields = {}
        for name, calls, us, rejected, failed, _ in command_stats(self.server.core):
            times = f"calls={calls},usec={us},usec_per_call={us / calls if calls else 0.0:.2f}"
            fields[f"cmdstat_{name}"] = f"{times},rejected_calls={rejected},failed_calls={failed}"
        return fields

    def error_fields(self) -> Fields:
        """Error replies by their code."""
        return {f"errorstat_{code}": f"count={count}" for code, count in error_stats(self.server.core)}

    def latency_fields(self) -> Fields:
        """Percentiles of the commands' times."""
        percentiles: Any = self.server.settings.value("latency-tracking-info-percentiles")
        fields = {}
        for name, _, _, _, _, histogram in command_stats(self.server.core):
            if histogram:
                shown = [f"p{f'{p:.6f}'.rstrip('0').rstrip('.')}={percentile_us(histogram, p):.3f}" for p in percentiles]
                fields[f"latency_percentiles_usec_{name}"] = ",".join(shown)
        return fields

    def keyspace_fields(self) -> Fields:
        """Keys by database."""
        return {
            f"db{number}": f"keys={keys},expires={expires},avg_ttl={ttl},subexpiry=0"
            for number, keys, expires, ttl in keyspace(self.server.core)
        }

    def debug_fields(self) -> Fields:
        """What the loop spent its time with."""
        stats = engine_stats(self.server.core)
        return {name: stats[name] for name in DEBUG}

    def zippy_fields(self) -> Fields:
        """What is zippy's own."""
        return {
            "zippy_version": __version__,
            "python_version": platform.python_version(),
            "python_implementation": platform.python_implementation(),
            "live_blocks": memory_stats(self.server.core)["blocks"],
        }


DEBUG = ("eventloop_duration_aof_sum", "eventloop_duration_cron_sum", "eventloop_duration_max", "eventloop_cmd_per_cycle_max")
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
    "acl_access_denied_cmd", "acl_access_denied_key", "acl_access_denied_channel",
)  # fmt: skip


def human(count: int) -> str:
    """Bytes as INFO shows them to people: 1.50M."""
    if count < 1024:
        return f"{count}B"
    size, units = count / 1024, "KMGTP"
    for unit in units:
        if size < 1024 or unit == units[-1]:
            break
        size /= 1024
    return f"{size:.2f}{unit}"


def gcc_version() -> str:
    """Of the compiler of this Python, 0.0.0 if it was not GCC."""
    name, _, version = platform.python_compiler().partition(" ")
    return version.split()[0] if name == "GCC" and version else "0.0.0"


def resident_bytes() -> int:
    """Memory of this process that is in RAM; at most so far where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def memory_summary(server: Server) -> dict[str, Any]:
    """memory_stats with what is derived from it: startup, overhead, dataset (bytes), dataset_share (0 to 1), rss."""
    memory: dict[str, Any] = memory_stats(server.core)
    startup = server.meter.startup_memory
    overhead = startup + memory["clients"] + sum(keys + expires for _, keys, expires in memory["tables"])
    dataset = max(memory["used"] - overhead, 0)
    memory |= {"startup": startup, "overhead": overhead, "dataset": dataset, "rss": resident_bytes()}
    memory["dataset_share"] = min(dataset / max(memory["used"] - startup, 1), 1.0)
    return memory


def cpu_fields() -> Fields:
    """Seconds of processor time, of the process, its ended children and this thread."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    thread = resource.getrusage(resource.RUSAGE_THREAD) if hasattr(resource, "RUSAGE_THREAD") else own
    return {
        "used_cpu_sys": f"{own.ru_stime:.6f}",
        "used_cpu_user": f"{own.ru_utime:.6f}",
        "used_cpu_sys_children": f"{children.ru_stime:.6f}",
        "used_cpu_user_children": f"{children.ru_utime:.6f}",
        "used_cpu_sys_main_thread": f"{thread.ru_stime:.6f}",
        "used_cpu_user_main_thread": f"{thread.ru_utime:.6f}",
    }


def percentile_us(histogram: list[tuple[int, int, int]], percentile: float) -> float:
    """A percentile of times in us: the longest that counts as the one in question; of percentile 0 the shortest. 0: there are none."""
    wanted = max(int(sum(count for _, _, count in histogram) * percentile / 100 + 0.5), 1)
    for least, most, count in histogram:
        wanted -= count
        if wanted <= 0:
            return (most if percentile else least) / 1000
    return 0.0


@command("info")
def info(session: Session, args: list[bytes]) -> Any:
    """INFO [section [section ...]]."""
    report, wanted = session.core.server.info, [text(section).lower() for section in args[1:]]
    sizes = report.key_sizes
    if not sizes.is_quick() and not {"keysizes", "all", "everything"}.isdisjoint(wanted):
        if session.core.server.has_loop() and may_wait(session):
            return report_with_sizes(report, wanted)
        sizes.count()
    return Verbatim(report.report(wanted))


async def report_with_sizes(report: Info, wanted: list[str]) -> Verbatim:
    """INFO's reply, after a new count of the values' sizes."""
    await report.key_sizes.count_in_steps()
    return Verbatim(report.report(wanted))
