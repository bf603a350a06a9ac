"""What replication asks of who saves: a copy of the data for replicas. app.py hands it over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol


class Outlet(Protocol):
    """Takes a copy's bytes."""

    def is_ready(self) -> bool:
        """Whether it takes more now; when it does again, it calls the save's `go_on`."""

    def take(self, data: bytes) -> None:
        """Takes the next bytes."""


class Save(Protocol):
    """A save for replicas that is under way."""

    def go_on(self) -> None:
        """The outlet is ready again."""


Origin = tuple[int, str, int]
"""From where on a copy's owner may go on: the database that the stream has selected, the id of the history, the offset."""


class Saves(Protocol):
    """Who saves."""

    def is_saving(self) -> bool:
        """Whether a save is under way; there can't be two."""

    def save_to(self, outlet: Outlet, origin: Origin, on_end: Callable[[str], None]) -> Save:
        """Begins to save what is there now; on_end gets what went wrong, or "". OSError when it cannot be begun."""

    def save_to_file(self, origin: Origin, on_end: Callable[[str], None]) -> Path:
        """The same to the snapshot's file."""

    def copy_without_keys(self, libraries: bool) -> bytes:
        """A snapshot of nothing but the libraries of functions, or of nothing. OSError."""

    def cancel_for_replicas(self) -> None:
        """Ends a save for replicas that is under way; nobody is told."""

    def file_of(self, name: str) -> Path:
        """A file in the folder of the data."""

    def take_copy(self, path: Path) -> None:
        """Puts a file that came from a primary into the snapshot's place, or removes it if that is wished."""

    def data_replaced(self, saved: bool) -> None:
        """What is in memory is a primary's now. saved: it came in a file."""
