"""Who waits with WAIT or WAITAOF, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zippy.server.waiting import Waiting


class Timers:
    """What has been arranged, and not cancelled."""

    def __init__(self) -> None:
        self.all: list[Timer] = []

    def call_later(self, delay: float, work: Callable[..., object], /, *args: Any) -> Timer:
        """Arranges it."""
        timer = Timer(self, delay, lambda: work(*args))
        self.all.append(timer)
        return timer


class Timer:
    """One of them."""

    def __init__(self, timers: Timers, delay: float, work: Callable[[], object]) -> None:
        self.timers = timers
        self.delay = delay
        self.work = work

    def cancel(self) -> None:
        """It is not to be done any more."""
        self.timers.all.remove(self)


class Scene:
    """Commands that wait until a number is large enough."""

    def __init__(self) -> None:
        self.timers = Timers()
        self.waiting = Waiting()
        self.reached = 0
        self.replies: list[object] = []

    def wait(self, needed: int, milliseconds: int) -> Any:
        """A command; its reply, to come."""
        later = self.waiting.wait(self.timers, milliseconds, lambda: self.reached >= needed, lambda: self.reached)
        later.deliver = self.replies.append
        return later

    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        return not self.waiting.waiters and not self.timers.all


def test_who_is_served_leaves_no_timer() -> None:
    scene = Scene()
    for _ in range(3):
        scene.wait(1, 60_000)
    scene.waiting.look()
    assert scene.replies == []
    scene.reached = 1
    scene.waiting.look()
    assert scene.replies == [1, 1, 1]
    assert scene.is_empty()


def test_time_is_over() -> None:
    scene = Scene()
    scene.wait(2, 1500)
    (timer,) = scene.timers.all
    assert timer.delay == 1.5
    timer.work()
    assert scene.replies == [0]
    assert scene.is_empty()


def test_nothing_is_kept_of_a_client_that_has_gone() -> None:
    scene = Scene()
    scene.wait(1, 0).cancel()
    scene.wait(1, 5).cancel()
    assert scene.is_empty()
    scene.waiting.look()
    assert scene.replies == []


def test_an_answer_may_end_another() -> None:
    scene = Scene()
    first, second = scene.wait(1, 0), scene.wait(1, 0)
    first.deliver = lambda _: second.cancel()
    scene.reached = 1
    scene.waiting.look()
    assert scene.replies == []
    assert scene.is_empty()


def test_nobody_can_be_waited_for() -> None:
    scene = Scene()
    scene.wait(1, 0)
    scene.wait(1, 5)
    error = ValueError("no more")
    scene.waiting.refuse(error)
    assert scene.replies == [error, error]
    assert scene.is_empty()
