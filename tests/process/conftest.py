"""The mark of tests that need much memory or time."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """`-m "not alone"` leaves these out; with pytest-xdist, `--dist loadgroup` runs them one after another."""
    config.addinivalue_line("markers", "alone: needs gigabytes or thousands of files; not beside others of its kind")
    config.addinivalue_line("markers", "xdist_group(name): pytest-xdist's")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them into one group of pytest-xdist's."""
    for item in items:
        if item.get_closest_marker("alone"):
            item.add_marker(pytest.mark.xdist_group("alone"))
