"""The README's Python runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text() if README.exists() else "", re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(not README.exists(), reason="there is no README here")
def test_blocks_are_found() -> None:
    assert any("INCREX" in block for block in BLOCKS)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_block(block: str) -> None:
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
