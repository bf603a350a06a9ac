"""A module imports from its own floor's earlier rows and from the floors below (DESIGN.md, section 1)."""

from __future__ import annotations

import graphlib
from pathlib import Path

import pytest

from tests.floors.imports import LINKED, PACKAGE, ROOT, Import, imports_of, module_of, modules, needs_sources, sources

FLOORS: list[tuple[int, str]] = [
    (0, LINKED),
    (0, "zippy._core.structs"),
    (0, "zippy._core.ground"),
    (1, "zippy._core.resp"),
    (2, "zippy._core.lua"),
    (2, "zippy.commandspec"),
    (2, "zippy.setting_types"),
    (3, "zippy.settings_table"),
    (4, "zippy.settings"),
    (4, "zippy.settings_core"),
    (4, "zippy.version"),
    (5, "zippy.config_file"),
    (5, "zippy.functions"),
    (10, "zippy._core.values"),
    (20, "zippy._core.keyspace"),
    (30, "zippy._core.commands"),
    (40, "zippy._core.session"),
    (41, "zippy._core.client_list"),
    (41, "zippy._core.introspection"),
    (41, "zippy._core.append_load"),
    (41, "zippy._core.append_log"),
    (41, "zippy._core.local"),
    (41, "zippy._core.cluster"),
    (41, "zippy._core.published"),
    (41, "zippy._core.replicas"),
    (41, "zippy._core.transfer"),
    (41, "zippy._core.snapshot"),
    (41, "zippy._core.reactor"),
    (41, "zippy._core.callback_transport"),
    (41, "zippy._core.transport"),
    (42, "zippy._core.python_functions"),
    (42, "zippy._core.users"),
    (45, "zippy.server"),
    (50, "zippy.persistence"),
    (50, "zippy.replication"),
    (50, "zippy.cluster"),
    (60, "zippy.app"),
    (61, "zippy.inprocess"),
    (61, "zippy.cli"),
    (62, "zippy.__main__"),
    (63, "zippy"),
    (64, "zippy.testing"),
    (65, "zippy.pytest_plugin"),
    (99, "zippy._core.testing"),
]
"""Rank and package, lowest first: tens are floors, units the rows of one. A package is found by its longest name here."""

EMPTY_PACKAGES = {"zippy._core"}
F4 = 40
OUTSIDE_WORLD = {"asyncio", "socket", "selectors", "ssl", "logging", "uvloop", "threading", "signal"}

pytestmark = needs_sources

KNOWN = modules() if PACKAGE.is_dir() else set()
IMPORTS = [found for path in sources() for found in imports_of(path, KNOWN)] if PACKAGE.is_dir() else []


def place(module: str) -> tuple[int, str] | None:
    """Rank and package of a module."""
    fitting = [(rank, package) for rank, package in FLOORS if module == package or module.startswith(package + ".")]
    best = max(fitting, key=lambda item: len(item[1]), default=None)
    return None if best is None or (best[1] == "zippy" and module != "zippy") else best


def allowed(found: Import) -> bool:
    """True when the import goes down, or stays in its own package."""
    own, other = place(module_of(found.file)), place(found.target)
    if own is None or other is None:
        return True
    return other[0] < own[0] or other[1] == own[1]


def inside(found: Import) -> bool:
    """True when the import is of zippy's own."""
    return found.target == "zippy" or found.target.startswith("zippy.")


def expect_none(offenders: list[str]) -> None:
    """Fail with all offenders, a line each."""
    assert not offenders, "\n" + "\n".join(offenders)


def test_every_module_has_a_floor() -> None:
    """A new package has to be given its place in the table first."""
    expect_none([module for module in sorted(KNOWN - EMPTY_PACKAGES) if place(module) is None])


def test_empty_packages_are_empty() -> None:
    """A package that only holds others imports none of them; the core's knows where its modules are."""
    for package in EMPTY_PACKAGES:
        folder = ROOT / Path(*package.split("."))
        imports = [found for path in folder.glob("__init__.p*") for found in imports_of(path, KNOWN)]
        expect_none([str(found) for found in imports if inside(found) and found.target != LINKED])


def test_imports_go_down() -> None:
    """No module imports from a floor above, nor from a neighbour of the same row."""
    expect_none([str(found) for found in IMPORTS if inside(found) and found.target not in EMPTY_PACKAGES and not allowed(found)])


def test_imports_name_modules_that_exist() -> None:
    """An import of zippy's own names a module by its full path."""
    expect_none([str(found) for found in IMPORTS if found.target.startswith(".") or (inside(found) and found.target not in KNOWN)])


def test_no_import_inside_a_function() -> None:
    """Nothing is imported late, which would hide a circle."""
    expect_none([str(found) for found in IMPORTS if found.in_function])


def test_no_circles() -> None:
    """The modules can be put into an order, with what is imported for types only."""
    graph: dict[str, set[str]] = {module: set() for module in KNOWN}
    for found in IMPORTS:
        module = module_of(found.file)
        if inside(found) and found.target in KNOWN and found.target != module:
            graph[module].add(found.target)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"a circle: {' <- '.join(error.args[1])}")


def test_core_does_not_know_the_outside_world() -> None:
    """Nothing below F4 imports asyncio, sockets or logging."""
    offenders = [
        str(found)
        for found in IMPORTS
        if found.target.split(".")[0] in OUTSIDE_WORLD and (where := place(module_of(found.file))) is not None and where[0] < F4
    ]
    expect_none(offenders)


def test_reader_sees_imports(tmp_path: Path) -> None:
    """The reader of Cython text finds what it should, and tells functions from blocks."""
    from_text = tmp_path / "a.pyx"
    from_text.write_text(
        '"""Doc: from nowhere import nothing."""\n'
        "from zippy.x cimport (\n    one,\n    two\n)\n"
        "cimport zippy.y\n"
        "cdef extern from *:\n    pass\n"
        "try:\n    import zippy.z\nexcept ImportError:\n    pass\n"
        "cdef int f(int a) noexcept nogil:\n    if a:\n        from zippy.late import g\n    return 1\n"
    )
    found = {(item.target, item.in_function) for item in imports_of(from_text, {"zippy.x", "zippy.y", "zippy.z", "zippy.late"})}
    assert found == {("zippy.x", False), ("zippy.y", False), ("zippy.z", False), ("zippy.late", True)}
    as_python = tmp_path / "b.py"
    as_python.write_text(
        "import os\nfrom zippy import x, __version__\ndef f():\n    import zippy.y\nif TYPE_CHECKING:\n    import zippy.z\n"
    )
    found = {(item.target, item.in_function) for item in imports_of(as_python, {"zippy", "zippy.x", "zippy.y", "zippy.z"})}
    assert found == {("os", False), ("zippy.x", False), ("zippy", False), ("zippy.y", True), ("zippy.z", False)}
