"""The log of the parts that an engine in process has too: the standard library's logger "zippy", which is loaded with the first line.

To load logging takes a tenth of the time that importing zippy and making an engine do, and an engine hardly ever has something to say.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Log:
    """The logger, once somebody asks for one of its methods."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module("logging").getLogger("zippy"), name)

    def exception(self, *args: Any, **options: Any) -> None:
        """See logging.Logger.exception. It can be handed on without loading anything."""
        self.__getattr__("exception")(*args, **options)


log = Log()
