"""A consistent copy of a running server: what a replica is given, by one that leaves when it has it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

from zippy.cli.live import kwargs_of
from zippy.persistence.data_files import DataFileError
from zippy.persistence.scratch import Progress
from zippy.replication.link import Copied, Copy, Failed, Introduction, Link, Piece, Send, Size

READ = 256 * 1024  # bytes
PATIENCE = 60.0  # seconds of silence: a server that is making the copy shows that it is alive


class NoCopyError(Exception):
    """The server gives no copy; the reason."""


def fetch(address: str, file: BinaryIO, rate: int, progress: Progress) -> None:
    """Writes a snapshot of what the server holds at one moment to a file. rate: bytes a second at most, 0: as they come. NoCopyError: it
    gives none, and nothing was written. DataFileError when it cannot be reached, or goes away."""
    options = kwargs_of(address)
    link = Link(Introduction(0, user=options.get("username") or "", password=options.get("password") or "", copy_only=True))
    with broken_connection(), connected(options) as connection:
        decisions = link.begin()
        began, done, begun = time.monotonic(), 0, False
        while True:
            for decision in decisions:
                if isinstance(decision, Send):
                    connection.sendall(decision.data)
                elif isinstance(decision, Failed):
                    raise DataFileError(f"The server: {decision.reason}") if begun else NoCopyError(decision.reason)
                elif isinstance(decision, Size):
                    begun = True
                    progress.begin("copying", decision.size or 0)
                elif isinstance(decision, Copy):
                    began = time.monotonic()
                elif isinstance(decision, Piece):
                    file.write(decision.data)
                    done += len(decision.data)
                    progress.at(done)
                elif isinstance(decision, Copied):
                    progress.end()
                    return
            if rate and done:
                time.sleep(max(began + done / rate - time.monotonic(), 0.0))
            data = connection.recv(READ if not rate else max(min(READ, rate // 10), 1))
            if not data:
                raise DataFileError("The server closed the connection before the copy was complete")
            decisions = link.receive(data)


@contextlib.contextmanager
def broken_connection() -> Iterator[None]:
    """Has what the system says of a connection be a sentence for the user."""
    try:
        yield
    except OSError as error:
        raise DataFileError(f"The server: {error.strerror or error}") from None


@contextlib.contextmanager
def connected(options: dict[str, Any]) -> Iterator[socket.socket]:
    """A connection to a server, by the options that redis-py makes of its address."""
    if "path" in options:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        connection.connect(options["path"])
    else:
        host = options.get("host", "localhost")
        connection = socket.create_connection((host, int(options.get("port", 6379))), PATIENCE)
        if options["tls"]:
            connection = tls_context(options).wrap_socket(connection, server_hostname=host)
    with connection:
        yield connection


def tls_context(options: dict[str, Any]) -> ssl.SSLContext:
    """What rediss:// and its parameters say."""
    context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"), capath=options.get("ssl_ca_path"))
    if str(options.get("ssl_check_hostname", True)).lower() in ("false", "0", "no"):
        context.check_hostname = False
    if options.get("ssl_cert_reqs") in ("none", ssl.CERT_NONE):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.get("ssl_certfile"):
        context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"), options.get("ssl_password"))
    return context
