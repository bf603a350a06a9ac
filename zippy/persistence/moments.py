"""Moments that an append-only log can be brought back to.

With aof-timestamp-enabled a log says in which second its commands were done (`#TS:seconds`). Restoring to a second gives what a server held
at that second's end: all that was logged up to and including it. A transaction belongs to the second in which it begins. Commands before
which no time stands since the last one belong to that last one. Keys keep their times of expiry, even those that are over by now.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from zippy.persistence.data_files import DataFile, DataFileError, Log, load_log
from zippy.persistence.scratch import Progress, Scratch

HOW = "A server writes times with aof-timestamp-enabled yes"


def moment_text(second: int) -> str:
    """A moment for people, in UTC."""
    try:
        return datetime.fromtimestamp(second, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"second {second}"


def parse_moment(text: str) -> int:
    """Seconds since the epoch of a moment: those seconds, or ISO 8601, in UTC unless it says otherwise. ValueError for anything else."""
    if text.isascii() and text.isdigit():
        if len(text) > 12:
            raise ValueError(f"{text} is too large for seconds since the epoch (are these milliseconds?)")
        return int(text)
    try:
        found = datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in "Zz" else text)
    except ValueError:
        raise ValueError(f"{text!r} is no moment: give seconds since the epoch or the form 2026-11-23T08:00:00Z") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=timezone.utc)
    second = int(found.timestamp() // 1)
    if second < 0:
        raise ValueError(f"{text} is before 1970")
    return second


def first_moment(files: Sequence[DataFile]) -> int:
    """The earliest moment that the log of these files can be brought back to; 0 when there is none."""
    saved_at = files[0].saved_at if files else 0
    untimed = 0
    for file in files:
        untimed += file.untimed
        if file.first_second:
            # commands without a time may have been done at any moment between the snapshot and the first time
            return file.first_second if untimed or not saved_at else saved_at
    return 0


def moments(files: Sequence[DataFile]) -> tuple[int, int] | None:
    """The first and the last moment that the log can be brought back to; None when it has no times."""
    last = max((file.last_second for file in files), default=0)
    first = first_moment(files)
    return (first, max(first, last)) if first else None


def restore(scratch: Scratch, log: Log, until: int, progress: Progress) -> list[DataFile]:
    """Loads what the log held at the end of this second. DataFileError when it cannot tell."""
    files = load_log(scratch, log, progress, until)
    first = first_moment(files)
    if first == 0:
        raise DataFileError(f"The log holds no times, so no moment of it can be told. {HOW}")
    if until < first:
        raise DataFileError(f"{moment_text(until)} is before {moment_text(first)}, the first moment that the log can be brought back to")
    return files
