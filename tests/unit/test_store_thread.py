"""The thread that has time pass for a store in a folder."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from zippy._core.session import Core
from zippy._core.snapshot import SaveRequest, Walk
from zippy.inprocess.store_thread import StoreThread


def test_cancelled_while_it_waits_for_the_lock() -> None:
    """Who has the lock cancels what the thread has come for: it is not done."""
    lock = threading.Lock()
    has_come, done = threading.Event(), threading.Event()
    called = []

    def run_step(work: Callable[[], object]) -> None:
        has_come.set()
        with lock:
            work()

    thread = StoreThread(run_step)
    thread.start()
    with lock:
        arranged = thread.call_soon(called.append, 1)
        assert has_come.wait(10)
        arranged.cancel()
    thread.call_soon(done.set)
    assert done.wait(10)
    thread.end()
    thread.join()
    assert called == []


def test_a_walk_that_has_ended() -> None:
    """Whoever comes too late is told so."""
    walk = Walk(Core(1, 0), SaveRequest("unused", "8.2.3"))
    walk.end()
    assert walk.finished and walk.waiting == 0
    with pytest.raises(RuntimeError, match="has ended"):
        walk.step(1000, 1)
    with pytest.raises(RuntimeError, match="has ended"):
        walk.take()
