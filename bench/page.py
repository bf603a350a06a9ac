"""bench/NUMBERS.md and its plots, from the results that are kept."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from bench.tables import restore

PAGE = Path(__file__).parent / "NUMBERS.md"
NOTES = Path(__file__).parent / "notes"  # what a part's numbers don't say by themselves
HEAD = """# zippy beside Redis: numbers

Written by `python -m bench`; not edited by hand. All servers ran on one machine in one run, each load on each server in turn, the
order rotated from round to round; medians of the rounds. What counts are the ratios within a table: figures of two machines, or of two
days, do not compare. A ratio is zippy's number over Redis 8.2.3's (for memory: over the lower of Redis 8.2.3 and Valkey 9.1).

CPU is what the kernel charged to the server process (user and system, all threads), divided by the requests; throughput depends on the
load generator as well (redis-benchmark; bench/blast.py for transactions), which runs on the same machine.
"""
BEHIND = """## Where zippy is not ahead

Every row of the tables below in which zippy is worse than what it is compared with by more than three percent; what is known of it stands
at the end of the part.

| part | table | row | ratio |
|---|---|---|---:|
"""


def write(parts: list[str]) -> None:
    """Writes the page from what the parts left, in this order, and the plots where matplotlib is installed."""
    sections = [HEAD]
    behind: list[str] = []
    drawable = importlib.util.find_spec("matplotlib") is not None
    if not drawable:
        print("no plots: matplotlib is not installed (pip install 'zippy[bench]')", file=sys.stderr)
    for part in parts:
        kept = restore(part)
        if kept is None:
            continue
        known, tables = kept
        sections.append(f"## {part}\n")
        sections.append("; ".join(f"{name}: {value}" for name, value in known.items()) + "\n")
        if drawable:
            from bench.plots import draw

            sections.extend(f"![{path.stem}](plots/{path.name})\n" for path in draw(part, tables))
        sections.extend(table.markdown() for table in tables if not table.plot_only)
        for table in (table for table in tables if not table.plot_only):
            behind += [f"| {part} | {table.title} | {row} | {ratio:.2f} |" for row, ratio in table.behind().items()]
        note = NOTES / f"{part}.md"
        if note.exists():
            sections.append(note.read_text())
    sections.insert(1, BEHIND + "\n".join(behind) + "\n")
    PAGE.write_text("\n".join(sections))
