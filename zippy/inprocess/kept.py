"""A store that is kept in a folder: loaded when it is opened, written beside its use, saved at its end, by the parts that a server has.

Who calls the engine does what is due while they are at it (Host.do_chores, ten times a second). When nobody does, the store's thread comes
by as often, until all is on disk and nothing is under way, and then sleeps: until the next save point if there are changes that it is for,
else until somebody calls again.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from zippy._core.session import Core
from zippy.inprocess.store_thread import Arranged, StoreThread
from zippy.persistence.append_only import AppendOnly, State
from zippy.persistence.folder_lock import FolderError, FolderLock
from zippy.persistence.snapshots import Snapshots
from zippy.server.parts import Parts
from zippy.settings import Settings

log = logging.getLogger("zippy")

TICK_SECONDS = 0.1  # between two looks at what is due
GATHER_US = 20_000  # for which a write may wait for others, where a second may be lost: a call of the system costs more than a command


class Kept:
    """The folder of one store. run_step: runs work of the store's thread with the lock held; chores: does what is due; lock: that of
    the folder, which may be held already."""

    def __init__(
        self, server: Parts, settings: Settings, run_step: Callable[..., object], chores: Callable[[], object], lock: FolderLock
    ) -> None:
        self.core: Core = server.core
        self.folder = Path(settings.text("dir"))
        self.chores = chores
        self.failure = ""  # why the store had to end
        self.awake = False  # the thread is to come by
        self.used = False  # somebody has called since it came by last
        self.at_point: Arranged | None = None  # a visit at a save point
        self.lock = lock
        self.thread = StoreThread(run_step)
        self.snapshots = Snapshots(self.core, settings, self.thread, self.lock)
        self.append_only = AppendOnly(self.core, settings, self.snapshots, self.give_up)
        self.append_only.log.gather_us = GATHER_US
        server.cron.is_saving = self.snapshots.is_saving
        server.join(self.snapshots)
        server.join(self.append_only)
        self.work = server.cron.do_work

    def open(self) -> None:
        """Takes the folder and loads what is in it. FolderError when one of both cannot be."""
        self.snapshots.hold_folder()
        if self.append_only.leaves_log_aside:
            log.warning("%s has an append-only file, which is not loaded with appendonly no: the snapshot is", self.folder)
        try:
            self.append_only.load_at_start()
            self.core.end_turn()
            self.thread.start()
        except FolderError as error:
            self.leave()
            # whichever part has said it
            raise FolderError(str(error)) from None
        except RuntimeError as error:
            self.leave()
            raise FolderError(f"Cannot open the folder {self.folder}: {error}") from None
        except BaseException:
            self.leave()
            raise

    def give_up(self, text: str, error: int) -> NoReturn:
        """The store has to end: what it would answer from now on is not kept."""
        self.failure = f"{text}: {os.strerror(error)}"
        log.critical("%s. The store in %s is closed.", self.failure, self.folder)
        raise ConnectionError(self.failure)

    # Time

    def called(self) -> None:
        """Somebody has called: the thread is to look after what remains of that. The lock is held."""
        self.used = True
        if not self.awake:
            self.awake = True
            self.thread.call_later(TICK_SECONDS, self.come_by)

    def come_by(self) -> None:
        """Does what is due, and arranges the next time; the thread's."""
        used, self.used = self.used, False
        self.awake = False
        self.chores()
        if used or not self.append_only.is_at_rest or not self.snapshots.is_at_rest:
            self.awake = True
            self.thread.call_later(TICK_SECONDS, self.come_by)
            return
        seconds = self.snapshots.seconds_to_point()
        if seconds is not None and (self.at_point is None or self.at_point.due > time.monotonic() + seconds):
            self.at_point = self.thread.call_later(seconds, self.come_to_point)

    def come_to_point(self) -> None:
        """A save point may be reached; the thread's."""
        self.at_point = None
        self.come_by()

    # The end

    def save(self, wanted: bool | None) -> None:
        """Does what a server does at its end. OSError when that fails."""
        failed = self.append_only.log.failed_syncs
        if self.append_only.state is State.PREPARING:
            try:
                self.append_only.write_base_here()
            except FolderError as error:
                raise OSError(str(error)) from None
        if not self.snapshots.stop(wanted):
            raise OSError(f"Cannot save {self.snapshots.path}; the log says why")
        if not self.append_only.stop(wanted) or self.append_only.log.error or self.append_only.log.failed_syncs != failed:
            raise OSError(f"Cannot write the append-only file in {self.append_only.files.folder}")

    def leave(self) -> None:
        """Closes files and gives the folder back, when all is saved that was to be."""
        if self.failure:
            # what is left was promised to nobody, and is no reason to fail once more
            self.append_only.log.set_policy("no")
        self.append_only.log.close()
        self.append_only.disk.close()
        self.snapshots.disk.close()
        self.thread.end()
        self.lock.leave()

    def join(self) -> None:
        """Waits until the threads have ended, and with them what they had open; the lock must not be held."""
        self.thread.join()
        self.append_only.disk.join()
        self.snapshots.disk.join()
