"""Clusters: what a node pays more than a server alone, a cluster of six nodes, and how fast slots move."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bench.cpu import LIMIT, Case, benchmark_fields
from bench.loads import RANDOM, load
from bench.persistence import CLIENTS, Found, in_turn, medians, note
from bench.servers import Kind, Ports, Server
from bench.tables import Table
from bench.wire import Connection, batched, request

SLOTS = 16384
PRIMARIES = 3
PATIENCE = 60.0  # seconds for nodes to agree
BATCH = 100  # keys that one MIGRATE takes
VALUE = "x" * 100
KEY = f"key:{{tag}}:{RANDOM}"  # redis-benchmark puts a tag of each node there
LOADS = {"SET": load("SET", "SET", KEY, "x" * 16), "GET": load("GET", "GET", KEY)}


def node(kind: Kind, ports: Ports) -> Server:
    """A node that knows nobody."""
    return Server(kind, ports, ("--cluster-enabled", "yes", "--cluster-port", str(ports.take()), "--repl-diskless-sync-delay", "0"))


def until(condition: Callable[[], bool], what: str) -> None:
    """Returns when something is so. RuntimeError when it never is."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {PATIENCE} s")
        time.sleep(0.02)


def ask(server: Server, *words: object) -> Any:
    """A reply."""
    with Connection(server.port) as client:
        return client(*map(str, words))


def serves(server: Server, nodes: int) -> bool:
    """Whether a node knows so many and says that the cluster is well."""
    info = ask(server, "CLUSTER", "INFO")
    return b"cluster_state:ok" in info and b"cluster_known_nodes:%d\r" % nodes in info


@contextlib.contextmanager
def cluster(kind: Kind, ports: Ports, primaries: int, replicas: int) -> Iterator[list[Server]]:
    """Nodes that share the slots, primaries first; ended with the block."""
    with contextlib.ExitStack() as stack:
        nodes = []
        for _ in range(primaries + replicas):
            nodes.append(node(kind, ports))
            stack.callback(nodes[-1].stop)
        edges = [SLOTS * number // primaries for number in range(primaries + 1)]
        for server, first, last in zip(nodes, edges, edges[1:], strict=False):
            ask(server, "CLUSTER", "ADDSLOTSRANGE", first, last - 1)
        for server in nodes[1:]:
            ask(nodes[0], "CLUSTER", "MEET", "127.0.0.1", server.port, bus_port(server))
        until(lambda: all(serves(server, len(nodes)) for server in nodes), "nodes that know each other")
        for number, server in enumerate(nodes[primaries:]):
            ask(server, "CLUSTER", "REPLICATE", id_of(nodes[number % primaries]))
        until(lambda: all(ask(server, "CLUSTER", "NODES").count(b"slave") == replicas for server in nodes), "replicas that all know")
        for server in nodes[primaries:]:
            until(lambda server=server: b"master_link_status:up" in ask(server, "INFO", "replication"), "replicas")  # type: ignore[misc]
        yield nodes


def bus_port(server: Server) -> int:
    """Where a node's bus is."""
    line: bytes = ask(server, "CLUSTER", "NODES")
    return int(line.partition(b"@")[2].replace(b",", b" ").split()[0])


def id_of(server: Server) -> str:
    """A node's id."""
    id: bytes = ask(server, "CLUSTER", "MYID")
    return id.decode()


def loaded(found: Found, row: str, servers: Sequence[Server], requests: int, options: Sequence[str] = ()) -> None:
    """SETs and GETs at both depths of pipelining: CPU of all servers per request."""
    for name, each in LOADS.items():
        for pipeline in (1, 16):
            wanted = requests * (4 if pipeline > 1 else 1)
            before = [server.cpu_ns() for server in servers]
            benchmark_fields(servers[0].port, Case(each, pipeline, CLIENTS, wanted), wanted, LIMIT, options)
            cpu = sum(server.cpu_ns() - at for server, at in zip(servers, before, strict=True)) / wanted / 1e3
            note(found, f"{name}{row}, pipeline {pipeline}", servers[0], cpu)


def answering(found: Found, kind: Kind, ports: Ports, requests: int) -> None:
    """One server alone, and one that is a node with all slots."""
    alone = Server(kind, ports)
    try:
        loaded(found, ", no cluster", [alone], requests)
    finally:
        alone.stop()
    with cluster(kind, ports, 1, 0) as nodes:
        loaded(found, ", a node of a cluster", nodes, requests)


def together(found: Found, kind: Kind, ports: Ports, requests: int) -> None:
    """Three primaries and a replica of each."""
    with cluster(kind, ports, PRIMARIES, PRIMARIES) as nodes:
        loaded(found, "", nodes, requests, ("--cluster",))


def moving(found: Found, kind: Kind, ports: Ports, keys: int) -> None:
    """A slot with all keys goes from one node to another by MIGRATE, with nothing else to do."""
    # the second node has the slot of {a}
    with cluster(kind, ports, 2, 0) as (target, source), Connection(source.port) as client:
        client.send_all(batched(request("SET", f"{{a}}{number}", VALUE) for number in range(keys)))
        slot, ids = str(client("CLUSTER", "KEYSLOT", "{a}")), (id_of(source), id_of(target))
        with Connection(source.port) as here, Connection(target.port) as there:
            before = source.cpu_ns() + target.cpu_ns()
            began = time.monotonic()
            there("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
            here("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
            while isinstance(names := here("CLUSTER", "GETKEYSINSLOT", slot, str(BATCH)), list) and names:
                here("MIGRATE", "127.0.0.1", str(target.port), "", "0", "5000", "KEYS", *(bytes(name).decode() for name in names))
            for one in (there, here):
                one("CLUSTER", "SETSLOT", slot, "NODE", ids[1])
            note(found, "microseconds a key", source, (time.monotonic() - began) / keys * 1e6)
            note(found, "CPU of both nodes, microseconds a key", source, (source.cpu_ns() + target.cpu_ns() - before) / keys / 1e3)


def clustering(kinds: Sequence[Kind], ports: Ports, rounds: int, requests: int, keys: int) -> list[Table]:
    """All of it."""
    names = [kind.name for kind in kinds]
    nodes: Found = {}
    six: Found = {}
    moves: Found = {}
    in_turn(kinds, rounds, "cluster, one node", lambda kind: answering(nodes, kind, ports, requests))
    in_turn(kinds, rounds, "cluster, six nodes", lambda kind: together(six, kind, ports, requests))
    in_turn(kinds, rounds, "cluster, slots", lambda kind: moving(moves, kind, ports, keys))
    return [
        medians(Table("A server and a node of a cluster, 50 clients: server CPU per request", "microseconds", names), nodes),
        medians(Table("Three primaries with a replica each: CPU of all six per request", "microseconds", names), six),
        medians(Table(f"A slot of {keys:,} keys of 100 bytes moves, {BATCH} keys a MIGRATE", "microseconds", names), moves),
    ]
