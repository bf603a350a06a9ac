"""The append-only file as a service: kept from the start or from a CONFIG SET on, rewritten in the background, synced by a thread.

A server gets the service with `server.join(AppendOnly(core, settings, snapshots, give_up))`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, Protocol

from zippy._core import snapshot
from zippy._core.append_log import AppendLog
from zippy._core.introspection import reset_stats, slowlog_clear
from zippy._core.resp.kinds import OK, Later, ReplyError, Simple
from zippy._core.resp.values import Words
from zippy._core.session import Core, Session
from zippy._core.snapshot import SaveRequest
from zippy.persistence.append_files import AppendFiles, LogError
from zippy.persistence.background import BackgroundSave, progress_fields
from zippy.persistence.disk_thread import DiskThread
from zippy.persistence.folder_lock import FolderError
from zippy.persistence.manifest import HISTORY, LogFile, Manifest
from zippy.persistence.snapshots import Snapshots
from zippy.server.arguments import INT64_MAX, integer
from zippy.server.debug import debug
from zippy.server.info import Fields, Sections, WhileSame
from zippy.server.registry import command
from zippy.server.waiting import Waiting
from zippy.settings import SettingError, Settings
from zippy.version import REDIS_VERSION

log = logging.getLogger("zippy")

REPEAT_SECONDS = 30.0  # between two lines of the log about the same trouble
PATIENT_FAILURES = 3  # rewrites that may fail before automatic ones wait
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0  # seconds that they wait then, doubled each time
STARTED = Simple("Background append only file rewriting started")
SCHEDULED = Simple("Background append only file rewriting scheduled")


class State(Enum):
    """Whether writes are logged, and where to.

    OFF: nowhere. A rewrite writes a base and nothing else.
    PREPARING: the log was switched on, but has no base yet. While the rewrite that is to give it one is under way, and only then, writes go
    to the temporary increment which that rewrite opened. Nothing is promised yet: whatever fails, another try is made.
    ON: to the last increment of the manifest.
    """

    OFF = "off"
    PREPARING = "preparing"
    ON = "on"


@dataclass(frozen=True)
class Rewrite:
    """A base being written in the background."""

    save: BackgroundSave
    base: LogFile
    replaced: tuple[LogFile, ...]  # what the base stands for
    first_increment: LogFile | None  # what the temporary increment will be; None: no log begins with this base
    failed_syncs: int  # of the log, when it began


class Replicas(Protocol):
    """What WAITAOF asks about replicas."""

    def refuse_waiting(self) -> None:
        """ReplyError when this server has none that it could wait for."""

    def written_by(self, session: Session) -> int:
        """How far a replica's log has to be to have all that a client wrote."""

    def count_synced(self, offset: int) -> int:
        """Replicas whose logs are that far."""

    def ask(self) -> None:
        """Has replicas say how far they are."""


@dataclass(frozen=True)
class Waiter:
    """A WAITAOF that waits."""

    offset: int  # that has to be on disk here
    at_replicas: int  # the same at replicas
    local: int  # 1: here too
    needed: int  # replicas


