"""Modules that were compiled with different structs are refused when they are imported, and no module is left out of that."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap

from tests.floors.imports import GENERATED, imports_of, module_of, modules, needs_sources, sources

DECLARATION = re.compile(r"^cdef (struct|class) \w+", re.MULTILINE)


def in_a_new_process(program: str) -> subprocess.CompletedProcess[str]:
    """Runs a program in a Python that has imported nothing of zippy yet."""
    return subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60)


def test_a_half_built_tree_is_told() -> None:
    """The error names both modules, and where the structs are declared."""
    done = in_a_new_process(
        """
        import zippy._core.ground.buf
        from zippy._core.structs import KNOWN
        KNOWN["values.entry"] = (KNOWN["ground.slice"][0] + 8, "zippy._core.elsewhere")
        import zippy._core.values.entry
        """
    )
    assert "ImportError: the tree is half built: zippy._core.values.entry and zippy._core.elsewhere were compiled " in done.stderr
    assert " with different structs of zippy._core.values.entry; " in done.stderr
    assert done.returncode == 1


@needs_sources
def test_every_module_compares_its_structs() -> None:
    """Each module whose declarations have structs in them refuses to be imported when those are not what is known."""
    done = in_a_new_process(
        """
        import json
        from importlib import import_module
        from zippy._core import linked
        from zippy._core.structs import KNOWN

        specs = [import_module(name).__spec__ for name in linked.names()]
        KNOWN.update({header: (0, "nobody") for header in KNOWN})
        refused = []
        for spec in specs:
            try:
                linked.create_module(spec)
            except ImportError as error:
                assert "nobody" in str(error)
                refused.append(spec.name)
        print(json.dumps([[spec.name for spec in specs], refused]))
        """
    )
    assert done.returncode == 0, done.stderr
    names, refused = json.loads(done.stdout)
    assert set(refused) == set(names) & with_structs()


def with_structs() -> set[str]:
    """The modules whose .pxd, or one that they or it cimport, declares structs."""
    known = modules()
    declared: set[str] = set(GENERATED)
    cimported_by: dict[str, set[str]] = {}  # by a .pxd; what a .pyx cimports is its module's own affair
    inside: list[tuple[str, str]] = []  # a module, and what its .pyx cimports
    for path in sources():
        if path.suffix == ".pxd" and DECLARATION.search(path.read_text()):
            declared.add(module_of(path))
        for cimport in imports_of(path, known) if path.suffix != ".py" else ():
            if path.suffix == ".pxd":
                cimported_by.setdefault(cimport.target, set()).add(module_of(path))
            else:
                inside.append((module_of(path), cimport.target))
    waiting = set(declared)
    while waiting:
        new = cimported_by.get(waiting.pop(), set()) - declared
        declared |= new
        waiting |= new
    return declared | {module for module, target in inside if target in declared}
