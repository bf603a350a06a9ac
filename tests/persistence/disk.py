"""Disks with faults, played by `disk.c` in front of a server, and what a power cut would leave of its folder."""

from __future__ import annotations

import os
import random
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests import needs

SOURCE = Path(__file__).with_name("disk.c")


def build(folder: Path) -> Path:
    """Compiles the library for LD_PRELOAD into the folder."""
    compiler = needs.needs_program("gcc")
    library = folder / "disk.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    return library


@dataclass
class Change:
    """A change of names: a line of the journal."""

    kind: str
    shadow: Path
    path: Path
    source: Path | None = None  # of a rename

    def undo(self) -> None:
        """As if it had not been done, which may be so: it was noted before. What came after it is undone already."""
        if self.kind == "create":
            self.path.unlink(missing_ok=True)
        elif self.kind == "unlink" and not self.path.exists():
            self.restore()
        elif self.source is not None and not self.source.exists() and self.path.exists():
            self.path.rename(self.source)
            self.restore()

    def restore(self) -> None:
        """Has the name mean what it meant before."""
        if self.shadow.is_file():
            os.link(self.shadow, self.path)


@dataclass
class Journal:
    """What the library noted since the last power cut."""

    synced: dict[int, int] = field(default_factory=dict)  # inode: bytes that are on disk
    changes: list[Change] = field(default_factory=list)  # of names, that nothing has put on disk
    longest_sync: float = 0.0  # seconds
    under_way: dict[int, int] = field(default_factory=dict)  # syncs without an end: when each began (us), and the process


class Disk:
    """The folder of a server, on a disk whose power can be cut."""

    def __init__(self, folder: Path, notes: Path) -> None:
        """folder: the server's; notes: a folder of the disk's own on the same file system."""
        self.folder = folder
        self.notes = notes
        self.at_begin: dict[int, int] = {}
        folder.mkdir(parents=True, exist_ok=True)
        notes.mkdir(parents=True)
        self.library = build(notes.parent)
        self.full = notes.parent / "full"  # while it exists no data file grows
        self.fails = notes.parent / "fails"  # while it exists no file of the log can be synced
        self.holds = notes.parent / "holds"  # while it exists syncing them takes no end
        self.begin()

    def environment(self, slow_ms: int = 0) -> dict[str, str]:
        """For the server. slow_ms: what syncing a file of the log is to take."""
        return {
            "LD_PRELOAD": str(self.library),
            "DISK_JOURNAL": str(self.notes),
            "FULL_WHEN": str(self.full),
            "FAIL_SYNC": ".aof",
            "FAIL_WHEN": str(self.fails),
            "HOLD_SYNC": ".aof",
            "HOLD_WHEN": str(self.holds),
            "SLOW_SYNC": ".aof" if slow_ms else "nothing",
            "SYNC_MS": str(slow_ms),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def files(self) -> list[Path]:
        """All files, but the server's own log."""
        return [path for path in self.folder.rglob("*") if path.is_file() and path.suffix != ".log"]

    def begin(self) -> None:
        """All that is there is on disk."""
        for path in self.notes.iterdir():
            path.unlink()
        self.at_begin = {path.stat().st_ino: path.stat().st_size for path in self.files()}

    def journal(self) -> Journal:
        """Reads what was noted."""
        found = Journal(dict(self.at_begin))
        path = self.notes / "journal"
        for line in path.read_text().splitlines() if path.exists() else ():
            kind, _, rest = line.partition(" ")
            if kind == "syncing":
                began, process = map(int, rest.split())
                found.under_way[began] = process
            elif kind == "sync":
                began, ended, inode, size = map(int, rest.split())
                found.under_way.pop(began, None)
                found.synced[inode] = size
                found.longest_sync = max(found.longest_sync, (ended - began) / 1e6)
            elif kind == "folder":
                found.changes = [change for change in found.changes if change.path.parent != Path(rest)]
            else:
                change = self.change(kind, rest)
                if self.folder in change.path.parents:
                    found.changes.append(change)
        return found

    def change(self, kind: str, rest: str) -> Change:
        """The change of such a line."""
        if kind == "create":
            return Change(kind, self.notes / "none", Path(rest))
        number, _, names = rest.partition(" ")
        source, _, path = names.rpartition("\t")
        return Change(kind, self.notes / number, Path(path), Path(source) if kind == "rename" else None)

    def cut_power(self, chance: random.Random) -> list[str]:
        """Leaves of the folder what was put on disk, and of the rest a part by chance: of each file a beginning, of the changes of names
        the first ones. Says what was taken away. The server must have ended."""
        journal = self.journal()
        said = []
        kept = chance.choice([0, len(journal.changes), chance.randint(0, len(journal.changes))])
        for change in reversed(journal.changes[kept:]):
            said.append(f"undone: {change.kind} {change.path.name}")
            change.undo()
        for path in self.files():
            size = path.stat().st_size
            least = min(journal.synced.get(path.stat().st_ino, 0), size)
            stays = chance.choice([least, size, chance.randint(least, size)])
            if stays != size:
                said.append(f"{path.name}: {stays} of {size} bytes, {least} were synced")
                os.truncate(path, stays)
        self.begin()
        return said
