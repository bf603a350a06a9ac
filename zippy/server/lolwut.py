"""LOLWUT: a zipper, each time closed to another place."""

from __future__ import annotations

import os
from typing import Any

from zippy._core.resp.kinds import Verbatim
from zippy._core.resp.values import Words
from zippy._core.session import Session
from zippy.server.arguments import integer
from zippy.server.registry import command
from zippy.version import REDIS_VERSION, __version__

ROWS = 14


def zipper(closed: int, rows: int) -> list[str]:
    """A zipper of so many rows that is closed from below up to `closed` of them."""
    lines = []
    for row in range(rows):
        gap = rows - closed - row
        if gap > 0:
            lines.append(" " * (rows - gap) + ("-[" if row % 2 else " [") + " " * (2 * gap) + ("] " if row % 2 else "]-"))
        elif gap == 0:
            lines.append(" " * rows + " <V>")
        else:
            lines.append(" " * rows + (" [-]" if row % 2 else " -[]"))
    return lines


@command("lolwut")
def lolwut(session: Session, args: Words) -> Any:
    """LOLWUT [VERSION version]. Takes rows and `closed` behind the version; every version has the same art."""
    words = args[3:] if len(args) > 2 and args[1].lower() == b"version" else args[1:]
    if len(words) != len(args) - 1:
        integer(args[2])
    rows = min(max(integer(words[0]), 2), 60) if words else ROWS
    closed = min(max(integer(words[1]), 0), rows) if len(words) > 1 else 1 + os.urandom(1)[0] % (rows - 1)
    return Verbatim("\n".join([*zipper(closed, rows), "", f"zippy ver. {__version__}, in the manner of Redis ver. {REDIS_VERSION}"]) + "\n")
