"""WAIT: who waits until so many replicas have what its connection wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from zippy._core.resp.kinds import Later

LONGEST_WAIT = 1e9  # seconds that the loop can be asked to wait


@dataclass
class Waiter:
    """One command that waits."""

    needed: int
    count: Callable[[], int]  # of replicas that are far enough
    later: Later


class Waiting:
    """All of them."""

    def __init__(self) -> None:
        self.waiters: list[Waiter] = []

    def wait(self, needed: int, count: Callable[[], int], milliseconds: int) -> Later:
        """The reply, once `count` has come to what is needed or time is over; 0 milliseconds: never."""
        waiter = Waiter(needed, count, Later())
        self.waiters.append(waiter)
        if milliseconds:
            asyncio.get_running_loop().call_later(min(milliseconds / 1000, LONGEST_WAIT), self.answer, waiter)
        return waiter.later

    def answer(self, waiter: Waiter) -> None:
        """Replies with how many there are."""
        if waiter in self.waiters:
            self.waiters.remove(waiter)
        waiter.later.answer(waiter.count())

    def look(self) -> None:
        """Answers those who have waited for long enough; to be called between turns, when a replica has acknowledged something."""
        self.waiters = [waiter for waiter in self.waiters if waiter.later.deliver is not None]
        for waiter in list(self.waiters):
            if waiter.count() >= waiter.needed:
                self.answer(waiter)

    def refuse(self, error: Exception) -> None:
        """Nobody can be waited for any more: this is a replica now."""
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            waiter.later.answer(error)
