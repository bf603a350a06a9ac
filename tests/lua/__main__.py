"""Compares the libraries of Lua scripts with a real Redis, call by call."""

from __future__ import annotations

import argparse
import sys
import time

from tests.lua.cases import CASES
from tests.lua.compare import differences
from tests.lua.states import new_state
from tests.resp import RawClient
from tests.servers import start_oracle


def main() -> int:
    """Prints what differs, a line for each library at its end, and returns 1 when there was anything."""
    parser = argparse.ArgumentParser(prog="python -m tests.lua", description=__doc__)
    parser.add_argument("--library", action="append", choices=[*CASES], help="may be given again (default: all)")
    parser.add_argument("--count", type=int, default=20_000, help="calls of each library (default 20000)")
    parser.add_argument("--seed", type=int, default=1, help="where random numbers start (default 1)")
    parser.add_argument("--most", type=int, default=20, help="differences after which to leave a library (default 20)")
    options = parser.parse_args()
    oracle = start_oracle()
    total = 0
    try:
        for library in options.library or CASES:
            began, found = time.monotonic(), 0
            with RawClient(oracle.host, oracle.port, timeout=120.0) as client:
                for difference in differences(library, options.seed, options.count, new_state(), client):
                    print(difference, flush=True)
                    found += 1
                    if found == options.most:
                        break
            print(
                f"{library:<10} seed {options.seed} {options.count:>8} calls {found:>4} differences {time.monotonic() - began:>7.1f} s",
                flush=True,
            )
            total += found
    finally:
        oracle.stop()
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
