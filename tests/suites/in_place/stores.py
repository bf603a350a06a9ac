"""Where the clients of a suite lead: an engine in process each, or for comparison a database each of a real Redis."""

from __future__ import annotations

import itertools
import os
from typing import Any

import redis
import redis.asyncio

import zippy

PORT = int(os.environ.get("SUITES_REDIS_PORT", "0"))
_databases = itertools.count()


class Store:
    """An engine; or, where SUITES_REDIS_PORT names a real Redis, one of its databases."""

    def __init__(self, path: Any = None) -> None:
        self.engine = None if PORT else zippy.Engine(path)
        self.database = next(_databases)

    def connect(self, **options: Any) -> Any:
        """A redis.Redis."""
        if self.engine is None:
            return redis.Redis(port=PORT, db=self.database, **options)
        return zippy.connect(self.engine, **options)

    def connect_async(self, **options: Any) -> Any:
        """A redis.asyncio.Redis."""
        if self.engine is None:
            return redis.asyncio.Redis(port=PORT, db=self.database, **options)
        return zippy.connect_async(self.engine, **options)
