"""What tests of other projects need beside an engine; the pytest fixtures zippy_clock, zippy_patch and zippy_faults are these.

`Clock` moves time, `patch` leads redis-py's clients to an engine in this process, `Faults` lets commands fail, hang or lose their
connection, and `ServerFaults` those of a server's clients.
"""

from importlib import import_module
from typing import Any

__all__ = ["Clock", "Fault", "Faults", "Patch", "ServerFaults", "patch"]

# redis-py is needed by `patch` alone
_LAZY = {"Clock": "clock", "Fault": "faults", "Faults": "faults", "Patch": "redirect", "ServerFaults": "relay", "patch": "redirect"}


def __dir__() -> list[str]:
    return list(__all__)


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'zippy.testing' has no attribute {name!r}")
    return getattr(import_module(f"zippy.testing.{_LAZY[name]}"), name)
