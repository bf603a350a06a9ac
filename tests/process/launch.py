"""Starting zippy with exactly the arguments given, as a tool or a service manager does, and waiting for what it then does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

import zippy
from tests.resp import ConnectionClosed, RawClient
from tests.servers import READY_SECONDS
from tests.waiting import wait_until

PROGRAM = (sys.executable, "-m", "zippy")
HOME = Path(zippy.__file__).parents[1]  # of the zippy under test, installed or built in place
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc, or needs more loopback addresses than 127.0.0.1")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, with which the same zippy is found from any folder."""
    return os.environ | {"PYTHONPATH": str(HOME)} | dict(extra or {})


def run_to_end(*arguments: str, cwd: Path | None = None, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    """Runs zippy until it ends by itself: its exit code and what it printed."""
    run = subprocess.run([*PROGRAM, *arguments], cwd=cwd, env=environment(), input=stdin, capture_output=True, timeout=30)
    return subprocess.CompletedProcess(run.args, run.returncode, run.stdout.decode(), run.stderr.decode())


class UnixClient(RawClient):
    """RawClient over a Unix socket."""

    def __init__(self, path: Path | str, timeout: float = 10.0) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.buffer = bytearray()
        self.position = 0


def answers(connect: Callable[[], RawClient]) -> bool:
    """Whether a server accepts connections and answers."""
    try:
        with connect() as client:
            return bool(client("PING").value)
    except (OSError, ConnectionClosed):
        return False


class Launched:
    """A zippy that runs. `output` is what it wrote to its standard streams."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self.output_path = output

    @property
    def output(self) -> str:
        """Standard output and error so far."""
        return self.output_path.read_text()

    def wait_ready(self, connect: Callable[[], RawClient]) -> None:
        """Waits until the server answers; AssertionError with its output when it ends instead."""

        def ready() -> bool:
            assert self.process.poll() is None, self.output
            return answers(connect)

        wait_until(ready, READY_SECONDS)

    def stop(self, number: int) -> int:
        """Sends a signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(20)


@contextmanager
def launched(folder: Path, *arguments: str, env: Mapping[str, str] | None = None, python: tuple[str, ...] = PROGRAM) -> Iterator[Launched]:
    """A zippy running in `folder` with these arguments; ended with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / "output"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [*python, *arguments], cwd=folder, env=environment(env), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield Launched(process, output)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
