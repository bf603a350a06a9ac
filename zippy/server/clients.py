"""What the server remembers of a client beside the engine's side of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class ClientState:
    """One connection as CLIENT LIST shows it, beside what its session knows. local: the address that the client has reached, "ip:port" or
    "path:0" for a Unix socket, or a function that finds it."""

    __slots__ = ("fd", "is_tls", "lib_name", "lib_version", "local")

    def __init__(self, local: str | Callable[[], str], fd: int = -1, is_tls: bool = False) -> None:
        self.local = local
        self.fd = fd
        self.is_tls = is_tls
        self.lib_name = ""
        self.lib_version = ""

    @property
    def local_address(self) -> str:
        """The address that the client has reached."""
        if not isinstance(self.local, str):
            self.local = self.local()
        return self.local


def text_address(peer: Any) -> str:
    """An asyncio peername or sockname as Redis writes it."""
    if isinstance(peer, tuple) and len(peer) >= 2:
        host = f"[{peer[0]}]" if ":" in str(peer[0]) else peer[0]
        return f"{host}:{peer[1]}"
    if isinstance(peer, bytes):
        peer = peer.decode(errors="replace")
    return f"{peer}:0"
