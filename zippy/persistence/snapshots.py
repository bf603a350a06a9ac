"""Snapshots: the data is loaded from an RDB file at the start, saved to it on command, at the `save` points and at the end.

A server gets the service with `server.join(Snapshots(core, settings, schedule, folder_lock))`.
"""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zippy._core import snapshot
from zippy._core.introspection import is_loading
from zippy._core.resp.kinds import OK, ReplyError, Simple
from zippy._core.resp.values import Words
from zippy._core.session import Core, Session
from zippy._core.snapshot import SaveRequest, SnapshotError
from zippy.persistence.background import BackgroundSave, Child, Ended, Manner, Outlet, PipedChild, PipedWalk, Walk, progress_fields
from zippy.persistence.disk_thread import DiskThread
from zippy.persistence.folder_lock import FolderError, FolderLock
from zippy.server.arguments import syntax_error, text
from zippy.server.debug import debug
from zippy.server.info import Fields, Sections, WhileSame
from zippy.server.registry import command
from zippy.server.schedule import Schedule
from zippy.settings import Settings
from zippy.version import REDIS_VERSION

log = logging.getLogger("zippy")

SETTLE_US = 1000  # of each cron, as long as there is something to settle
RETRY_SECONDS = 5.0  # after a failed save, before a save point tries again
TEMPORARY = re.compile(r"temp-(\d+)(?:-\d+)?\.rdb")
STARTED = Simple("Background saving started")
SCHEDULED = Simple("Background saving scheduled")

Origin = tuple[int, str, int]
"""Where a history goes on: the database that its stream has selected, its id, the offset."""


