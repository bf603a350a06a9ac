"""What a server needs of an event loop: asyncio's and uvloop's are such, and that of an engine in process that is served, whose callbacks
run with the engine's lock held (zippy/inprocess/served_loop.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from zippy.server.schedule import Clock


class Loop(Clock, Protocol):
    """See asyncio.AbstractEventLoop."""

    def call_soon(self, callback: Callable[..., object], *args: Any) -> object:
        """Has it called in the loop's next round."""

    def add_reader(self, fd: Any, callback: Callable[..., object], *args: Any) -> object:
        """Has it called whenever there is something to read."""

    def remove_reader(self, fd: Any) -> bool:
        """Watches the descriptor no more."""

    def create_task(self, coro: Coroutine[Any, Any, None], *, name: str | None = None) -> asyncio.Task[None]:
        """Has the coroutine run."""
