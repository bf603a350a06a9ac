"""What grows with the data, what it costs to start, and what TLS costs."""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.cpu import Case, redis_benchmark
from bench.loads import RANDOM, Load, load, number
from bench.progress import Progress
from bench.servers import Kind, Ports, Server, running
from bench.tables import Table, memory_reference
from bench.wire import Connection, ErrorReply, batched, request

PIPELINE = 16
GROWING = (
    load("GET", "GET", f"key:{RANDOM}"),
    load("SET", "SET", f"key:{RANDOM}", "x" * 16),
    load("ZSCORE", "ZSCORE", "zset", f"member:{RANDOM}"),
    load("ZINCRBY", "ZINCRBY", "zset", 1, f"member:{RANDOM}"),
    load("HGET", "HGET", "hash", f"field:{RANDOM}"),
    load("SADD", "SADD", "set", f"member:{RANDOM}"),
)


def more(first: int, last: int) -> Iterator[bytes]:
    """Grows the keyspace to `last` keys, and a sorted set, a hash and a set beside it to a tenth of that."""
    for i in range(first, last):
        yield request("SET", f"key:{number(i)}", "x" * 16)
        if i % 10 == 0:
            tenth = number(i // 10)
            yield request("ZADD", "zset", i * 7919 % 1_000_003, f"member:{tenth}")
            yield request("HSET", "hash", f"field:{tenth}", "x" * 16)
            yield request("SADD", "set", f"member:{tenth}")


def growth(kinds: Sequence[Kind], ports: Ports, rounds: int, requests: int, largest: int) -> list[Table]:
    """CPU per command while the data grows from ten thousand keys to `largest`, and memory per key."""
    names = [kind.name for kind in kinds]
    sizes = [size for size in (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000) if size < largest] + [largest]
    tables = {
        one.name: Table(
            f"Scale: {one.name}, pipeline {PIPELINE}, server CPU per request", "microseconds", names,
            axis="keys" if one.name in ("GET", "SET") else "members of the one key",
        )
        for one in GROWING
    }  # fmt: skip
    memory = Table("Scale: memory per key", "resident bytes", names, against=memory_reference(), axis="keys", digits=1)
    progress = Progress("scale", len(sizes) * len(kinds) * (1 + rounds * len(GROWING)))
    with running(kinds, ports) as servers:
        empty = {server.name: server.resident() for server in servers}
        before = 0
        for size in sizes:
            for server in servers:
                progress.step(f"{size:,} keys, {server.name}")
                with Connection(server.port) as client:
                    client.send_all(batched(more(before, size)))
                server.settle()
            before = size
            memory.add(f"{size:,}", {server.name: (server.resident() - empty[server.name]) / size for server in servers})
            for one in GROWING:
                found: dict[str, list[float]] = {name: [] for name in names}
                members = size if one.name in ("GET", "SET") else size // 10
                for turn in range(rounds):
                    first = turn % len(servers)
                    for server in servers[first:] + servers[:first]:
                        progress.step(f"{one.name}, {size:,} keys, {server.name}")
                        found[server.name].append(timed(server, one, members, requests))
                tables[one.name].add(f"{members:,}", {name: statistics.median(values) for name, values in found.items()})
    progress.end()
    memory.note = (
        "Keys of 16 bytes with values of 16, and for every ten of them a member of a sorted set, a field of a hash and a member of a set."
    )
    return [*tables.values(), memory]


def timed(server: Server, one: Load, keys: int, requests: int) -> float:
    """Microseconds of server CPU per request, on keys that are all there."""
    case = Case(Load(one.name, one.commands, keys=keys), PIPELINE, 50, requests)
    before = server.cpu_ns()
    redis_benchmark(server.port, case, requests, 60)
    return (server.cpu_ns() - before) / requests / 1e3


def saved(kind: Kind, ports: Ports, folder: str, keys: int) -> None:
    """Leaves a snapshot of so many keys in the folder."""
    server = Server(kind, ports, ("--dir", folder))
    try:
        with Connection(server.port) as client:
            client.send_all(batched(request("SET", f"key:{number(i)}", "x" * 16) for i in range(keys)))
            client("SAVE")
    finally:
        server.stop()


def startup(kinds: Sequence[Kind], ports: Ports, rounds: int, keys: int) -> list[Table]:
    """From the start of the process to the first PONG, empty and with a snapshot to load; and the memory of an empty server."""
    names = [kind.name for kind in kinds]
    time_table = Table("Start-up, until PING is answered", "milliseconds", names, digits=0)
    memory = Table("An empty server", "resident MiB", names, digits=1)
    empty: dict[str, list[float]] = {name: [] for name in names}
    full: dict[str, list[float]] = {name: [] for name in names}
    resident: dict[str, float | None] = {}
    progress = Progress("startup", (1 + 2 * rounds) * len(kinds))
    with contextlib.ExitStack() as stack:
        folders = {}
        for kind in kinds:
            progress.step(f"saving, {kind.name}")
            folders[kind.name] = stack.enter_context(tempfile.TemporaryDirectory(prefix="zippy-bench-"))
            saved(kind, ports, folders[kind.name], keys)
        for _ in range(rounds):
            for kind in kinds:
                for found, options in ((empty, ()), (full, ("--dir", folders[kind.name]))):
                    progress.step(kind.name)
                    server = Server(kind, ports, options)
                    found[kind.name].append(server.start_seconds * 1e3)
                    if found is empty:
                        resident[kind.name] = server.resident() / (1 << 20)
                    server.stop()
    progress.end()
    time_table.add("empty", {name: statistics.median(values) for name, values in empty.items()})
    time_table.add(f"with a snapshot of {keys:,} keys", {name: statistics.median(values) for name, values in full.items()})
    memory.add("resident", resident)
    return [time_table, memory]


def certificate(folder: str) -> tuple[str, str]:
    """A certificate for loopback that signs itself, and its key, made by openssl."""
    crt, key = str(Path(folder) / "tls.crt"), str(Path(folder) / "tls.key")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", crt, *subject],
        check=True, capture_output=True,
    )  # fmt: skip
    return crt, key


