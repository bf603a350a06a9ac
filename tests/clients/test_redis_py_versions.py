"""The tests of redis-py with other versions of it, each with hiredis and with its own parser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.install import REDIS_PY
from tests.clients.needs import needs_folder
from tests.conftest import given_address
from tests.needs import needs_package

TESTS = ("test_redis_py.py", "test_redis_py_asyncio.py", "../testing/test_patch.py")
SAY_WHAT_RUNS = "import redis, redis.utils; print(redis.__version__, bool(redis.utils.HIREDIS_AVAILABLE))"


@pytest.mark.parametrize("parser", ["hiredis", "python"])
@pytest.mark.parametrize("version", REDIS_PY)
def test_version(version: str, parser: str, here: Path, request: pytest.FixtureRequest) -> None:
    """The same tests, in an interpreter that finds that redis-py first."""
    folders = [str(needs_folder(f"redis-{version}"))]
    if parser == "hiredis":
        needs_package("hiredis")
    else:
        folders.append(str(here / "without_hiredis"))
    before = os.environ.get("PYTHONPATH")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*folders, before] if before else folders)}
    said = subprocess.run([sys.executable, "-c", SAY_WHAT_RUNS], env=environment, capture_output=True, text=True, timeout=60)
    assert said.stdout.split() == [version, str(parser == "hiredis")], said.stderr
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", *(str(here / name) for name in TESTS)]
    given = given_address(request.config)
    command += [] if given is None else ["--host", given[0], "--port", str(given[1])]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[:8000]
