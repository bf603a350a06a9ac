"""A proxy between a replica and its primary that cuts the link in the middle of anything."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque

from tests.replication.servers import Node, is_up
from tests.waiting import wait_until


class Cutter:
    """Passes bytes on between those who connect to `port` and a server, until `cut`."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.limits: deque[int] = deque()  # bytes that each of the next connections brings the replica before it is cut
        self.accepted = 0  # connections
        self.exhausted = 0  # those that were cut because of that
        self.lock = threading.Lock()  # of the pairs
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
                with self.lock:
                    most = self.limits.popleft() if self.limits else None
                    self.pairs.append((near, far))
                    self.accepted += 1
                threading.Thread(target=self.serve, args=(near, far, most), daemon=True).start()

    def serve(self, near: socket.socket, far: socket.socket, most: int | None) -> None:
        """One connection. Its sockets are closed when nobody reads from them any more: the next ones may get their numbers."""
        there = threading.Thread(target=self.pass_on, args=(near, far, None), daemon=True)
        there.start()
        self.pass_on(far, near, most)
        there.join()
        with self.lock:
            self.pairs = [pair for pair in self.pairs if pair[0] is not near]
            near.close()
            far.close()

    def pass_on(self, source: socket.socket, target: socket.socket, most: int | None) -> None:
        """One direction of a connection."""
        with contextlib.suppress(OSError):
            while data := source.recv(65536 if most is None else min(65536, most)):
                target.sendall(data)
                if most is not None:
                    most -= len(data)
                    if most <= 0:
                        self.exhausted += 1
                        break
        end(source, target)

    def cut(self) -> None:
        """Ends all connections."""
        with self.lock:
            for pair in self.pairs:
                end(*pair)
            self.pairs.clear()

    def cut_off(self, replica: Node) -> None:
        """Ends the connections and waits until a replica has noticed, has come again and is up."""
        before = self.accepted
        self.cut()
        wait_until(lambda: self.accepted > before and is_up(replica), 60.0)

    def close(self) -> None:
        """Ends everything."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()


def end(*sockets: socket.socket) -> None:
    """Ends connections at once, for whoever reads from them too."""
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
