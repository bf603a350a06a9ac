"""Snapshots and the append-only file: what saving and loading take, and what keeping the log costs."""

from __future__ import annotations

import contextlib
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench import datasets
from bench.cpu import LIMIT, Case, benchmark_fields
from bench.latency import probed
from bench.loads import RANDOM, load
from bench.progress import Progress
from bench.servers import ZIPPY, Kind, Ports, Server
from bench.tables import Table
from bench.wire import Connection, ErrorReply, batched

# further columns: zippy with other settings, (name, options)
VARIANTS: tuple[tuple[str, tuple[str, ...]], ...] = (("zippy by fork", ("--snapshot-method", "fork")),)
LOGGING = ("--appendonly", "yes", "--auto-aof-rewrite-percentage", "0")
POLICIES = {
    "no log": (),
    "everysec": (*LOGGING, "--appendfsync", "everysec"),
    "always": (*LOGGING, "--appendfsync", "always"),
}
IN_PROGRESS = {"BGSAVE": b"rdb_bgsave_in_progress:1", "BGREWRITEAOF": b"aof_rewrite_in_progress:1"}
SET = load("SET", "SET", f"load:{RANDOM}", "x" * 16)
CLIENTS = 50
PERIOD = 0.5  # seconds from one begin of a child to the next
MIB = 1 << 20
Found = dict[str, dict[str, list[float]]]  # row, server, values


