"""MEMORY: where the bytes are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zippy._core.introspection import key_memory, keyspace, release_memory
from zippy._core.resp.kinds import OK, Verbatim
from zippy.server.arguments import integer, syntax_error
from zippy.server.info import human, memory_summary
from zippy.server.registry import command

if TYPE_CHECKING:
    from zippy._core.session import Session

DEFAULT_SAMPLES = 5
SMALL = 5 << 20  # bytes: too little to judge by


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


@command("memory|stats")
def memory_stats(session: Session, args: list[bytes]) -> Any:
    """MEMORY STATS."""
    memory = memory_summary(session.core.server)
    used, resident, rss = memory["used"], memory["resident"], memory["rss"]
    keys = sum(count for _, count, _, _ in keyspace(session.core))
    tables = {
        f"db.{number}": {"overhead.hashtable.main": main, "overhead.hashtable.expires": expires}
        for number, main, expires in memory["tables"]
    }
    return {
        "peak.allocated": memory["peak"],
        "total.allocated": used,
        "startup.allocated": memory["startup"],
        "replication.backlog": 0,
        "replica.fullsync.buffer": 0,
        "clients.slaves": 0,
        "clients.normal": memory["clients"],
        "cluster.links": 0,
        "aof.buffer": 0,
        "lua.caches": 0,
        "functions.caches": 0,
        "script.VMs": 0,
        **tables,
        "overhead.db.hashtable.lut": sum(main + expires for _, main, expires in memory["tables"]),
        "overhead.db.hashtable.rehashing": 0,
        "overhead.total": memory["overhead"],
        "db.dict.rehashing.count": 0,
        "keys.count": keys,
        "keys.bytes-per-key": memory["dataset"] // keys if keys else 0,
        "dataset.bytes": memory["dataset"],
        "dataset.percentage": memory["dataset_share"] * 100,
        "peak.percentage": used / memory["peak"] * 100,
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
def memory_doctor(session: Session, args: list[bytes]) -> Any:
    """MEMORY DOCTOR."""
    memory = memory_summary(session.core.server)
    if memory["used"] < SMALL:
        return Verbatim("This server holds so little that nothing can be said about its memory yet.\n")
    findings = []
    if memory["peak"] > memory["used"] * 1.5:
        findings.append(f"The peak, {human(memory['peak'])}, was much higher than now; the process may still hold the difference.")
    if memory["resident"] > memory["used"] * 1.4:
        findings.append("Much of the allocator's memory is free blocks between used ones; MEMORY PURGE gives back what is wholly empty.")
    if memory["clients"] > memory["used"] / 4:
        findings.append(f"Clients hold {human(memory['clients'])} in buffers: look for the large ones with CLIENT LIST.")
    return Verbatim("\n".join(findings or ["There is nothing wrong with this server's memory."]) + "\n")


@command("memory|malloc-stats")
def memory_malloc_stats(session: Session, args: list[bytes]) -> Any:
    """MEMORY MALLOC-STATS."""
    memory = memory_summary(session.core.server)
    names = ("used", "peak", "blocks", "resident", "rss")
    return Verbatim("".join(f"{name}: {memory[name]}\n" for name in names))


@command("memory|purge")
def memory_purge(session: Session, args: list[bytes]) -> Any:
    """MEMORY PURGE."""
    release_memory()
    return OK
