"""A file descriptor for event loops that poll redis-py's connections themselves, as Celery's does."""

from __future__ import annotations

import socket


class Descriptor:
    """Polls as readable while it is told so."""

    def __init__(self) -> None:
        self.polled, self.other_end = socket.socketpair()
        self.readable = False

    def set(self, readable: bool) -> None:
        """Makes it poll as readable or not."""
        if readable and not self.readable:
            self.other_end.send(b"!")
        elif self.readable and not readable:
            self.polled.recv(1)
        self.readable = readable

    def close(self) -> None:
        """Gives the descriptors back."""
        self.polled.close()
        self.other_end.close()
