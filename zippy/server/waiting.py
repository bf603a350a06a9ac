"""Commands that wait for others than this server's clients: WAIT and WAITAOF."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from zippy._core.resp.kinds import Later
from zippy.server.schedule import Clock, Timer

LONGEST_WAIT = 1e9  # seconds that a loop can be asked to wait


@dataclass(frozen=True)
class Waiter:
    """One command that waits."""

    is_served: Callable[[], bool]  # whether it has waited for long enough
    reply: Callable[[], object]  # as things are
    timeout: Timer | None


class Waiting:
    """All that wait for one thing."""

    def __init__(self) -> None:
        self.waiters: dict[Later, Waiter] = {}

    def wait(self, clock: Clock, milliseconds: int, is_served: Callable[[], bool], reply: Callable[[], object]) -> Later:
        """The reply, once it is served or time is over; 0 milliseconds: never. Nothing is kept of a client that has gone."""
        later = Later()
        timeout = clock.call_later(min(milliseconds / 1000, LONGEST_WAIT), self.answer, later) if milliseconds else None
        self.waiters[later] = Waiter(is_served, reply, timeout)
        later.at_end = partial(self.forget, later)
        return later

    def forget(self, later: Later) -> None:
        """It waits no more."""
        timeout = self.waiters.pop(later).timeout
        if timeout is not None:
            timeout.cancel()

    def answer(self, later: Later) -> None:
        """Replies with how things are."""
        later.answer(self.waiters[later].reply())

    def look(self) -> None:
        """Answers those who have waited for long enough; to be called between turns, when there may be such."""
        for later, waiter in list(self.waiters.items()):
            # another's answer may have ended it
            if later in self.waiters and waiter.is_served():
                self.answer(later)

    def refuse(self, error: Exception) -> None:
        """Nobody can be waited for any more."""
        for later in list(self.waiters):
            later.answer(error)
