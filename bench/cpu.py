"""Server CPU per request and throughput."""

from __future__ import annotations

import contextlib
import csv
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.blast import blast, subscribed
from bench.loads import Load
from bench.progress import Progress
from bench.servers import Kind, Ports, Server, running
from bench.tables import Table
from bench.wire import Connection, ErrorReply, batched

LIMIT = 60.0  # seconds that one run may take; a slower one counts as none


@dataclass(frozen=True)
class Case:
    """A load at a depth of pipelining and a number of clients."""

    load: Load
    pipeline: int
    clients: int
    requests: int


@dataclass
class Measured:
    """One run: nanoseconds of server CPU per request, and requests per second."""

    cpu: float
    throughput: float


def prepare(server: Server, load: Load, requests: int) -> None:
    """Flushes the server, and fills in what the load needs."""
    with Connection(server.port) as client:
        client("FLUSHALL")
        client.send_all(batched(load.prepare(requests), 50))
    server.settle()


def redis_benchmark(port: int, case: Case, requests: int, limit: float, options: Sequence[str] = ()) -> float:
    """Runs redis-benchmark (with further options of its own); returns requests per second. Raises ErrorReply at an error reply."""
    return benchmark_fields(port, case, requests, limit, options)["rps"]


def benchmark_fields(port: int, case: Case, requests: int, limit: float, options: Sequence[str] = ()) -> dict[str, float]:
    """The same with all that redis-benchmark tells: rps, and p50_latency_ms and others of a batch."""
    arguments = ["-p", str(port), "-n", str(requests), "-P", str(case.pipeline), "-c", str(case.clients), "-r", str(case.load.keys)]
    arguments += ["--user", case.load.user, "-a", "any"] if case.load.user else []
    words = ["-t", "ping_inline"] if case.load.inline else [str(word) for word in case.load.commands[0]]
    ran = subprocess.run(["redis-benchmark", *arguments, "--csv", *options, *words], capture_output=True, text=True, timeout=limit)
    if ran.returncode or "Error" in ran.stderr + ran.stdout:
        raise ErrorReply((ran.stderr + ran.stdout).strip().splitlines()[-1])
    names, values = list(csv.reader(ran.stdout.splitlines()))[-2:]
    return dict(zip(names[1:], map(float, values[1:]), strict=True))


def run(server: Server, case: Case) -> Measured:
    """Runs a case once. Raises ErrorReply, or subprocess.TimeoutExpired or TimeoutError past LIMIT."""
    requests = max(case.requests // case.load.weight, 4 * case.clients, 1000)
    prepare(server, case.load, requests)
    with contextlib.ExitStack() as stack:
        if case.load.subscribers:
            stack.enter_context(subscribed(server.port, case.load.subscribers))
        overhead = connecting_ns(server, case) if case.clients >= 1000 else 0
        before = server.cpu_ns()
        if len(case.load.commands) > 1:
            throughput = requests / blast(server.port, case.load.commands, case.clients, case.pipeline, requests, LIMIT)
        else:
            options = ["--enable-tracking"] if case.load.tracked else []
            throughput = redis_benchmark(server.port, case, requests, LIMIT, options)
        return Measured((server.cpu_ns() - before - overhead) / requests, throughput)


def connecting_ns(server: Server, case: Case) -> int:
    """Nanoseconds of server CPU for the clients to come and go: with many of them that is no part of a request's cost."""
    before = server.cpu_ns()
    with contextlib.ExitStack() as stack:
        for _ in range(case.clients):
            stack.enter_context(Connection(server.port))
    time.sleep(0.05)
    server.settle()
    return server.cpu_ns() - before


def measure(kinds: Sequence[Kind], ports: Ports, cases: Sequence[Case], rounds: int) -> dict[tuple[Case, str], list[Measured]]:
    """Runs every case on every server in each round; the order of the servers is rotated. What failed once is not tried again."""
    found: dict[tuple[Case, str], list[Measured]] = {}
    failed: set[tuple[Case, str]] = set()
    progress = Progress("cpu", rounds * len(cases) * len(kinds))
    with running(kinds, ports) as servers:
        for turn in range(rounds):
            for place, case in enumerate(cases):
                first = (turn + place) % len(servers)
                for server in servers[first:] + servers[:first]:
                    progress.step(f"{case.load.name}, pipeline {case.pipeline}, {case.clients} clients, {server.name}")
                    if (case, server.name) in failed:
                        continue
                    try:
                        found.setdefault((case, server.name), []).append(run(server, case))
                    except (ErrorReply, subprocess.TimeoutExpired, TimeoutError):
                        failed.add((case, server.name))
    progress.end()
    return found


def two_tables(
    title: str, names: list[str], rows: dict[str, Case], found: dict[tuple[Case, str], list[Measured]], axis: str = ""
) -> list[Table]:
    """CPU per request and throughput of the cases, the median of the rounds."""
    cpu = Table(f"{title}: server CPU per request", "microseconds, user and system, all threads", names, axis=axis)
    throughput = Table(f"{title}: throughput", "thousand requests per second", names, better="higher", digits=0, axis=axis)
    for row, case in rows.items():
        runs = {name: found.get((case, name), []) for name in names}
        cpu.add(row, {name: statistics.median(one.cpu for one in all_) / 1e3 if all_ else None for name, all_ in runs.items()})
        throughput.add(
            row, {name: statistics.median(one.throughput for one in all_) / 1e3 if all_ else None for name, all_ in runs.items()}
        )
    return [cpu, throughput]
