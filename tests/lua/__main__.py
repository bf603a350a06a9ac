"""Compares the libraries of Lua scripts with a real Redis, call by call."""

from __future__ import annotations

import argparse
import sys
import time

from tests.lua.cases import CASES
from tests.lua.compare import by_server, by_state, differences
from tests.lua.states import new_state
from tests.resp import RawClient
from tests.servers import start_oracle, start_server


def main() -> int:
    """Prints what differs, a line for each library at its end, and returns 1 when there was anything."""
    parser = argparse.ArgumentParser(prog="python -m tests.lua", description=__doc__)
    parser.add_argument("--library", action="append", choices=[*CASES], help="may be given again (default: all)")
    parser.add_argument("--count", type=int, default=20_000, help="calls of each library (default 20000)")
    parser.add_argument("--seed", type=int, default=1, help="where random numbers start (default 1)")
    parser.add_argument("--most", type=int, default=20, help="differences after which to leave a library (default 20)")
    parser.add_argument("--server", action="store_true", help="by a server's EVAL; else by a state of Lua without one, which is faster")
    options = parser.parse_args()
    oracle = start_oracle()
    server = start_server() if options.server else None
    total = 0
    try:
        for library in options.library or CASES:
            began, found = time.monotonic(), 0
            with RawClient(oracle.host, oracle.port, timeout=120.0) as client:
                ours = by_server(server.client(timeout=120.0)) if server is not None else by_state(new_state())
                for difference in differences(library, options.seed, options.count, ours, by_server(client)):
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
        if server is not None:
            server.stop()
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
