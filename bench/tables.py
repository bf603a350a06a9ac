"""What a part of the bench found: tables of one number a server and row, kept as JSON, shown as Markdown."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.servers import REDIS, VALKEY, ZIPPY

NOISE = 1.03  # a ratio nearer to 1 says nothing
RESULTS = Path(__file__).parent / "results"


@dataclass
class Table:
    """Rows of numbers, a column a server.

    better: "lower" or "higher". The ratio is that of the server `first` to the best one of `against`; where none of these ran, the
    next server stands in.
    axis: what the rows' names mean where they are numbers to be drawn along an axis, else "".
    """

    title: str
    unit: str
    servers: list[str]
    better: str = "lower"
    against: list[str] = field(default_factory=lambda: [REDIS])
    note: str = ""
    axis: str = ""
    digits: int = 2
    first: str = ZIPPY
    plot_only: bool = False  # too long to be read as a table
    rows: dict[str, list[float | None]] = field(default_factory=dict)

    def add(self, row: str, values: dict[str, float | None]) -> None:
        """Sets a row; a server without a value shows a dash."""
        self.rows[row] = [values.get(name) for name in self.servers]

    def reference(self, row: str) -> float | None:
        """What the row's ratios are taken to."""
        values = [value for name, value in zip(self.servers, self.rows[row], strict=True) if name in self.against and value]
        if not values:
            values = [value for name, value in zip(self.servers, self.rows[row], strict=True) if name != self.first and value][:1]
        if not values:
            return None
        return min(values) if self.better == "lower" else max(values)

    def ratio(self, row: str) -> float | None:
        """The first server's number over the reference's."""
        base = self.reference(row)
        value = self.rows[row][self.servers.index(self.first)]
        return value / base if base and value else None

    def ratios(self) -> dict[str, float]:
        """The ratio of every row that has one."""
        found = {row: self.ratio(row) for row in self.rows}
        return {row: ratio for row, ratio in found.items() if ratio is not None}

    def behind(self) -> dict[str, float]:
        """The ratios of the rows in which the first server is worse by more than the noise."""
        return {row: ratio for row, ratio in self.ratios().items() if (ratio if self.better == "lower" else 1 / ratio) > NOISE}

    def summary(self) -> str:
        """The geometric mean and the worst of the ratios, and the rows without."""
        ratios = self.ratios()
        if not ratios:
            return ""
        worst = (max if self.better == "lower" else min)(ratios, key=lambda row: ratios[row])
        text = f"{self.first} over {' or '.join(self.against)}: geometric mean {statistics.geometric_mean(ratios.values()):.2f}, "
        text += f"{'highest' if self.better == 'lower' else 'lowest'} {ratios[worst]:.2f} ({worst})"
        missing = [row for row in self.rows if row not in ratios]
        return text + (f"; without a ratio: {', '.join(missing)}" if missing else "")

    def markdown(self) -> str:
        """Title, table, summary and note."""
        head = [self.axis, *self.servers, "ratio"]
        lines = [f"### {self.title}", "", f"{self.unit}, {self.better} is better.", ""]
        lines += ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
        for row, values in self.rows.items():
            ratio = self.ratio(row)
            cells = ["-" if value is None else f"{value:,.{self.digits}f}" for value in values]
            lines.append(f"| {row} | " + " | ".join(cells) + f" | {'-' if ratio is None else f'{ratio:.2f}'} |")
        lines += ["", self.summary()]
        if self.note:
            lines += ["", self.note]
        return "\n".join(lines) + "\n"


def memory_reference() -> list[str]:
    """Memory is held against the lower of these."""
    return [REDIS, VALKEY]


def save(part: str, circumstances: dict[str, str], tables: list[Table]) -> None:
    """Keeps a part's tables, in the place of its former ones."""
    RESULTS.mkdir(exist_ok=True)
    data = {"circumstances": circumstances, "tables": [asdict(table) for table in tables]}
    (RESULTS / f"{part}.json").write_text(json.dumps(data, indent=1) + "\n")


def restore(part: str) -> tuple[dict[str, str], list[Table]] | None:
    """What `save` kept, or None."""
    path = RESULTS / f"{part}.json"
    if not path.exists():
        return None
    data = json.loads(path.read_text())
    return data["circumstances"], [Table(**table) for table in data["tables"]]
