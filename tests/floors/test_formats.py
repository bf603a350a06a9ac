"""snprintf tells how long a text would have been. As a length that is a way to read past it, so the core has format_text alone."""

from __future__ import annotations

import re

from tests.floors.imports import PACKAGE, ROOT

FORMATS = re.compile(r"\bv?sn?printf\b")


def test_nobody_formats_on_his_own() -> None:
    """No file of the core but the one that bounds the length names such a function."""
    core = PACKAGE / "_core"
    files = [path for suffix in ("pyx", "pxd") for path in core.rglob(f"*.{suffix}") if path != core / "ground" / "format.pxd"]
    assert files
    assert [str(path.relative_to(ROOT)) for path in files if FORMATS.search(path.read_text())] == []
