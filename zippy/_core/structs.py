"""Whether the modules of the core were compiled with the same structs. Each tells when it is imported, before anything of it runs.

The build adds that to every module (building/structs.py). Here and not in C, since a hundred modules would have it each.
"""

from __future__ import annotations

KNOWN: dict[str, tuple[int, str]] = {}
"""A number that stands for how the structs of a .pxd are laid out, and which module was the first to tell, by .pxd."""


def agree(module: str, headers: str, layouts: bytes) -> None:
    """Compares the structs of a module, four bytes for each .pxd, with those of the modules before it: ImportError if they differ."""
    for header, layout in zip(headers.split(), memoryview(layouts).cast("I"), strict=True):
        known, first = KNOWN.setdefault(header, (layout, module))
        if layout != known:
            raise ImportError(
                f"the tree is half built: {module} and {first} were compiled with different structs of zippy._core.{header}; "
                "build it again (python setup.py build_ext --inplace --force)",
                name=module,
            )
