"""MEMORY, and INFO's memory: where the bytes are."""

from __future__ import annotations

import os
import resource
import sys
from dataclasses import dataclass
from typing import Any

from zippy._core.introspection import engine_stats, key_memory, keyspace, memory_stats, release_memory
from zippy._core.resp.kinds import OK, Verbatim
from zippy._core.session import Core, Session
from zippy.server.arguments import integer, syntax_error
from zippy.server.info import Fields, Sections
from zippy.server.meter import Meter
from zippy.server.registry import command
from zippy.settings import Settings

ALLOCATOR = "zippy-slabs"
DEFAULT_SAMPLES = 5
SMALL = 5 << 20  # bytes: too little to judge by


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


def resident_bytes() -> int:
    """Memory of this process that is in RAM; at most so far where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


@command("memory|usage")
def memory_usage(session: Session, args: list[bytes]) -> Any:
    """MEMORY USAGE key [SAMPLES count]."""
    samples = DEFAULT_SAMPLES
    for place in range(3, len(args), 2):
        if args[place].lower() != b"samples" or place + 1 == len(args):
            raise syntax_error()
        samples = integer(args[place + 1])
        if samples < 0:
            raise syntax_error()
    return key_memory(session, args[2], samples)


@dataclass(frozen=True)
class Summary:
    """Bytes of a core's memory, and what follows from them."""

    used: int
    peak: int
    blocks: int  # their number
    resident: int  # all that the allocator holds
    tables: list[tuple[int, int, int]]  # database, its table of keys, its table of expiry times
    clients: int
    not_counted: int  # for maxmemory
    startup: int  # used when the core was new
    rss: int  # of the process

    @property
    def overhead(self) -> int:
        """What is not data."""
        return self.startup + self.clients + sum(keys + expires for _, keys, expires in self.tables)

    @property
    def dataset(self) -> int:
        """What is data."""
        return max(self.used - self.overhead, 0)

    @property
    def dataset_share(self) -> float:
        """The data's part of what came since the start, 0 to 1."""
        return min(self.dataset / max(self.used - self.startup, 1), 1.0)


