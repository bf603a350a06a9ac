"""The command line: `python -m bench PART ...`; without a part all of them run."""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench import page
from bench.backends import compare_backends
from bench.cluster import clustering
from bench.cpu import Case, measure, two_tables
from bench.inprocess import compare
from bench.instructions import per_command, trees
from bench.latency import fixed, pauses
from bench.loads import COMMANDS, of_sizes
from bench.memory import churn, per_element
from bench.persistence import keeping
from bench.replication import replicating
from bench.scale import growth, startup, tls
from bench.servers import REDIS, VALKEY, ZIPPY, Kind, Ports, find
from bench.stalls import stalls
from bench.steps import steps
from bench.tables import Table, save

BUSY = 2.5  # load average; a part itself keeps up to two cores busy
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Run:
    """What a part is given: the servers, the ports, and the options of the command line."""

    kinds: list[Kind]
    ports: Ports
    options: argparse.Namespace

    @property
    def names(self) -> list[str]:
        """The columns."""
        return [kind.name for kind in self.kinds]

    @property
    def quick(self) -> bool:
        """Whether little time is to be spent."""
        return bool(self.options.quick)


def scaled(options: argparse.Namespace, pipeline: int) -> int:
    """Requests of a run: what is sent in deeper pipelines costs less, so more are sent."""
    return int(options.requests * {1: 1, 16: 4}.get(pipeline, 8))


def cpu_part(run: Run) -> list[Table]:
    """Every command at each depth of pipelining, 50 clients."""
    loads = [load for load in COMMANDS if re.search(run.options.loads, load.name)]
    pipelines = [1, 16] if run.quick else run.options.pipelines
    cases = {pipeline: {load.name: Case(load, pipeline, 50, scaled(run.options, pipeline)) for load in loads} for pipeline in pipelines}
    found = measure(run.kinds, run.ports, [case for rows in cases.values() for case in rows.values()], run.options.rounds)
    tables = [table for pipeline, rows in cases.items() for table in two_tables(f"Commands, pipeline {pipeline}", run.names, rows, found)]
    # throughput of short runs says little
    return tables[::2] if run.quick else tables


def sizes_part(run: Run) -> list[Table]:
    """SET and GET with values of 16 bytes to 64 KiB."""
    cases = {pipeline: {load.name: Case(load, pipeline, 50, scaled(run.options, pipeline)) for load in of_sizes()} for pipeline in (1, 16)}
    found = measure(run.kinds, run.ports, [case for rows in cases.values() for case in rows.values()], run.options.rounds)
    return [table for pipeline, rows in cases.items() for table in two_tables(f"Value sizes, pipeline {pipeline}", run.names, rows, found)]


