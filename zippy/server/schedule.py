"""What others need of whoever has time pass for them: a server's event loop is one, the thread of an engine in process another.

All that is arranged runs between two turns of the core, and nothing of it waits for the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Timer(Protocol):
    """Work that has been arranged."""

    def cancel(self) -> None:
        """It is not to be done any more."""


class Clock(Protocol):
    """Who does what is due later."""

    def call_later(self, delay: float, work: Callable[..., object], /, *args: Any) -> Timer:
        """Has the work done after so many seconds."""


class Schedule(Clock, Protocol):
    """asyncio's event loops have these, and more."""

    def call_soon(self, work: Callable[..., object], /, *args: Any) -> object:
        """Has the work done between this turn and the next one."""

    def call_soon_threadsafe(self, work: Callable[..., object], /, *args: Any) -> object:
        """As call_soon, from any thread. RuntimeError when nobody does it any more."""
