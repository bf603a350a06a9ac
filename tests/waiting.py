"""Waiting for what another process or thread does."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

import zippy


def wait_until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What the condition gives as soon as it is true; TimeoutError when it never is."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.005)


async def until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The same, and lets others run meanwhile. The condition may be a coroutine function."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        await asyncio.sleep(0.005)


def blocked(engine: zippy.Engine) -> int:
    """How many clients of an engine in process wait."""
    fields = bytes(engine.execute("INFO", "clients"))
    return int(fields.partition(b"blocked_clients:")[2].partition(b"\r")[0])
