"""Plots of tables, as SVG: bars of ratios for rows with names, lines for rows along an axis."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.tables import Table

FOLDER = Path(__file__).parent / "plots"
BARS = 100  # rows of a table that is drawn; more of them are read where they stand in order
COLOURS = ("#d62728", "#1f77b4", "#7f7f7f", "#bcbd22", "#9467bd", "#8c564b")
BETTER, WORSE = "#2ca02c", "#d62728"
# the same numbers give the same file
matplotlib.rcParams.update({"svg.hashsalt": "zippy", "svg.fonttype": "none", "font.size": 8})


def bars(axes: Axes, table: Table) -> None:
    """A bar for each row's ratio, from 1 outwards on a logarithmic scale; green is where zippy is the better one."""
    ratios = table.ratios()
    rows = list(reversed(ratios))
    good = [(ratios[row] <= 1) == (table.better == "lower") for row in rows]
    axes.barh(rows, [ratios[row] - 1 for row in rows], left=1, color=[BETTER if one else WORSE for one in good], height=0.7)
    axes.set_xscale("log", base=2)
    reach = max(2.0, *(max(ratio, 1 / ratio) for ratio in ratios.values())) * 1.1
    axes.set_xlim(1 / reach, reach)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.grid(axis="x", alpha=0.3)
    axes.margins(y=0.01)
    axes.set_title(f"{table.title}\n{table.first} over {' or '.join(table.against)} ({table.better} is better)")


def lines(axes: Axes, table: Table) -> None:
    """A line for each server, on logarithmic scales where the numbers span much."""
    places = [float(row.replace(",", "")) for row in table.rows]
    for column, (server, colour) in enumerate(zip(table.servers, COLOURS * 2, strict=False)):
        # a count of none has no place on a logarithmic scale
        points = [(place, values[column]) for place, values in zip(places, table.rows.values(), strict=True) if values[column]]
        axes.plot([x for x, _ in points], [y or 0.0 for _, y in points], marker="o", markersize=3, color=colour, label=server)
    axes.set_xscale("log")
    axes.minorticks_off()
    if table.plot_only:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlabel(table.axis)
    axes.set_ylabel(table.unit)
    axes.grid(alpha=0.3)
    axes.legend()
    axes.set_title(table.title)


def draw(part: str, tables: list[Table]) -> list[Path]:
    """Writes the part's pictures, a panel a table: one of the tables with names, one of those along an axis."""
    written = []
    for kind, chosen in (
        ("ratios", [table for table in tables if not table.axis and table.ratios() and len(table.rows) <= BARS]),
        ("curves", [table for table in tables if table.axis]),
    ):
        if not chosen:
            continue
        across = 2 if len(chosen) > 1 else 1
        down = -(-len(chosen) // across)
        rows = max(len(table.rows) for table in chosen)
        figure = Figure(figsize=(6.5 * across, down * (3.2 if kind == "curves" else 1.1 + 0.17 * rows)), layout="constrained")
        panels = figure.subplots(down, across, squeeze=False)
        for place, axes in enumerate(panels.flat):
            if place >= len(chosen):
                axes.set_axis_off()
            elif kind == "ratios":
                bars(axes, chosen[place])
            else:
                lines(axes, chosen[place])
        FOLDER.mkdir(exist_ok=True)
        path = FOLDER / f"{part}-{kind}.svg"
        figure.savefig(path, metadata={"Date": None})
        written.append(path)
    return written
