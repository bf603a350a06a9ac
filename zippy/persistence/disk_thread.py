"""A thread for what waits for the disk: the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
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
        """Has the work done; to be called in a running loop. OSError when there is no thread and none can be had."""
        self.start()
        self.jobs.put((asyncio.get_running_loop(), Job(work, done)))

    def start(self) -> None:
        """Starts the thread unless it runs. OSError when the system has none left."""
        if self.thread is not None:
            return
        # nobody who leaves waits for a disk that does not answer
        thread = threading.Thread(target=self.run, name="zippy-disk", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
        self.thread = thread

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
