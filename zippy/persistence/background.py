"""Saving in the background, in either of two ways behind one interface: beside the traffic, or by a forked child.

A child costs the fork (which grows with the memory) and a copy of each page that changes meanwhile. Beside the traffic nothing is copied
but what is about to change, and the loop's time is shared; where a change would have to wait for too long, a child may go on with the rest.
Both write a temporary file and put it in its place when it is on disk.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from zippy._core import snapshot
from zippy._core.session import Core
from zippy._core.snapshot import Progress, SaveRequest
from zippy.persistence.disk_thread import DiskThread
from zippy.persistence.manifest import sync_file
from zippy.server.schedule import Schedule

log = logging.getLogger("zippy")

STEP_US = 500  # of a walk, between turns
INTERVAL = 0.001  # seconds between two steps
ALL_KEYS = 2**64 - 1
MOST_WAITING = 512 * 1024  # bytes that may wait for the disk: beyond that a walk stands still
SYNC_EVERY = 4 << 20  # bytes
PIECE = 64 * 1024  # bytes that are handed on at a time

Ended = Callable[["BackgroundSave", str], None]
"""Called once with what went wrong, or "": not for one that was cancelled."""


@dataclass(frozen=True)
class Manner:
    """How a walk is made."""

    schedule: Schedule
    hurries: bool  # goes on at once while nobody has a command run
    on_fork: Callable[[float], None] | None  # told how many seconds it took to make a child that goes on with it; None: there may be none


class BackgroundSave(Protocol):
    """A save that is under way."""

    changes: int  # that it saves
    started: float  # monotonic seconds
    described: str  # for the log

    @property
    def written(self) -> int:
        """Keys that are written."""

    @property
    def total(self) -> int:
        """Keys that it has to write."""

    @property
    def copied(self) -> int:
        """Bytes of memory that were copied because of it, once it has ended."""

    @property
    def copied_so_far(self) -> tuple[int, int, int]:
        """The same while it is under way: bytes when that was looked at last, the most, seconds since then."""

    def cancel(self) -> None:
        """Ends it; what it was to replace stays."""


def progress_fields(save: BackgroundSave) -> dict[str, Any]:
    """INFO's about a save that is under way."""
    size, peak, age = save.copied_so_far
    return {
        "current_cow_peak": peak,
        "current_cow_size": size,
        "current_cow_size_age": age,
        "current_fork_perc": f"{100 * save.written / save.total if save.total else 0:.2f}",
        "current_save_keys_processed": save.written,
        "current_save_keys_total": save.total,
    }


def running_loop() -> Any:
    """The event loop of a server. Who never forks has none, and loads no asyncio."""
    return import_module("asyncio").get_running_loop()


class Child:
    """A child process that is saving, and what came to its pipe. OSError when there can be none."""

    def __init__(self, core: Core, request: SaveRequest, folder: Path, on_end: Ended) -> None:
        self.started = time.monotonic()
        self.pid, self.pipe, self.progress = self.fork(core, request)
        self.fork_seconds = time.monotonic() - self.started
        self.described = f" by pid {self.pid}"
        self.temporary = folder / f"temp-{self.pid}.rdb"
        self.changes = snapshot.changes(core)
        self.on_end = on_end
        self.report = b""
        running_loop().add_reader(self.pipe, self.hear)

    @staticmethod
    def fork(core: Core, request: SaveRequest) -> tuple[int, int, Progress]:
        """The child's id, its pipe, its progress."""
        return snapshot.save_in_child(core, request)

    @property
    def written(self) -> int:
        """See BackgroundSave."""
        return self.progress.written

    @property
    def total(self) -> int:
        """See BackgroundSave."""
        return self.progress.total

    def hear(self) -> None:
        """It wrote to its pipe or ended."""
        data = os.read(self.pipe, 256)
        self.report += data
        if not data:
            running_loop().remove_reader(self.pipe)
            self.on_end(self, self.reap())

    def reap(self) -> str:
        """Waits for the process, which is leaving; what went wrong, or "". What a killed one left half written is removed."""
        os.close(self.pipe)
        _, status = os.waitpid(self.pid, 0)
        outcome = snapshot.child_outcome(self.report)
        if outcome is None:
            with contextlib.suppress(OSError):
                self.temporary.unlink()
            return f"the saving process ended by itself, status {status}"
        return os.strerror(outcome[0]) if outcome[0] else ""

    @property
    def copied(self) -> int:
        """See BackgroundSave."""
        outcome = snapshot.child_outcome(self.report)
        return outcome[3] if outcome else 0

    @property
    def copied_so_far(self) -> tuple[int, int, int]:
        """See BackgroundSave."""
        return self.progress.copied

    def cancel(self) -> None:
        """See BackgroundSave."""
        running_loop().remove_reader(self.pipe)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.reap()


