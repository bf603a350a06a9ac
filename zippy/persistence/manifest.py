"""The manifest of an append-only log: which files it consists of, in which order.

One line a file: `file NAME seq N type T`, where T is b (base: everything up to a moment), i (increment: what came after), or h (history: it
has been replaced, and is to be deleted).
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from zippy.config_file import quote, split_words

BASE, INCREMENT, HISTORY = "b", "i", "h"
LONGEST_LINE = 1024
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+@%,:=")


class ManifestError(Exception):
    """A manifest that cannot be trusted."""


@dataclass(frozen=True)
class LogFile:
    """One file of the log."""

    name: str
    sequence: int  # of its kind, from 1 on
    kind: str  # BASE, INCREMENT or HISTORY

    def line(self) -> str:
        """Its line in the manifest."""
        name = self.name if PLAIN.issuperset(self.name) else quote(self.name)
        return f"file {name} seq {self.sequence} type {self.kind}\n"


@dataclass(frozen=True)
class Manifest:
    """The files of a log named after the setting appendfilename."""

    name: str
    base: LogFile | None = None
    increments: tuple[LogFile, ...] = field(default=())
    history: tuple[LogFile, ...] = field(default=())

    @property
    def files(self) -> tuple[LogFile, ...]:
        """What has to be loaded, in order."""
        return (*((self.base,) if self.base else ()), *self.increments)

    def next_base(self, as_commands: bool) -> LogFile:
        """The base that would come next."""
        sequence = self._next(BASE)
        return LogFile(f"{self.name}.{sequence}.base.{'aof' if as_commands else 'rdb'}", sequence, BASE)

    def next_increment(self) -> LogFile:
        """The increment that would come next."""
        sequence = self._next(INCREMENT)
        return LogFile(f"{self.name}.{sequence}.incr.aof", sequence, INCREMENT)

    def _next(self, kind: str) -> int:
        """A number that no file has had: those of replaced ones may still be about to be deleted."""
        marker = ".base." if kind == BASE else ".incr."
        taken = [file.sequence for file in (*self.files, *self.history) if file.kind == kind or marker in file.name]
        return max(taken, default=0) + 1

    def text(self) -> str:
        """What the file holds."""
        return "".join(file.line() for file in (*((self.base,) if self.base else ()), *self.history, *self.increments))

    def write(self, folder: Path) -> None:
        """Puts it in its place in the folder, on disk as a whole or not at all. OSError when that fails."""
        temporary = folder / f"temp-{self.name}.manifest"
        try:
            with temporary.open("w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(self.text())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(folder / f"{self.name}.manifest")
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        sync_file(folder)


def sync_file(path: Path) -> None:
    """Has what a file holds on disk, or the names in a folder. OSError when that fails."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_manifest(folder: Path, name: str) -> Manifest | None:
    """The log's manifest in the folder, None when there is none. ManifestError and OSError when it cannot be read."""
    path = folder / f"{name}.manifest"
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
    return parse_manifest(text, name)


def parse_manifest(text: str, name: str) -> Manifest:
    """The manifest with this text; ManifestError names the line that is wrong."""
    base: LogFile | None = None
    increments: list[LogFile] = []
    history: list[LogFile] = []
    if not text:
        raise ManifestError("the manifest is empty")
    if not text.endswith("\n"):
        raise ManifestError("the manifest's last line has no end")
    for number, line in enumerate(text[:-1].split("\n"), 1):
        if line.startswith("#"):
            continue
        try:
            file = parse_line(line)
            if file.kind == HISTORY:
                history.append(file)
            elif file.kind == INCREMENT:
                if increments and file.sequence <= increments[-1].sequence:
                    raise ManifestError("its number is not above that of the increment before")
                increments.append(file)
            elif base is not None:
                raise ManifestError("there is a base already")
            else:
                base = file
        except ManifestError as error:
            raise ManifestError(f"line {number} of the manifest: {error}: {line!r}") from None
    return Manifest(name, base, tuple(increments), tuple(history))


def parse_line(line: str) -> LogFile:
    """The file of one line; words that zippy has no use for come in pairs and are passed over."""
    if len(line) >= LONGEST_LINE:
        raise ManifestError("it is too long")
    try:
        words = split_words(line)
    except ValueError:
        raise ManifestError("its quotes are out of place") from None
    if len(words) < 6 or len(words) % 2:
        raise ManifestError("it does not consist of names and values")
    values = dict(zip((word.lower() for word in words[::2]), words[1::2], strict=True))
    name, sequence, kind = values.get("file", ""), values.get("seq", ""), values.get("type", "")
    if not name or "/" in name or name in {".", ".."}:
        raise ManifestError("it names no file of the folder")
    if not (sequence.isascii() and sequence.isdigit() and len(sequence) < 19 and int(sequence) > 0):
        raise ManifestError("its number is none")
    if kind not in {BASE, INCREMENT, HISTORY}:
        raise ManifestError("its type is unknown")
    return LogFile(name, int(sequence), kind)
