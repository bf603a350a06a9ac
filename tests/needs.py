"""What tests need that zippy does not bring: without it a test is skipped with the reason; where ZIPPY_CI is set it fails."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from typing import Any, NoReturn

import pytest
import redis


def missing(reason: str) -> NoReturn:
    """Skips the test or module; in CI everything has to be there, so there it fails."""
    if os.environ.get("ZIPPY_CI"):
        pytest.fail(f"CI has to have it: {reason}", pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def needs_package(name: str) -> None:
    """The Python package `name` can be imported."""
    if importlib.util.find_spec(name) is None:
        missing(f"the package {name} is not installed")


def package(name: str) -> Any:
    """The Python package `name`."""
    needs_package(name)
    return importlib.import_module(name)


def needs_program(name: str) -> str:
    """Where the program `name` is."""
    path = shutil.which(name)
    if path is None:
        missing(f"there is no {name} on this machine")
    return path


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
