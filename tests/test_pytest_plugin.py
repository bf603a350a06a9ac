"""The fixtures that zippy gives to other projects' tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

import zippy

USERS_TESTS = """
import asyncio
import pytest
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

@pytest.mark.zippy(maxmemory="7mb")
class TestSettings:
    @pytest.mark.zippy(databases=3)
    def test_nearest(self, zippy_client):
        wanted = {"databases": "3", "maxmemory": str(7 << 20)}
        assert zippy_client.config_get(*wanted) == wanted

seen = []

@pytest.mark.parametrize("times", range(2))
def test_session_engine(zippy_session_engine, zippy_engine, times):
    seen.append(zippy_session_engine)
    assert zippy_session_engine.execute("INCR", "tests") == len(seen)
    assert zippy_engine.execute("DBSIZE") == 0

def test_clock(zippy_clock, zippy_client):
    zippy_client.set("a", 1, ex=60)
    zippy_clock.advance(61)
    assert zippy_client.dbsize() == 0

def test_patch(zippy_patch, zippy_client):
    redis.Redis(port=1).set("a", 1)
    assert zippy_client.get("a") == b"1"

def test_patch_is_undone():
    with pytest.raises(redis.ConnectionError):
        redis.Redis(port=1).ping()

def test_connections_from_before(zippy_server, request):
    before = redis.Redis.from_url(zippy_server.url)
    before.set("before", 1)
    request.getfixturevalue("zippy_patch")
    assert before.get("before") == b"1"
    assert redis.Redis.from_url(zippy_server.url).get("before") is None
    before.flushall()

def test_faults(zippy_faults, zippy_client):
    zippy_faults.error("OOM x")
    with pytest.raises(redis.ResponseError, match="x"):
        zippy_client.set("a", 1)

def test_server_faults(zippy_server_faults, zippy_server):
    zippy_server_faults.error("OOM x", "SET")
    with pytest.raises(redis.ResponseError, match="x"):
        redis.Redis.from_url(zippy_server_faults.url).set("a", 1)
    assert redis.Redis.from_url(zippy_server.url).get("a") is None

def test_factory(zippy_server_factory):
    with zippy_server_factory(maxmemory="10mb", lazyfree_lazy_expire=True) as server:
        client = redis.Redis(server.host, server.port)
        assert client.config_get("maxmemory") == {"maxmemory": str(10 << 20)}
    with pytest.raises(redis.ConnectionError):
        client.ping()

def test_factory_says_what_is_wrong(zippy_server_factory):
    with pytest.raises(RuntimeError, match="maxmemory"):
        zippy_server_factory(maxmemory="much")

def test_server(zippy_server):
    assert redis.Redis.from_url(zippy_server.url).ping()
    assert redis.Redis(zippy_server.host, zippy_server.port).ping()
"""


def run_pytest(folder: Path, tests: str, plugins: Iterable[str] = (), options: Iterable[str] = ()) -> subprocess.CompletedProcess[str]:
    """Runs pytest in a folder with one file of tests, as another project would."""
    (folder / "test_users.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\n")
    # where zippy is not installed but built in place, the user's pytest has to find it too
    environment = {**os.environ, "PYTHONPATH": str(Path(zippy.__file__).parents[1]), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "zippy.pytest_plugin", "-p", "no:cacheprovider"]
    # the plugin of pytest-redis imports redis whether it is needed or not
    command += ["-p", "no:pytest_redis"]
    for plugin in plugins:
        command += ["-p", plugin]
    command += options
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100)


def test_fixtures(tmp_path: Path) -> None:
    """Each fixture does what its docstring says."""
    done = run_pytest(tmp_path, USERS_TESTS)
    assert "15 passed" in done.stdout, done.stdout + done.stderr


def test_side_by_side(tmp_path: Path) -> None:
    """The same in several processes of pytest-xdist."""
    pytest.importorskip("xdist")
    done = run_pytest(tmp_path, USERS_TESTS, ["xdist.plugin"], ["-n", "2"])
    assert "15 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["redis", "uvloop", "zippy._core"])
def test_nothing_is_imported_before_it_is_needed(tmp_path: Path, module: str) -> None:
    """A project that has zippy installed pays nothing in tests that don't use it."""
    done = run_pytest(tmp_path, f"import sys\ndef test_it(): assert {module!r} not in sys.modules\n")
    assert "1 passed" in done.stdout, done.stdout + done.stderr
