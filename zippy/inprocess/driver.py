"""What a connection says of redis-py by CLIENT SETINFO.

From 7.2 on redis-py reads its package's metadata for each connection that nobody has told what to say: half a millisecond, a third of what
an engine, its client and their end take together. Here it is read once.
"""

from __future__ import annotations

from functools import cache
from typing import Any

try:
    from redis.driver_info import DriverInfo
    from redis.utils import get_lib_version
except ImportError:  # redis-py before 7.2 has read it when it was imported
    DriverInfo = None  # type: ignore[assignment,misc]

TOLD_BY = frozenset({"driver_info", "lib_name", "lib_version"})


@cache
def version() -> str:
    """redis-py's version."""
    return str(get_lib_version())  # type: ignore[no-untyped-call]  # redis-py has no types there


def with_driver(options: dict[str, Any]) -> dict[str, Any]:
    """A connection's options, with what redis-py would say of itself unless they tell that. Each connection gets its own: drivers above
    redis-py add their names to it."""
    if DriverInfo is None or TOLD_BY & options.keys():
        return options
    return {**options, "driver_info": DriverInfo(lib_version=version())}
