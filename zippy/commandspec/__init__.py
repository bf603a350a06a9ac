"""The table of all commands: one file a group, each with a tuple of specs; everything that speaks about commands reads it here.

It is made when something of it is asked for. The core has its own copy, compiled, and an engine in process needs no other unless it is
asked about its commands.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zippy.commandspec.spec import Argument, CommandSpec, Index, KeyCount, KeySpec, Keyword, Range
    from zippy.commandspec.table import COMMANDS, find_command

__all__ = ["COMMANDS", "Argument", "CommandSpec", "Index", "KeyCount", "KeySpec", "Keyword", "Range", "find_command"]

_OF_THE_TABLE = {"COMMANDS", "find_command"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'zippy.commandspec' has no attribute {name!r}")
    return getattr(import_module("zippy.commandspec.table" if name in _OF_THE_TABLE else "zippy.commandspec.spec"), name)
