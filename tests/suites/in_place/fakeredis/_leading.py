"""zippy.testing.patch for as long as the tests run."""

from __future__ import annotations

import atexit
import contextlib
import itertools
from typing import Any

from stores import PORT, Store

import zippy

_ends = contextlib.ExitStack()
_patch = None if PORT else _ends.enter_context(zippy.testing.patch())
_numbers = itertools.count()
atexit.register(_ends.close)


class FakeServer:
    """An engine with an address of its own."""

    def __init__(self, version: Any = None, server_type: Any = None) -> None:
        self.store = Store()
        self.host = f"server{next(_numbers)}"
        self._faults: Any = None
        if _patch is not None:
            _patch.lead(self.host, self.store.engine)

    @property
    def connected(self) -> bool:
        """Whether commands are answered."""
        return self._faults is None

    @connected.setter
    def connected(self, value: bool) -> None:
        if not value and self._faults is None and self.store.engine is not None:
            self._faults = _ends.enter_context(zippy.testing.Faults(self.store.engine))
            self._faults.disconnect(times=None)
        elif value and self._faults is not None:
            self._faults.__exit__()
            self._faults = None


_default = FakeServer()


def lead(server: FakeServer | None, options: dict[str, Any]) -> dict[str, Any]:
    """redis-py's options for a client of this server."""
    if "connection_pool" in options:
        return options
    if PORT:
        return {**options, "host": "localhost", "port": PORT, "db": (server or _default).store.database}
    return options if server is None else {**options, "host": server.host}