class Snapshots:
    """The snapshots of one server, a service to be joined to it. The setting `dir` is an absolute path."""

    def __init__(self, core: Core, settings: Settings, schedule: Schedule, folder_lock: FolderLock) -> None:
        self.core = core
        self.settings = settings
        self.schedule = schedule
        self.folder_lock = folder_lock
        self.under_way: BackgroundSave | None = None
        self.other_save: Callable[[], bool] = lambda: False  # whether another service has a background save under way
        # the database, id and offset from which on a replica that loads the file may go on, if it may
        self.origin: Callable[[], Origin | None] = lambda: None
        self.for_replicas: Callable[[str], None] | None = None  # told of the end of the save under way, which is made for them
        self.on_reload: Callable[[], None] = lambda: None  # called when a file was loaded in the place of what was there
        self.on_copied: Callable[[], None] = lambda: None  # called when a primary's data has taken the place of what was there
        self.hurries = False  # a save beside the traffic takes all the time that nobody has use for
        self.disk = DiskThread(schedule)
        self.scheduled = False  # a BGSAVE is to follow as soon as it can
        self.last_save = int(time.time())
        self.last_try = 0.0  # of a background save, monotonic seconds
        self.failing = False  # the last background save failed
        self.last_seconds = -1
        self.last_copied = 0
        self.saves = 0  # that were begun on command or at a save point
        self.forks = 0
        self.last_fork_us = 0
        self.loaded: dict[str, Any] = {}
        core.on_flush_all = self.all_flushed
        settings.on_change("save", lambda _: self.update_denial())
        settings.on_change("stop-writes-on-bgsave-error", lambda _: self.update_denial())

    def is_saving(self) -> bool:
        """Whether a background save is under way, of this or of another service."""
        return self.under_way is not None or self.other_save()

    @property
    def path(self) -> Path:
        """Where the snapshot is."""
        return Path(self.settings.text("dir")) / self.settings.text("dbfilename")

    @property
    def points(self) -> tuple[tuple[int, int], ...]:
        """(seconds, changes) of the `save` setting."""
        value = self.settings.value("save")
        assert isinstance(value, tuple)
        return value

    def hold_folder(self) -> None:
        """Sees to it that nobody else keeps data in the folder that cannot share it. FolderError when somebody does."""
        self.folder_lock.hold(Path(self.settings.text("dir")))

    # Loading

    def load(self, replace: bool = False) -> None:
        """Loads the file if there is one. OSError or SnapshotError when it cannot be loaded."""
        path = self.path
        began = time.monotonic()
        # a log that is kept has to hear of the end of each key, so expired ones end in the ordinary way
        keep_expired = self.core.journal is not None
        try:
            with path.open("rb") as file, mapped(file.fileno()) as data:
                self.loaded = snapshot.load_bytes(self.core, data, keep_expired, replace, delay_us=self.settings.integer("key-load-delay"))
        except FileNotFoundError:
            return
        log.info(
            "Done loading RDB, keys loaded: %d, keys expired: %d, empty keys skipped: %d.",
            self.loaded["keys"], self.loaded["expired"], self.loaded["empty"],
        )  # fmt: skip
        if self.loaded["libraries"]:
            log.info("Libraries of functions loaded: %d", self.loaded["libraries"])
        log.info("DB loaded from disk: %.3f seconds", time.monotonic() - began)

    def load_at_start(self) -> None:
        """Loads the file and clears away what a killed process left half written. FolderError: the file is there but cannot be loaded; it
        is left as it is."""
        if self.points:
            self.hold_folder()
        self.remove_leftovers()
        try:
            self.load()
        except SnapshotError as error:
            problem = f"{error.problem} at byte {error.offset}"
            raise FolderError(f"Cannot load the snapshot {self.path}: {problem}. It was left as it is") from None
        except OSError as error:
            raise FolderError(f"Cannot read the snapshot {self.path}: {error.strerror}") from None

    def remove_leftovers(self) -> None:
        """Removes temporary files of processes that are gone."""
        with contextlib.suppress(OSError):
            for file in self.path.parent.iterdir():
                found = TEMPORARY.fullmatch(file.name)
                if found and not is_running(int(found[1])):
                    file.unlink()

    # Saving

    def request(self) -> SaveRequest:
        """A save by the settings in force."""
        settings = self.settings
        request = SaveRequest(
            str(self.path),
            REDIS_VERSION,
            compress=settings.flag("rdbcompression"),
            checksum=settings.flag("rdbchecksum"),
            incremental_sync=settings.flag("rdb-save-incremental-fsync"),
            delay_us=settings.integer("rdb-key-save-delay"),
        )
        origin = self.origin()
        if origin is not None:
            set_origin(request, origin)
        return request

    def save(self) -> bool:
        """Saves at once, everyone waits; False when that failed."""
        try:
            self.hold_folder()
            snapshot.save_here(self.core, self.request())
        except (OSError, FolderError) as error:
            log.warning("Error saving DB on disk: %s (%s)", getattr(error, "strerror", error), self.path)
            return False
        log.info("DB saved on disk")
        self.saved(snapshot.changes(self.core))
        return True

    def saved(self, changes: int) -> None:
        """Notes that so many changes are safe now."""
        snapshot.forget_changes(self.core, changes)
        self.last_save = int(time.time())
        self.set_failing(False)

    def save_in_background(self) -> bool:
        """Begins a background save; False when that failed. None may be under way."""
        self.scheduled = False
        self.saves += 1
        self.last_try = time.monotonic()
        try:
            self.under_way = self.begin(self.request(), self.path, self.ended)
        except (OSError, FolderError) as error:
            log.warning("Can't save in background: %s", getattr(error, "strerror", error))
            self.set_failing(True)
            return False
        log.info("Background saving started%s", self.under_way.described)
        return True

    def begin(self, request: SaveRequest, path: Path, on_end: Ended, as_commands: bool = False) -> BackgroundSave:
        """Begins a background save, in the way that the settings say. OSError or FolderError when it cannot be begun."""
        self.hold_folder()
        if self.walks() and not as_commands:
            incremental = self.settings.flag("rdb-save-incremental-fsync")
            return Walk(self.core, request, path, incremental, self.disk, self.manner, on_end)
        child = Child(self.core, request, path.parent, on_end)
        self.note_fork(child.fork_seconds)
        return child

    def walks(self) -> bool:
        """Whether a background save is done beside the traffic."""
        method = self.settings.text("snapshot-method")
        return method == "walk" or (method == "auto" and not snapshot.walk_is_spent(self.core))

    @property
    def manner(self) -> Manner:
        """How walks are made."""
        return Manner(self.schedule, self.hurries, self.note_fork if self.settings.text("snapshot-method") == "auto" else None)

    def note_fork(self, seconds: float) -> None:
        """Counts a fork, which took so long."""
        self.forks += 1
        self.last_fork_us = int(seconds * 1e6)

    def ended(self, save: BackgroundSave, problem: str) -> None:
        """Notes how a background save ended."""
        self.under_way = None
        tell, self.for_replicas = self.for_replicas, None
        self.last_seconds = int(time.monotonic() - save.started)
        self.last_copied = save.copied
        if problem:
            log.warning("Background saving error: %s (%s)", problem, self.path)
            self.set_failing(True)
        else:
            log.info("Background saving terminated with success")
            self.saved(save.changes)
        if tell is not None:
            tell(problem)

    # For replicas

    def save_to(self, outlet: Outlet, origin: Origin, on_end: Callable[[str], None]) -> PipedChild | PipedWalk:
        """Begins a save of what is there now to an outlet; on_end gets what went wrong, or "". OSError when it cannot be begun."""
        request = self.request()
        set_origin(request, origin)
        self.for_replicas = on_end
        if self.walks():
            self.under_way = walk = PipedWalk(self.core, request, outlet, self.manner, self.outlet_ended)
            return walk
        try:
            self.under_way = child = PipedChild(self.core, request, outlet, self.outlet_ended)
        except OSError:
            self.for_replicas = None
            raise
        self.note_fork(child.fork_seconds)
        return child

    def outlet_ended(self, save: BackgroundSave, problem: str) -> None:
        """A save that went to no file has ended."""
        self.under_way = None
        tell, self.for_replicas = self.for_replicas, None
        if tell is not None:
            tell(problem)

    def save_to_file(self, origin: Origin, on_end: Callable[[str], None]) -> Path:
        """The same to the snapshot's file, whose path is returned."""
        self.for_replicas = on_end
        if not self.save_in_background():
            self.for_replicas = None
            raise OSError("the save could not be begun")
        return self.path

    def copy_without_keys(self, libraries: bool) -> bytes:
        """A snapshot of nothing but the libraries of functions, or of nothing. OSError."""
        request = self.request()
        request.leave_out(True, not libraries)
        with tempfile.TemporaryFile(dir=self.settings.text("dir")) as file:
            request.write_to(file.fileno())
            snapshot.save_here(self.core, request)
            return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)

    def cancel_for_replicas(self) -> None:
        """Ends a save for replicas that is under way; nobody is told."""
        self.for_replicas = None
        self.cancel()

    def file_of(self, name: str) -> Path:
        """A file in the folder of the data."""
        return Path(self.settings.text("dir")) / name

    def take_copy(self, path: Path) -> None:
        """Puts a file that came from a primary into the snapshot's place; where nothing is kept, it may be removed. OSError."""
        if self.settings.flag("rdb-del-sync-files") and not self.points and not self.settings.flag("appendonly"):
            path.unlink()
        else:
            path.replace(self.path)

    def data_replaced(self, saved: bool) -> None:
        """What is in memory is a primary's now: a log begins anew, and a save under way is of no use. saved: it came in a file."""
        self.cancel()
        if saved:
            self.saved(snapshot.changes(self.core))
        self.on_copied()

    def cancel(self) -> None:
        """Ends a background save that is under way; the old file stays."""
        tell, self.for_replicas = self.for_replicas, None
        if self.under_way is not None:
            self.under_way.cancel()
            self.under_way = None
        if tell is not None:
            tell("it was ended")

    def all_flushed(self) -> None:
        """After FLUSHALL: what is being saved is of no use, and the file that is there would bring everything back."""
        self.cancel()
        if self.points:
            self.save()

    def set_failing(self, failing: bool) -> None:
        """Notes whether background saves fail."""
        self.failing = failing
        self.update_denial()

    def update_denial(self) -> None:
        """Has writes refused while they could not be saved, if that is wished."""
        wished = self.settings.flag("stop-writes-on-bgsave-error") and bool(self.points)
        snapshot.deny_writes(self.core, self.failing and wished)

    # Time and end

    def cron(self) -> None:
        """Starts a background save when a save point is reached or one is scheduled."""
        if self.under_way is not None or self.other_save() or is_loading(self.core):
            return
        snapshot.settle(self.core, SETTLE_US)
        now = time.monotonic()
        may_try = not self.failing or now - self.last_try > RETRY_SECONDS
        if self.scheduled and may_try:
            self.save_in_background()
            return
        changes = snapshot.changes(self.core)
        waited = int(time.time()) - self.last_save
        for seconds, least in self.points:
            if changes >= least and waited > seconds and may_try:
                log.info("%d changes in %d seconds. Saving...", least, seconds)
                self.save_in_background()
                return

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is under way or to follow, unless a save point is reached."""
        return self.under_way is None and not self.scheduled

    def seconds_to_point(self) -> float | None:
        """How long until the next save point is reached, if nothing else changes; None: none will be."""
        changes = snapshot.changes(self.core)
        due = [self.last_save + seconds + 1 for seconds, least in self.points if changes and changes >= least]
        if not due:
            return None
        wait = max(min(due) - time.time(), 0.0)
        return max(wait, RETRY_SECONDS - (time.monotonic() - self.last_try)) if self.failing else wait

    def stop(self, save: bool | None) -> bool:
        """Saves for the end, if asked for or set up (save is None). False: that failed."""
        if self.under_way is not None:
            log.info("Background saving%s is ended", self.under_way.described)
            self.cancel()
        if save is False or (save is None and not self.points):
            return True
        if is_loading(self.core):
            log.warning("A primary's data is being loaded: what is there is not saved.")
            return True
        log.info("Saving the final RDB snapshot before exiting.")
        if self.save():
            return True
        log.warning("Error trying to save the DB, can't exit.")
        return False

    # INFO

    def sections(self) -> Sections:
        """For INFO."""
        return {"persistence": WhileSame(self.when_idle, self.persistence_fields), "stats": self.stats_fields}

    def when_idle(self) -> object:
        """All that there is to tell INFO of while nothing is saved; None otherwise."""
        if self.under_way is not None:
            return None
        return self.last_save, self.failing, self.last_seconds, self.saves, self.last_copied, self.loaded

    def persistence_fields(self) -> Fields:
        """For INFO."""
        save = self.under_way
        return {
            **(progress_fields(save) if save else {}),
            "rdb_bgsave_in_progress": int(save is not None),
            "rdb_last_save_time": self.last_save,
            "rdb_last_bgsave_status": "err" if self.failing else "ok",
            "rdb_last_bgsave_time_sec": self.last_seconds,
            "rdb_current_bgsave_time_sec": int(time.monotonic() - save.started) if save else -1,
            "rdb_saves": self.saves,
            "rdb_last_cow_size": self.last_copied,
            "rdb_last_load_keys_expired": self.loaded.get("expired", 0),
            "rdb_last_load_keys_loaded": self.loaded.get("keys", 0),
        }

    def stats_fields(self) -> Fields:
        """For INFO."""
        return {"total_forks": self.forks, "latest_fork_usec": self.last_fork_us}

    # Commands

    @command("save")
    def save_command(self, session: Session, args: Words) -> Any:
        """SAVE."""
        if self.under_way is not None:
            raise ReplyError("ERR Background save already in progress")
        self.saves += 1
        if not self.save():
            raise ReplyError("ERR")
        return OK

    @command("bgsave")
    def bgsave(self, session: Session, args: Words) -> Any:
        """BGSAVE [SCHEDULE]."""
        if len(args) > 2 or (len(args) == 2 and args[1].lower() != b"schedule"):
            raise syntax_error()
        if self.under_way is not None:
            raise ReplyError("ERR Background save already in progress")
        if self.other_save() and len(args) == 1:
            raise ReplyError(
                "ERR Another child process is active (AOF?): can't BGSAVE right now. "
                "Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible."
            )
        if self.other_save() or snapshot.in_transaction(session):
            # a snapshot holds a transaction as a whole or not at all
            self.scheduled = True
            return SCHEDULED
        if not self.save_in_background():
            raise ReplyError("ERR")
        return STARTED

    @command("lastsave")
    def lastsave(self, session: Session, args: Words) -> Any:
        """LASTSAVE."""
        return self.last_save

    @debug("reload", 0, 3, "[NOSAVE] [NOFLUSH] [MERGE]", "Save, empty every database and load what was saved.")
    def debug_reload(self, session: Session, args: list[bytes]) -> Any:
        """DEBUG RELOAD [NOSAVE] [NOFLUSH] [MERGE]."""
        options = {text(word).lower() for word in args}
        if not options <= {"nosave", "noflush", "merge"}:
            raise ReplyError("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
        if "nosave" not in options:
            self.cancel()
            if not self.save():
                raise ReplyError("ERR")
        if "noflush" not in options:
            snapshot.flush(self.core)
        try:
            self.load("merge" in options)
        except (OSError, SnapshotError) as error:
            log.warning("Error reloading %s: %s", self.path, error)
            raise ReplyError("ERR Error trying to load the RDB dump, check server logs") from None
        if options:
            self.on_reload()
        return OK


def set_origin(request: SaveRequest, origin: Origin) -> None:
    """Has a save say from where on its data's history goes on."""
    db, history_id, offset = origin
    request.set_replication(db, history_id.encode(), offset)


@contextlib.contextmanager
def mapped(descriptor: int) -> Any:
    """A file's bytes, none for an empty file."""
    if os.fstat(descriptor).st_size == 0:
        yield b""
        return
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as data:
        if hasattr(mmap, "MADV_SEQUENTIAL"):
            data.madvise(mmap.MADV_SEQUENTIAL)
        yield data


def is_running(pid: int) -> bool:
    """Whether another process has this id."""
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