class AppendOnly:
    """The append-only log of one server, a service to be joined to it.

    give_up(text, errno): called where a reply that left would promise what is not kept; it ends the process, or raises.
    """

    def __init__(self, core: Core, settings: Settings, snapshots: Snapshots, give_up: Callable[[str, int], NoReturn]) -> None:
        self.core = core
        self.settings = settings
        self.snapshots = snapshots
        self.schedule = snapshots.schedule
        self.files = AppendFiles(settings)
        self.log = AppendLog(core, self.sync_in_thread, self.close_in_thread, self.tell_problem, give_up)
        self.disk = DiskThread(self.schedule)
        self.state = State.OFF
        self.manifest: Manifest | None = None
        self.rewrite: Rewrite | None = None
        self.scheduled = False  # a rewrite is to follow as soon as it can
        self.settled_failures = 0  # failed syncs of the log since which a new base was written
        self.waiting = Waiting()  # of WAITAOF
        self.replicas: Replicas | None = None  # who knows of those
        self.settled = 0  # bytes of the files that do not grow any more
        self.base_size = 0  # bytes of the whole log after the last rewrite, or of the base at the start
        self.told_at = -REPEAT_SECONDS
        self.last_error = 0
        self.rewrites = 0
        self.failures = 0  # of rewrites, since one succeeded
        self.last_try = 0.0  # of a rewrite, monotonic seconds
        self.last_seconds = -1
        self.last_copied = 0
        snapshots.other_save = lambda: self.rewrite is not None
        snapshots.on_reload = self.data_replaced
        snapshots.on_copied = self.begin_anew
        settings.on_change("appendonly", self.switch)
        settings.on_change("aof-disable-auto-gc", lambda _: self.delete_history())
        settings.follow("appendfsync", self.set_policy)
        settings.follow("aof-timestamp-enabled", self.set_timestamps)

    def set_policy(self, _: Any) -> None:
        """Follows the setting appendfsync."""
        self.apply_policy()

    def apply_policy(self) -> None:
        """Has the log synced as promised. Until it is on, a disk that fails is no reason to end the process."""
        policy = self.settings.text("appendfsync")
        self.log.set_policy("everysec" if policy == "always" and self.state is State.PREPARING else policy)

    def enter(self, state: State) -> None:
        """Changes the state."""
        self.state = state
        self.apply_policy()

    def set_timestamps(self, wanted: Any) -> None:
        """Follows the setting aof-timestamp-enabled."""
        self.log.timestamps = wanted

    # At the start

    @property
    def leaves_log_aside(self) -> bool:
        """Whether there is a log that is not to be loaded, since none is kept."""
        return not self.settings.flag("appendonly") and (self.files.folder / f"{self.files.name}.manifest").exists()

    def load_at_start(self) -> None:
        """Loads the data: the log's, where one is kept, else the snapshot. FolderError: that cannot be done; all files are left as they
        are."""
        if not self.settings.flag("appendonly"):
            self.snapshots.load_at_start()
            return
        self.snapshots.hold_folder()
        self.snapshots.remove_leftovers()
        self.files.remove_leftovers()
        try:
            self.disk.start()
            self.manifest = self.files.find()
            if self.manifest is None:
                self.begin_without_log()
            else:
                self.files.load(self.core, self.manifest)
                self.forget_loading()
                self.base_size = self.files.size(self.manifest.base) if self.manifest.base else 0
            self.open_last()
        except OSError as error:
            raise LogError(f"Cannot write the append-only file in {self.files.folder}: {error.strerror}") from None
        self.enter(State.ON)

    def begin_without_log(self) -> None:
        """Begins a log with what the snapshot holds."""
        self.snapshots.load_at_start()
        if self.snapshots.loaded.get("keys"):
            log.warning("There was no append-only file yet: it begins with what the snapshot %s holds", self.snapshots.path)
        self.files.make_folder()
        manifest = Manifest(self.files.name)
        base = manifest.next_base(self.as_commands)
        snapshot.save_here(self.core, self.request(base))
        log.info("Creating AOF base file %s on server start", base.name)
        self.manifest = replace(manifest, base=base)

    def open_last(self) -> None:
        """Goes on with the last increment, or begins the first one; deletes what was replaced before the last end."""
        assert self.manifest is not None
        # what a killed process wrote, and the names it gave, are in force from now on, so they have to last
        self.files.sync(self.manifest)
        keep = self.settings.flag("aof-disable-auto-gc")
        manifest = self.manifest if keep else replace(self.manifest, history=())
        if not manifest.increments:
            manifest = replace(manifest, increments=(manifest.next_increment(),))
            log.info("Creating AOF incr file %s on server start", manifest.increments[-1].name)
        last = manifest.increments[-1]
        descriptor = self.open_increment(self.files.path(last))
        for file in () if keep else self.manifest.history:
            self.files.path(file).unlink(missing_ok=True)
        if manifest != self.manifest:
            manifest.write(self.files.folder)
        self.manifest = manifest
        self.log.open(descriptor, os.fstat(descriptor).st_size)
        self.measure()

    def forget_loading(self) -> None:
        """What was loaded was run as commands, and is not to be seen in what the server tells of itself."""
        reset_stats(self.core)
        slowlog_clear(self.core)

    def open_increment(self, path: Path, flags: int = 0) -> int:
        """A descriptor for appending to an increment, which is made if it is not there."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | flags, 0o666)

    # Sizes

    @property
    def size(self) -> int:
        """Bytes of the whole log."""
        return self.settled + max(self.log.size, 0)

    def measure(self) -> None:
        """Sums up the files that do not grow any more."""
        assert self.manifest is not None
        settled = self.manifest.files if self.log.descriptor < 0 else self.manifest.files[:-1]
        self.settled = sum(self.files.size(file) for file in settled)

    # Switching on and off

    def switch(self, on: Any) -> None:
        """Follows the setting appendonly."""
        if on:
            self.switch_on()
        else:
            self.switch_off()

    def switch_on(self) -> None:
        """Has a base written, with which the log begins. SettingError when there is no place for it."""
        try:
            self.snapshots.hold_folder()
            self.disk.start()
            self.files.make_folder()
        except (OSError, FolderError) as error:
            raise SettingError(f"Unable to turn on AOF: {getattr(error, 'strerror', error)}") from None
        self.prepare()

    def prepare(self) -> None:
        """Begins the log anew."""
        # a base that was begun without a log lacks what is done meanwhile
        self.end_rewrite()
        self.close()
        self.enter(State.PREPARING)
        self.scheduled = True
        # between two turns, so that neither half a transaction nor a part of a turn is in the base
        self.schedule.call_soon(self.try_scheduled)

    def switch_off(self) -> None:
        """Ends the log where it is; what it has until now is on disk."""
        if self.state is State.ON:
            self.sync_here()
        self.end_rewrite()
        self.close()
        self.enter(State.OFF)
        self.scheduled = False
        self.wake_waiters()

    def close(self) -> None:
        """Logs nothing any more. An increment without a base is of no use."""
        self.log.close()
        with contextlib.suppress(OSError):
            self.files.temporary_increment.unlink(missing_ok=True)

    def data_replaced(self) -> None:
        """What is in memory came from a file: a log that did not lead there has to begin anew."""
        if self.state is State.ON:
            self.scheduled = True
        elif self.state is State.PREPARING:
            self.prepare()

    def begin_anew(self) -> None:
        """What is in memory did not come from this log: until there is another base, what is on disk stays as it is."""
        if self.state is not State.OFF:
            self.prepare()

    # Writing and syncing

    def sync_here(self) -> None:
        """Has all on disk, and tells when that fails."""
        log.info("Calling fsync() on the AOF file.")
        try:
            self.log.sync()
        except OSError as error:
            log.warning("Fail to fsync the AOF file: %s.", error.strerror)

    def sync_in_thread(self, descriptor: int, file: int, offset: int) -> None:
        """Has the thread sync a file."""
        self.disk.submit(partial(os.fsync, descriptor), partial(self.thread_synced, file, offset))

    def close_in_thread(self, descriptor: int) -> None:
        """Has the thread close a file, behind whatever it has to do with it."""
        self.disk.submit(partial(os.close, descriptor), lambda _: None)

    def thread_synced(self, file: int, offset: int, error: int) -> None:
        """The thread has synced up to this offset, or failed."""
        self.log.synced_to(file, offset, error)
        self.log.flush(False)
        self.look_for_doubt()
        self.wake_waiters()

    @property
    def is_doubtful(self) -> bool:
        """Whether the files may lack something: the system may have dropped what it could not write, and later syncs do not tell."""
        return self.log.failed_syncs != self.settled_failures

    def look_for_doubt(self) -> None:
        """Has a log whose files may lack something rewritten, once the disk works again."""
        if self.state is not State.ON or not self.is_doubtful or self.log.error or self.scheduled:
            return
        if self.rewrite is None or self.rewrite.failed_syncs != self.log.failed_syncs:
            self.scheduled = True
            log.warning("The AOF may lack what the disk did not take: rewriting it")

    def tell_problem(self, error: int) -> None:
        """Says that the log cannot be written, or can again."""
        if error == 0 and not self.log.error:
            log.warning("AOF write error looks solved. The server can write again.")
        elif error and (error != self.last_error or time.monotonic() - self.told_at > REPEAT_SECONDS):
            self.told_at = time.monotonic()
            log.warning("Error writing to the AOF file: %s", os.strerror(error))
        self.last_error = error
        if error and self.state is State.PREPARING:
            self.schedule.call_soon(self.give_base_up)

    def give_base_up(self) -> None:
        """Ends a rewrite whose increment cannot be written, while the log is not on yet."""
        if self.state is State.PREPARING and self.log.error:
            log.warning("Background AOF rewrite given up: its increment cannot be written")
            self.end_rewrite()
            self.rewrite_failed()

    def cron(self) -> None:
        """Writes what was put off, syncs once a second, rewrites when asked or when the log has grown."""
        self.log.sync_later = self.settings.flag("no-appendfsync-on-rewrite") and self.is_saving
        if self.state is not State.OFF:
            self.log.flush(False)
            self.look_for_doubt()
            self.wake_waiters()
        if self.scheduled:
            self.try_scheduled()
        elif self.state is State.ON and self.has_grown and not self.is_saving and not self.is_patient:
            log.info("Starting automatic rewriting of AOF on %d%% growth", self.growth)
            self.begin_rewrite()

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is under way or to follow: all is written, and on disk if it is to be."""
        if self.scheduled or self.waiting.waiters or self.rewrite is not None:
            return False
        return self.state is State.OFF or (self.log.is_at_rest and not self.is_doubtful and (not self.has_grown or self.is_patient))

    # Rewriting

    @property
    def is_saving(self) -> bool:
        """Whether a base or a snapshot is being written."""
        return self.rewrite is not None or self.snapshots.under_way is not None

    @property
    def as_commands(self) -> bool:
        """Whether a base holds commands and no snapshot."""
        return not self.settings.flag("aof-use-rdb-preamble")

    @property
    def growth(self) -> int:
        """By how many percent the log has grown."""
        return self.size * 100 // max(self.base_size, 1) - 100

    @property
    def has_grown(self) -> bool:
        """Whether an automatic rewrite is due."""
        settings = self.settings
        percent = settings.integer("auto-aof-rewrite-percentage")
        return bool(percent) and self.size > settings.integer("auto-aof-rewrite-min-size") and self.growth >= percent

    @property
    def is_patient(self) -> bool:
        """Whether a rewrite that nobody asked for has to wait, because the last ones failed."""
        if self.failures < PATIENT_FAILURES:
            return False
        pause: float = min(FIRST_PAUSE * 2 ** (self.failures - PATIENT_FAILURES), LONGEST_PAUSE)
        return time.monotonic() - self.last_try < pause

    def request(self, base: LogFile) -> SaveRequest:
        """A save of the base by the settings in force."""
        settings = self.settings
        request = SaveRequest(
            str(self.files.path(base)),
            REDIS_VERSION,
            compress=settings.flag("rdbcompression"),
            checksum=settings.flag("rdbchecksum"),
            incremental_sync=settings.flag("aof-rewrite-incremental-fsync"),
            aof_base=True,
            delay_us=settings.integer("rdb-key-save-delay"),
        )
        if self.as_commands:
            request.write_commands(self.settings.flag("aof-timestamp-enabled"))
        return request

    def try_scheduled(self) -> None:
        """Begins the rewrite that is scheduled, if nothing is in its way."""
        if self.scheduled and not self.is_saving and not (self.needs_base and self.is_patient):
            self.begin_rewrite()

    @property
    def needs_base(self) -> bool:
        """Whether rewrites are tried until one succeeds."""
        return self.state is State.PREPARING or (self.state is State.ON and self.is_doubtful)

    def begin_rewrite(self) -> bool:
        """Opens a new increment and begins a save of what is in memory at this moment; False when that failed.

        To be called between transactions, with no save under way.
        """
        self.scheduled = False
        self.last_try = time.monotonic()
        try:
            self.log.settle()
            self.files.make_folder()
            if self.manifest is None or self.state is not State.ON:
                # whatever is there will be replaced as a whole
                self.manifest = self.files.present()
            self.rewrite = self.start_rewrite(self.manifest)
        except (OSError, FolderError) as error:
            log.warning("Can't rewrite append only file in background: %s", error)
            self.rewrite_failed()
            return False
        self.log.sync_later = self.settings.flag("no-appendfsync-on-rewrite")
        log.info("Background append only file rewriting started%s", self.rewrite.save.described)
        return True

    def start_rewrite(self, manifest: Manifest) -> Rewrite:
        """Opens the increment, if writes are logged, and begins the save. OSError or FolderError."""
        first_increment = None
        if self.state is State.PREPARING:
            self.open_temporary_increment()
            first_increment = manifest.next_increment()
        elif self.state is State.ON:
            self.open_next_increment(manifest)
        base = manifest.next_base(self.as_commands)
        save = self.snapshots.begin(self.request(base), self.files.path(base), self.ended, self.as_commands)
        return Rewrite(save, base, manifest.files, first_increment, self.log.failed_syncs)

    def open_temporary_increment(self) -> None:
        """Directs what follows to an increment that has no base yet."""
        self.log.open(self.open_increment(self.files.temporary_increment, os.O_TRUNC), 0)

    def open_next_increment(self, manifest: Manifest) -> None:
        """Directs what follows to a new increment of the manifest."""
        increment = manifest.next_increment()
        log.info("Creating AOF incr file %s on background rewrite", increment.name)
        descriptor = self.open_increment(self.files.path(increment), os.O_TRUNC)
        try:
            manifest = replace(manifest, increments=(*manifest.increments, increment))
            manifest.write(self.files.folder)
            self.log.open(descriptor, 0)
        except OSError:
            os.close(descriptor)
            raise
        self.manifest = manifest
        self.measure()

    def ended(self, save: BackgroundSave, problem: str) -> None:
        """Puts the new base in its place, or notes why there is none."""
        rewrite = self.rewrite
        assert rewrite is not None
        self.rewrite = None
        self.last_seconds = int(time.monotonic() - save.started)
        self.last_copied = save.copied
        if problem:
            log.warning("Background AOF rewrite terminated with error: %s", problem)
            self.discard(rewrite.base)
            self.rewrite_failed()
            return
        log.info("Background AOF rewrite terminated with success")
        try:
            self.take_base(rewrite)
        except OSError as error:
            log.warning("Can't put the rewritten append only file in its place: %s", error)
            self.discard(rewrite.base)
            if rewrite.first_increment is not None:
                self.discard(rewrite.first_increment)
            self.rewrite_failed()
            return
        self.failures = 0
        self.rewrites += 1
        self.measure()
        self.base_size = self.size
        log.info("Background AOF rewrite finished successfully")
        self.delete_history()
        self.wake_waiters()

    def rewrite_failed(self) -> None:
        """Notes it, and has another made where a base is needed."""
        self.failures += 1
        if self.state is State.PREPARING:
            self.close()
        if self.needs_base:
            self.scheduled = True

    def discard(self, file: LogFile) -> None:
        """Deletes a file that was to become a part of the log. A manifest may be in its place although writing it failed, and what it
        names stays: the file is history then, so that its name is not used again."""
        assert self.manifest is not None
        if self.files.may_be_named(file):
            self.manifest = replace(self.manifest, history=(*self.manifest.history, replace(file, kind=HISTORY)))
            return
        with contextlib.suppress(OSError):
            self.files.path(file).unlink(missing_ok=True)

    def take_base(self, rewrite: Rewrite) -> None:
        """Has the manifest name the new base. OSError when that fails."""
        assert self.manifest is not None
        manifest = self.manifest
        increments = tuple(file for file in manifest.increments if file not in rewrite.replaced)
        if rewrite.first_increment is not None:
            # the base will stand for nothing without what was done while it was written
            self.log.sync()
            self.files.temporary_increment.rename(self.files.path(rewrite.first_increment))
            increments = (rewrite.first_increment,)
        history = tuple(replace(file, kind=HISTORY) for file in rewrite.replaced)
        manifest = replace(manifest, base=rewrite.base, increments=increments, history=(*manifest.history, *history))
        manifest.write(self.files.folder)
        self.manifest = manifest
        self.settled_failures = rewrite.failed_syncs
        if rewrite.first_increment is not None:
            self.enter(State.ON)
            log.info("The append-only file is on")

    def delete_history(self) -> None:
        """Has a thread delete what was replaced, not the one that syncs: that may take long. The manifest forgets it then."""
        if self.manifest is None or self.settings.flag("aof-disable-auto-gc"):
            return
        history = self.manifest.history
        paths = [self.files.path(file) for file in history]
        for path in paths:
            log.info("Removing the history file %s in the background", path.name)

        def work() -> None:
            for path in paths:
                path.unlink(missing_ok=True)

        # without the thread they are deleted by the next start
        with contextlib.suppress(OSError):
            self.snapshots.disk.submit(work, partial(self.history_deleted, history))

    def history_deleted(self, history: tuple[LogFile, ...], error: int) -> None:
        """Takes deleted files out of the manifest; should that fail, the next start does it."""
        if error or self.manifest is None:
            return
        self.manifest = replace(self.manifest, history=tuple(file for file in self.manifest.history if file not in history))
        try:
            self.manifest.write(self.files.folder)
        except OSError as error_writing:
            log.warning("Can't write the manifest of the append-only file: %s", error_writing.strerror)

    def end_rewrite(self) -> None:
        """Ends a rewrite that is under way; the files that are there stay in force."""
        rewrite, self.rewrite = self.rewrite, None
        if rewrite is None:
            return
        rewrite.save.cancel()
        self.discard(rewrite.base)

    # WAITAOF

    def synced_offset(self) -> int | None:
        """Of the stream: what is on disk; None while no log is on."""
        return self.log.synced if self.state is State.ON and not self.is_doubtful else None

    def taken_offset(self) -> int:
        """Of the stream: what the log has been given."""
        return self.log.written + self.log.buffered

    def holds(self, offset: int) -> bool:
        """Whether all that was recorded up to this offset is on disk."""
        return self.state is State.ON and not self.is_doubtful and self.log.synced >= offset

    def wake_waiters(self) -> None:
        """Answers those whose writes are on disk."""
        if self.waiting.waiters:
            # a command may be under way that had this happen
            self.schedule.call_soon(self.waiting.look)

    def is_served(self, waiter: Waiter) -> bool:
        """Whether the logs have what is waited for."""
        here, there = self.held(waiter)
        return (here >= waiter.local or self.state is State.OFF) and there >= waiter.needed

    def held(self, waiter: Waiter) -> tuple[int, int]:
        """Whether the log has what is waited for, and how many replicas' logs have it."""
        there = self.replicas.count_synced(waiter.at_replicas) if self.replicas is not None else 0
        return int(self.holds(waiter.offset)), there

    def wait_for_disk(self, waiter: Waiter, milliseconds: int) -> Later:
        """The reply of WAITAOF, once the logs have what is waited for or time is over."""
        if self.replicas is not None and waiter.needed:
            self.replicas.ask()
        return self.waiting.wait(self.schedule, milliseconds, lambda: self.is_served(waiter), lambda: list(self.held(waiter)))

    # The end

    def write_base_here(self) -> None:
        """Gives a log that is being switched on its base at once, everyone waits: for the end, nothing is logged after it. OSError or
        LogError when that fails; the log is being switched on as before."""
        self.end_rewrite()
        self.close()
        manifest = self.files.present()
        base = manifest.next_base(self.as_commands)
        snapshot.save_here(self.core, self.request(base))
        history = tuple(replace(file, kind=HISTORY) for file in manifest.files)
        manifest = replace(manifest, base=base, increments=(), history=(*manifest.history, *history))
        manifest.write(self.files.folder)
        self.manifest = manifest
        self.enter(State.ON)

    def stop(self, save: bool | None) -> bool:
        """Has everything on disk. False: the log that was switched on is not complete yet."""
        if self.state is State.PREPARING:
            log.warning("Writing initial AOF. Can't exit.")
            return False
        if self.rewrite is not None:
            log.info("Background append only file rewriting%s is ended", self.rewrite.save.described)
            self.end_rewrite()
        if self.state is State.ON:
            self.sync_here()
        return True

    # INFO

    def sections(self) -> Sections:
        """For INFO."""
        return {"persistence": WhileSame(self.when_off, self.fields), "memory": lambda: {"mem_aof_buffer": self.log.buffered}}

    def when_off(self) -> object:
        """All that there is to tell INFO of while there is no log, and no rewrite; None otherwise."""
        if self.state is not State.OFF or self.rewrite is not None:
            return None
        return self.scheduled, self.last_seconds, self.failures, self.rewrites, self.log.error, self.last_copied

    def fields(self) -> Fields:
        """What there is to tell at any time, and while the log is on."""
        return {**self.persistence_fields(), **self.size_fields()}

    def persistence_fields(self) -> Fields:
        """For INFO."""
        save = self.rewrite.save if self.rewrite else None
        fields: dict[str, Any] = {
            "aof_enabled": int(self.state is not State.OFF),
            "aof_rewrite_in_progress": int(save is not None),
            "aof_rewrite_scheduled": int(self.scheduled),
            "aof_last_rewrite_time_sec": self.last_seconds,
            "aof_current_rewrite_time_sec": int(time.monotonic() - save.started) if save else -1,
            "aof_last_bgrewrite_status": "err" if self.failures else "ok",
            "aof_rewrites": self.rewrites,
            "aof_rewrites_consecutive_failures": self.failures,
            "aof_last_write_status": "err" if self.log.error else "ok",
            "aof_last_cow_size": self.last_copied,
        }
        if save is not None:
            fields |= progress_fields(save)
        return fields

    def size_fields(self) -> Fields:
        """For INFO, while the log is on."""
        if self.state is State.OFF:
            return {}
        return {
            "aof_current_size": self.size,
            "aof_base_size": self.base_size,
            "aof_pending_rewrite": 0,
            "aof_buffer_length": self.log.buffered,
            "aof_pending_bio_fsync": self.log.syncing,
            "aof_delayed_fsync": self.log.delayed,
        }

    # Commands

    @command("bgrewriteaof")
    def bgrewriteaof(self, session: Session, args: Words) -> Any:
        """BGREWRITEAOF."""
        if self.rewrite is not None:
            raise ReplyError("ERR Background append only file rewriting already in progress")
        if self.is_saving or self.state is State.PREPARING or snapshot.in_transaction(session):
            self.scheduled = True
            return SCHEDULED
        if not self.begin_rewrite():
            raise ReplyError("ERR Can't execute an AOF background rewriting. Please check the server logs for more information.")
        return STARTED

    @command("waitaof")
    def waitaof(self, session: Session, args: Words) -> Any:
        """WAITAOF numlocal numreplicas timeout."""
        if self.replicas is not None:
            self.replicas.refuse_waiting()
        local = integer(args[1])
        if local not in {0, 1}:
            raise ReplyError("ERR value is out of range, value must between 0 and 1")
        replicas = integer(args[2], "ERR value is out of range, must be positive")
        if replicas < 0:
            raise ReplyError("ERR value is out of range, must be positive")
        milliseconds = integer(args[3], "ERR timeout is not an integer or out of range")
        if milliseconds < 0:
            raise ReplyError("ERR timeout is negative")
        if milliseconds > INT64_MAX - int(time.time() * 1000):
            raise ReplyError("ERR timeout is out of range")
        if self.state is State.OFF and local:
            raise ReplyError("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")
        there = self.replicas.written_by(session) if self.replicas is not None else 0
        waiter = Waiter(self.log.needs(session), there, local, replicas)
        held = self.held(waiter)
        if (held[0] >= local and held[1] >= replicas) or snapshot.in_transaction(session):
            return list(held)
        return self.wait_for_disk(waiter, milliseconds)

    @debug("loadaof", 0, 0, "", "Empty every database and load the append-only file.")
    def debug_loadaof(self, session: Session, args: list[bytes]) -> Any:
        """DEBUG LOADAOF."""
        if self.manifest is None:
            raise ReplyError("ERR Error trying to load the AOF files, check server logs")
        try:
            if self.state is State.ON:
                # what this turn has done is loaded too
                self.log.settle()
                self.log.sync()
            snapshot.flush(self.core)
            self.files.load(self.core, self.manifest)
        except (OSError, LogError) as error:
            log.warning("Error reloading the append-only file: %s", error)
            raise ReplyError("ERR Error trying to load the AOF files, check server logs") from None
        log.info("Append Only File loaded by DEBUG LOADAOF")
        if self.state is State.PREPARING:
            # the base under way holds what was there before
            self.prepare()
        return OK
