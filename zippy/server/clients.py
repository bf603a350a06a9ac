"""What the server remembers of a client beside the engine's side of it."""

from __future__ import annotations

from typing import Any


class ClientState:
    """One connection as CLIENT LIST shows it. Addresses are "ip:port", or "path:0" for a Unix socket."""

    __slots__ = ("address", "fd", "is_tls", "lib_name", "lib_version", "local_address")

    def __init__(self, address: str, local_address: str, fd: int = -1, is_tls: bool = False) -> None:
        self.address = address
        self.local_address = local_address
        self.fd = fd
        self.is_tls = is_tls
        self.lib_name = ""
        self.lib_version = ""


def text_address(peer: Any) -> str:
    """An asyncio peername or sockname as Redis writes it."""
    if isinstance(peer, tuple) and len(peer) >= 2:
        host = f"[{peer[0]}]" if ":" in str(peer[0]) else peer[0]
        return f"{host}:{peer[1]}"
    if isinstance(peer, bytes):
        peer = peer.decode(errors="replace")
    return f"{peer}:0"
