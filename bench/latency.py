"""Latency under a fixed load, and the longest pauses that large operations make for everybody else."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import multiprocessing.synchronize
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.datasets import one_expiring_hash, one_hash, one_list, one_set, one_sorted_set, strings
from bench.fixed_load import Latencies, at, fixed_load
from bench.loads import number
from bench.progress import Progress
from bench.servers import REDIS, Kind, Ports, Server, running
from bench.tables import Table
from bench.wire import Connection, ErrorReply, Word, batched, request

CLIENTS = 50
KEYS = 10_000
SHARES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
# commands whose replies are of one length
LATENCY_LOADS: dict[str, Callable[[int], tuple[Word, ...]]] = {
    "GET": lambda i: ("GET", f"key:{number(i)}"),
    "SET": lambda i: ("SET", f"key:{number(i)}", "x" * 16),
    "ZADD": lambda i: ("ZADD", "zset", i * 31 % KEYS, f"member:{number(i)}"),
}


def fill(server: Server) -> None:
    """The keys and the sorted set that the loads use."""
    with Connection(server.port) as client:
        client("FLUSHALL")
        for name in ("SET", "ZADD"):
            client.send_all(batched(request(*LATENCY_LOADS[name](i)) for i in range(KEYS)))
    server.settle()


def fixed(kinds: Sequence[Kind], ports: Ports, rounds: int, seconds: float) -> list[Table]:
    """p50, p99 and p99.9 at half the rate at which this generator saturates Redis 8.2.3 (or the last server, where that is missing)."""
    names = [kind.name for kind in kinds]
    tables = []
    with running(kinds, ports) as servers:
        base = next((server for server in servers if server.name == REDIS), servers[-1])
        progress = Progress("latency", 2 * len(LATENCY_LOADS) * rounds * len(servers))
        for pipeline in (1, 16):
            table = Table(
                f"Latency under a fixed load, pipeline {pipeline}", "microseconds of a batch, counted from when it was due", names, digits=0
            )
            lateness = []
            for load, command in LATENCY_LOADS.items():
                for server in servers:
                    fill(server)
                commands = [command(i * 7919 % KEYS) for i in range(1000)]
                half = fixed_load(base.port, commands, pipeline, CLIENTS, 0, seconds / 2).rate / 2
                found: dict[str, list[Latencies]] = {name: [] for name in names}
                for turn in range(rounds):
                    first = turn % len(servers)
                    for server in servers[first:] + servers[:first]:
                        progress.step(f"{load}, pipeline {pipeline}, {server.name}")
                        found[server.name].append(fixed_load(server.port, commands, pipeline, CLIENTS, half, seconds))
                for title, share in SHARES.items():
                    row = f"{load} {title} at {half * pipeline / 1e3:.0f} thousand/s"
                    table.add(row, {name: statistics.median(at(run.replies, share) for run in runs) / 1e3 for name, runs in found.items()})
                lateness.append(max(at(run.late, 0.99) for runs in found.values() for run in runs) / 1e3)
            table.note = f"The generator (bench/fixed_load.py) itself sent late by at most {max(lateness):.0f} us in 99 of 100 batches."
            tables.append(table)
        progress.end()
    return tables


@dataclass(frozen=True)
class Event:
    """Something large that happens while a probe measures round trips: what is prepared; what is done, with a connection and a size."""

    name: str
    prepare: Callable[[int], Iterator[bytes]]
    act: Callable[[Connection, int], object]


def nothing(_: int) -> Iterator[bytes]:
    """No data."""
    return iter(())


def grow(client: Connection, size: int) -> None:
    """New keys in small batches, so that no batch delays the probe for long."""
    client.send_all(batched(strings(size), 20))


def expiring(size: int) -> Iterator[bytes]:
    """Keys that all end in the same second, three seconds after the load began."""
    end = int(time.time() * 1000) + 3000 + size // 100
    return (request("SET", f"key:{number(i)}", "x" * 16, "PXAT", end + i % 1000) for i in range(size))


def expiring_fields(size: int) -> Iterator[bytes]:
    """Fields of one hash, the same."""
    end = int(time.time() * 1000) + 3000 + size // 100
    return (request("HSETEX", "hash", "PXAT", end + i % 1000, "FIELDS", 1, f"field:{number(i)}", "x" * 16) for i in range(size))


def until_expired(client: Connection, size: int) -> None:
    """Waits until the keys are gone."""
    deadline = time.monotonic() + 30 + size / 100_000
    while time.monotonic() < deadline and client("DBSIZE") != 0:
        time.sleep(0.05)


def snapshot(client: Connection, _: int) -> None:
    """BGSAVE, to its end."""
    client("BGSAVE")
    deadline = time.monotonic() + 60
    info = b"rdb_bgsave_in_progress:1"
    while time.monotonic() < deadline and isinstance(info, bytes) and b"rdb_bgsave_in_progress:1" in info:
        time.sleep(0.05)
        info = client("INFO", "persistence")  # type: ignore[assignment]


EVENTS = (
    Event("nothing", nothing, lambda client, size: time.sleep(1)),
    Event("a table grows from nothing", nothing, grow),
    Event("DEL of a list", one_list, lambda client, size: client("DEL", "list")),
    Event("DEL of a hash", one_hash, lambda client, size: client("DEL", "hash")),
    Event("DEL of a set", one_set, lambda client, size: client("DEL", "set")),
    Event("DEL of a sorted set", one_sorted_set, lambda client, size: client("DEL", "zset")),
    Event("UNLINK of a sorted set", one_sorted_set, lambda client, size: client("UNLINK", "zset")),
    Event("FLUSHALL", strings, lambda client, size: client("FLUSHALL", "SYNC")),
    Event("FLUSHALL ASYNC", strings, lambda client, size: client("FLUSHALL", "ASYNC")),
    Event("all keys expire in one second", expiring, until_expired),
    Event("all fields of a hash expire in one second", expiring_fields, until_expired),
    Event("DEL of a hash of fields that expire", one_expiring_hash, lambda client, size: client("DEL", "hash")),
    Event("BGSAVE", strings, snapshot),
)


def probe(port: int, stop: multiprocessing.synchronize.Event, results: multiprocessing.connection.Connection) -> None:
    """A process of its own: round trips of PING one after the other until it is stopped; sends their nanoseconds."""
    took = []
    clock = time.perf_counter_ns
    with Connection(port) as client:
        send, receive, ping = client.socket.sendall, client.socket.recv, request("PING")
        results.send(None)
        while not stop.is_set():
            before = clock()
            send(ping)
            receive(64)
            took.append(clock() - before)
    results.send(sorted(took))


def watched(server: Server, event: Event, size: int) -> list[int]:
    """Nanoseconds of the probe's round trips while the event took place and half a second after, sorted."""
    with Connection(server.port) as client:
        client("FLUSHALL")
        client.send_all(batched(event.prepare(size), 100))
        if event.act is not until_expired:
            server.settle()
        return probed(server.port, lambda: event.act(client, size))


