"""A proxy between a replica and its primary that cuts the link in the middle of anything."""

from __future__ import annotations

import contextlib
import socket
import threading


class Cutter:
    """Passes bytes on between those who connect to `port` and a server, until `cut`."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.most: int | None = None  # bytes that the next connection brings the replica before it is cut
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        """Takes connections."""
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.target))
                except OSError:
                    near.close()
                    continue
                most, self.most = self.most, None
                self.pairs.append((near, far))
                threading.Thread(target=self.pass_on, args=(near, far, None), daemon=True).start()
                threading.Thread(target=self.pass_on, args=(far, near, most), daemon=True).start()

    def pass_on(self, source: socket.socket, target: socket.socket, most: int | None) -> None:
        """One direction of a connection."""
        with contextlib.suppress(OSError):
            while data := source.recv(65536 if most is None else min(65536, most)):
                target.sendall(data)
                if most is not None:
                    most -= len(data)
                    if most <= 0:
                        break
        close(source, target)

    def cut(self) -> None:
        """Ends all connections."""
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            close(*pair)

    def close(self) -> None:
        """Ends everything."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()


def close(*sockets: socket.socket) -> None:
    """Ends connections at once, for whoever reads from them too."""
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
