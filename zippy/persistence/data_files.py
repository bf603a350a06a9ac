"""Data files of any kind, read in full: what they are, what they hold, and what is wrong with them.

Whatever a file holds is loaded into a scratch store, so nothing that a server would refuse is taken for good. Nothing is ever changed here.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path

from zippy._core import snapshot
from zippy._core.append_load import AppendError, RequestLoader
from zippy._core.introspection import internal_session
from zippy._core.snapshot import SnapshotError
from zippy.persistence.manifest import Manifest, ManifestError, read_manifest
from zippy.persistence.scratch import Progress, Scratch
from zippy.persistence.snapshots import mapped

RDB_HEAD = b"REDIS"
MANIFEST = ".manifest"
FOR_EVER = (1 << 63) - 1


class DataFileError(Exception):
    """What was asked for cannot be done with these files; a sentence for the user."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file. offset: at which byte; None: with it as a whole. torn: all before is good, what follows is an unfinished
    end."""

    text: str
    offset: int | None = None
    torn: bool = False
    unsupported: bool = False  # the file may be fine, but holds what zippy does not know

    def __str__(self) -> str:
        return self.text if self.offset is None else f"{self.text} (at byte {self.offset})"


@dataclass
class DataFile:
    """One file and what was found in it."""

    path: Path
    size: int = 0
    has_snapshot: bool = False  # it is one or begins with one
    rdb_bytes: int = 0  # of that
    version: int = 0  # of the snapshot's format; 0: there is none
    saved_at: int = 0  # seconds since the epoch when the snapshot was taken, 0: unknown
    keys: int = 0  # in the snapshot
    expiring: int = 0  # of these
    libraries: int = 0  # of functions, in the snapshot
    is_log: bool = False  # it may hold commands
    commands: int = 0
    refused: int = 0  # commands that were answered with an error
    untimed: int = 0  # commands before the first time
    first_second: int = 0  # the first time in the log, seconds since the epoch; 0: there is none
    last_second: int = 0
    stopped: bool = False  # at a later second than was asked for
    problem: Problem | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Log:
    """An append-only log: a folder with a manifest, or one file of the old kind."""

    folder: Path
    manifest: Manifest | None
    single: Path | None = None

    @property
    def paths(self) -> list[Path]:
        """Its files in order."""
        if self.manifest is None:
            return [self.single] if self.single else []
        return [self.folder / file.name for file in self.manifest.files]


def size_of(path: Path) -> int:
    """Bytes of a regular file. OSError and DataFileError when it is none."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise DataFileError(f"{path} is no regular file")
    return found.st_size


def head_of(path: Path) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as file:
        return file.read(64)


def manifests_in(folder: Path) -> list[Path]:
    """The manifests in a folder."""
    return sorted(path for path in folder.iterdir() if path.name.endswith(MANIFEST) and not path.name.startswith("temp-"))


def read_log(path: Path) -> Log:
    """The log whose manifest this is. DataFileError and OSError when it cannot be read."""
    name = path.name.removesuffix(MANIFEST)
    try:
        manifest = read_manifest(path.parent, name)
    except ManifestError as error:
        raise DataFileError(f"{path}: {error}") from None
    if manifest is None:
        raise DataFileError(f"{path} is not there")
    return Log(path.parent, manifest)


def find_log(path: Path) -> Log:
    """The log that a user means by a manifest, its folder, the folder above, or a single file. DataFileError when that is not one log."""
    if not path.is_dir():
        return read_log(path) if path.name.endswith(MANIFEST) else Log(path.parent, None, path)
    found = manifests_in(path)
    if not found:
        found = [manifest for folder in sorted(path.iterdir()) if folder.is_dir() for manifest in manifests_in(folder)]
    if not found:
        raise DataFileError(f"{path} holds no manifest (*{MANIFEST}) of an append-only log")
    if len(found) > 1:
        raise DataFileError(f"{path} holds several logs, name one: {', '.join(map(str, found))}")
    return read_log(found[0])


def load_file(scratch: Scratch, path: Path, progress: Progress, is_log: bool, until: int = FOR_EVER) -> DataFile:
    """Loads a file as far as it is good. is_log: commands may stand behind a snapshot or alone. until: the last second that is wanted.

    OSError and DataFileError when it cannot be read at all.
    """
    file = DataFile(path, size_of(path), is_log=is_log)
    progress.begin(path.name, file.size)
    try:
        with path.open("rb") as opened, mapped(opened.fileno()) as data:
            if data[: len(RDB_HEAD)] == RDB_HEAD or not is_log or path.name.endswith(".base.rdb"):
                load_snapshot(scratch, file, data, progress)
            if is_log and file.problem is None:
                load_commands(scratch, file, data, progress, until)
    finally:
        progress.end()
    return file


def load_snapshot(scratch: Scratch, file: DataFile, data: bytes, progress: Progress) -> None:
    """Loads the snapshot that a file is or begins with."""
    file.has_snapshot = True
    keys, expiring = scratch.counts
    try:
        # keys whose time is over are kept: the commands that follow expect them
        found = snapshot.load_bytes(scratch.core, data, keep_expired=True, tell=progress.at)
    except SnapshotError as error:
        file.problem = Problem(problem_text(error), error.offset, unsupported=error.unsupported)
    else:
        file.version, file.saved_at, file.rdb_bytes = found["version"], found["saved_at"], found["bytes"]
        file.libraries = found["libraries"]
        if file.rdb_bytes < file.size and not file.is_log:
            file.notes.append(f"the snapshot ends at byte {file.rdb_bytes}; {file.size - file.rdb_bytes} bytes behind it are not looked at")
    file.keys, file.expiring = (now - before for now, before in zip(scratch.counts, (keys, expiring), strict=True))


def problem_text(error: SnapshotError) -> str:
    """What is wrong with a snapshot, and where."""
    where = f" in the value of the key {error.key!r} of database {error.db}" if error.key is not None else ""
    return error.problem + where


def load_commands(scratch: Scratch, file: DataFile, data: bytes, progress: Progress, until: int) -> None:
    """Loads the commands behind a snapshot, or of a file that begins with them."""
    session = internal_session(scratch.core)
    loader = RequestLoader(session)
    try:
        loader.load(data, file.rdb_bytes, until=until, data_only=True, tell=progress.at)
    except AppendError as error:
        file.problem = Problem(error.problem, error.offset, error.torn)
    finally:
        session.close()
    file.commands, file.refused, file.untimed = loader.requests, loader.refused, loader.untimed
    file.first_second, file.last_second, file.stopped = loader.first_second, loader.last_second, loader.stopped


def load_log(scratch: Scratch, log: Log, progress: Progress, until: int = FOR_EVER) -> list[DataFile]:
    """Loads a log's files up to the last second that is wanted. What ends within a command at the log's end is left out, with a note;
    anything else that is wrong is a DataFileError."""
    files: list[DataFile] = []
    for path in log.paths:
        try:
            file = load_file(scratch, path, progress, True, until)
        except OSError as error:
            raise DataFileError(f"Cannot read {path}: {error.strerror}") from None
        files.append(file)
        if file.problem is not None:
            if not file.problem.torn or path != log.paths[-1]:
                raise DataFileError(f"{path} is damaged: {file.problem}")
            file.notes.append(f"the last {file.size - (file.problem.offset or 0)} bytes of {path} are the beginning of a command; left out")
        if file.stopped:
            break
    return files
