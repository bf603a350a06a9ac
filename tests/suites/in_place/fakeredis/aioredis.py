"""The same for redis.asyncio."""

from __future__ import annotations

from typing import Any

import redis.asyncio
from redis.asyncio.connection import Connection as FakeConnection

from fakeredis._leading import FakeServer, lead

__all__ = ["FakeConnection", "FakeRedis", "FakeServer"]


class FakeRedis(redis.asyncio.Redis):
    """A redis.asyncio.Redis whose host and port lead to an engine."""

    def __init__(self, *args: Any, server: FakeServer | None = None, version: Any = None, server_type: Any = None, **options: Any) -> None:
        super().__init__(*args, **lead(server, options))


FakeStrictRedis = FakeRedis
