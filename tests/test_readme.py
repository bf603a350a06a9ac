"""The README's Python runs as it stands there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text() if README.exists() else "", re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(not README.exists(), reason="there is no README here")
def test_blocks_are_found() -> None:
    assert any("INCREX" in block for block in BLOCKS)


@pytest.fixture(autouse=True)
def my_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the README has its reader keep as a module of functions can be imported."""
    module = ModuleType("my_functions")
    for block in BLOCKS:
        if "@zippy.function" in block:
            exec(compile(block, "my_functions.py", "exec"), vars(module))
    monkeypatch.setitem(sys.modules, "my_functions", module)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_block(block: str) -> None:
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
