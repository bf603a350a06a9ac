"""The smoke test of wheels, run on the zippy under test."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("smoke.py")


@pytest.mark.skipif(shutil.which("zippy", path=str(Path(sys.executable).parent)) is None, reason="zippy is not installed")
def test_smoke(tmp_path: Path) -> None:
    """The script ends well in an empty folder."""
    done = subprocess.run([sys.executable, str(SCRIPT)], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "works" in done.stdout