class Outlet(Protocol):
    """Takes the bytes of a save that goes to no file."""

    def is_ready(self) -> bool:
        """Whether it takes more now; when it does again, it calls the save's `go_on`."""

    def take(self, data: bytes) -> None:
        """Takes the next bytes."""


class PipedChild(Child):
    """A child that saves to a pipe, whose bytes go to an outlet. on_end is called when all of them have been taken."""

    def __init__(self, core: Core, request: SaveRequest, outlet: Outlet, on_end: Ended) -> None:
        self.outlet = outlet
        self.data, self.writing = os.pipe()
        os.set_blocking(self.data, False)
        self.reads = False
        self.ended = False  # the child
        self.drained = False
        request.write_to(self.writing)
        try:
            super().__init__(core, request, Path(), on_end)
        except OSError:
            os.close(self.data)
            raise
        finally:
            os.close(self.writing)
        self.go_on()

    def go_on(self) -> None:
        """The outlet is ready again."""
        if not self.reads and not self.drained:
            self.reads = True
            running_loop().add_reader(self.data, self.pass_on)

    def pass_on(self) -> None:
        """There are bytes, or they have come to their end."""
        if not self.outlet.is_ready():
            self.pause()
            return
        try:
            data = os.read(self.data, PIECE)
        except BlockingIOError:
            return
        if data:
            self.outlet.take(data)
            return
        self.close_data()
        if self.ended:
            self.on_end(self, self.reap())

    def pause(self) -> None:
        """Reads no more for now."""
        if self.reads:
            self.reads = False
            running_loop().remove_reader(self.data)

    def close_data(self) -> None:
        """Reads no more."""
        if not self.drained:
            self.pause()
            self.drained = True
            os.close(self.data)

    def hear(self) -> None:
        """It wrote to its pipe or ended."""
        data = os.read(self.pipe, 256)
        self.report += data
        if data:
            return
        running_loop().remove_reader(self.pipe)
        self.ended = True
        if self.drained:
            self.on_end(self, self.reap())

    def cancel(self) -> None:
        """See BackgroundSave."""
        self.close_data()
        super().cancel()


class Beside(ABC):
    """What walks beside the traffic have in common."""

    def __init__(self, core: Core, request: SaveRequest, manner: Manner, on_end: Ended) -> None:
        self.manner = manner
        self.on_end = on_end
        self.started = time.monotonic()
        self.described = ""
        self.walk = snapshot.Walk(core, request, manner.on_fork is not None)
        self.changes = snapshot.changes(core)
        self.child = 0  # the process that goes on with it
        self.most_copied = 0
        self.ended = False
        self.timer = manner.schedule.call_later(0, self.step)

    @property
    def written(self) -> int:
        """See BackgroundSave."""
        return self.walk.written

    @property
    def total(self) -> int:
        """See BackgroundSave."""
        return self.walk.total

    @property
    def copied(self) -> int:
        """See BackgroundSave."""
        return self.most_copied

    @property
    def copied_so_far(self) -> tuple[int, int, int]:
        """See BackgroundSave."""
        return self.walk.copied

    @abstractmethod
    def step(self) -> None:
        """Goes on for a moment."""

    def walk_on(self, keys: int) -> None:
        """Goes on with the walk, for so many keys at most. OSError."""
        self.walk.step(STEP_US, keys)
        child, fork_us = self.walk.child
        if child and not self.child and self.manner.on_fork is not None:
            self.child = child
            log.info("A value that changes is too large to be saved at once: process %d goes on with the save", child)
            self.manner.on_fork(fork_us / 1e6)

    def arrange(self, may_hurry: bool) -> None:
        """Arranges the next step."""
        at_once = may_hurry and self.manner.hurries and self.walk.is_undisturbed
        self.timer = self.manner.schedule.call_later(0 if at_once else INTERVAL, self.step)

    def end_walk(self) -> None:
        """Ends it."""
        self.ended = True
        self.timer.cancel()
        self.most_copied = self.walk.copied[1]
        self.walk.end()


class PipedWalk(Beside):
    """A walk beside the traffic whose bytes go to an outlet."""

    def __init__(self, core: Core, request: SaveRequest, outlet: Outlet, manner: Manner, on_end: Ended) -> None:
        self.outlet = outlet
        super().__init__(core, request, manner, on_end)

    def go_on(self) -> None:
        """The outlet is ready again; the next step sees that."""

    def step(self) -> None:
        """Goes on for a moment, and hands on what it has."""
        problem = ""
        is_ready = self.outlet.is_ready()
        if is_ready:
            try:
                self.walk_on(ALL_KEYS)
            except OSError as error:
                problem = error.strerror or str(error)
            if self.walk.finished or self.walk.waiting >= PIECE:
                self.outlet.take(self.walk.take())
        if self.ended:
            return
        if problem or self.walk.finished:
            self.cancel()
            self.on_end(self, problem)
        else:
            self.arrange(is_ready)

    def cancel(self) -> None:
        """See BackgroundSave."""
        if not self.ended:
            self.end_walk()


