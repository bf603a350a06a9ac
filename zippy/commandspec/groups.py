"""The files of the table of all commands, and making it file by file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module

GROUPS = (
    "connection", "generic", "string", "bitmap", "hyperloglog", "list", "set", "sorted_set", "hash", "stream", "geo", "transactions",
    "pubsub", "scripting", "functions", "server", "acl", "cluster", "cluster_nodes",
)  # fmt: skip
"""In the order of the table."""


def is_made() -> bool:
    """Whether the table has been made."""
    return "zippy.commandspec.table" in sys.modules


def steps() -> Iterator[object]:
    """Makes the table, a file a step of some milliseconds: all of it takes ten, or forty where Python may keep no compiled files."""
    for name in ("spec", *GROUPS, "table"):
        yield import_module(f"zippy.commandspec.{name}")
