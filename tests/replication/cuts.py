"""Links between a primary and its replica that break a thousand times, in the middle of anything, under writes of every type.

    python -m tests.replication.cuts --times 1000 --seed 1

Zippy with itself, with Redis 8.2 and with Redis 7.0, in each place; both keep append-only files, replicas are restarted now and then. After
every fifty breaks the writes pause, and both have to hold the same.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.replication.cutter import Cutter
from tests.replication.load import Load
from tests.replication.servers import OLD, REDIS, ZIPPY, Node, assert_equal, has, is_up
from tests.waiting import wait_until

PAIRS = [(ZIPPY, ZIPPY), (ZIPPY, REDIS), (REDIS, ZIPPY), (ZIPPY, OLD), (OLD, ZIPPY)]
ROUND = 50
RESTARTS = 0.03  # of the breaks


def cut_round(primary: Node, replica: Node, cutter: Cutter, chance: random.Random, times: int) -> None:
    """So many breaks while somebody writes."""
    with Load(primary, threads=1, seed=chance.randrange(1 << 30)):
        for _ in range(times):
            if chance.random() < RESTARTS:
                replica.restart()
                replica.client = replica.connect()
                wait_until(lambda: is_up(replica), 60.0)
            else:
                cutter.limits.append(chance.randrange(1, 300_000))
                time.sleep(chance.random() / 20)
                cutter.cut_off(replica)


def run_pair(kinds: tuple[str, str], times: int, seed: int, folder: Path) -> None:
    """The breaks of one pair of servers."""
    chance = random.Random(seed)
    nodes: list[Node] = []
    primary = Node(kinds[0], folder / "primary", "--repl-backlog-size", "4mb", "--appendonly", "yes")
    nodes.append(primary)
    cutter = Cutter(primary.port)
    try:
        replica = Node(kinds[1], folder / "replica", "--appendonly", "yes", "--replicaof", f"127.0.0.1 {cutter.port}")
        nodes.append(replica)
        wait_until(lambda: is_up(replica), 60.0)
        for begin in range(0, times, ROUND):
            cut_round(primary, replica, cutter, chance, min(ROUND, times - begin))
            assert_equal(primary, replica)
        for node in nodes:
            node.restart()
            node.client = node.connect()
        wait_until(lambda: is_up(replica), 60.0)
        assert_equal(primary, replica)
        print(f"{kinds[0]} -> {kinds[1]}: {times} breaks, copies and partial ones {primary.syncs()} since the last start", flush=True)
    finally:
        cutter.close()
        for node in nodes:
            node.stop()


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m tests.replication.cuts", description="Links that break.")
    parser.add_argument("--times", type=int, default=1000, help="breaks in all")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    pairs = [pair for pair in PAIRS if all(map(has, pair))]
    for number, pair in enumerate(pairs):
        folder = Path(tempfile.mkdtemp())
        try:
            run_pair(pair, -(-options.times // len(pairs)), options.seed + number, folder)
        except (TimeoutError, AssertionError) as error:
            sys.exit(f"{pair[0]} -> {pair[1]}: {error}\nlogs and data are in {folder}")
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
