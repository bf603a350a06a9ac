"""Two processes fight for one folder: python -m tests.persistence.fight --times 1000.

Each waits until the folder is its own and counts in it, as long as it lives. The owner is killed at random, and another contender takes its
place. There is one owner at a time, and each goes on from the last number that was acknowledged: one more may be there, which was on its
way.
"""

from __future__ import annotations

import argparse
import os
import random
import selectors
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PATIENCE = 60.0  # seconds until a folder has an owner again

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


class Contender:
    """A process that fights for the folder, and what it has counted."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", CONTENDER, str(folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert self.process.stdout is not None
        self.output = self.process.stdout.fileno()
        self.counted = b""
        self.ended = False  # it writes no more

    def read(self) -> None:
        """Takes what it has written, of which there is something, or its end."""
        data = os.read(self.output, 1 << 16)
        self.counted += data
        self.ended = not data

    def kill(self) -> tuple[list[int], str]:
        """Ends it: the numbers that it acknowledged, and what it said of its trouble."""
        self.process.kill()
        rest, said = self.process.communicate()
        # a number without the end of its line was not told
        lines = (self.counted + rest).split(b"\n")[:-1]
        return [int(line) for line in lines], said.decode(errors="replace")


class Fight:
    """The folder and those who fight for it. patience: in seconds."""

    def __init__(self, folder: Path, seed: int, patience: float = PATIENCE) -> None:
        self.folder = folder
        self.patience = patience
        self.chance = random.Random(seed)
        self.last = 0  # that was acknowledged
        self.contenders = [Contender(folder), Contender(folder)]

    def run(self, times: int) -> int:
        """Kills so many owners; the last number that was acknowledged. Broken when something is wrong."""
        try:
            for _ in range(times):
                self.round()
        finally:
            for contender in self.contenders:
                contender.kill()
        return self.last

    def round(self) -> None:
        """Waits for an owner, lets it count for a while, and kills it."""
        owner = self.wait_for_owner()
        time.sleep(self.chance.choice([0.0, self.chance.uniform(0.0, 0.05)]))
        self.hear(0.0)
        if [contender for contender in self.contenders if contender.counted] != [owner]:
            raise Broken("two processes own the folder")
        self.contenders.remove(owner)
        numbers, _ = owner.kill()
        self.contenders.append(Contender(self.folder))
        if numbers[0] not in (self.last + 1, self.last + 2):
            raise Broken(f"{self.last} was acknowledged, and the next owner began with {numbers[0]}")
        if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise Broken("somebody else counted too")
        self.last = numbers[-1]

    def wait_for_owner(self) -> Contender:
        """The first that has counted."""
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            self.hear(1.0)
            for contender in self.contenders:
                if b"\n" in contender.counted:
                    return contender
        raise Broken(f"nobody owned the folder within {self.patience} seconds")

    def hear(self, seconds: float) -> None:
        """Reads what the contenders have written, once one has. Broken, with its words, when one ends that nobody has killed."""
        with selectors.DefaultSelector() as selector:
            for contender in self.contenders:
                selector.register(contender.output, selectors.EVENT_READ, contender)
            ready = [key.data for key, _ in selector.select(seconds)]
        for contender in ready:
            contender.read()
            if contender.ended:
                numbers, said = contender.kill()
                raise Broken(f"a contender that had counted {len(numbers)} times ended with {contender.process.returncode}: {said}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.persistence.fight", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds for one owner; more where the machine is busy")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(f"seed={options.seed}", flush=True)
        print(f"acknowledged={Fight(Path(folder), options.seed, options.patience).run(options.times)}")


if __name__ == "__main__":
    main()
