"""The engine in the caller's own process, behind redis-py's interface."""

from zippy.inprocess.aio import connect_async
from zippy.inprocess.engine import Engine
from zippy.inprocess.sync import connect

__all__ = ["Engine", "connect", "connect_async"]
