"""MEMORY, and INFO's memory: where the bytes are."""

from __future__ import annotations

import os
import resource
import sys
from typing import Any, NamedTuple

from zippy._core.introspection import (
    BlockFigures,
    MemoryFigures,
    clock_us,
    key_memory,
    keyspace,
    library_stats,
    memory_stats,
    release_memory,
    script_stats,
)
from zippy._core.resp.kinds import OK, Verbatim
from zippy._core.resp.report import size_text
from zippy._core.resp.values import Words
from zippy._core.session import Core, Session
from zippy.server.arguments import integer, syntax_error
from zippy.server.info import Fields, Sections, UntilSet
from zippy.server.meter import Meter
from zippy.server.registry import command
from zippy.settings import Settings

ALLOCATOR = "zippy-slabs"
DEFAULT_SAMPLES = 5
SMALL = 5 << 20  # bytes: too little to judge by
RESIDENT_US = 100_000  # how old the process's resident bytes may be: the system takes longer to tell them than INFO for all the rest
PAGE = os.sysconf("SC_PAGE_SIZE")
SYSTEM = PAGE * os.sysconf("SC_PHYS_PAGES")
ORDER = (
    "used_memory", "used_memory_human", "used_memory_rss", "used_memory_rss_human", "used_memory_peak", "used_memory_peak_human",
    "used_memory_peak_time", "used_memory_peak_perc", "used_memory_overhead", "used_memory_startup", "used_memory_dataset",
    "used_memory_dataset_perc", "allocator_allocated", "allocator_active", "allocator_resident", "allocator_muzzy",
    "total_system_memory", "total_system_memory_human", "used_memory_lua", "used_memory_vm_eval", "used_memory_lua_human",
    "used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions", "number_of_libraries", "used_memory_vm_functions",
    "used_memory_vm_total", "used_memory_vm_total_human", "used_memory_functions", "used_memory_scripts", "used_memory_scripts_human",
    "maxmemory", "maxmemory_human", "maxmemory_policy", "allocator_frag_ratio", "allocator_frag_bytes", "allocator_rss_ratio",
    "allocator_rss_bytes", "rss_overhead_ratio", "rss_overhead_bytes", "mem_fragmentation_ratio", "mem_fragmentation_bytes",
    "mem_not_counted_for_evict", "mem_replication_backlog", "mem_total_replication_buffers", "mem_replica_full_sync_buffer",
    "mem_clients_slaves", "mem_clients_normal", "mem_cluster_links", "mem_aof_buffer", "mem_allocator",
    "mem_overhead_db_hashtable_rehashing", "active_defrag_running", "lazyfree_pending_objects", "lazyfreed_objects",
)  # fmt: skip
# INFO's Memory; of what stays 0 zippy has none
FIELDS: Fields = {
    **dict.fromkeys(ORDER, 0),
    **dict.fromkeys(("used_memory_lua_human", "used_memory_vm_total_human", "used_memory_scripts_human"), "0B"),
    "total_system_memory": SYSTEM,
    "total_system_memory_human": size_text(SYSTEM),
    "allocator_rss_ratio": "1.00",
    "mem_allocator": ALLOCATOR,
}


def resident_bytes() -> int:
    """Memory of this process that is in RAM; at most so far where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * PAGE
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


@command("memory|usage")
def memory_usage(session: Session, args: Words) -> Any:
    """MEMORY USAGE key [SAMPLES count]."""
    samples = DEFAULT_SAMPLES
    for place in range(3, len(args), 2):
        if args[place].lower() != b"samples" or place + 1 == len(args):
            raise syntax_error()
        samples = integer(args[place + 1])
        if samples < 0:
            raise syntax_error()
    return key_memory(session, args[2], samples)


class Summary(NamedTuple):
    """Bytes of a core's memory, and what follows from them."""

    used: int
    peak: int
    blocks: int  # their number
    resident: int  # all that the allocator holds
    tables: list[tuple[int, int, int]]  # database, its table of keys, its table of expiry times
    clients: int
    not_counted: int  # for maxmemory
    freed_later: tuple[int, int]  # values and keys that wait to be freed in steps, and that were freed
    startup: int  # used when the core was new
    rss: int  # of the process

    @property
    def overhead(self) -> int:
        """What is not data."""
        return self.startup + self.clients + sum([keys + expires for _, keys, expires in self.tables])

    def data_beside(self, overhead: int) -> int:
        """What is data."""
        return max(self.used - overhead, 0)

    def share(self, dataset: int) -> float:
        """The data's part of what came since the start, 0 to 1."""
        return min(dataset / max(self.used - self.startup, 1), 1.0)


