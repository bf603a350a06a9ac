"""What persistence needs of whoever has time pass for it: a server's event loop is one, the thread of an engine in process another.

All that is arranged runs between two turns of the core, and nothing of it waits for the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Arranged(Protocol):
    """Work that has been arranged."""

    def cancel(self) -> None:
        """It is not to be done any more."""


class Schedule(Protocol):
    """asyncio's event loops have these, and more."""

    def call_soon(self, work: Callable[..., object], *args: Any) -> object:
        """Has the work done between this turn and the next one."""

    def call_later(self, delay: float, work: Callable[..., object], *args: Any) -> Arranged:
        """Has the work done after so many seconds."""

    def call_soon_threadsafe(self, work: Callable[..., object], *args: Any) -> object:
        """As call_soon, from any thread. RuntimeError when nobody does it any more."""
