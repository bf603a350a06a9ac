"""A thread for what waits for the disk: everything else goes on meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import threading
from collections.abc import Callable
from typing import NamedTuple

from zippy.server.schedule import Schedule


class Job(NamedTuple):
    """Something to do."""

    work: Callable[[], None]
    done: Callable[[int], object]  # called by the schedule, with the errno if that failed, else 0


class DiskThread:
    """Does one job after the other, in the order in which they were given. schedule: who is told how they went."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.thread: threading.Thread | None = None
        self.ending: threading.Thread | None = None  # that was closed

    def submit(self, work: Callable[[], None], done: Callable[[int], object]) -> None:
        """Has the work done. OSError when there is no thread and none can be had."""
        self.start()
        self.jobs.put(Job(work, done))

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
        while (job := self.jobs.get()) is not None:
            error = 0
            try:
                job.work()
            except OSError as raised:
                error = raised.errno or 1
            # a schedule that has ended meanwhile does not want to know
            with contextlib.suppress(RuntimeError):
                self.schedule.call_soon_threadsafe(job.done, error)

    def close(self) -> None:
        """Lets the thread end after what it was given."""
        if self.thread is not None:
            self.jobs.put(None)
            self.ending, self.thread = self.thread, None

    def join(self) -> None:
        """Waits until a thread that was closed has ended."""
        if self.ending is not None:
            self.ending.join()