def probed(port: int, act: Callable[[], object]) -> list[int]:
    """Nanoseconds of a probe's round trips while something is done and half a second after, sorted."""
    stop = multiprocessing.Event()
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=probe, args=(port, stop, there))
    process.start()
    try:
        here.recv()
        time.sleep(0.05)
        act()
        time.sleep(0.5)
        stop.set()
        took: list[int] = here.recv()
    finally:
        stop.set()
        process.join(10)
        process.kill()
    return took


def pauses(kinds: Sequence[Kind], ports: Ports, rounds: int, size: int) -> list[Table]:
    """The longest round trip and the 99.9th percentile beside each event, and the histograms.

    What a server itself does comes back in each round, and what the machine does to it mostly not: so the shortest of the rounds' longest
    is nearest to what is asked.
    """
    names = [kind.name for kind in kinds]
    title = f"beside large operations ({size:,} keys or elements)"
    longest = Table(f"Longest round trip {title}", "milliseconds, the shortest of the rounds' longest", names)
    nearly = Table(f"99.9th percentile of round trips {title}", "milliseconds", names, digits=3)
    histograms = []
    progress = Progress("pauses", len(EVENTS) * rounds * len(kinds))
    with running(kinds, ports) as servers:
        for event in EVENTS:
            found: dict[str, list[list[int]]] = {name: [] for name in names}
            for turn in range(rounds):
                first = turn % len(servers)
                for server in servers[first:] + servers[:first]:
                    progress.step(f"{event.name}, {server.name}")
                    # some servers lack some commands
                    with contextlib.suppress(ErrorReply):
                        found[server.name].append(watched(server, event, size))
            told: dict[str, list[list[int]]] = {name: runs for name, runs in found.items() if runs}
            longest.add(event.name, {name: min(run[-1] for run in runs) / 1e6 for name, runs in told.items()})
            nearly.add(event.name, {name: statistics.median(at(run, 0.999) for run in runs) / 1e6 for name, runs in told.items()})
            histograms.append(histogram(event.name, names, found))
    progress.end()
    return [longest, nearly, *histograms]


def histogram(event: str, names: list[str], found: dict[str, list[list[int]]]) -> Table:
    """How many round trips took up to so many microseconds, by powers of two; for the plot."""
    table = Table(f"Round trips beside: {event}", "round trips", names, axis="microseconds, up to", digits=0, plot_only=True)
    counts = {name: [0] * 24 for name in names}
    for name, runs in found.items():
        for run in runs:
            for took in run:
                counts[name][min((took // 1000).bit_length(), 23)] += 1
    for power in range(24):
        if any(counts[name][power] for name in names):
            table.add(str(1 << power), {name: float(counts[name][power]) for name in names})
    return table
