"""Node's clients: ioredis and node-redis, and what socket.io does with them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.clients.install import cache_folder
from tests.clients.needs import needs_folder
from tests.needs import needs_program


@pytest.mark.parametrize("program", ["ioredis.mjs", "node_redis.mjs", "socket_io.mjs"])
def test_node(program: str, url: str, here: Path) -> None:
    """The program runs to its end."""
    node = needs_program("node")
    needs_folder("node_modules")
    port = url.rsplit(":", 1)[1].split("/")[0]
    environment = {**os.environ, "ZIPPY_CLIENTS": str(cache_folder())}
    run = subprocess.run([node, str(here / program), port], env=environment, capture_output=True, text=True, timeout=60)
    assert run.stdout.strip() == "ok", run.stdout + run.stderr
