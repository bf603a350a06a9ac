"""Tries out the zippy that is installed beside this interpreter; needs nothing but zippy. Exit code 0: it works.

    python smoke.py [PORT]

Every module is imported, a server is started in an empty folder, used over a socket and stopped; the engine is used in process where
redis-py is installed. Wheels are tested with this on each platform.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

READY_SECONDS = 180.0


def import_everything() -> int:
    """Imports all modules, compiled ones too, which checks the structs that they share; how many there are."""
    import zippy

    names = [module.name for module in pkgutil.walk_packages(zippy.__path__, "zippy.")]
    names += importlib.import_module("zippy._core.linked").names()
    needs_redis = ("zippy.inprocess", "zippy.pytest_plugin", "zippy.__main__")
    for name in names:
        if not name.startswith(needs_redis):
            importlib.import_module(name)
    return len(names)


def free_port() -> int:
    """The port that was given, or one of loopback that nobody listens on at this moment."""
    if len(sys.argv) > 1:
        return int(sys.argv[1])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def connect(port: int, process: subprocess.Popen[bytes]) -> socket.socket:
    """A connection to a server that is just starting."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def exchange(connection: socket.socket, request: bytes, expected: bytes) -> None:
    """Sends a request and holds the reply against what is expected."""
    connection.sendall(request)
    reply = b""
    while len(reply) < len(expected):
        data = connection.recv(65536)
        if not data:
            break
        reply += data
    assert reply == expected, f"{request!r} gave {reply!r} and not {expected!r}"


def try_server(folder: Path) -> None:
    """Starts a server by its console script, uses it, stops it."""
    port = free_port()
    program = Path(sys.executable).with_name("zippy")
    process = subprocess.Popen([str(program), "--port", str(port), "--save", "", "--dir", str(folder)], cwd=folder)
    try:
        with connect(port, process) as connection:
            exchange(connection, b"PING\r\n", b"+PONG\r\n")
            exchange(connection, b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nhello\r\n", b"+OK\r\n")
            exchange(connection, b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", b"$5\r\nhello\r\n")
            exchange(connection, b"INCR n\r\nINCR n\r\n", b":1\r\n:2\r\n")
            exchange(connection, b"NOSUCH\r\n", b"-ERR unknown command 'NOSUCH', with args beginning with: \r\n")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, f"the server left with {process.returncode}"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def try_in_process() -> None:
    """Uses the engine in this process."""
    import zippy

    client = zippy.connect(decode_responses=True)
    client.set("a", "b", ex=100)
    assert client.get("a") == "b"
    assert client.ttl("a") in (99, 100)
    client.close()


def main() -> None:
    """Tries all of it."""
    count = import_everything()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        try_server(Path(name))
        os.chdir("/")
    in_process = importlib.util.find_spec("redis") is not None
    if in_process:
        try_in_process()
    from zippy.version import __version__

    where = "server and in process" if in_process else "server (redis-py is not installed, so not in process)"
    print(f"zippy {__version__}, {count} modules, {where}: works on Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
