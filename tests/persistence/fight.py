"""Two processes fight for one folder: python -m tests.persistence.fight --times 1000.

Each waits until the folder is its own and counts in it, as long as it lives. The owner is killed at random, and another contender takes its
place. There is one owner at a time, and each goes on from the last number that was acknowledged: one more may be there, which was on its
way.
"""

from __future__ import annotations

import argparse
import random
import selectors
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

CONTENDER = """
import sys, time, zippy
while True:
    try:
        engine = zippy.Engine(sys.argv[1], appendfsync="always")
        break
    except zippy.FolderInUse as error:
        assert str(error.pid) in str(error) or not error.pid
        time.sleep(0.001)
while True:
    print(engine.execute("INCR", "n"), flush=True)
"""


class Broken(Exception):
    """A promise that was not kept."""


class Fight:
    """The folder and those who fight for it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.last = 0  # that was acknowledged
        self.contenders = [self.contender(), self.contender()]

    def contender(self) -> subprocess.Popen[str]:
        """One more process."""
        return subprocess.Popen([sys.executable, "-c", CONTENDER, str(self.folder)], stdout=subprocess.PIPE, text=True)

    def run(self, times: int) -> int:
        """Kills so many owners; the last number that was acknowledged. Broken when something is wrong."""
        try:
            for _ in range(times):
                self.round()
        finally:
            for process in self.contenders:
                process.kill()
                process.communicate()
        return self.last

    def round(self) -> None:
        """Waits for an owner, lets it count for a while, and kills it."""
        owner = self.wait_for_owner(60.0)
        time.sleep(self.chance.choice([0.0, self.chance.uniform(0.0, 0.05)]))
        others = [process for process in self.contenders if process is not owner]
        if len(written_by(others, 0.0)):
            raise Broken("two processes own the folder")
        owner.kill()
        said = owner.communicate()[0].splitlines(keepends=True)
        numbers = [int(line) for line in said if line.endswith("\n")]
        if not numbers or numbers[0] not in (self.last + 1, self.last + 2):
            raise Broken(f"{self.last} was acknowledged, and the next owner began with {numbers[:1]}")
        if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise Broken("somebody else counted too")
        self.last = numbers[-1]
        self.contenders = [*others, self.contender()]

    def wait_for_owner(self, seconds: float) -> subprocess.Popen[str]:
        """The first to count."""
        ready = written_by(self.contenders, seconds)
        if len(ready) != 1 or ready[0].poll() is not None:
            raise Broken(f"{len(ready)} owners, {[process.poll() for process in self.contenders]}")
        return ready[0]


def written_by(processes: list[subprocess.Popen[str]], seconds: float) -> list[subprocess.Popen[str]]:
    """Those that have written something, as soon as one has."""
    with selectors.DefaultSelector() as selector:
        for process in processes:
            output: IO[str] | None = process.stdout
            assert output is not None
            selector.register(output, selectors.EVENT_READ, process)
        return [key.data for key, _ in selector.select(seconds)]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.persistence.fight", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(f"seed={options.seed}", flush=True)
        print(f"acknowledged={Fight(Path(folder), options.seed).run(options.times)}")


if __name__ == "__main__":
    main()