TLS_CASES = {
    "SET, pipeline 1": (load("SET", "SET", f"key:{RANDOM}", "xxx"), 1, ()),
    "GET, pipeline 1": (load("GET", "GET", f"key:{RANDOM}"), 1, ()),
    "SET, pipeline 16": (load("SET", "SET", f"key:{RANDOM}", "xxx"), 16, ()),
    "GET, pipeline 16": (load("GET", "GET", f"key:{RANDOM}"), 16, ()),
    "PING, a new connection each": (load("PING", "PING", weight=50), 1, ("-k", "0")),
}


def tls(kinds: Sequence[Kind], ports: Ports, rounds: int, requests: int) -> list[Table]:
    """CPU per request over TLS 1.3. Servers that were built without TLS show dashes."""
    names = [kind.name for kind in kinds]
    others = [name for name in names[1:] if name.startswith("Redis")]
    table = Table("TLS: server CPU per request", "microseconds", names, against=others)
    table.note = (
        "The packaged builds of some servers have no TLS; their columns are dashes, and the ratio is to the lowest of those that have it."
    )
    found: dict[tuple[str, str], list[float]] = {}
    failed: set[tuple[str, str]] = set()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="zippy-bench-"))
        crt, key = certificate(folder)
        servers: list[tuple[Server, int]] = []
        for kind in kinds:
            port = ports.take()
            options = ("--tls-port", str(port), "--tls-cert-file", crt, "--tls-key-file", key, "--tls-auth-clients", "no")
            with contextlib.suppress(RuntimeError):
                server = Server(kind, ports, options)
                stack.callback(server.stop)
                servers.append((server, port))
        progress = Progress("tls", rounds * len(TLS_CASES) * len(servers))
        for turn in range(rounds):
            first = turn % len(servers)
            for title, (one, pipeline, extra) in TLS_CASES.items():
                for server, port in servers[first:] + servers[:first]:
                    progress.step(f"{title}, {server.name}")
                    case = Case(one, pipeline, 50, requests)
                    count = max(requests // one.weight, 1000)
                    before = server.cpu_ns()
                    if (title, server.name) in failed:
                        continue
                    try:
                        redis_benchmark(port, case, count, 30, ("--tls", "--cacert", crt, *extra))
                        found.setdefault((title, server.name), []).append((server.cpu_ns() - before) / count / 1e3)
                    except (ErrorReply, subprocess.TimeoutExpired):
                        failed.add((title, server.name))
        progress.end()
    for title in TLS_CASES:
        table.add(title, {name: statistics.median(found[title, name]) for name in names if (title, name) in found})
    return [table]
