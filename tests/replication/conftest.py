"""Fixtures of the tests of replication."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import missing
from tests.replication.servers import Node, Start, has


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """See Start."""
    nodes: list[Node] = []

    def begin(kind: str, *arguments: str) -> Node:
        if not has(kind):
            missing(f"there is no {kind} here")
        node = Node(kind, tmp_path / f"node{len(nodes)}", *arguments)
        nodes.append(node)
        return node

    yield begin
    for node in nodes:
        node.stop()
