"""States of Lua with the libraries of scripts, without a server around them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from tests.needs import missing
from zippy._core.lua.api import open_lua
from zippy._core.testing.lua_shim import State


def new_state() -> State:
    """A new state; the package lupa has to be there, whose library it is."""
    spec = importlib.util.find_spec("lupa")
    if spec is None or not spec.submodule_search_locations:
        missing("the package lupa is not installed")
    library = next(Path(spec.submodule_search_locations[0]).glob("lua51*"), None)
    if library is None:
        missing("the package lupa has no Lua 5.1 for this system")
    open_lua(str(library).encode())
    return State()
