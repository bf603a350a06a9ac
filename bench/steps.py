"""The longest uninterrupted steps of zippy's beside large operations, as CPU of the thread: what no other process has a part in."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from bench.progress import Progress
from bench.servers import ZIPPY
from bench.tables import Table

WORKER = Path(__file__).parent / "workers" / "steps.py"
LIMIT = 600  # seconds


def steps(zippy: str, rounds: int, size: int) -> list[Table]:
    """The longest step and the tenth longest of each event."""
    title = f"beside large operations ({size:,} keys or elements)"
    note = "An engine by itself, without sockets: a turn of one command, or one step of what is done between turns."
    tables = [
        Table(f"Longest step {title}", "milliseconds of CPU, the median of the rounds", [ZIPPY], digits=3, note=note),
        Table(f"Tenth longest step {title}", "milliseconds of CPU, the median of the rounds", [ZIPPY], digits=3),
    ]
    found: dict[str, list[list[float]]] = {}
    progress = Progress("steps", rounds)
    for _ in range(rounds):
        progress.step(ZIPPY)
        ran = subprocess.run(
            [sys.executable, str(WORKER), str(size)],
            env=os.environ | {"PYTHONPATH": zippy}, cwd="/", stdout=subprocess.PIPE, text=True, timeout=LIMIT, check=True,
        )  # fmt: skip
        for event, longest in json.loads(ran.stdout).items():
            found.setdefault(event, []).append(longest)
    progress.end()
    for table, place in zip(tables, (0, 9), strict=True):
        for event, runs in found.items():
            values = [longest[place] / 1e3 for longest in runs if len(longest) > place]
            table.add(event, {ZIPPY: statistics.median(values) if values else None})
    return tables
