"""What the tests of clients need: the folders that tests/clients/install.py makes."""

from __future__ import annotations

from pathlib import Path

from tests.clients.install import cache_folder
from tests.needs import missing


def needs_folder(name: str) -> Path:
    """The folder `name` of what tests/clients/install.py has installed."""
    folder = cache_folder() / name
    if not folder.is_dir():
        missing(f"{folder} is missing: run python -m tests.clients.install")
    return folder
