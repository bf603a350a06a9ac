"""A clock that tests set, for any server: a small library, loaded in front of the C library, tells the time of day from a file
that the servers share. So a real Redis sees keys expire without anybody waiting for it.
"""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("set_clock.c")
MORNING_MS = 1_900_000_000_000
"""Where a set clock begins (2030-03-17): behind what tests call past, before what they call future."""


class SetClock:
    """The file and the library; `environment` is what a server needs to be started with. Made with a C compiler or not at all."""

    def __init__(self, compiler: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="zippy-clock-"))
        library, face = self.folder / "set_clock.so", self.folder / "clock"
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"], check=True)
        face.write_bytes(bytes(mmap.PAGESIZE))
        with face.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.environment = {"LD_PRELOAD": str(library), "ZIPPY_SET_CLOCK": str(face)}
        self.ms = 0

    def set(self, ms: int) -> None:
        """Stop the clock at a time (ms since the epoch); 0: it runs."""
        self.ms = ms
        self.memory[:8] = struct.pack("=q", ms * 1000)

    def advance(self, ms: int) -> None:
        """Move a stopped clock on."""
        self.set(self.ms + ms)

    def close(self) -> None:
        """Remove the file."""
        self.memory.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def make_clock() -> SetClock | None:
    """A clock, or None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    return None if compiler is None else SetClock(compiler)
