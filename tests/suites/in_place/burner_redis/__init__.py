"""burner_redis's names, for zippy.connect_async: what a project's tests import where they used burner-redis."""

from __future__ import annotations

from typing import Any

from redis.asyncio.client import PubSub
from redis.exceptions import LockError, NoScriptError, ResponseError
from stores import Store

__all__ = ["BurnerRedis", "LockError", "NoScriptError", "PubSub", "ResponseError"]


def BurnerRedis(persistence_path: Any = None, **options: Any) -> Any:
    """A redis.asyncio.Redis on an engine of its own, kept in a folder if there is a path."""
    return Store(persistence_path).connect_async(**options)
