"""fakeredis's names, for redis-py's clients led to zippy: what a project's tests import where they used fakeredis."""

from __future__ import annotations

from typing import Any

import redis
from redis.connection import Connection as FakeConnection

from fakeredis import aioredis
from fakeredis._leading import FakeServer, lead

__all__ = ["FakeAsyncRedis", "FakeConnection", "FakeRedis", "FakeServer", "FakeStrictRedis", "aioredis"]
__version__ = "2.41.0"


class FakeRedis(redis.Redis):
    """A redis.Redis whose host and port lead to an engine."""

    def __init__(self, *args: Any, server: FakeServer | None = None, version: Any = None, server_type: Any = None, **options: Any) -> None:
        super().__init__(*args, **lead(server, options))


FakeStrictRedis = FakeRedis
FakeAsyncRedis = aioredis.FakeRedis
