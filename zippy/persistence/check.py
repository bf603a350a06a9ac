"""Whether data files are whole: a snapshot, an append-only log, its manifest, or the folder of a server.

Only one thing is ever repaired: an unfinished end of a log's last file, which a process leaves that was killed while it wrote. It is cut
off.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from zippy.persistence.data_files import (
    MANIFEST,
    RDB_HEAD,
    DataFile,
    DataFileError,
    Log,
    Problem,
    head_of,
    load_file,
    manifests_in,
    read_log,
    size_of,
)
from zippy.persistence.manifest import sync_file
from zippy.persistence.moments import moment_text, moments
from zippy.persistence.scratch import Progress, Scratch

OF_A_LOG = re.compile(r".+\.\d+\.(base\.(rdb|aof)|incr\.aof)")
LEFTOVER = re.compile(r"temp-.*|.*\.new-\d+")


@dataclass
class Report:
    """What is known of one file or folder."""

    path: Path
    what: str
    facts: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    torn_at: int | None = None  # from this byte on it can be cut off
    unsupported: bool = False  # its problem is only that zippy does not know what it holds

    @property
    def good(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.problems


class Checker:
    """Checks files and collects the reports."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.reports: list[Report] = []

    def check(self, path: Path) -> list[Report]:
        """Checks a file or a folder. OSError and DataFileError when there is nothing that can be checked."""
        if path.is_dir():
            self.check_folder(path)
            if not self.reports:
                raise DataFileError(f"{path} holds no data files: no snapshot (*.rdb), append-only file (*.aof) or manifest (*{MANIFEST})")
        elif path.name.endswith(MANIFEST):
            size_of(path)
            self.check_log(path)
        else:
            self.check_file(path)
        return self.reports

    def check_folder(self, folder: Path, inner: bool = False) -> None:
        """Checks all data files of a folder, and of the folders in it that hold logs."""
        manifests = manifests_in(folder)
        named: set[str] = set()
        for manifest in manifests:
            named.update(self.check_log(manifest))
        for path in sorted(folder.iterdir()):
            if path.is_dir():
                if not inner and holds_log(path):
                    self.check_folder(path, inner=True)
            elif LEFTOVER.fullmatch(path.name):
                self.reports.append(Report(path, "left over", notes=["a process left it half written; a server does not read it"]))
            elif path.name in named or path.suffix not in {".rdb", ".aof"}:
                continue
            elif OF_A_LOG.fullmatch(path.name):
                self.report_orphan(path, bool(manifests))
            else:
                self.check_file(path)

    def report_orphan(self, path: Path, has_manifest: bool) -> None:
        """A file of a log that no manifest names."""
        report = Report(path, "file of an append-only log")
        if has_manifest:
            report.notes.append("the manifest does not name it; a server does not read it")
        else:
            report.problems.append("there is no manifest beside it, without which no server reads it")
        self.reports.append(report)

    def check_file(self, path: Path) -> None:
        """Checks a file on its own."""
        size_of(path)
        head = head_of(path)
        if path.suffix == ".aof" or head[:1] in (b"*", b"#"):
            is_log = True
        elif path.suffix == ".rdb" or head.startswith(RDB_HEAD):
            is_log = False
        else:
            raise DataFileError(f"{path} is no data file: neither snapshot (RDB) nor append-only file nor manifest (*{MANIFEST})")
        scratch = Scratch()
        try:
            file = load_file(scratch, path, self.progress, is_log)
        finally:
            scratch.close()
        # a file from the middle of a log is run without what came before
        alone = not OF_A_LOG.fullmatch(path.name)
        report = report_of(file, is_last=is_last_of_its_log(path), whole=alone)
        self.reports.append(report)
        if is_log and report.good and alone:
            report.notes.append(range_text([file]))

    def check_log(self, manifest: Path) -> set[str]:
        """Checks a manifest and the files that it names; their names."""
        about = Report(manifest, "manifest of an append-only log", [f"{manifest.stat().st_size:,} bytes"])
        self.reports.append(about)
        try:
            log = read_log(manifest)
        except DataFileError as error:
            about.problems.append(str(error).removeprefix(f"{manifest}: "))
            about.notes.append("A server will not start with it. Write it anew by hand: `file NAME seq N type T` for each file, in order")
            return {path.name for path in manifest.parent.iterdir()}
        assert log.manifest is not None
        base = 1 if log.manifest.base else 0
        about.facts.append(f"{base} base, {len(log.manifest.increments)} increments")
        missing = [path.name for path in log.paths if not path.is_file()]
        about.problems += [f"it names {name}, which is not there" for name in missing]
        files = self.check_log_files(log)
        if all(report.good for report in self.reports) and files:
            about.notes.append(range_text(files))
        return {file.name for file in (*log.manifest.files, *log.manifest.history)}

    def check_log_files(self, log: Log) -> list[DataFile]:
        """Checks a log's files as a server would load them, one after the other."""
        files = []
        scratch = Scratch()
        try:
            whole = True
            for path in log.paths:
                if not path.is_file():
                    whole = False
                    continue
                file = load_file(scratch, path, self.progress, True)
                files.append(file)
                whole = whole and file.problem is None
                self.reports.append(report_of(file, is_last=path == log.paths[-1], whole=whole))
        finally:
            scratch.close()
        return files


