"""An engine in process, kept in a folder, behind a port: python engine_server.py --port N --dir PATH [--name value ...].

It is run by its path: from the top of a tree that is not built, `-m` would find zippy's sources in the place of what is installed.

What drives servers from outside drives engines with it: kills them, cuts their disk's power. A reply is sent when the engine has given it.
"""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import socket
import sys
import threading

import zippy
from zippy.inprocess.sync import LocalSocket


def serve(engine: zippy.Engine, connection: socket.socket) -> None:
    """One connection's life."""
    local = LocalSocket(engine)
    local.setblocking(False)
    try:
        while not local.ended:
            # a command that waits is answered later
            if connection in select.select([connection, local], [], [])[0]:
                data = connection.recv(1 << 16)
                if not data:
                    break
                local.sendall(data)
            while reply := received(local):
                connection.sendall(reply)
    except OSError:
        pass
    finally:
        connection.close()
        local.close()


def received(local: LocalSocket) -> bytes:
    """What has been replied, b"" if nothing is left."""
    try:
        return local.recv(1 << 20)
    except BlockingIOError:
        return b""


def main() -> None:
    """The command line."""
    faulthandler.enable()
    words = sys.argv[1:]
    options = dict(zip((word[2:].replace("-", "_") for word in words[::2]), words[1::2], strict=True))
    port, folder = int(options.pop("port")), options.pop("dir")
    engine = zippy.Engine(folder, enable_debug_command="yes", **options)

    def leave(*_: object) -> None:
        engine.close()
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        connection = listener.accept()[0]
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(engine, connection), daemon=True).start()


if __name__ == "__main__":
    main()
