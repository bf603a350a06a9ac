"""Processes share one store, and its owner is killed over and over: python -m tests.persistence.share --times 1000.

Each sharer counts, in a counter of its own and in one of all, both in one transaction, by redis-py and by the engine in turn. It writes
down what was acknowledged, when, and when it does not know. The owner, which the folder's lock names, is killed at random, or asked to
leave. Nothing that was acknowledged may be lost, nothing may be counted twice, and no two owners may count at the same time: each number of
the counter of all is given once.

With --policy everysec a killed owner may take with it what was acknowledged in its last second, of all sharers, and these numbers are given
again. What is older, and what was acknowledged before an owner left by itself, has to be there.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import zippy
from tests.persistence.crash import SECOND, SLACK
from zippy.persistence.folder_lock import NAME

SHARERS = 3
PATIENCE = 60.0  # seconds until the store has an owner again, and until one who was asked to leave has left

SHARER = """
import itertools, os, signal, sys, time, redis, zippy

folder, name, policy = sys.argv[1:]
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
said = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
engine = zippy.Engine(folder, share=True, appendfsync=policy)
client = zippy.connect(engine)
own = "n:" + os.path.basename(name)
for turn in itertools.count():
    if stop:
        break
    try:
        if turn % 2:
            counted = client.pipeline().incr(own).incr("all").execute()
        else:
            counted = engine.execute_many([("INCR", own), ("INCR", "all")])
        os.write(said, b"%d %d %.6f\\n" % (*counted, time.monotonic()))
    except (redis.ConnectionError, ConnectionError):
        os.write(said, b"?\\n")
