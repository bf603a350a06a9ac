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


class Host(str):
    """An address as a client shows it, with the name by which it is led."""

    name: str

    def __new__(cls, shown: str, name: str) -> Host:
        made = super().__new__(cls, shown)
        made.name = name
        return made

    def __str__(self) -> str:
        return self.name


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
    """redis-py's options for a client of this server; one of an address is shared, and one of neither is the client's own."""
    if "connection_pool" in options:
        if PORT:
            options["connection_pool"].connection_kwargs.update(host="localhost", port=PORT, db=_default.store.database)
        return options
    if server is None:
        server = _default if options.get("host") else FakeServer()
    if PORT:
        return {**options, "host": "localhost", "port": PORT, "db": server.store.database}
    return options if server is _default else {**options, "host": Host(options.get("host") or "localhost", server.host)}
