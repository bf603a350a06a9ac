"""Node's clients: ioredis and node-redis, and what socket.io, BullMQ, rate-limiter-flexible and Redlock do with them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import redis

from tests.clients.install import cache_folder
from tests.clients.needs import needs_folder
from tests.needs import needs_command, needs_program


@pytest.mark.parametrize("program", ["ioredis.mjs", "node_redis.mjs", "socket_io.mjs"])
def test_node(program: str, url: str, here: Path) -> None:
    """The program runs to its end."""
    run_program(program, url, here)


@pytest.mark.parametrize("program", ["bullmq.mjs", "rate_limiter_flexible.mjs", "redlock.mjs"])
def test_scripts(program: str, url: str, here: Path) -> None:
    """So does what works by scripts."""
    with redis.Redis.from_url(url) as client:
        needs_command(client, "EVAL", program)
    run_program(program, url, here)


def run_program(program: str, url: str, here: Path) -> None:
    """Runs a program, which writes "ok" at its end."""
    node = needs_program("node")
    needs_folder("node_modules")
    port = url.rsplit(":", 1)[1].split("/")[0]
    environment = {**os.environ, "ZIPPY_CLIENTS": str(cache_folder())}
    run = subprocess.run([node, str(here / program), port], env=environment, capture_output=True, text=True, timeout=100)
    assert run.stdout.strip() == "ok", run.stdout + run.stderr
