"""Who and where this server is: its ids and its process."""

from __future__ import annotations

import os
import sys
import time

from zippy._core.introspection import ProcessorTimes, ServerClock
from zippy._core.session import Core
from zippy.server.info import Fields, Sections, UntilSet
from zippy.settings import Settings
from zippy.version import REDIS_VERSION, __version__


def gcc_version() -> str:
    """Of the compiler of this Python, 0.0.0 if it was not GCC."""
    name, _, version = sys.version.rpartition("[")[2].rstrip("]").partition(" ")
    return version.split()[0] if name == "GCC" and version else "0.0.0"


GCC_VERSION = gcc_version()
IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy"}
ZIPPY_FIELDS: Fields = {
    "zippy_version": __version__,
    "python_version": sys.version.split()[0],
    "python_implementation": IMPLEMENTATIONS.get(sys.implementation.name, sys.implementation.name),
}
SYSTEM = "{0.sysname} {0.release} {0.machine}".format(os.uname())


class Identity:
    """What does not change while a server runs, but for the name of its dataset's history."""

    def __init__(self, core: Core, settings: Settings, config_path: str | None) -> None:
        self.core = core
        self.settings = settings
        self.config_path = config_path  # the file that CONFIG REWRITE writes
        self.run_id = os.urandom(20).hex()
        self.replication_id = os.urandom(20).hex()
        self.started_at = time.time()

    def sections(self) -> Sections:
        """For INFO."""
        return {
            "server": (UntilSet(self.settings, self.server_fields), ServerClock(self.core, int(self.started_at))),
            "cpu": ProcessorTimes(self.core),
            "zippy": ZIPPY_FIELDS,
        }

    def server_fields(self) -> Fields:
        """Who and where this process is, with the places of what the clock changes."""
        hz = self.settings.integer("hz")
        return {
            "redis_version": REDIS_VERSION,
            "redis_git_sha1": "00000000",
            "redis_git_dirty": 0,
            "redis_build_id": "0000000000000000",
            "redis_mode": "cluster" if self.settings.flag("cluster-enabled") else "standalone",
            "os": SYSTEM,
            "arch_bits": 64 if sys.maxsize > 2**32 else 32,
            "monotonic_clock": "POSIX clock_gettime",
            "multiplexing_api": "epoll",
            "atomicvar_api": "c11-builtin",
            "gcc_version": GCC_VERSION,
            "process_id": os.getpid(),
            "process_supervised": self.settings.text("supervised"),
            "run_id": self.run_id,
            "tcp_port": self.settings.integer("port"),
            "server_time_usec": 0,
            "uptime_in_seconds": 0,
            "uptime_in_days": 0,
            "hz": hz,
            "configured_hz": hz,
            "lru_clock": 0,
            "executable": sys.executable,
            "config_file": self.config_path or "",
            "io_threads_active": 0,
        }
