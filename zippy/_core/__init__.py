"""The core in Cython. Its modules are one shared object, `linked` (building/linked.py), and are imported from there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

from zippy._core import linked


class LinkedModules:
    """Finds the modules that are linked, and loads them."""

    names = frozenset(linked.names())

    @classmethod
    def find_spec(cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec of a module that is linked."""
        return ModuleSpec(name, cls, origin=linked.__file__) if name in cls.names else None  # type: ignore[arg-type]

    create_module = staticmethod(linked.create_module)
    exec_module = staticmethod(linked.exec_module)


# before the path is searched for each of them in vain, which takes a tenth of the time that loading them does
sys.meta_path.insert(0, LinkedModules)
