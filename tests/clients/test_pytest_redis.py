"""pytest-redis starting the zippy-server console script as if it were redis-server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.needs import missing, needs_package
from tests.servers import free_port

TESTS = """
def test_set(redisdb):
    redisdb.set("a", "1")
    assert redisdb.get("a") == b"1"


def test_is_empty(redisdb):
    assert redisdb.get("a") is None
    assert redisdb.info()["redis_version"] == "8.2.3"
"""


def test_plugin(tmp_path: Path) -> None:
    """Its server starts, its client works and is emptied between tests."""
    needs_package("pytest_redis")
    program = Path(sys.executable).with_name("zippy-server")
    if not program.exists():
        missing("the console script zippy-server is not installed beside this interpreter")
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "--redis-exec", str(program), "--redis-port", str(free_port()), "test_it.py"]
    run = subprocess.run(command, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, timeout=100)
    assert "2 passed" in run.stdout, run.stdout + run.stderr
