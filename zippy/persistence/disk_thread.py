"""A thread for what waits for the disk: the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import NamedTuple


class Job(NamedTuple):
    """Something to do."""

    work: Callable[[], None]
    done: Callable[[int], object]  # called in the loop, with the errno if that failed, else 0


class DiskThread:
    """Does one job after the other, in the order in which they were given."""

    def __init__(self) -> None:
        self.jobs: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, Job] | None] = queue.SimpleQueue()
        self.thread: threading.Thread | None = None

    def submit(self, work: Callable[[], None], done: Callable[[int], object]) -> None:
        """Has the work done; to be called in a running loop."""
        if self.thread is None:
            # nobody who leaves waits for a disk that does not answer
            self.thread = threading.Thread(target=self.run, name="zippy-disk", daemon=True)
            self.thread.start()
        self.jobs.put((asyncio.get_running_loop(), Job(work, done)))

    def run(self) -> None:
        """The thread's life."""
        while (item := self.jobs.get()) is not None:
            loop, job = item
            error = 0
            try:
                job.work()
            except OSError as raised:
                error = raised.errno or 1
            # a loop that has ended meanwhile does not want to know
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(job.done, error)

    def close(self) -> None:
        """Lets the thread end after what it was given."""
        if self.thread is not None:
            self.jobs.put(None)
            self.thread = None