class WalkFile:
    """The temporary file of a walk; used by the disk's thread alone, but for `cancel`."""

    def __init__(self, temporary: Path, final: Path, incremental_sync: bool) -> None:
        self.temporary = temporary
        self.final = final
        self.incremental_sync = incremental_sync
        self.unsynced = 0
        self.cancelled = False  # nothing more is to be done but to remove it
        self.placing = threading.Lock()  # while it takes the final one's place
        self.descriptor = -1

    def open(self) -> None:
        """Creates it. OSError, and then nothing more is done."""
        if self.cancelled:
            return
        try:
            self.descriptor = os.open(self.temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except OSError:
            self.cancelled = True
            raise

    def write(self, data: bytes) -> None:
        """Writes the next bytes. OSError, and then nothing more is done."""
        if self.cancelled:
            return
        try:
            self.write_all(memoryview(data))
        except OSError:
            self.cancelled = True
            raise

    def write_all(self, data: memoryview) -> None:
        """Writes all of it, and pushes it to disk in small steps if that is wished."""
        self.unsynced += len(data)
        while data:
            data = data[os.write(self.descriptor, data) :]
        if self.incremental_sync and self.unsynced >= SYNC_EVERY:
            self.unsynced = 0
            os.fsync(self.descriptor)

    def finish(self) -> None:
        """Puts it in its place, safely on disk. OSError."""
        if self.cancelled:
            return
        os.fsync(self.descriptor)
        with self.placing:
            if self.cancelled:
                return
            os.replace(self.temporary, self.final)
        sync_file(self.final.parent)

    def cancel(self) -> None:
        """Once this returns, it won't take the final one's place any more."""
        with self.placing:
            self.cancelled = True

    def close(self) -> None:
        """Closes it, and removes it unless it is in its place."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            with contextlib.suppress(FileNotFoundError):
                self.temporary.unlink()


class Walk(Beside):
    """A save beside the traffic to a file. OSError when the disk's thread cannot be started."""

    counter = 0

    def __init__(
        self,
        core: Core,
        request: SaveRequest,
        path: Path,
        incremental_sync: bool,
        disk: DiskThread,
        manner: Manner,
        on_end: Ended,
    ) -> None:
        Walk.counter += 1
        disk.start()
        self.file = WalkFile(path.parent / f"temp-{os.getpid()}-{Walk.counter}.rdb", path, incremental_sync)
        self.delay = request.delay_us / 1e6
        self.disk = disk
        self.waiting = 0  # bytes that the disk has not taken yet
        super().__init__(core, request, manner, on_end)
        disk.submit(self.file.open, self.was_opened)

    def was_opened(self, error: int) -> None:
        """The file is there, or cannot be."""
        if error:
            self.end(os.strerror(error))

    def step(self) -> None:
        """Goes on for a moment, and hands what it has to the disk."""
        has_room = self.waiting < MOST_WAITING
        if has_room:
            try:
                self.walk_on(1 if self.delay else ALL_KEYS)
            except OSError as error:
                self.end(error.strerror or str(error))
                return
            if self.walk.finished or self.walk.waiting >= PIECE:
                self.hand_over()
        if self.walk.finished:
            self.disk.submit(self.file.finish, self.finished)
        elif self.delay:
            self.timer = self.manner.schedule.call_later(self.delay, self.step)
        else:
            self.arrange(has_room)

    def hand_over(self) -> None:
        """Has the thread write what is there."""
        data = self.walk.take()
        self.waiting += len(data)
        self.disk.submit(partial(self.file.write, data), partial(self.was_written, len(data)))

    def was_written(self, size: int, error: int) -> None:
        """The thread wrote so many bytes, or failed."""
        self.waiting -= size
        if error:
            self.end(os.strerror(error))

    def finished(self, error: int) -> None:
        """The file is in its place, or is not."""
        self.end(os.strerror(error) if error else "")

    def end(self, problem: str) -> None:
        """It has ended, in this way."""
        if not self.ended:
            self.cancel()
            self.on_end(self, problem)

    def cancel(self) -> None:
        """See BackgroundSave."""
        if self.ended:
            return
        self.end_walk()
        self.file.cancel()
        self.disk.submit(self.file.close, lambda _: None)
