"""Replication: what replicas cost their primary and what a replica's own work takes, how far it is behind, and full copies."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from bench.cpu import LIMIT, Case, benchmark_fields
from bench.latency import probed
from bench.persistence import CLIENTS, MIB, SET, Found, columns, in_turn, medians, mixed, note, shared_memory
from bench.servers import Kind, Ports, Server
from bench.tables import Table
from bench.wire import Connection, batched

OPTIONS = ("--repl-diskless-sync-delay", "0", "--client-output-buffer-limit", "replica 0 0 0")
METHODS = {"without a file": (), "by way of the disk": ("--repl-diskless-sync", "no")}
LAG_WRITES = 2000
PATIENCE = 600.0  # seconds for a copy


def follow(replica: Server, primary: Server) -> None:
    """Makes a server the other's replica, and returns when it is one."""
    with Connection(replica.port) as client:
        client("REPLICAOF", "127.0.0.1", str(primary.port))
        deadline = time.monotonic() + PATIENCE
        info: object = b""
        while not (isinstance(info, bytes) and b"master_link_status:up" in info):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{replica.name} did not become a replica")
            time.sleep(0.005)
            info = client("INFO", "replication")


def wait_for(primary: Server, replicas: int) -> None:
    """Returns when so many replicas have everything."""
    with Connection(primary.port) as client:
        client("SET", "last", "1")
        client("WAIT", str(replicas), "60000")


@contextlib.contextmanager
def started(kind: Kind, ports: Ports, replicas: int, options: Sequence[str] = ()) -> Iterator[tuple[Server, list[Server]]]:
    """A primary and servers that follow nobody yet, ended with the block."""
    with contextlib.ExitStack() as stack:
        servers = []
        for _ in range(replicas + 1):
            servers.append(Server(kind, ports, (*OPTIONS, *options)))
            stack.callback(servers[-1].stop)
        yield servers[0], servers[1:]


def writing(found: Found, kind: Kind, ports: Ports, requests: int) -> None:
    """SETs with none, one and two replicas."""
    for count in range(3):
        with started(kind, ports, count) as (primary, replicas):
            for replica in replicas:
                follow(replica, primary)
            for pipeline in (1, 16):
                wanted = requests * (4 if pipeline > 1 else 1)
                servers = (primary, *replicas)
                before = [server.cpu_ns() for server in servers]
                benchmark_fields(primary.port, Case(SET, pipeline, CLIENTS, wanted), wanted, LIMIT)
                if count:
                    wait_for(primary, count)
                cpu = [(server.cpu_ns() - at) / wanted / 1e3 for server, at in zip(servers, before, strict=True)]
                note(found, f"primary with {count} replicas, pipeline {pipeline}", primary, cpu[0])
                if count == 1:
                    note(found, f"its replica, pipeline {pipeline}", primary, cpu[1])


def lagging(found: Found, kind: Kind, ports: Ports) -> None:
    """One client that writes and waits for its replica, with no other load."""
    with started(kind, ports, 1) as (primary, (replica,)), Connection(primary.port) as client:
        follow(replica, primary)
        took = []
        for number in range(LAG_WRITES):
            client("SET", "key", str(number))
            began = time.perf_counter()
            client("WAIT", "1", "1000")
            took.append((time.perf_counter() - began) * 1e3)
        took.sort()
        note(found, "WAIT 1: p50, ms", primary, took[len(took) // 2])
        note(found, "WAIT 1: p99, ms", primary, took[len(took) * 99 // 100])


def most_memory(server: Server, act: Callable[[], None]) -> float:
    """MiB that a server and its children take at most while something is done, beyond what they took before."""
    before = most = shared_memory(server.process.pid)
    stop = threading.Event()

    def work() -> None:
        nonlocal most
        while not stop.wait(0.01):
            most = max(most, shared_memory(server.process.pid))

    watcher = threading.Thread(target=work)
    watcher.start()
    try:
        act()
    finally:
        stop.set()
        watcher.join()
    return (most - before) / MIB


def follow_beside(replica: Server, primary: Server, requests: int) -> None:
    """Makes a server the other's replica while so many SETs are sent to that."""
    follower = threading.Thread(target=follow, args=(replica, primary))
    follower.start()
    benchmark_fields(primary.port, Case(SET, 16, CLIENTS, requests), requests, LIMIT)
    follower.join()


def copying(found: Found, kind: Kind, ports: Ports, requests: int, elements: int) -> None:
    """Full copies of data of all types by each method."""
    for method, options in METHODS.items():
        with started(kind, ports, 3, options) as (primary, replicas):
            with Connection(primary.port) as client:
                client.send_all(batched(mixed(elements)))
            cpu = sum(server.cpu_ns() for server in (primary, replicas[0]))
            began = time.monotonic()
            pauses = probed(primary.port, lambda primary=primary, replica=replicas[0]: follow(replica, primary))
            note(found, f"{method}: seconds", primary, time.monotonic() - began)
            cpu = sum(server.cpu_ns() for server in (primary, replicas[0])) - cpu
            note(found, f"{method}: seconds of CPU, both servers, no child", primary, cpu / 1e9)
            note(found, f"{method}: longest pause of a probe at the primary, ms", primary, pauses[-1] / 1e6)
            beyond = most_memory(primary, lambda primary=primary, replica=replicas[1]: follow(replica, primary))
            note(found, f"{method}: the primary's memory beyond that before, MiB", primary, beyond)
            beyond = most_memory(primary, lambda primary=primary, replica=replicas[2]: follow_beside(replica, primary, requests))
            note(found, f"{method}: the same with {requests:,} SETs beside, MiB", primary, beyond)


def replicating(kinds: Sequence[Kind], ports: Ports, rounds: int, requests: int, elements: int) -> list[Table]:
    """All of it."""
    kinds = columns(kinds)
    names = [kind.name for kind in kinds]
    writes: Found = {}
    lag: Found = {}
    copies: Found = {}
    in_turn(kinds, rounds, "replication, writes", lambda kind: writing(writes, kind, ports, requests))
    in_turn(kinds, rounds, "replication, lag", lambda kind: lagging(lag, kind, ports))
    in_turn(kinds, rounds, "replication, copies", lambda kind: copying(copies, kind, ports, requests, elements))
    return [
        medians(Table("SET with replicas, 50 clients: server CPU per request", "microseconds", names), writes),
        medians(Table("A write that waits for its replica", "milliseconds of the waiting", names), lag),
        medians(Table(f"Full copies of {elements:,} elements of all types", "units as the rows say", names), copies),
    ]
