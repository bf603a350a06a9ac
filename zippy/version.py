"""Which zippy this is, and which Redis it behaves like."""

from __future__ import annotations

__version__ = "0.1.0"
REDIS_VERSION = "8.2.3"
"""What clients take for the server's version: the behaviour that zippy matches."""