def mixed(n: int) -> Iterator[bytes]:
    """n elements: strings with a TTL, counters, small collections of each type, and two large ones."""
    small = (
        datasets.strings_with_ttl, datasets.counters, datasets.small_hashes, datasets.small_lists, datasets.small_string_sets,
        datasets.small_integer_sets, datasets.small_sorted_sets, datasets.one_hash, datasets.one_sorted_set, datasets.one_list,
    )  # fmt: skip
    return itertools.chain.from_iterable(generate(n // len(small)) for generate in small)


def columns(kinds: Sequence[Kind]) -> list[Kind]:
    """The servers, and zippy once more with each of VARIANTS."""
    others = [replace(kind, name=name, command=(*kind.command, *words)) for kind in kinds if kind.name == ZIPPY for name, words in VARIANTS]
    return [*kinds, *others]


def note(found: Found, row: str, server: Server, value: float) -> None:
    """Adds a value."""
    found.setdefault(row, {}).setdefault(server.name, []).append(value)


def size_of(folder: Path) -> float:
    """MiB of the files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MIB


def run_to_end(port: int, command: str) -> float:
    """BGSAVE or BGREWRITEAOF, to its end; seconds, to some milliseconds."""
    began = time.monotonic()
    with Connection(port) as client:
        client(command)
        info: object = IN_PROGRESS[command]
        while isinstance(info, bytes) and IN_PROGRESS[command] in info and time.monotonic() < began + LIMIT:
            time.sleep(0.005)
            info = client("INFO", "persistence")
    return time.monotonic() - began


@contextlib.contextmanager
def over_and_over(port: int, command: str | None) -> Iterator[None]:
    """BGSAVE or BGREWRITEAOF again and again, as often with each server however fast it is."""
    stop = threading.Event()

    def work() -> None:
        begin = time.monotonic()
        while not stop.wait(max(begin - time.monotonic(), 0)):
            begin = time.monotonic() + PERIOD
            # asked for too early, before the last child is reaped, it is refused
            with contextlib.suppress(ErrorReply):
                run_to_end(port, str(command))

    thread = threading.Thread(target=work)
    if command:
        thread.start()
    yield
    stop.set()
    if command:
        thread.join()


def shared_memory(pid: int) -> int:
    """Bytes of the process and of its children, what they share counted once."""
    total = 0
    with contextlib.suppress(OSError):
        for each in (pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())):
            total += int(Path(f"/proc/{each}/smaps_rollup").read_text().partition("\nPss:")[2].split()[0]) * 1024
    return total


def peak(server: Server, command: str, requests: int) -> float:
    """MiB that server and child take at most, more than before, while SETs run beside."""
    before = most = shared_memory(server.process.pid)
    stop = threading.Event()

    def work() -> None:
        nonlocal most
        while not stop.is_set():
            most = max(most, shared_memory(server.process.pid))
            time.sleep(0.01)

    watcher = threading.Thread(target=work)
    watcher.start()
    with over_and_over(server.port, command):
        benchmark_fields(server.port, Case(SET, 16, CLIENTS, requests), requests, LIMIT)
    stop.set()
    watcher.join()
    return (most - before) / MIB


def fill(kind: Kind, ports: Ports, folder: str, elements: int) -> tuple[float, float]:
    """Leaves a log of commands and a snapshot in the folder; MiB of both."""
    server = Server(kind, ports, ("--dir", folder, *LOGGING))
    try:
        with Connection(server.port) as client:
            client.send_all(batched(mixed(elements)))
            client("SAVE")
    finally:
        server.stop()
    return size_of(Path(folder) / "appendonlydir"), size_of(Path(folder)) - size_of(Path(folder) / "appendonlydir")


def start(found: Found, row: str, kind: Kind, ports: Ports, options: Sequence[str]) -> Server:
    """A start and what it took, until PING is answered."""
    server = Server(kind, ports, options)
    note(found, f"start {row}: seconds", server, server.start_seconds)
    note(found, f"start {row}: seconds of CPU", server, server.cpu_ns() / 1e9)
    return server


def saving(found: Found, server: Server, folder: str, requests: int) -> None:
    """SAVE, BGSAVE and BGREWRITEAOF of what the server holds."""
    with Connection(server.port) as client:
        began = time.monotonic()
        client("SAVE")
        note(found, "SAVE: seconds", server, time.monotonic() - began)
    for command in IN_PROGRESS:
        took: list[float] = []

        def act(command: str = command, took: list[float] = took) -> None:
            took.append(run_to_end(server.port, command))

        pauses = probed(server.port, act)
        note(found, f"{command}: seconds", server, took[0])
        note(found, f"{command}: longest pause of a probe, ms", server, pauses[-1] / 1e6)
    note(found, "the log after a rewrite: MiB", server, size_of(Path(folder) / "appendonlydir"))
    for command in IN_PROGRESS:
        note(found, f"{command} beside SETs: memory beyond that before, MiB", server, peak(server, command, requests))


def logging(found: dict[str, Found], server: Server, policy: str, pipeline: int, command: str | None, requests: int) -> None:
    """SETs with a policy, beside a child or without."""
    row = f"{policy}{f', during {command}' if command else ''}, pipeline {pipeline}"
    with over_and_over(server.port, command):
        before = server.cpu_ns()
        fields = benchmark_fields(server.port, Case(SET, pipeline, CLIENTS, requests), requests, LIMIT)
        cpu = server.cpu_ns() - before
    for what, value in (
        ("cpu", cpu / requests / 1e3), ("rps", fields["rps"] / 1e3), ("p50", fields["p50_latency_ms"]), ("p99", fields["p99_latency_ms"])
    ):  # fmt: skip
        note(found.setdefault(what, {}), row, server, value)


def medians(table: Table, found: Found) -> Table:
    """The table with the medians of what was found."""
    for row, values in found.items():
        table.add(row, {name: statistics.median(each) for name, each in values.items()})
    return table


def in_turn(kinds: Sequence[Kind], rounds: int, what: str, act: Callable[[Kind], None]) -> None:
    """Does something with each server in each round, the order rotated."""
    progress = Progress(what, rounds * len(kinds))
    for turn in range(rounds):
        first = turn % len(kinds)
        for kind in [*kinds[first:], *kinds[:first]]:
            progress.step(kind.name)
            act(kind)
    progress.end()


def keeping(kinds: Sequence[Kind], ports: Ports, rounds: int, requests: int, elements: int) -> list[Table]:
    """All of it, with one folder a server."""
    kinds = columns(kinds)
    names = [kind.name for kind in kinds]
    files: Found = {}
    loads: dict[str, Found] = {}
    with contextlib.ExitStack() as stack:
        folders = {kind.name: stack.enter_context(tempfile.TemporaryDirectory(prefix="zippy-bench-")) for kind in kinds}

        def load_files(kind: Kind) -> None:
            start(files, "empty", kind, ports, ()).stop()
            start(files, "with the snapshot", kind, ports, ("--dir", folders[kind.name])).stop()
            start(files, "with the log of commands", kind, ports, ("--dir", folders[kind.name], *LOGGING)).stop()

        def save_files(kind: Kind) -> None:
            server = Server(kind, ports, ("--dir", folders[kind.name], *LOGGING))
            try:
                saving(files, server, folders[kind.name], requests)
            finally:
                server.stop()

        def keep_log(kind: Kind) -> None:
            for policy, options in POLICIES.items():
                server = Server(kind, ports, ("--dir", folders[kind.name], *options))
                try:
                    for command in (None, *IN_PROGRESS) if policy == "everysec" else (None,):
                        for pipeline in (1, 16):
                            logging(loads, server, policy, pipeline, command, requests * (4 if pipeline > 1 and policy != "always" else 1))
                finally:
                    server.stop()

        for kind in kinds:
            log, snapshot = fill(kind, ports, folders[kind.name], elements)
            files.setdefault("the snapshot: MiB", {})[kind.name] = [snapshot]
            files.setdefault("the log of commands: MiB", {})[kind.name] = [log]
        in_turn(kinds, rounds, "persistence, loading", load_files)
        in_turn(kinds, rounds, "persistence, saving", save_files)
        in_turn(kinds, rounds, "persistence, logging", keep_log)
    return [
        medians(Table(f"Saving and loading {elements:,} elements of all types", "units as the rows say", names), files),
        medians(Table("SET, 50 clients: server CPU per request", "microseconds, the child's not counted", names), loads["cpu"]),
        medians(Table("SET, 50 clients: throughput", "thousand requests per second", names, better="higher", digits=0), loads["rps"]),
        medians(Table("SET, 50 clients: p50", "milliseconds of a batch", names), loads["p50"]),
        medians(Table("SET, 50 clients: p99", "milliseconds of a batch", names), loads["p99"]),
    ]
