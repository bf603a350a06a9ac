"""The fixtures that zippy gives to other projects' tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import zippy

USERS_TESTS = """
import asyncio
import redis

def test_client(zippy_client):
    assert zippy_client.dbsize() == 0
    zippy_client.set("a", 1)
    assert zippy_client.get("a") == b"1"

def test_each_test_has_its_own(zippy_client):
    assert zippy_client.dbsize() == 0

def test_async_client(zippy_async_client, zippy_client):
    async def use():
        await zippy_async_client.set("a", 2)
    asyncio.run(use())
    assert zippy_client.get("a") == b"2"

def test_server(zippy_server):
    assert redis.Redis.from_url(zippy_server.url).ping()
    assert redis.Redis(zippy_server.host, zippy_server.port).ping()
"""


def run_pytest(folder: Path, tests: str) -> subprocess.CompletedProcess[str]:
    """Runs pytest in a folder with one file of tests, as another project would."""
    (folder / "test_users.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\n")
    # where zippy is not installed but built in place, the user's pytest has to find it too
    environment = {**os.environ, "PYTHONPATH": str(Path(zippy.__file__).parents[1]), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "zippy.pytest_plugin", "-p", "no:cacheprovider", "-p", "no:xdist"]
    # the plugin of pytest-redis imports redis whether it is needed or not
    command += ["-p", "no:pytest_redis"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100)


def test_fixtures(tmp_path: Path) -> None:
    """Each fixture does what its docstring says."""
    done = run_pytest(tmp_path, USERS_TESTS)
    assert "4 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["redis", "uvloop", "zippy._core"])
def test_nothing_is_imported_before_it_is_needed(tmp_path: Path, module: str) -> None:
    """A project that has zippy installed pays nothing in tests that don't use it."""
    done = run_pytest(tmp_path, f"import sys\ndef test_it(): assert {module!r} not in sys.modules\n")
    assert "1 passed" in done.stdout, done.stdout + done.stderr