class Memory:
    """The memory of a core."""

    def __init__(self, core: Core, settings: Settings, meter: Meter) -> None:
        self.core = core
        self.settings = settings
        self.meter = meter
        self.resident = 0  # bytes of the process
        self.resident_at = -RESIDENT_US  # us since the epoch, as the core's clock is

    def summary(self) -> Summary:
        """The memory now."""
        return Summary(**memory_stats(self.core), startup=self.meter.startup_memory, rss=self.process_bytes())

    def process_bytes(self) -> int:
        """The process's resident bytes, as of a moment ago."""
        now = clock_us(self.core)
        if not 0 <= now - self.resident_at < RESIDENT_US:
            self.resident, self.resident_at = resident_bytes(), now
        return self.resident

    def sections(self) -> Sections:
        """For INFO."""
        figures = MemoryFigures(self.core, self.meter.startup_memory, self.process_bytes)
        return {"memory": (FIELDS, UntilSet(self.settings, self.limit_fields), figures), "zippy": BlockFigures(self.core)}

    def limit_fields(self) -> Fields:
        """How much there may be."""
        limit = self.settings.integer("maxmemory")
        return {"maxmemory": limit, "maxmemory_human": size_text(limit), "maxmemory_policy": self.settings.text("maxmemory-policy")}

    @command("memory|stats")
    def memory_stats(self, session: Session, args: Words) -> Any:
        """MEMORY STATS."""
        memory = self.summary()
        used, resident, rss, overhead = memory.used, memory.resident, memory.rss, memory.overhead
        machine, scripts, _ = script_stats(self.core)
        functions_machine, libraries, *_ = library_stats(self.core)
        dataset = memory.data_beside(overhead)
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
            "lua.caches": scripts,
            "functions.caches": libraries,
            "script.VMs": machine + functions_machine,
            **tables,
            "overhead.db.hashtable.lut": sum(main + expires for _, main, expires in memory.tables),
            "overhead.db.hashtable.rehashing": 0,
            "overhead.total": overhead,
            "db.dict.rehashing.count": 0,
            "keys.count": keys,
            "keys.bytes-per-key": dataset // keys if keys else 0,
            "dataset.bytes": dataset,
            "dataset.percentage": memory.share(dataset) * 100,
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
    def memory_doctor(self, session: Session, args: Words) -> Any:
        """MEMORY DOCTOR."""
        memory = self.summary()
        if memory.used < SMALL:
            return Verbatim("This server holds so little that nothing can be said about its memory yet.\n")
        findings = []
        if memory.peak > memory.used * 1.5:
            findings.append(f"The peak, {size_text(memory.peak)}, was much higher than now; the process may still hold the difference.")
        if memory.resident > memory.used * 1.4:
            findings.append(
                "Much of the allocator's memory is free blocks between used ones; MEMORY PURGE gives back what is wholly empty."
            )
        if memory.clients > memory.used / 4:
            findings.append(f"Clients hold {size_text(memory.clients)} in buffers: look for the large ones with CLIENT LIST.")
        return Verbatim("\n".join(findings or ["There is nothing wrong with this server's memory."]) + "\n")

    @command("memory|malloc-stats")
    def memory_malloc_stats(self, session: Session, args: Words) -> Any:
        """MEMORY MALLOC-STATS."""
        memory = self.summary()
        names = ("used", "peak", "blocks", "resident", "rss")
        return Verbatim("".join(f"{name}: {getattr(memory, name)}\n" for name in names))


@command("memory|purge")
def memory_purge(session: Session, args: Words) -> Any:
    """MEMORY PURGE."""
    release_memory()
    return OK
