"""Addresses of clients as text."""

from __future__ import annotations

from typing import Any


def text_address(peer: Any) -> str:
    """An asyncio peername or sockname as Redis writes it."""
    if isinstance(peer, tuple) and len(peer) >= 2:
        host = f"[{peer[0]}]" if ":" in str(peer[0]) else peer[0]
        return f"{host}:{peer[1]}"
    if isinstance(peer, bytes):
        peer = peer.decode(errors="replace")
    return f"{peer}:0"
