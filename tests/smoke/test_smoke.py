"""The smoke test of wheels, run on the zippy under test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.needs import missing
from tests.servers import free_port

SCRIPT = Path(__file__).with_name("smoke.py")


def test_smoke(tmp_path: Path) -> None:
    """The script ends well in an empty folder."""
    if not Path(sys.executable).with_name("zippy").exists():
        missing("the console script zippy is not installed beside this interpreter")
    command = [sys.executable, str(SCRIPT), str(free_port())]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "works" in done.stdout
