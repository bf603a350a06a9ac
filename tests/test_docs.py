"""The Python in docs/ runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_pytest_plugin import run_pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (test_\w+\.py)\n")
BLOCKS = [(page, block) for page in PAGES for block in BLOCK.findall(page.read_text())]
FILES = [(found.group(1), block) for page, block in BLOCKS if (found := FILE.match(block))]
OTHERS = [(page.name, block) for page, block in BLOCKS if not FILE.match(block)]


@pytest.mark.skipif(not PAGES, reason="there are no docs here")
def test_blocks_are_found() -> None:
    """Of both kinds."""
    assert any("zippy_clock" in block for _, block in FILES)
    assert OTHERS


@pytest.mark.parametrize(("page", "block"), OTHERS, ids=[f"{page}-{i}" for i, (page, _) in enumerate(OTHERS)])
def test_block(page: str, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of its own."""
    monkeypatch.chdir(tmp_path)
    exec(compile(block, page, "exec"), {"__name__": "docs"})


@pytest.mark.parametrize(("name", "block"), FILES, ids=[name for name, _ in FILES])
def test_file(name: str, block: str, tmp_path: Path) -> None:
    """A block that begins with the name of a file of tests, in a project of its own."""
    plugins = ()
    if "pytest.mark.asyncio" in block:
        pytest.importorskip("pytest_asyncio")
        plugins = ("pytest_asyncio.plugin",)
    done = run_pytest(tmp_path, block, plugins)
    assert f"{len(re.findall('^(?:async )?def test_', block, re.MULTILINE))} passed" in done.stdout, done.stdout + done.stderr
