"""Data from one form into another: snapshots, append-only logs, JSON lines, servers.

A target is written beside its place and put there when it is complete and on disk, so nothing half written is ever seen there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import IOBase
from pathlib import Path
from typing import BinaryIO, cast

from zippy.persistence.data_files import RDB_HEAD, DataFile, DataFileError, Log, find_log, head_of, load_file, load_log, size_of
from zippy.persistence.json_lines import Record, RecordError, as_line, read_all, read_lines, write_key, write_library
from zippy.persistence.manifest import Manifest, sync_file
from zippy.persistence.scratch import Progress, Scratch, Store

FORMATS = ("rdb", "aof", "aof-file", "jsonl")
SUFFIXES = {".rdb": "rdb", ".aof": "aof-file", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}
LOG_NAME = "appendonly.aof"
TELL_EVERY = 1000  # keys

Place = Path | IOBase | Store


@dataclass
class Outcome:
    """What a conversion came to."""

    keys: int = 0
    gone: int = 0  # keys that were left out because their time was over
    notes: list[str] = field(default_factory=list)


def format_of(path: Path) -> str:
    """What a target of this name is to be; DataFileError when the name does not tell."""
    if path.is_dir():
        return "aof"
    found = SUFFIXES.get(path.suffix.lower())
    if found is None and path.suffix:
        raise DataFileError(f"{path} does not say what it is to be: name it .rdb, .aof or .jsonl, or give --format")
    return found or "aof"


def kind_of(path: Path) -> str:
    """What a file or folder is, by its content: one of FORMATS. OSError and DataFileError when that cannot be told."""
    if path.is_dir():
        return "aof"
    size_of(path)
    head = head_of(path)
    if path.name.endswith(".manifest"):
        return "aof"
    if head.startswith(RDB_HEAD):
        return "aof-file" if path.suffix == ".aof" else "rdb"
    if head[:1] in (b"*", b"#"):
        return "aof-file"
    if head.lstrip()[:1] == b"{":
        return "jsonl"
    if path.suffix.lower() in SUFFIXES:
        return SUFFIXES[path.suffix.lower()]
    raise DataFileError(f"{path} is none of: RDB file, append-only log, JSON lines")


def load_source(scratch: Scratch, path: Path, kind: str, progress: Progress) -> list[str]:
    """Loads data files; the notes about them. DataFileError when anything is wrong with them."""
    files: list[DataFile]
    if kind == "rdb":
        files = [load_file(scratch, path, progress, False)]
        if files[0].problem:
            raise DataFileError(f"{path} is damaged: {files[0].problem}")
    elif kind == "aof":
        files = load_log(scratch, find_log(path), progress)
    else:
        files = load_log(scratch, Log(path.parent, None, path), progress)
    return [note for file in files for note in file.notes]


def fill(store: Store, records: Iterable[tuple[int, Record]], replace: bool, progress: Progress) -> int:
    """Puts libraries of functions and keys into a store; how many keys. DataFileError says what is wrong with which line."""
    selected = -1
    count = 0
    try:
        for number, record in records:
            try:
                if "library_code" in record:
                    write_library(store, record, replace)
                    continue
                selected = write_key(store, record, replace, selected)
            except RecordError as error:
                raise RecordError(f"line {number}: {error}" if number else str(error)) from None
            count += 1
            if count % TELL_EVERY == 0:
                progress.at(count)
    except RecordError as error:
        raise DataFileError(str(error)) from None
    return count


def write_lines(store: Store, file: BinaryIO, progress: Progress) -> int:
    """Writes all libraries of functions and all keys of a store as JSON lines; how many keys."""
    progress.begin("keys", sum(keys for _, keys in store.databases()))
    count = 0
    try:
        for record in read_all(store):
            file.write(as_line(record))
            count += "key" in record
            if count % TELL_EVERY == 0:
                progress.at(count)
    finally:
        progress.end()
    return count


@contextlib.contextmanager
def new_file(path: Path, replace: bool) -> Iterator[Path]:
    """A path beside this one to write to; what is there in the end is put in its place. DataFileError when something is there already."""
    refuse_present(path, replace)
    temporary = path.with_name(f"{path.name}.new-{os.getpid()}")
    try:
        yield temporary
        refuse_present(path, replace)
        temporary.replace(path)
        sync_file(path.absolute().parent)
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(temporary) if temporary.is_dir() else temporary.unlink()


def refuse_present(path: Path, replace: bool) -> None:
    """DataFileError when there is something that must not be replaced."""
    if path.is_dir():
        if any(path.iterdir()):
            raise DataFileError(f"{path} is a folder with something in it, which is never replaced")
    elif path.exists() and not replace:
        raise DataFileError(f"{path} is there already; --force replaces it")


def save_log(scratch: Scratch, folder: Path) -> None:
    """Writes a log of one base and one empty increment."""
    folder.mkdir()
    empty = Manifest(LOG_NAME)
    base, increment = empty.next_base(False), empty.next_increment()
    scratch.save(folder / base.name, aof_base=True)
    (folder / increment.name).touch(exist_ok=False)
    Manifest(LOG_NAME, base, (increment,)).write(folder)


def save(scratch: Scratch, path: Path, kind: str, replace: bool) -> None:
    """Writes everything as a snapshot or a log. OSError and DataFileError when that cannot be."""
    with new_file(path, replace) as temporary:
        if kind == "aof":
            save_log(scratch, temporary)
        else:
            scratch.save(temporary, as_commands=kind == "aof-file")


def is_lines(place: Place) -> bool:
    """Whether a source is JSON lines."""
    return kind_of(place) == "jsonl" if isinstance(place, Path) else isinstance(place, IOBase)


def convert(source: Place, target: Place, kind: str, replace: bool, progress: Progress) -> Outcome:
    """Brings data into another form. Each place is a file or folder, an open file for JSON lines, or a store; kind: of a target that is a
    file. OSError and DataFileError say why that cannot be."""
    if isinstance(target, Path):
        refuse_present(target, replace)
    with contextlib.ExitStack() as stack:
        lines: BinaryIO | None = None
        if is_lines(source):
            lines = stack.enter_context(source.open("rb")) if isinstance(source, Path) else cast(BinaryIO, source)
        if not isinstance(target, Path | IOBase):
            if lines is not None:
                return Outcome(load_lines(target, lines, replace, progress))
            store, outcome = open_store(source, stack, progress)
            outcome.keys = fill_from(target, store, replace, progress)
        elif lines is not None:
            store = stack.enter_context(contextlib.closing(Scratch()))
            outcome = Outcome(load_lines(store, lines, False, progress))
            write(store, target, kind, replace, progress, outcome)
        else:
            store, outcome = open_store(source, stack, progress)
            write(store, target, kind, replace, progress, outcome)
    return outcome


def open_store(source: Place, stack: contextlib.ExitStack, progress: Progress) -> tuple[Store, Outcome]:
    """What holds the keys of a source that is no JSON lines: itself, or a scratch store that its files are loaded into."""
    if not isinstance(source, Path):
        assert not isinstance(source, IOBase)
        return source, Outcome(sum(keys for _, keys in source.databases()))
    scratch = stack.enter_context(contextlib.closing(Scratch()))
    notes = load_source(scratch, source, kind_of(source), progress)
    return scratch, Outcome(scratch.counts[0], notes=notes)


def write(store: Store, target: Path | IOBase, kind: str, replace: bool, progress: Progress, outcome: Outcome) -> None:
    """Writes a store's keys to a file, and notes how many these were."""
    held = outcome.keys
    if isinstance(target, IOBase):
        outcome.keys = write_lines(store, cast(BinaryIO, target), progress)
    elif kind == "jsonl":
        with new_file(target, replace) as temporary, temporary.open("xb") as file:
            outcome.keys = write_lines(store, file, progress)
            file.flush()
            os.fsync(file.fileno())
    elif isinstance(store, Scratch):
        save(store, target, kind, replace)
        outcome.keys = store.counts[0]
    else:
        with contextlib.closing(Scratch()) as scratch:
            fill_from(scratch, store, False, progress)
            save(scratch, target, kind, replace)
            outcome.keys = scratch.counts[0]
    outcome.gone = max(held - outcome.keys, 0)


def fill_from(target: Store, source: Store, replace: bool, progress: Progress) -> int:
    """Copies all libraries of functions and all keys of a store into another one; how many keys."""
    progress.begin("keys", sum(keys for _, keys in source.databases()))
    try:
        return fill(target, ((0, record) for record in read_all(source)), replace, progress)
    finally:
        progress.end()


def load_lines(store: Store, lines: Iterable[bytes], replace: bool, progress: Progress) -> int:
    """Puts what JSON lines hold into a store; how many keys."""
    progress.begin("lines", 0)
    try:
        return fill(store, read_lines(lines), replace, progress)
    finally:
        progress.end()