class Memory:
    """The memory of a core."""

    def __init__(self, core: Core, settings: Settings, meter: Meter) -> None:
        self.core = core
        self.settings = settings
        self.meter = meter

    def summary(self) -> Summary:
        """The memory now."""
        return Summary(**memory_stats(self.core), startup=self.meter.startup_memory, rss=resident_bytes())

    def sections(self) -> Sections:
        """For INFO."""
        return {"memory": self.fields, "zippy": self.block_fields}

    def fields(self) -> Fields:
        """Bytes, by what they are for. What Redis asks its allocator, zippy knows: nothing is lost inside of blocks."""
        memory = self.summary()
        used, resident, rss = memory.used, memory.resident, memory.rss
        limit = self.settings.integer("maxmemory")
        system = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        stats = engine_stats(self.core)
        return {
            "used_memory": used,
            "used_memory_human": human(used),
            "used_memory_rss": rss,
            "used_memory_rss_human": human(rss),
            "used_memory_peak": memory.peak,
            "used_memory_peak_human": human(memory.peak),
            "used_memory_peak_time": self.meter.peak_time,
            "used_memory_peak_perc": f"{used / memory.peak * 100:.2f}%",
            "used_memory_overhead": memory.overhead,
            "used_memory_startup": memory.startup,
            "used_memory_dataset": memory.dataset,
            "used_memory_dataset_perc": f"{memory.dataset_share * 100:.2f}%",
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
            "maxmemory_policy": self.settings.text("maxmemory-policy"),
            "allocator_frag_ratio": f"{resident / used:.2f}",
            "allocator_frag_bytes": resident - used,
            "allocator_rss_ratio": "1.00",
            "allocator_rss_bytes": 0,
            "rss_overhead_ratio": f"{rss / max(resident, 1):.2f}",
            "rss_overhead_bytes": rss - resident,
            "mem_fragmentation_ratio": f"{rss / used:.2f}",
            "mem_fragmentation_bytes": rss - used,
            "mem_not_counted_for_evict": memory.not_counted,
            **dict.fromkeys(("mem_replication_backlog", "mem_total_replication_buffers", "mem_replica_full_sync_buffer"), 0),
            "mem_clients_slaves": 0,
            "mem_clients_normal": memory.clients,
            **dict.fromkeys(("mem_cluster_links", "mem_aof_buffer"), 0),
            "mem_allocator": ALLOCATOR,
            "mem_overhead_db_hashtable_rehashing": 0,
            "active_defrag_running": 0,
            "lazyfree_pending_objects": stats["lazyfree_pending_objects"],
            "lazyfreed_objects": stats["lazyfreed_objects"],
        }

    def block_fields(self) -> Fields:
        """For INFO's section of what is zippy's own."""
        return {"live_blocks": memory_stats(self.core)["blocks"]}

    @command("memory|stats")
    def memory_stats(self, session: Session, args: list[bytes]) -> Any:
        """MEMORY STATS."""
        memory = self.summary()
        used, resident, rss = memory.used, memory.resident, memory.rss
        keys = sum(count for _, count, *_ in keyspace(self.core))
        tables = {
            f"db.{number}": {"overhead.hashtable.main": main, "overhead.hashtable.expires": expires}
            for number, main, expires in memory.tables
        }
        return {
            "peak.allocated": memory.peak,
            "total.allocated": used,
            "startup.allocated": memory.startup,
            "replication.backlog": 0,
            "replica.fullsync.buffer": 0,
            "clients.slaves": 0,
            "clients.normal": memory.clients,
            "cluster.links": 0,
            "aof.buffer": 0,
            "lua.caches": 0,
            "functions.caches": 0,
            "script.VMs": 0,
            **tables,
            "overhead.db.hashtable.lut": sum(main + expires for _, main, expires in memory.tables),
            "overhead.db.hashtable.rehashing": 0,
            "overhead.total": memory.overhead,
            "db.dict.rehashing.count": 0,
            "keys.count": keys,
            "keys.bytes-per-key": memory.dataset // keys if keys else 0,
            "dataset.bytes": memory.dataset,
            "dataset.percentage": memory.dataset_share * 100,
            "peak.percentage": used / memory.peak * 100,
            "allocator.allocated": used,
            "allocator.active": resident,
            "allocator.resident": resident,
            "allocator.muzzy": 0,
            "allocator-fragmentation.ratio": resident / used,
            "allocator-fragmentation.bytes": resident - used,
            "allocator-rss.ratio": 1.0,
            "allocator-rss.bytes": 0,
            "rss-overhead.ratio": rss / max(resident, 1),
            "rss-overhead.bytes": rss - resident,
            "fragmentation": rss / used,
            "fragmentation.bytes": rss - used,
        }

    @command("memory|doctor")
    def memory_doctor(self, session: Session, args: list[bytes]) -> Any:
        """MEMORY DOCTOR."""
        memory = self.summary()
        if memory.used < SMALL:
            return Verbatim("This server holds so little that nothing can be said about its memory yet.\n")
        findings = []
        if memory.peak > memory.used * 1.5:
            findings.append(f"The peak, {human(memory.peak)}, was much higher than now; the process may still hold the difference.")
        if memory.resident > memory.used * 1.4:
            findings.append(
                "Much of the allocator's memory is free blocks between used ones; MEMORY PURGE gives back what is wholly empty."
            )
        if memory.clients > memory.used / 4:
            findings.append(f"Clients hold {human(memory.clients)} in buffers: look for the large ones with CLIENT LIST.")
        return Verbatim("\n".join(findings or ["There is nothing wrong with this server's memory."]) + "\n")

    @command("memory|malloc-stats")
    def memory_malloc_stats(self, session: Session, args: list[bytes]) -> Any:
        """MEMORY MALLOC-STATS."""
        memory = self.summary()
        names = ("used", "peak", "blocks", "resident", "rss")
        return Verbatim("".join(f"{name}: {getattr(memory, name)}\n" for name in names))


@command("memory|purge")
def memory_purge(session: Session, args: list[bytes]) -> Any:
    """MEMORY PURGE."""
    release_memory()
    return OK
