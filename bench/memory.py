"""Resident memory: bytes per element, what churn leaves behind, and what is given back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.datasets import DATA_SETS, value_of
from bench.progress import Progress
from bench.servers import Kind, Ports, Server
from bench.tables import Table, memory_reference
from bench.wire import Connection, ErrorReply, batched, request


def per_element(kinds: Sequence[Kind], ports: Ports, elements: int) -> list[Table]:
    """Growth of resident memory by loading over the wire, a fresh server a row, divided by the elements; and by that of used_memory."""
    names = [kind.name for kind in kinds]
    table = Table(f"Memory per element, {elements:,} elements", "resident bytes", names, against=memory_reference(), digits=1)
    told = Table("What a server says of it", "growth of resident memory over that of used_memory", names, digits=3)
    progress = Progress("memory", len(DATA_SETS) * len(kinds))
    for data in DATA_SETS:
        count = elements // data.weight
        batches = list(batched(data.generate(count)))
        row: dict[str, float | None] = {}
        over: dict[str, float | None] = {}
        for kind in kinds:
            progress.step(f"{data.name}, {kind.name}")
            server = Server(kind, ports)
            try:
                before, unused = server.resident(), server.used_memory()
                with Connection(server.port) as client:
                    client.send_all(batches)
                server.settle()
                grown = server.resident() - before
                row[kind.name] = grown / count
                over[kind.name] = grown / (server.used_memory() - unused)
            except ErrorReply:
                row[kind.name] = over[kind.name] = None
            finally:
                server.stop()
        table.add(data.name, row)
        told.add(data.name, over)
    progress.end()
    return [table, told]


def resized(n: int, seed: int) -> Iterator[bytes]:
    """Strings of other sizes at other keys."""
    return (request("SET", f"other{seed}:{i:08d}", "w" * (40 + (i + seed) * 104729 % 160)) for i in range(n))


def churned(server: Server, elements: int) -> dict[str, float]:
    """Fills, deletes nine of ten, refills with larger values, and once more; then flushes. Returns numbers by row."""
    empty, unused = server.resident(), server.used_memory()
    found = {}

    def over_used(stage: str) -> None:
        server.settle()
        found[f"{stage}: resident over used, as grown from the start"] = (server.resident() - empty) / (server.used_memory() - unused)

    with Connection(server.port) as client:
        client.send_all(batched(request("SET", f"key:{i:012d}", value_of(i)) for i in range(elements)))
        over_used("filled")
        full = server.resident()
        client.send_all(batched(request("DEL", f"key:{i:012d}") for i in range(elements) if i % 10))
        server.settle()
        found["nine of ten keys deleted: % that is still resident"] = 100 * (server.resident() - empty) / (full - empty)
        client.send_all(batched(resized(elements // 3, 1)))
        over_used("refilled with larger values")
        client.send_all(batched(request("DEL", f"other1:{i:08d}") for i in range(elements // 3) if i % 10))
        client.send_all(batched(resized(elements // 3, 2)))
        over_used("the same again")
        most = server.resident() - empty
        client("FLUSHALL")
        server.settle()
        found["after FLUSHALL: % that is still resident"] = 100 * max(server.resident() - empty, 0) / most
    return found


def churn(kinds: Sequence[Kind], ports: Ports, elements: int) -> list[Table]:
    """Fragmentation and memory given back, a fresh server each."""
    table = Table(f"Churn, {elements:,} keys", "ratios and percentages", [kind.name for kind in kinds], against=memory_reference())
    progress = Progress("churn", len(kinds))
    found = {}
    for kind in kinds:
        progress.step(kind.name)
        server = Server(kind, ports)
        try:
            found[kind.name] = churned(server, elements)
        finally:
            server.stop()
    progress.end()
    for row in found[kinds[0].name]:
        table.add(row, {name: values[row] for name, values in found.items()})
    return [table]