engine.close()
"""


class Broken(Exception):
    """A promise that was not kept."""


class Share:
    """The folder and those who share it. policy: of appendfsync; with `no` nobody is killed, but asked to leave. patience: in seconds."""

    def __init__(self, folder: Path, logs: Path, seed: int, policy: str, patience: float = PATIENCE) -> None:
        self.folder = folder
        self.logs = logs
        self.policy = policy
        self.patience = patience
        self.chance = random.Random(seed)
        self.killed: set[str] = set()  # the logs of those who had no time to say what they did last
        self.kills: list[float] = []  # the moments at which something may have been lost
        self.lost = 0  # acknowledged counts
        self.sharers: dict[int, tuple[subprocess.Popen[bytes], str]] = {}  # by pid
        self.started = 0
        self.longest_wait = 0.0  # seconds for an owner that counts

    def start(self) -> None:
        """One more process."""
        name = str(self.logs / f"{self.started}")
        self.started += 1
        process = subprocess.Popen([sys.executable, "-c", SHARER, str(self.folder), name, self.policy])
        self.sharers[process.pid] = (process, name)

    def run(self, times: int) -> tuple[int, int]:
        """Ends so many owners; how many counts were acknowledged, and how many owners there were. Broken when something is wrong."""
        for _ in range(SHARERS):
            self.start()
        owners = set()
        try:
            for _ in range(times):
                owners.add(self.round())
            for process, _ in self.sharers.values():
                process.send_signal(signal.SIGTERM)
            for process, _ in self.sharers.values():
                # one that has just begun does not catch the signal yet
                if process.wait(self.patience) not in (0, -signal.SIGTERM):
                    raise Broken(f"a sharer ended with {process.returncode}")
        finally:
            for process, _ in self.sharers.values():
                process.kill()
                process.wait()
        return self.judge(), len(owners)

    def round(self) -> int:
        """Waits for an owner, lets all count for a while, and ends it."""
        owner = self.wait_for_owner()
        time.sleep(self.chance.choice([0.0, self.chance.uniform(0.0, 0.1)]))
        process, name = self.sharers.pop(owner)
        if self.policy != "no" and self.chance.random() < 0.8:
            process.kill()
            self.killed.add(name)
            if self.policy == "everysec":
                self.kills.append(time.monotonic())
        else:
            process.send_signal(signal.SIGTERM)
        code = process.wait(self.patience)
        if code not in (0, -signal.SIGKILL):
            raise Broken(f"the owner ended with {code}")
        self.start()
        return owner

    def wait_for_owner(self) -> int:
        """The process that the lock's file names, as soon as it has counted."""
        began = time.monotonic()
        while (waited := time.monotonic() - began) < self.patience:
            for process, _ in self.sharers.values():
                if process.poll() is not None:
                    raise Broken(f"a sharer ended with {process.returncode}")
            pid = self.named_owner()
            if pid in self.sharers and os.path.exists(self.sharers[pid][1]) and os.path.getsize(self.sharers[pid][1]):
                self.longest_wait = max(self.longest_wait, waited)
                return pid
            time.sleep(0.001)
        counted = {pid: os.path.getsize(name) if os.path.exists(name) else 0 for pid, (_, name) in self.sharers.items()}
        raise Broken(f"the folder's lock names {self.named_owner()}, and bytes of counts by sharer are {counted}")

    def named_owner(self) -> int:
        """The pid in the lock's file, 0 if there is none."""
        try:
            return int((self.folder / NAME).read_bytes().split()[0])
        except (OSError, IndexError):
            return 0

    def judge(self) -> int:
        """How many counts were acknowledged. Broken unless all of them are there that have to be, and each once."""
        given: dict[int, float] = {}
        acknowledged = unknown = 0
        with zippy.Engine(self.folder) as engine:
            for place in range(self.started):
                path = self.logs / str(place)
                lines = path.read_bytes().splitlines() if path.exists() else []
                counts, doubts = self.read(lines, given)
                doubts += str(path) in self.killed
                count = int(engine.execute("GET", f"n:{place}") or 0)
                lost = self.lose(counts, count)
                last = counts[-1][0] if counts else 0
                if not lost and not last <= count <= last + doubts:
                    raise Broken(f"sharer {place}: {last} was acknowledged, {doubts} may have been counted, and {count} is there")
                acknowledged += len([line for line in lines if line != b"?"])
                unknown += lines.count(b"?") + (str(path) in self.killed)
            total = int(engine.execute("GET", "all"))
            counted = sum([int(engine.execute("GET", key)) for key in engine.execute("KEYS", "n:*")])
        if total != counted or not acknowledged - self.lost <= total <= acknowledged - self.lost + unknown:
            raise Broken(f"{acknowledged} acknowledged, {self.lost} lost, {unknown} perhaps, {counted} by all, {total} in all")
        return acknowledged

    def read(self, lines: list[bytes], given: dict[int, float]) -> tuple[list[tuple[int, float]], int]:
        """What a sharer wrote down: its numbers that were not lost, with their moments, and how many more may have been counted; adds the
        numbers of all to `given`."""
        counts: list[tuple[int, float]] = []
        doubts = latest = 0
        for line in lines:
            if line == b"?":
                doubts += 1
                continue
            own, of_all, at = int(line.split()[0]), int(line.split()[1]), float(line.split()[2])
            lost = self.lose(counts, own - 1)
            last = counts[-1][0] if counts else 0
            if not lost and not last < own <= last + 1 + doubts:
                raise Broken(f"{last} was acknowledged, {doubts} may have been counted, and {own} came next")
            again = of_all in given and not self.may_be_lost(min(given[of_all], at))
            if again or (of_all <= latest and not lost):
                raise Broken(f"{of_all} was given twice, or after {latest}")
            given[of_all] = max(at, given.get(of_all, at))
            counts.append((own, at))
            doubts, latest = 0, of_all
        return counts, doubts

    def lose(self, counts: list[tuple[int, float]], count: int) -> bool:
        """Takes the numbers above `count` away, which are not there any more; whether there are some. Broken when one has to be there."""
        lost = False
        while counts and counts[-1][0] > count:
            number, at = counts.pop()
            if not self.may_be_lost(at):
                raise Broken(f"{number} was acknowledged, and {count} is there")
            self.lost += 1
            lost = True
        return lost

    def may_be_lost(self, at: float) -> bool:
        """Whether a count that was acknowledged at this moment may have gone with an owner that was killed."""
        return any(-SLACK < kill - at < SECOND + SLACK for kill in self.kills)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.persistence.share", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds for one owner; more where the machine is busy")
    parser.add_argument("--policy", choices=["always", "everysec", "no"], default="always")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as logs:
        print(f"seed={options.seed}", flush=True)
        share = Share(Path(folder), Path(logs), options.seed, options.policy, options.patience)
        acknowledged, owners = share.run(options.times)
        print(f"acknowledged={acknowledged} lost={share.lost} owners={owners} longest_wait_s={share.longest_wait:.1f}")


if __name__ == "__main__":
    main()