def holds_log(folder: Path) -> bool:
    """Whether a folder is that of a log, be it without its manifest."""
    return any(path.name.endswith(MANIFEST) or OF_A_LOG.fullmatch(path.name) for path in folder.iterdir())


def is_last_of_its_log(path: Path) -> bool:
    """Whether a server would go on writing to this file, so that its end may be unfinished."""
    for manifest in manifests_in(path.absolute().parent):
        try:
            names = [file.name for file in read_log(manifest).paths]
        except (DataFileError, OSError):
            continue
        if path.name in names:
            return names[-1] == path.name
    return not path.name.endswith((".base.aof", ".base.rdb"))


def range_text(files: list[DataFile]) -> str:
    """Which moments a log can be brought back to."""
    found = moments(files)
    if found is None:
        return "it holds no times, so `zippy restore` cannot bring it back to a moment (aof-timestamp-enabled yes writes them)"
    return f"`zippy restore` can bring back every moment from {moment_text(found[0])} ({found[0]}) to {moment_text(found[1])} ({found[1]})"


def report_of(file: DataFile, is_last: bool, whole: bool) -> Report:
    """What there is to say of a file that was loaded. whole: what came before it was loaded too."""
    kind = "append-only file"
    if file.has_snapshot:
        only = not file.is_log or file.rdb_bytes in (0, file.size)
        kind = "snapshot (RDB)" if only else "append-only file that begins with a snapshot"
    report = Report(file.path, kind, [f"{file.size:,} bytes"], notes=list(file.notes))
    if file.version:
        report.facts.append(f"RDB version {file.version}")
        if file.saved_at:
            report.facts.append(f"saved at {moment_text(file.saved_at)}")
    if file.has_snapshot:
        report.facts.append(f"{file.keys:,} keys, {file.expiring:,} of which expire")
    if file.libraries:
        report.facts.append(f"{file.libraries:,} libraries of functions")
    if kind != "snapshot (RDB)":
        report.facts.append(f"{file.commands:,} commands")
    if file.first_second:
        report.facts.append(f"done from {moment_text(file.first_second)} to {moment_text(file.last_second)}")
    if file.refused and whole and file.problem is None:
        report.notes.append(f"{file.refused:,} of the commands were answered with an error")
    if file.problem:
        explain(report, file, file.problem, is_last)
    return report


def explain(report: Report, file: DataFile, problem: Problem, is_last: bool) -> None:
    """Says what is wrong and what can be done."""
    report.problems.append(str(problem))
    left = file.size - (problem.offset or 0)
    if problem.torn and is_last:
        report.torn_at = problem.offset
        report.notes.append(f"the last {left:,} bytes are an unfinished end; `zippy check --repair` cuts them off")
    elif problem.torn:
        report.notes.append("other files of the log come after it, so its end is lost: bring the whole file back from a backup")
    elif problem.unsupported:
        report.unsupported = True
    elif file.commands:
        report.notes.append(
            f"{file.commands:,} commands before it are good; what follows cannot be trusted, and is not repaired. "
            "Bring the file back from a backup or a replica"
        )
    else:
        report.notes.append("this cannot be repaired: bring the file back from a backup or a replica")


def cut(report: Report) -> int:
    """Cuts the unfinished end of a file off, on disk when this returns; how many bytes went. OSError when that fails."""
    assert report.torn_at is not None
    with report.path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.truncate(report.torn_at)
        os.fsync(file.fileno())
    sync_file(report.path.absolute().parent)
    return size - report.torn_at
