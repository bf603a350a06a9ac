"""The append-only file as a service: kept from the start or from a CONFIG SET on, rewritten in the background, synced by a thread.

Importing this module registers its commands; a server gets the service with `AppendOnly(server, snapshots)`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from zippy._core import snapshot
from zippy._core.append_log import AppendLog
from zippy._core.introspection import reset_stats, slowlog_clear
from zippy._core.resp.kinds import OK, ReplyError, Simple
from zippy._core.snapshot import SaveRequest
from zippy.persistence.append_files import AppendFiles, LogError
from zippy.persistence.background import BackgroundSave, progress_fields
from zippy.persistence.disk_thread import DiskThread
from zippy.persistence.manifest import HISTORY, LogFile, Manifest
from zippy.persistence.snapshots import Snapshots
from zippy.server.arguments import INT64_MAX, integer
from zippy.server.debug import debug
from zippy.server.registry import command
from zippy.settings import SettingError
from zippy.version import REDIS_VERSION

if TYPE_CHECKING:
    from zippy._core.session import Session
    from zippy.server.server import Server

log = logging.getLogger("zippy")

REPEAT_SECONDS = 30.0  # between two lines of the log about the same trouble
PATIENT_FAILURES = 3  # rewrites that may fail before automatic ones wait
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0  # seconds that they wait then, doubled each time
LONGEST_WAIT = 1e9  # seconds that the loop can be asked to wait
STARTED = Simple("Background append only file rewriting started")
SCHEDULED = Simple("Background append only file rewriting scheduled")


class State(Enum):
    """Whether writes are logged."""

    OFF = "off"
    PREPARING = "preparing"  # switched on, but there is no base yet
    ON = "on"


class Rewrite:
    """A base being written in the background."""

    def __init__(self, save: BackgroundSave, base: LogFile, replaced: tuple[LogFile, ...]) -> None:
        self.save = save
        self.base = base
        self.replaced = replaced  # what the base stands for


class AppendOnly:
    """The append-only log of one server."""

    def __init__(self, server: Server, snapshots: Snapshots) -> None:
        self.server = server
        self.core = server.core
        self.snapshots = snapshots
        self.files = AppendFiles(server.settings)
        self.log = AppendLog(server.core, self.sync_in_thread, self.tell_problem, self.give_up)
        self.disk = DiskThread()
        self.state = State.OFF
        self.manifest: Manifest | None = None
        self.rewrite: Rewrite | None = None
        self.scheduled = False  # a rewrite is to follow as soon as it can
        self.doubtful = False  # what a sync failed for may be missing in the files
        self.waiters: list[tuple[int, asyncio.Future[None]]] = []  # of WAITAOF: what has to be on disk
        self.settled = 0  # bytes of the files that do not grow any more
        self.base_size = 0  # bytes of the whole log after the last rewrite, or of the base at the start
        self.told_at = -REPEAT_SECONDS
        self.last_error = 0
        self.rewrites = 0
        self.failures = 0  # of rewrites, since one succeeded
        self.last_try = 0.0  # of a rewrite, monotonic seconds
        self.last_seconds = -1
        self.last_copied = 0
        server.services["append_only"] = self
        snapshots.other_save = lambda: self.rewrite is not None
        server.on_cron.append(self.cron)
        server.on_stop.append(self.stop)
        server.info.add("persistence", self.persistence_fields)
        server.info.add("persistence", self.size_fields)
        server.info.add("memory", lambda: {"mem_aof_buffer": self.log.buffered})
        server.settings.on_change("appendonly", self.switch)
        server.follow("appendfsync", self.set_policy)
        server.follow("aof-timestamp-enabled", self.set_timestamps)

    def set_policy(self, policy: Any) -> None:
        """Follows the setting appendfsync."""
        self.log.set_policy(policy)

    def set_timestamps(self, wanted: Any) -> None:
        """Follows the setting aof-timestamp-enabled."""
        self.log.timestamps = wanted

    # At the start

    def load_at_start(self) -> bool:
        """Loads the data: the log's, where one is kept, else the snapshot. False: that cannot be done; all files are left as they are."""
        if not self.server.settings.flag("appendonly"):
            return self.snapshots.load_at_start()
        self.snapshots.remove_leftovers()
        self.files.remove_leftovers()
        try:
            self.manifest = self.files.find()
            if self.manifest is None:
                return self.begin_without_log()
            self.files.load(self.core, self.manifest)
            self.forget_loading()
            self.base_size = self.files.size(self.manifest.base) if self.manifest.base else 0
            self.open_last()
        except LogError as error:
            log.critical("%s. Exiting.", error)
            return False
        except OSError as error:
            log.critical("Cannot write the append-only file in %s: %s. Exiting.", self.files.folder, error.strerror)
            return False
        self.state = State.ON
        return True

    def begin_without_log(self) -> bool:
        """Begins a log with what the snapshot holds."""
        if not self.snapshots.load_at_start():
            return False
        if self.snapshots.loaded.get("keys"):
            log.warning("There was no append-only file yet: it begins with what the snapshot %s holds", self.snapshots.path)
        self.files.make_folder()
        manifest = Manifest(self.files.name)
        base = manifest.next_base(self.as_commands)
        snapshot.save_here(self.core, self.request(base))
        log.info("Creating AOF base file %s on server start", base.name)
        self.manifest = replace(manifest, base=base)
        self.open_last()
        self.state = State.ON
        return True

    def open_last(self) -> None:
        """Goes on with the last increment, or begins the first one; deletes what was replaced before the last end."""
        assert self.manifest is not None
        manifest = replace(self.manifest, history=())
        if not manifest.increments:
            manifest = replace(manifest, increments=(manifest.next_increment(),))
            log.info("Creating AOF incr file %s on server start", manifest.increments[-1].name)
        last = manifest.increments[-1]
        descriptor = self.open_increment(last)
        for file in self.manifest.history:
            self.files.path(file).unlink(missing_ok=True)
        if manifest != self.manifest:
            manifest.write(self.files.folder)
        self.manifest = manifest
        # what a killed process wrote is in force from now on, so it has to last
        os.fsync(descriptor)
        self.log.open(descriptor, os.fstat(descriptor).st_size)
        self.measure()

    def forget_loading(self) -> None:
        """What was loaded was run as commands, and is not to be seen in what the server tells of itself."""
        reset_stats(self.core)
        slowlog_clear(self.core)

    def open_increment(self, file: LogFile) -> int:
        """A descriptor for appending to an increment, which is made if it is not there."""
        return os.open(self.files.path(file), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)

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
        if not on:
            self.switch_off()
            return
        try:
            self.files.make_folder()
        except OSError as error:
            raise SettingError(f"Unable to turn on AOF: {error.strerror}") from None
        self.state = State.PREPARING
        self.scheduled = True
        # between two turns, so that neither half a transaction nor a part of a turn is in the base
        asyncio.get_running_loop().call_soon(self.try_scheduled)

    def switch_off(self) -> None:
        """Ends the log where it is; what it has until now is on disk."""
        with contextlib.suppress(OSError):
            self.log.sync()
        descriptor = self.log.close()
        if descriptor >= 0:
            os.close(descriptor)
        self.state = State.OFF
        self.scheduled = self.doubtful = False
        self.end_rewrite()
        self.wake_waiters()

    # Writing and syncing

    def sync_in_thread(self, descriptor: int, offset: int) -> None:
        """Has the thread sync the file."""
        own = os.dup(descriptor)  # ours may be closed meanwhile
        self.disk.submit(partial(sync_and_close, own), partial(self.thread_synced, offset))

    def thread_synced(self, offset: int, error: int) -> None:
        """The thread has synced up to this offset, or failed."""
        self.log.synced_to(offset, error if self.state is not State.OFF else 0)
        if error:
            self.doubtful = self.state is State.ON
        elif self.doubtful:
            # the system may have dropped what it could not write, and later syncs do not tell
            self.doubtful = False
            self.scheduled = True
            log.warning("The AOF may lack what the disk did not take: rewriting it")
        self.log.flush(False)
        self.wake_waiters()

    def tell_problem(self, error: int) -> None:
        """Says that the log cannot be written, or can again."""
        if error == 0 and not self.log.error:
            log.warning("AOF write error looks solved. The server can write again.")
        elif error and (error != self.last_error or time.monotonic() - self.told_at > REPEAT_SECONDS):
            self.told_at = time.monotonic()
            log.warning("Error writing to the AOF file: %s", os.strerror(error))
        self.last_error = error

    def give_up(self, text: str, error: int) -> None:
        """Ends the process at once: a reply that left now would promise what is not kept."""
        log.critical("%s: %s. Exiting.", text, os.strerror(error))
        logging.shutdown()
        os._exit(1)

    def cron(self) -> None:
        """Writes what was put off, syncs once a second, rewrites when asked or when the log has grown."""
        self.log.sync_later = self.server.settings.flag("no-appendfsync-on-rewrite") and self.is_saving
        if self.state is not State.OFF:
            self.log.flush(False)
            self.wake_waiters()
        if self.scheduled:
            self.try_scheduled()
        elif self.state is State.ON and self.has_grown and not self.is_saving and not self.is_patient:
            log.info("Starting automatic rewriting of AOF on %d%% growth", self.growth)
            self.begin_rewrite()

    # Rewriting

    @property
    def is_saving(self) -> bool:
        """Whether a child is writing a base or a snapshot."""
        return self.rewrite is not None or self.snapshots.under_way is not None

    @property
    def as_commands(self) -> bool:
        """Whether a base holds commands and no snapshot."""
        return not self.server.settings.flag("aof-use-rdb-preamble")

    @property
    def growth(self) -> int:
        """By how many percent the log has grown."""
        return self.size * 100 // max(self.base_size, 1) - 100

    @property
    def has_grown(self) -> bool:
        """Whether an automatic rewrite is due."""
        settings = self.server.settings
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
        settings = self.server.settings
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
            request.write_commands(self.server.settings.flag("aof-timestamp-enabled"))
        return request

    def try_scheduled(self) -> None:
        """Begins the rewrite that is scheduled, if nothing is in its way."""
        if self.scheduled and not self.is_saving and not (self.state is State.PREPARING and self.is_patient):
            self.begin_rewrite()

    def begin_rewrite(self) -> bool:
        """Opens a new increment and starts a child that writes what is in memory at this moment; False when that failed.

        To be called between transactions, with no child at work.
        """
        self.scheduled = False
        self.last_try = time.monotonic()
        try:
            self.log.settle()
            self.files.make_folder()
            if self.manifest is None or self.state is not State.ON:
                # whatever is there will be replaced as a whole
                self.manifest = self.files.present()
            replaced = self.manifest.files
            self.begin_increment()
            base = self.manifest.next_base(self.as_commands)
            save = self.snapshots.begin(self.request(base), self.files.path(base), self.ended, self.as_commands)
        except (OSError, LogError) as error:
            log.warning("Can't rewrite append only file in background: %s", error)
            self.rewrite_failed()
            return False
        self.rewrite = Rewrite(save, base, replaced)
        self.log.sync_later = self.server.settings.flag("no-appendfsync-on-rewrite")
        log.info("Background append only file rewriting started%s", save.described)
        return True

    def begin_increment(self) -> None:
        """Directs what follows to a new increment. While there is no base for it, it has a temporary name."""
        assert self.manifest is not None
        if self.state is State.OFF:
            return
        if self.state is State.PREPARING:
            path = self.files.temporary_increment
            path.unlink(missing_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o666)
        else:
            increment = self.manifest.next_increment()
            log.info("Creating AOF incr file %s on background rewrite", increment.name)
            self.files.path(increment).unlink(missing_ok=True)
            descriptor = self.open_increment(increment)
            try:
                manifest = replace(self.manifest, increments=(*self.manifest.increments, increment))
                manifest.write(self.files.folder)
            except OSError:
                os.close(descriptor)
                raise
            self.manifest = manifest
        self.turn_to(descriptor)

    def turn_to(self, descriptor: int) -> None:
        """Writes to this file from now on; the one before is synced and closed by the thread."""
        before = self.log.open(descriptor, 0)
        if before >= 0:
            self.disk.submit(partial(sync_and_close, before), partial(self.thread_synced, self.log.written))
        if self.state is State.ON:
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
            self.rewrite_failed()
            return
        log.info("Background AOF rewrite terminated with success")
        try:
            self.take_base(rewrite)
        except OSError as error:
            log.warning("Can't put the rewritten append only file in its place: %s", error)
            self.rewrite_failed()
            return
        self.failures = 0
        self.rewrites += 1
        log.info("Background AOF rewrite finished successfully")

    def rewrite_failed(self) -> None:
        """Notes it; a log that has no base yet needs another try."""
        self.failures += 1
        if self.state is State.PREPARING:
            self.scheduled = True

    def take_base(self, rewrite: Rewrite) -> None:
        """Has the manifest name the new base; what it replaces is deleted."""
        assert self.manifest is not None
        manifest = self.manifest
        increments = tuple(file for file in manifest.increments if file not in rewrite.replaced)
        if self.state is State.PREPARING:
            increment = manifest.next_increment()
            # the base will stand for nothing without what was done while it was written
            self.log.sync()
            self.files.temporary_increment.rename(self.files.path(increment))
            increments = (increment,)
        history = tuple(replace(file, kind=HISTORY) for file in rewrite.replaced)
        manifest = replace(manifest, base=rewrite.base, increments=increments, history=(*manifest.history, *history))
        manifest.write(self.files.folder)
        self.manifest = manifest
        if self.state is State.PREPARING:
            self.state = State.ON
            log.info("The append-only file is on")
        self.measure()
        self.base_size = self.size
        self.wake_waiters()
        self.delete_history()

    def delete_history(self) -> None:
        """Has a thread delete what was replaced, not the one that syncs: that may take long. The manifest forgets it then."""
        assert self.manifest is not None
        history = self.manifest.history
        paths = [self.files.path(file) for file in history]
        for path in paths:
            log.info("Removing the history file %s in the background", path.name)

        def work() -> None:
            for path in paths:
                path.unlink(missing_ok=True)

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

    # WAITAOF

    def holds(self, offset: int) -> bool:
        """Whether all that was recorded up to this offset is on disk."""
        return self.state is State.ON and self.log.synced >= offset

    def wake_waiters(self) -> None:
        """Answers those whose writes are on disk."""
        if not self.waiters:
            return
        for offset, future in self.waiters:
            if not future.done() and (self.holds(offset) or self.state is State.OFF):
                future.set_result(None)
        self.waiters = [waiter for waiter in self.waiters if not waiter[1].done()]

    async def wait_for_disk(self, offset: int, for_ever: bool, milliseconds: int) -> list[int]:
        """The reply of WAITAOF: whether the log holds all up to the offset, and no replica. for_ever: nothing but time will do."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not for_ever:
            self.waiters.append((offset, future))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(future, min(milliseconds / 1000, LONGEST_WAIT) if milliseconds else None)
        return [int(self.holds(offset)), 0]

    # The end

    async def stop(self, save: bool | None) -> bool:
        """Has everything on disk. False: the log that was switched on is not complete yet."""
        if self.state is State.PREPARING:
            log.warning("Writing initial AOF. Can't exit.")
            return False
        if self.rewrite is not None:
            log.warning("There is a child rewriting the AOF. Killing it!")
            self.end_rewrite()
        if self.state is State.ON:
            log.info("Calling fsync() on the AOF file.")
            try:
                self.log.sync()
            except OSError as error:
                log.warning("Fail to fsync the AOF file: %s.", error.strerror)
        return True

    # INFO

    def persistence_fields(self) -> Mapping[str, Any]:
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

    def size_fields(self) -> Mapping[str, Any]:
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


def sync_and_close(descriptor: int) -> None:
    """Has a file on disk and closes it."""
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_only_of(session: Session) -> AppendOnly | None:
    """The session's server's log; None when the engine has none."""
    server = session.core.server
    found = server.services.get("append_only") if server is not None else None
    return found if isinstance(found, AppendOnly) else None


@command("bgrewriteaof")
def bgrewriteaof(session: Session, args: list[bytes]) -> Any:
    """BGREWRITEAOF."""
    service = append_only_of(session)
    if service is None:
        raise ReplyError("ERR This engine keeps no append-only file")
    if service.rewrite is not None:
        raise ReplyError("ERR Background append only file rewriting already in progress")
    if service.is_saving or service.state is State.PREPARING or snapshot.in_transaction(session):
        service.scheduled = True
        return SCHEDULED
    if not service.begin_rewrite():
        raise ReplyError("ERR Can't execute an AOF background rewriting. Please check the server logs for more information.")
    return STARTED


@command("waitaof")
def waitaof(session: Session, args: list[bytes]) -> Any:
    """WAITAOF numlocal numreplicas timeout."""
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
    service = append_only_of(session)
    if service is None or service.state is State.OFF:
        if local:
            raise ReplyError("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")
        if service is None:
            return [0, 0]
    offset = service.log.needs(session)
    held = service.holds(offset)
    if (held >= local and replicas == 0) or snapshot.in_transaction(session):
        return [int(held), 0]
    return service.wait_for_disk(offset, replicas > 0, milliseconds)


@debug("loadaof", 0, 0, "", "Empty every database and load the append-only file.")
def debug_loadaof(session: Session, args: list[bytes]) -> Any:
    """DEBUG LOADAOF."""
    service = append_only_of(session)
    if service is None or service.manifest is None:
        raise ReplyError("ERR Error trying to load the AOF files, check server logs")
    try:
        if service.state is State.ON:
            # what this turn has done is loaded too
            service.log.settle()
            service.log.sync()
        snapshot.flush(session.core)
        service.files.load(session.core, service.manifest)
    except (OSError, LogError) as error:
        log.warning("Error reloading the append-only file: %s", error)
        raise ReplyError("ERR Error trying to load the AOF files, check server logs") from None
    log.info("Append Only File loaded by DEBUG LOADAOF")
    return OK
