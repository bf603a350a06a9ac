"""Waiting for clients that block."""

from __future__ import annotations

from tests.resp import RawClient
from tests.waiting import wait_until


def is_blocked(raw: RawClient, count: int = 1) -> bool:
    """Whether so many clients are blocked, behind what this connection has run."""
    return f"blocked_clients:{count}\r\n".encode() in raw("INFO", "clients").value


def wait_blocked(raw: RawClient, count: int = 1) -> None:
    """Waits until so many clients are blocked."""
    wait_until(lambda: is_blocked(raw, count), 60)
