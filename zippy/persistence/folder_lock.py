"""Who keeps data in a folder: a lock of the system on a file in it, which ends with the process that has it, however that ends.

An engine in process has its folder to itself. Servers, which may share a folder under different names of their files, keep engines out and
are kept out by them. The file stays when the lock is gone: a new one in its place would be another file, that can be locked beside it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAME = "zippy.lock"
SHARES = b"shares"


class FolderError(Exception):
    """Why the data of a folder cannot be used; a sentence for the user."""

    __module__ = "zippy"


class FolderInUse(FolderError):
    """Somebody else keeps data in the folder. pid: of that process, 0 when it is not known; shares: it lets others reach the store."""

    __module__ = "zippy"

    def __init__(self, folder: Path, pid: int, shares: bool = False) -> None:
        who = f"process {pid}" if pid else "another process"
        if pid == os.getpid():
            who = f"this process, {pid}"
        super().__init__(f"The folder {folder} is in use by {who}")
        self.folder = folder
        self.pid = pid
        self.shares = shares

    def __reduce__(self) -> tuple[type[FolderInUse], tuple[Path, int, bool]]:
        return type(self), (self.folder, self.pid, self.shares)


def owner_of(descriptor: int) -> tuple[int, bool]:
    """The process that the lock's file names, 0 if it names none, and whether it shares the store."""
    try:
        words = os.pread(descriptor, 32, 0).split()
        return int(words[0]), words[1:] == [SHARES]
    except (OSError, ValueError, IndexError):
        return 0, False


class FolderLock:
    """The lock of one folder at a time. alone: for an engine, else together with servers; shares: other processes reach that engine."""

    def __init__(self, alone: bool, shares: bool = False) -> None:
        self.alone = alone
        self.shares = shares
        self.folder: Path | None = None
        self.descriptor = -1
        self.process = 0  # that took it

    def hold(self, folder: Path) -> None:
        """Takes the folder's lock, and leaves the one that was held; nothing to do if it is the same.

        FolderInUse when somebody else has it, FolderError when it cannot be had."""
        if folder == self.folder:
            return
        try:
            descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            if self.alone:
                raise FolderError(f"Cannot keep data in the folder {folder}: {error.strerror}") from None
            # where a server may not write it could not save either, and may run all the same
            return
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if self.alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError as error:
            pid, shares = owner_of(descriptor)
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise FolderInUse(folder, pid, shares) from None
            if self.alone:
                raise FolderError(f"Cannot lock the folder {folder}: {error.strerror}") from None
            return
        self.leave()
        self.folder, self.descriptor, self.process = folder, descriptor, os.getpid()
        # the lock is had, whether or not it can be said by whom
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d %s\n" % (os.getpid(), SHARES if self.shares else b""), 0)

    def leave(self) -> None:
        """Gives the lock back; nothing to do when none is held. In a forked child: lets go of the parent's."""
        self.folder = None
        if self.descriptor >= 0:
            if self.alone and self.process == os.getpid():
                # a child that has just been forked, by another thread perhaps, still has the file open; a server's child may be saving
                with contextlib.suppress(OSError):
                    fcntl.flock(self.descriptor, fcntl.LOCK_UN)
            os.close(self.descriptor)
            self.descriptor = -1
