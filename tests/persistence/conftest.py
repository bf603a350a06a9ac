"""What tests of the append-only file begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers import ServerProcess, StartServer


@pytest.fixture
def start(start_server: StartServer) -> StartServer:
    """start(*options, folder=...): zippy with a log that holds what was answered."""

    def begin(*args: str, folder: Path) -> ServerProcess:
        return start_server("--appendonly", "yes", "--appendfsync", "always", *args, folder=folder)

    return begin