def clients_part(run: Run) -> list[Table]:
    """SET and GET from 1 to 10,000 clients. The CPU that connecting takes is measured apart and subtracted."""
    loads = [load for load in COMMANDS if load.name in ("SET", "GET")]
    rows = {
        f"{load.name}, {clients:,} clients": Case(load, 1, clients, run.options.requests // (4 if clients == 1 else 1))
        for load in loads for clients in (1, 50, 1000, 10000)
    }  # fmt: skip
    found = measure(run.kinds, run.ports, list(rows.values()), run.options.rounds)
    return two_tables("Clients, no pipelining", run.names, rows, found)


def memory_part(run: Run) -> list[Table]:
    """Resident bytes per element."""
    return per_element(run.kinds, run.ports, 250_000 if run.quick else run.options.elements)


def churn_part(run: Run) -> list[Table]:
    """What churn leaves behind, and what FLUSHALL gives back."""
    return churn(run.kinds, run.ports, 250_000 if run.quick else run.options.elements)


def latency_part(run: Run) -> list[Table]:
    """p50 to p99.9 at half of Redis's saturation."""
    return fixed(run.kinds, run.ports, run.options.rounds, 1.0 if run.quick else 5.0)


def pauses_part(run: Run) -> list[Table]:
    """The longest round trips beside large operations."""
    return pauses(run.kinds, run.ports, run.options.rounds, 100_000 if run.quick else run.options.elements)


def scale_part(run: Run) -> list[Table]:
    """From ten thousand keys to `--largest`."""
    return growth(run.kinds, run.ports, run.options.rounds, scaled(run.options, 16), 100_000 if run.quick else run.options.largest)


def startup_part(run: Run) -> list[Table]:
    """From the start of the process to the first reply."""
    return startup(run.kinds, run.ports, 5 if run.quick else 11, 100_000 if run.quick else run.options.elements)


def tls_part(run: Run) -> list[Table]:
    """CPU per request over TLS."""
    return tls(run.kinds, run.ports, run.options.rounds, run.options.requests)


def steps_part(run: Run) -> list[Table]:
    """CPU of zippy's longest uninterrupted steps."""
    return steps(run.options.zippy, run.options.rounds, 100_000 if run.quick else run.options.elements)


def stalls_part(run: Run) -> list[Table]:
    """How long one client can make another wait."""
    return stalls(run.kinds, run.ports, run.options.rounds, 100_000 if run.quick else run.options.elements, run.options.loads)


def persistence_part(run: Run) -> list[Table]:
    """Saving, loading, and what the append-only file costs."""
    return keeping(run.kinds, run.ports, run.options.rounds, run.options.requests, 100_000 if run.quick else run.options.elements)


def inprocess_part(run: Run) -> list[Table]:
    """Stores inside of a Python process."""
    return compare(run.kinds, run.ports, run.options.rounds, 0.3 if run.quick else 2.0, run.options.python, run.options.zippy)


def backends_part(run: Run) -> list[Table]:
    """redis-py's calls over each backend."""
    options = run.options
    return compare_backends(options.python, options.zippy, 0.1 if run.quick else 0.5, options.keep or not run.quick)


def instructions_part(run: Run) -> list[Table]:
    """Instructions per command, beside other trees."""
    return per_command(trees(run.options.zippy, run.options.tree))


def replication_part(run: Run) -> list[Table]:
    """Replicas and full copies."""
    elements = 100_000 if run.quick else run.options.elements
    return replicating(run.kinds, run.ports, run.options.rounds, run.options.requests, elements)


def cluster_part(run: Run) -> list[Table]:
    """Nodes of clusters, and slots that move."""
    return clustering(run.kinds, run.ports, run.options.rounds, run.options.requests, 20_000 if run.quick else 100_000)


PARTS: dict[str, Callable[[Run], list[Table]]] = {
    "cpu": cpu_part,
    "memory": memory_part,
    "sizes": sizes_part,
    "clients": clients_part,
    "churn": churn_part,
    "latency": latency_part,
    "pauses": pauses_part,
    "steps": steps_part,
    "stalls": stalls_part,
    "scale": scale_part,
    "startup": startup_part,
    "persistence": persistence_part,
    "replication": replication_part,
    "cluster": cluster_part,
    "tls": tls_part,
    "inprocess": inprocess_part,
    "backends": backends_part,
    "instructions": instructions_part,
}
QUICK_PARTS = ("cpu", "memory")


def circumstances(options: argparse.Namespace) -> dict[str, str]:
    """What a reader must know to judge the numbers."""
    commit = subprocess.run(["git", "-C", options.zippy, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "day": time.strftime("%Y-%m-%d"),
        "zippy": commit or "unknown",
        "Python": platform.python_version(),
        "machine": f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "run": ", ".join(f"{name} {getattr(options, name)}" for name in ("requests", "rounds", "elements"))
        + (", pinned" if options.pin else "")
        + (", quick" if options.quick else ""),
    }


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="zippy beside Redis in one interleaved run; writes bench/NUMBERS.md."
    )
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"what to run: {', '.join(PARTS)}, or page (from former results); default: all"
    )
    parser.add_argument(
        "--quick", action="store_true", help="cpu at pipelines 1 and 16 and memory, in a few minutes; printed, kept nowhere"
    )
    parser.add_argument("--zippy", default=str(ROOT), metavar="FOLDER", help="a tree of zippy's with a release build (default: this one)")
    parser.add_argument(
        "--server", action="append", default=[], metavar="NAME=COMMAND", help="one more server, for instance a second tree of zippy's"
    )
    parser.add_argument(
        "--tree", action="append", default=[], metavar="NAME=FOLDER", help="one more tree of zippy's for the instructions part"
    )
    parser.add_argument("--only", default="", metavar="REGEX", help="only the servers whose names match, and zippy")
    parser.add_argument("--loads", default="", metavar="REGEX", help="only the loads of the cpu and stalls parts whose names match")
    parser.add_argument(
        "--requests", type=int, default=100_000, help="requests of a run without pipelining; deeper ones have 4 and 8 times more"
    )
    parser.add_argument("--pipelines", type=lambda text: [int(word) for word in text.split(",")], default=[1, 16, 128], help="1,16,128")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--elements", type=int, default=1_000_000, help="elements of all parts but cpu, sizes, clients and scale"
    )
    parser.add_argument("--largest", type=int, default=10_000_000, help="keys that the scale part ends with")
    parser.add_argument(
        "--python", default=sys.executable, metavar="PROGRAM", help="the interpreter of inprocess and backends, which has the other stores"
    )
    parser.add_argument("--ports", default="", metavar="FIRST-LAST", help="loopback ports to use (default: any)")
    parser.add_argument(
        "--pin", action="store_true", help="servers on the first core, load generators on the others (not fair to threads: not for pauses)"
    )
    parser.add_argument("--keep", action="store_true", help="keep the results of a quick run too")
    options = parser.parse_args(words)
    unknown = [part for part in options.parts if part not in PARTS and part != "page"]
    if unknown:
        parser.error(f"there is no part {unknown[0]}")
    if options.quick:
        options.requests, options.rounds = min(options.requests, 20_000), 1
        options.only = options.only or f"{REDIS}|{VALKEY}"
    options.zippy = str(Path(options.zippy).resolve())
    return options


def main() -> None:
    """Runs the parts, prints their tables as they come, and writes the page."""
    options = arguments()
    kinds = [kind for kind in find(Path(options.zippy), options.server) if kind.name == ZIPPY or re.search(options.only, kind.name)]
    if options.pin:
        kinds = [replace(kind, command=("taskset", "-c", "0", *kind.command)) for kind in kinds]
        os.sched_setaffinity(0, os.sched_getaffinity(0) - {0})
    ports = Ports(options.ports)
    for part in options.parts or (QUICK_PARTS if options.quick else PARTS):
        if part == "page":
            continue
        known = circumstances(options)
        if os.getloadavg()[0] > BUSY:
            print(f"{part}: the machine is busy (load {known['load before']}); these numbers are rough", file=sys.stderr)
        tables = PARTS[part](Run(kinds, ports, options))
        print("\n".join(table.markdown() for table in tables if not table.plot_only), flush=True)
        if not options.quick or options.keep:
            save(part, known, tables)
    if not options.quick or options.keep:
        page.write(list(PARTS))
        print(f"written: {page.PAGE}", file=sys.stderr)


if __name__ == "__main__":
    main()
