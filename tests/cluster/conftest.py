"""Fixtures of the tests of clusters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.servers import ClusterServer, Start
from tests.needs import missing
from tests.replication.servers import has


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """See Start."""
    nodes: list[ClusterServer] = []

    def begin(kind: str, *arguments: str) -> ClusterServer:
        if not has(kind):
            missing(f"there is no {kind} here")
        node = ClusterServer(kind, tmp_path / f"node{len(nodes)}", *arguments)
        nodes.append(node)
        return node

    yield begin
    for node in nodes:
        node.stop()
