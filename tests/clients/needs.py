"""What a test needs that zippy does not bring: without it the test is skipped with the reason, in CI it fails."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest
import redis

from tests.clients.install import cache_folder


def missing(reason: str) -> NoReturn:
    """Skips the test or module; where CI is set everything has to be there, so it fails."""
    if os.environ.get("CI"):
        pytest.fail(f"CI has to have it: {reason}", pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def needs_package(name: str) -> None:
    """The Python package `name` can be imported."""
    if importlib.util.find_spec(name) is None:
        missing(f"the package {name} is not installed (tests/clients/requirements.txt)")


def needs_program(name: str) -> str:
    """Where the program `name` is."""
    path = shutil.which(name)
    if path is None:
        missing(f"there is no {name} on this machine")
    return path


def needs_folder(name: str) -> Path:
    """The folder `name` of what tests/clients/install.py has installed."""
    folder = cache_folder() / name
    if not folder.is_dir():
        missing(f"{folder} is missing: run python -m tests.clients.install")
    return folder


def has_command(client: redis.Redis, name: str) -> bool:
    """Whether the server behind `client` knows the command `name`."""
    try:
        client.execute_command(name)
    except redis.ResponseError as error:
        return "unknown command" not in str(error)
    return True


def needs_command(client: redis.Redis, name: str, purpose: str) -> None:
    """Skips the test where the server does not know the command `name`."""
    if not has_command(client, name):
        pytest.skip(f"the server has no {name}, which is needed for {purpose}")
