"""The files of the append-only log: finding them at the start, taking over an old single file, loading them."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from pathlib import Path

from zippy._core import snapshot
from zippy._core.append_load import AppendError, RequestLoader
from zippy._core.introspection import internal_session
from zippy._core.session import Core
from zippy._core.snapshot import SnapshotError
from zippy.persistence.folder_lock import FolderError
from zippy.persistence.manifest import BASE, LogFile, Manifest, ManifestError, read_manifest, sync_file
from zippy.persistence.snapshots import TEMPORARY, is_running, mapped
from zippy.settings import Settings

log = logging.getLogger("zippy")

RDB_HEAD = b"REDIS"


class LogError(FolderError):
    """Why the log cannot be used; a sentence for the user."""


class AppendFiles:
    """The folder of a log."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.found = Path()  # the folder
        self.found_as_of = -1  # the settings' changes

    @property
    def name(self) -> str:
        """What the files' names begin with."""
        return self.settings.text("appendfilename")

    @property
    def folder(self) -> Path:
        """Where they are."""
        if self.settings.changes != self.found_as_of:
            self.found = Path(self.settings.text("dir")) / self.settings.text("appenddirname")
            self.found_as_of = self.settings.changes
        return self.found

    @property
    def old_file(self) -> Path:
        """Where servers before Redis 7 kept the whole log."""
        return Path(self.settings.text("dir")) / self.name

    @property
    def temporary_increment(self) -> Path:
        """Where an increment grows whose base does not exist yet."""
        return self.folder / f"temp-{self.name}.incr"

    def path(self, file: LogFile) -> Path:
        """Where a file is."""
        return self.folder / file.name

    def size(self, file: LogFile) -> int:
        """Bytes of a file, 0 when it is not there."""
        try:
            return self.path(file).stat().st_size
        except OSError:
            return 0

    def make_folder(self) -> None:
        """Makes the folder unless it is there. OSError when that fails."""
        if not self.folder.is_dir():
            self.folder.mkdir()
            sync_file(self.folder.parent)

    def sync(self, manifest: Manifest) -> None:
        """Has the log's files and their names on disk. OSError when that fails."""
        for file in manifest.files:
            sync_file(self.path(file))
        sync_file(self.folder)
        sync_file(self.folder.parent)

    def may_be_named(self, file: LogFile) -> bool:
        """Whether the manifest that is there has the file, or cannot be read."""
        try:
            manifest = read_manifest(self.folder, self.name)
        except (OSError, ManifestError):
            return True
        return manifest is not None and file in manifest.files

    def remove_leftovers(self) -> None:
        """Removes what killed processes left half written."""
        with contextlib.suppress(OSError):
            for file in self.folder.iterdir():
                child = TEMPORARY.fullmatch(file.name)
                if (child and not is_running(int(child[1]))) or file.name in {
                    self.temporary_increment.name,
                    f"temp-{self.name}.manifest",
                }:
                    file.unlink()

    # At the start

    def find(self) -> Manifest | None:
        """The log's manifest; None when there is no log. LogError when something is wrong with it."""
        try:
            manifest = read_manifest(self.folder, self.name)
            if manifest is None:
                manifest = self.adopt_old_file()
            elif manifest.base and manifest.base.name == self.name and not self.path(manifest.base).exists() and self.old_file.exists():
                # the process ended while it took the old file over
                self.old_file.rename(self.path(manifest.base))
                sync_file(self.folder)
        except ManifestError as error:
            raise LogError(f"Cannot read {self.folder / self.name}.manifest: {error}") from None
        except OSError as error:
            raise LogError(f"Cannot read the append-only file in {self.folder}: {error.strerror}") from None
        if manifest is None:
            self.check_no_orphans()
            return None
        for file in manifest.files:
            if not self.path(file).exists():
                raise LogError(f"The manifest {self.folder / self.name}.manifest names {file.name}, which is not there")
        return manifest

    def present(self) -> Manifest:
        """The manifest that a new base is to replace, an empty one when there is none. LogError when what is there would be lost."""
        try:
            manifest = read_manifest(self.folder, self.name)
        except ManifestError as error:
            raise LogError(f"Cannot read {self.folder / self.name}.manifest: {error}") from None
        if manifest is None:
            self.check_no_orphans()
        return manifest or Manifest(self.name)

    def adopt_old_file(self) -> Manifest | None:
        """Makes an old single file the base of a log; None when there is none."""
        if not self.old_file.is_file():
            return None
        self.make_folder()
        manifest = Manifest(self.name, LogFile(self.name, 1, BASE))
        manifest.write(self.folder)
        self.old_file.rename(self.folder / self.name)
        sync_file(self.folder)
        sync_file(self.old_file.parent)
        log.info("Took the old append-only file %s over into %s", self.old_file, self.folder)
        return manifest

    def check_no_orphans(self) -> None:
        """Without a manifest nobody knows the order of files, and a new log would write over them. LogError when there are such files."""
        for file in self.folder.glob(f"{self.name}.*.incr.aof"):
            if file.stat().st_size:
                raise LogError(f"{self.folder} holds {file.name} but no manifest; move the files away or bring the manifest back")

    # Loading

    def load(self, core: Core, manifest: Manifest) -> None:
        """Loads all files. LogError when one cannot be; nothing is changed then, but a torn end of the last one that is not empty may be
        cut off before."""
        began = time.monotonic()
        # an increment begins to grow when the one before is on disk
        last = next((file for file in reversed(manifest.increments) if self.size(file)), manifest.files[-1] if manifest.files else None)
        for file in manifest.files:
            path = self.path(file)
            try:
                self.load_file(core, path, file)
            except AppendError as error:
                if not error.torn or file != last:
                    raise LogError(f"Cannot load {path}: {error.problem} at byte {error.offset}. It was left as it is") from None
                self.cut(path, error.offset)
            except SnapshotError as error:
                raise LogError(f"Cannot load {path}: {error.problem} at byte {error.offset}. It was left as it is") from None
            except OSError as error:
                raise LogError(f"Cannot read {path}: {error.strerror}") from None
        log.info("DB loaded from append only file: %.3f seconds", time.monotonic() - began)

    def load_file(self, core: Core, path: Path, file: LogFile) -> None:
        """Loads one file: a snapshot, commands, or a snapshot with commands behind it."""
        session = internal_session(core)
        loader = RequestLoader(session)
        delay = self.settings.integer("key-load-delay")
        try:
            with path.open("rb") as opened, mapped(opened.fileno()) as data:
                begin = 0
                if data[: len(RDB_HEAD)] == RDB_HEAD or file.name.endswith(".base.rdb"):
                    # keys whose time is over are kept: the commands that follow expect them
                    begin = snapshot.load_bytes(core, data, keep_expired=True, delay_us=delay)["bytes"]
                loader.load(data, begin)
                if delay:
                    snapshot.load_delay(delay, loader.requests)
        finally:
            session.close()
        if loader.refused:
            log.warning("%d of the %d commands in %s were answered with an error", loader.refused, loader.requests, path)

    def cut(self, path: Path, size: int) -> None:
        """Cuts a torn end off, if that is allowed. LogError when it is not."""
        torn = path.stat().st_size - size
        if not self.settings.flag("aof-load-truncated"):
            raise LogError(
                f"The last {torn} bytes of {path} are the beginning of a command or a transaction (from byte {size} on). "
                "With aof-load-truncated yes they would be cut off"
            )
        log.warning("Cut off the torn end of %s: %d bytes from byte %d on", path, torn, size)
        try:
            with path.open("r+b") as opened:
                opened.truncate(size)
                os.fsync(opened.fileno())
        except OSError as error:
            raise LogError(f"Cannot cut the torn end of {path} off: {error.strerror}") from None
