"""Instructions a command takes, counted by valgrind's callgrind: what noise cannot hide."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.progress import Progress
from bench.servers import ZIPPY
from bench.tables import Table

WORKER = Path(__file__).parent / "workers" / "instructions.py"
NAMES = ("GET", "SET", "INCR", "LPUSH", "LPOP", "SADD", "HSET", "ZADD")
IN_CLUSTER = ("GET", "SET", "INCR")
COUNT = 8000
LIMIT = 300  # seconds
# what is counted is all that this function calls: parsing, running, answering
COUNTED = "*Session_run_input*"


def counted(tree: str, name: str, count: int, *options: str) -> int:
    """Instructions of so many commands, and of what is done before them."""
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(
            [
                "valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", f"--toggle-collect={COUNTED}",
                sys.executable, str(WORKER), name, str(count), *options,
            ],
            env=os.environ | {"PYTHONPATH": tree}, cwd="/", capture_output=True, text=True, timeout=LIMIT, check=True,
        )  # fmt: skip
    found = re.search(r"Collected : (\d+)", ran.stderr)
    assert found, ran.stderr
    return int(found[1])


def per_command(trees: Sequence[tuple[str, str]]) -> list[Table]:
    """A column for each tree: (name, folder), zippy's own first."""
    if shutil.which("valgrind") is None:
        print("no instructions: valgrind is not installed", file=sys.stderr)
        return []
    names = [name for name, _ in trees]
    table = Table("Instructions per command, pipeline 16", "parsing, running and answering, no sockets", names, against=names[1:], digits=0)
    progress = Progress("instructions", len(trees) * len(NAMES))
    for command in NAMES:
        row: dict[str, float | None] = {}
        for name, folder in trees:
            progress.step(f"{command}, {name}")
            row[name] = (counted(folder, command, COUNT) - counted(folder, command, 0)) / COUNT
        table.add(command, row)
    progress.end()
    return [table, in_cluster(trees[0][1])]


def in_cluster(folder: str) -> Table:
    """What a node of a cluster pays more than a server alone."""
    columns = {"in a cluster": ("cluster",), "alone": ()}
    first, *others = columns
    table = Table("Instructions per command of a node", "one that has all slots", [*columns], against=others, first=first, digits=0)
    progress = Progress("instructions in a cluster", len(columns) * len(IN_CLUSTER))
    for command in IN_CLUSTER:
        row: dict[str, float | None] = {}
        for name, options in columns.items():
            progress.step(f"{command}, {name}")
            row[name] = (counted(folder, command, COUNT, *options) - counted(folder, command, 0, *options)) / COUNT
        table.add(command, row)
    progress.end()
    return table


def trees(zippy: str, others: Sequence[str]) -> list[tuple[str, str]]:
    """zippy's tree and those that were named as NAME=FOLDER."""
    named = [(name, str(Path(folder).resolve())) for name, _, folder in (other.partition("=") for other in others)]
    return [(ZIPPY, zippy), *named]
